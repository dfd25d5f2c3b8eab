/* app-worker.c: see app-worker.h

Two sides. The main thread's: queue, stop, what is told to jobs. The worker's thread: the
engine and the runs. What they share is under one lock; jobs themselves are touched on
the main thread only, so a Work carries copies of what the thread needs, and what happens
there comes back as Events by the main loop, in order.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-job-private.h"
#include "app/app-worker.h"

#include <string.h>

/* What the thread needs to know of a job. */
typedef struct
{
  AppJob *job;
  char *model_path;
  SdParams *params;
  GBytes *state;
  GBytes *latents; /* of one step: to sharpen or to keep */
  guint step;
} Work;

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
  GQueue waiting, keeping; /* Work */
  Work *current, *sharpen;
  GCancellable *cancellable;
  char *prepare_path;
  gboolean drop_engine, quit;

  /* the thread's own */
  SdEngine *engine;
  char *engine_path;
  gint64 next_progress;
  const char *last_stage;
};

G_DEFINE_TYPE (AppWorker, app_worker, G_TYPE_OBJECT)

enum
{
  SIGNAL_QUEUE_CHANGED,
  SIGNAL_ENGINE_CHANGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];
static AppWorker *the_worker;

static Work *
work_new (AppJob *job)
{
  Work *work = g_new0 (Work, 1);
  GBytes *state = app_job_get_run_state (job);

  work->job = g_object_ref (job);
  work->model_path = g_strdup (app_job_get_model_path (job));
  work->params = sd_params_copy (app_job_get_params (job));
  work->state = state != NULL ? g_bytes_ref (state) : NULL;
  return work;
}

static void
work_free (Work *work)
{
  if (work == NULL)
    return;
  g_object_unref (work->job);
  g_free (work->model_path);
  sd_params_free (work->params);
  g_clear_pointer (&work->state, g_bytes_unref);
  g_clear_pointer (&work->latents, g_bytes_unref);
  g_free (work);
}

/* ---- from the thread to the main loop ---- */

typedef enum
{
  EVENT_STARTED,
  EVENT_PROGRESS,
  EVENT_WARNINGS,
  EVENT_STEP,
  EVENT_SHARPENED,
  EVENT_PICTURE,
  EVENT_ENDED,
  EVENT_ENGINE,
} EventKind;

typedef struct
{
  EventKind kind;
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
} Event;

static void
event_free (gpointer data)
{
  Event *event = data;

  g_clear_object (&event->job);
  g_clear_error (&event->error);
  g_clear_pointer (&event->bytes, g_bytes_unref);
  g_clear_pointer (&event->textures, g_ptr_array_unref);
  g_free (event->text);
  g_strfreev (event->warnings);
  g_free (event);
}

static void offer_to_sharpen (AppWorker *self);

static void
tell_ended (AppWorker *self, Event *event)
{
  app_job_set_run_state (event->job, event->bytes);
  if (event->error != NULL)
    app_job_set_error (event->job, event->error);
  if (self->running == event->job)
    g_clear_object (&self->running);
  app_job_set_state (event->job, event->state);
  g_signal_emit (self, signals[SIGNAL_QUEUE_CHANGED], 0);
}

static void
tell_engine (AppWorker *self, Event *event)
{
  g_free (self->device_name);
  self->device_name = g_steal_pointer (&event->text);
  self->memory = event->total;
  g_signal_emit (self, signals[SIGNAL_ENGINE_CHANGED], 0);
}

static gboolean
tell (gpointer data)
{
  Event *event = data;
  AppWorker *self = event->worker;

  switch (event->kind)
    {
    case EVENT_STARTED:
      g_set_object (&self->running, event->job);
      app_job_set_state (event->job, APP_JOB_RUNNING);
      g_signal_emit (self, signals[SIGNAL_QUEUE_CHANGED], 0);
      break;
    case EVENT_PROGRESS:
      app_job_set_stage (event->job, event->stage, event->done, event->total);
      break;
    case EVENT_WARNINGS:
      app_job_set_device (event->job, event->text);
      app_job_set_warnings (event->job, event->warnings);
      break;
    case EVENT_STEP:
      app_job_add_step (event->job, event->number, event->textures, event->bytes,
                        event->seconds);
      break;
    case EVENT_SHARPENED:
      app_job_sharpen (event->job, event->number, event->textures);
      offer_to_sharpen (self);
      break;
    case EVENT_PICTURE:
      app_job_add_picture (event->job, event->number, event->textures->pdata[0],
                           event->text);
      break;
    case EVENT_ENDED:
      tell_ended (self, event);
      break;
    case EVENT_ENGINE:
      tell_engine (self, event);
      break;
    }
  return G_SOURCE_REMOVE;
}

