/* app-worker-thread.c: what the worker's thread does: load, step, decode, save
 *
 * Everything here runs on that thread; jobs are not touched, only told of through events.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-prediction.h"
#include "app/app-vae.h"
#include "app/app-worker-private.h"

#include "app/app-session.h"
#include "app/app-texture.h"

#include <string.h>

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
  AppEvent *event = app_worker_event (self, APP_EVENT_PROGRESS, listener->job);
  event->stage = self->last_stage;
  event->done = done;
  event->total = total;
  app_worker_post (event);
}

static void
post_engine (AppWorker *self)
{
  AppEvent *event = app_worker_event (self, APP_EVENT_ENGINE, NULL);

  if (self->engine != NULL)
    {
      event->text = g_strdup (sd_engine_device_name (self->engine));
      event->total = sd_engine_memory_bytes (self->engine);
    }
  app_worker_post (event);
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
  AppDeviceChoice choice;
  g_autofree char *vae = app_vae_get (path);

  app_device_choice_get (&choice);
  if (self->engine != NULL && strcmp (self->engine_path, path) == 0
      && self->engine_prediction == app_prediction_get (path)
      && app_device_choice_equal (&self->engine_choice, &choice))
    {
      if (g_strcmp0 (self->engine_vae, vae) == 0)
        return TRUE;
      if (!sd_engine_set_vae (self->engine, vae, error))
        return FALSE;
      g_free (self->engine_vae);
      self->engine_vae = g_steal_pointer (&vae);
      return TRUE;
    }
  if (self->engine != NULL)
    drop_engine (self);
  model = st_model_open (path, task, error);
  if (model == NULL)
    return FALSE;
  self->engine_prediction = app_prediction_get (path);
  app_prediction_attach (model, path);
  self->engine_choice = choice;
  self->engine = sd_engine_new_within (model, app_device_choice_index (&choice),
                                       choice.precision, choice.memory, task, error);
  if (self->engine == NULL)
    return FALSE;
  self->engine_path = g_strdup (path);
  g_free (self->engine_vae);
  self->engine_vae = g_steal_pointer (&vae);
  post_engine (self);
  return TRUE;
}

static gboolean
post_step (AppWorker *self, AppWork *work, SdRun *run, double seconds, GError **error)
{
  AppEvent *event = app_worker_event (self, APP_EVENT_STEP, work->job);
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
          app_event_free (event);
          return FALSE;
        }
      g_ptr_array_add (event->textures, app_texture_from_image (image));
    }
  app_worker_post (event);
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
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                   "the folder “%s” cannot be made: %s", folder, g_strerror (errno));
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
              AppWork *work,
              SdRun *run,
              guint picture,
              const ImageBuffer *image,
              GError **error)
{
  g_autofree char *path = new_picture_path (work->params->seed + picture, error);

  if (path == NULL || !sd_run_save_picture (run, picture, image, path, error))
    return FALSE;
  AppEvent *event = app_worker_event (self, APP_EVENT_PICTURE, work->job);
  event->number = picture;
  event->text = g_steal_pointer (&path);
  event->textures = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (event->textures, app_texture_from_image (image));
  app_worker_post (event);
  return TRUE;
}

static void
post_warnings (AppWorker *self, AppWork *work, SdRun *run)
{
  AppEvent *event = app_worker_event (self, APP_EVENT_WARNINGS, work->job);

  event->text = g_strdup (sd_engine_device_name (self->engine));
  event->warnings = g_strdupv ((char **) sd_run_warnings (run));
  app_worker_post (event);
}

static gboolean
make_pictures (
    AppWorker *self, AppWork *work, SdRun *run, const BaseTask *task, GError **error)
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
do_job (AppWorker *self, AppWork *work, GCancellable *cancellable)
{
  Listener listener = { self, work->job };
  BaseTask task = { cancellable, on_progress, &listener };
  g_autoptr (GError) error = NULL;
  g_autoptr (SdRun) run = NULL;
  gboolean good = FALSE;

  app_worker_post (app_worker_event (self, APP_EVENT_STARTED, work->job));
  self->last_stage = NULL;
  /* The prompt's names first: a wrong one must not cost the loading of a model. */
  if ((work->state != NULL || sd_library_resolve (self->library, work->params, &error))
      && need_engine (self, work->model_path, &task, &error))
    run = work->state != NULL
              ? sd_run_load (self->engine, work->state, &task, &error)
              : sd_run_new (self->engine, work->params, NULL, &task, &error);
  if (run != NULL)
    good = make_pictures (self, work, run, &task, &error);
  AppEvent *event = app_worker_event (self, APP_EVENT_ENDED, work->job);
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
  app_worker_post (event);
}

