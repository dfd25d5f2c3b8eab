/* sd-engine-stages.c: each stage of a picture as one call: host memory in, host memory
 * out
 *
 * Latents go to the device and back at each pass: 64 KiB for a picture of 512×512,
 * nothing beside the pass itself, and the samplers stay plain arithmetic whose bits do
 * not depend on the device.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-script-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

static const char *const stage_names[SD_N_STAGES]
    = { "text", "text 2", "time", "context", "unet", "decoder", "encoder", "taesd" };

/* ---- running ---- */

/* Tells the caller's listener what the network's own progress means to him: a stage, or
 * one of several equal parts of a stage. */
typedef struct
{
  const BaseTask *task;
  const char *stage; /* NULL: a short one that is not worth a word */
  guint part, parts; /* parts 0: the whole */
} Relay;

#define PART 1000u

static void
relay_progress (const char *stage, guint64 done, guint64 total, gpointer user_data)
{
  const Relay *relay = user_data;
  /* That kernels are being made, or weights read, explains a wait, whatever is waited
   * for.
   */
  if (relay->parts == 0 && !g_str_equal (stage, "compute"))
    {
      base_task_progress (relay->task, stage, done, total);
      return;
    }
  if (relay->stage == NULL)
    return;
  if (relay->parts > 0)
    {
      done = (guint64) relay->part * PART + PART * done / MAX (total, 1);
      total = (guint64) relay->parts * PART;
    }
  base_task_progress (relay->task, relay->stage, done, total);
}

static gboolean
run_relayed (SdEngine *engine,
             SdProgram *program,
             Relay *relay,
             const BaseTask *task,
             GError **error)
{
  BaseTask inner = { .cancellable = task != NULL ? task->cancellable : NULL,
                     .progress = relay_progress,
                     .user_data = relay };
  gint64 start = g_get_monotonic_time ();
  if (!base_task_check (task, error) || !nn_program_run (program->program, &inner, error))
    return FALSE;
  program->seconds = (g_get_monotonic_time () - start) * 1e-6;
  if (engine->profiling)
    {
      g_autoptr (GArray) timings = nn_program_timings (program->program);
      sd_profile_add (engine->profile, stage_names[program->stage], timings);
    }
  return TRUE;
}

gboolean
sd_engine_run_program (SdEngine *engine,
                       SdProgram *program,
                       const char *stage,
                       const BaseTask *task,
                       GError **error)
{
  Relay relay = { .task = task, .stage = stage };
  return run_relayed (engine, program, &relay, task, error);
}

/* With 16 bits it is tried again with 32, and only then the layer is sought. */
static void
set_not_finite (SdEngine *engine,
                const SdProgram *program,
                const char *what,
                GError **error)
{
  g_autofree char *label
      = engine->activations == NN_F32 ? nn_program_first_fault (program->program) : NULL;

  if (engine->loras != NULL && sd_loras_any (engine->loras))
    g_set_error (error, SD_ERROR, SD_ERROR_NOT_FINITE,
                 _ ("%s gave values that are not numbers (NaN or infinite): a LoRA is "
                    "too strong, or damaged"),
                 what);
  else if (label != NULL)
    g_set_error (error, SD_ERROR, SD_ERROR_NOT_FINITE,
                 _ ("%s gave values that are not numbers (NaN or infinite), first in "
                    "“%s”: the model's weights are damaged"),
                 what, label);
  else
    g_set_error (error, SD_ERROR, SD_ERROR_NOT_FINITE,
                 _ ("%s gave values that are not numbers (NaN or infinite): the model's "
                    "weights are damaged"),
                 what);
}

/* What a stage gave; nn_state_read has looked at every value on its way. */
gboolean
sd_engine_read_state (SdEngine *engine,
                      const SdProgram *program,
                      NnState *state,
                      float *dst,
                      const char *what,
                      GError **error)
{
  g_autoptr (GError) fault = NULL;

  if (nn_state_read (state, dst, &fault))
    return TRUE;
  if (g_error_matches (fault, NN_ERROR, NN_ERROR_NOT_FINITE))
    set_not_finite (engine, program, what, error);
  else
    g_propagate_error (error, g_steal_pointer (&fault));
  return FALSE;
}