static Event *
event_new (AppWorker *self, EventKind kind, AppJob *job)
{
  Event *event = g_new0 (Event, 1);

  event->kind = kind;
  event->worker = self;
  event->job = job != NULL ? g_object_ref (job) : NULL;
  return event;
}

static void
post (Event *event)
{
  g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, tell, event, event_free);
}

/* ---- the thread ---- */

typedef struct
{
  AppWorker *worker;
  AppJob *job; /* NULL: nobody wants to know */
} Listener;

static void
on_progress (const char *stage, guint64 done, guint64 total, gpointer data)
{
  Listener *listener = data;
  AppWorker *self = listener->worker;
  gint64 now = g_get_monotonic_time ();
  gboolean same = self->last_stage == g_intern_string (stage);

  if (listener->job == NULL || strcmp (stage, "compute") == 0
      || (same && now < self->next_progress && done != total))
    return;
  self->next_progress = now + G_USEC_PER_SEC / 20;
  self->last_stage = g_intern_string (stage);
  Event *event = event_new (self, EVENT_PROGRESS, listener->job);
  event->stage = self->last_stage;
  event->done = done;
  event->total = total;
  post (event);
}

static void
post_engine (AppWorker *self)
{
  Event *event = event_new (self, EVENT_ENGINE, NULL);

  if (self->engine != NULL)
    {
      event->text = g_strdup (sd_engine_device_name (self->engine));
      event->total = sd_engine_memory_bytes (self->engine);
    }
  post (event);
}

static void
drop_engine (AppWorker *self)
{
  g_clear_pointer (&self->engine, sd_engine_free);
  g_clear_pointer (&self->engine_path, g_free);
  post_engine (self);
}

static gboolean
need_engine (AppWorker *self, const char *path, const BaseTask *task, GError **error)
{
  g_autoptr (StModel) model = NULL;

  if (self->engine != NULL && strcmp (self->engine_path, path) == 0)
    return TRUE;
  if (self->engine != NULL)
    drop_engine (self);
  model = st_model_open (path, task, error);
  if (model == NULL)
    return FALSE;
  self->engine = sd_engine_new (model, -1, SD_PRECISION_AUTO, task, error);
  if (self->engine == NULL)
    return FALSE;
  self->engine_path = g_strdup (path);
  post_engine (self);
  return TRUE;
}

static GdkTexture *
make_texture (const ImageBuffer *image)
{
  gsize stride = (gsize) image->width * image->channels;
  g_autoptr (GBytes) bytes = g_bytes_new (image->pixels, stride * image->height);

  return gdk_memory_texture_new (
      (int) image->width, (int) image->height,
      image->channels == 4 ? GDK_MEMORY_R8G8B8A8 : GDK_MEMORY_R8G8B8, bytes, stride);
}

static gboolean
post_step (AppWorker *self, Work *work, SdRun *run, double seconds, GError **error)
{
  Event *event = event_new (self, EVENT_STEP, work->job);
  gsize n;
  const float *latents = sd_run_denoised (run, &n);

  event->textures = g_ptr_array_new_with_free_func (g_object_unref);
  event->bytes = g_bytes_new (latents, n * sizeof *latents);
  event->number = sd_run_step_index (run);
  event->seconds = seconds;
  for (guint i = 0; i < work->params->batch; i++)
    {
      g_autoptr (ImageBuffer) image = sd_run_preview (run, i, error);

      if (image == NULL)
        {
          event_free (event);
          return FALSE;
        }
      g_ptr_array_add (event->textures, make_texture (image));
    }
  post (event);
  return TRUE;
}

