/* test-sd-frame.c: pictures and masks as the model sees them, and the way back: sizes,
 * what is filled, and that what is not masked stays as it is, bit for bit
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-fill.h"
#include "sd/sd-frame.h"

#include <string.h>

/* A slope of colours with some texture, so that no two places are alike. */
static ImageBuffer *
picture (guint w, guint h)
{
  ImageBuffer *image = image_buffer_new (w, h, 3);
  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        guint8 *p = image->pixels + ((gsize) y * w + x) * 3;
        p[0] = (guint8) (30 + 180 * x / w);
        p[1] = (guint8) (200 - 150 * y / h);
        p[2] = (guint8) (80 + (x * 7 + y * 13) % 40);
      }
  return image;
}

static ImageMask *
rectangle (guint w, guint h, guint x0, guint y0, guint x1, guint y1)
{
  ImageMask *mask = image_mask_new (w, h);
  for (guint y = y0; y < y1; y++)
    memset (mask->pixels + (gsize) y * w + x0, 255, x1 - x0);
  return mask;
}

static SdParams *
params_of (guint w, guint h, SdSource *source)
{
  SdParams *params = g_new0 (SdParams, 1);
  params->width = w;
  params->height = h;
  params->source = source;
  return params;
}

static SdFrame *
frame_of (const SdParams *params)
{
  g_autoptr (GError) error = NULL;
  SdFrame *frame = sd_frame_new (params, &error);
  g_assert_no_error (error);
  return frame;
}

static ImageBuffer *
flat (guint w, guint h, guint8 value)
{
  ImageBuffer *image = image_buffer_new (w, h, 3);
  memset (image->pixels, value, (gsize) w * h * 3);
  return image;
}

/* Outside the mask the very pixels; inside something else. */
static void
assert_kept (const ImageBuffer *out, const ImageBuffer *was, const ImageMask *mask)
{
  gsize changed = 0;
  g_assert_cmpuint (out->width, ==, was->width);
  g_assert_cmpuint (out->height, ==, was->height);
  for (gsize i = 0; i < (gsize) was->width * was->height; i++)
    if (mask->pixels[i] == 0)
      g_assert_cmpmem (out->pixels + 3 * i, 3, was->pixels + 3 * i, 3);
    else
      changed += memcmp (out->pixels + 3 * i, was->pixels + 3 * i, 3) != 0;
  g_assert_cmpuint (changed, >, 0);
}

static void
test_kept (void)
{
  /* of the size that is made; larger, part of it; not of multiples of 8 */
  static const struct
  {
    guint w, h, made_w, made_h;
    gboolean only;
  } cases[] = { { 64, 72, 64, 72, FALSE },
                { 200, 150, 64, 64, TRUE },
                { 61, 45, 64, 48, FALSE },
                { 100, 30, 64, 128, TRUE } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint w = cases[i].w, h = cases[i].h, rw, rh;
      g_autoptr (ImageBuffer) image = picture (w, h);
      g_autoptr (ImageMask) mask = rectangle (w, h, w / 3, h / 4, w / 2, h / 2);
      mask->pixels[(gsize) (h / 4) * w + w / 3] = 90;
      SdSource *source = sd_source_new (image_buffer_copy (image));
      source->mask = image_mask_copy (mask);
      source->only_masked = cases[i].only;
      g_autoptr (SdParams) params = params_of (cases[i].made_w, cases[i].made_h, source);
      g_autoptr (SdFrame) frame = frame_of (params);
      g_autoptr (ImageBuffer) made = flat (params->width, params->height, 10);
      g_autoptr (ImageBuffer) out = sd_frame_compose (frame, made);
      g_autoptr (ImageBuffer) again = sd_params_compose (params, made, NULL);

      sd_params_result_size (params, &rw, &rh);
      g_assert_cmpuint (rw, ==, w);
      g_assert_cmpuint (rh, ==, h);
      assert_kept (out, image, mask);
      g_assert_cmpmem (out->pixels, (gsize) w * h * 3, again->pixels, (gsize) w * h * 3);
    }
}

