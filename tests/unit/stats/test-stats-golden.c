/* test-stats-golden.c: statistics of every type against NumPy's
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats-fixture.h"

#include <math.h>
#include <string.h>

#define N_FIELDS (1 + 8 + 4 + STATS_N_QUANTILES)

static gboolean
is_none (const char *text)
{
  return g_str_equal (text, "-");
}

static void
check_count (const char *name, const char *what, guint64 got, const char *expected)
{
  if (got != g_ascii_strtoull (expected, NULL, 10))
    g_error ("%s: %s is %" G_GUINT64_FORMAT ", not %s", name, what, got, expected);
}

/* @tolerance is relative to the larger of the value and @scale. */
static void
check_near (const char *name,
            const char *what,
            double got,
            const char *expected,
            double scale,
            double tolerance)
{
  if (is_none (expected))
    {
      if (!isnan (got))
        g_error ("%s: %s is %.17g where there is none", name, what, got);
      return;
    }
  double wanted = g_ascii_strtod (expected, NULL);
  if (!(fabs (got - wanted) <= tolerance * MAX (fabs (wanted), scale)))
    g_error ("%s: %s is %.17g, not %.17g", name, what, got, wanted);
}

/* Exactly: integers by their text, floats bit for bit, so that 0 is not -0. */
static void
check_exact (const char *name,
             const StatsTensor *stats,
             StatsValue which,
             guint index,
             double number,
             const char *expected)
{
  g_autofree char *text = stats_tensor_format_value (stats, which, index);
  double wanted = g_ascii_strtod (expected, NULL), read = g_ascii_strtod (text, NULL);

  if (stats_tensor_summary (stats)->integer ? !g_str_equal (text, expected)
                                            : memcmp (&read, &wanted, sizeof read) != 0)
    g_error ("%s: value %d.%u reads %s, not %s", name, which, index, text, expected);
  if (memcmp (&number, &wanted, sizeof number) != 0)
    g_error ("%s: value %d.%u is %a, not %a", name, which, index, number, wanted);
}

static void
check_values (const char *name, const StatsTensor *stats, char **field)
{
  const StatsSummary *s = stats_tensor_summary (stats);

  check_exact (name, stats, STATS_VALUE_MIN, 0, s->min, field[9]);
  check_exact (name, stats, STATS_VALUE_MAX, 0, s->max, field[10]);
  for (guint i = 0; i < STATS_N_QUANTILES; i++)
    check_exact (name, stats, STATS_VALUE_QUANTILE, i, s->quantiles[i], field[13 + i]);
  /* The mean of values on both sides of 0 is as good as their spread lets it be. */
  check_near (name, "mean", s->mean, field[11], isnan (s->std) ? 0 : s->std, 1e-15);
  check_near (name, "std", s->std, field[12], 0, 1e-14);
}

static void
check (const char *name, const StatsTensor *stats, char **field)
{
  const StatsSummary *s = stats_tensor_summary (stats);

  check_count (name, "count", s->count, field[1]);
  check_count (name, "nan", s->nan, field[2]);
  check_count (name, "pos_inf", s->pos_inf, field[3]);
  check_count (name, "neg_inf", s->neg_inf, field[4]);
  check_count (name, "zero", s->zero, field[5]);
  check_count (name, "subnormal", s->subnormal, field[6]);
  g_assert_cmpint (s->has_distinct, ==, !is_none (field[7]));
  if (s->has_distinct)
    {
      check_count (name, "distinct", s->distinct, field[7]);
      check_near (name, "entropy", s->entropy_bits, field[8], 0, 1e-13);
    }
  g_assert_cmpint (s->has_moments, ==, !is_none (field[9]));
  if (s->has_moments)
    check_values (name, stats, field);
  else
    g_assert_null (stats_tensor_format_value (stats, STATS_VALUE_MIN, 0));
}

static StatsTensor *
compute_generated (const char *name)
{
  g_auto (GStrv) part = g_strsplit (name, "/", 4);
  guint64 n = g_ascii_strtoull (part[2], NULL, 10);
  StDtype dtype;

  g_assert_true (st_dtype_from_name (part[1], strlen (part[1]), &dtype));
  gsize size = n * st_dtype_bits (dtype) / 8;
  g_autofree guint8 *data
      = g_str_equal (part[3], "raw") ? fixture_raw (size) : fixture_narrow (dtype, size);
  return fixture_stats (dtype, data, n);
}

/* The lines of the table whose names begin or do not begin with "generated/". */
static void
test_table (gconstpointer generated)
{
  g_autofree char *table
      = g_test_build_filename (G_TEST_DIST, "golden", "stats.txt", NULL);
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "golden", "stats.safetensors", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (StFile) file = st_file_open (path, NULL, &error);
  guint checked = 0;

  g_assert_no_error (error);
  g_file_get_contents (table, &text, NULL, &error);
  g_assert_no_error (error);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
    {
      g_auto (GStrv) field = g_strsplit (lines[i], " ", -1);
      g_autoptr (StatsTensor) stats = NULL;
      g_assert_cmpuint (g_strv_length (field), ==, N_FIELDS);
      if (g_str_has_prefix (field[0], "generated/") != GPOINTER_TO_INT (generated))
        continue;
      if (generated)
        stats = compute_generated (field[0]);
      else
        {
          const StTensor *tensor = st_file_find (file, field[0], -1);
          g_assert_nonnull (tensor);
          stats = stats_tensor_compute (file, tensor, NULL, &error);
          g_assert_no_error (error);
        }
      check (field[0], stats, field);
      checked++;
    }
  g_assert_cmpuint (checked, ==, generated ? 47 : st_file_n_tensors (file));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/stats/golden/small", GINT_TO_POINTER (FALSE), test_table);
  g_test_add_data_func ("/stats/golden/generated", GINT_TO_POINTER (TRUE), test_table);
  return g_test_run ();
}
