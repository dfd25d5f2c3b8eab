/* sd-source.c: what it means for a run to begin from a picture: checks, steps, sizes
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define MAX_IMAGE_CFG 100.0
#define MAX_STRENGTH                                                                     \
  0.999 /* A1111's: with 1 there would be no level left to begin at                      \
         */

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, SD_ERROR, SD_ERROR_PARAMETER, message);
  return FALSE;
}

static gboolean
is_extended (const SdSource *source)
{
  return source->extend[0] > 0 || source->extend[1] > 0 || source->extend[2] > 0
         || source->extend[3] > 0;
}

static gboolean
check_extend (const SdSource *source, GError **error)
{
  guint64 w = source->image->width, h = source->image->height;

  for (guint i = 0; i < 4; i++)
    {
      if (source->extend[i] % 8 != 0)
        return refuse (error,
                       _ ("%u new pixels on a side are not a multiple of 8: %u and "
                          "%u are"),
                       source->extend[i], source->extend[i] / 8 * 8,
                       source->extend[i] / 8 * 8 + 8);
      *(i % 2 == 0 ? &w : &h) += source->extend[i];
    }
  if (w > IMAGE_MAX_SIDE || h > IMAGE_MAX_SIDE || w * h > IMAGE_MAX_PIXELS)
    return refuse (error, _ ("A picture of %u×%u is too large to be extended to %u×%u"),
                   source->image->width, source->image->height,
                   (guint) MIN (w, G_MAXUINT), (guint) MIN (h, G_MAXUINT));
  return TRUE;
}

static gboolean
check_mask (const SdSource *source, GError **error)
{
  const ImageMask *mask = source->mask;

  if (mask == NULL)
    return TRUE;
  if (mask->width != source->image->width || mask->height != source->image->height)
    return refuse (error,
                   _ ("The mask is of %u×%u, the picture of %u×%u: they must be of the "
                      "same size"),
                   mask->width, mask->height, source->image->width,
                   source->image->height);
  if (sd_mask_is_empty (mask) && !is_extended (source))
    return refuse (error, _ ("Nothing is masked: mask what is to be made anew, or leave "
                             "the mask away to change the whole picture"));
  return TRUE;
}

/* How many levels a schedule is made of whose last ones are run. */
static double
n_levels (const SdParams *params)
{
  const SdSource *source = params->source;

  if (source->denoise)
    return source->strength > 0.9999 ? params->steps
                                     : floor (params->steps / source->strength);
  if (source->exact_steps)
    return floor (params->steps / MIN (source->strength, MAX_STRENGTH));
  return params->steps;
}

static gboolean
check_strength (const SdParams *params, GError **error)
{
  const SdSource *source = params->source;

  if (!(source->strength >= 0.0 && source->strength <= 1.0))
    return refuse (error, _ ("strength %g is out of range: it must be from 0 to 1"),
                   source->strength);
  if (!(n_levels (params) <= SAMPLER_MAX_STEPS))
    return refuse (
        error,
        _ ("%u steps are too many at strength %g when exactly so many are to be "
           "made: take fewer steps or more strength"),
        params->steps, source->strength);
  return TRUE;
}

gboolean
sd_source_check (const SdParams *params, GError **error)
{
  const SdSource *source = params->source;

  if (source == NULL)
    return TRUE;
  if (source->image == NULL)
    return refuse (error, _ ("There is no picture to begin from"));
  if (!(source->image_cfg >= 0.0 && source->image_cfg <= MAX_IMAGE_CFG))
    return refuse (error,
                   _ ("guidance by the picture %g is out of range: it must be from 0 to "
                      "%g"),
                   source->image_cfg, MAX_IMAGE_CFG);
  return check_strength (params, error) && check_extend (source, error)
         && check_mask (source, error);
}

/* ---- with a model ---- */

static gboolean
instructs (const SdParams *params, const SdInfo *info)
{
  return params->source != NULL && info->unet_in_channels == SD_INSTRUCT_CHANNELS;
}

gboolean
sd_params_check_for (const SdParams *params, const SdInfo *info, GError **error)
{
  if (!sd_params_check (params, error))
    return FALSE;
  if (params->source == NULL && info->unet_in_channels == SD_INSTRUCT_CHANNELS)
    return refuse (error, _ ("This model follows instructions: it needs a picture to be "
                             "changed. Give it one, or take a plain model to make a "
                             "picture from words alone"));
  if (params->source != NULL && params->source->instruct
      && info->unet_in_channels != SD_INSTRUCT_CHANNELS)
    return refuse (error,
                   _ ("This model does not follow instructions (its UNet takes %u "
                      "channels, not %u). Take an instruction model, such as "
                      "InstructPix2Pix, or describe the whole picture instead"),
                   info->unet_in_channels, SD_INSTRUCT_CHANNELS);
  return TRUE;
}

