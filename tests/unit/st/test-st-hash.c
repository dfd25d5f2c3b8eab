/* test-st-hash.c: the hash of a whole file, and what is remembered of it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "scratch.h"

#include "st/st.h"

#include <string.h>
#include <unistd.h>
#include <utime.h>

static char *folder, *path, *cache;

static void
write_model (guint8 first)
{
  static const guint64 shape = 3 << 20;
  g_autofree guint8 *bytes = g_malloc0 (shape);
  const StWriteTensor tensor = { "x", ST_DTYPE_U8, 1, &shape, bytes };

  bytes[0] = first;
  g_assert_true (st_write (path, &tensor, 1, NULL, NULL));
}

static char *
sha256 (void)
{
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) text, length);
}

/* What the hash of the file at `path` becomes within ten seconds; NULL if none. */
static char *
wait_for_hash (void)
{
  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);
  StHash *hash = st_hash_new (file, cache);
  char *digits = NULL;

  for (guint i = 0; i < 1000 && digits == NULL; i++)
    {
      digits = g_strdup (st_hash_peek (hash));
      if (digits == NULL)
        g_usleep (10000);
    }
  st_hash_free (hash);
  return digits;
}

static void
test_hash (void)
{
  write_model (1);
  g_autofree char *expected = sha256 (), *first = wait_for_hash ();
  g_assert_cmpstr (first, ==, expected);

  /* Another file in its place is another hash. */
  write_model (2);
  g_autofree char *other = sha256 (), *second = wait_for_hash ();
  g_assert_cmpstr (other, !=, expected);
  g_assert_cmpstr (second, ==, other);
}

/* What is remembered answers at once and is not computed again. */
static void
test_cache (void)
{
  write_model (3);
  g_autofree char *digits = wait_for_hash (), *text = NULL;
  g_assert_true (g_file_get_contents (cache, &text, NULL, NULL));
  char *place = strstr (text, digits);
  g_assert_nonnull (place);
  memset (place, 'a', 64);
  g_assert_true (g_file_set_contents (cache, text, -1, NULL));

  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);
  StHash *hash = st_hash_new (file, cache);
  g_assert_true (strspn (st_hash_peek (hash), "a") == 64);
  st_hash_free (hash);

  /* Rubbish in its place is not believed. */
  place[5] = '?';
  g_assert_true (g_file_set_contents (cache, text, -1, NULL));
  g_autofree char *again = wait_for_hash ();
  g_assert_cmpstr (again, ==, digits);

  /* Nor is it when the file was touched. */
  const struct utimbuf old = { 1000000, 1000000 };
  g_assert_cmpint (utime (path, &old), ==, 0);
  g_autofree char *touched = wait_for_hash ();
  g_assert_cmpstr (touched, ==, digits);
}

/* No hash of what was cut while it was read; no waiting for one that is not wanted. */
static void
test_gone (void)
{
  write_model (4);
  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);
  g_assert_cmpint (truncate (path, 1000), ==, 0);
  StHash *hash = st_hash_new (file, NULL);
  g_usleep (200000);
  g_assert_null (st_hash_peek (hash));
  st_hash_free (hash);
  st_hash_free (NULL);
  g_assert_null (st_hash_peek (NULL));
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("test-st-hash-XXXXXX", NULL);
  path = g_build_filename (folder, "x.safetensors", NULL);
  cache = g_build_filename (folder, "cache", "hashes", NULL);
  g_test_add_func ("/st/hash/hash", test_hash);
  g_test_add_func ("/st/hash/cache", test_cache);
  g_test_add_func ("/st/hash/gone", test_gone);
  status = g_test_run ();
  scratch_remove (folder);
  g_free (cache);
  g_free (path);
  g_free (folder);
  return status;
}
