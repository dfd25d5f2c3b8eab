/* sd-encode.c: from pixels to latents: the VAE's encoder, whole or in tiles
 *
 * Tiles overlap and are mixed as those of the decoder are (sd-tiles.c), in latents.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* @rgb: [8h][8w][3] */
static gboolean
encode_whole (SdEngine *engine,
              const float *rgb,
              guint h,
              guint w,
              float *latents,
              const BaseTask *task,
              GError **error)
{
  gsize pixels = (gsize) h * w;
  SdProgram *program = sd_engine_program (engine, SD_STAGE_ENCODE, 1, h, w, error);
  g_autofree float *moments
      = program != NULL ? nn_alloc (pixels, 2 * SD_LATENT_CHANNELS * sizeof *moments,
                                    _ ("The VAE's encoder"), error)
                        : NULL;

  if (moments == NULL || !nn_state_write (program->in, rgb, error)
      || !sd_engine_run_program (engine, program, "encode", task, error)
      || !sd_engine_read_state (engine, program, program->out, moments,
                                _ ("The VAE's encoder"), error))
    return FALSE;
  for (guint c = 0; c < SD_LATENT_CHANNELS; c++)
    for (gsize i = 0; i < pixels; i++)
      latents[c * pixels + i] = moments[i * 2 * SD_LATENT_CHANNELS + c];
  return TRUE;
}

/* ---- tiles ---- */

typedef struct
{
  const float *rgb;
  guint h, w;   /* of the picture, in latents */
  guint th, tw; /* of a tile */
  float *latents;
  const float *down, *across; /* sums of shares */
} Job;

static void
cut (const Job *job, guint y0, guint x0, float *rgb)
{
  gsize row = (gsize) 8 * job->tw * 3;

  for (guint y = 0; y < 8 * job->th; y++)
    memcpy (rgb + y * row, job->rgb + ((8 * (gsize) y0 + y) * 8 * job->w + 8 * x0) * 3,
            row * sizeof *rgb);
}

static void
blend (const Job *job, guint y0, guint x0, const float *tile)
{
  for (guint c = 0; c < SD_LATENT_CHANNELS; c++)
    for (guint y = 0; y < job->th; y++)
      for (guint x = 0; x < job->tw; x++)
        {
          float share = sd_tile_share (y, job->th, 1) / job->down[y0 + y]
                        * (sd_tile_share (x, job->tw, 1) / job->across[x0 + x]);

          job->latents[((gsize) c * job->h + y0 + y) * job->w + x0 + x]
              += share * tile[((gsize) c * job->th + y) * job->tw + x];
        }
}

static gboolean
encode_tiles (SdEngine *engine, const Job *job, const BaseTask *task, GError **error)
{
  guint down = sd_tile_count (job->h, job->th), across = sd_tile_count (job->w, job->tw);
  gsize pixels = (gsize) job->th * job->tw;
  g_autofree float *rgb = nn_alloc (pixels, 64 * 3 * sizeof *rgb, "a tile", error);
  g_autofree float *tile
      = rgb != NULL
            ? nn_alloc (pixels, SD_LATENT_CHANNELS * sizeof *tile, "a tile", error)
            : NULL;

  if (tile == NULL)
    return FALSE;
  for (guint i = 0; i < down * across; i++)
    {
      guint y0 = sd_tile_start (job->h, job->th, down, i / across);
      guint x0 = sd_tile_start (job->w, job->tw, across, i % across);

      cut (job, y0, x0, rgb);
      if (!encode_whole (engine, rgb, job->th, job->tw, tile, task, error))
        return FALSE;
      blend (job, y0, x0, tile);
    }
  return TRUE;
}

gboolean
sd_engine_encode_pixels (SdEngine *engine,
                         const float *rgb,
                         guint h,
                         guint w,
                         float *latents,
                         const BaseTask *task,
                         GError **error)
{
  guint most = engine->fit.encode_tile;
  Job job = { rgb, h, w, MIN (h, most), MIN (w, most), latents };

  if (!sd_vae_has_encoder (engine->vae))
    {
      g_set_error (error, SD_ERROR, SD_ERROR_MISSING_PART,
                   _ ("The model's VAE has no encoder (“%s”), which pictures go through "
                      "before they can be changed. Give the model a whole VAE"),
                   SD_NAMES_VAE "encoder.");
      return FALSE;
    }
  if (most == 0 || (h <= most && w <= most))
    return encode_whole (engine, rgb, h, w, latents, task, error);
  g_autofree float *down = sd_tile_sums (h, job.th, 1);
  g_autofree float *across = sd_tile_sums (w, job.tw, 1);
  job.down = down;
  job.across = across;
  memset (latents, 0, (gsize) h * w * SD_LATENT_CHANNELS * sizeof *latents);
  return encode_tiles (engine, &job, task, error);
}

float *
sd_engine_encode (SdEngine *engine,
                  const ImageBuffer *image,
                  const BaseTask *task,
                  GError **error)
{
  guint h = image->height / 8, w = image->width / 8;
  gsize area = (gsize) h * w * 64;

  if (h == 0 || w == 0 || image->height % 8 != 0 || image->width % 8 != 0)
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_PARAMETER,
          _ ("A picture of %u×%u cannot be encoded: both sides must be multiples of 8"),
          image->width, image->height);
      return NULL;
    }
  g_autofree float *rgb = nn_alloc (area, 3 * sizeof *rgb, _ ("The picture"), error);
  if (rgb == NULL)
    return NULL;
  g_autofree float *latents = g_new (float, area / 64 * SD_LATENT_CHANNELS);
  for (gsize i = 0; i < area; i++)
    for (guint c = 0; c < 3; c++)
      rgb[i * 3 + c] = image->pixels[i * image->channels + c] / 127.5f - 1.0f;
  if (!sd_engine_encode_pixels (engine, rgb, h, w, latents, task, error))
    return NULL;
  for (gsize i = 0; i < area / 64 * SD_LATENT_CHANNELS; i++)
    latents[i] *= (float) engine->info->latent_scale;
  return g_steal_pointer (&latents);
}
