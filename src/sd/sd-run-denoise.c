/* sd-run-denoise.c: what a sampler asks of a run: the clean picture behind noise, by the
 * UNet and guidance
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* ---- what is said ---- */

/* The line of each prompt at this call of the network. */
static void
find_lines (const SdRun *run, guint *lines)
{
  guint call = sd_run_step_index ((SdRun *) run) * run->script->calls + run->call;

  for (guint i = 0; i < run->prompts; i++)
    lines[i] = sd_script_line (run->script, i, call);
}

/* Keys and values of the lines, where the engine has not got them yet. */
static gboolean
show (SdRun *run, const guint *lines, const BaseTask *task, GError **error)
{
  SdEngine *engine = run->engine;
  guint n = run->script->shape.n;
  SdContext contexts[SD_MAX_PROMPTS];

  if (!sd_engine_has_loras (engine, run->params->loras) /* another run was between */
      && !sd_engine_use_loras (engine, run->params->loras, NULL, task, error))
    return FALSE;
  if (engine->context_owner == run->serial
      && memcmp (run->shown, lines, n * sizeof *lines) == 0)
    return TRUE;
  sd_engine_set_shape (engine, &run->script->shape);
  engine->context_owner = 0;
  if (run->prompts > n)
    return TRUE; /* each pass brings its own */
  for (guint i = 0; i < n; i++)
    contexts[i] = run->contexts[lines[i]];
  if (!sd_engine_set_contexts (engine, contexts, task, error))
    return FALSE;
  memcpy (run->shown, lines, n * sizeof *lines);
  engine->context_owner = run->serial;
  return TRUE;
}

/* The time embeddings of a step, [lines or 1][emb_total]. */
static const float *
time_rows (const SdRun *run, double sigma)
{
  gsize each = sd_engine_label_width (run->engine) > 0 ? run->script->lines->len : 1;

  for (guint i = 0; i < run->steps; i++)
    if (run->sigmas[i] == sigma)
      return run->rows + i * each * sd_unet_emb_total (run->engine->unet);
  return NULL;
}

/* Those of the lines one after another; @scratch is used where they are not so already.
 */
static const float *
rows_of (const SdRun *run, const float *rows, const guint *lines, guint n, float *scratch)
{
  gsize total = sd_unet_emb_total (run->engine->unet);
  gboolean follow = TRUE;

  if (sd_engine_label_width (run->engine) == 0)
    return rows;
  for (guint i = 0; i < n; i++)
    follow = follow && lines[i] == lines[0] + i;
  if (follow)
    return rows + lines[0] * total;
  for (guint i = 0; i < n; i++)
    memcpy (scratch + i * total, rows + lines[i] * total, total * sizeof *rows);
  return scratch;
}

/* ---- one prediction for each prompt ---- */

gboolean
sd_run_by_picture (const SdRun *run)
{
  return run->prompts > run->script->voices->len;
}

/* Where prompts stand side by side, the keys and values of each are made anew for each
 * pass: little beside the pass, and there may be any number of them. */
static gboolean
pass_each (SdRun *run,
           const SdInput *input,
           const float *rows,
           const guint *lines,
           float *out,
           const BaseTask *task,
           GError **error)
{
  gsize each = SD_LATENT_CHANNELS * (gsize) run->h * run->w;

  for (guint i = 0; i < run->prompts; i++)
    {
      SdSet set = sd_set_of_one (MIN (i, 1));
      const float *row = rows_of (run, rows, lines + i, 1, NULL);
      if (!sd_engine_set_context_of (run->engine, set, &run->contexts[lines[i]], task,
                                     error)
          || !sd_engine_pass_of (run->engine, set, input, MIN (i, 1), row, out + i * each,
                                 task, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
pass (SdRun *run,
      const SdInput *input,
      const float *rows,
      const guint *lines,
      float *out,
      const BaseTask *task,
      GError **error)
{
  guint n = run->script->shape.n;
  g_autofree float *scratch = NULL;

  if (run->prompts > n)
    return pass_each (run, input, rows, lines, out, task, error);
  scratch = g_new (float, (gsize) n *sd_unet_emb_total (run->engine->unet));
  return sd_engine_pass (run->engine, input, n, rows_of (run, rows, lines, n, scratch),
                         out, task, error);
}

/* How far each prompt's prediction takes from the first's. */
static float
guidance_of (const SdRun *run, guint prompt)
{
  const SdVoice *voice
      = run->script->voices->pdata[sd_script_voice (run->script, prompt)];
  return (float) (run->params->cfg * voice->weight);
}

/* What the network is for: of x = clean + sigma·noise it predicts the noise (or v =
 * noise·cos − clean·sin), once for each prompt; guidance goes from the first prediction
 * beyond the second, and with prompts side by side by the sum of what each differs (Liu
 * et al. 2022). With a picture to be changed there is a guidance of its own from what is
 * predicted without to what is predicted with it (Brooks et al. 2023). Here for one
 * picture of n values. */
static void
predict (const SdRun *run,
         const float *x,
         const float *out,
         gsize n,
         float sigma,
         float *denoised)
{
  gboolean v = run->engine->info->v_prediction;
  gboolean by_picture = sd_run_by_picture (run);
  float keep = v ? 1.0f / (sigma * sigma + 1.0f) : 1.0f;
  float take = v ? sigma / sqrtf (sigma * sigma + 1.0f) : sigma;
  float image_cfg = by_picture ? (float) run->params->source->image_cfg : 0;
  guint last = run->prompts - 1;
  float cfg = guidance_of (run, last);

  for (gsize i = 0; i < n; i++)
    {
      float first = out[i], e = first;
      if (by_picture)
        e += image_cfg * (out[n + i] - e) + cfg * (out[2 * n + i] - out[n + i]);
      else
        for (guint p = 1; p <= last; p++)
          e += (p == last ? cfg : guidance_of (run, p)) * (out[p * n + i] - first);
      denoised[i] = x[i] * keep - e * take;
    }
}

gboolean
sd_run_denoise (
    const float *x, double sigma, float *denoised, gpointer user_data, GError **error)
{
  SdDenoise *data = user_data;
  SdRun *run = data->run;
  gsize n = SD_LATENT_CHANNELS * (gsize) run->h * run->w;
  const float *rows = time_rows (run, sigma);
  float scale = (float) (1.0 / sqrt (sigma * sigma + 1.0));
  g_autofree guint *lines = g_new (guint, run->prompts);
  g_autofree float *scaled = nn_alloc (n, sizeof *scaled, _ ("The step"), error);
  g_autofree float *out
      = scaled != NULL ? nn_alloc (run->prompts * n, sizeof *out, _ ("The step"), error)
                       : NULL;
  const float *extra[SD_MAX_PROMPTS];
  SdInput input = { scaled, run->h, run->w, extra };

  g_return_val_if_fail (rows != NULL, FALSE);
  if (out == NULL)
    return FALSE;
  sd_run_extra (run, extra);
  find_lines (run, lines);
  if (!show (run, lines, data->task, error))
    return FALSE;
  for (guint p = 0; p < run->params->batch; p++)
    {
      for (gsize i = 0; i < n; i++)
        scaled[i] = x[p * n + i] * scale;
      if (!pass (run, &input, rows, lines, out, data->task, error))
        {
          g_prefix_error (error, _ ("Step %u of %u: "), sd_run_step_index (run) + 1,
                          run->steps);
          return FALSE;
        }
      predict (run, x + p * n, out, n, (float) sigma, denoised + p * n);
      sd_run_blend (run, p, denoised + p * n);
    }
  run->call++;
  return TRUE;
}
