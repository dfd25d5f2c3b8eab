/* stats-fixture.c: tensors made for the tests of stats
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

guint64
fixture_word (guint64 i)
{
  guint64 z = (i + 1) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

guint8 *
fixture_raw (gsize size)
{
  guint8 *bytes = g_malloc (size + 8);
  for (gsize i = 0; i < size; i += 8)
    {
      guint64 word = fixture_word (i / 8);
      memcpy (bytes + i, &word, 8);
    }
  return bytes;
}

guint8 *
fixture_narrow (StDtype dtype, gsize size)
{
  gsize width = dtype == ST_DTYPE_C64 ? 4 : st_dtype_bits (dtype) / 8;
  guint8 *bytes = g_malloc (size + 8);

  for (gsize i = 0; i < size / width; i++)
    {
      guint64 z = fixture_word (i), eighth = z >> 61;
      if (dtype == ST_DTYPE_F32 || dtype == ST_DTYPE_C64)
        z = (z & 0x807fffff) | (119 + eighth) << 23;
      else if (dtype == ST_DTYPE_F64)
        z = (z & G_GUINT64_CONSTANT (0x800fffffffffffff)) | (1015 + eighth) << 52;
      else
        {
          z %= 40000;
          if (dtype == ST_DTYPE_I32 || dtype == ST_DTYPE_I64)
            z -= 20000;
        }
      memcpy (bytes + i * width, &z, width);
    }
  return bytes;
}

float *
fixture_floats (gsize n, guint64 seed)
{
  float *values = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    {
      guint64 z = fixture_word (seed * 1000003 + i);
      gint sum = 0;
      for (guint k = 0; k < 4; k++)
        sum += (gint) ((z >> (16 * k)) & 0xffff) - 32768;
      values[i] = (float) sum * (0.02f / 37837.f);
    }
  return values;
}

StFile *
fixture_file (StDtype dtype, const void *data, guint64 n)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("calotype-stats-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (folder, "x.safetensors", NULL);
  const StWriteTensor tensor = { "x", dtype, 1, &n, data };

  st_write (path, &tensor, 1, NULL, &error);
  g_assert_no_error (error);
  StFile *file = st_file_open (path, NULL, &error);
  g_assert_no_error (error);
  return file;
}

void
fixture_file_free (StFile *file)
{
  g_autofree char *folder = g_path_get_dirname (st_file_path (file));
  g_assert_cmpint (g_unlink (st_file_path (file)), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  st_file_unref (file);
}

StatsTensor *
fixture_stats (StDtype dtype, const void *data, guint64 n)
{
  StFile *file = fixture_file (dtype, data, n);
  g_autoptr (GError) error = NULL;
  StatsTensor *stats
      = stats_tensor_compute (file, st_file_tensor (file, 0), NULL, &error);
  g_assert_no_error (error);
  fixture_file_free (file);
  return stats;
}
