/* test-base-random.c: the generators against torch's words and normals
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-elementary.h"
#include "base/base-random.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Every value of a line of hexadecimal words. */
static GArray *
parse_words (const char *line)
{
  GArray *words = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_auto (GStrv) items = g_strsplit (line, " ", -1);

  for (guint i = 0; items[i] != NULL; i++)
    {
      guint32 word = (guint32) g_ascii_strtoull (items[i], NULL, 16);
      g_array_append_val (words, word);
    }
  return words;
}

static float
as_float (guint32 word)
{
  float value;

  memcpy (&value, &word, sizeof value);
  return value;
}

static void
check_words (BaseRandom *random, GArray *expected)
{
  g_autofree guint32 *words = g_new (guint32, expected->len);

  base_random_words (random, expected->len, words);
  g_assert_cmpmem (words, expected->len * 4, expected->data, expected->len * 4);
}

/* Returns how many of the values are not torch's bits; none may be 1e-6 away. */
static guint
check_normals (BaseRandom *random, char **sizes, GArray *expected)
{
  guint done = 0, different = 0;

  for (guint i = 0; sizes[i] != NULL; i++)
    {
      guint n = (guint) g_ascii_strtoull (sizes[i], NULL, 10);
      g_autofree float *values = g_new (float, n);

      base_random_normal (random, n, values);
      for (guint j = 0; j < n; j++, done++)
        {
          float torch = as_float (g_array_index (expected, guint32, done));
          g_assert_cmpfloat_with_epsilon (values[j], torch, 1e-6);
          different += values[j] != torch;
        }
    }
  g_assert_cmpuint (done, ==, expected->len);
  return different;
}

static void
test_golden (void)
{
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "golden", "noise.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n_cases = 0, total[2] = { 0, 0 }, different[2] = { 0, 0 };

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (guint i = 0; lines[i] != NULL; i += 2, n_cases++)
    {
      g_auto (GStrv) head = g_strsplit (lines[i], " ", -1);
      g_autoptr (GArray) expected = parse_words (lines[i + 1]);
      BaseRandomKind kind
          = g_str_equal (head[1], "cpu") ? BASE_RANDOM_CPU : BASE_RANDOM_NV;
      g_autoptr (BaseRandom) random
          = base_random_new (kind, g_ascii_strtoull (head[2], NULL, 10));

      if (g_str_equal (head[0], "words"))
        {
          check_words (random, expected);
          continue;
        }
      different[kind] += check_normals (random, head + 3, expected);
      total[kind] += expected->len;
    }
  g_assert_cmpuint (n_cases, ==, 142);
  g_test_message ("not the very bits: cpu %u of %u, nv %u of %u", different[0], total[0],
                  different[1], total[1]);
}

/* A fingerprint of our own output: the same on every machine, or pictures differ. */
static void
test_same_bits (void)
{
  static const char *const sums[]
      = { "180166d5bf700d9bee49a9f77425bbe5e1200bed7da174db2720ecfa4de6100f",
          "50174fc2e187b0c57e4312c65fedeb299ba9e85c46860727e0a053cc08b2b758" };

  for (BaseRandomKind kind = BASE_RANDOM_CPU; kind <= BASE_RANDOM_NV; kind++)
    {
      g_autoptr (BaseRandom) random = base_random_new (kind, 42);
      g_autofree float *values = g_new (float, 65536 + 15);
      g_autofree char *sum = NULL;

      base_random_normal (random, 65536, values);
      base_random_normal (random, 15, values + 65536);
      sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) values,
                                         (65536 + 15) * 4);
      g_assert_cmpstr (sum, ==, sums[kind]);
    }
}

static void
test_state (gconstpointer data)
{
  BaseRandomKind kind = GPOINTER_TO_UINT (data);
  g_autoptr (BaseRandom) random = base_random_new (kind, G_GUINT64_CONSTANT (1) << 40);
  g_autoptr (BaseRandom) copy = NULL, loaded = NULL;
  g_autoptr (GBytes) state = NULL;
  float a[100], b[100], c[100];

  base_random_normal (random, 3, a); /* leaves a second value behind on the CPU */
  base_random_normal (random, 50, a);
  state = base_random_save (random);
  copy = base_random_copy (random);
  loaded = base_random_load (state);
  g_assert_nonnull (loaded);
  for (guint n = 1; n <= 100; n += 33)
    {
      base_random_normal (random, n, a);
      base_random_normal (copy, n, b);
      base_random_normal (loaded, n, c);
      g_assert_cmpmem (a, n * sizeof *a, b, n * sizeof *b);
      g_assert_cmpmem (a, n * sizeof *a, c, n * sizeof *c);
    }
}

static void
test_foreign_state (void)
{
  g_autoptr (BaseRandom) random = base_random_new (BASE_RANDOM_CPU, 1);
  g_autoptr (GBytes) state = base_random_save (random);
  g_autoptr (GBytes) shorter
      = g_bytes_new_from_bytes (state, 0, g_bytes_get_size (state) - 1);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  gsize size;
  g_autofree guint8 *bytes
      = g_memdup2 (g_bytes_get_data (state, &size), g_bytes_get_size (state));
  g_autoptr (GBytes) spoilt = NULL;

  g_assert_null (base_random_load (shorter));
  g_assert_null (base_random_load (empty));
  memset (bytes + size - 16, 0xff, 4); /* an index beyond the words */
  spoilt = g_bytes_new (bytes, size);
  g_assert_null (base_random_load (spoilt));
}

/* Against the C library, whose own error is at most about one unit in the last place. */
static void
test_elementary (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  g_assert_cmpfloat (base_log (1.0), ==, 0.0);
  g_assert_cmpfloat (base_exp (0.0), ==, 1.0);
  for (guint i = 0; i < 200000; i++)
    {
      double x = g_rand_double_range (rand, -700, 700);
      double near = 1.0 - g_rand_double (rand) * 0x1p-10;
      double angle = g_rand_double_range (rand, -1000, 1000);
      double sine, cosine;

      g_assert_cmpfloat (fabs (base_exp (x) / exp (x) - 1), <, 6.7e-16);
      g_assert_cmpfloat (fabs (base_log (exp (x)) - log (exp (x))), <=,
                         6.7e-16 * fabs (log (exp (x))));
      g_assert_cmpfloat (fabs (base_log (near) - log (near)), <=,
                         6.7e-16 * fabs (log (near)));
      base_sincos (angle, &sine, &cosine);
      g_assert_cmpfloat (fabs (sine - sin (angle)), <, 4e-16);
      g_assert_cmpfloat (fabs (cosine - cos (angle)), <, 4e-16);
    }
  g_assert_cmpfloat (fabs (base_log (DBL_MIN / 1024) / log (DBL_MIN / 1024) - 1), <,
                     5e-16);
  g_assert_cmpfloat (fabs (base_log (DBL_MAX) / log (DBL_MAX) - 1), <, 5e-16);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/random/golden", test_golden);
  g_test_add_func ("/base/random/same-bits", test_same_bits);
  g_test_add_data_func ("/base/random/state-cpu", GUINT_TO_POINTER (BASE_RANDOM_CPU),
                        test_state);
  g_test_add_data_func ("/base/random/state-nv", GUINT_TO_POINTER (BASE_RANDOM_NV),
                        test_state);
  g_test_add_func ("/base/random/foreign-state", test_foreign_state);
  g_test_add_func ("/base/elementary", test_elementary);
  return g_test_run ();
}
