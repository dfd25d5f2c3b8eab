/* sd-run.c: from a prompt to latents: guidance, prediction, steps
 *
 * Ho & Salimans 2022 (guidance), Karras et al. 2022 (the sigma-scaled form of the
 * samplers). A failed or cancelled step leaves the run before that step, so that it can
 * be tried again.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

void
sd_run_warn (SdRun *run, char *text)
{
  g_ptr_array_insert (run->warnings, run->warnings->len - 1, text);
}

gboolean
sd_run_may_retry (SdRun *run, GError **fault)
{
  const char *warn;

  if (!sd_engine_recover (run->engine, fault, &warn))
    return FALSE;
  if (warn != NULL
      && (sd_run_warnings (run) == NULL
          || !g_strv_contains (sd_run_warnings (run), warn)))
    sd_run_warn (run, g_strdup (warn));
  return TRUE;
}

/* ---- beginning ---- */

static void
add_warning (gpointer text, gpointer run)
{
  sd_run_warn (run, g_strdup (text));
}

/* Of what is wanted; a word that stands for vectors was taught by them. */
static void
check_words (SdRun *run)
{
  g_autofree char *said = sd_script_words (run->script);
  g_auto (GStrv) unknown = sd_unknown_words (run->engine->info, said, NULL);
  g_autoptr (GPtrArray) left = g_ptr_array_new ();

  for (guint i = 0; unknown != NULL && unknown[i] != NULL; i++)
    {
      gboolean taught = FALSE;
      for (guint k = 0; k < run->script->vectors->len; k++)
        {
          const SdVectors *vectors = run->script->vectors->pdata[k];
          taught |= g_ascii_strcasecmp (vectors->name, unknown[i]) == 0;
        }
      if (!taught)
        g_ptr_array_add (left, unknown[i]);
    }
  if (left->len == 0)
    return;
  g_ptr_array_add (left, NULL);
  g_autofree char *words = g_strjoinv ("”, “", (char **) left->pdata);
  sd_run_warn (run, g_strdup_printf (_ ("The model was not taught: “%s”"), words));
}

/* How many time embeddings a step has: one for each line where lines have labels. */
static guint
rows_of (const SdRun *run)
{
  return sd_engine_label_width (run->engine) > 0 ? run->script->lines->len : 1;
}

/* What is computed on the host: what is said, with what is to be told of it, and sigmas.
 */
static gboolean
plan (SdRun *run, GError **error)
{
  SdEngine *engine = run->engine;
  const SdParams *params = run->params;
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);

  run->script = sd_script_new (engine, engine->tokenizer, params, warnings, error);
  if (run->script == NULL
      || !sd_source_schedule (params, engine->info, &engine->levels, &run->sigmas,
                              &run->steps, error))
    return FALSE;
  run->prompts = run->script->prompts;
  g_ptr_array_foreach (warnings, add_warning, run);
  check_words (run);
  guint lines = run->script->lines->len;
  run->contexts = g_new0 (SdContext, lines);
  if (sd_engine_pooled_width (engine) > 0)
    run->pooled = g_new (float, (gsize) lines *sd_engine_pooled_width (engine));
  gsize n_rows = (gsize) run->steps * rows_of (run);
  run->rows = nn_alloc (n_rows * sd_unet_emb_total (engine->unet), sizeof *run->rows,
                        _ ("The UNet's time embedding"), error);
  return run->rows != NULL;
}

/* Times and, where the UNet takes them, labels: for each step those of all lines. */
static gboolean
embed (SdRun *run, const BaseTask *task, GError **error)
{
  SdEngine *engine = run->engine;
  guint steps = run->steps, each = rows_of (run);
  gsize width = sd_engine_label_width (engine), all = each * width;
  g_autofree double *times = g_new (double, (gsize) steps *each);
  g_autofree float *labels = width > 0 ? g_new (float, steps *all) : NULL;

  for (guint i = 0; i < steps * each; i++)
    times[i] = sampler_sigma_to_t (&engine->levels, run->sigmas[i / each]);
  if (labels != NULL)
    sd_engine_make_labels (engine, run->pooled, each, run->params->width,
                           run->params->height, labels);
  for (guint i = 1; labels != NULL && i < steps; i++)
    memcpy (labels + i * all, labels, sizeof (float) * all);
  return sd_engine_embed_times (engine, times, labels, steps * each, run->rows, task,
                                error);
}

static void
clear_contexts (SdRun *run)
{
  for (guint i = 0; run->contexts != NULL && i < run->script->lines->len; i++)
    {
      g_free ((gpointer) run->contexts[i].values);
      run->contexts[i].values = NULL;
    }
}

static gboolean
encode (SdRun *run, const BaseTask *task, GError **error)
{
  clear_contexts (run);
  return sd_script_encode (run->script, run->engine, run->params->clip_skip,
                           run->contexts, run->pooled, task, error)
         && embed (run, task, error);
}

static gboolean
prepare (SdRun *run, const BaseTask *task, GError **error)
{
  g_autoptr (GError) fault = NULL;

  while (!encode (run, task, &fault))
    if (!sd_run_may_retry (run, &fault))
      {
        g_propagate_error (error, g_steal_pointer (&fault));
        return FALSE;
      }
  return TRUE;
}

/* Before the prompts: text encoders are others too. */
static gboolean
use_loras (SdRun *run, const BaseTask *task, GError **error)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new ();
  gboolean good
      = sd_engine_use_loras (run->engine, run->params->loras, warnings, task, error);

  for (guint i = 0; i < warnings->len; i++)
    sd_run_warn (run, warnings->pdata[i]);
  return good;
}

