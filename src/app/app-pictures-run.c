/* app-pictures-run.c: what a run means to the page: view, title, notification, inhibition
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

#define FADE_FROM 0.25 /* seconds a step from which previews fade instead of cutting */
#define STEPS_BUDGET ((gsize) 512 << 20) /* bytes for the steps of finished pictures */

static AppCanvasChange
step_change (AppJob *job)
{
  return app_job_get_seconds_per_step (job) >= FADE_FROM ? APP_CANVAS_FADE
                                                         : APP_CANVAS_CUT;
}

static gboolean
is_active (AppJob *job)
{
  return job != NULL
         && (app_job_get_state (job) == APP_JOB_RUNNING
             || app_job_get_state (job) == APP_JOB_WAITING);
}

static AppScrubber *
scrubber_of (AppPicturesPage *self)
{
  return app_foot_get_scrubber (app_stage_get_foot (self->stage));
}

static void
on_step (AppJob *job, guint step, AppPicturesPage *self)
{
  AppWindow *window = app_pictures_window (self);
  double all = app_job_get_n_steps (job) + 1.0; /* decoding counts as one more */

  if (self->following && job == self->live && app_scrubber_is_live (scrubber_of (self)))
    app_pictures_show (self, step_change (job));
  if (window != NULL)
    app_window_set_progress (window, step / all);
}

static void
on_sharpened (AppJob *job, guint step, AppPicturesPage *self)
{
  guint at = app_scrubber_get_position (scrubber_of (self));

  if (job == app_pictures_viewed_job (self) && (at == step || at == 0))
    app_pictures_show (self, APP_CANVAS_CUT);
}

static void
on_picture (AppJob *job, guint index, AppPicturesPage *self)
{
  AppPicture *tile = app_pictures_tile_of (self, job, index);

  if (job != app_pictures_viewed_job (self))
    {
      app_pictures_update_actions (self);
      return;
    }
  if (tile != NULL)
    app_picture_set_seen (tile, TRUE);
  if (tile != NULL && index == 0)
    app_history_select (self->history, tile);
  app_pictures_show (self, APP_CANVAS_DEVELOP);
}

static void
on_warned (AppJob *job, AppPicturesPage *self)
{
  const char *const *warnings = app_job_get_warnings (job);
  AppWindow *window = app_pictures_window (self);
  guint n = warnings != NULL ? g_strv_length ((char **) warnings) : 0;

  /* What stands under the prompt already is not said again over the picture. */
  if (window == NULL || n == 0
      || (!self->narrow && n <= app_form_n_captions (self->form)))
    return;
  app_window_toast (window, warnings[n - 1], NULL, NULL);
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
  gboolean seen = job == app_pictures_viewed_job (self);

  g_signal_handlers_disconnect_by_data (job, self);
  if (job == self->live)
    {
      g_clear_object (&self->live);
      app_foot_set_run (app_stage_get_foot (self->stage), NULL);
    }
  if (self->reference != NULL && app_picture_get_job (self->reference) == job)
    app_pictures_set_reference (self, NULL, NULL);
  if (seen)
    app_pictures_choose_at (self, 0);
  app_pictures_set_inhibited (self, has_work (self));
  app_pictures_update_actions (self);
}

/* The steps of a day's pictures would fill the memory: the oldest pictures go back to
 * being files. */
static void
forget_old_steps (AppPicturesPage *self)
{
  GListModel *history = app_session_get_history (self->session);
  gsize bytes = 0;

  for (guint i = 0; i < g_list_model_get_n_items (history); i++)
    {
      g_autoptr (AppPicture) picture = g_list_model_get_item (history, i);
      AppJob *job = app_picture_get_job (picture);

      if (job == NULL || app_job_get_state (job) != APP_JOB_DONE)
        continue;
      bytes += app_job_get_bytes (job) / app_job_get_params (job)->batch;
      if (bytes > STEPS_BUDGET && job != app_pictures_viewed_job (self)
          && job != self->live)
        app_picture_forget_job (picture);
    }
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
      app_stage_set_empty (self->stage, _ ("The Picture Is Being Made"),
                           _ ("It appears here as soon as its first step is done."));
      app_worker_sharpen (app_worker_get (), NULL);
      app_foot_set_run (app_stage_get_foot (self->stage), job);
      if (self->following)
        app_pictures_follow (self);
    }
  else if (state != APP_JOB_WAITING && window != NULL)
    app_window_set_progress (window, -1);
  if (state == APP_JOB_DONE)
    {
      app_pictures_notify (self, job);
      forget_old_steps (self);
    }
  if ((state == APP_JOB_DONE || state == APP_JOB_STOPPED)
      && job == app_pictures_viewed_job (self))
    app_worker_sharpen (app_worker_get (), job);
  if (state == APP_JOB_FAILED)
    show_device_fault (self, job);
  app_pictures_update_actions (self);
}

void
app_pictures_make_live (AppPicturesPage *self, AppJob *job)
{
  /* What runs, or will run before this one, keeps the time line. */
  if (is_active (self->live))
    return;
  g_set_object (&self->live, job);
  app_foot_set_run (app_stage_get_foot (self->stage), job);
  app_pictures_follow (self);
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
  app_pictures_make_live (self, job);
}

void
app_pictures_unwatch (AppPicturesPage *self)
{
  app_pictures_set_inhibited (self, FALSE);
  g_clear_object (&self->live);
  g_clear_object (&self->sheet);
}