char *
app_worker_picture_folder (void)
{
  const char *pictures = g_get_user_special_dir (G_USER_DIRECTORY_PICTURES);
  g_autofree char *home = g_build_filename (g_get_home_dir (), "Pictures", NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d");

  return g_build_filename (pictures != NULL ? pictures : home, "Calotype", date, NULL);
}

/* Today's folder, the time and the seed; a number behind it where that is taken. */
static char *
new_picture_path (guint64 seed, GError **error)
{
  g_autofree char *folder = app_worker_picture_folder ();
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%H%M%S");

  if (g_mkdir_with_parents (folder, 0755) != 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", folder,
                   g_strerror (errno));
      return NULL;
    }
  for (guint i = 1;; i++)
    {
      g_autofree char *name
          = i == 1 ? g_strdup_printf ("%s-%" G_GUINT64_FORMAT ".png", time, seed)
                   : g_strdup_printf ("%s-%" G_GUINT64_FORMAT "-%u.png", time, seed, i);
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
}

static gboolean
save_picture (AppWorker *self,
              Work *work,
              SdRun *run,
              guint picture,
              const ImageBuffer *image,
              GError **error)
{
  g_autofree char *path = new_picture_path (work->params->seed + picture, error);

  if (path == NULL || !sd_run_save_picture (run, picture, image, path, error))
    return FALSE;
  Event *event = event_new (self, EVENT_PICTURE, work->job);
  event->number = picture;
  event->text = g_steal_pointer (&path);
  event->textures = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (event->textures, make_texture (image));
  post (event);
  return TRUE;
}

static void
post_warnings (AppWorker *self, Work *work, SdRun *run)
{
  Event *event = event_new (self, EVENT_WARNINGS, work->job);

  event->text = g_strdup (sd_engine_device_name (self->engine));
  event->warnings = g_strdupv ((char **) sd_run_warnings (run));
  post (event);
}

static gboolean
make_pictures (
    AppWorker *self, Work *work, SdRun *run, const BaseTask *task, GError **error)
{
  post_warnings (self, work, run);
  while (sd_run_step_index (run) < sd_run_n_steps (run))
    {
      gint64 start = g_get_monotonic_time ();

      if (!sd_run_step (run, task, error))
        return FALSE;
      if (!post_step (self, work, run,
                      (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC, error))
        return FALSE;
      base_task_progress (task, "step", sd_run_step_index (run), sd_run_n_steps (run));
    }
  for (guint i = 0; i < work->params->batch; i++)
    {
      g_autoptr (ImageBuffer) image = NULL;

      base_task_progress (task, "decode", i, work->params->batch);
      image = sd_run_decode (run, i, task, error);
      if (image == NULL || !save_picture (self, work, run, i, image, error))
        return FALSE;
    }
  return TRUE;
}

static void
do_job (AppWorker *self, Work *work, GCancellable *cancellable)
{
  Listener listener = { self, work->job };
  BaseTask task = { cancellable, on_progress, &listener };
  g_autoptr (GError) error = NULL;
  g_autoptr (SdRun) run = NULL;
  gboolean good = FALSE;

  post (event_new (self, EVENT_STARTED, work->job));
  self->last_stage = NULL;
  if (need_engine (self, work->model_path, &task, &error))
    run = work->state != NULL
              ? sd_run_load (self->engine, work->state, &task, &error)
              : sd_run_new (self->engine, work->params, NULL, &task, &error);
  if (run != NULL)
    good = make_pictures (self, work, run, &task, &error);
  Event *event = event_new (self, EVENT_ENDED, work->job);
  if (good)
    event->state = APP_JOB_DONE;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    event->state = APP_JOB_STOPPED;
  else
    event->state = APP_JOB_FAILED;
  /* A failed run can be tried again from its last good step too, once the cause is gone.
   */
  if (!good)
    event->bytes = run != NULL           ? sd_run_save (run)
                   : work->state != NULL ? g_bytes_ref (work->state)
                                         : NULL;
  if (event->state == APP_JOB_FAILED)
    event->error = g_error_copy (error);
  if (g_error_matches (error, GPU_ERROR, GPU_ERROR_LOST))
    {
      g_clear_pointer (&run, sd_run_free);
      drop_engine (self);
    }
  post (event);
}

static ImageBuffer *
decode_kept (AppWorker *self, Work *work, guint picture, GError **error)
{
  guint w = work->params->width / 8, h = work->params->height / 8;
  const float *latents = g_bytes_get_data (work->latents, NULL);

  return sd_engine_decode_latents (self->engine, latents + (gsize) picture * 4 * w * h, h,
                                   w, NULL, error);
}

static void
do_sharpen (AppWorker *self, Work *work)
{
  Event *event = event_new (self, EVENT_SHARPENED, work->job);

  event->number = work->step;
  event->textures = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < work->params->batch; i++)
    {
      g_autoptr (ImageBuffer) image = decode_kept (self, work, i, NULL);

      if (image == NULL)
        {
          event_free (event);
          return;
        }
      g_ptr_array_add (event->textures, make_texture (image));
    }
  post (event);
}

static void
do_keep (AppWorker *self, Work *work)
{
  Listener listener = { self, NULL };
  BaseTask task = { NULL, on_progress, &listener };
  g_autoptr (GError) error = NULL;
  g_autoptr (SdRun) run = NULL;
  gboolean good = need_engine (self, work->model_path, &task, &error);

  if (good)
    good = (run = sd_run_load (self->engine, work->state, &task, &error)) != NULL;
  for (guint i = 0; good && i < work->params->batch; i++)
    {
      g_autoptr (ImageBuffer) image = decode_kept (self, work, i, &error);

      good = image != NULL && save_picture (self, work, run, i, image, &error);
    }
  if (!good)
    {
      Event *event = event_new (self, EVENT_ENDED, work->job);

      event->state = APP_JOB_FAILED;
      event->error = g_error_copy (error);
      event->bytes = g_bytes_ref (work->state);
      post (event);
    }
}

typedef enum
{
  NEXT_JOB,
  NEXT_KEEP,
  NEXT_PREPARE,
  NEXT_SHARPEN,
  NEXT_DROP,
  NEXT_QUIT
} Next;

/* Waits until there is something to do; jobs before comforts. Holds the lock. */
static Next
wait_for_work (AppWorker *self)
{
  for (;;)
    {
      if (self->quit)
        return NEXT_QUIT;
      if (!g_queue_is_empty (&self->waiting))
        return NEXT_JOB;
      if (!g_queue_is_empty (&self->keeping))
        return NEXT_KEEP;
      if (self->drop_engine)
        return NEXT_DROP;
      if (self->prepare_path != NULL)
        return NEXT_PREPARE;
      if (self->sharpen != NULL && self->engine != NULL
          && strcmp (self->sharpen->model_path, self->engine_path) == 0)
        return NEXT_SHARPEN;
      g_cond_wait (&self->wake, &self->lock);
    }
}

static void
do_prepare (AppWorker *self, const char *path, GCancellable *cancellable)
{
  Listener listener = { self, NULL };
  BaseTask task = { cancellable, on_progress, &listener };

  /* Whoever presses Generate hears of a fault; looking at a page must not raise one. */
  need_engine (self, path, &task, NULL);
}

static void
do_next (AppWorker *self, Next next)
{
  Work *work = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  if (next == NEXT_JOB)
    work = self->current = g_queue_pop_head (&self->waiting);
  else if (next == NEXT_KEEP)
    work = g_queue_pop_head (&self->keeping);
  else if (next == NEXT_SHARPEN)
    work = g_steal_pointer (&self->sharpen);
  else if (next == NEXT_PREPARE)
    path = g_steal_pointer (&self->prepare_path);
  else
    self->drop_engine = FALSE;
  g_set_object (&self->cancellable, cancellable);
  g_mutex_unlock (&self->lock);

  if (next == NEXT_JOB)
    do_job (self, work, cancellable);
  else if (next == NEXT_KEEP)
    do_keep (self, work);
  else if (next == NEXT_SHARPEN)
    do_sharpen (self, work);
  else if (next == NEXT_PREPARE)
    do_prepare (self, path, cancellable);
  else
    drop_engine (self);

  g_mutex_lock (&self->lock);
  self->current = NULL;
  g_clear_object (&self->cancellable);
  work_free (work);
}

static gpointer
work_thread (gpointer data)
{
  AppWorker *self = data;
  Next next;

  g_mutex_lock (&self->lock);
  while ((next = wait_for_work (self)) != NEXT_QUIT)
    do_next (self, next);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&self->engine, sd_engine_free);
  g_clear_pointer (&self->engine_path, g_free);
  return NULL;
}

