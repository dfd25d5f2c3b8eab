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

/* Different texts among the prompts of a pass. */
static guint
texts_of (const SdRun *run)
{
  return MIN (run->prompts, 2);
}

/* What is computed on the host: tokens, with what is to be said of them, and sigmas. */
static gboolean
plan (SdRun *run, guint *ids, GError **error)
{
  SdEngine *engine = run->engine;
  const SdParams *params = run->params;
  guint n = texts_of (run), stride = n * SD_TEXT_TOKENS;
  gsize n_rows;

  if (!sd_source_schedule (params, engine->info, &engine->levels, &run->sigmas,
                           &run->steps, error))
    return FALSE;
  n_rows = (gsize) run->steps * sd_engine_embed_rows (engine, run->prompts);
  if (n == 2)
    sd_prompt_ids (run, params->negative, TRUE, ids, stride);
  sd_prompt_ids (run, params->prompt, FALSE, ids + (n - 1) * SD_TEXT_TOKENS, stride);
  sd_prompt_check_words (run, params->prompt);
  run->context = g_new (
      float, (gsize) run->prompts *SD_TEXT_TOKENS *sd_engine_context_width (engine));
  if (sd_engine_pooled_width (engine) > 0)
    run->pooled = g_new (float, (gsize) run->prompts *sd_engine_pooled_width (engine));
  run->rows = g_new (float, n_rows *sd_unet_emb_total (engine->unet));
  return TRUE;
}

