/* app-session.c: see app-session.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-session-private.h"

#include "app/app-worker.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define WRITE_AFTER 1 /* seconds after an edit */
#define TRASH_AFTER 8
#define KEEP_UNDO 200
#define KEEP_PROMPTS 100
#define SAME_EDIT (2 * G_USEC_PER_SEC)

struct _AppSession
{
  GObject parent_instance;

  char *path;
  gboolean first, seed_locked;
  char *model_path;
  SdParams *params, *defaults;
  GPtrArray *undo, *redo; /* SdParams */
  const char *last_field; /* interned */
  gint64 last_edit;
  GPtrArray *prompts; /* newest first */
  GPtrArray *jobs;    /* AppJob */
  GListStore *history;
  AppPicture *shown, *trashed;
  guint trashed_at, write_source, trash_source;
  gboolean writing, write_again;
};

G_DEFINE_TYPE (AppSession, app_session, G_TYPE_OBJECT)

enum
{
  SIGNAL_PARAMS_CHANGED,
  SIGNAL_MODEL_CHANGED,
  SIGNAL_JOBS_CHANGED,
  SIGNAL_TRASH_FAILED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

/* Journals that windows of this process have open. */
static GHashTable *open_paths;

/* ---- the journal ---- */

static AppJournal *
take_journal (AppSession *self)
{
  AppJournal *journal = app_journal_new ();
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->history));

  journal->model_path = g_strdup (self->model_path);
  journal->params = self->params != NULL ? sd_params_copy (self->params) : NULL;
  journal->seed_locked = self->seed_locked;
  for (guint i = 0; i < self->prompts->len; i++)
    g_ptr_array_add (journal->prompts, g_strdup (self->prompts->pdata[i]));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (AppPicture) picture
          = g_list_model_get_item (G_LIST_MODEL (self->history), i);

      if (app_picture_get_path (picture) != NULL)
        app_journal_add_picture (journal, app_picture_get_path (picture),
                                 app_picture_get_pinned (picture));
    }
  for (guint i = 0; i < self->jobs->len; i++)
    {
      AppJob *job = self->jobs->pdata[i];

      app_journal_add_job (journal, app_job_get_model_path (job),
                           app_job_get_params (job), app_job_get_run_state (job));
    }
  if (self->shown != NULL)
    journal->shown = g_strdup (app_picture_get_path (self->shown));
  return journal;
}

static void write_now (AppSession *self);

