/* test-st-foreign.c: files that are something else: the reference's kind, and plain words
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "conformance.h"

typedef struct
{
  const char *bytes;
  gsize length;
  guint zeros; /* behind the bytes */
  int verdict;
  const char *word; /* that the message must hold */
} Foreign;

static const Foreign files[] = {
  { H ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"), 0,
    ST_ERROR_HEADER_TOO_LARGE, "git lfs pull" },
  { H ("GGUF\3\0\0\0"), 100, ST_ERROR_HEADER_TOO_LARGE, "get the model in that form" },
  { H ("PK\3\4\0\0\x08\x08\0\0\0\0\0\0archive/data.pkl"), 100, ST_ERROR_HEADER_TOO_LARGE,
    "ZIP archive" },
  { H ("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."), 200, ST_ERROR_HEADER_TOO_LARGE,
    "pickle" },
  { H ("\x80\x04\x95\x10\0\0\0\0\0\0\0}"), 200, ST_ERROR_HEADER_TOO_LARGE, "pickle" },
  { H ("<!DOCTYPE html><html><title>Sign in</title>"), 0, ST_ERROR_HEADER_TOO_LARGE,
    "web page" },
  { H ("\r\n  <HTML>   <body>"), 0, ST_ERROR_HEADER_TOO_LARGE, "web page" },
  { H ("<?xml version=\"1.0\"?><Error>NoSuchKey</Error>"), 0, ST_ERROR_HEADER_TOO_LARGE,
    "XML" },
  { H ("{\"metadata\":{},\"weight_map\":{}}"), 0, ST_ERROR_HEADER_TOO_LARGE, "JSON" },
  { H ("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), 50, ST_ERROR_HEADER_TOO_LARGE, "PNG" },
  { H ("\xff\xd8\xff\xe0\0\x10JFIF"), 50, ST_ERROR_HEADER_TOO_LARGE, "JPEG" },
  { H ("\x89HDF\r\n\x1a\n"), 50, ST_ERROR_HEADER_TOO_LARGE, "HDF5" },
  { H ("\x93NUMPY\1\0v\0{'descr'"), 50, ST_ERROR_HEADER_TOO_LARGE, "NumPy" },
  { H ("\x1f\x8b\x08\0\0\0\0\0\0\3"), 50, ST_ERROR_INVALID_HEADER_LENGTH, "gzip" },
  { H (""), 4096, ST_ERROR_INVALID_HEADER_DESERIALIZATION, "zero bytes" },
  { H (""), 0, ST_ERROR_HEADER_TOO_SMALL, "empty" },
  { H ("\x10\0\0\0\0\0\0\0{\"a\":1"), 0, ST_ERROR_INVALID_HEADER_LENGTH,
    "ends after 6 of them" },
};

static void
test_foreign (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree guint8 *bytes = g_malloc0 (files[i].length + files[i].zeros + 1);
      const StForeign *foreign;

      memcpy (bytes, files[i].bytes, files[i].length);
      write_file (bytes, files[i].length + files[i].zeros);
      g_assert_null (
          assert_verdict ("foreign", files[i].word, files[i].verdict, files[i].word));
      foreign = st_file_find_foreign (case_path);
      if (i + 1 < G_N_ELEMENTS (files))
        {
          g_assert_nonnull (strstr (foreign->what, files[i].word));
          g_assert_cmpint (foreign->kind, ==,
                           g_str_equal (files[i].word, "git lfs pull") ? ST_FOREIGN_LFS
                           : g_str_equal (files[i].word, "web page")
                                   || g_str_equal (files[i].word, "XML")
                               ? ST_FOREIGN_PAGE
                               : ST_FOREIGN_OTHER);
        }
      else
        g_assert_null (foreign);
    }
}

/* A real header whose length happens to begin like a pickle is not called one. */
static void
test_not_foreign (void)
{
  g_autofree char *header = g_strnfill (0x280, ' ');

  memcpy (header, "{x", 2);
  g_assert_null (assert_file ("pickle", 0x280, header, 0x280, 0,
                              ST_ERROR_INVALID_HEADER_DESERIALIZATION, "byte 1"));
  g_assert_null (st_file_find_foreign (case_path));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/st/foreign/known", test_foreign);
  g_test_add_func ("/st/foreign/not", test_not_foreign);
  return case_run ();
}