/* ---- main thread ---- */

static void
wake (AppWorker *self)
{
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

void
app_worker_submit (AppWorker *self, AppJob *job)
{
  app_job_set_state (job, APP_JOB_WAITING);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->waiting, work_new (job));
  wake (self);
  g_signal_emit (self, signals[SIGNAL_QUEUE_CHANGED], 0);
}

/* The waiting Work of @job, taken out of the queue; the lock is held. */
static Work *
take_waiting (AppWorker *self, AppJob *job)
{
  for (GList *link = self->waiting.head; link != NULL; link = link->next)
    {
      Work *work = link->data;

      if (work->job != job)
        continue;
      g_queue_delete_link (&self->waiting, link);
      return work;
    }
  return NULL;
}

void
app_worker_remove (AppWorker *self, AppJob *job)
{
  g_mutex_lock (&self->lock);
  Work *work = take_waiting (self, job);
  g_mutex_unlock (&self->lock);
  if (work == NULL)
    return;
  work_free (work);
  app_job_set_state (job, APP_JOB_STOPPED);
  g_signal_emit (self, signals[SIGNAL_QUEUE_CHANGED], 0);
}

void
app_worker_move (AppWorker *self, AppJob *job, guint position)
{
  g_mutex_lock (&self->lock);
  Work *work = take_waiting (self, job);
  if (work != NULL)
    g_queue_push_nth (&self->waiting, work, (int) MIN (position, self->waiting.length));
  g_mutex_unlock (&self->lock);
  g_signal_emit (self, signals[SIGNAL_QUEUE_CHANGED], 0);
}

