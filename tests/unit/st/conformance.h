/* conformance.h: building a file byte by byte and comparing the verdict on it
 *
 * Rows are numbered as in the conformance table of the format: P prefix, J JSON, V valid,
 * C coverage, O overflow, N numbers, S structure, D duplicates, M metadata, T types,
 * W writing, X slicing. The verdicts were taken from the reference implementation.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "scratch.h"

#include "st/st.h"

#include <glib/gstdio.h>
#include <string.h>

/* A verdict; otherwise an StError. */
#define OK (-1)

#define TEST_ENTRY "\"test\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}"
#define T "{" TEST_ENTRY "}"
/* One tensor entry. */
#define t(name, dtype, shape, begin, end)                                                \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin   \
  "," end "]}"

typedef struct
{
  const char *row;
  const char *header;
  gsize header_length;
  guint data; /* zero bytes behind the header */
  int verdict;
  int n_tensors;    /* when it is OK */
  const char *name; /* (nullable): that the message must hold */
} Case;

#define H(text) text, sizeof (text) - 1

static char *case_path;

static inline void
write_file (const void *bytes, gsize n)
{
  FILE *f = g_fopen (case_path, "wb");

  g_assert_nonnull (f);
  g_assert_cmpuint (fwrite (bytes, 1, n, f), ==, n);
  g_assert_cmpint (fclose (f), ==, 0);
}

static inline StFile *
assert_verdict (const char *row, const char *what, int verdict, const char *name)
{
  g_autoptr (GError) error = NULL;
  StFile *file = st_file_open (case_path, NULL, &error);
  const char *got = error == NULL               ? "OK"
                    : error->domain != ST_ERROR ? error->message
                                                : st_error_kind_name (error->code);
  const char *expected = verdict == OK ? "OK" : st_error_kind_name (verdict);

  if (strcmp (got, expected) != 0 || (file != NULL) != (verdict == OK))
    g_error ("%s: %s: got %s instead of %s (%s)", row, what, got, expected,
             error != NULL ? error->message : "");
  if (name != NULL && strstr (error->message, name) == NULL)
    g_error ("%s: %s: “%s” does not name “%s”", row, what, error->message, name);
  return file;
}

/* The file is the length @n, the header, and @data zero bytes. */
static inline StFile *
assert_file (const char *row,
             guint64 n,
             const char *header,
             gsize length,
             guint data,
             int verdict,
             const char *name)
{
  GByteArray *bytes = g_byte_array_new ();
  g_autofree guint8 *zeros = g_malloc0 (data + 1);
  StFile *file;

  n = GUINT64_TO_LE (n);
  g_byte_array_append (bytes, (const guint8 *) &n, 8);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) length);
  g_byte_array_append (bytes, zeros, data);
  write_file (bytes->data, bytes->len);
  g_byte_array_unref (bytes);
  file = assert_verdict (row, header, verdict, name);
  return file;
}

static inline void
run_case (gconstpointer data)
{
  const Case *c = data;

  /* All cases of a row that stand together are one test. */
  for (const char *row = c->row; c->row != NULL && strcmp (c->row, row) == 0; c++)
    {
      g_autoptr (StFile) file
          = assert_file (c->row, c->header_length, c->header, c->header_length, c->data,
                         c->verdict, c->name);

      if (c->verdict == OK)
        g_assert_cmpuint (st_file_n_tensors (file), ==, c->n_tensors);
    }
}

static inline void
add_cases (const Case *cases)
{
  for (const Case *c = cases; c->row != NULL; c++)
    if (c == cases || strcmp (c->row, c[-1].row) != 0)
      {
        g_autofree char *path = g_strdup_printf ("/st/conformance/%s", c->row);

        g_test_add_data_func (path, c, run_case);
      }
}

/* Runs the tests that were added, in a folder that is removed afterwards. */
static inline int
case_run (void)
{
  g_autofree char *folder = g_dir_make_tmp ("st-conformance-XXXXXX", NULL);
  int status;

  case_path = g_build_filename (folder, "case.safetensors", NULL);
  status = g_test_run ();
  scratch_remove (folder);
  g_clear_pointer (&case_path, g_free);
  return status;
}