guint
sd_params_passes (const SdParams *params, const SdInfo *info)
{
  if (!instructs (params, info) || params->source->image_cfg == 1.0)
    return params->cfg == 1.0 ? 1 : 2;
  return 3;
}

gboolean
sd_params_encode (const SdParams *params, const SdInfo *info)
{
  return params->source != NULL || info->unet_in_channels == SD_INPAINT_CHANNELS;
}

guint
sd_params_n_steps (const SdParams *params, const SdInfo *info)
{
  const SdSource *source = params->source;

  if (source == NULL || instructs (params, info) || source->denoise
      || source->exact_steps)
    return params->steps;
  return (guint) floor (params->steps * MIN (source->strength, MAX_STRENGTH)) + 1;
}

gboolean
sd_source_schedule (const SdParams *params,
                    const SdInfo *info,
                    const SamplerLevels *levels,
                    double **sigmas,
                    guint *steps,
                    GError **error)
{
  gboolean whole = params->source == NULL || instructs (params, info);
  guint n = whole ? params->steps : (guint) n_levels (params);
  g_autofree double *all = g_new (double, n + 1);

  *steps = sd_params_n_steps (params, info);
  if (!sampler_schedule_fill (params->schedule, levels, n, all, error))
    return FALSE;
  *sigmas = g_memdup2 (all + n - *steps, (*steps + 1) * sizeof *all);
  return TRUE;
}

/* ---- results ---- */

void
sd_params_result_size (const SdParams *params, guint *width, guint *height)
{
  const SdSource *source = params->source;

  *width = params->width;
  *height = params->height;
  if (source == NULL || (source->mask == NULL && !is_extended (source)))
    return;
  guint w = source->image->width + source->extend[0] + source->extend[2];
  guint h = source->image->height + source->extend[1] + source->extend[3];
  if (source->only_masked
      || ((w + 7) / 8 * 8 == params->width && (h + 7) / 8 * 8 == params->height))
    {
      *width = w;
      *height = h;
    }
}

ImageBuffer *
sd_params_compose (const SdParams *params, const ImageBuffer *made, GError **error)
{
  ImageBuffer *image;

  if (params->source == NULL)
    image = image_buffer_copy (made);
  else
    {
      g_autoptr (SdFrame) frame = sd_frame_new (params, error);
      if (frame == NULL)
        return NULL;
      image = sd_frame_compose (frame, made);
    }
  if (image == NULL)
    g_set_error (error, NN_ERROR, NN_ERROR_MEMORY, _ ("No memory for a picture of %u×%u"),
                 made->width, made->height);
  return image;
}

/* ---- the seam ---- */

#define SEAM_STRENGTH 0.4

/* How near to the edge of the picture that was extended, of so much that is mixed. */
static ImageMask *
seam_mask (const SdSource *source, guint w, guint h)
{
  const guint *e = source->extend;
  double reach = MAX (source->overlap, 16);
  ImageMask *mask = image_mask_new (w, h);

  for (guint y = 0; mask != NULL && y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        double share = 0;
        const double distance[4]
            = { fabs (x + 0.5 - e[0]), fabs (y + 0.5 - e[1]), fabs (w - e[2] - x - 0.5),
                fabs (h - e[3] - y - 0.5) };
        const gboolean beside[4] = { y + reach >= e[1] && y < h - e[3] + reach,
                                     x + reach >= e[0] && x < w - e[2] + reach,
                                     y + reach >= e[1] && y < h - e[3] + reach,
                                     x + reach >= e[0] && x < w - e[2] + reach };
        for (guint i = 0; i < 4; i++)
          if (e[i] > 0 && beside[i])
            share = MAX (share, 2.0 * (1.0 - distance[i] / reach));
        mask->pixels[(gsize) y * w + x] = (guint8) (255 * CLAMP (share, 0, 1));
      }
  return mask;
}

SdParams *
sd_params_new_seam (const SdParams *params, guint picture, const ImageBuffer *result)
{
  const SdSource *source = params->source;

  if (source == NULL || !is_extended (source))
    return NULL;
  g_autoptr (SdParams) again = sd_params_copy (params);
  g_autoptr (SdSource) seam = sd_source_copy (source);
  image_buffer_free (seam->image);
  image_mask_free (seam->mask);
  seam->image = image_buffer_copy (result);
  seam->mask = seam_mask (source, result->width, result->height);
  if (seam->image == NULL || seam->mask == NULL)
    return NULL;
  for (guint i = 0; i < 4; i++)
    seam->extend[i] = 0;
  seam->masked = SD_MASKED_ORIGINAL;
  seam->soft = TRUE;
  seam->strength = MIN (source->strength, SEAM_STRENGTH);
  sd_source_unref (again->source);
  again->source = g_steal_pointer (&seam);
  again->batch = 1;
  again->seed += picture;
  return g_steal_pointer (&again);
}
