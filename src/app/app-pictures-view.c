/* app-pictures-view.c: what the picture's place shows
 *
 * Either the view follows what is live, or it keeps what the user chose; only the user
 * changes that. Three things can be looked at: a run (its newest preview, or the step
 * where the time line stands), the contact sheet of a run of several pictures, or one
 * picture of the history, with its steps where they are still kept. What the actions act
 * on is always what is seen: the session's shown picture is NULL on a contact sheet.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

static gboolean
is_over (AppJob *job)
{
  return app_job_get_state (job) == APP_JOB_DONE;
}

AppPicture *
app_pictures_tile_of (AppPicturesPage *self, AppJob *job, guint index)
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

AppJob *
app_pictures_viewed_job (AppPicturesPage *self)
{
  AppPicture *shown = app_session_get_shown (self->session);

  if (self->following && self->live != NULL)
    return self->live;
  if (self->sheet != NULL)
    return self->sheet;
  return shown != NULL ? app_picture_get_job (shown) : NULL;
}

/* ---- comparing ---- */

static void
update_line (AppPicturesPage *self)
{
  AppPicture *shown = app_session_get_shown (self->session);
  g_autoptr (ImageMeta) from = NULL, to = NULL;
  g_autofree char *line = NULL;

  /* While something is pinned the line stays, lest the picture moves with every flip. */
  if (self->reference == NULL)
    {
      app_foot_set_line (app_stage_get_foot (self->stage), NULL);
      return;
    }
  if (shown != NULL && shown != self->reference)
    {
      from = app_pictures_meta_of (self->reference);
      to = app_pictures_meta_of (shown);
    }
  if (from != NULL && to != NULL)
    line = app_pictures_differences (from, to);
  else if (shown == self->reference)
    line = g_strdup (_ ("Pinned: hold Space on another picture to see this one"));
  app_foot_set_line (app_stage_get_foot (self->stage), line != NULL ? line : "");
}

void
app_pictures_set_reference (AppPicturesPage *self,
                            AppPicture *picture,
                            GdkTexture *texture)
{
  if (self->reference != NULL)
    app_picture_set_pinned (self->reference, FALSE);
  g_set_object (&self->reference, picture);
  if (picture != NULL)
    app_picture_set_pinned (picture, TRUE);
  app_canvas_set_reference (app_stage_get_canvas (self->stage), texture);
  update_line (self);
}

/* ---- showing ---- */

static void
describe (AppPicturesPage *self, AppPicture *picture)
{
  g_autoptr (ImageMeta) meta = picture != NULL ? app_pictures_meta_of (picture) : NULL;

  gtk_accessible_update_property (
      GTK_ACCESSIBLE (app_stage_get_canvas (self->stage)),
      GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
      meta != NULL && meta->prompt != NULL ? meta->prompt : "", -1);
}

static void
set_shown (AppPicturesPage *self, AppPicture *picture)
{
  app_session_set_shown (self->session, picture);
  update_line (self);
  describe (self, picture);
  app_pictures_update_actions (self);
}

/* The step where the time line stands, 0: the finished pictures, or the newest preview.
 */
static guint
chosen_step (AppPicturesPage *self)
{
  AppScrubber *scrubber = app_foot_get_scrubber (app_stage_get_foot (self->stage));

  return app_scrubber_is_live (scrubber) ? 0 : app_scrubber_get_position (scrubber);
}

static GdkTexture *
texture_of (AppJob *job, guint index, guint step)
{
  GdkTexture *texture = step == 0 ? app_job_get_picture (job, index) : NULL;

  if (texture == NULL)
    texture = app_job_get_preview (job, index, step == 0 ? app_job_get_step (job) : step);
  return texture;
}

static void
show_sheet (AppPicturesPage *self, AppJob *job)
{
  if (texture_of (job, 0, 0) == NULL)
    return; /* until the first previews what is there stays */
  app_stage_show_sheet (self->stage, job, chosen_step (self));
  set_shown (self, NULL);
}

static void
show_step (AppPicturesPage *self, AppJob *job, guint index, AppCanvasChange change)
{
  const SdParams *params = app_job_get_params (job);
  GdkTexture *texture = texture_of (job, index, chosen_step (self));
  guint width, height;

  if (texture == NULL)
    return;
  sd_params_result_size (params, &width, &height);
  app_stage_show_picture (self->stage, texture, width, height, change);
  set_shown (self, app_pictures_tile_of (self, job, index));
}

/* A picture of which only the file is left. */
static void
show_saved (AppPicturesPage *self, AppPicture *picture)
{
  GdkTexture *texture = app_picture_get_texture (picture);

  if (texture != NULL)
    app_stage_show_picture (self->stage, texture, (guint) gdk_texture_get_width (texture),
                            (guint) gdk_texture_get_height (texture), APP_CANVAS_CUT);
  else if (app_picture_get_fault (picture) != NULL)
    {
      app_stage_set_empty (self->stage, _ ("This Picture Cannot Be Read"),
                           app_picture_get_fault (picture));
      app_stage_show_picture (self->stage, NULL, 0, 0, APP_CANVAS_CUT);
    }
  update_line (self);
  describe (self, picture);
  app_pictures_update_actions (self);
}

static void
show_nothing (AppPicturesPage *self)
{
  app_stage_set_empty (self->stage, _ ("No Picture Yet"),
                       _ ("Write what it should show, and press Generate."));
  app_stage_show_picture (self->stage, NULL, 0, 0, APP_CANVAS_CUT);
}

