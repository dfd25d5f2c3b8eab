/* app-session-private.h: the session's insides, for the file that journals them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-session.h"

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
} AppJournal;

typedef struct
{
  char *path;
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
void app_journal_add_picture (AppJournal *journal, const char *path, gboolean pinned);
void app_journal_add_job (AppJournal *journal,
                          const char *model_path,
                          const SdParams *params,
                          GBytes *state);
/** app_journal_write: atomically; states go to files beside @path. Thread: any */
gboolean app_journal_write (const AppJournal *journal, const char *path, GError **error);
/** app_journal_read: NULL with @error, which is G_FILE_ERROR_NOENT on the first launch */
AppJournal *app_journal_read (const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppJournal, app_journal_free)
