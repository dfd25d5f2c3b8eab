/* sd-engine-conds.c: what a UNet is told besides the latents: widths, and the label of XL
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <math.h>
#include <string.h>

#define SIZE_WIDTH (SD_LABEL_SIZES / 6)
#define MAX_PERIOD 10000.0

guint
sd_engine_n_texts (const SdEngine *engine)
{
  return engine->texts[1] != NULL ? 2 : 1;
}

guint
sd_engine_context_width (const SdEngine *engine)
{
  guint width = sd_text_width (engine->texts[0]);
  return engine->texts[1] != NULL ? width + sd_text_width (engine->texts[1]) : width;
}

guint
sd_engine_label_width (const SdEngine *engine)
{
  return sd_unet_label_width (engine->unet);
}

guint
sd_engine_pooled_width (const SdEngine *engine)
{
  return engine->texts[1] != NULL ? sd_text_projected (engine->texts[1]) : 0;
}

guint
sd_engine_embed_rows (const SdEngine *engine, guint n)
{
  return sd_engine_label_width (engine) > 0 ? n : 1;
}

/* [cos | sin], as times are embedded. Vaswani et al. 2017 */
static void
sinusoid (double value, float *dst)
{
  const guint half = SIZE_WIDTH / 2;
  for (guint i = 0; i < half; i++)
    {
      double angle = value * exp (-log (MAX_PERIOD) * i / half);
      dst[i] = (float) cos (angle);
      dst[half + i] = (float) sin (angle);
    }
}

void
sd_engine_make_labels (const SdEngine *engine,
                       const float *pooled,
                       guint n,
                       guint width,
                       guint height,
                       float *labels)
{
  const double sizes[] = { height, width, 0, 0, height, width };
  gsize own = sd_engine_pooled_width (engine);

  for (guint i = 0; i < n; i++)
    {
      float *label = labels + i * (own + SD_LABEL_SIZES);
      memcpy (label, pooled + i * own, sizeof (float) * own);
      for (guint k = 0; k < G_N_ELEMENTS (sizes); k++)
        sinusoid (sizes[k], label + own + k * SIZE_WIDTH);
    }
}