/* What differs everywhere by the same is no seam: it goes off, and nothing is left. */
static void
test_seam (void)
{
  g_autoptr (ImageBuffer) image = picture (64, 64);
  g_autoptr (ImageBuffer) made = image_buffer_copy (image);
  SdSource *source = sd_source_new (image_buffer_copy (image));
  source->mask = rectangle (64, 64, 20, 20, 44, 48);
  g_autoptr (SdParams) params = params_of (64, 64, source);
  g_autoptr (SdFrame) frame = frame_of (params);

  for (gsize i = 0; i < 64 * 64 * 3; i++)
    made->pixels[i] += 9;
  g_autoptr (ImageBuffer) out = sd_frame_compose (frame, made);
  for (gsize i = 0; i < 64 * 64 * 3; i++)
    g_assert_cmpint (ABS (out->pixels[i] - image->pixels[i]), <=, 1);
}

/* The part has the proportions of what is made and holds the mask with its padding. */
static void
test_part (void)
{
  static const guint boxes[][4] = {
    { 10, 10, 30, 20 }, { 380, 5, 399, 290 }, { 0, 0, 400, 4 }, { 200, 150, 201, 151 }
  };
  for (guint i = 0; i < G_N_ELEMENTS (boxes); i++)
    {
      const guint *b = boxes[i];
      SdSource *source = sd_source_new (picture (400, 300));
      source->mask = rectangle (400, 300, b[0], b[1], b[2], b[3]);
      source->only_masked = TRUE;
      source->padding = 16;
      g_autoptr (SdParams) params = params_of (96, 64, source);
      g_autoptr (SdFrame) f = frame_of (params);
      g_assert_cmpuint (f->x, <=, b[0] - MIN (b[0], 16));
      g_assert_cmpuint (f->y, <=, b[1] - MIN (b[1], 16));
      g_assert_cmpuint (f->x + f->w, >=, MIN (400, b[2] + 16));
      g_assert_cmpuint (f->y + f->h, >=, MIN (300, b[3] + 16));
      g_assert_cmpuint (f->x + f->w, <=, 400);
      g_assert_cmpuint (f->y + f->h, <=, 300);
      if (f->w < 400 && f->h < 300)
        g_assert_cmpfloat_with_epsilon ((double) f->w / f->h, 1.5, 0.05);
      g_autoptr (ImageMask) mask = sd_frame_view_mask (f);
      g_assert_cmpuint (mask->width, ==, 96);
      g_assert_cmpuint (mask->height, ==, 64);
      g_assert_false (sd_mask_is_empty (mask));
    }
}

static void
test_resize (void)
{
  for (SdResize mode = SD_RESIZE_CROP; mode <= SD_RESIZE_STRETCH; mode++)
    {
      SdSource *source = sd_source_new (flat (120, 60, 200));
      for (guint y = 0; y < 60; y++) /* the outer quarters are dark */
        for (guint x = 0; x < 120; x++)
          if (x < 30 || x >= 90)
            memset (source->image->pixels + ((gsize) y * 120 + x) * 3, 20, 3);
      source->resize = mode;
      g_autoptr (SdParams) params = params_of (64, 64, source);
      g_autoptr (SdFrame) frame = frame_of (params);
      g_autoptr (ImageBuffer) view = sd_frame_view (frame, FALSE);
      const guint8 *middle = view->pixels + 32 * 64 * 3;
      g_assert_cmpuint (view->width, ==, 64);
      g_assert_cmpuint (view->height, ==, 64);
      g_assert_cmpuint (middle[32 * 3], ==, 200);
      /* cropped, the dark parts are gone; else they are at both ends */
      g_assert_cmpuint (middle[3], ==, mode == SD_RESIZE_CROP ? 200 : 20);
      /* filled, what is above continues the picture, the softer the farther */
      g_assert_cmpint (ABS (view->pixels[(14 * 64 + 32) * 3] - 200), <=, 12);
      g_assert_cmpint (view->pixels[32 * 3], >, 60);
    }
}