static ImageBuffer *
decode_kept (
    AppWorker *self, AppWork *work, guint picture, const BaseTask *task, GError **error)
{
  guint w = work->params->width / 8, h = work->params->height / 8;
  const float *latents = g_bytes_get_data (work->latents, NULL);
  g_autoptr (ImageBuffer) made = sd_engine_decode_latents (
      self->engine, latents + (gsize) picture * 4 * w * h, h, w, task, error);

  return made != NULL ? sd_params_compose (work->params, made, error) : NULL;
}

static void
do_sharpen (AppWorker *self, AppWork *work, GCancellable *cancellable)
{
  BaseTask task = { cancellable, NULL, NULL };
  AppEvent *event = app_worker_event (self, APP_EVENT_SHARPENED, work->job);

  event->number = work->step;
  event->textures = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < work->params->batch; i++)
    {
      g_autoptr (ImageBuffer) image = decode_kept (self, work, i, &task, NULL);

      if (image == NULL)
        {
          app_event_free (event);
          return;
        }
      g_ptr_array_add (event->textures, app_texture_from_image (image));
    }
  app_worker_post (event);
}

static void
do_keep (AppWorker *self, AppWork *work)
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
      g_autoptr (ImageBuffer) image = decode_kept (self, work, i, &task, &error);

      good = image != NULL && save_picture (self, work, run, i, image, &error);
    }
  AppEvent *event = app_worker_event (self, APP_EVENT_ENDED, work->job);
  event->state = good ? APP_JOB_DONE : APP_JOB_FAILED;
  if (!good)
    {
      event->error = g_error_copy (error);
      event->bytes = g_bytes_ref (work->state);
    }
  app_worker_post (event);
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
      if (self->prepare_path != NULL || self->prepare_journal != NULL)
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
  AppWork *work = NULL;
  g_autofree char *path = NULL, *journal = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  if (next == NEXT_JOB)
    work = self->current = g_queue_pop_head (&self->waiting);
  else if (next == NEXT_KEEP)
    work = g_queue_pop_head (&self->keeping);
  else if (next == NEXT_SHARPEN)
    work = self->comfort = g_steal_pointer (&self->sharpen);
  else if (next == NEXT_PREPARE && self->prepare_path != NULL)
    path = g_steal_pointer (&self->prepare_path);
  else if (next == NEXT_PREPARE)
    journal = g_steal_pointer (&self->prepare_journal);
  else
    self->drop_engine = FALSE;
  g_set_object (&self->cancellable, cancellable);
  g_mutex_unlock (&self->lock);

  if (next == NEXT_JOB)
    do_job (self, work, cancellable);
  else if (next == NEXT_KEEP)
    do_keep (self, work);
  else if (next == NEXT_SHARPEN)
    do_sharpen (self, work, cancellable);
  else if (next == NEXT_PREPARE)
    {
      if (journal != NULL)
        path = app_session_first_model (journal);
      do_prepare (self, path, cancellable);
    }
  else
    drop_engine (self);

  g_mutex_lock (&self->lock);
  self->current = self->comfort = NULL;
  g_clear_object (&self->cancellable);
  /* It gave way, and has its turn when the others are done. */
  if (next == NEXT_SHARPEN && g_cancellable_is_cancelled (cancellable)
      && self->sharpen == NULL)
    self->sharpen = g_steal_pointer (&work);
  app_work_free (work);
}

gpointer
app_worker_thread (gpointer data)
{
  AppWorker *self = data;
  Next next;

  g_mutex_lock (&self->lock);
  while ((next = wait_for_work (self)) != NEXT_QUIT)
    do_next (self, next);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&self->engine, sd_engine_free);
  g_clear_pointer (&self->library, sd_library_unref);
  g_clear_pointer (&self->engine_vae, g_free);
  g_clear_pointer (&self->engine_path, g_free);
  return NULL;
}
