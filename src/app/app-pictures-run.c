/* app-pictures-run.c: what a run means to the page: view, title, notification, inhibition
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

#define FADE_FROM 0.25 /* seconds a step from which previews fade instead of cutting */

static AppCanvasChange
step_change (AppJob *job)
{
  return app_job_get_seconds_per_step (job) >= FADE_FROM ? APP_CANVAS_FADE
                                                         : APP_CANVAS_CUT;
}

/* The live job as it is now, or at the step where the time line stands. */
static void
show_job (AppPicturesPage *self, AppJob *job, AppCanvasChange change)
{
  const SdParams *params = app_job_get_params (job);
  AppScrubber *scrubber = app_stage_get_scrubber (self->stage);
  guint position = app_scrubber_get_position (scrubber);
  gboolean at_end = app_scrubber_is_live (scrubber) || position == 0;
  GdkTexture *texture = at_end ? app_job_get_picture (job, 0) : NULL;

  if (params->batch > 1)
    {
      if (app_job_get_step (job) > 0)
        app_stage_show_sheet (self->stage, job, at_end ? 0 : position);
      return;
    }
  if (texture == NULL)
    texture = app_job_get_preview (job, 0, at_end ? app_job_get_step (job) : position);
  /* Until the first preview the old picture stays. */
  if (texture != NULL)
    app_stage_show_picture (self->stage, texture, params->width, params->height, change);
}

static AppPicture *
tile_of (AppPicturesPage *self, AppJob *job, guint index)
{
  GListModel *history = app_session_get_history (self->session);

  for (guint i = 0; i < g_list_model_get_n_items (history); i++)
    {
      g_autoptr (AppPicture) picture = g_list_model_get_item (history, i);

      if (app_picture_get_job (picture) == job
          && app_picture_get_index (picture) == index)
        return picture; /* the list keeps it */
    }
  return NULL;
}

static void
on_step (AppJob *job, guint step, AppPicturesPage *self)
{
  AppWindow *window = app_pictures_window (self);
  double all = app_job_get_n_steps (job) + 1.0; /* decoding counts as one more */

  if (self->following && app_scrubber_is_live (app_stage_get_scrubber (self->stage)))
    show_job (self, job, step_change (job));
  if (window != NULL)
    app_window_set_progress (window, step / all);
}

static void
on_sharpened (AppJob *job, guint step, AppPicturesPage *self)
{
  if (self->following
      && app_scrubber_get_position (app_stage_get_scrubber (self->stage)) == step)
    show_job (self, job, APP_CANVAS_CUT);
}

static void
on_picture (AppJob *job, guint index, AppPicturesPage *self)
{
  AppPicture *tile = tile_of (self, job, index);

  if (!self->following)
    return;
  if (tile != NULL)
    {
      app_picture_set_seen (tile, TRUE);
      app_session_set_shown (self->session, tile);
      app_history_select (self->history, tile);
    }
  show_job (self, job, APP_CANVAS_DEVELOP);
}

static void
on_warned (AppJob *job, AppPicturesPage *self)
{
  const char *const *warnings = app_job_get_warnings (job);
  AppWindow *window = app_pictures_window (self);

  if (window != NULL && warnings != NULL && warnings[0] != NULL)
    app_window_toast (window, warnings[0], NULL, NULL);
}

/* Lasting: without a device nothing can be made until something is installed. */
static void
show_device_fault (AppPicturesPage *self, AppJob *job)
{
  const GError *error = app_job_get_error (job);
  AppWindow *window = app_pictures_window (self);

  if (error == NULL || window == NULL
      || !g_error_matches (error, GPU_ERROR, GPU_ERROR_NO_DEVICE))
    return;
  app_window_set_banner (window, error->message, NULL, NULL);
  app_stage_set_empty (self->stage, _ ("No Device to Compute On"), error->message);
}