/* [c][h][w] ↔ [h][w][c] */
static void
to_channels_last (const float *src, gsize pixels, guint channels, float *dst)
{
  for (guint c = 0; c < channels; c++)
    for (gsize i = 0; i < pixels; i++)
      dst[i * channels + c] = src[c * pixels + i];
}

static void
to_channels_first (const float *src, gsize pixels, guint channels, float *dst)
{
  for (guint c = 0; c < channels; c++)
    for (gsize i = 0; i < pixels; i++)
      dst[c * pixels + i] = src[i * channels + c];
}

/* ---- stages ---- */

/* Up to SD_TIME_ROWS of them; the program's own number of rows is filled up with the
 * last. */
static gboolean
embed_some (SdEngine *engine,
            SdProgram *program,
            const double *times,
            const float *labels,
            guint count,
            const BaseTask *task,
            GError **error)
{
  guint width = sd_engine_label_width (engine);
  float t[SD_TIME_ROWS];
  for (guint i = 0; i < SD_TIME_ROWS; i++)
    t[i] = (float) times[MIN (i, count - 1)];
  if (width > 0)
    {
      g_autofree float *all = g_new (float, (gsize) SD_TIME_ROWS *width);
      for (guint i = 0; i < SD_TIME_ROWS; i++)
        memcpy (all + (gsize) i * width, labels + (gsize) MIN (i, count - 1) * width,
                sizeof (float) * width);
      if (!nn_state_write (program->extra, all, error))
        return FALSE;
    }
  return nn_state_write (program->in, t, error)
         && sd_engine_run_program (engine, program, NULL, task, error);
}

gboolean
sd_engine_embed_times (SdEngine *engine,
                       const double *times,
                       const float *labels,
                       guint n,
                       float *rows,
                       const BaseTask *task,
                       GError **error)
{
  SdUnet *unet = engine->unet;
  guint total = sd_unet_emb_total (unet), label = sd_engine_label_width (engine);
  SdProgram *program = sd_engine_program (engine, SD_STAGE_TIME, 1, 0, 0, error);

  if (program == NULL)
    return FALSE;
  memset (rows, 0, sizeof (float) * n * total);
  for (guint first = 0; first < n; first += SD_TIME_ROWS)
    {
      guint count = MIN (SD_TIME_ROWS, n - first);
      if (!embed_some (engine, program, times + first,
                       label > 0 ? labels + (gsize) first * label : NULL, count, task,
                       error))
        return FALSE;
      for (guint e = 0; e < sd_unet_n_emb (unet); e++)
        {
          guint width = sd_unet_emb_width (unet, e),
                offset = sd_unet_emb_offset (unet, e);
          g_autofree float *all = g_new (float, (gsize) SD_TIME_ROWS *width);
          if (!sd_engine_read_state (engine, program, engine->time_embs->pdata[e], all,
                                     _ ("The UNet's time embedding"), error))
            return FALSE;
          for (guint i = 0; i < count; i++)
            memcpy (rows + (gsize) (first + i) * total + offset, all + (gsize) i * width,
                    sizeof (float) * width);
        }
    }
  return TRUE;
}

/* Latents and, behind them, what else the UNet takes at each place: [h][w][channels]; of
 * prompts whose @extra is NULL that is 0. */
static void
lay_input (const SdEngine *engine,
           const float *x,
           const float *const *extra,
           guint n,
           gsize pixels,
           float *in)
{
  guint channels = sd_unet_in_channels (engine->unet);
  guint more = channels - SD_LATENT_CHANNELS;

  for (guint k = 0; k < n; k++)
    for (gsize i = 0; i < pixels; i++)
      {
        float *to = in + (k * pixels + i) * channels;

        for (guint c = 0; c < SD_LATENT_CHANNELS; c++)
          to[c] = x[c * pixels + i];
        for (guint c = 0; c < more; c++)
          to[SD_LATENT_CHANNELS + c]
              = extra != NULL && extra[k] != NULL ? extra[k][c * pixels + i] : 0;
      }
}

