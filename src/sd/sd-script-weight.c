/* sd-script-weight.c: what weights do to the text encoder's vectors
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-script-private.h"

#include <math.h>

/* Of the vector at @place of 77; begin, end and what fills up weigh 1. */
static float
weight_at (const SdPromptChunk *chunk, guint place)
{
  return chunk != NULL && place >= 1 && place <= chunk->n
             ? chunk->tokens[place - 1].weight
             : 1.0f;
}

static double
sum_of (const SdChunkVectors *c)
{
  double sum = 0;
  for (guint i = 0; i < SD_TEXT_TOKENS; i++)
    for (guint k = 0; k < c->width; k++)
      sum += c->values[(gsize) i * c->stride + k];
  return sum * c->times;
}

static gboolean
is_weighted (const SdChunkVectors *c)
{
  for (guint i = 0; i < SD_TEXT_TOKENS; i++)
    if (weight_at (c->chunk, i) != 1.0f)
      return TRUE;
  return FALSE;
}

void
sd_weight_multiply (const SdChunkVectors *chunks, guint n, gboolean restore)
{
  double before = 0, after = 0;
  gboolean weighted = FALSE;

  for (guint c = 0; c < n; c++)
    weighted |= is_weighted (&chunks[c]);
  if (!weighted)
    return;
  for (guint c = 0; c < n; c++)
    {
      before += restore ? sum_of (&chunks[c]) : 0;
      for (guint i = 0; i < SD_TEXT_TOKENS; i++)
        for (guint k = 0; k < chunks[c].width; k++)
          chunks[c].values[(gsize) i * chunks[c].stride + k]
              *= weight_at (chunks[c].chunk, i);
      after += restore ? sum_of (&chunks[c]) : 0;
    }
  float scale = (float) (before / after);
  if (!restore || !isfinite (scale))
    return;
  for (guint c = 0; c < n; c++)
    for (guint i = 0; i < SD_TEXT_TOKENS; i++)
      for (guint k = 0; k < chunks[c].width; k++)
        chunks[c].values[(gsize) i * chunks[c].stride + k] *= scale;
}

void
sd_weight_interpolate (const SdChunkVectors *c, const float *empty)
{
  for (guint i = 0; i < SD_TEXT_TOKENS; i++)
    {
      float weight = weight_at (c->chunk, i);
      float *to = c->values + (gsize) i * c->stride;
      const float *from = empty + (gsize) i * c->stride;
      for (guint k = 0; weight != 1.0f && k < c->width; k++)
        to[k] = (to[k] - from[k]) * weight + from[k];
    }
}
