/* app-worker.h: the one thread that owns a device and makes pictures
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-job.h"

#define APP_TYPE_WORKER (app_worker_get_type ())
G_DECLARE_FINAL_TYPE (AppWorker, app_worker, APP, WORKER, GObject)

/* One for the whole program: windows share the device, and jobs run one after the other.
 * All functions: main thread. Signals: "queue-changed"; "engine-changed". */

AppWorker *app_worker_get (void);
/** app_worker_submit: behind all that waits; a stopped job goes on where it stood */
void app_worker_submit (AppWorker *worker, AppJob *job);
/** app_worker_remove: a waiting job; a running one is not touched */
void app_worker_remove (AppWorker *worker, AppJob *job);
/** app_worker_move: a waiting job to @position among those that wait */
void app_worker_move (AppWorker *worker, AppJob *job, guint position);
/** app_worker_stop: the job becomes STOPPED as soon as the device lets go */
void app_worker_stop (AppWorker *worker, AppJob *job);
/** app_worker_get_running: (nullable) */
AppJob *app_worker_get_running (AppWorker *worker);
/** app_worker_get_waiting: (transfer container) (element-type AppJob) */
GPtrArray *app_worker_get_waiting (AppWorker *worker);
/** app_worker_prepare: loads the model now if nothing else is to do; quiet about failure
 */
void app_worker_prepare (AppWorker *worker, const char *model_path);
/** app_worker_prepare_session: the same for the model with which a session will begin;
 * @journal: as app_session_next_path gives it */
void app_worker_prepare_session (AppWorker *worker, const char *journal);
/** app_worker_sharpen: decodes kept steps of @job, last first, while idle; NULL: stop
 * that */
void app_worker_sharpen (AppWorker *worker, AppJob *job);
/** app_worker_keep_preview: saves the picture of the step at which @job was stopped; its
 * "picture" follows */
void app_worker_keep_preview (AppWorker *worker, AppJob *job);
/** app_worker_free_memory: drops the engine when nothing runs */
void app_worker_free_memory (AppWorker *worker);
/** app_worker_get_device_name: (nullable): of the loaded engine */
const char *app_worker_get_device_name (AppWorker *worker);
guint64 app_worker_get_memory (AppWorker *worker);
/** app_worker_shut_down: stops, saves caches, joins the thread; at the end of main */
void app_worker_shut_down (void);
/** app_worker_picture_folder: (transfer full): where pictures of today are saved */
char *app_worker_picture_folder (void);