void
app_pictures_show (AppPicturesPage *self, AppCanvasChange change)
{
  AppPicture *shown = app_session_get_shown (self->session);
  AppJob *job = app_pictures_viewed_job (self);
  gboolean whole = self->following || self->sheet != NULL;
  guint index = whole || shown == NULL ? 0 : app_picture_get_index (shown);

  if (app_mode_is_editing (self))
    return; /* the source is seen; nothing takes its place */
  app_foot_set_job (app_stage_get_foot (self->stage), job, index);
  if (job != NULL && whole && app_job_get_params (job)->batch > 1)
    show_sheet (self, job);
  else if (job != NULL)
    show_step (self, job, index, change);
  else if (shown != NULL)
    show_saved (self, shown);
  else
    {
      show_nothing (self);
      set_shown (self, NULL);
    }
  if (job != NULL && app_worker_get_running (app_worker_get ()) == NULL)
    app_worker_sharpen (app_worker_get (), job);
}

static void
on_shown_changed (AppPicture *picture, AppPicturesPage *self)
{
  if (picture == app_session_get_shown (self->session)
      && app_picture_get_job (picture) == NULL && !app_mode_is_editing (self))
    show_saved (self, picture);
}

/* Until a file is read, its pinned pixels are not there. */
static void
on_reference_changed (AppPicture *picture, AppPicturesPage *self)
{
  AppCanvas *canvas = app_stage_get_canvas (self->stage);

  if (picture == self->reference && !app_canvas_has_reference (canvas))
    app_canvas_set_reference (canvas, app_picture_get_texture (picture));
  update_line (self);
}

static void
listen (AppPicturesPage *self, AppPicture *picture, GCallback callback)
{
  g_signal_handlers_disconnect_by_func (picture, callback, self);
  g_signal_connect_object (picture, "changed", callback, self, 0);
}

void
app_pictures_choose (AppPicturesPage *self, AppPicture *picture)
{
  AppJob *job = picture != NULL ? app_picture_get_job (picture) : NULL;
  gboolean many = job != NULL && app_job_get_params (job)->batch > 1;

  app_mode_leave (self, FALSE);
  self->following = job != NULL && job == self->live && (!many || !is_over (job));
  g_set_object (&self->sheet, (many && !is_over (job) ? job : NULL));
  app_session_set_shown (self->session, self->sheet == NULL ? picture : NULL);
  if (picture != NULL && job == NULL)
    listen (self, picture, G_CALLBACK (on_shown_changed));
  app_history_select (self->history, picture);
  app_pictures_show (self, APP_CANVAS_CUT);
}

void
app_pictures_follow (AppPicturesPage *self)
{
  AppPicture *tile
      = self->live != NULL ? app_pictures_tile_of (self, self->live, 0) : NULL;

  app_mode_leave (self, FALSE);
  self->following = TRUE;
  g_set_object (&self->sheet, NULL);
  if (tile != NULL)
    app_history_select (self->history, tile);
  app_pictures_show (self, APP_CANVAS_CUT);
}

static void
on_selected (AppHistory *history, AppPicture *picture, AppPicturesPage *self)
{
  app_pictures_choose (self, picture);
}

static void
on_sheet_chosen (AppStage *stage, guint index, AppPicturesPage *self)
{
  AppJob *job = app_pictures_viewed_job (self);
  AppPicture *tile = job != NULL ? app_pictures_tile_of (self, job, index) : NULL;

  if (tile != NULL && app_picture_get_path (tile) != NULL)
    app_pictures_choose (self, tile);
}

static void
on_step_chosen (AppStage *stage, guint step, AppPicturesPage *self)
{
  app_pictures_show (self, APP_CANVAS_CUT);
}

/* What was pinned when the session was left still is. */
static void
restore_reference (AppPicturesPage *self)
{
  GListModel *history = app_session_get_history (self->session);

  for (guint i = 0; i < g_list_model_get_n_items (history); i++)
    {
      g_autoptr (AppPicture) picture = g_list_model_get_item (history, i);

      if (!app_picture_get_pinned (picture))
        continue;
      if (self->reference != NULL)
        {
          app_picture_set_pinned (picture, FALSE);
          continue;
        }
      listen (self, picture, G_CALLBACK (on_reference_changed));
      app_pictures_set_reference (self, picture, app_picture_get_texture (picture));
    }
}

void
app_pictures_start_view (AppPicturesPage *self)
{
  GPtrArray *jobs = app_session_get_jobs (self->session);
  AppPicture *shown = app_session_get_shown (self->session);

  g_signal_connect (self->history, "selected", G_CALLBACK (on_selected), self);
  g_signal_connect (self->stage, "sheet-chosen", G_CALLBACK (on_sheet_chosen), self);
  g_signal_connect (self->stage, "step-chosen", G_CALLBACK (on_step_chosen), self);
  show_nothing (self);
  /* A session that was cut off: what was running or waiting stands as stopped. */
  for (guint i = 0; i < jobs->len; i++)
    app_pictures_watch (self, jobs->pdata[i]);
  self->unfinished = jobs->len;
  restore_reference (self);
  if (shown != NULL)
    app_pictures_choose (self, shown);
  else
    app_pictures_follow (self);
}
