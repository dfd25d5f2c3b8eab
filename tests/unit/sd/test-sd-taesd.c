/* test-sd-taesd.c: the tiny decoder against diffusers' values, in each spelling of its
 * names
 *
 * test-sd-taesd CHECKPOINT: of the formula's decoder, with its own spelling
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd-test-model.h"
#include "sd/sd-engine-private.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static const char *checkpoint;

static float *
golden (const char *name, gsize *n, guint64 *shape)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "golden", "sd-taesd.safetensors", NULL);
  g_autoptr (StFile) file = st_file_open (path, NULL, &error);
  g_assert_no_error (error);
  const StTensor *t = st_file_find (file, name, -1);
  float *values = g_malloc (t->end - t->begin);
  st_file_read (file, t->begin, t->end - t->begin, values, &error);
  g_assert_no_error (error);
  memcpy (shape, t->shape, 4 * sizeof *shape);
  *n = t->count;
  return values;
}

/* The bundled model with @path as its tiny decoder. */
static SdEngine *
engine_with (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = sd_test_model ();
  SdExtras *extras = g_new0 (SdExtras, 1);
  extras->parts[SD_PART_TAESD] = g_strdup (path);
  sd_extras_attach (model, extras);
  SdEngine *engine = sd_engine_new (model, -2, SD_PRECISION_AUTO, NULL, &error);
  g_assert_no_error (error);
  return engine;
}

static void
check (const char *path)
{
  g_autoptr (GError) error = NULL;
  guint64 shape[4];
  gsize n, m;
  g_autoptr (SdEngine) engine = engine_with (path);
  g_autofree float *expected = golden ("taesd.decoded", &n, shape);
  g_autofree float *latents = golden ("taesd.latents", &m, shape);
  g_autofree float *rgb = g_new (float, n);
  double difference = 0, size = 0;

  g_assert_true (sd_taesd_is_there (engine->weights));
  g_assert_cmpuint (n, ==, 3 * 64 * shape[2] * shape[3]);
  sd_engine_decode_tiny (engine, latents, shape[2], shape[3], rgb, NULL, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < n; i++)
    {
      double e = expected[i % 3 * (n / 3) + i / 3];
      difference += (rgb[i] - e) * (rgb[i] - e);
      size += e * e;
    }
  g_test_message ("relative error %.2e", sqrt (difference / size));
  g_assert_cmpfloat (sqrt (difference / size), <=, 1e-4);
}

static void
test_golden (void)
{
  check (checkpoint);
}

/* diffusers begins to count one layer later. */
static void
test_diffusers_names (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (checkpoint, NULL, &error);
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (StWriteTensor));
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = g_dir_make_tmp ("calotype-taesd-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "tiny.safetensors", NULL);

  g_assert_no_error (error);
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const StModelTensor *t = st_model_tensor (model, i);
      gsize bytes = t->tensor->end - t->tensor->begin;
      char *rest;
      guint layer = (guint) g_ascii_strtoull (t->name, &rest, 10);
      char *name = g_strdup_printf ("decoder.layers.%u%s", layer - 1, rest);
      gpointer data = g_malloc (bytes);
      st_file_read (t->file, t->tensor->begin, bytes, data, &error);
      g_assert_no_error (error);
      const StWriteTensor out
          = { name, t->tensor->dtype, t->tensor->rank, t->tensor->shape, data };
      g_array_append_val (tensors, out);
      g_ptr_array_add (memory, name);
      g_ptr_array_add (memory, data);
    }
  st_write (path, (StWriteTensor *) tensors->data, tensors->len, NULL, &error);
  g_assert_no_error (error);
  check (path);
  g_unlink (path);
  g_rmdir (folder);
}

/* A file that is no tiny decoder is refused by name. */
static void
test_wrong (void)
{
  g_autoptr (StModel) model = sd_test_model ();
  SdExtras *extras = g_new0 (SdExtras, 1);
  extras->parts[SD_PART_TAESD] = sd_bundled_model_path ();
  sd_extras_attach (model, extras);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_assert_false (info->can_generate);
  g_assert_nonnull (strstr (info->why_not, "TAESD"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (argc != 2)
    g_error ("usage: %s CHECKPOINT", argv[0]);
  checkpoint = argv[1];
  g_test_add_func ("/sd/taesd/golden", test_golden);
  g_test_add_func ("/sd/taesd/diffusers-names", test_diffusers_names);
  g_test_add_func ("/sd/taesd/wrong", test_wrong);
  return g_test_run ();
}