SdRun *
sd_run_start (SdEngine *engine,
              const SdParams *params,
              const BaseTask *task,
              GError **error)
{
  if (!sd_params_check_for (params, engine->info, error)
      || !sd_engine_begin (engine, error))
    return NULL;
  g_autoptr (SdRun) run = g_new0 (SdRun, 1);
  run->engine = engine;
  run->params = sd_params_copy (params);
  run->h = params->height / 8;
  run->w = params->width / 8;
  run->serial = ++engine->last_serial;
  run->warnings = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (run->warnings, NULL);
  if (!plan (run, error))
    return NULL;
  SdTask wanted = sd_task_of (engine, params, &run->script->shape);
  if (!sd_engine_fit_task (engine, &wanted, error) || !sd_run_frame (run, error)
      || !use_loras (run, task, error))
    return NULL;
  base_task_progress (task, "text", 0, 1);
  if (!prepare (run, task, error))
    return NULL;
  base_task_progress (task, "text", 1, 1);
  return g_steal_pointer (&run);
}

SdRun *
sd_run_new (SdEngine *engine,
            const SdParams *params,
            const float *noise,
            const BaseTask *task,
            GError **error)
{
  g_autoptr (SdRun) run = sd_run_start (engine, params, task, error);
  if (run == NULL || !sd_run_encode (run, task, error))
    return NULL;
  gsize n_per = SD_LATENT_CHANNELS * (gsize) run->h * run->w;
  guint batch = params->batch;
  g_autofree float *x = nn_alloc (batch, n_per * sizeof *x, _ ("The noise"), error);
  if (x == NULL)
    return NULL;
  g_autofree BaseRandom **randoms = g_new (BaseRandom *, batch);

  run->noise_given = noise != NULL;
  for (gsize i = 0; run->noise_given && i < batch * n_per; i++)
    if (!isfinite (noise[i]))
      {
        g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                     _ ("The given noise has values that are not numbers: %g at %u"),
                     noise[i], (guint) i);
        return NULL;
      }
  for (guint i = 0; i < batch; i++)
    {
      randoms[i] = base_random_new (params->rng, params->seed + i);
      if (!run->noise_given)
        base_random_normal (randoms[i], n_per, x + i * n_per);
    }
  if (run->noise_given)
    memcpy (x, noise, sizeof (float) * batch * n_per);
  if (!sd_run_begin_latents (run, x, error))
    {
      for (guint i = 0; i < batch; i++)
        base_random_free (randoms[i]);
      return NULL;
    }
  run->sampler = sampler_run_new (params->sampler, run->sigmas, run->steps, x, n_per,
                                  batch, randoms);
  return g_steal_pointer (&run);
}

void
sd_run_free (SdRun *run)
{
  if (run == NULL)
    return;
  sampler_run_free (run->sampler);
  sd_begin_clear (&run->begin);
  clear_contexts (run);
  sd_script_free (run->script);
  sd_params_free (run->params);
  g_clear_pointer (&run->warnings, g_ptr_array_unref);
  g_free (run->contexts);
  g_free (run->pooled);
  g_free (run->sigmas);
  g_free (run->rows);
  g_free (run);
}

const char *const *
sd_run_warnings (SdRun *run)
{
  return run->warnings->len > 1 ? (const char *const *) run->warnings->pdata : NULL;
}

guint
sd_run_n_steps (SdRun *run)
{
  return run->steps;
}

guint
sd_run_step_index (SdRun *run)
{
  return sampler_run_step_index (run->sampler);
}

/* ---- steps ---- */

gboolean
sd_run_step (SdRun *run, const BaseTask *task, GError **error)
{
  g_autoptr (GError) fault = NULL;
  SdDenoise data = { run, task };

  if (sampler_run_finished (run->sampler))
    {
      g_set_error (error, SD_ERROR, SD_ERROR_STATE, _ ("All %u steps are done"),
                   run->steps);
      return FALSE;
    }
  run->call = 0;
  while (!sampler_run_step (run->sampler, sd_run_denoise, &data, &fault))
    {
      run->call = 0;
      if (!sd_run_may_retry (run, &fault))
        {
          g_propagate_error (error, g_steal_pointer (&fault));
          return FALSE;
        }
    }
  base_task_progress (task, "step", sd_run_step_index (run), run->steps);
  return sd_run_end (run, error);
}

static gsize
count (const SdRun *run)
{
  return SD_LATENT_CHANNELS * (gsize) run->h * run->w;
}

const float *
sd_run_latents (SdRun *run, gsize *n)
{
  if (n != NULL)
    *n = count (run) * run->params->batch;
  return run->begin.final != NULL ? run->begin.final : sampler_run_latents (run->sampler);
}

const float *
sd_run_denoised (SdRun *run, gsize *n)
{
  const float *denoised = sampler_run_denoised (run->sampler);
  if (n != NULL)
    *n = denoised != NULL ? count (run) * run->params->batch : 0;
  return denoised;
}

ImageBuffer *
sd_run_decode (SdRun *run, guint picture, const BaseTask *task, GError **error)
{
  if (picture >= run->params->batch)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                   _ ("Picture %u of %u does not exist"), picture + 1,
                   run->params->batch);
      return NULL;
    }
  const float *latents = sd_run_latents (run, NULL) + picture * count (run);
  return sd_run_compose (
      run, sd_engine_decode_latents (run->engine, latents, run->h, run->w, task, error),
      error);
}