static void
write_thread (GTask *task, gpointer source, gpointer journal, GCancellable *cancellable)
{
  AppSession *self = source;
  GError *error = NULL;

  if (app_journal_write (journal, self->path, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  AppSession *self = APP_SESSION (source);
  g_autoptr (GError) error = NULL;

  self->writing = FALSE;
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_warning ("the session could not be kept: %s", error->message);
  if (self->write_again)
    write_now (self);
}

static void
write_now (AppSession *self)
{
  g_autoptr (GTask) task = NULL;

  self->write_again = self->writing;
  if (self->writing || self->path == NULL)
    return;
  self->writing = TRUE;
  task = g_task_new (self, NULL, on_written, NULL);
  g_task_set_task_data (task, take_journal (self), (GDestroyNotify) app_journal_free);
  g_task_run_in_thread (task, write_thread);
}

static gboolean
on_write_time (gpointer data)
{
  AppSession *self = data;

  self->write_source = 0;
  write_now (self);
  return G_SOURCE_REMOVE;
}

static void
changed (AppSession *self)
{
  if (self->path != NULL && self->write_source == 0)
    self->write_source = g_timeout_add_seconds (WRITE_AFTER, on_write_time, self);
}

void
app_session_flush (AppSession *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AppJournal) journal = NULL;

  g_clear_handle_id (&self->write_source, g_source_remove);
  /* A write under way holds older news under the same temporary name: let it finish. */
  while (self->writing)
    g_main_context_iteration (NULL, TRUE);
  if (self->path == NULL)
    return;
  journal = take_journal (self);
  if (!app_journal_write (journal, self->path, &error))
    g_warning ("the session could not be kept: %s", error->message);
}

/* ---- jobs and their tiles ---- */

static void
forget_job (AppSession *self, AppJob *job)
{
  if (g_ptr_array_remove (self->jobs, job))
    g_signal_emit (self, signals[SIGNAL_JOBS_CHANGED], 0);
}

static void
on_job_state (AppJob *job, AppSession *self)
{
  if (app_job_get_state (job) == APP_JOB_DONE)
    forget_job (self, job);
  else
    g_signal_emit (self, signals[SIGNAL_JOBS_CHANGED], 0);
  changed (self);
}

static void
on_job_picture (AppJob *job, guint picture, AppSession *self)
{
  changed (self);
}

static void
watch_job (AppSession *self, AppJob *job)
{
  g_ptr_array_add (self->jobs, g_object_ref (job));
  g_signal_connect_object (job, "state-changed", G_CALLBACK (on_job_state), self, 0);
  g_signal_connect_object (job, "picture", G_CALLBACK (on_job_picture), self, 0);
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
  watch_job (self, job);
  app_worker_submit (app_worker_get (), job);
  g_signal_emit (self, signals[SIGNAL_JOBS_CHANGED], 0);
  write_now (self);
  return job;
}

GPtrArray *
app_session_get_jobs (AppSession *self)
{
  return self->jobs;
}

void
app_session_discard (AppSession *self, AppJob *job)
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
  changed (self);
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
  changed (self);
}

AppPicture *
app_session_get_shown (AppSession *self)
{
  return self->shown;
}

gboolean
app_session_untrash (AppSession *self)
{
  if (self->trashed == NULL)
    return FALSE;
  g_clear_handle_id (&self->trash_source, g_source_remove);
  g_list_store_insert (
      self->history,
      MIN (self->trashed_at, g_list_model_get_n_items (G_LIST_MODEL (self->history))),
      self->trashed);
  g_clear_object (&self->trashed);
  changed (self);
  return TRUE;
}

static void
trash_now (AppSession *self)
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
      g_signal_emit (self, signals[SIGNAL_TRASH_FAILED], 0, error->message);
      return;
    }
  g_clear_object (&self->trashed);
}

static gboolean
on_trash_time (gpointer data)
{
  AppSession *self = data;

  self->trash_source = 0;
  trash_now (self);
  return G_SOURCE_REMOVE;
}

void
app_session_trash (AppSession *self, AppPicture *picture)
{
  guint position;

  if (app_picture_get_path (picture) == NULL
      || !g_list_store_find (self->history, picture, &position))
    return;
  trash_now (self); /* the one before can no longer be brought back */
  self->trashed = g_object_ref (picture);
  self->trashed_at = position;
  g_list_store_remove (self->history, position);
  self->trash_source = g_timeout_add_seconds (TRASH_AFTER, on_trash_time, self);
  changed (self);
}

/* ---- settings ---- */

gboolean
app_session_is_first (AppSession *self)
{
  return self->first;
}

const char *
app_session_get_model_path (AppSession *self)
{
  return self->model_path;
}

const SdParams *
app_session_get_params (AppSession *self)
{
  return self->params;
}

static void
set_params (AppSession *self, SdParams *params)
{
  sd_params_free (self->params);
  self->params = params;
  g_signal_emit (self, signals[SIGNAL_PARAMS_CHANGED], 0);
  changed (self);
}

