/* app-job.c: see app-job.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-job-private.h"

/* Everything of one step that the user may come back to. */
typedef struct
{
  GPtrArray *previews; /* GdkTexture */
  GBytes *latents;
} Step;

struct _AppJob
{
  GObject parent_instance;

  char *model_path, *device;
  SdParams *params;
  GBytes *run_state;
  AppJobState state;
  GError *error;
  const char *stage; /* interned */
  guint64 stage_done, stage_total;
  char **warnings;
  GPtrArray *steps; /* Step or NULL, by step − 1 */
  guint step;
  double seconds;
  guint timed;
  GPtrArray *pictures, *paths;
};

G_DEFINE_TYPE (AppJob, app_job, G_TYPE_OBJECT)

enum
{
  SIGNAL_STATE_CHANGED,
  SIGNAL_PROGRESS,
  SIGNAL_STEP,
  SIGNAL_SHARPENED,
  SIGNAL_PICTURE,
  SIGNAL_WARNED,
  SIGNAL_DISCARDED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

static void
step_free (gpointer data)
{
  Step *step = data;

  if (step == NULL)
    return;
  g_ptr_array_unref (step->previews);
  g_bytes_unref (step->latents);
  g_free (step);
}

static void
unref_if_any (gpointer object)
{
  if (object != NULL)
    g_object_unref (object);
}

static gsize
latents_size (const SdParams *params)
{
  return sizeof (float) * 4 * (params->width / 8) * (params->height / 8) * params->batch;
}

/* Of all models but those that follow instructions a picture's strength leaves steps out;
 * which kind it is the source says. */
static guint
n_steps_of (const SdParams *params)
{
  const SdInfo info
      = { .unet_in_channels = params->source != NULL && params->source->instruct
                                  ? SD_INSTRUCT_CHANNELS
                                  : SD_LATENT_CHANNELS };

  return sd_params_n_steps (params, &info);
}

AppJob *
app_job_new (const char *model_path, const SdParams *params, GBytes *state)
{
  AppJob *self = g_object_new (APP_TYPE_JOB, NULL);

  self->model_path = g_strdup (model_path);
  self->params = sd_params_copy (params);
  self->run_state = state != NULL ? g_bytes_ref (state) : NULL;
  g_ptr_array_set_size (self->steps, (int) n_steps_of (params));
  g_ptr_array_set_size (self->pictures, (int) params->batch);
  g_ptr_array_set_size (self->paths, (int) params->batch);
  return self;
}

static Step *
step_new (GPtrArray *previews, GBytes *latents)
{
  Step *step = g_new (Step, 1);

  step->previews = g_ptr_array_ref (previews);
  step->latents = g_bytes_ref (latents);
  return step;
}

/* Of the steps made in another life the last one is known: it is decoded when there is
 * time, and can be kept. */
void
app_job_restore_stopped (AppJob *self)
{
  g_autoptr (GBytes) latents = NULL;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  guint step
      = self->run_state != NULL ? sd_run_state_step (self->run_state, &latents) : 0;

  self->state = APP_JOB_STOPPED;
  self->step = MIN (step, self->steps->len);
  if (self->step > 0 && latents != NULL
      && g_bytes_get_size (latents) == latents_size (self->params))
    self->steps->pdata[self->step - 1] = step_new (none, latents);
}

void
app_job_start_over (AppJob *self)
{
  guint n = self->steps->len;

  g_clear_pointer (&self->run_state, g_bytes_unref);
  g_ptr_array_set_size (self->steps, 0);
  g_ptr_array_set_size (self->steps, (int) n);
  self->step = 0;
}

const char *
app_job_get_model_path (AppJob *self)
{
  return self->model_path;
}

const SdParams *
app_job_get_params (AppJob *self)
{
  return self->params;
}

AppJobState
app_job_get_state (AppJob *self)
{
  return self->state;
}

const GError *
app_job_get_error (AppJob *self)
{
  return self->error;
}

const char *
app_job_get_stage (AppJob *self, guint64 *done, guint64 *total)
{
  *done = self->stage_done;
  *total = self->stage_total;
  return self->stage;
}

guint
app_job_get_n_steps (AppJob *self)
{
  return self->steps->len;
}

guint
app_job_get_step (AppJob *self)
{
  return self->step;
}

double
app_job_get_seconds_per_step (AppJob *self)
{
  return self->timed > 1 ? self->seconds / self->timed : 0;
}

const char *const *
app_job_get_warnings (AppJob *self)
{
  return (const char *const *) self->warnings;
}

const char *
app_job_get_device (AppJob *self)
{
  return self->device;
}

GdkTexture *
app_job_get_preview (AppJob *self, guint picture, guint step)
{
  Step *kept
      = step >= 1 && step <= self->steps->len ? self->steps->pdata[step - 1] : NULL;

  return kept != NULL && picture < kept->previews->len ? kept->previews->pdata[picture]
                                                       : NULL;
}

GdkTexture *
app_job_get_picture (AppJob *self, guint picture)
{
  return picture < self->pictures->len ? self->pictures->pdata[picture] : NULL;
}

const char *
app_job_get_path (AppJob *self, guint picture)
{
  return picture < self->paths->len ? self->paths->pdata[picture] : NULL;
}

GBytes *
app_job_get_run_state (AppJob *self)
{
  return self->run_state;
}

void
app_job_discard (AppJob *self)
{
  g_signal_emit (self, signals[SIGNAL_DISCARDED], 0);
}

static gsize
textures_bytes (GPtrArray *textures)
{
  gsize bytes = 0;

  for (guint i = 0; i < textures->len; i++)
    if (textures->pdata[i] != NULL)
      bytes += (gsize) gdk_texture_get_width (textures->pdata[i])
               * (gsize) gdk_texture_get_height (textures->pdata[i]) * 4;
  return bytes;
}

gsize
app_job_get_bytes (AppJob *self)
{
  gsize bytes = textures_bytes (self->pictures);

  for (guint i = 0; i < self->steps->len; i++)
    {
      Step *step = self->steps->pdata[i];

      if (step != NULL)
        bytes += textures_bytes (step->previews) + g_bytes_get_size (step->latents);
    }
  return bytes;
}

/* ---- told by the worker ---- */

void
app_job_set_state (AppJob *self, AppJobState state)
{
  if (state == APP_JOB_RUNNING)
    {
      g_clear_error (&self->error);
      self->seconds = 0;
      self->timed = 0;
    }
  if (state != APP_JOB_RUNNING)
    self->stage = "";
  self->state = state;
  g_signal_emit (self, signals[SIGNAL_STATE_CHANGED], 0);
}

void
app_job_set_error (AppJob *self, const GError *error)
{
  g_clear_error (&self->error);
  self->error = g_error_copy (error);
}

void
app_job_set_stage (AppJob *self, const char *stage, guint64 done, guint64 total)
{
  self->stage = g_intern_string (stage);
  self->stage_done = done;
  self->stage_total = total;
  g_signal_emit (self, signals[SIGNAL_PROGRESS], 0);
}

void
app_job_set_warnings (AppJob *self, char **warnings)
{
  g_strfreev (self->warnings);
  self->warnings = g_strdupv (warnings);
  g_signal_emit (self, signals[SIGNAL_WARNED], 0);
}

void
app_job_set_device (AppJob *self, const char *device)
{
  g_free (self->device);
  self->device = g_strdup (device);
}

void
app_job_set_run_state (AppJob *self, GBytes *state)
{
  g_clear_pointer (&self->run_state, g_bytes_unref);
  self->run_state = state != NULL ? g_bytes_ref (state) : NULL;
}

void
app_job_add_step (
    AppJob *self, guint step, GPtrArray *previews, GBytes *latents, double seconds)
{
  g_return_if_fail (step >= 1 && step <= self->steps->len);

  step_free (self->steps->pdata[step - 1]);
  self->steps->pdata[step - 1] = step_new (previews, latents);
  self->step = step;
  self->seconds += seconds;
  self->timed++;
  g_signal_emit (self, signals[SIGNAL_STEP], 0, step);
}

void
app_job_sharpen (AppJob *self, guint step, GPtrArray *previews)
{
  Step *kept = self->steps->pdata[step - 1];

  if (kept == NULL)
    return; /* forgotten while it was decoded */
  g_ptr_array_unref (kept->previews);
  kept->previews = g_ptr_array_ref (previews);
  g_signal_emit (self, signals[SIGNAL_SHARPENED], 0, step);
}

void
app_job_add_picture (AppJob *self, guint picture, GdkTexture *texture, const char *path)
{
  g_return_if_fail (picture < self->pictures->len);

  g_set_object ((GdkTexture **) &self->pictures->pdata[picture], texture);
  g_free (self->paths->pdata[picture]);
  self->paths->pdata[picture] = g_strdup (path);
  g_signal_emit (self, signals[SIGNAL_PICTURE], 0, picture);
}

GBytes *
app_job_next_to_sharpen (AppJob *self, guint *step)
{
  guint width, height;

  sd_params_result_size (self->params, &width, &height);
  for (guint i = self->step; i-- > 0;)
    {
      Step *kept = self->steps->pdata[i];

      if (kept == NULL
          || (kept->previews->len > 0
              && (guint) gdk_texture_get_width (kept->previews->pdata[0]) >= width))
        continue;
      *step = i + 1;
      return g_bytes_ref (kept->latents);
    }
  return NULL;
}

GBytes *
app_job_get_latents (AppJob *self, guint step)
{
  Step *kept
      = step >= 1 && step <= self->steps->len ? self->steps->pdata[step - 1] : NULL;

  return kept != NULL ? kept->latents : NULL;
}

static void
app_job_finalize (GObject *object)
{
  AppJob *self = APP_JOB (object);

  g_free (self->model_path);
  g_free (self->device);
  sd_params_free (self->params);
  g_clear_pointer (&self->run_state, g_bytes_unref);
  g_clear_error (&self->error);
  g_strfreev (self->warnings);
  g_ptr_array_unref (self->steps);
  g_ptr_array_unref (self->pictures);
  g_ptr_array_unref (self->paths);
  G_OBJECT_CLASS (app_job_parent_class)->finalize (object);
}

static guint
add_signal (const char *name, gboolean with_number)
{
  return g_signal_new (name, APP_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                       G_TYPE_NONE, with_number ? 1 : 0, G_TYPE_UINT);
}

static void
app_job_class_init (AppJobClass *class)
{
  G_OBJECT_CLASS (class)->finalize = app_job_finalize;
  signals[SIGNAL_STATE_CHANGED] = add_signal ("state-changed", FALSE);
  signals[SIGNAL_PROGRESS] = add_signal ("progress", FALSE);
  signals[SIGNAL_STEP] = add_signal ("step", TRUE);
  signals[SIGNAL_SHARPENED] = add_signal ("sharpened", TRUE);
  signals[SIGNAL_PICTURE] = add_signal ("picture", TRUE);
  signals[SIGNAL_WARNED] = add_signal ("warned", FALSE);
  signals[SIGNAL_DISCARDED] = add_signal ("discarded", FALSE);
}

static void
app_job_init (AppJob *self)
{
  self->stage = "";
  self->steps = g_ptr_array_new_with_free_func (step_free);
  self->pictures = g_ptr_array_new_with_free_func (unref_if_any);
  self->paths = g_ptr_array_new_with_free_func (g_free);
}
