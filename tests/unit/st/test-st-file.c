/* test-st-file.c: opening, reading, writing, and files that change while they are open
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "scratch.h"

#include "st/st.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static char *folder;

static char *
path_of (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static char *
write_two (const char *name)
{
  static const guint64 shape_a[] = { 2, 3 }, shape_b[] = { 4 };
  static const float a[] = { 1, 2, 3, 4, 5, 6 };
  static const guint8 b[] = { 9, 8, 7, 6 };
  static const char *const metadata[]
      = { "format", "pt", "modelspec.title", "Zwei", NULL };
  const StWriteTensor tensors[] = {
    { "b.bytes", ST_DTYPE_U8, 1, shape_b, b },
    { "a.floats", ST_DTYPE_F32, 2, shape_a, a },
  };
  g_autoptr (GError) error = NULL;
  char *path = path_of (name);

  g_assert_true (st_write (path, tensors, 2, metadata, &error));
  g_assert_no_error (error);
  return path;
}

static void
test_round_trip (void)
{
  g_autofree char *path = write_two ("two.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (StFile) file = st_file_open (path, NULL, &error);
  const StTensor *a, *b;
  float floats[6];
  guint8 bytes[4];

  g_assert_no_error (error);
  g_assert_cmpuint (st_file_n_tensors (file), ==, 2);
  g_assert_cmpuint (st_file_data_bytes (file), ==, 28);
  g_assert_cmpuint (st_file_data_start (file), ==, st_file_header_bytes (file) + 8);
  a = st_file_find (file, "a.floats", -1);
  b = st_file_find (file, "b.bytesx", 7);
  g_assert_true (a == st_file_tensor (file, 0));
  g_assert_true (b == st_file_tensor (file, 1));
  g_assert_null (st_file_find (file, "c", -1));
  g_assert_cmpuint (a->rank, ==, 2);
  g_assert_cmpuint (a->shape[1], ==, 3);
  g_assert_cmpuint (a->count, ==, 6);
  g_assert_true (st_file_read (file, a->begin, 24, floats, &error));
  g_assert_cmpfloat (floats[5], ==, 6);
  g_assert_true (st_file_read (file, b->begin, 4, bytes, &error));
  g_assert_cmpmem (bytes, 4, "\x09\x08\x07\x06", 4);
  g_assert_cmpuint (st_file_n_metadata (file), ==, 2);
  g_assert_cmpstr (st_file_metadata (file, 0)->key, ==, "format");
  g_assert_cmpstr (st_file_metadata_value (file, "format"), ==, "pt");
  g_assert_null (st_file_metadata_value (file, "nothing"));
  g_assert_null (st_file_warnings (file)[0]);
}

static void
assert_changed (StFile *file)
{
  g_autoptr (GError) error = NULL;
  guint8 bytes[28];

  g_assert_false (st_file_read (file, 0, sizeof bytes, bytes, &error));
  g_assert_error (error, ST_ERROR, ST_ERROR_CHANGED);
}

#define LARGE (5 << 20)

static char *
write_large (const char *name)
{
  static const guint64 shape = LARGE;
  g_autofree guint8 *bytes = g_malloc (LARGE);
  const StWriteTensor tensor = { "x", ST_DTYPE_U8, 1, &shape, bytes };
  char *path = path_of (name);

  for (guint i = 0; i < LARGE; i++)
    bytes[i] = (guint8) (i * 7 + i / 251);
  g_assert_true (st_write (path, &tensor, 1, NULL, NULL));
  return path;
}

static void
test_view (void)
{
  const struct
  {
    guint64 offset;
    gsize n;
  } parts[]
      = { { 0, LARGE }, { 12345, 77 }, { (2 << 20) - 9, 1 << 20 }, { LARGE - 1, 1 } };
  g_autofree char *path = write_large ("view.safetensors");
  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);
  g_autofree guint8 *bytes = g_malloc (LARGE);
  g_autoptr (GError) error = NULL;
  StView view, second;

  g_assert_true (st_file_read (file, 0, LARGE, bytes, &error));
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      if (!st_view_begin (&view, file, parts[i].offset, parts[i].n))
        {
          g_test_skip ("this file system does not say what is in memory");
          return;
        }
      g_assert_cmpmem (view.bytes, parts[i].n, bytes + parts[i].offset, parts[i].n);
      g_assert_false (st_view_begin (&second, file, 0, 1));
      g_assert_true (st_view_end (&view, &error));
      g_assert_no_error (error);
    }
}

/* Pages that go while they are looked at read as zeros, and the view is void. */
static void
test_view_truncated (void)
{
  g_autofree char *path = write_large ("vanish.safetensors");
  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);
  g_autoptr (GError) error = NULL;
  StView view;
  guint sum = 0;

  if (!st_view_begin (&view, file, 0, LARGE))
    {
      g_test_skip ("this file system does not say what is in memory");
      return;
    }
  g_assert_cmpuint (view.bytes[1], ==, 7);
  g_assert_cmpint (truncate (path, 1 << 20), ==, 0);
  for (guint i = 2 << 20; i < LARGE; i++)
    sum += view.bytes[i];
  g_assert_cmpuint (sum, ==, 0);
  g_assert_cmpuint (view.bytes[1], ==, 7);
  g_assert_false (st_view_end (&view, &error));
  g_assert_error (error, ST_ERROR, ST_ERROR_CHANGED);
  g_assert_false (st_view_begin (&view, file, 0, LARGE));
}