/* New parts continue the picture's edges; the old pixels beyond the overlap stay. */
static void
test_extend (void)
{
  g_autoptr (ImageBuffer) image = picture (64, 48);
  SdSource *source = sd_source_new (image_buffer_copy (image));
  guint w, h;
  source->extend[0] = 16;
  source->extend[3] = 24;
  source->overlap = 8;
  g_autoptr (SdParams) params = params_of (80, 72, source);
  sd_params_result_size (params, &w, &h);
  g_assert_cmpuint (w, ==, 80);
  g_assert_cmpuint (h, ==, 72);
  g_autoptr (SdFrame) frame = frame_of (params);
  g_autoptr (ImageBuffer) view = sd_frame_view (frame, FALSE);
  for (guint y = 0; y < 48; y++)
    {
      const guint8 *fresh = view->pixels + ((gsize) y * 80 + 15) * 3;
      const guint8 *edge = image->pixels + (gsize) y * 64 * 3;
      g_assert_cmpint (ABS (fresh[0] - edge[0]), <, 12);
      g_assert_cmpint (ABS (fresh[1] - edge[1]), <, 12);
    }
  g_autoptr (ImageBuffer) made = flat (80, 72, 128);
  g_autoptr (ImageBuffer) out = sd_frame_compose (frame, made);
  for (guint y = 0; y < 40; y++)
    g_assert_cmpmem (out->pixels + ((gsize) y * 80 + 24) * 3, 56 * 3,
                     image->pixels + ((gsize) y * 64 + 8) * 3, 56 * 3);
  g_assert_cmpuint (frame->mask->pixels[71 * 80 + 79], ==, 255);
  g_assert_cmpuint (frame->mask->pixels[16], ==, 255);
  g_assert_cmpuint (frame->mask->pixels[20], <, 255);
  g_assert_cmpuint (frame->mask->pixels[20], >, 0);
  g_assert_cmpuint (frame->mask->pixels[24], ==, 0);
}

static void
test_cells (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (24, 8);
  for (guint y = 0; y < 8; y++)
    {
      memset (mask->pixels + y * 24 + 4, 255, 4); /* half of the first */
      memset (mask->pixels + y * 24 + 8, 255, 5); /* more than half of the second */
      memset (mask->pixels + y * 24 + 16, 51, 8); /* a fifth */
    }
  g_autofree float *hard = sd_mask_cells (mask, FALSE);
  g_autofree float *soft = sd_mask_cells (mask, TRUE);
  g_assert_cmpfloat (hard[0], ==, 0);
  g_assert_cmpfloat (hard[1], ==, 1);
  g_assert_cmpfloat (hard[2], ==, 0);
  g_assert_cmpfloat (soft[0], ==, 0.5f);
  g_assert_cmpfloat (soft[1], ==, 0.625f);
  g_assert_cmpfloat (soft[2], ==, 0.2f);
}

static void
test_fill (void)
{
  float pixels[9 * 7 * 4];
  for (guint i = 0; i < 9 * 7; i++)
    {
      gboolean known = i % 9 < 3;
      for (guint c = 0; c < 3; c++)
        pixels[4 * i + c] = known ? 100 + 10 * c : -1000;
      pixels[4 * i + 3] = known;
    }
  sd_fill (pixels, 9, 7);
  for (guint i = 0; i < 9 * 7; i++)
    for (guint c = 0; c < 3; c++)
      g_assert_cmpfloat_with_epsilon (pixels[4 * i + c], 100 + 10 * c, 1e-3);
  for (guint i = 0; i < 9 * 7 * 4; i++)
    pixels[i] = i % 4 == 3 ? 0 : 55;
  sd_fill (pixels, 9, 7); /* nothing known */
  for (guint i = 0; i < 9 * 7; i++)
    g_assert_cmpfloat (pixels[4 * i], ==, 0);
}

static void
test_alpha (void)
{
  ImageBuffer *image = image_buffer_new (16, 16, 4);
  g_autoptr (SdParams) params = params_of (16, 16, sd_source_new (image));
  image->pixels[3] = 255; /* one pixel of black; all others are clear */
  g_autoptr (SdFrame) frame = frame_of (params);
  g_assert_cmpuint (frame->canvas->channels, ==, 3);
  g_assert_cmpuint (frame->canvas->pixels[0], ==, 0);
  g_assert_cmpuint (frame->canvas->pixels[3], ==, 255);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sd/frame/kept", test_kept);
  g_test_add_func ("/sd/frame/seam", test_seam);
  g_test_add_func ("/sd/frame/part", test_part);
  g_test_add_func ("/sd/frame/resize", test_resize);
  g_test_add_func ("/sd/frame/extend", test_extend);
  g_test_add_func ("/sd/frame/cells", test_cells);
  g_test_add_func ("/sd/frame/fill", test_fill);
  g_test_add_func ("/sd/frame/alpha", test_alpha);
  return g_test_run ();
}
