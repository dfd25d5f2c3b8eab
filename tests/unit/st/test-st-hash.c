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

/* All of them from one read, as other programs compute them. */
static void
test_all (void)
{
  g_autoptr (StFile) file = NULL;
  g_autofree char *text = NULL, *whole = NULL, *data = NULL, *v1 = NULL, *told = NULL;
  const char *metadata[]
      = { "modelspec.hash_sha256", NULL, "sshs_model_hash", "0x12", NULL };
  static const guint64 shape = 3 << 20;
  g_autofree guint8 *bytes = g_malloc0 (shape);
  const StWriteTensor tensor = { "x", ST_DTYPE_U8, 1, &shape, bytes };
  const StHashes *found;
  guint64 done, total;
  gsize length, start;
  StHash *hash;

  for (gsize i = 0; i < shape; i++)
    bytes[i] = (guint8) (i * 7 >> 3);
  data = g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes, shape);
  told = g_strconcat ("0x", data, NULL);
  metadata[1] = told;
  g_assert_true (st_write (path, &tensor, 1, metadata, NULL));
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  whole = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) text, length);
  v1 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) text + 0x100000,
                                    0x10000);
  file = st_file_open (path, NULL, NULL);
  start = st_file_data_start (file);
  g_assert_cmpuint (start % (1 << 20), !=, 0);
  hash = st_hash_new_all (file, cache, TRUE);
  g_assert_true (st_hash_ended (hash));
  g_assert_null (st_hash_peek_all (hash));
  st_hash_free (hash);
  for (guint round = 0; round < 2; round++) /* the second from the cache */
    {
      hash = st_hash_new_all (file, cache, round == 1);
      for (guint i = 0; i < 1000 && !st_hash_ended (hash); i++)
        g_usleep (10000);
      found = st_hash_peek_all (hash);
      g_assert_nonnull (found);
      g_assert_cmpstr (found->whole, ==, whole);
      g_assert_cmpstr (st_hash_peek (hash), ==, whole);
      g_assert_cmpstr (found->data, ==, data);
      g_assert_true (g_str_has_prefix (v1, found->auto_v1));
      g_assert_cmpuint (strlen (found->auto_v1), ==, 8);
      g_assert_cmpint (st_hashes_check (found, file, "modelspec.hash_sha256"), ==,
                       ST_HASH_AGREES);
      g_assert_cmpint (st_hashes_check (found, file, "sshs_model_hash"), ==,
                       ST_HASH_DIFFERS);
      g_assert_cmpint (st_hashes_check (found, file, "other"), ==, ST_HASH_NOT_TOLD);
      st_hash_progress (hash, &done, &total);
      g_assert_cmpuint (total, ==, length);
      g_assert_cmpuint (done, ==, round == 0 ? length : 0);
      st_hash_free (hash);
    }
  /* What asks for less is content with it. */
  hash = st_hash_new (file, cache);
  g_assert_cmpstr (st_hash_peek (hash), ==, whole);
  st_hash_free (hash);
}

/* A small file has no AutoV1. */
static void
test_small (void)
{
  static const guint64 shape = 4;
  const StWriteTensor tensor = { "x", ST_DTYPE_U8, 1, &shape, "abcd" };
  g_autoptr (StFile) file = NULL;
  StHash *hash;

  g_assert_true (st_write (path, &tensor, 1, NULL, NULL));
  file = st_file_open (path, NULL, NULL);
  for (guint round = 0; round < 2; round++)
    {
      hash = st_hash_new_all (file, cache, round == 1);
      for (guint i = 0; i < 1000 && !st_hash_ended (hash); i++)
        g_usleep (10000);
      g_assert_cmpstr (st_hash_peek_all (hash)->auto_v1, ==, "");
      g_assert_cmpstr (
          st_hash_peek_all (hash)->data, ==,
          "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589");
      st_hash_free (hash);
    }
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
  g_test_add_func ("/st/hash/all", test_all);
  g_test_add_func ("/st/hash/small", test_small);
  status = g_test_run ();
  scratch_remove (folder);
  g_free (cache);
  g_free (path);
  g_free (folder);
  return status;
}
