/* test-image-mask.c: the tools for masks, against what can be said exactly
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-mask.h"

#include <glib/gstdio.h>
#include <math.h>
#include <png.h>
#include <string.h>

static guint8
pixel (const ImageMask *mask, guint x, guint y)
{
  g_assert_cmpuint (x, <, mask->width);
  g_assert_cmpuint (y, <, mask->height);
  return mask->pixels[(gsize) y * mask->width + x];
}

static double
sum (const ImageMask *mask)
{
  double total = 0;

  for (gsize i = 0; i < (gsize) mask->width * mask->height; i++)
    total += mask->pixels[i];
  return total / 255;
}

static void
assert_same (const ImageMask *a, const ImageMask *b)
{
  g_assert_cmpmem (a->pixels, (gsize) a->width * a->height, b->pixels,
                   (gsize) b->width * b->height);
}

static void
stamp (ImageMask *mask, const ImageBrush *brush, double x, double y)
{
  ImageBrushPoint at = { x, y, 1 };

  image_mask_stroke (mask, brush, &at, &at);
}

static void
test_stamp (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (17, 17);
  ImageBrush brush = { .radius = 3, .hardness = 1 };

  stamp (mask, &brush, 8.5, 8.5);
  g_assert_cmpuint (pixel (mask, 8, 8), ==, 255);
  g_assert_cmpuint (pixel (mask, 10, 8), ==, 255);
  g_assert_cmpuint (pixel (mask, 11, 8), ==, 128);  /* half of the edge */
  g_assert_cmpuint (pixel (mask, 10, 10), ==, 171); /* (3.5 − √8)·255 */
  g_assert_cmpuint (pixel (mask, 12, 8), ==, 0);
  g_assert_cmpuint (pixel (mask, 11, 11), ==, 0);
  for (guint y = 0; y < 17; y++)
    for (guint x = 0; x < 17; x++)
      {
        g_assert_cmpuint (pixel (mask, x, y), ==, pixel (mask, 16 - x, y));
        g_assert_cmpuint (pixel (mask, x, y), ==, pixel (mask, y, x));
      }
  /* Painting the same again changes nothing. */
  g_autoptr (ImageMask) once = image_mask_copy (mask);
  stamp (mask, &brush, 8.5, 8.5);
  assert_same (mask, once);
}

static void
test_hardness (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (17, 17);
  ImageBrush brush = { .radius = 4, .hardness = 0 };

  stamp (mask, &brush, 8.5, 8.5);
  g_assert_cmpuint (pixel (mask, 8, 8), ==, 255);
  g_assert_cmpuint (pixel (mask, 9, 8), ==, 223);  /* 3.5/4 */
  g_assert_cmpuint (pixel (mask, 10, 8), ==, 159); /* 2.5/4 */
  g_assert_cmpuint (pixel (mask, 12, 8), ==, 32);  /* 0.5/4 */
  g_assert_cmpuint (pixel (mask, 13, 8), ==, 0);
  brush.hardness = 0.5;
  image_mask_fill_rect (mask, &(ImageRect){ 0, 0, 17, 17 }, 0);
  stamp (mask, &brush, 8.5, 8.5);
  g_assert_cmpuint (pixel (mask, 10, 8), ==, 255);
  g_assert_cmpuint (pixel (mask, 11, 8), ==, 191); /* 1.5/2 */
  g_assert_cmpuint (pixel (mask, 12, 8), ==, 64);  /* 0.5/2 */
}

static void
test_pressure (void)
{
  g_autoptr (ImageMask) a = image_mask_new (32, 32), b = image_mask_new (32, 32);
  ImageBrush whole = { .radius = 10, .hardness = 1 },
             half = { .radius = 5, .hardness = 1 };
  ImageBrushPoint light = { 16, 16, 0.5 };

  image_mask_stroke (a, &whole, &light, &light);
  stamp (b, &half, 16, 16);
  assert_same (a, b);
  /* The lightest touch still paints about a pixel. */
  light.pressure = 0;
  image_mask_fill_rect (a, &(ImageRect){ 0, 0, 32, 32 }, 0);
  image_mask_stroke (a, &whole, &light, &light);
  g_assert_cmpfloat (sum (a), >, 0.5);
  g_assert_cmpfloat (sum (a), <, 2);
}

