/* test-st-write.c: rows W1 and W2 of the conformance table, and what must not be written
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "conformance.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const guint8 zeros[64];

#define SHAPE(...)                                                                       \
  (const guint64[])                                                                      \
  {                                                                                      \
    __VA_ARGS__                                                                          \
  }

/* The whole file: the length, @header (with its padding), @data zero bytes. */
static void
assert_written (const StWriteTensor *tensors,
                guint n,
                const char *const *metadata,
                const char *header,
                guint expected_n,
                guint data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  gsize length;
  guint64 header_bytes;

  g_assert_true (st_write (case_path, tensors, n, metadata, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (case_path, &bytes, &length, NULL));
  g_assert_cmpuint (length, ==, 8 + expected_n + data);
  memcpy (&header_bytes, bytes, 8);
  g_assert_cmpuint (GUINT64_FROM_LE (header_bytes), ==, expected_n);
  g_assert_cmpmem (bytes + 8, expected_n, header, strlen (header));
  g_assert_cmpmem (bytes + 8 + expected_n, data, zeros, data);
}

static void
test_w1 (void)
{
  static const char *const metadata[] = { "framework", "pytorch", NULL };

  assert_written (
      (StWriteTensor[]){ { "attn.0", ST_DTYPE_F32, 3, SHAPE (1, 2, 3), zeros } }, 1, NULL,
      "{\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,2,3],"
      "\"data_offsets\":[0,24]}}",
      64, 24);
  assert_written (
      (StWriteTensor[]){ { "attn0", ST_DTYPE_F32, 4, SHAPE (1, 1, 2, 3), zeros } }, 1,
      NULL,
      "{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],"
      "\"data_offsets\":[0,24]}}       ",
      72, 24);
  assert_written ((StWriteTensor[]){ { "attn.0", ST_DTYPE_F4, 2, SHAPE (1, 2), zeros } },
                  1, NULL,
                  "{\"attn.0\":{\"dtype\":\"F4\",\"shape\":[1,2],"
                  "\"data_offsets\":[0,1]}}    ",
                  64, 1);
  assert_written (NULL, 0, NULL, "{}      ", 8, 0);
  assert_written (NULL, 0, metadata, "{\"__metadata__\":{\"framework\":\"pytorch\"}}", 40,
                  0);
  assert_written ((StWriteTensor[]){ { "attn.0", ST_DTYPE_U8, 1, SHAPE (3), zeros },
                                     { "attn.2", ST_DTYPE_F32, 1, SHAPE (1), zeros },
                                     { "attn.1", ST_DTYPE_F32, 1, SHAPE (1), zeros } },
                  3, NULL,
                  "{\"attn.1\":{\"dtype\":\"F32\",\"shape\":[1],"
                  "\"data_offsets\":[0,4]},\"attn.2\":{\"dtype\":\"F32\",\"shape\":[1],"
                  "\"data_offsets\":[4,8]},\"attn.0\":{\"dtype\":\"U8\",\"shape\":[3],"
                  "\"data_offsets\":[8,11]}} ",
                  176, 11);
}

/* The reference's own example of two types: the wider first, 128 bytes of header. */
static void
test_w1_two_types (void)
{
  g_autofree char *bytes = NULL;
  g_autoptr (StFile) file = NULL;
  const StWriteTensor tensors[] = {
    { "attn.0", ST_DTYPE_F16, 2, SHAPE (2, 3), zeros },
    { "attn.1", ST_DTYPE_F32, 2, SHAPE (2, 3), zeros },
  };

  g_assert_true (st_write (case_path, tensors, 2, NULL, NULL));
  file = assert_verdict ("W1", "two types", OK, NULL);
  g_assert_cmpuint (st_file_header_bytes (file), ==, 128);
  g_assert_cmpstr (st_file_tensor (file, 0)->name, ==, "attn.1");
}

static void
assert_not_written (const StWriteTensor *tensors,
                    guint n,
                    const char *const *metadata,
                    int code)
{
  g_autoptr (GError) error = NULL;

  g_unlink (case_path);
  g_assert_false (st_write (case_path, tensors, n, metadata, &error));
  g_assert_error (error, ST_ERROR, code);
  g_assert_false (g_file_test (case_path, G_FILE_TEST_EXISTS));
}

static void
test_refused (void)
{
  const gsize n = 100000000;
  g_autofree char *long_value = g_strnfill (n, 'x');
  const char *const metadata[] = { "k", long_value, NULL };
  const guint64 huge = G_MAXUINT64;

  assert_not_written (NULL, 0, metadata, ST_ERROR_HEADER_TOO_LARGE);
  assert_not_written ((StWriteTensor[]){ { "a", ST_DTYPE_F4, 1, SHAPE (3), zeros } }, 1,
                      NULL, ST_ERROR_MISALIGNED_SLICE);
  assert_not_written ((StWriteTensor[]){ { "a", ST_DTYPE_U8, 1, &huge, zeros } }, 1, NULL,
                      ST_ERROR_VALIDATION_OVERFLOW);
  assert_not_written (
      (StWriteTensor[]){ { "__metadata__", ST_DTYPE_U8, 0, NULL, zeros } }, 1, NULL,
      ST_ERROR_INVALID_OFFSET);
  assert_not_written ((StWriteTensor[]){ { "a", ST_DTYPE_U8, 0, NULL, zeros },
                                         { "a", ST_DTYPE_U8, 0, NULL, zeros } },
                      2, NULL, ST_ERROR_INVALID_OFFSET);
}

static void
test_no_folder (void)
{
  g_autofree char *path = g_strconcat (case_path, "-none/x.safetensors", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (st_write (path, NULL, 0, NULL, &error));
  g_assert_error (error, ST_ERROR, ST_ERROR_IO);
  g_assert_nonnull (strstr (error->message, path));
}

/* The disk is full (here: the largest file allowed is): the file that was there stays,
 * and no half of the new one is left. */
static void
test_no_space (void)
{
  static const guint8 many[8192];
  const StWriteTensor tensor = { "a", ST_DTYPE_U8, 1, SHAPE (sizeof many), many };
  struct rlimit old, small;
  g_autoptr (GError) error = NULL;
  g_autoptr (StFile) file = NULL;
  g_autofree char *folder = g_path_get_dirname (case_path);
  g_autoptr (GDir) dir = NULL;

  g_assert_true (st_write (case_path, NULL, 0, NULL, NULL));
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &old), ==, 0);
  small = (struct rlimit){ 4096, old.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  g_assert_false (st_write (case_path, &tensor, 1, NULL, &error));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  g_assert_error (error, ST_ERROR, ST_ERROR_IO);
  g_assert_nonnull (strstr (error->message, g_strerror (EFBIG)));
  file = assert_verdict ("no space", "old", OK, NULL);
  dir = g_dir_open (folder, 0, NULL);
  g_assert_nonnull (g_dir_read_name (dir));
  g_assert_null (g_dir_read_name (dir));
}

/* Into the file that is open and being read: the new one is whole, and nothing is left
 * beside it. */
static void
test_w2 (void)
{
  guint8 bytes[64];
  g_autofree char *folder = g_path_get_dirname (case_path);
  g_autoptr (StFile) old = NULL, new = NULL;
  g_autoptr (GDir) dir = NULL;
  StWriteTensor tensor = { "a", ST_DTYPE_U8, 1, SHAPE (64), bytes };
  guint8 back[64];
  struct stat info;

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 5);
  g_assert_true (st_write (case_path, &tensor, 1, NULL, NULL));
  g_assert_cmpint (chmod (case_path, 0640), ==, 0);
  old = assert_verdict ("W2", "old", OK, NULL);
  g_assert_true (st_file_read (old, 0, 64, bytes, NULL));
  g_assert_true (st_write (case_path, &tensor, 1, NULL, NULL));
  new = assert_verdict ("W2", "new", OK, NULL);
  g_assert_true (st_file_read (new, 0, 64, back, NULL));
  g_assert_cmpmem (back, 64, bytes, 64);
  g_assert_cmpint (g_stat (case_path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0640);
  dir = g_dir_open (folder, 0, NULL);
  g_assert_nonnull (g_dir_read_name (dir));
  g_assert_null (g_dir_read_name (dir));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/st/conformance/W1", test_w1);
  g_test_add_func ("/st/conformance/W1-two-types", test_w1_two_types);
  g_test_add_func ("/st/conformance/W1-refused", test_refused);
  g_test_add_func ("/st/conformance/W2", test_w2);
  g_test_add_func ("/st/write/no-space", test_no_space);
  g_test_add_func ("/st/write/no-folder", test_no_folder);
  return case_run ();
}
