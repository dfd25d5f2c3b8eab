/* test-sd-upscale.c: upscalers against PyTorch's values, in pieces and whole
 *
 * test-sd-upscale DEVICE
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-upscale-private.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int device;

static gpointer
values (const char *name, const char *suffix, guint64 *shape)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "golden", "upscale",
                                                 "values.safetensors", NULL);
  g_autofree char *full = g_strconcat (name, suffix, NULL);
  g_autoptr (StFile) file = st_file_open (path, NULL, &error);
  g_assert_no_error (error);
  const StTensor *t = st_file_find (file, full, -1);
  g_assert_nonnull (t);
  gpointer data = g_malloc (t->end - t->begin);
  st_file_read (file, t->begin, t->end - t->begin, data, &error);
  g_assert_no_error (error);
  memcpy (shape, t->shape, 3 * sizeof *shape);
  return data;
}

static StModel *
open_model (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "golden", "upscale", file, NULL);
  StModel *model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  return model;
}

static SdUpscaler *
open_upscaler (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = open_model (name);
  SdUpscaler *upscaler
      = sd_upscaler_new (model, device, SD_PRECISION_FP32, 0, NULL, &error);
  g_assert_no_error (error);
  return upscaler;
}

typedef struct
{
  float *values;
  gsize width;
  guint rows;
} Rows;

static void
take (const float *rows, guint first, guint n, gpointer data)
{
  Rows *all = data;
  g_assert_cmpuint (first, ==, all->rows);
  memcpy (all->values + first * all->width * 3, rows, n * all->width * 3 * sizeof *rows);
  all->rows += n;
}

static float *
run (SdUpscaler *upscaler, const ImageBuffer *image, gsize *n)
{
  g_autoptr (GError) error = NULL;
  guint scale = sd_upscaler_scale (upscaler);
  *n = (gsize) scale * scale * image->width * image->height * 3;
  Rows rows = { g_new (float, *n), scale * image->width, 0 };

  sd_upscaler_run_rows (upscaler, image, take, &rows, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rows.rows, ==, scale * image->height);
  return rows.values;
}

static double
distance (const float *a, const float *b, gsize n)
{
  double difference = 0, size = 0;

  for (gsize i = 0; i < n; i++)
    {
      difference += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      size += (double) b[i] * b[i];
    }
  return sqrt (difference / size);
}

static void
test_golden (gconstpointer data)
{
  const char *name = data;
  guint64 shape[3];
  gsize n;
  g_autofree guint8 *in = values (name, ".in", shape);
  g_autoptr (ImageBuffer) image = image_buffer_new (shape[1], shape[0], 3);
  memcpy (image->pixels, in, (gsize) shape[0] * shape[1] * 3);
  g_autofree float *expected = values (name, ".out", shape);
  g_autoptr (SdUpscaler) upscaler = open_upscaler (name);
  g_assert_cmpuint (sd_upscaler_scale (upscaler), ==, shape[0] / image->height);
  g_autofree float *got = run (upscaler, image, &n);
  g_assert_cmpuint (n, ==, shape[0] * shape[1] * 3);
  double error = distance (got, expected, n);
  g_test_message ("relative error %.2e", error);
  g_assert_cmpfloat (error, <=, 1e-4);
}

/* A convolution of another shape, or none at all, is refused by name before anything is
 * computed. */
