/* image-buffer.c: pixels in memory
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image.h"

#include <math.h>
#include <string.h>

G_DEFINE_QUARK (image_error_quark, image_error)

ImageBuffer *
image_buffer_new (guint width, guint height, guint channels)
{
  ImageBuffer *image;
  guint8 *pixels;

  g_return_val_if_fail (channels == 3 || channels == 4, NULL);
  if (width == 0 || height == 0 || width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE
      || (guint64) width * height > IMAGE_MAX_PIXELS)
    return NULL;
  /* at most 2^30 bytes: fits everywhere */
  pixels = g_try_malloc0 ((gsize) width * height * channels);
  if (pixels == NULL)
    return NULL;
  image = g_new (ImageBuffer, 1);
  *image = (ImageBuffer){
    .width = width, .height = height, .channels = channels, .pixels = pixels
  };
  g_atomic_ref_count_init (&image->refs);
  return image;
}

ImageBuffer *
image_buffer_copy (const ImageBuffer *image)
{
  ImageBuffer *copy;

  if (image == NULL)
    return NULL;
  copy = image_buffer_new (image->width, image->height, image->channels);
  if (copy != NULL)
    memcpy (copy->pixels, image->pixels,
            (gsize) image->width * image->height * image->channels);
  return copy;
}

ImageBuffer *
image_buffer_ref (ImageBuffer *image)
{
  if (image != NULL)
    g_atomic_ref_count_inc (&image->refs);
  return image;
}

void
image_buffer_free (ImageBuffer *image)
{
  if (image == NULL || !g_atomic_ref_count_dec (&image->refs))
    return;
  g_free (image->pixels);
  g_free (image);
}

/* Nearest code of a value already scaled to 0 … 255; NaN fails both comparisons. */
static guint8
to_code (float value)
{
  if (value >= 255.0f)
    return 255;
  return value > 0.0f ? (guint8) (value + 0.5f) : 0;
}

ImageBuffer *
image_buffer_from_floats (const float *rgb, guint width, guint height)
{
  ImageBuffer *image = image_buffer_new (width, height, 3);

  if (image == NULL)
    return NULL;
  for (gsize i = 0; i < (gsize) width * height * 3; i++)
    image->pixels[i] = to_code (rgb[i] * 127.5f + 127.5f);
  return image;
}

/* ---- resizing ---- */

/* Which source samples make output sample i, and by how much. */
typedef struct
{
  guint n;       /* taps of one output sample */
  guint *index;  /* [out][n] */
  float *weight; /* [out][n], sum 1 for each output */
} Taps;

/* Every source sample counts by the share of it that the output sample covers. */
static void
fill_area (Taps *taps, guint from, guint to)
{
  double ratio = (double) from / to;

  for (guint i = 0; i < to; i++)
    {
      double start = i * ratio, end = (i + 1) * ratio;
      guint first = (guint) start;

      for (guint t = 0; t < taps->n; t++)
        {
          double left = MAX (start, (double) first + t);
          double right = MIN (end, (double) first + t + 1);

          taps->index[i * taps->n + t] = MIN (first + t, from - 1);
          taps->weight[i * taps->n + t] = (float) (MAX (right - left, 0.0) / ratio);
        }
    }
}

/* Catmull and Rom's cubic: passes through the samples; edges are repeated. */
static double
cubic (double x)
{
  x = fabs (x);
  if (x < 1.0)
    return (1.5 * x - 2.5) * x * x + 1.0;
  return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

static void
fill_cubic (Taps *taps, guint from, guint to)
{
  for (guint i = 0; i < to; i++)
    {
      double centre = (i + 0.5) * from / to - 0.5;
      int first = (int) floor (centre) - 1;

      for (int t = 0; t < 4; t++)
        {
          taps->index[i * 4 + t] = (guint) CLAMP (first + t, 0, (int) from - 1);
          taps->weight[i * 4 + t] = (float) cubic (centre - (first + t));
        }
    }
}

static void
taps_init (Taps *taps, guint from, guint to)
{
  taps->n = to > from ? 4 : (guint) ceil ((double) from / to) + 1;
  taps->index = g_new (guint, (gsize) taps->n * to);
  taps->weight = g_new (float, (gsize) taps->n *to);
  if (to > from)
    fill_cubic (taps, from, to);
  else
    fill_area (taps, from, to);
}

static void
taps_clear (Taps *taps)
{
  g_free (taps->index);
  g_free (taps->weight);
}

/* @sum += @weight × one source row; colours times alpha, so that what cannot be seen
 * lends nothing to its neighbours. */
static void
add_row (const ImageBuffer *image, guint y, float weight, float *sum)
{
  const guint8 *row = image->pixels + (gsize) y * image->width * image->channels;

  if (image->channels == 3)
    {
      for (gsize i = 0; i < (gsize) image->width * 3; i++)
        sum[i] += weight * row[i];
      return;
    }
  for (gsize i = 0; i < (gsize) image->width * 4; i += 4)
    {
      float share = weight * row[i + 3] / 255.0f;

      for (guint c = 0; c < 3; c++)
        sum[i + c] += share * row[i + c];
      sum[i + 3] += weight * row[i + 3];
    }
}

static void
finish_row (const float *sum, const Taps *taps, ImageBuffer *out, guint y)
{
  guint channels = out->channels;
  guint8 *row = out->pixels + (gsize) y * out->width * channels;

  for (guint x = 0; x < out->width; x++)
    {
      float value[4] = { 0 };

      for (guint t = 0; t < taps->n; t++)
        for (guint c = 0; c < channels; c++)
          value[c] += taps->weight[x * taps->n + t]
                      * sum[(gsize) taps->index[x * taps->n + t] * channels + c];
      for (guint c = 0; c < 3 && channels == 4; c++)
        value[c] = value[3] > 0.0f ? value[c] * 255.0f / value[3] : 0.0f;
      for (guint c = 0; c < channels; c++)
        row[x * channels + c] = to_code (value[c]);
    }
}

ImageBuffer *
image_buffer_resize (const ImageBuffer *image, guint width, guint height)
{
  ImageBuffer *out = image_buffer_new (width, height, image->channels);
  gsize n = (gsize) image->width * image->channels;
  g_autofree float *sum = g_new (float, n);
  Taps across, down;

  if (out == NULL)
    return NULL;
  taps_init (&across, image->width, width);
  taps_init (&down, image->height, height);
  for (guint y = 0; y < height; y++)
    {
      memset (sum, 0, n * sizeof *sum);
      for (guint t = 0; t < down.n; t++)
        add_row (image, down.index[y * down.n + t], down.weight[y * down.n + t], sum);
      finish_row (sum, &across, out, y);
    }
  taps_clear (&across);
  taps_clear (&down);
  return out;
}
