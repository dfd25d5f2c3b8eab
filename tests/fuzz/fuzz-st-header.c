/* fuzz-st-header.c: any bytes as a header, as a shard index, and as a foreign file
 *
 * Seeds are the files of corpus/st-header: a byte that says how much data follows, then
 * JSON. What must hold beside "no sanitizer speaks": a header that is accepted has
 * tensors that cover the data without a gap, every name is found again, and the tree
 * counts them all.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "fuzz.h"

#include "st/st.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static char *path, *index_path;

static void
clean_up (void)
{
  g_autofree char *folder = g_path_get_dirname (path);

  g_unlink (path);
  g_unlink (index_path);
  g_rmdir (folder);
}

static void
init (void)
{
  g_autofree char *folder = NULL;

  if (path != NULL)
    return;
  folder = g_dir_make_tmp ("fuzz-st-XXXXXX", NULL);
  path = g_build_filename (folder, "x.safetensors", NULL);
  index_path = g_build_filename (folder, "x.safetensors.index.json", NULL);
  atexit (clean_up);
}

static void
write_bytes (const char *to, const guint8 *data, gsize size)
{
  FILE *f = g_fopen (to, "wb");

  g_assert_nonnull (f);
  g_assert_cmpuint (fwrite (data, 1, size, f), ==, size);
  fclose (f);
}

static void
check_file (StFile *file)
{
  guint64 end = 0;

  for (guint i = 0; i < st_file_n_tensors (file); i++)
    {
      const StTensor *tensor = st_file_tensor (file, i);
      guint8 bytes[16];
      float values[8];
      const guint bits = st_dtype_bits (tensor->dtype);

      g_assert_cmpuint (tensor->begin, ==, end);
      end = tensor->end;
      g_assert_true (st_file_find (file, tensor->name, tensor->name_length) == tensor);
      g_assert_true (g_utf8_validate_len (tensor->name, 0, NULL));
      if (tensor->count == 0 || end - tensor->begin > sizeof bytes)
        continue;
      g_assert_true (
          st_file_read (file, tensor->begin, end - tensor->begin, bytes, NULL));
      st_dtype_to_float (tensor->dtype, bytes, 0, MIN (tensor->count, 8), values);
      g_assert_cmpuint (tensor->count * bits, ==, (end - tensor->begin) * 8);
    }
  g_assert_cmpuint (end, ==, st_file_data_bytes (file));
}

static void
check_model (void)
{
  g_autoptr (StModel) model = st_model_open (path, NULL, NULL);
  g_autoptr (StTree) tree = NULL;

  g_assert_nonnull (model);
  tree = st_tree_new (model, NULL, NULL);
  g_assert_cmpuint (st_tree_root (tree)->n_tensors, ==, st_model_n_tensors (model));
}

/* What is salvaged of a refused file is sound one by one, and no reading goes astray. */
static void
check_damaged (const GError *refusal)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StFile) file = st_file_open_damaged (path, NULL, &error);

  g_assert_true ((file == NULL) == (error != NULL));
  if (file == NULL)
    return;
  g_assert_true ((st_file_fault (file) == NULL) == (refusal == NULL));
  for (guint i = 0; i < st_file_n_tensors (file); i++)
    {
      const StTensor *tensor = st_file_tensor (file, i);
      const guint64 size = tensor->end - tensor->begin;
      guint8 bytes[16];

      g_assert_cmpuint (tensor->begin, <=, tensor->end);
      g_assert_cmpuint (tensor->count * st_dtype_bits (tensor->dtype), ==, size * 8);
      g_assert_true (st_file_find (file, tensor->name, tensor->name_length) == tensor);
      if (size <= sizeof bytes)
        g_assert_true (st_file_read (file, tensor->begin, size, bytes, NULL)
                       == st_file_has (file, tensor->begin, size, NULL));
    }
  g_autoptr (StModel) model = st_model_open_damaged (path, NULL, NULL);
  g_autoptr (StTree) tree = st_tree_new (model, NULL, NULL);
  g_assert_cmpuint (st_tree_root (tree)->n_tensors, ==, st_file_n_tensors (file));
}

static void
try_file (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StFile) file = NULL;

  write_bytes (path, data, size);
  file = st_file_open (path, NULL, &error);
  g_assert_true ((file == NULL) == (error != NULL));
  if (error != NULL)
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  const StForeign *foreign = st_file_find_foreign (path);
  g_assert_true (foreign == NULL || foreign->what != NULL);
  check_damaged (error);
  if (file == NULL)
    return;
  check_file (file);
  check_model ();
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static GPtrArray *
list_seeds (const char *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

GBytes *
fuzz_seed (guint index)
{
  static GPtrArray *names;
  g_autofree char *folder = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "fuzz",
                                              "corpus", "st-header", NULL);
  g_autofree char *file = NULL;
  char *bytes;
  gsize length;

  if (names == NULL)
    names = list_seeds (folder);
  if (index >= names->len)
    return NULL;
  file = g_build_filename (folder, g_ptr_array_index (names, index), NULL);
  g_assert_true (g_file_get_contents (file, &bytes, &length, NULL));
  return g_bytes_new_take (bytes, length);
}

/* The fuzzer's bytes are the JSON and three hundred bytes of data at most: the length is
 * put in front, so that it need not be guessed. The first byte is how much data follows.
 */
int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  static const guint8 zeros[256];
  guint64 length;
  g_autoptr (StModel) model = NULL;

  init ();
  try_file (data, size);
  if (size == 0)
    return 0;
  length = GUINT64_TO_LE (size - 1);
  g_byte_array_append (bytes, (const guint8 *) &length, 8);
  g_byte_array_append (bytes, data + 1, (guint) size - 1);
  g_byte_array_append (bytes, zeros, data[0]);
  try_file (bytes->data, bytes->len);
  write_bytes (index_path, data + 1, size - 1);
  model = st_model_open (index_path, NULL, NULL);
  return 0;
}