/* What follows in the queue keeps the machine awake too. */
static gboolean
has_work (AppPicturesPage *self)
{
  GPtrArray *jobs = app_session_get_jobs (self->session);

  for (guint i = 0; i < jobs->len; i++)
    {
      AppJobState state = app_job_get_state (jobs->pdata[i]);

      if (state == APP_JOB_RUNNING || state == APP_JOB_WAITING)
        return TRUE;
    }
  return FALSE;
}

static void
on_discarded (AppJob *job, AppPicturesPage *self)
{
  g_signal_handlers_disconnect_by_data (job, self);
  if (job == self->live)
    {
      g_clear_object (&self->live);
      app_stage_set_job (self->stage, NULL);
      if (app_session_get_shown (self->session) != NULL)
        app_pictures_show (self, app_session_get_shown (self->session));
    }
  app_pictures_set_inhibited (self, has_work (self));
  app_pictures_update_actions (self);
}

static void
on_state (AppJob *job, AppPicturesPage *self)
{
  AppJobState state = app_job_get_state (job);
  AppWindow *window = app_pictures_window (self);

  app_pictures_set_inhibited (self, has_work (self));
  if (state == APP_JOB_RUNNING)
    {
      /* What runs is what the time line is about, unless the user looks elsewhere. */
      g_set_object (&self->live, job);
      if (self->following)
        app_stage_set_job (self->stage, job);
      app_stage_set_empty (self->stage, _ ("The Picture Is Being Made"),
                           _ ("It appears here as soon as its first step is done."));
      app_worker_sharpen (app_worker_get (), NULL);
    }
  else if (state != APP_JOB_WAITING && window != NULL)
    app_window_set_progress (window, -1);
  if (state == APP_JOB_DONE)
    app_pictures_notify (self, job);
  if ((state == APP_JOB_DONE || state == APP_JOB_STOPPED) && self->live == job)
    app_worker_sharpen (app_worker_get (), job);
  if (state == APP_JOB_FAILED)
    show_device_fault (self, job);
  app_pictures_update_actions (self);
}

void
app_pictures_show_live (AppPicturesPage *self)
{
  self->following = TRUE;
  if (self->live == NULL)
    return;
  app_stage_set_job (self->stage, self->live);
  app_history_select (self->history, tile_of (self, self->live, 0));
  show_job (self, self->live, APP_CANVAS_CUT);
}

static void
on_step_chosen (AppStage *stage, guint step, AppPicturesPage *self)
{
  if (self->live != NULL)
    show_job (self, self->live, APP_CANVAS_CUT);
}

void
app_pictures_watch (AppPicturesPage *self, AppJob *job)
{
  g_signal_connect_object (job, "step", G_CALLBACK (on_step), self, 0);
  g_signal_connect_object (job, "sharpened", G_CALLBACK (on_sharpened), self, 0);
  g_signal_connect_object (job, "picture", G_CALLBACK (on_picture), self, 0);
  g_signal_connect_object (job, "state-changed", G_CALLBACK (on_state), self, 0);
  g_signal_connect_object (job, "warned", G_CALLBACK (on_warned), self, 0);
  g_signal_connect_object (job, "discarded", G_CALLBACK (on_discarded), self, 0);
  /* What runs, or will run before this one, keeps the time line. */
  AppJobState now = self->live != NULL ? app_job_get_state (self->live) : APP_JOB_DONE;
  if (now != APP_JOB_RUNNING && now != APP_JOB_WAITING)
    {
      g_set_object (&self->live, job);
      self->following = TRUE;
      app_stage_set_job (self->stage, job);
    }
  if (g_signal_handler_find (self->stage, G_SIGNAL_MATCH_FUNC | G_SIGNAL_MATCH_DATA, 0, 0,
                             NULL, on_step_chosen, self)
      == 0)
    g_signal_connect_object (self->stage, "step-chosen", G_CALLBACK (on_step_chosen),
                             self, 0);
}

void
app_pictures_unwatch (AppPicturesPage *self)
{
  app_pictures_set_inhibited (self, FALSE);
  g_clear_object (&self->live);
}