static void
test_eraser (void)
{
  g_autoptr (ImageMask) painted = image_mask_new (64, 64),
                        erased = image_mask_new (64, 64);
  ImageBrush brush = { .radius = 9, .hardness = 0.3 };
  ImageBrushPoint from = { 12, 20, 1 }, to = { 50, 33, 0.4 };

  image_mask_stroke (painted, &brush, &from, &to);
  image_mask_fill_rect (erased, &(ImageRect){ 0, 0, 64, 64 }, 255);
  brush.erase = TRUE;
  image_mask_stroke (erased, &brush, &from, &to);
  image_mask_invert (erased);
  assert_same (painted, erased);
}

/* The same by trying very many places of the disc along its way. */
static double
depth (const ImageBrush *brush,
       const ImageBrushPoint *a,
       const ImageBrushPoint *b,
       double x,
       double y)
{
  double best = -INFINITY;

  for (guint i = 0; i <= 2000; i++)
    {
      double t = i / 2000.0;
      double r = brush->radius * (a->pressure + (b->pressure - a->pressure) * t);

      best = MAX (best, MAX (r, 0.5)
                            - hypot (x - (a->x + (b->x - a->x) * t),
                                     y - (a->y + (b->y - a->y) * t)));
    }
  return best;
}

static void
check_stroke (double radius, ImageBrushPoint from, ImageBrushPoint to)
{
  g_autoptr (ImageMask) mask = image_mask_new (60, 60);
  ImageBrush brush = { .radius = radius, .hardness = 1 };
  ImageRect bounds = image_brush_bounds (&brush, &from, &to, 60, 60);

  image_mask_stroke (mask, &brush, &from, &to);
  for (guint y = 0; y < 60; y++)
    for (guint x = 0; x < 60; x++)
      {
        double part = CLAMP (depth (&brush, &from, &to, x + 0.5, y + 0.5) + 0.5, 0, 1);
        gboolean inside = x >= bounds.x && x < bounds.x + bounds.width && y >= bounds.y
                          && y < bounds.y + bounds.height;

        g_assert_cmpfloat (fabs (pixel (mask, x, y) - part * 255), <=, 1.0);
        g_assert_true (inside || pixel (mask, x, y) == 0);
      }
}

static void
test_stroke (void)
{
  check_stroke (6, (ImageBrushPoint){ 10, 12, 1 }, (ImageBrushPoint){ 47, 31, 1 });
  check_stroke (12, (ImageBrushPoint){ 14, 14, 0.2 }, (ImageBrushPoint){ 40, 40, 1 });
  check_stroke (12, (ImageBrushPoint){ 45, 20, 1 }, (ImageBrushPoint){ 15, 20, 0.1 });
  /* One disc inside of the other. */
  check_stroke (15, (ImageBrushPoint){ 30, 30, 0.2 }, (ImageBrushPoint){ 33, 31, 1 });
  check_stroke (15, (ImageBrushPoint){ 30, 30, 1 }, (ImageBrushPoint){ 33, 31, 0.2 });
  /* Partly and wholly outside. */
  check_stroke (8, (ImageBrushPoint){ -20, 5, 1 }, (ImageBrushPoint){ 90, 66, 1 });
  check_stroke (8, (ImageBrushPoint){ -40, -40, 1 }, (ImageBrushPoint){ -20, 100, 1 });
}

static void
test_long_stroke (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (700, 40);
  ImageBrush brush = { .radius = 5, .hardness = 1 };
  ImageBrushPoint from = { 10, 20, 1 }, to = { 690, 20, 1 };

  /* Long enough to be painted in pieces: every column is alike. */
  image_mask_stroke (mask, &brush, &from, &to);
  for (guint x = 10; x < 690; x++)
    for (guint y = 0; y < 40; y++)
      g_assert_cmpuint (pixel (mask, x, y), ==, y >= 15 && y < 25 ? 255 : 0);
}

