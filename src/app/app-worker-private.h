/* app-worker-private.h: shared between the worker's two sides
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-device-choice.h"
#include "app/app-worker.h"
#include "sd/sd-library.h"

/* What the thread needs to know of a job. */
typedef struct
{
  AppJob *job;
  char *model_path;
  SdParams *params;
  GBytes *state;
  GBytes *latents; /* of one step: to sharpen or to keep */
  guint step;
} AppWork;

struct _AppWorker
{
  GObject parent_instance;

  /* main thread */
  AppJob *running;
  AppJob *sharpening;
  char *device_name;
  guint64 memory;
  GThread *thread;

  /* under the lock */
  GMutex lock;
  GCond wake;
  GQueue waiting, keeping; /* AppWork */
  AppWork *current, *sharpen;
  AppWork *comfort; /* runs, and gives way to whatever else comes */
  GCancellable *cancellable;
  char *prepare_path, *prepare_journal;
  gboolean drop_engine, quit;

  /* the thread's own */
  SdLibrary *library; /* for names in prompts */
  SdEngine *engine;
  char *engine_path;
  SdPrediction engine_prediction; /* what the user said when it was opened */
  AppDeviceChoice engine_choice;
  char *engine_vae; /* (nullable): the VAE that was chosen then */
  gint64 next_progress;
  const char *last_stage;
};

typedef enum
{
  APP_EVENT_STARTED,
  APP_EVENT_PROGRESS,
  APP_EVENT_WARNINGS,
  APP_EVENT_STEP,
  APP_EVENT_SHARPENED,
  APP_EVENT_PICTURE,
  APP_EVENT_ENDED,
  APP_EVENT_ENGINE,
} AppEventKind;

typedef struct
{
  AppEventKind kind;
  AppWorker *worker;
  AppJob *job;
  AppJobState state;
  GError *error;
  GBytes *bytes;
  GPtrArray *textures;
  char *text;
  char **warnings;
  const char *stage;
  guint64 done, total;
  guint number;
  double seconds;
} AppEvent;

void app_work_free (AppWork *work);
/** app_worker_event: for @job, which may be NULL; app_worker_post gives it to the main
 * loop */
AppEvent *app_worker_event (AppWorker *self, AppEventKind kind, AppJob *job);
void app_worker_post (AppEvent *event);
void app_event_free (gpointer event);
/** app_worker_thread: the thread's function; ends when quit is set */
gpointer app_worker_thread (gpointer self);
