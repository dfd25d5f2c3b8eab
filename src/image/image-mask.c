/* image-mask.c: which pixels are to be made anew
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image.h"

#include <string.h>

ImageMask *
image_mask_new (guint width, guint height)
{
  if (width == 0 || height == 0 || width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE
      || (guint64) width * height > IMAGE_MAX_PIXELS)
    return NULL;
  guint8 *pixels = g_try_malloc0 ((gsize) width * height);
  if (pixels == NULL)
    return NULL;
  ImageMask *mask = g_new (ImageMask, 1);
  *mask = (ImageMask){ .width = width, .height = height, .pixels = pixels };
  g_atomic_ref_count_init (&mask->refs);
  return mask;
}

ImageMask *
image_mask_copy (const ImageMask *mask)
{
  ImageMask *copy = image_mask_new (mask->width, mask->height);
  if (copy != NULL)
    memcpy (copy->pixels, mask->pixels, (gsize) mask->width * mask->height);
  return copy;
}

ImageMask *
image_mask_ref (ImageMask *mask)
{
  if (mask != NULL)
    g_atomic_ref_count_inc (&mask->refs);
  return mask;
}

void
image_mask_free (ImageMask *mask)
{
  if (mask == NULL || !g_atomic_ref_count_dec (&mask->refs))
    return;
  g_free (mask->pixels);
  g_free (mask);
}