/* Times and, where the UNet takes them, labels: for each step those of all prompts. */
static gboolean
embed (SdRun *run, const BaseTask *task, GError **error)
{
  SdEngine *engine = run->engine;
  guint steps = run->steps, each = sd_engine_embed_rows (engine, run->prompts);
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

/* Of two texts, to negative, negative, prompt. */
static void
repeat_first (SdRun *run)
{
  gsize rows = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (run->engine);
  gsize pooled = sd_engine_pooled_width (run->engine);

  memcpy (run->context + 2 * rows, run->context + rows, rows * sizeof (float));
  memcpy (run->context + rows, run->context, rows * sizeof (float));
  if (run->pooled == NULL)
    return;
  memcpy (run->pooled + 2 * pooled, run->pooled + pooled, pooled * sizeof (float));
  memcpy (run->pooled + pooled, run->pooled, pooled * sizeof (float));
}

static gboolean
encode (SdRun *run, const guint *ids, const BaseTask *task, GError **error)
{
  if (!sd_engine_encode_tokens (run->engine, ids, texts_of (run), run->context,
                                run->pooled, task, error))
    return FALSE;
  if (run->prompts == 3)
    repeat_first (run);
  return embed (run, task, error);
}

static gboolean
prepare (SdRun *run, const BaseTask *task, GError **error)
{
  g_autoptr (GError) fault = NULL;
  guint ids[2 * 2 * SD_TEXT_TOKENS]; /* prompts, text encoders */

  if (!plan (run, ids, error))
    return FALSE;
  while (!encode (run, ids, task, &fault))
    if (!sd_run_may_retry (run, &fault))
      {
        g_propagate_error (error, g_steal_pointer (&fault));
        return FALSE;
      }
  return TRUE;
}

SdRun *
sd_run_start (SdEngine *engine,
              const SdParams *params,
              const BaseTask *task,
              GError **error)
{
  if (!sd_params_check_for (params, engine->info, error)
      || !sd_engine_begin (engine, error) || !sd_engine_fit_for (engine, params, error))
    return NULL;
  g_autoptr (SdRun) run = g_new0 (SdRun, 1);
  run->engine = engine;
  run->params = sd_params_copy (params);
  run->h = params->height / 8;
  run->w = params->width / 8;
  run->prompts = sd_params_passes (params, engine->info);
  run->serial = ++engine->last_serial;
  run->warnings = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (run->warnings, NULL);
  if (!sd_run_frame (run, error))
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
  sd_params_free (run->params);
  g_clear_pointer (&run->warnings, g_ptr_array_unref);
  g_free (run->context);
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

typedef struct
{
  SdRun *run;
  const BaseTask *task;
} Denoise;

static const float *
time_row (SdRun *run, double sigma)
{
  gsize each = sd_engine_embed_rows (run->engine, run->prompts)
               * (gsize) sd_unet_emb_total (run->engine->unet);

  for (guint i = 0; i < run->steps; i++)
    if (run->sigmas[i] == sigma)
      return run->rows + i * each;
  return NULL;
}

/* What the network is for: of x = clean + sigma·noise it predicts the noise (or v =
 * noise·cos − clean·sin), once for each prompt; guidance goes from the first prediction
 * beyond the second. With a picture to be changed there is a guidance of its own from
 * what is predicted without to what is predicted with it (Brooks et al. 2023). Here for
 * one picture of n values. */
static void
predict (const SdRun *run,
         const float *x,
         const float *out,
         gsize n,
         float sigma,
         float *denoised)
{
  gboolean v = run->engine->info->v_prediction;
  float keep = v ? 1.0f / (sigma * sigma + 1.0f) : 1.0f;
  float take = v ? sigma / sqrtf (sigma * sigma + 1.0f) : sigma;
  float cfg = (float) run->params->cfg;
  float image_cfg = run->prompts == 3 ? (float) run->params->source->image_cfg : 0;

  for (gsize i = 0; i < n; i++)
    {
      float e = out[i];
      if (run->prompts == 2)
        e += cfg * (out[n + i] - e);
      else if (run->prompts == 3)
        e += image_cfg * (out[n + i] - e) + cfg * (out[2 * n + i] - out[n + i]);
      denoised[i] = x[i] * keep - e * take;
    }
}

static gboolean
denoise (
    const float *x, double sigma, float *denoised, gpointer user_data, GError **error)
{
  Denoise *data = user_data;
  SdRun *run = data->run;
  SdEngine *engine = run->engine;
  gsize n = SD_LATENT_CHANNELS * (gsize) run->h * run->w;
  const float *row = time_row (run, sigma);
  float scale = (float) (1.0 / sqrt (sigma * sigma + 1.0));
  g_autofree float *scaled = nn_alloc (n, sizeof *scaled, _ ("The step"), error);
  g_autofree float *out
      = scaled != NULL ? nn_alloc (run->prompts * n, sizeof *out, _ ("The step"), error)
                       : NULL;

  const float *extra[SD_MAX_PROMPTS];
  SdInput input = { scaled, run->h, run->w, extra };

  g_return_val_if_fail (row != NULL, FALSE);
  if (out == NULL)
    return FALSE;
  sd_run_extra (run, extra);
  if (engine->context_owner != run->serial)
    {
      if (!sd_engine_set_context (engine, run->context, run->prompts, data->task, error))
        return FALSE;
      engine->context_owner = run->serial;
    }
  for (guint p = 0; p < run->params->batch; p++)
    {
      for (gsize i = 0; i < n; i++)
        scaled[i] = x[p * n + i] * scale;
      if (!sd_engine_pass (engine, &input, run->prompts, row, out, data->task, error))
        {
          g_prefix_error (error, _ ("Step %u of %u: "), sd_run_step_index (run) + 1,
                          run->steps);
          return FALSE;
        }
      predict (run, x + p * n, out, n, (float) sigma, denoised + p * n);
      sd_run_blend (run, p, denoised + p * n);
    }
  return TRUE;
}

gboolean
sd_run_step (SdRun *run, const BaseTask *task, GError **error)
{
  g_autoptr (GError) fault = NULL;
  Denoise data = { run, task };

  if (sampler_run_finished (run->sampler))
    {
      g_set_error (error, SD_ERROR, SD_ERROR_STATE, _ ("All %u steps are done"),
                   run->steps);
      return FALSE;
    }
  while (!sampler_run_step (run->sampler, denoise, &data, &fault))
    if (!sd_run_may_retry (run, &fault))
      {
        g_propagate_error (error, g_steal_pointer (&fault));
        return FALSE;
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
