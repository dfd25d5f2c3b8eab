/* app-session.c: see app-session.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-session-private.h"

#include <glib/gstdio.h>

#define WRITE_AFTER 1 /* seconds after an edit */

G_DEFINE_TYPE (AppSession, app_session, G_TYPE_OBJECT)

guint app_session_signals[APP_SESSION_N_SIGNALS];

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
                                 app_picture_get_parent (picture),
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

static void
write_thread (GTask *task, gpointer source, gpointer journal, GCancellable *cancellable)
{
  AppSession *self = source;
  GError *error = NULL;

  if (app_journal_write (journal, self->path, self->keep, &error))
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
    app_session_write (self);
}

void
app_session_write (AppSession *self)
{
  g_autoptr (GTask) task = NULL;

  self->write_again = self->writing || self->loading;
  if (self->writing || self->loading || self->path == NULL)
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
  app_session_write (self);
  return G_SOURCE_REMOVE;
}

void
app_session_touch (AppSession *self)
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
  while (self->writing || self->loading)
    g_main_context_iteration (NULL, TRUE);
  if (self->path == NULL)
    return;
  journal = take_journal (self);
  if (!app_journal_write (journal, self->path, self->keep, &error))
    g_warning ("the session could not be kept: %s", error->message);
}

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
      app_picture_set_parent (picture, entry->parent);
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
      app_session_watch_job (self, job);
    }
}

/* ---- what the settings begin from ---- */

typedef struct
{
  AppKeep *keep;
  JsonObject *object;
} Wanted;

static void
wanted_free (gpointer data)
{
  Wanted *wanted = data;

  json_object_unref (wanted->object);
  g_free (wanted);
}

static void
source_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Wanted *wanted = data;

  g_task_return_pointer (task, app_keep_read (wanted->keep, wanted->object),
                         (GDestroyNotify) sd_source_unref);
}

static void
on_source (GObject *object, GAsyncResult *result, gpointer data)
{
  AppSession *self = APP_SESSION (object);
  g_autoptr (SdSource) source = g_task_propagate_pointer (G_TASK (result), NULL);

  self->loading = FALSE;
  /* Unless the user was faster. */
  if (source != NULL && self->params != NULL && self->params->source == NULL)
    app_session_set_source (self, source);
  if (self->write_again)
    app_session_write (self);
}

/* A picture may have millions of pixels: the window does not wait for it. */
static void
restore_source (AppSession *self, JsonObject *object)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, on_source, NULL);
  Wanted *wanted = g_new0 (Wanted, 1);

  wanted->keep = self->keep;
  wanted->object = json_object_ref (object);
  self->loading = TRUE;
  g_task_set_task_data (task, wanted, wanted_free);
  g_task_run_in_thread (task, source_thread);
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

char *
app_session_first_model (const char *path)
{
  g_autoptr (AppJournal) journal = app_journal_read (path, NULL, NULL);

  if (journal != NULL && journal->model_path != NULL
      && g_file_test (journal->model_path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&journal->model_path);
  return sd_bundled_model_path ();
}

AppSession *
app_session_new (const char *path)
{
  AppSession *self = g_object_new (APP_TYPE_SESSION, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AppJournal) journal = NULL;

  self->path = g_strdup (path);
  if (path == NULL)
    return self;
  if (open_paths == NULL)
    open_paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_add (open_paths, g_strdup (path));
  self->keep = app_keep_new (path);
  journal = app_journal_read (path, self->keep, &error);
  if (journal != NULL)
    {
      restore (self, journal);
      if (journal->source != NULL)
        restore_source (self, journal->source);
    }
  else if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    /* A second window's journal is not there either. */
    self->first = g_hash_table_size (open_paths) == 1;
  else
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
      app_session_trash_now (self);
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

  app_keep_free (self->keep);
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
  app_session_signals[APP_SESSION_PARAMS_CHANGED]
      = add_signal ("params-changed", 0, G_TYPE_NONE);
  app_session_signals[APP_SESSION_MODEL_CHANGED]
      = add_signal ("model-changed", 0, G_TYPE_NONE);
  app_session_signals[APP_SESSION_JOBS_CHANGED]
      = add_signal ("jobs-changed", 0, G_TYPE_NONE);
  app_session_signals[APP_SESSION_TRASH_FAILED]
      = add_signal ("trash-failed", 1, G_TYPE_STRING);
}

static void
app_session_init (AppSession *self)
{
  self->history = g_list_store_new (APP_TYPE_PICTURE);
  self->jobs = g_ptr_array_new_with_free_func (g_object_unref);
  self->prompts = g_ptr_array_new_with_free_func (g_free);
  self->undo = g_ptr_array_new_with_free_func (app_session_step_free);
  self->redo = g_ptr_array_new_with_free_func (app_session_step_free);
}