static gboolean
pass (SdEngine *engine,
      SdSet set,
      const SdInput *input,
      guint first,
      const float *row,
      float *out,
      const BaseTask *task,
      GError **error)
{
  guint n = sd_set_n (set), h = input->h, w = input->w;
  gsize pixels = (gsize) h * w, each = SD_LATENT_CHANNELS * pixels;
  guint channels = sd_unet_in_channels (engine->unet);
  SdProgram *program = sd_engine_program_of (engine, SD_STAGE_UNET, set, h, w, error);
  g_autofree float *last
      = program != NULL
            ? nn_alloc (n * pixels, channels * sizeof *last, _ ("The UNet"), error)
            : NULL;

  if (last == NULL)
    return FALSE;
  lay_input (engine, input->x, input->extra != NULL ? input->extra + first : NULL, n,
             pixels, last);
  if (!nn_state_write (program->in, last, error)
      || !nn_state_write (engine->emb[sd_engine_embed_rows (engine, n) - 1], row, error)
      || !sd_engine_run_program (engine, program, "pass", task, error)
      || !sd_engine_read_state (engine, program, program->out, last, _ ("The UNet"),
                                error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    to_channels_first (last + i * each, pixels, SD_LATENT_CHANNELS, out + i * each);
  return TRUE;
}

gboolean
sd_engine_pass_of (SdEngine *engine,
                   SdSet set,
                   const SdInput *input,
                   guint index,
                   const float *row,
                   float *out,
                   const BaseTask *task,
                   GError **error)
{
  return pass (engine, set, input, index, row, out, task, error);
}

gboolean
sd_engine_pass (SdEngine *engine,
                const SdInput *input,
                guint n,
                const float *row,
                float *out,
                const BaseTask *task,
                GError **error)
{
  gsize each = (gsize) SD_LATENT_CHANNELS * input->h * input->w;
  gsize rows
      = sd_engine_embed_rows (engine, n) > 1 ? sd_unet_emb_total (engine->unet) : 0;

  if (!sd_engine_apart (engine, n))
    return pass (engine, sd_set_of_all (n), input, 0, row, out, task, error);
  for (guint i = 0; i < n; i++)
    if (!pass (engine, sd_set_of_one (i), input, i, row + i * rows, out + i * each, task,
               error))
      return FALSE;
  return TRUE;
}

gboolean
sd_engine_decode_whole (SdEngine *engine,
                        const float *latents,
                        guint h,
                        guint w,
                        float *rgb,
                        const BaseTask *task,
                        GError **error)
{
  gsize pixels = (gsize) h * w, n = SD_LATENT_CHANNELS * pixels;
  SdProgram *program = sd_engine_program (engine, SD_STAGE_DECODE, 1, h, w, error);
  g_autofree float *z
      = program != NULL ? nn_alloc (n, sizeof *z, "latents", error) : NULL;

  if (z == NULL)
    return FALSE;
  to_channels_last (latents, pixels, SD_LATENT_CHANNELS, z);
  for (gsize i = 0; i < n; i++)
    z[i] /= (float) engine->info->latent_scale;
  return nn_state_write (program->in, z, error)
         && sd_engine_run_program (engine, program, "decode", task, error)
         && sd_engine_read_state (engine, program, program->out, rgb,
                                  _ ("The VAE's decoder"), error);
}

gboolean
sd_engine_decode_tiny (SdEngine *engine,
                       const float *latents,
                       guint h,
                       guint w,
                       float *rgb,
                       const BaseTask *task,
                       GError **error)
{
  gsize pixels = (gsize) h * w, n = SD_LATENT_CHANNELS * pixels;
  SdProgram *program = sd_engine_program (engine, SD_STAGE_TINY, 1, h, w, error);
  g_autofree float *z = g_new (float, n);

  if (program == NULL)
    return FALSE;
  to_channels_last (latents, pixels, SD_LATENT_CHANNELS, z);
  for (gsize i = 0; i < n; i++)
    z[i] = 3.0f * tanhf (z[i] / 3.0f);
  if (!nn_state_write (program->in, z, error)
      || !sd_engine_run_program (engine, program, NULL, task, error)
      || !sd_engine_read_state (engine, program, program->out, rgb, "TAESD", error))
    return FALSE;
  for (gsize i = 0; i < pixels * 64 * 3; i++)
    rgb[i] = 2.0f * rgb[i] - 1.0f;
  return TRUE;
}

/* ---- pictures ---- */

static gboolean
is_blank (const ImageBuffer *image)
{
  gsize n = (gsize) image->width * image->height;
  for (gsize i = 1; i < n; i++)
    if (memcmp (image->pixels, image->pixels + i * image->channels, image->channels) != 0)
      return FALSE;
  return TRUE;
}

ImageBuffer *
sd_engine_picture (const float *rgb, guint width, guint height, GError **error)
{
  g_autoptr (ImageBuffer) image = image_buffer_from_floats (rgb, width, height);
  if (image == NULL)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                   _ ("No memory for a picture of %u×%u"), width, height);
      return NULL;
    }
  if (is_blank (image))
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_NOT_FINITE,
          _ ("The VAE's decoder gave a blank picture: every pixel is the same; the "
             "model's weights are damaged"));
      return NULL;
    }
  return g_steal_pointer (&image);
}

