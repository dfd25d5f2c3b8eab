/* sd-tiles.c: the decoder on a picture too large for it: in tiles that overlap
 *
 * Tiles of one size, spread evenly, so that one program serves all. Where they overlap
 * the pixels are mixed, with shares that grow linearly from a tile's edge. The decoder's
 * norms see one tile at a time, so colours may differ slightly from tile to tile; that is
 * why this comes after everything that leaves the picture as it is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <string.h>

#define MIN_OVERLAP 8 /* latents */

guint
sd_tile_count (guint side, guint tile)
{
  return side <= tile ? 1
                      : (side - tile + tile - MIN_OVERLAP - 1) / (tile - MIN_OVERLAP) + 1;
}

guint
sd_tile_start (guint side, guint tile, guint n, guint i)
{
  return n == 1 ? 0 : (guint) ((guint64) i * (side - tile) / (n - 1));
}

float
sd_tile_share (guint p, guint length, guint unit)
{
  guint ramp = unit * MIN_OVERLAP;
  guint edge = MIN (p + 1, length - p);

  return (float) MIN (edge, ramp) / ramp;
}

float *
sd_tile_sums (guint side, guint tile, guint unit)
{
  guint n = sd_tile_count (side, tile);
  float *sums = g_new0 (float, unit *side);

  for (guint i = 0; i < n; i++)
    for (guint p = 0; p < unit * tile; p++)
      sums[unit * sd_tile_start (side, tile, n, i) + p]
          += sd_tile_share (p, unit * tile, unit);
  return sums;
}

typedef struct
{
  const float *latents;
  guint h, w;   /* of the picture, in latents */
  guint th, tw; /* of a tile */
  float *rgb;
  const float *down, *across; /* sums of shares */
} Job;

static void
cut (const Job *job, guint y0, guint x0, float *z)
{
  for (guint c = 0; c < SD_LATENT_CHANNELS; c++)
    for (guint y = 0; y < job->th; y++)
      memcpy (z + ((gsize) c * job->th + y) * job->tw,
              job->latents + ((gsize) c * job->h + y0 + y) * job->w + x0,
              job->tw * sizeof *z);
}

static void
blend (const Job *job, guint y0, guint x0, const float *tile)
{
  for (guint y = 0; y < 8 * job->th; y++)
    for (guint x = 0; x < 8 * job->tw; x++)
      {
        float share = sd_tile_share (y, 8 * job->th, 8) / job->down[8 * y0 + y]
                      * (sd_tile_share (x, 8 * job->tw, 8) / job->across[8 * x0 + x]);
        float *to = job->rgb + (((gsize) 8 * y0 + y) * 8 * job->w + 8 * x0 + x) * 3;
        const float *from = tile + ((gsize) y * 8 * job->tw + x) * 3;

        for (guint c = 0; c < 3; c++)
          to[c] += share * from[c];
      }
}

static gboolean
decode_tiles (SdEngine *engine, const Job *job, const BaseTask *task, GError **error)
{
  guint down = sd_tile_count (job->h, job->th), across = sd_tile_count (job->w, job->tw);
  gsize pixels = (gsize) job->th * job->tw;
  g_autofree float *z
      = nn_alloc (pixels, SD_LATENT_CHANNELS * sizeof *z, "a tile", error);
  g_autofree float *tile
      = z != NULL ? nn_alloc (pixels, 64 * 3 * sizeof *tile, "a tile", error) : NULL;

  if (tile == NULL)
    return FALSE;
  for (guint i = 0; i < down * across; i++)
    {
      guint y0 = sd_tile_start (job->h, job->th, down, i / across);
      guint x0 = sd_tile_start (job->w, job->tw, across, i % across);

      cut (job, y0, x0, z);
      if (!sd_engine_decode_whole (engine, z, job->th, job->tw, tile, task, error))
        return FALSE;
      blend (job, y0, x0, tile);
    }
  return TRUE;
}

gboolean
sd_engine_decode (SdEngine *engine,
                  const float *latents,
                  guint h,
                  guint w,
                  float *rgb,
                  const BaseTask *task,
                  GError **error)
{
  guint most = engine->fit.tile;
  Job job = { latents, h, w, MIN (h, most), MIN (w, most), rgb };

  if (most == 0 || (h <= most && w <= most))
    return sd_engine_decode_whole (engine, latents, h, w, rgb, task, error);
  g_autofree float *down = sd_tile_sums (h, job.th, 8);
  g_autofree float *across = sd_tile_sums (w, job.tw, 8);
  job.down = down;
  job.across = across;
  memset (rgb, 0, (gsize) h * w * 64 * 3 * sizeof *rgb);
  return decode_tiles (engine, &job, task, error);
}