static void
check_spoiled (const char *spoiled, gboolean remove, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) whole = open_model ("rrdb-x2");
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (StWriteTensor));
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = g_dir_make_tmp ("calotype-upscale-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "spoiled.safetensors", NULL);
  const guint64 other[] = { 3, 3, 3, 3 };

  for (guint i = 0; i < st_model_n_tensors (whole); i++)
    {
      const StModelTensor *t = st_model_tensor (whole, i);
      gsize bytes = t->tensor->end - t->tensor->begin;
      gboolean is_it = strcmp (t->name, spoiled) == 0;
      gpointer data = g_malloc0 (MAX (bytes, 81 * 2));
      st_file_read (t->file, t->tensor->begin, bytes, data, &error);
      g_assert_no_error (error);
      const StWriteTensor out
          = { (char *) t->name, t->tensor->dtype, is_it ? 4 : t->tensor->rank,
              is_it ? other : t->tensor->shape, data };
      g_ptr_array_add (memory, data);
      if (!is_it || !remove)
        g_array_append_val (tensors, out);
    }
  st_write (path, (StWriteTensor *) tensors->data, tensors->len, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (sd_upscaler_new (model, device, SD_PRECISION_FP32, 0, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_true (g_error_matches (error, SD_ERROR, code)
                 || g_error_matches (error, NN_ERROR, NN_ERROR_SHAPE));
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_spoiled (void)
{
  check_spoiled ("body.0.rdb2.conv3.weight", TRUE, SD_ERROR_MISSING_PART);
  check_spoiled ("conv_hr.bias", TRUE, SD_ERROR_MISSING_PART);
  check_spoiled ("body.0.rdb2.conv3.weight", FALSE, SD_ERROR_UNSUPPORTED);
  check_spoiled ("conv_up2.weight", FALSE, SD_ERROR_UNSUPPORTED);
  check_spoiled ("conv_first.weight", FALSE, SD_ERROR_UNSUPPORTED);
  check_spoiled ("conv_last.bias", FALSE, SD_ERROR_UNSUPPORTED);
}

static ImageBuffer *
pattern (guint width, guint height, guint channels)
{
  ImageBuffer *image = image_buffer_new (width, height, channels);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      for (guint c = 0; c < channels; c++)
        image->pixels[((gsize) y * width + x) * channels + c]
            = (guint8) (x * (3 + c) + y * y / (2 + c) + (x * y) % 31);
  return image;
}

/* Of networks that reach less far than the margin of a piece. */
static void
test_pieces (gconstpointer data)
{
  g_autoptr (SdUpscaler) upscaler = open_upscaler (data);
  g_autoptr (ImageBuffer) image = pattern (171, 133, 3);
  gsize n;
  sd_upscaler_set_tile (upscaler, 256);
  g_autofree float *whole = run (upscaler, image, &n);
  sd_upscaler_set_tile (upscaler, 96);
  g_autofree float *pieces = run (upscaler, image, &n);
  double error = distance (pieces, whole, n);
  g_test_message ("relative difference %.2e", error);
  g_assert_cmpfloat (error, <=, 2e-6);
}

static void
test_alpha (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdUpscaler) upscaler = open_upscaler ("compact-x4");
  g_autoptr (ImageBuffer) image = pattern (9, 8, 4), plain = pattern (9, 8, 3);

  for (guint i = 0; i < 72; i++)
    {
      image->pixels[4 * i + 3] = i % 9 < 4 ? 0 : 255;
      memcpy (plain->pixels + 3 * i, image->pixels + 4 * i, 3);
    }
  g_autoptr (ImageBuffer) got = sd_upscaler_run (upscaler, image, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (ImageBuffer) colours = sd_upscaler_run (upscaler, plain, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (got->width, ==, 36);
  g_assert_cmpuint (got->channels, ==, 4);
  for (guint i = 0; i < 36 * 32; i++)
    g_assert_cmpmem (got->pixels + 4 * i, 3, colours->pixels + 3 * i, 3);
  for (guint y = 0; y < 32; y++)
    {
      g_assert_cmpuint (got->pixels[(y * 36 + 3) * 4 + 3], ==, 0);
      g_assert_cmpuint (got->pixels[(y * 36 + 33) * 4 + 3], ==, 255);
    }
}

typedef struct
{
  GCancellable *cancellable;
  guint64 last;
} Watch;

static void
told (const char *stage, guint64 done, guint64 total, gpointer data)
{
  Watch *watch = data;
  g_assert_cmpstr (stage, ==, "upscale");
  g_assert_cmpuint (done, >=, watch->last);
  g_assert_cmpuint (done, <=, total);
  watch->last = done;
  if (done > total / 3 && watch->cancellable != NULL)
    g_cancellable_cancel (watch->cancellable);
}

static void
test_task (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdUpscaler) upscaler = open_upscaler ("compact-x4");
  g_autoptr (ImageBuffer) image = pattern (150, 96, 3);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Watch watch = { cancellable, 0 };
  BaseTask task = { cancellable, told, &watch };

  sd_upscaler_set_tile (upscaler, 96);
  g_assert_null (sd_upscaler_run (upscaler, image, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  watch = (Watch){ NULL, 0 };
  task.cancellable = NULL;
  g_autoptr (ImageBuffer) got = sd_upscaler_run (upscaler, image, &task, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (watch.last, >, 0);
}

/* Where a piece does not fit, smaller ones are tried, which give the same; where none
 * does, the message says what helps. */
static void
test_shortage (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdUpscaler) upscaler = open_upscaler ("compact-x4");
  g_autoptr (ImageBuffer) image = pattern (150, 96, 3);
  gsize n;

  g_autofree float *whole = run (upscaler, image, &n);
  nn_alloc_fail (5, 1); /* in the midst of the only piece */
  g_autofree float *pieces = run (upscaler, image, &n);
  guint calls = nn_alloc_calls ();
  g_assert_cmpuint (calls, >, 9); /* it was begun anew */
  g_assert_cmpfloat (distance (pieces, whole, n), <=, 2e-6);
  nn_alloc_fail (1, G_MAXUINT);
  g_assert_null (sd_upscaler_run (upscaler, image, NULL, &error));
  nn_alloc_fail (0, 0);
  g_assert_error (error, NN_ERROR, NN_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, "96 pixels a side"));
  g_clear_error (&error);
  g_autoptr (ImageBuffer) after = sd_upscaler_run (upscaler, image, NULL, &error);
  g_assert_no_error (error);
}

static void
test_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "golden", "upscale",
                                                 "values.safetensors", NULL);
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (sd_upscaler_new (model, device, SD_PRECISION_FP32, 0, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_NOT_A_MODEL);
  g_clear_error (&error);

  g_autoptr (SdUpscaler) upscaler = open_upscaler ("compact-x4");
  g_autoptr (ImageBuffer) image = image_buffer_new (9000, 1, 3);
  g_assert_null (sd_upscaler_run (upscaler, image, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
  g_assert_nonnull (strstr (error->message, "9000"));
}

int
main (int argc, char **argv)
{
  static const char *const names[] = { "rrdb-x4", "rrdb-x2", "rrdb-x1", "compact-x4" };
  static const char *const near[] = { "rrdb-x4", "compact-x4" };

  g_test_init (&argc, &argv, NULL);
  device = argc > 1 ? atol (argv[1]) : -2;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strconcat ("/sd/upscale/golden/", names[i], NULL);
      g_test_add_data_func (path, names[i], test_golden);
    }
  for (guint i = 0; i < G_N_ELEMENTS (near); i++)
    {
      g_autofree char *path = g_strconcat ("/sd/upscale/pieces/", near[i], NULL);
      g_test_add_data_func (path, near[i], test_pieces);
    }
  g_test_add_func ("/sd/upscale/alpha", test_alpha);
  g_test_add_func ("/sd/upscale/task", test_task);
  g_test_add_func ("/sd/upscale/shortage", test_shortage);
  g_test_add_func ("/sd/upscale/refused", test_refused);
  g_test_add_func ("/sd/upscale/spoiled", test_spoiled);
  return g_test_run ();
}