/* Once more where something could be mended: memory, the device, 16 bits. */
ImageBuffer *
sd_engine_decode_latents (SdEngine *engine,
                          const float *latents,
                          guint h,
                          guint w,
                          const BaseTask *task,
                          GError **error)
{
  g_autoptr (GError) fault = NULL;
  g_autofree float *rgb
      = nn_alloc ((gsize) h * w * 64 * 3, sizeof *rgb, _ ("The picture"), error);
  g_autoptr (ImageBuffer) image = NULL;
  const char *warn;

  if (rgb == NULL)
    return NULL;
  do
    {
      g_clear_error (&fault);
      if (sd_engine_decode (engine, latents, h, w, rgb, task, &fault))
        image = sd_engine_picture (rgb, 8 * w, 8 * h, &fault);
    }
  while (fault != NULL && sd_engine_recover (engine, &fault, &warn));
  if (fault != NULL)
    g_propagate_error (error, g_steal_pointer (&fault));
  return g_steal_pointer (&image);
}

/* ---- warming ---- */

gboolean
sd_engine_warm (SdEngine *engine,
                const SdParams *params,
                const BaseTask *task,
                GError **error)
{
  if (!sd_params_check (params, error))
    return FALSE;
  g_autoptr (SdScript) script
      = sd_script_new (engine, engine->tokenizer, params, NULL, error);
  if (script == NULL)
    return FALSE;
  guint n = script->shape.apart ? 1 : script->shape.n, texts = MIN (script->shape.n, 2);
  guint h = params->height / 8, w = params->width / 8;
  const struct
  {
    SdStage stage;
    guint n, h, w;
  } runs[] = {
    { SD_STAGE_TEXT, texts, 0, 0 }, { SD_STAGE_TEXT_2, texts, 0, 0 },
    { SD_STAGE_TIME, 1, 0, 0 },     { SD_STAGE_CONTEXT, n, 0, 0 },
    { SD_STAGE_UNET, n, h, w },     { SD_STAGE_DECODE, 1, h, w },
  };
  sd_engine_set_shape (engine, &script->shape);
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      Relay relay = { task, "kernels", i, G_N_ELEMENTS (runs) };
      if (runs[i].stage == SD_STAGE_TEXT_2 && engine->texts[1] == NULL)
        continue;
      SdProgram *program = sd_engine_program (engine, runs[i].stage, runs[i].n, runs[i].h,
                                              runs[i].w, error);
      if (program == NULL || !run_relayed (engine, program, &relay, task, error))
        return FALSE;
    }
  if (!sd_engine_fit_factors (engine, error))
    return FALSE;
  engine->context_owner = 0;
  if (engine->device != NULL)
    gpu_device_save_cache (engine->device);
  return TRUE;
}
