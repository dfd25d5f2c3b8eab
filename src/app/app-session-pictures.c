/* app-session-pictures.c: the jobs of a session and the pictures they made
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-session-private.h"

#include "app/app-worker.h"

/* Seconds; longer than the message with Undo stands, unless the pointer rests on it for
 * long. */
#define TRASH_AFTER 30
#define KEEP_PROMPTS 100

/* ---- jobs and their tiles ---- */

static void
forget_job (AppSession *self, AppJob *job)
{
  if (g_ptr_array_remove (self->jobs, job))
    g_signal_emit (self, app_session_signals[APP_SESSION_JOBS_CHANGED], 0);
}

static void
on_job_state (AppJob *job, AppSession *self)
{
  AppJobState state = app_job_get_state (job);

  if (state == APP_JOB_DONE)
    forget_job (self, job);
  else
    g_signal_emit (self, app_session_signals[APP_SESSION_JOBS_CHANGED], 0);
  if (state == APP_JOB_WAITING || state == APP_JOB_RUNNING)
    app_session_touch (self);
  else
    app_session_write (self);
}

static void
on_job_picture (AppJob *job, guint picture, AppSession *self)
{
  app_session_write (self); /* at once: the file is there already */
}

static void
on_job_discarded (AppJob *job, AppSession *self)
{
  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->history)); i-- > 0;)
    {
      g_autoptr (AppPicture) picture
          = g_list_model_get_item (G_LIST_MODEL (self->history), i);

      if (app_picture_get_job (picture) == job && app_picture_get_path (picture) == NULL)
        g_list_store_remove (self->history, i);
    }
  g_signal_handlers_disconnect_by_data (job, self);
  forget_job (self, job);
  app_session_touch (self);
}

void
app_session_watch_job (AppSession *self, AppJob *job)
{
  g_ptr_array_add (self->jobs, g_object_ref (job));
  g_signal_connect_object (job, "state-changed", G_CALLBACK (on_job_state), self, 0);
  g_signal_connect_object (job, "picture", G_CALLBACK (on_job_picture), self, 0);
  g_signal_connect_object (job, "discarded", G_CALLBACK (on_job_discarded), self, 0);
  for (guint i = app_job_get_params (job)->batch; i-- > 0;)
    {
      g_autoptr (AppPicture) tile = app_picture_new_for_job (job, i);

      g_list_store_insert (self->history, 0, tile);
    }
}

AppJob *
app_session_generate (AppSession *self, gboolean next_seed)
{
  g_autoptr (SdParams) params = NULL;
  g_autoptr (AppJob) job = NULL;

  g_return_val_if_fail (self->params != NULL && self->model_path != NULL, NULL);

  params = sd_params_copy (self->params);
  if (next_seed)
    params->seed += params->batch;
  else if (!self->seed_locked)
    params->seed = g_random_int (); /* 32 bits, as elsewhere: it can be read and typed */
  app_session_edit (self, "seed", params);
  if (params->prompt[0] != '\0'
      && g_strcmp0 (app_session_prompt (self, 0), params->prompt) != 0)
    {
      g_ptr_array_insert (self->prompts, 0, g_strdup (params->prompt));
      if (self->prompts->len > KEEP_PROMPTS)
        g_ptr_array_set_size (self->prompts, KEEP_PROMPTS);
    }
  job = app_job_new (self->model_path, params, NULL);
  app_session_watch_job (self, job);
  app_worker_submit (app_worker_get (), job);
  g_signal_emit (self, app_session_signals[APP_SESSION_JOBS_CHANGED], 0);
  app_session_write (self);
  return job;
}

GPtrArray *
app_session_get_jobs (AppSession *self)
{
  return self->jobs;
}

/* ---- history ---- */

GListModel *
app_session_get_history (AppSession *self)
{
  return G_LIST_MODEL (self->history);
}

void
app_session_set_shown (AppSession *self, AppPicture *picture)
{
  if (self->shown == picture)
    return;
  if (self->shown != NULL)
    app_picture_forget_texture (self->shown);
  g_set_object (&self->shown, picture);
  if (picture != NULL)
    app_picture_set_seen (picture, TRUE);
  app_session_touch (self);
}

AppPicture *
app_session_get_shown (AppSession *self)
{
  return self->shown;
}

AppPicture *
app_session_untrash (AppSession *self)
{
  AppPicture *picture = self->trashed;

  if (picture == NULL)
    return NULL;
  g_clear_handle_id (&self->trash_source, g_source_remove);
  g_list_store_insert (
      self->history,
      MIN (self->trashed_at, g_list_model_get_n_items (G_LIST_MODEL (self->history))),
      picture);
  g_clear_object (&self->trashed);
  app_session_touch (self);
  return picture; /* the history keeps it */
}

void
app_session_trash_now (AppSession *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = NULL;

  g_clear_handle_id (&self->trash_source, g_source_remove);
  if (self->trashed == NULL)
    return;
  file = g_file_new_for_path (app_picture_get_path (self->trashed));
  if (!g_file_trash (file, NULL, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      app_session_untrash (self);
      g_signal_emit (self, app_session_signals[APP_SESSION_TRASH_FAILED], 0,
                     error->message);
      return;
    }
  g_clear_object (&self->trashed);
}

static gboolean
on_trash_time (gpointer data)
{
  AppSession *self = data;

  self->trash_source = 0;
  app_session_trash_now (self);
  return G_SOURCE_REMOVE;
}

void
app_session_trash (AppSession *self, AppPicture *picture)
{
  guint position;

  if (app_picture_get_path (picture) == NULL
      || !g_list_store_find (self->history, picture, &position))
    return;
  app_session_trash_now (self); /* the one before can no longer be brought back */
  self->trashed = g_object_ref (picture);
  self->trashed_at = position;
  g_list_store_remove (self->history, position);
  self->trash_source = g_timeout_add_seconds (TRASH_AFTER, on_trash_time, self);
  app_session_touch (self);
}
