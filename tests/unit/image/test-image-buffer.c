/* test-image-buffer.c: pixel buffers, from floats, resized
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image.h"

#include <math.h>
#include <string.h>

static void
test_limits (void)
{
  g_autoptr (ImageBuffer) image = image_buffer_new (IMAGE_MAX_SIDE, 1, 3);

  g_assert_nonnull (image);
  g_assert_null (image_buffer_new (IMAGE_MAX_SIDE + 1, 1, 3));
  g_assert_null (image_buffer_new (1, IMAGE_MAX_SIDE + 1, 4));
  g_assert_null (image_buffer_new (0, 1, 3));
  g_assert_null (image_buffer_new (1, 0, 3));
  g_assert_null (image_buffer_new (G_MAXUINT, G_MAXUINT, 4));
  g_assert_null (image_buffer_new (IMAGE_MAX_SIDE, IMAGE_MAX_SIDE, 3));
  g_assert_null (image_buffer_resize (image, 0, 5));
  g_assert_null (image_buffer_resize (image, IMAGE_MAX_SIDE, IMAGE_MAX_SIDE));
  g_assert_null (image_buffer_copy (NULL));
  image_buffer_free (NULL);
}

static void
test_from_floats (void)
{
  static const float values[] = { -1,
                                  1,
                                  0,
                                  -2,
                                  2,
                                  1.0f / 255,
                                  NAN,
                                  INFINITY,
                                  -INFINITY,
                                  -1 + 2.6f / 255,
                                  127.0f * 2 / 255 - 1,
                                  0.5f };
  static const guint8 codes[] = { 0, 255, 128, 0, 255, 128, 0, 255, 0, 1, 127, 191 };
  g_autoptr (ImageBuffer) image = image_buffer_from_floats (values, 2, 2);

  g_assert_cmpuint (image->channels, ==, 3);
  g_assert_cmpmem (image->pixels, 12, codes, 12);
  /* every code comes back from its own value */
  for (guint code = 0; code < 256; code++)
    {
      float v = code / 127.5f - 1.0f, rgb[3] = { v, v, v };
      g_autoptr (ImageBuffer) one = image_buffer_from_floats (rgb, 1, 1);

      g_assert_cmpuint (one->pixels[0], ==, code);
    }
}

static ImageBuffer *
filled (guint width, guint height, guint channels, guint8 value)
{
  ImageBuffer *image = image_buffer_new (width, height, channels);

  memset (image->pixels, value, (gsize) width * height * channels);
  return image;
}

/* A flat picture stays flat, whatever the sizes. */
static void
test_flat (void)
{
  static const guint sizes[][4]
      = { { 7, 5, 3, 2 },     { 3, 2, 7, 5 },   { 100, 1, 33, 9 }, { 5, 5, 5, 5 },
          { 512, 512, 1, 1 }, { 1, 1, 40, 60 }, { 64, 3, 3, 64 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint channels = 3; channels <= 4; channels++)
      {
        g_autoptr (ImageBuffer) image = filled (sizes[i][0], sizes[i][1], channels, 201);
        g_autoptr (ImageBuffer) out
            = image_buffer_resize (image, sizes[i][2], sizes[i][3]);
        g_autoptr (ImageBuffer) flat = filled (sizes[i][2], sizes[i][3], channels, 201);
        gsize n = (gsize) out->width * out->height * channels;

        g_assert_cmpuint (out->width, ==, sizes[i][2]);
        g_assert_cmpmem (out->pixels, n, flat->pixels, n);
      }
}

/* Down by a whole number: the mean of each block; same size: the same pixels. */
static void
test_area (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autoptr (ImageBuffer) image = image_buffer_new (12, 8, 3);
  g_autoptr (ImageBuffer) same = NULL, out = NULL;

  for (guint i = 0; i < 12 * 8 * 3; i++)
    image->pixels[i] = (guint8) g_rand_int_range (rand, 0, 256);
  same = image_buffer_resize (image, 12, 8);
  g_assert_cmpmem (same->pixels, 12 * 8 * 3, image->pixels, 12 * 8 * 3);
  out = image_buffer_resize (image, 4, 2);
  for (guint y = 0; y < 2; y++)
    for (guint x = 0; x < 12; x++)
      {
        guint sum = 0, column = x / 3, channel = x % 3;

        for (guint v = 0; v < 4; v++)
          for (guint u = 0; u < 3; u++)
            sum += image->pixels[((y * 4 + v) * 12 + column * 3 + u) * 3 + channel];
        g_assert_cmpint (abs ((int) out->pixels[y * 12 + x] - (int) ((sum + 6) / 12)), <=,
                         1);
      }
}

/* Down by 2/3: a pixel cut in two counts half on each side. */
static void
test_fraction (void)
{
  g_autoptr (ImageBuffer) image = filled (3, 1, 3, 0);
  g_autoptr (ImageBuffer) out = NULL;

  image->pixels[3] = 90; /* red of the middle pixel */
  out = image_buffer_resize (image, 2, 1);
  g_assert_cmpuint (out->pixels[0], ==, 30);
  g_assert_cmpuint (out->pixels[3], ==, 30);
}

/* Up: a ramp stays a ramp away from the edges. */
static void
test_cubic (void)
{
  g_autoptr (ImageBuffer) image = image_buffer_new (10, 1, 3);
  g_autoptr (ImageBuffer) out = NULL;

  for (guint x = 0; x < 10; x++)
    memset (image->pixels + x * 3, (int) x * 20, 3);
  out = image_buffer_resize (image, 40, 1);
  for (guint x = 8; x < 32; x++)
    g_assert_cmpfloat_with_epsilon (out->pixels[x * 3], ((x + 0.5) / 4 - 0.5) * 20, 0.51);
}

/* What cannot be seen lends no colour. */
static void
test_alpha (void)
{
  g_autoptr (ImageBuffer) image = image_buffer_new (2, 1, 4);
  g_autoptr (ImageBuffer) out = NULL;
  static const guint8 pixels[] = { 200, 100, 50, 255, 0, 255, 0, 0 };
  static const guint8 expected[] = { 200, 100, 50, 128 };

  memcpy (image->pixels, pixels, 8);
  out = image_buffer_resize (image, 1, 1);
  g_assert_cmpmem (out->pixels, 4, expected, 4);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image/buffer/limits", test_limits);
  g_test_add_func ("/image/buffer/from-floats", test_from_floats);
  g_test_add_func ("/image/buffer/flat", test_flat);
  g_test_add_func ("/image/buffer/area", test_area);
  g_test_add_func ("/image/buffer/fraction", test_fraction);
  g_test_add_func ("/image/buffer/cubic", test_cubic);
  g_test_add_func ("/image/buffer/alpha", test_alpha);
  return g_test_run ();
}