static void
test_polygon (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (20, 20);
  const double square[] = { 3, 4, 11, 4, 11, 9, 3, 9 };
  const double shifted[] = { 3.5, 4.25, 11.5, 4.25, 11.5, 9.25, 3.5, 9.25 };
  const double triangle[] = { 0, 0, 16, 0, 0, 16 };

  image_mask_fill_polygon (mask, square, 4, IMAGE_FILL_EVEN_ODD, FALSE);
  for (guint y = 0; y < 20; y++)
    for (guint x = 0; x < 20; x++)
      g_assert_cmpuint (pixel (mask, x, y), ==,
                        x >= 3 && x < 11 && y >= 4 && y < 9 ? 255 : 0);
  image_mask_fill_polygon (mask, square, 4, IMAGE_FILL_EVEN_ODD, TRUE);
  g_assert_cmpfloat (sum (mask), ==, 0);

  image_mask_fill_polygon (mask, shifted, 4, IMAGE_FILL_NON_ZERO, FALSE);
  g_assert_cmpuint (pixel (mask, 3, 6), ==, 128);
  g_assert_cmpuint (pixel (mask, 11, 6), ==, 128);
  g_assert_cmpuint (pixel (mask, 5, 4), ==, 191); /* 12 lines of 16 */
  g_assert_cmpuint (pixel (mask, 5, 9), ==, 64);  /* 4 lines of 16 */
  g_assert_cmpuint (pixel (mask, 3, 4), ==, 96);  /* half of those 12 */

  image_mask_fill_rect (mask, &(ImageRect){ 0, 0, 20, 20 }, 0);
  image_mask_fill_polygon (mask, triangle, 3, IMAGE_FILL_NON_ZERO, FALSE);
  g_assert_cmpfloat (fabs (sum (mask) - 128), <, 0.2);
  for (guint i = 0; i < 16; i++)
    g_assert_cmpuint (pixel (mask, i, 15 - i), ==, 128); /* cut in half */
}

static void
test_rules (void)
{
  g_autoptr (ImageMask) odd = image_mask_new (40, 40), non = image_mask_new (40, 40);
  double star[10];

  for (guint i = 0; i < 5; i++)
    {
      star[2 * i] = 20 + 18 * sin (i * 4 * G_PI / 5);
      star[2 * i + 1] = 20 - 18 * cos (i * 4 * G_PI / 5);
    }
  image_mask_fill_polygon (odd, star, 5, IMAGE_FILL_EVEN_ODD, FALSE);
  image_mask_fill_polygon (non, star, 5, IMAGE_FILL_NON_ZERO, FALSE);
  g_assert_cmpuint (pixel (odd, 20, 20), ==, 0); /* gone around twice */
  g_assert_cmpuint (pixel (non, 20, 20), ==, 255);
  g_assert_cmpuint (pixel (odd, 20, 8), ==, 255); /* in the upper tip */
  g_assert_cmpuint (pixel (non, 20, 8), ==, 255);
}

static void
test_polygon_outside (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (12, 12);
  const double all[] = { -500, -500, 900, -500, 900, 700, -500, 700 };
  const double none[] = { 20, 20, 30, 20, 30, 30 };
  const double line[] = { 2, 2, 9, 9 };
  const double bad[] = { NAN, 2, 9, INFINITY, 3, 4 };

  image_mask_fill_polygon (mask, none, 3, IMAGE_FILL_NON_ZERO, FALSE);
  image_mask_fill_polygon (mask, line, 2, IMAGE_FILL_NON_ZERO, FALSE);
  image_mask_fill_polygon (mask, bad, 3, IMAGE_FILL_NON_ZERO, FALSE);
  image_mask_fill_polygon (mask, bad, 0, IMAGE_FILL_NON_ZERO, FALSE);
  g_assert_cmpfloat (sum (mask), ==, 0);
  image_mask_fill_polygon (mask, all, 4, IMAGE_FILL_EVEN_ODD, FALSE);
  g_assert_cmpfloat (sum (mask), ==, 144);
}

