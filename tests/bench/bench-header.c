/* bench-header.c: time and memory of opening a very large header
 *
 * bench-header [TENSORS [FILE]]: writes FILE (by default a temporary one) with a header
 * of TENSORS entries (970,000: just under the format's 100 MB), opens it as a file and as
 * a model, makes the tree, and says how long each took and how much memory there was at
 * most. The data is a hole in the file. FILE is kept when named, so that another program
 * can be measured on it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static gsize
make_file (const char *path, guint n)
{
  GString *header = g_string_new ("{");
  FILE *f = g_fopen (path, "wb");
  guint64 length;

  for (guint i = 0; i < n; i++)
    g_string_append_printf (
        header,
        "%s\"model.layers.%u.mlp.experts.%u.up_proj.w%u\":{\"dtype\":\"F16\","
        "\"shape\":[1,1],\"data_offsets\":[%u,%u]}",
        i > 0 ? "," : "", i / 10000, i / 10 % 1000, i % 10, 2 * i, 2 * i + 2);
  g_string_append_c (header, '}');
  length = GUINT64_TO_LE (header->len);
  g_assert_cmpuint (fwrite (&length, 8, 1, f), ==, 1);
  g_assert_cmpuint (fwrite (header->str, header->len, 1, f), ==, 1);
  fclose (f);
  g_assert_cmpint (truncate (path, (off_t) (8 + header->len + 2 * (gsize) n)), ==, 0);
  length = header->len;
  g_string_free (header, TRUE);
  return length;
}

static double
seconds_since (gint64 start)
{
  return (double) (g_get_monotonic_time () - start) / 1e6;
}

static double
peak_mb (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) usage.ru_maxrss / 1024;
}

int
main (int argc, char **argv)
{
  const guint n = argc > 1 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 930000;
  g_autofree char *temporary
      = g_strdup_printf ("%s/bench-header-%d.safetensors", g_get_tmp_dir (), getpid ());
  const char *path = argc > 2 ? argv[2] : temporary;
  gsize bytes;
  g_autoptr (StFile) file = NULL;
  g_autoptr (StModel) model = NULL;
  g_autoptr (StTree) tree = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start;

  /* Made by a child, so that its memory is not counted. */
  if (argc <= 3)
    {
      char *args[]
          = { argv[0], g_strdup_printf ("%u", n), (char *) path, (char *) "make", NULL };

      g_spawn_sync (NULL, args, NULL, 0, NULL, NULL, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      g_free (args[1]);
    }
  else
    {
      bytes = make_file (path, n);
      return 0;
    }
  start = g_get_monotonic_time ();
  file = st_file_open (path, NULL, &error);
  g_assert_no_error (error);
  bytes = st_file_header_bytes (file);
  printf ("header  %.1f MB, %u tensors: %.3f s, %.0f MB/s, peak %.0f MB\n",
          (double) bytes / 1e6, n, seconds_since (start),
          (double) bytes / 1e6 / seconds_since (start), peak_mb ());
  g_clear_pointer (&file, st_file_unref);
  start = g_get_monotonic_time ();
  model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  printf ("model   %.3f s, peak %.0f MB\n", seconds_since (start), peak_mb ());
  start = g_get_monotonic_time ();
  tree = st_tree_new (model, NULL, &error);
  g_assert_no_error (error);
  printf ("tree    %.3f s, peak %.0f MB\n", seconds_since (start), peak_mb ());
  if (argc <= 2)
    g_unlink (path);
  return 0;
}