void
app_worker_stop (AppWorker *self, AppJob *job)
{
  gboolean waits;

  g_mutex_lock (&self->lock);
  waits = self->current == NULL || self->current->job != job;
  if (!waits)
    g_cancellable_cancel (self->cancellable);
  g_mutex_unlock (&self->lock);
  if (waits)
    app_worker_remove (self, job);
}

AppJob *
app_worker_get_running (AppWorker *self)
{
  return self->running;
}

GPtrArray *
app_worker_get_waiting (AppWorker *self)
{
  GPtrArray *jobs = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&self->lock);
  for (GList *link = self->waiting.head; link != NULL; link = link->next)
    g_ptr_array_add (jobs, g_object_ref (((Work *) link->data)->job));
  g_mutex_unlock (&self->lock);
  return jobs;
}

void
app_worker_prepare (AppWorker *self, const char *model_path)
{
  g_mutex_lock (&self->lock);
  g_free (self->prepare_path);
  self->prepare_path = g_strdup (model_path);
  wake (self);
}

static void
offer_to_sharpen (AppWorker *self)
{
  guint step = 0;
  GBytes *latents = self->sharpening != NULL
                        ? app_job_next_to_sharpen (self->sharpening, &step)
                        : NULL;
  Work *work = NULL;

  if (latents != NULL)
    {
      work = work_new (self->sharpening);
      work->latents = latents;
      work->step = step;
    }
  g_mutex_lock (&self->lock);
  work_free (self->sharpen);
  self->sharpen = work;
  wake (self);
}

void
app_worker_sharpen (AppWorker *self, AppJob *job)
{
  g_set_object (&self->sharpening, job);
  offer_to_sharpen (self);
}

void
app_worker_keep_preview (AppWorker *self, AppJob *job)
{
  GBytes *latents = app_job_get_latents (job, app_job_get_step (job));
  Work *work;

  if (latents == NULL || app_job_get_run_state (job) == NULL)
    return;
  work = work_new (job);
  work->latents = g_bytes_ref (latents);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->keeping, work);
  wake (self);
}

void
app_worker_free_memory (AppWorker *self)
{
  g_mutex_lock (&self->lock);
  self->drop_engine = TRUE;
  wake (self);
}

const char *
app_worker_get_device_name (AppWorker *self)
{
  return self->device_name;
}

guint64
app_worker_get_memory (AppWorker *self)
{
  return self->memory;
}

AppWorker *
app_worker_get (void)
{
  if (the_worker == NULL)
    {
      the_worker = g_object_new (APP_TYPE_WORKER, NULL);
      the_worker->thread = g_thread_new ("pictures", work_thread, the_worker);
    }
  return the_worker;
}

void
app_worker_shut_down (void)
{
  AppWorker *self = the_worker;

  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->quit = TRUE;
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  wake (self);
  g_thread_join (self->thread);
  /* What the thread said last is heard before the worker goes: stopped states are kept.
   */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&the_worker);
}

static void
app_worker_finalize (GObject *object)
{
  AppWorker *self = APP_WORKER (object);

  g_queue_clear_full (&self->waiting, (GDestroyNotify) work_free);
  g_queue_clear_full (&self->keeping, (GDestroyNotify) work_free);
  work_free (self->sharpen);
  g_clear_object (&self->running);
  g_clear_object (&self->sharpening);
  g_clear_object (&self->cancellable);
  g_free (self->prepare_path);
  g_free (self->device_name);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->wake);
  G_OBJECT_CLASS (app_worker_parent_class)->finalize (object);
}

static void
app_worker_class_init (AppWorkerClass *class)
{
  G_OBJECT_CLASS (class)->finalize = app_worker_finalize;
  signals[SIGNAL_QUEUE_CHANGED]
      = g_signal_new ("queue-changed", APP_TYPE_WORKER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_ENGINE_CHANGED]
      = g_signal_new ("engine-changed", APP_TYPE_WORKER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
}

static void
app_worker_init (AppWorker *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  g_queue_init (&self->waiting);
  g_queue_init (&self->keeping);
}
