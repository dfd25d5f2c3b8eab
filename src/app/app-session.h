/* app-session.h: what a window remembers: settings, jobs, history; survives a kill
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-job.h"
#include "app/app-picture.h"

#define APP_TYPE_SESSION (app_session_get_type ())
G_DECLARE_FINAL_TYPE (AppSession, app_session, APP, SESSION, GObject)

/* Main thread. Signals: "params-changed"; "model-changed"; "jobs-changed";
 * "trash-failed". History: a GListModel of AppPicture, newest first. */

/**
 * app_session_new:
 * @path: (nullable): journal; NULL: remembers nothing
 *
 * Reads what lies at @path. A journal that cannot be read is set aside under a name that
 * ends in ".broken", and the session begins empty.
 */
AppSession *app_session_new (const char *path);
/** app_session_next_path: (transfer full): the journal of the first session that no
 * window has open */
char *app_session_next_path (void);
/** app_session_first_model: (transfer full): the model with which the session of @path
 * will begin: that which it remembers, if it is still there, else the bundled one;
 * thread: any */
char *app_session_first_model (const char *path);
/** app_session_is_first: nothing was remembered: this is the first launch */
gboolean app_session_is_first (AppSession *session);

/** app_session_get_model_path: (nullable) */
const char *app_session_get_model_path (AppSession *session);
/** app_session_set_model: keeps prompt and history; numbers that stood at the old model's
 * defaults go to the new one's */
void app_session_set_model (AppSession *session, const char *path, const SdInfo *info);
const SdParams *app_session_get_params (AppSession *session);
/** app_session_get_defaults: (nullable): what the model wishes; NULL before a model is
 * known */
const SdParams *app_session_get_defaults (AppSession *session);
/** app_session_edit: @field names what is changed, so that typing is one step of undo */
void app_session_edit (AppSession *session, const char *field, const SdParams *params);
/** app_session_set_source: (nullable): the picture to begin from, in the settings as they
 * are; no step of undo: a mask has an undo of its own */
void app_session_set_source (AppSession *session, SdSource *source);
gboolean app_session_undo (AppSession *session);
gboolean app_session_redo (AppSession *session);
gboolean app_session_get_seed_locked (AppSession *session);
void app_session_set_seed_locked (AppSession *session, gboolean locked);
/** app_session_prompt: (nullable): the @back-th prompt before the newest; 0: the newest
 * sent */
const char *app_session_prompt (AppSession *session, guint back);

/** app_session_generate: (transfer none): queues a job of the settings as they stand;
 * draws a new seed first unless it is locked; @next_seed: the seed after the last instead
 */
AppJob *app_session_generate (AppSession *session, gboolean next_seed);
/** app_session_get_jobs: (element-type AppJob): running, waiting, stopped and failed
 * ones, oldest first */
GPtrArray *app_session_get_jobs (AppSession *session);
GListModel *app_session_get_history (AppSession *session);
/** app_session_trash: takes it out of the history; the file goes to the trash after some
 * seconds, so that app_session_untrash can bring it back. Where the system refuses,
 * "trash-failed" (const char *) follows and the picture stands in the history again. */
void app_session_trash (AppSession *session, AppPicture *picture);
/** app_session_untrash: (transfer none) (nullable): what came back */
AppPicture *app_session_untrash (AppSession *session);
/** app_session_set_shown: (nullable): remembered as the picture to reopen with */
void app_session_set_shown (AppSession *session, AppPicture *picture);
AppPicture *app_session_get_shown (AppSession *session); /* (nullable) */
/** app_session_flush: writes the journal now, waiting for it */
void app_session_flush (AppSession *session);