/* A fault that is not a view's still ends the program. */
static void
test_view_leaves_others (void)
{
  if (g_test_subprocess ())
    {
      g_autofree char *path = write_large ("other.safetensors");
      g_autoptr (StFile) file = st_file_open (path, NULL, NULL);
      StView view;

      if (st_view_begin (&view, file, 0, LARGE))
        st_view_end (&view, NULL);
      raise (SIGBUS);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
}

static void
test_truncated_while_open (void)
{
  g_autofree char *path = write_two ("cut.safetensors");
  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);

  g_assert_cmpint (truncate (path, (off_t) st_file_data_start (file) + 3), ==, 0);
  assert_changed (file);
}

static void
test_replaced_while_open (void)
{
  g_autofree char *path = write_two ("new.safetensors");
  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);
  g_autoptr (StFile) again = NULL;
  g_autofree char *same = write_two ("new.safetensors");

  assert_changed (file);
  again = st_file_open (path, NULL, NULL);
  g_assert_cmpuint (st_file_n_tensors (again), ==, 2);
}

static void
test_deleted_while_open (void)
{
  g_autofree char *path = write_two ("gone.safetensors");
  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);

  g_unlink (path);
  assert_changed (file);
}

static void
test_written_while_open (void)
{
  g_autofree char *path = write_two ("touched.safetensors");
  g_autoptr (StFile) file = st_file_open (path, NULL, NULL);
  FILE *f = g_fopen (path, "r+");

  g_assert_cmpint (fseek (f, -1, SEEK_END), ==, 0);
  /* The clock of file times ticks every few milliseconds. */
  g_usleep (20000);
  g_assert_cmpint (fputc (1, f), ==, 1);
  fclose (f);
  assert_changed (file);
}

static void
test_no_such_file (void)
{
  g_autofree char *path = path_of ("none.safetensors");
  g_autofree char *pipe = path_of ("pipe.safetensors");
  const char *const paths[] = { path, folder, pipe, "/dev/zero" };

  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (st_file_open (paths[i], NULL, &error));
      g_assert_error (error, ST_ERROR, ST_ERROR_IO);
      g_assert_nonnull (strstr (error->message, paths[i]));
    }
}

