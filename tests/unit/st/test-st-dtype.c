/* test-st-dtype.c: every type's values against tables made with ml_dtypes and NumPy
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st.h"

#include <math.h>
#include <string.h>

static StFile *golden;

static guint8 *
read_tensor (const char *dtype, const char *what, const StTensor **tensor)
{
  g_autofree char *name = g_strconcat (dtype, "/", what, NULL);
  g_autoptr (GError) error = NULL;
  guint8 *bytes;

  *tensor = st_file_find (golden, name, -1);
  if (*tensor == NULL)
    return NULL;
  bytes = g_malloc ((*tensor)->end - (*tensor)->begin);
  g_assert_true (st_file_read (golden, (*tensor)->begin,
                               (*tensor)->end - (*tensor)->begin, bytes, &error));
  g_assert_no_error (error);
  return bytes;
}

static gboolean
same_float (float a, float b)
{
  return (isnan (a) && isnan (b)) || memcmp (&a, &b, sizeof a) == 0;
}

static gboolean
same_double (double a, double b)
{
  return (isnan (a) && isnan (b)) || memcmp (&a, &b, sizeof a) == 0;
}

/* The whole, and every value alone, so that the first value of a call may be any. */
static void
test_values (gconstpointer data)
{
  const StDtype dtype = GPOINTER_TO_UINT (data);
  const char *const name = st_dtype_name (dtype);
  const StTensor *codes_tensor, *floats_tensor, *doubles_tensor;
  g_autofree guint8 *codes = read_tensor (name, "codes", &codes_tensor);
  g_autofree guint8 *floats = read_tensor (name, "float", &floats_tensor);
  g_autofree guint8 *doubles = read_tensor (name, "double", &doubles_tensor);
  const gsize n = floats_tensor->count;
  g_autofree float *as_float = g_new (float, n);
  g_autofree double *as_double = g_new (double, n);

  g_assert_cmpint (codes_tensor->dtype, ==, dtype);
  g_assert_cmpuint (n, ==, codes_tensor->count * (dtype == ST_DTYPE_C64 ? 2 : 1));
  g_assert_cmpuint (n, >=, 6);
  st_dtype_to_float (dtype, codes, 0, n, as_float);
  st_dtype_to_double (dtype, codes, 0, n, as_double);
  for (gsize i = 0; i < n; i++)
    {
      float expected, alone;
      double expected_double, alone_double;

      memcpy (&expected, floats + 4 * i, 4);
      expected_double = expected;
      if (doubles != NULL)
        memcpy (&expected_double, doubles + 8 * i, 8);
      st_dtype_to_float (dtype, codes, i, 1, &alone);
      st_dtype_to_double (dtype, codes, i, 1, &alone_double);
      if (!same_float (as_float[i], expected) || !same_float (alone, expected)
          || !same_double (as_double[i], expected_double)
          || !same_double (alone_double, expected_double))
        g_error ("%s value %zu: %.9g, %.9g, %.17g, %.17g instead of %.17g", name, i,
                 (double) as_float[i], (double) alone, as_double[i], alone_double,
                 expected_double);
    }
}

/* All 65,536 codes by the hash of their values. */
static void
test_all_codes (gconstpointer data)
{
  const StDtype dtype = GPOINTER_TO_UINT (data);
  g_autofree char *key = g_strconcat (st_dtype_name (dtype), "/sha256", NULL);
  g_autofree guint16 *codes = g_new (guint16, 65536);
  g_autofree float *values = g_new (float, 65536);
  g_autofree char *hash = NULL;

  for (guint i = 0; i < 65536; i++)
    codes[i] = GUINT16_TO_LE ((guint16) i);
  st_dtype_to_float (dtype, (const guint8 *) codes, 0, 65536, values);
  for (guint i = 0; i < 65536; i++)
    if (isnan (values[i]))
      {
        const guint32 quiet = 0x7fc00000;

        memcpy (&values[i], &quiet, 4);
      }
  hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) values,
                                      65536 * 4);
  g_assert_cmpstr (hash, ==, st_file_metadata_value (golden, key));
}

static void
test_names (void)
{
  for (guint i = 0; i < ST_N_DTYPES; i++)
    {
      const char *name = st_dtype_name (i);
      StDtype back;

      g_assert_true (st_dtype_from_name (name, strlen (name), &back));
      g_assert_cmpuint (back, ==, i);
      g_assert_false (st_dtype_from_name (name, strlen (name) - 1, &back)
                      && back == (StDtype) i);
    }
  g_assert_true (st_dtype_is_float (ST_DTYPE_F4) && st_dtype_is_float (ST_DTYPE_C64));
  g_assert_false (st_dtype_is_float (ST_DTYPE_U64) || st_dtype_is_float (ST_DTYPE_BOOL));
  g_assert_true (st_dtype_is_integer (ST_DTYPE_I8) && st_dtype_is_integer (ST_DTYPE_U64));
  g_assert_false (st_dtype_is_integer (ST_DTYPE_BOOL)
                  || st_dtype_is_integer (ST_DTYPE_F8_E8M0));
}

/* The last value of F6 may end at the last byte there is. */
static void
test_no_byte_too_many (void)
{
  g_autofree guint8 *three = g_malloc0 (3);
  float values[4];

  memset (three, 0xff, 3);
  for (gsize i = 0; i < 4; i++)
    st_dtype_to_float (ST_DTYPE_F6_E2M3, three, i, 1, &values[i]);
  g_assert_cmpfloat (values[3], ==, -7.5f);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  path = g_test_build_filename (G_TEST_DIST, "golden", "dtypes.safetensors", NULL);
  golden = st_file_open (path, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < ST_N_DTYPES; i++)
    {
      g_autofree char *name = g_strconcat ("/st/dtype/values/", st_dtype_name (i), NULL);

      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_values);
    }
  g_test_add_data_func ("/st/dtype/all-codes/F16", GUINT_TO_POINTER (ST_DTYPE_F16),
                        test_all_codes);
  g_test_add_data_func ("/st/dtype/all-codes/BF16", GUINT_TO_POINTER (ST_DTYPE_BF16),
                        test_all_codes);
  g_test_add_func ("/st/dtype/names", test_names);
  g_test_add_func ("/st/dtype/no-byte-too-many", test_no_byte_too_many);
  status = g_test_run ();
  st_file_unref (golden);
  return status;
}
