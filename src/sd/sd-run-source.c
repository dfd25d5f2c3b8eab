/* sd-run-source.c: a run that begins from a picture: its latents, what a UNet is told of
 * it, and what keeps the rest of the picture as it is
 *
 * Plain models: the predicted clean latents outside the mask are those of the picture,
 * after each pass, and once more in the end, as k-diffusion's users do it. Models with 9
 * channels are told of the mask and of what is not masked, as diffusers does it. Models
 * of 8 channels (Brooks et al. 2023) begin from noise alone and are told of the picture.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

void
sd_begin_clear (SdBegin *begin)
{
  sd_frame_free (begin->frame);
  g_free (begin->mask);
  g_free (begin->init);
  g_free (begin->cond);
  g_free (begin->final);
  *begin = (SdBegin){ 0 };
}

static guint
channels_of (const SdRun *run)
{
  return run->engine->info->unet_in_channels;
}

static gsize
cells_of (const SdRun *run)
{
  return (gsize) run->h * run->w;
}

gboolean
sd_run_frame (SdRun *run, GError **error)
{
  const SdSource *source = run->params->source;
  SdBegin *begin = &run->begin;

  if (source == NULL)
    return TRUE;
  begin->frame = sd_frame_new (run->params, error);
  if (begin->frame == NULL || begin->frame->mask == NULL)
    return begin->frame != NULL;
  g_autoptr (ImageMask) mask = sd_frame_view_mask (begin->frame);
  if (mask == NULL)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY, _ ("No memory for the mask"));
      return FALSE;
    }
  /* Models that are told of the mask were taught hard ones. */
  begin->mask
      = sd_mask_cells (mask, source->soft && channels_of (run) != SD_INPAINT_CHANNELS);
  for (gsize i = 0; i < cells_of (run); i++)
    if (begin->mask[i] > 0)
      return TRUE;
  g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
               _ ("The mask is too thin: of no square of 8×8 pixels is more than half "
                  "masked. Mask more, or take only the masked part at full size"));
  return FALSE;
}

/* ---- encoding ---- */

static void
to_floats (const ImageBuffer *image, float *rgb)
{
  for (gsize i = 0; i < (gsize) image->width * image->height * 3; i++)
    rgb[i] = image->pixels[i] / 127.5f - 1.0f;
}

static gboolean
encode (
    SdRun *run, const float *rgb, float *latents, const BaseTask *task, GError **error)
{
  return sd_engine_encode_pixels (run->engine, rgb, run->h, run->w, latents, task, error);
}

static void
scale (const SdRun *run, float *latents)
{
  for (gsize i = 0; i < SD_LATENT_CHANNELS * cells_of (run); i++)
    latents[i] *= (float) run->engine->info->latent_scale;
}

/* [mask, latents of what is not masked]; without a picture all is masked. */
static gboolean
tell_mask (SdRun *run, float *rgb, const BaseTask *task, GError **error)
{
  SdBegin *begin = &run->begin;
  gsize cells = cells_of (run);
  gboolean all = begin->frame == NULL || begin->frame->mask == NULL;
  g_autoptr (ImageMask) mask = all ? NULL : sd_frame_view_mask (begin->frame);

  if (!all && mask == NULL)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY, _ ("No memory for the mask"));
      return FALSE;
    }
  for (gsize i = 0; i < cells * 64; i++)
    for (guint c = 0; c < 3 && (all || mask->pixels[i] >= 128); c++)
      rgb[3 * i + c] = 0;
  for (gsize i = 0; i < cells; i++)
    begin->cond[i] = all ? 1.0f : begin->mask[i];
  if (!encode (run, rgb, begin->cond + cells, task, error))
    return FALSE;
  scale (run, begin->cond + cells);
  return TRUE;
}

static gboolean
encode_all (
    SdRun *run, float *rgb, const ImageBuffer *view, const BaseTask *task, GError **error)
{
  SdBegin *begin = &run->begin;
  guint channels = channels_of (run);

  if (view != NULL)
    {
      to_floats (view, rgb);
      if (!encode (run, rgb, begin->init, task, error))
        return FALSE;
      if (channels == SD_INSTRUCT_CHANNELS) /* these take latents as the VAE gives them */
        memcpy (begin->cond, begin->init,
                SD_LATENT_CHANNELS * cells_of (run) * sizeof (float));
      scale (run, begin->init);
    }
  if (channels != SD_INPAINT_CHANNELS)
    return TRUE;
  /* What the mask's content was filled with is no part of what is not masked. */
  if (view != NULL && begin->mask != NULL)
    {
      g_autoptr (ImageBuffer) plain = sd_frame_view (begin->frame, FALSE);
      if (plain != NULL)
        to_floats (plain, rgb);
    }
  return tell_mask (run, rgb, task, error);
}