/* What the user left at the old model's default follows to the new one's. */
static void
follow_defaults (SdParams *params, const SdParams *old, const SdParams *defaults)
{
  if (old == NULL || (params->width == old->width && params->height == old->height))
    {
      params->width = defaults->width;
      params->height = defaults->height;
    }
  if (old == NULL || params->steps == old->steps)
    params->steps = defaults->steps;
  if (old == NULL || fabs (params->cfg - old->cfg) < 1e-9)
    params->cfg = defaults->cfg;
  if (old == NULL
      || (params->sampler == old->sampler && params->schedule == old->schedule))
    {
      params->sampler = defaults->sampler;
      params->schedule = defaults->schedule;
    }
}

void
app_session_set_model (AppSession *self, const char *path, const SdInfo *info)
{
  g_autoptr (SdParams) defaults = sd_params_new_for (info);
  gboolean same = g_strcmp0 (path, self->model_path) == 0;
  SdParams *params;

  if (!same)
    {
      g_free (self->model_path);
      self->model_path = g_strdup (path);
    }
  if (self->params == NULL)
    {
      params = sd_params_copy (defaults);
      if (sd_info_example (info) != NULL)
        {
          g_free (params->prompt);
          params->prompt = g_strdup (sd_info_example (info));
        }
    }
  else
    {
      params = sd_params_copy (self->params);
      if (!same)
        follow_defaults (params, self->defaults, defaults);
    }
  sd_params_free (self->defaults);
  self->defaults = g_steal_pointer (&defaults);
  set_params (self, params);
  g_signal_emit (self, signals[SIGNAL_MODEL_CHANGED], 0);
}

const SdParams *
app_session_get_defaults (AppSession *self)
{
  return self->defaults;
}

void
app_session_edit (AppSession *self, const char *field, const SdParams *params)
{
  gint64 now = g_get_monotonic_time ();
  const char *name = g_intern_string (field);

  if (self->params != NULL
      && (name != self->last_field || now - self->last_edit > SAME_EDIT))
    {
      g_ptr_array_add (self->undo, sd_params_copy (self->params));
      if (self->undo->len > KEEP_UNDO)
        g_ptr_array_remove_index (self->undo, 0);
    }
  g_ptr_array_set_size (self->redo, 0);
  self->last_field = name;
  self->last_edit = now;
  set_params (self, sd_params_copy (params));
}

static gboolean
step_back (AppSession *self, GPtrArray *from, GPtrArray *to)
{
  if (from->len == 0)
    return FALSE;
  g_ptr_array_add (to, sd_params_copy (self->params));
  self->last_field = NULL;
  set_params (self, g_ptr_array_steal_index (from, from->len - 1));
  return TRUE;
}

gboolean
app_session_undo (AppSession *self)
{
  return step_back (self, self->undo, self->redo);
}

gboolean
app_session_redo (AppSession *self)
{
  return step_back (self, self->redo, self->undo);
}

gboolean
app_session_get_seed_locked (AppSession *self)
{
  return self->seed_locked;
}

void
app_session_set_seed_locked (AppSession *self, gboolean locked)
{
  if (self->seed_locked == locked)
    return;
  self->seed_locked = locked;
  g_signal_emit (self, signals[SIGNAL_PARAMS_CHANGED], 0);
  changed (self);
}

const char *
app_session_prompt (AppSession *self, guint back)
{
  return back < self->prompts->len ? self->prompts->pdata[back] : NULL;
}

/* ---- beginning and end ---- */

static void
restore (AppSession *self, AppJournal *journal)
{
  self->model_path = g_steal_pointer (&journal->model_path);
  self->params = g_steal_pointer (&journal->params);
  self->seed_locked = journal->seed_locked;
  for (guint i = 0; i < journal->prompts->len; i++)
    g_ptr_array_add (self->prompts, g_strdup (journal->prompts->pdata[i]));
  for (guint i = 0; i < journal->pictures->len; i++)
    {
      AppJournalPicture *entry = journal->pictures->pdata[i];
      g_autoptr (AppPicture) picture = app_picture_new_for_path (entry->path);

      app_picture_set_pinned (picture, entry->pinned);
      g_list_store_append (self->history, picture);
      if (g_strcmp0 (entry->path, journal->shown) == 0)
        g_set_object (&self->shown, picture);
    }
  /* Nothing runs by itself after a crash that a job may have caused: all wait as stopped.
   */
  for (guint i = 0; i < journal->jobs->len; i++)
    {
      AppJournalJob *entry = journal->jobs->pdata[i];
      g_autoptr (AppJob) job
          = app_job_new (entry->model_path, entry->params, entry->state);

      app_job_restore_stopped (job);
      watch_job (self, job);
    }
}

