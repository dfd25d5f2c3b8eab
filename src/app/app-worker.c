/* app-worker.c: see app-worker.h

Two sides. The main thread's: queue, stop, what is told to jobs. The worker's thread: the
engine and the runs. What they share is under one lock; jobs themselves are touched on
the main thread only, so an AppWork carries copies of what the thread needs, and what
happens there comes back as AppEvents by the main loop, in order.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-job-private.h"
#include "app/app-library.h"
#include "app/app-vae.h"
#include "app/app-watch.h"
#include "app/app-worker-private.h"

G_DEFINE_TYPE (AppWorker, app_worker, G_TYPE_OBJECT)

enum
{
  SIGNAL_QUEUE_CHANGED,
  SIGNAL_ENGINE_CHANGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];
static AppWorker *the_worker;

static AppWork *
work_new (AppJob *job)
{
  AppWork *work = g_new0 (AppWork, 1);
  GBytes *state = app_job_get_run_state (job);

  work->job = g_object_ref (job);
  work->model_path = g_strdup (app_job_get_model_path (job));
  work->params = sd_params_copy (app_job_get_params (job));
  work->state = state != NULL ? g_bytes_ref (state) : NULL;
  return work;
}

void
app_work_free (AppWork *work)
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

void
app_event_free (gpointer data)
{
  AppEvent *event = data;

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
tell_ended (AppWorker *self, AppEvent *event)
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
tell_engine (AppWorker *self, AppEvent *event)
{
  g_free (self->device_name);
  self->device_name = g_steal_pointer (&event->text);
  self->memory = event->total;
  g_signal_emit (self, signals[SIGNAL_ENGINE_CHANGED], 0);
}

static gboolean
tell (gpointer data)
{
  AppEvent *event = data;
  AppWorker *self = event->worker;

  switch (event->kind)
    {
    case APP_EVENT_STARTED:
      g_set_object (&self->running, event->job);
      app_job_set_state (event->job, APP_JOB_RUNNING);
      g_signal_emit (self, signals[SIGNAL_QUEUE_CHANGED], 0);
      break;
    case APP_EVENT_PROGRESS:
      app_job_set_stage (event->job, event->stage, event->done, event->total);
      break;
    case APP_EVENT_WARNINGS:
      app_job_set_device (event->job, event->text);
      app_job_set_warnings (event->job, event->warnings);
      break;
    case APP_EVENT_STEP:
      app_job_add_step (event->job, event->number, event->textures, event->bytes,
                        event->seconds);
      app_watch_mark ("preview");
      break;
    case APP_EVENT_SHARPENED:
      app_job_sharpen (event->job, event->number, event->textures);
      offer_to_sharpen (self);
      break;
    case APP_EVENT_PICTURE:
      app_job_add_picture (event->job, event->number, event->textures->pdata[0],
                           event->text);
      app_watch_mark ("picture");
      break;
    case APP_EVENT_ENDED:
      tell_ended (self, event);
      break;
    case APP_EVENT_ENGINE:
      tell_engine (self, event);
      break;
    }
  return G_SOURCE_REMOVE;
}

AppEvent *
app_worker_event (AppWorker *self, AppEventKind kind, AppJob *job)
{
  AppEvent *event = g_new0 (AppEvent, 1);

  event->kind = kind;
  event->worker = self;
  event->job = job != NULL ? g_object_ref (job) : NULL;
  return event;
}

/* Not g_main_context_invoke: it would run here and now while the main loop is not up yet.
 */
void
app_worker_post (AppEvent *event)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, tell, event, app_event_free);
}

/* ---- main thread ---- */

/* Both leave the lock. */
static void
wake (AppWorker *self)
{
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

static void
wake_at_once (AppWorker *self)
{
  if (self->comfort != NULL)
    g_cancellable_cancel (self->cancellable);
  wake (self);
}

void
app_worker_submit (AppWorker *self, AppJob *job)
{
  app_job_set_state (job, APP_JOB_WAITING);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->waiting, work_new (job));
  wake_at_once (self);
  g_signal_emit (self, signals[SIGNAL_QUEUE_CHANGED], 0);
}

/* The waiting AppWork of @job, taken out of the queue; the lock is held. */
static AppWork *
take_waiting (AppWorker *self, AppJob *job)
{
  for (GList *link = self->waiting.head; link != NULL; link = link->next)
    {
      AppWork *work = link->data;

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
  AppWork *work = take_waiting (self, job);
  g_mutex_unlock (&self->lock);
  if (work == NULL)
    return;
  app_work_free (work);
  app_job_set_state (job, APP_JOB_STOPPED);
  g_signal_emit (self, signals[SIGNAL_QUEUE_CHANGED], 0);
}

void
app_worker_move (AppWorker *self, AppJob *job, guint position)
{
  g_mutex_lock (&self->lock);
  AppWork *work = take_waiting (self, job);
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
    g_ptr_array_add (jobs, g_object_ref (((AppWork *) link->data)->job));
  g_mutex_unlock (&self->lock);
  return jobs;
}

void
app_worker_prepare (AppWorker *self, const char *model_path)
{
  g_mutex_lock (&self->lock);
  g_free (self->prepare_path);
  self->prepare_path = g_strdup (model_path);
  wake_at_once (self);
}

void
app_worker_prepare_session (AppWorker *self, const char *journal)
{
  g_mutex_lock (&self->lock);
  g_free (self->prepare_journal);
  self->prepare_journal = g_strdup (journal);
  wake (self);
}

static void
offer_to_sharpen (AppWorker *self)
{
  guint step = 0;
  GBytes *latents = self->sharpening != NULL
                        ? app_job_next_to_sharpen (self->sharpening, &step)
                        : NULL;
  AppWork *work = NULL;

  if (latents != NULL)
    {
      work = work_new (self->sharpening);
      work->latents = latents;
      work->step = step;
    }
  g_mutex_lock (&self->lock);
  app_work_free (self->sharpen);
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
  AppWork *work;

  if (latents == NULL || app_job_get_run_state (job) == NULL)
    return;
  work = work_new (job);
  work->latents = g_bytes_ref (latents);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->keeping, work);
  wake_at_once (self);
}

void
app_worker_free_memory (AppWorker *self)
{
  g_mutex_lock (&self->lock);
  self->drop_engine = TRUE;
  wake_at_once (self);
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
      app_device_choice_load ();
      app_vae_load ();
      the_worker = g_object_new (APP_TYPE_WORKER, NULL);
      the_worker->library = sd_library_ref (app_library_get_library (app_library_get ()));
      the_worker->thread = g_thread_new ("pictures", app_worker_thread, the_worker);
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

  g_queue_clear_full (&self->waiting, (GDestroyNotify) app_work_free);
  g_queue_clear_full (&self->keeping, (GDestroyNotify) app_work_free);
  app_work_free (self->sharpen);
  g_clear_object (&self->running);
  g_clear_object (&self->sharpening);
  g_clear_object (&self->cancellable);
  g_free (self->prepare_path);
  g_free (self->prepare_journal);
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