static void
test_bounds (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (37, 21);
  ImageRect rect;

  g_assert_false (image_mask_bounds (mask, &rect));
  g_assert_true (image_rect_is_empty (&rect));
  g_assert_true (image_mask_is_empty (mask));
  mask->pixels[5 * 37 + 30] = 1;
  mask->pixels[17 * 37 + 2] = 255;
  g_assert_false (image_mask_is_empty (mask));
  g_assert_true (image_mask_bounds (mask, &rect));
  g_assert_cmpuint (rect.x, ==, 2);
  g_assert_cmpuint (rect.y, ==, 5);
  g_assert_cmpuint (rect.width, ==, 29);
  g_assert_cmpuint (rect.height, ==, 13);
}

static void
test_alpha (void)
{
  g_autoptr (ImageBuffer) image = image_buffer_new (3, 1, 4);
  const guint8 pixels[] = { 1, 2, 3, 255, 4, 5, 6, 55, 7, 8, 9, 0 };
  g_autoptr (ImageMask) mask = NULL;

  memcpy (image->pixels, pixels, sizeof pixels);
  mask = image_mask_from_alpha (image);
  g_assert_nonnull (mask);
  g_assert_cmpuint (pixel (mask, 0, 0), ==, 0);
  g_assert_cmpuint (pixel (mask, 1, 0), ==, 200);
  g_assert_cmpuint (pixel (mask, 2, 0), ==, 255);
  image->pixels[7] = image->pixels[11] = 255;
  g_assert_null (image_mask_from_alpha (image));
}

/* ---- growing, against the definition ---- */

static guint8
grown (const ImageMask *mask, guint x, guint y, double radius)
{
  double nearest = INFINITY;

  for (guint v = 0; v < mask->height; v++)
    for (guint u = 0; u < mask->width; u++)
      if (pixel (mask, u, v) >= 128)
        nearest = MIN (nearest, hypot ((double) u - x, (double) v - y));
  double part = CLAMP (radius + 1 - nearest, 0, 1);
  return MAX (pixel (mask, x, y), (guint8) (part * 255 + 0.5));
}

static void
check_grow (guint seed, guint w, guint h, double radius, guint of_ten)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (ImageMask) mask = image_mask_new (w, h);
  g_autoptr (ImageMask) before = NULL;

  for (gsize i = 0; i < (gsize) w * h; i++)
    mask->pixels[i] = (guint) g_rand_int_range (random, 0, 10) < of_ten
                          ? (guint8) g_rand_int_range (random, 0, 256)
                          : 0;
  before = image_mask_copy (mask);
  g_assert_true (image_mask_grow (mask, radius));
  if (radius < 0)
    image_mask_invert (before);
  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      g_assert_cmpuint (radius < 0 ? 255 - pixel (mask, x, y) : pixel (mask, x, y), ==,
                        grown (before, x, y, fabs (radius)));
}

static void
test_grow (void)
{
  check_grow (1, 33, 29, 3, 1);
  check_grow (2, 33, 29, 4.5, 1);
  check_grow (3, 40, 17, 12, 1);
  check_grow (4, 1, 30, 5, 2);
  check_grow (5, 30, 1, 5, 2);
  check_grow (6, 25, 25, 0, 5);
  check_grow (7, 33, 29, -1, 9);
  check_grow (8, 33, 29, -2.5, 10);
  check_grow (9, 30, 30, 100, 1);

  g_autoptr (ImageMask) empty = image_mask_new (9, 9), one = image_mask_new (31, 31);
  g_assert_true (image_mask_grow (empty, 5));
  g_assert_cmpfloat (sum (empty), ==, 0);
  one->pixels[15 * 31 + 15] = 255;
  g_assert_true (image_mask_grow (one, 5));
  g_assert_cmpuint (pixel (one, 20, 15), ==, 255);
  g_assert_cmpuint (pixel (one, 18, 19), ==, 255); /* 3, 4, 5 */
  g_assert_cmpuint (pixel (one, 21, 15), ==, 0);
  g_assert_true (image_mask_grow (one, -5));
  /* Back to about that pixel: half-covered edges count wholly. */
  g_assert_cmpuint (pixel (one, 15, 15), >=, 128);
  g_assert_cmpfloat (sum (one), <, 5);
}