static void
set_aside (const char *path)
{
  g_autofree char *broken = g_strconcat (path, ".broken", NULL);

  g_rename (path, broken);
}

char *
app_session_next_path (void)
{
  for (guint i = 1;; i++)
    {
      g_autofree char *name
          = i == 1 ? g_strdup ("session.json") : g_strdup_printf ("session-%u.json", i);
      char *path = g_build_filename (g_get_user_state_dir (), "calotype", name, NULL);

      if (open_paths == NULL || !g_hash_table_contains (open_paths, path))
        return path;
      g_free (path);
    }
}

AppSession *
app_session_new (const char *path)
{
  AppSession *self = g_object_new (APP_TYPE_SESSION, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AppJournal) journal = NULL;

  self->path = g_strdup (path);
  self->first = TRUE;
  if (path == NULL)
    return self;
  if (open_paths == NULL)
    open_paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_add (open_paths, g_strdup (path));
  journal = app_journal_read (path, &error);
  if (journal != NULL)
    {
      self->first = FALSE;
      restore (self, journal);
    }
  else if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      g_warning ("%s", error->message);
      set_aside (path);
    }
  return self;
}

static void
app_session_dispose (GObject *object)
{
  AppSession *self = APP_SESSION (object);

  if (self->history != NULL)
    {
      trash_now (self);
      app_session_flush (self);
    }
  if (self->path != NULL)
    g_hash_table_remove (open_paths, self->path);
  g_clear_pointer (&self->path, g_free);
  g_clear_object (&self->shown);
  g_clear_object (&self->history);
  g_clear_pointer (&self->jobs, g_ptr_array_unref);
  G_OBJECT_CLASS (app_session_parent_class)->dispose (object);
}

static void
app_session_finalize (GObject *object)
{
  AppSession *self = APP_SESSION (object);

  g_free (self->model_path);
  sd_params_free (self->params);
  sd_params_free (self->defaults);
  g_ptr_array_unref (self->undo);
  g_ptr_array_unref (self->redo);
  g_ptr_array_unref (self->prompts);
  G_OBJECT_CLASS (app_session_parent_class)->finalize (object);
}

static guint
add_signal (const char *name, guint n, GType type)
{
  return g_signal_new (name, APP_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                       G_TYPE_NONE, n, type);
}

static void
app_session_class_init (AppSessionClass *class)
{
  G_OBJECT_CLASS (class)->dispose = app_session_dispose;
  G_OBJECT_CLASS (class)->finalize = app_session_finalize;
  signals[SIGNAL_PARAMS_CHANGED] = add_signal ("params-changed", 0, G_TYPE_NONE);
  signals[SIGNAL_MODEL_CHANGED] = add_signal ("model-changed", 0, G_TYPE_NONE);
  signals[SIGNAL_JOBS_CHANGED] = add_signal ("jobs-changed", 0, G_TYPE_NONE);
  signals[SIGNAL_TRASH_FAILED] = add_signal ("trash-failed", 1, G_TYPE_STRING);
}

static void
app_session_init (AppSession *self)
{
  self->history = g_list_store_new (APP_TYPE_PICTURE);
  self->jobs = g_ptr_array_new_with_free_func (g_object_unref);
  self->prompts = g_ptr_array_new_with_free_func (g_free);
  self->undo = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_params_free);
  self->redo = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_params_free);
}
