/* image-mask-png.c: masks from and to PNG files
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-mask.h"

#include <glib/gi18n-lib.h>

/* Brightness by ITU-R BT.709; the weights sum up to 65536, so that white is 255. */
static guint8
brightness (const guint8 *pixel)
{
  return (guint8) ((13933u * pixel[0] + 46871u * pixel[1] + 4732u * pixel[2] + 32768u)
                   >> 16);
}

ImageMask *
image_mask_load (const char *path, guint width, guint height, GError **error)
{
  g_autoptr (ImageBuffer) image = image_png_load (path, NULL, error);
  ImageMask *mask;

  if (image == NULL)
    return NULL;
  if (width > 0 && height > 0 && (image->width != width || image->height != height))
    {
      g_autofree char *name = g_filename_display_basename (path);

      g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_SIZE,
                   _ ("The mask “%s” has %u × %u pixels and the picture %u × %u: a mask "
                      "must be as large as its picture"),
                   name, image->width, image->height, width, height);
      return NULL;
    }
  mask = image_mask_new (image->width, image->height);
  if (mask == NULL)
    {
      g_set_error_literal (error, IMAGE_ERROR, IMAGE_ERROR_SIZE,
                           _ ("There is not enough memory for the mask"));
      return NULL;
    }
  for (gsize i = 0; i < (gsize) image->width * image->height; i++)
    {
      const guint8 *pixel = image->pixels + i * image->channels;
      guint value = brightness (pixel);

      mask->pixels[i]
          = (guint8) (image->channels == 4 ? (value * pixel[3] + 127) / 255 : value);
    }
  return mask;
}

gboolean
image_mask_save (const ImageMask *mask, const char *path, GError **error)
{
  /* One channel is for this only: nothing else makes or takes such a picture. */
  const ImageBuffer grey = {
    .width = mask->width, .height = mask->height, .channels = 1, .pixels = mask->pixels
  };

  return image_png_save (&grey, path, NULL, error);
}
