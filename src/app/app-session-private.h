/* app-session-private.h: the session's insides, for the files it is written in
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-session.h"
#include "base/base-json.h"
#include "image/image-mask.h"

#include <json-glib/json-glib.h>

/* ---- app-session-source.c: pictures that settings begin from, beside the journal ----
 */

typedef struct _AppKeep AppKeep;
/** app_keep_new: @path: of the journal */
AppKeep *app_keep_new (const char *path);
void app_keep_free (AppKeep *keep);
/** app_keep_begin: a journal is written from here on … */
void app_keep_begin (AppKeep *keep);
/** app_keep_end: … and lies on the disk: what it does not name is deleted */
void app_keep_end (AppKeep *keep);
/** app_keep_write: the member "source"; pictures that lie on no disk yet are written */
gboolean
app_keep_write (AppKeep *keep, BaseJson *json, const SdSource *source, GError **error);
/** app_keep_read: (transfer full) (nullable): NULL: its picture cannot be read. Thread:
 * any */
SdSource *app_keep_read (AppKeep *keep, JsonObject *object);

/* What undoing brings back: filling in settings locks their seed too. */
typedef struct
{
  SdParams *params;
  gboolean seed_locked;
} AppSessionStep;

void app_session_step_free (gpointer step);

struct _AppSession
{
  GObject parent_instance;

  char *path;
  gboolean first, seed_locked;
  char *model_path;
  SdParams *params, *defaults;
  GPtrArray *undo, *redo; /* AppSessionStep */
  const char *last_field; /* interned */
  gint64 last_edit;
  GPtrArray *prompts; /* newest first */
  GPtrArray *jobs;    /* AppJob */
  GListStore *history;
  AppPicture *shown, *trashed;
  guint trashed_at, write_source, trash_source;
  gboolean writing, write_again;
  gboolean loading; /* the settings' source: until then nothing is written */
  AppKeep *keep;
};

enum
{
  APP_SESSION_PARAMS_CHANGED,
  APP_SESSION_MODEL_CHANGED,
  APP_SESSION_JOBS_CHANGED,
  APP_SESSION_TRASH_FAILED,
  APP_SESSION_N_SIGNALS
};
extern guint app_session_signals[APP_SESSION_N_SIGNALS];

/** app_session_touch: something changed: the journal is written in a second */
void app_session_touch (AppSession *session);
/** app_session_write: begins writing the journal now, on a thread */
void app_session_write (AppSession *session);
/** app_session_watch_job: keeps @job and puts its tiles into the history */
void app_session_watch_job (AppSession *session, AppJob *job);
/** app_session_trash_now: what waits for it goes to the trash */
void app_session_trash_now (AppSession *session);

/* What stands in a journal, as plain data: made and read on the main thread, written on a
 * worker's. */
typedef struct
{
  char *model_path;
  SdParams *params;
  gboolean seed_locked;
  GPtrArray *prompts;  /* char *, newest first */
  GPtrArray *pictures; /* AppJournalPicture, newest first */
  GPtrArray *jobs;     /* AppJournalJob, oldest first */
  char *shown;         /* path */
  JsonObject *source;  /* (nullable): of the settings, to be read by app_keep_read */
} AppJournal;

typedef struct
{
  char *path, *parent;
  gboolean pinned;
} AppJournalPicture;

typedef struct
{
  char *model_path;
  SdParams *params;
  GBytes *state; /* (nullable) */
} AppJournalJob;

AppJournal *app_journal_new (void);
void app_journal_free (AppJournal *journal);
/** app_journal_add_picture: @parent: (nullable): what it was made from */
void app_journal_add_picture (AppJournal *journal,
                              const char *path,
                              const char *parent,
                              gboolean pinned);
void app_journal_add_job (AppJournal *journal,
                          const char *model_path,
                          const SdParams *params,
                          GBytes *state);
/** app_journal_write: atomically; states and pictures go to files beside @path. Thread:
 * any */
gboolean app_journal_write (const AppJournal *journal,
                            const char *path,
                            AppKeep *keep,
                            GError **error);
/** app_journal_read: NULL with @error, which is G_FILE_ERROR_NOENT on the first launch;
 * @keep: (nullable): NULL: what jobs begin from is not wanted */
AppJournal *app_journal_read (const char *path, AppKeep *keep, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppJournal, app_journal_free)