/* ---- blurring ---- */

static void
test_blur (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (401, 401), full = image_mask_new (50, 30);
  double total = 0, variance = 0, before;

  image_mask_fill_rect (full, &(ImageRect){ 0, 0, 50, 30 }, 255);
  g_assert_true (image_mask_blur (full, 7));
  g_assert_cmpfloat (sum (full), ==, 1500);

  image_mask_fill_rect (mask, &(ImageRect){ 181, 181, 39, 39 }, 255);
  before = sum (mask);
  g_assert_true (image_mask_blur (mask, 12));
  g_assert_cmpfloat (fabs (sum (mask) - before), <, before / 200);
  for (guint x = 0; x < 401; x++)
    {
      double weight = pixel (mask, x, 200);

      g_assert_cmpuint (pixel (mask, x, 200), ==, pixel (mask, 400 - x, 200));
      g_assert_cmpuint (pixel (mask, x, 200), ==, pixel (mask, 200, x));
      total += weight;
      variance += weight * (x - 200.0) * (x - 200.0);
    }
  /* Of what went in (39² − 1)/12, and 12² more; 8 bits cut the far ends off. */
  g_assert_cmpfloat (fabs (variance / total - (1520 / 12.0 + 144)), <, 270 * 0.03);
  /* Three boxes reach so far and not farther. */
  g_assert_cmpuint (pixel (mask, 200, 130), ==, 0);
}

/* The box widths for σ = 2.1 are 3, 5 and 5: variances of 2/3 + 2 + 2, the nearest
 * to 4.41.
 */
static void
test_blur_impulse (void)
{
  g_autoptr (ImageMask) mask = image_mask_new (21, 21);
  double kernel[21] = { 0 }, middle = 0;

  for (int a = -1; a <= 1; a++)
    for (int b = -2; b <= 2; b++)
      for (int c = -2; c <= 2; c++)
        kernel[10 + a + b + c] += 1 / 75.0;
  image_mask_fill_rect (mask, &(ImageRect){ 10, 0, 1, 21 }, 255);
  g_assert_true (image_mask_blur (mask, 2.1));
  for (guint x = 0; x < 21; x++)
    {
      g_assert_cmpfloat (fabs (pixel (mask, x, 10) - kernel[x] * 255), <=, 1);
      middle += kernel[x];
    }
  g_assert_cmpfloat (fabs (middle - 1), <, 1e-9);
}

/* ---- files ---- */