gboolean
sd_run_encode (SdRun *run, const BaseTask *task, GError **error)
{
  SdBegin *begin = &run->begin;
  const SdSource *source = run->params->source;
  gsize cells = cells_of (run), n = SD_LATENT_CHANNELS * cells;
  guint more = channels_of (run) - SD_LATENT_CHANNELS;
  g_autoptr (ImageBuffer) view = NULL;
  g_autoptr (GError) fault = NULL;

  if (!sd_params_encode (run->params, run->engine->info))
    return TRUE;
  g_autofree float *rgb
      = nn_alloc (cells * 64, 3 * sizeof *rgb, _ ("The picture"), error);
  if (rgb == NULL)
    return FALSE;
  if (source != NULL)
    {
      view = sd_frame_view (begin->frame, source->masked == SD_MASKED_FILL);
      if (view == NULL)
        {
          g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                       _ ("No memory for a picture of %u×%u"), run->params->width,
                       run->params->height);
          return FALSE;
        }
      begin->init = g_new (float, n);
      begin->n_init = 1;
    }
  if (more > 0)
    begin->cond = g_new (float, more *cells);
  while (!encode_all (run, rgb, view, task, &fault))
    if (!sd_run_may_retry (run, &fault))
      {
        g_propagate_error (error, g_steal_pointer (&fault));
        return FALSE;
      }
  return TRUE;
}

/* ---- the first latents ---- */

/* Below the mask noise, or nothing; noise is each picture's own. */
static gboolean
empty_mask (SdRun *run, const float *noise, GError **error)
{
  SdBegin *begin = &run->begin;
  gsize cells = cells_of (run), n = SD_LATENT_CHANNELS * cells;
  gboolean drawn = run->params->source->masked == SD_MASKED_NOISE;
  guint batch = drawn ? run->params->batch : 1;
  float *init = nn_alloc (batch * n, sizeof *init, _ ("The noise"), error);

  if (init == NULL)
    return FALSE;
  for (gsize i = 0; i < batch * n; i++)
    {
      float share = begin->mask[i % cells];
      init[i] = begin->init[i % n] * (1.0f - share);
      if (drawn)
        init[i] += noise[i] * share;
    }
  g_free (begin->init);
  begin->init = init;
  begin->n_init = batch;
  return TRUE;
}

gboolean
sd_run_begin_latents (SdRun *run, float *x, GError **error)
{
  SdBegin *begin = &run->begin;
  const SdSource *source = run->params->source;
  gsize n = SD_LATENT_CHANNELS * cells_of (run);
  float sigma = (float) run->sigmas[0];
  gboolean from_noise = source == NULL || channels_of (run) == SD_INSTRUCT_CHANNELS;

  if (begin->mask != NULL
      && (source->masked == SD_MASKED_NOISE || source->masked == SD_MASKED_NOTHING)
      && !empty_mask (run, x, error))
    return FALSE;
  for (gsize i = 0; i < run->params->batch * n; i++)
    {
      x[i] *= sigma;
      if (!from_noise)
        x[i] += begin->init[begin->n_init > 1 ? i : i % n];
    }
  return TRUE;
}

/* ---- in each step ---- */

void
sd_run_extra (const SdRun *run, const float *extra[SD_MAX_PROMPTS])
{
  for (guint i = 0; i < SD_MAX_PROMPTS; i++)
    extra[i] = run->begin.cond;
  if (sd_run_by_picture (run))
    extra[0] = NULL; /* neither words nor picture */
}

static gboolean
blends (const SdRun *run)
{
  return run->begin.mask != NULL && channels_of (run) != SD_INPAINT_CHANNELS;
}

void
sd_run_blend (const SdRun *run, guint picture, float *latents)
{
  const SdBegin *begin = &run->begin;
  gsize cells = cells_of (run), n = SD_LATENT_CHANNELS * cells;

  if (!blends (run))
    return;
  const float *init = begin->init + (begin->n_init > 1 ? picture * n : 0);
  for (gsize i = 0; i < n; i++)
    {
      float share = begin->mask[i % cells];
      if (share < 1.0f)
        latents[i] = latents[i] * share + init[i] * (1.0f - share);
    }
}

gboolean
sd_run_end (SdRun *run, GError **error)
{
  SdBegin *begin = &run->begin;
  gsize n = SD_LATENT_CHANNELS * cells_of (run);

  if (!blends (run) || !sampler_run_finished (run->sampler))
    return TRUE;
  begin->final
      = nn_alloc (run->params->batch * n, sizeof (float), _ ("The picture"), error);
  if (begin->final == NULL)
    return FALSE;
  memcpy (begin->final, sampler_run_latents (run->sampler),
          run->params->batch * n * sizeof (float));
  for (guint i = 0; i < run->params->batch; i++)
    sd_run_blend (run, i, begin->final + i * n);
  return TRUE;
}

ImageBuffer *
sd_run_compose (const SdRun *run, ImageBuffer *made, GError **error)
{
  g_autoptr (ImageBuffer) taken = made;
  ImageBuffer *out;

  if (made == NULL || run->begin.frame == NULL || run->begin.frame->mask == NULL)
    return g_steal_pointer (&taken);
  out = sd_frame_compose (run->begin.frame, made);
  if (out == NULL)
    g_set_error (error, NN_ERROR, NN_ERROR_MEMORY, _ ("No memory for a picture of %u×%u"),
                 run->begin.frame->canvas->width, run->begin.frame->canvas->height);
  return out;
}