static void
test_cancelled (void)
{
  g_autofree char *path = write_two ("stop.safetensors");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const BaseTask task = { .cancellable = cancellable };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (st_file_open (path, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
cancel_at (const char *stage, guint64 done, guint64 total, gpointer data)
{
  gpointer *wanted = data;

  g_assert_cmpuint (done, <=, total);
  if (strcmp (stage, wanted[0]) == 0)
    g_cancellable_cancel (wanted[1]);
}

/* In the midst of each stage of opening a file of many tensors. */
static void
test_cancelled_half_way (void)
{
  static const guint8 byte = 0;
  static const char *const stages[] = { "read", "parse", "tree" };
  const guint n = 20000;
  g_autofree StWriteTensor *tensors = g_new (StWriteTensor, n);
  g_autoptr (GStringChunk) names = g_string_chunk_new (1 << 16);
  g_autofree char *path = path_of ("many.safetensors");

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("t.%u", i);

      tensors[i] = (StWriteTensor){ g_string_chunk_insert (names, name), ST_DTYPE_U8, 0,
                                    NULL, &byte };
    }
  g_assert_true (st_write (path, tensors, n, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (stages); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      gpointer wanted[] = { (gpointer) stages[i], cancellable };
      const BaseTask task = { cancellable, cancel_at, wanted };
      g_autoptr (GError) error = NULL;
      g_autoptr (StModel) model = st_model_open (path, &task, &error);

      g_assert_true ((model != NULL) == (i == 2));
      if (model != NULL)
        g_assert_null (st_tree_new (model, &task, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

static void
test_model (void)
{
  g_autofree char *path = write_two ("model.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_autofree char *title = st_model_title (model);

  g_assert_no_error (error);
  g_assert_cmpstr (title, ==, "Zwei");
  g_assert_cmpuint (st_model_n_tensors (model), ==, 2);
  g_assert_cmpstr (st_model_tensor (model, 0)->name, ==, "a.floats");
  g_assert_true (st_model_find (model, "b.bytes") == st_model_tensor (model, 1));
  g_assert_null (st_model_find (model, "b"));
  g_assert_false (st_model_is_folder (model));
  g_assert_null (st_model_read_json (model, "config.json", NULL));
  g_assert_null (st_model_warnings (model)[0]);
}

/* ---- damaged files ---- */

/* Of the file at @path, with @cut bytes less at its end, and @byte put at @place of its
 * header where that is not 0. */
static StFile *
open_damaged (const char *path, guint cut, guint place, char byte)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  if (place != 0)
    text[8 + place] = byte;
  g_assert_true (g_file_set_contents (path, text, (gssize) (length - cut), NULL));
  g_assert_null (st_file_open (path, NULL, NULL));
  StFile *file = st_file_open_damaged (path, NULL, &error);
  g_assert_true ((file == NULL) == (error != NULL));
  return file;
}

static guint
header_place (const char *path, const char *what)
{
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  const char *found = g_strstr_len (text + 8, (gssize) length - 8, what);
  g_assert_nonnull (found);
  return (guint) (found - text - 8);
}

static void
test_damaged_end (void)
{
  g_autofree char *path = write_two ("end.safetensors");
  g_autoptr (StFile) file = open_damaged (path, 2, 0, 0);
  g_autoptr (GError) error = NULL;
  float floats[6];
  guint8 bytes[4];

  g_assert_error (st_file_fault (file), ST_ERROR, ST_ERROR_METADATA_INCOMPLETE_BUFFER);
  g_assert_cmpuint (st_file_n_tensors (file), ==, 2);
  g_assert_cmpuint (st_file_data_bytes (file), ==, 26);
  const StTensor *a = st_file_find (file, "a.floats", -1);
  const StTensor *b = st_file_find (file, "b.bytes", -1);
  g_assert_true (st_file_read (file, a->begin, 24, floats, &error));
  g_assert_cmpfloat (floats[5], ==, 6);
  g_assert_true (st_file_has (file, a->begin, 24, NULL));
  g_assert_false (st_file_has (file, b->begin, 4, NULL));
  g_assert_false (st_file_read (file, b->begin, 4, bytes, &error));
  g_assert_error (error, ST_ERROR, ST_ERROR_METADATA_INCOMPLETE_BUFFER);
  g_assert_cmpuint (st_file_n_metadata (file), ==, 2);

  g_autoptr (StModel) model = st_model_open_damaged (path, NULL, NULL);
  g_assert_nonnull (st_model_fault (model));
  g_assert_cmpuint (st_model_n_tensors (model), ==, 2);
}

static void
test_damaged_header (void)
{
  g_autofree char *path = write_two ("header.safetensors");
  g_autoptr (GError) error = NULL;

  /* The type of the second entry is none: the first stays. */
  g_autoptr (StFile) typed = open_damaged (path, 0, header_place (path, "U8"), 'X');
  g_assert_error (st_file_fault (typed), ST_ERROR,
                  ST_ERROR_INVALID_HEADER_DESERIALIZATION);
  g_assert_cmpuint (st_file_n_tensors (typed), ==, 1);
  g_assert_nonnull (st_file_find (typed, "a.floats", -1));

  /* A shape that does not fit its offsets is dropped alone, and the rest found. */
  g_free (path);
  path = write_two ("header.safetensors");
  g_autoptr (StFile) shaped = open_damaged (path, 0, header_place (path, "3]"), '7');
  g_assert_error (st_file_fault (shaped), ST_ERROR, ST_ERROR_TENSOR_INVALID_INFO);
  g_assert_cmpuint (st_file_n_tensors (shaped), ==, 1);
  g_assert_true (st_file_find (shaped, "b.bytes", -1) == st_file_tensor (shaped, 0));
  g_assert_null (st_file_find (shaped, "a.floats", -1));

  /* Bytes that are no text. */
  g_free (path);
  path = write_two ("header.safetensors");
  g_autoptr (StFile) text
      = open_damaged (path, 0, header_place (path, "b.bytes"), '\xff');
  g_assert_error (st_file_fault (text), ST_ERROR, ST_ERROR_INVALID_HEADER);
  g_assert_cmpuint (st_file_n_tensors (text), ==, 1);

  /* The file ends in its header: names and shapes, and no byte of data. */
  g_free (path);
  path = write_two ("header.safetensors");
  g_autoptr (StFile) short_file = open_damaged (path, 28 + 30, 0, 0);
  g_assert_error (st_file_fault (short_file), ST_ERROR, ST_ERROR_INVALID_HEADER_LENGTH);
  g_assert_cmpuint (st_file_n_tensors (short_file), ==, 1);
  g_assert_cmpuint (st_file_data_bytes (short_file), ==, 0);

  /* Nothing is left of it. */
  g_assert_null (open_damaged (path, 0, 1, 'x'));
  g_autofree char *none = path_of ("none.safetensors");
  g_assert_null (st_file_open_damaged (none, NULL, &error));
  g_assert_error (error, ST_ERROR, ST_ERROR_IO);
}

/* A sound file has no fault. */
static void
test_not_damaged (void)
{
  g_autofree char *path = write_two ("sound.safetensors");
  g_autoptr (StFile) file = st_file_open_damaged (path, NULL, NULL);

  g_assert_null (st_file_fault (file));
  g_assert_cmpuint (st_file_n_tensors (file), ==, 2);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("st-file-XXXXXX", NULL);
  g_test_add_func ("/st/file/damaged-end", test_damaged_end);
  g_test_add_func ("/st/file/damaged-header", test_damaged_header);
  g_test_add_func ("/st/file/not-damaged", test_not_damaged);
  g_test_add_func ("/st/file/view", test_view);
  g_test_add_func ("/st/file/view-truncated", test_view_truncated);
  g_test_add_func ("/st/file/view-leaves-others", test_view_leaves_others);
  g_test_add_func ("/st/file/round-trip", test_round_trip);
  g_test_add_func ("/st/file/truncated-while-open", test_truncated_while_open);
  g_test_add_func ("/st/file/replaced-while-open", test_replaced_while_open);
  g_test_add_func ("/st/file/deleted-while-open", test_deleted_while_open);
  g_test_add_func ("/st/file/written-while-open", test_written_while_open);
  g_test_add_func ("/st/file/no-such-file", test_no_such_file);
  g_test_add_func ("/st/file/cancelled", test_cancelled);
  g_test_add_func ("/st/file/cancelled-half-way", test_cancelled_half_way);
  g_test_add_func ("/st/model/single", test_model);
  status = g_test_run ();
  scratch_remove (folder);
  g_free (folder);
  return status;
}