static void
write_grey (const char *path, gboolean alpha, guint depth, const guint16 *values)
{
  FILE *file = g_fopen (path, "wb");
  png_structp png = png_create_write_struct (PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct (png);
  guint8 row[16];

  g_assert_nonnull (file);
  png_init_io (png, file);
  png_set_IHDR (png, info, 2, 1, (int) depth,
                alpha ? PNG_COLOR_TYPE_GRAY_ALPHA : PNG_COLOR_TYPE_GRAY, 0, 0, 0);
  png_write_info (png, info);
  for (guint i = 0; i < (alpha ? 4u : 2u); i++)
    {
      if (depth == 8)
        row[i] = (guint8) values[i];
      else
        {
          row[2 * i] = (guint8) (values[i] >> 8);
          row[2 * i + 1] = (guint8) values[i];
        }
    }
  png_write_row (png, row);
  png_write_end (png, NULL);
  png_destroy_write_struct (&png, &info);
  fclose (file);
}

static void
test_files (void)
{
  g_autofree char *folder = g_dir_make_tmp ("calotype-mask-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "mask.png", NULL);
  g_autoptr (ImageMask) mask = image_mask_new (7, 5), back = NULL, two = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 35; i++)
    mask->pixels[i] = (guint8) (i * 7);
  g_assert_true (image_mask_save (mask, path, &error));
  g_assert_no_error (error);
  back = image_mask_load (path, 7, 5, &error);
  g_assert_no_error (error);
  assert_same (mask, back);
  g_assert_null (image_mask_load (path, 512, 768, &error));
  g_assert_error (error, IMAGE_ERROR, IMAGE_ERROR_SIZE);
  g_assert_nonnull (strstr (error->message, "7 × 5"));
  g_assert_nonnull (strstr (error->message, "512 × 768"));
  g_clear_error (&error);

  write_grey (path, FALSE, 16, (const guint16[]){ 65535, 32896 });
  two = image_mask_load (path, 0, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pixel (two, 0, 0), ==, 255);
  g_assert_cmpuint (pixel (two, 1, 0), ==, 128);
  g_clear_pointer (&two, image_mask_free);
  write_grey (path, TRUE, 8, (const guint16[]){ 200, 255, 200, 51 });
  two = image_mask_load (path, 2, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pixel (two, 0, 0), ==, 200);
  g_assert_cmpuint (pixel (two, 1, 0), ==, 40); /* 200 · 51/255 */
  g_unlink (path);
  g_assert_null (image_mask_load (path, 2, 1, &error));
  g_assert_error (error, IMAGE_ERROR, IMAGE_ERROR_IO);
  g_rmdir (folder);
}

/* ---- undo ---- */

static void
paint (ImageMaskUndo *undo, ImageMask *mask, GRand *random)
{
  ImageBrush brush = { .radius = g_rand_double_range (random, 2, 90),
                       .hardness = g_rand_double (random),
                       .erase = g_rand_int_range (random, 0, 3) == 0 };
  ImageBrushPoint from = { g_rand_double_range (random, -50, 700),
                           g_rand_double_range (random, -50, 600), 1 };

  for (guint i = 0; i < 4; i++)
    {
      ImageBrushPoint to
          = { from.x + g_rand_double_range (random, -80, 80),
              from.y + g_rand_double_range (random, -80, 80), g_rand_double (random) };
      ImageRect rect = image_brush_bounds (&brush, &from, &to, mask->width, mask->height);

      image_mask_undo_touch (undo, mask, &rect);
      image_mask_stroke (mask, &brush, &from, &to);
      from = to;
    }
  image_mask_undo_end (undo, mask);
}

static void
test_undo (void)
{
  g_autoptr (ImageMaskUndo) undo = image_mask_undo_new (1 << 30);
  g_autoptr (GPtrArray) states
      = g_ptr_array_new_with_free_func ((GDestroyNotify) image_mask_free);
  g_autoptr (ImageMask) mask = image_mask_new (650, 530);
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  ImageRect changed;

  g_assert_false (image_mask_undo_can (undo, TRUE));
  g_ptr_array_add (states, image_mask_copy (mask));
  while (states->len <= 20)
    {
      const ImageMask *last = states->pdata[states->len - 1];

      paint (undo, mask, random);
      /* What changed nothing is no step. */
      if (memcmp (last->pixels, mask->pixels, 650 * 530) != 0)
        g_ptr_array_add (states, image_mask_copy (mask));
    }
  for (guint i = 20; i-- > 0;)
    {
      g_assert_true (image_mask_undo_back (undo, mask, &changed));
      assert_same (mask, states->pdata[i]);
    }
  g_assert_false (image_mask_undo_back (undo, mask, &changed));
  for (guint i = 1; i <= 20; i++)
    {
      g_assert_true (image_mask_undo_forth (undo, mask, &changed));
      assert_same (mask, states->pdata[i]);
    }
  g_assert_false (image_mask_undo_can (undo, FALSE));
  /* A new stroke after going back: what was undone is gone. */
  image_mask_undo_back (undo, mask, &changed);
  g_assert_true (image_mask_undo_can (undo, FALSE));
  image_mask_invert (states->pdata[0]);
  image_mask_undo_add (undo, image_mask_step_between (mask, states->pdata[0]));
  g_assert_false (image_mask_undo_can (undo, FALSE));
}

static void
test_undo_memory (void)
{
  const gsize limit = 6 * IMAGE_MASK_TILE * IMAGE_MASK_TILE;
  g_autoptr (ImageMaskUndo) undo = image_mask_undo_new (limit);
  g_autoptr (ImageMask) mask = image_mask_new (4096, 4096);
  ImageBrush brush = { .radius = 20, .hardness = 0.5 };
  ImageRect changed;
  guint n = 0;

  for (guint i = 0; i < 50; i++)
    {
      ImageBrushPoint at = { 1000 + i, 1000 + i, 1 };
      ImageRect rect = image_brush_bounds (&brush, &at, &at, 4096, 4096);

      image_mask_undo_touch (undo, mask, &rect);
      image_mask_stroke (mask, &brush, &at, &at);
      image_mask_undo_end (undo, mask);
      g_assert_cmpuint (image_mask_undo_bytes (undo), <=,
                        limit + 4 * IMAGE_MASK_TILE * IMAGE_MASK_TILE + 4096);
    }
  while (image_mask_undo_back (undo, mask, &changed))
    {
      g_assert_cmpuint (changed.width, <=, 2 * IMAGE_MASK_TILE);
      n++;
    }
  g_assert_cmpuint (n, >=, 1);
  g_assert_cmpuint (n, <, 50);
}

static void
test_step_between (void)
{
  g_autoptr (ImageMaskUndo) undo = image_mask_undo_new (1 << 30);
  g_autoptr (ImageMask) before = image_mask_new (700, 300), after = NULL, first = NULL;
  ImageRect changed;

  stamp (before, &(ImageBrush){ .radius = 30, .hardness = 1 }, 600, 100);
  first = image_mask_copy (before);
  after = image_mask_copy (before);
  g_assert_null (image_mask_step_between (before, after));
  image_mask_blur (after, 4);
  image_mask_undo_add (undo, image_mask_step_between (before, after));
  g_assert_true (image_mask_undo_back (undo, after, &changed));
  assert_same (after, first);
  g_assert_cmpuint (changed.x, ==, 512);
  g_assert_cmpuint (changed.width, ==, 188);
  g_assert_cmpuint (changed.height, ==, 256);
}

static void
test_rects (void)
{
  ImageRect rect = { 0 }, empty = { 9, 9, 0, 4 };

  image_rect_add (&rect, &empty);
  g_assert_true (image_rect_is_empty (&rect));
  image_rect_add (&rect, &(ImageRect){ 5, 6, 2, 3 });
  image_rect_add (&rect, &empty);
  image_rect_add (&rect, &(ImageRect){ 1, 8, 2, 9 });
  g_assert_cmpuint (rect.x, ==, 1);
  g_assert_cmpuint (rect.y, ==, 6);
  g_assert_cmpuint (rect.width, ==, 6);
  g_assert_cmpuint (rect.height, ==, 11);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image/mask/stamp", test_stamp);
  g_test_add_func ("/image/mask/hardness", test_hardness);
  g_test_add_func ("/image/mask/pressure", test_pressure);
  g_test_add_func ("/image/mask/eraser", test_eraser);
  g_test_add_func ("/image/mask/stroke", test_stroke);
  g_test_add_func ("/image/mask/long-stroke", test_long_stroke);
  g_test_add_func ("/image/mask/polygon", test_polygon);
  g_test_add_func ("/image/mask/rules", test_rules);
  g_test_add_func ("/image/mask/polygon-outside", test_polygon_outside);
  g_test_add_func ("/image/mask/bounds", test_bounds);
  g_test_add_func ("/image/mask/alpha", test_alpha);
  g_test_add_func ("/image/mask/grow", test_grow);
  g_test_add_func ("/image/mask/blur", test_blur);
  g_test_add_func ("/image/mask/blur-impulse", test_blur_impulse);
  g_test_add_func ("/image/mask/files", test_files);
  g_test_add_func ("/image/mask/undo", test_undo);
  g_test_add_func ("/image/mask/undo-memory", test_undo_memory);
  g_test_add_func ("/image/mask/step-between", test_step_between);
  g_test_add_func ("/image/mask/rects", test_rects);
  return g_test_run ();
}
