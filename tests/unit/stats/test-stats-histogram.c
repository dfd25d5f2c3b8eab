/* test-stats-histogram.c: bins, rows, scales
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats-fixture.h"

#include <math.h>
#include <string.h>

static guint64
sum_of (const StatsHistogram *h)
{
  guint64 sum = h->below + h->above;
  for (guint i = 0; i < h->n_bins; i++)
    sum += h->counts[i];
  return sum;
}

/* Counts of @values (finite or not) between the edges of @h, the simple way. */
static void
check_counts (const StatsHistogram *h, const double *values, gsize n)
{
  g_autofree guint64 *counts = g_new0 (guint64, h->n_bins);
  guint64 below = 0, above = 0;

  for (gsize i = 0; i < n; i++)
    if (isfinite (values[i]))
      {
        if (values[i] < h->edges[0])
          below++;
        else if (values[i] > h->edges[h->n_bins])
          above++;
        else
          {
            guint bin = 0;
            while (values[i] > h->edges[bin + 1])
              bin++;
            counts[bin]++;
          }
      }
  g_assert_cmpuint (h->below, ==, below);
  g_assert_cmpuint (h->above, ==, above);
  for (guint i = 0; i < h->n_bins; i++)
    g_assert_cmpuint (h->counts[i], ==, counts[i]);
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

/* Sorted finite values that the type of ≤ 16 bits can take, each once. */
static gsize
all_values (StDtype dtype, double **out)
{
  guint bits = st_dtype_bits (dtype);
  gsize n = (gsize) 1 << bits, kept = 0;
  double *values = g_new (double, n);

  for (gsize code = 0; code < n; code++)
    {
      guint8 packed[8] = { code & 255, code >> 8 };
      double value;
      st_dtype_to_double (dtype, packed, 0, 1, &value);
      if (dtype == ST_DTYPE_BOOL)
        value = code != 0;
      if (isfinite (value))
        values[kept++] = value;
    }
  qsort (values, kept, sizeof *values, compare_doubles);
  gsize distinct = 0;
  for (gsize i = 0; i < kept; i++)
    if (distinct == 0 || values[i] != values[distinct - 1])
      values[distinct++] = values[i];
  *out = values;
  return distinct;
}

/* Inner edges lie midway between neighbours, and so at least one value is in each bin. */
static void
check_edges (const StatsHistogram *h, const double *all, gsize n)
{
  for (guint i = 0; i < h->n_bins; i++)
    g_assert_cmpfloat (h->edges[i], <, h->edges[i + 1]);
  for (guint i = 0; i <= h->n_bins; i++)
    {
      gsize next = 0;
      while (next < n && all[next] < h->edges[i])
        next++;
      if (next > 0 && next < n)
        g_assert_cmpfloat (h->edges[i], ==,
                           all[next - 1] + (all[next] - all[next - 1]) / 2);
      else
        g_assert_true (i == 0 || i == h->n_bins);
    }
}

/* What is counted as outside is what lies outside the range asked for. */
static void
check_outside (
    const StatsHistogram *h, double lo, double hi, const double *values, gsize n)
{
  guint64 below = 0, above = 0, within = 0;

  for (gsize i = 0; i < n; i++)
    {
      below += isfinite (values[i]) && values[i] < lo;
      above += isfinite (values[i]) && values[i] > hi;
      within += values[i] >= lo && values[i] <= hi;
    }
  g_assert_cmpuint (h->below, ==, below);
  if (within > 0)
    g_assert_cmpuint (h->above, ==, above);
}

static void
check_type (StDtype dtype, guint64 n)
{
  guint bits = st_dtype_bits (dtype);
  g_autofree guint8 *raw = fixture_raw (n * bits / 8);
  g_autofree double *values = g_new (double, n), *all = NULL;
  gsize n_all = all_values (dtype, &all);
  g_autoptr (StatsTensor) stats = fixture_stats (dtype, raw, n);
  const StatsSummary *s = stats_tensor_summary (stats);
  const guint bins[] = { 1, 2, 7, 64, 512 };

  st_dtype_to_double (dtype, raw, 0, n, values);
  for (gsize i = 0; dtype == ST_DTYPE_BOOL && i < n; i++)
    values[i] = values[i] != 0;
  g_assert_cmpfloat (stats_tensor_resolution (stats), ==, 0);
  for (guint scale = 0; scale < 2; scale++)
    for (guint b = 0; b < G_N_ELEMENTS (bins); b++)
      for (guint range = 0; range < 3; range++)
        {
          double lo = range == 0 ? s->min : range == 1 ? s->quantiles[1] : s->max / 3;
          double hi = range == 0 ? s->max : range == 1 ? s->quantiles[7] : s->max / 2;
          StatsHistogram h;
          stats_tensor_histogram (stats, scale, lo, hi, bins[b], &h);
          g_assert_cmpuint (h.n_bins, <=, bins[b]);
          g_assert_cmpuint (h.n_bins, >=, 1);
          check_outside (&h, lo, hi, values, n);
          g_assert_cmpuint (sum_of (&h) + s->nan + s->pos_inf + s->neg_inf, ==, s->count);
          check_edges (&h, all, n_all);
          check_counts (&h, values, n);
        }
}

static void
test_types (void)
{
  for (StDtype dtype = 0; dtype < ST_N_DTYPES; dtype++)
    if (st_dtype_bits (dtype) <= 16)
      check_type (dtype, 6000);
}

/* Fewer bins come back where the type is coarser, not empty combs. */
static void
test_no_comb (void)
{
  g_autofree guint8 *raw = fixture_raw (4096);
  g_autoptr (StatsTensor) stats = fixture_stats (ST_DTYPE_U8, raw, 4096);
  StatsHistogram h;

  stats_tensor_histogram (stats, STATS_SCALE_LINEAR, 0, 255, 512, &h);
  g_assert_cmpuint (h.n_bins, ==, 256);
  for (guint i = 0; i <= 256; i++)
    g_assert_cmpfloat (h.edges[i], ==, (double) i - 0.5);
}

static void
test_bool (void)
{
  const guint8 data[6] = { 0, 1, 2, 255, 0, 1 };
  g_autoptr (StatsTensor) stats = fixture_stats (ST_DTYPE_BOOL, data, 6);
  StatsHistogram h;

  stats_tensor_histogram (stats, STATS_SCALE_LINEAR, 0, 1, 64, &h);
  g_assert_cmpuint (h.n_bins, ==, 2);
  g_assert_cmpfloat (h.edges[0], ==, -0.5);
  g_assert_cmpfloat (h.edges[1], ==, 0.5);
  g_assert_cmpfloat (h.edges[2], ==, 1.5);
  g_assert_cmpuint (h.counts[0], ==, 2);
  g_assert_cmpuint (h.counts[1], ==, 4);
}

/* -0 and 0 stay in one bin, whatever the bins. */
static void
test_zeros (void)
{
  const float data[8] = { -0.0f, 0.0f, -0.0f, 1, -1, 0x1p-149f, -0x1p-149f, 0.0f };
  g_autoptr (StatsTensor) stats = fixture_stats (ST_DTYPE_F32, data, 8);
  StatsHistogram h;

  g_assert_cmpuint (stats_tensor_summary (stats)->zero, ==, 4);
  g_assert_cmpuint (stats_tensor_summary (stats)->subnormal, ==, 2);
  stats_tensor_histogram (stats, STATS_SCALE_LINEAR, -0x1p-149, 0x1p-149, 512, &h);
  g_assert_cmpuint (h.n_bins, ==, 3);
  g_assert_cmpuint (h.counts[0], ==, 1);
  g_assert_cmpuint (h.counts[1], ==, 4);
  g_assert_cmpuint (h.counts[2], ==, 1);
  g_assert_cmpuint (h.below, ==, 1);
  g_assert_cmpuint (h.above, ==, 1);
}

static void
check_wide (StDtype dtype, gsize n, gboolean narrow)
{
  gsize width = st_dtype_bits (dtype) / 8;
  g_autofree guint8 *raw
      = narrow ? fixture_narrow (dtype, n * width) : fixture_raw (n * width);
  g_autofree double *values = g_new (double, n);
  g_autoptr (StatsTensor) stats = fixture_stats (dtype, raw, n);
  const StatsSummary *s = stats_tensor_summary (stats);
  StatsHistogram h;

  st_dtype_to_double (dtype, raw, 0, n, values);
  for (guint scale = 0; scale < 2; scale++)
    {
      stats_tensor_histogram (stats, scale, s->quantiles[0], s->quantiles[8], 512, &h);
      g_assert_cmpuint (h.n_bins, >, 100);
      g_assert_cmpuint (sum_of (&h) + s->nan + s->pos_inf + s->neg_inf, ==, s->count);
      check_counts (&h, values, n);
      stats_tensor_histogram (stats, scale, s->min, s->max, 100, &h);
      g_assert_cmpuint (h.below + h.above, ==, 0);
      check_counts (&h, values, n);
    }
}

static void
test_wide (void)
{
  const StDtype types[] = { ST_DTYPE_F32, ST_DTYPE_F64, ST_DTYPE_I32,
                            ST_DTYPE_U32, ST_DTYPE_I64, ST_DTYPE_U64 };
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      check_wide (types[i], 3000, TRUE);
      check_wide (types[i], 80000, TRUE);
    }
  check_wide (ST_DTYPE_F32, 80000, FALSE);
  check_wide (ST_DTYPE_I32, 80000, FALSE);
}

/* Nothing finite, one value, a range the wrong way round or not a number: no crash. */
static void
test_odd_ranges (void)
{
  const float nan[2] = { NAN, INFINITY }, one[1] = { 0.25f };
  const double ends[] = { 0, 1, -1, INFINITY, -INFINITY, NAN, 0.25, 1e300, -1e300 };
  g_autoptr (StatsTensor) none = fixture_stats (ST_DTYPE_F32, nan, 2);
  g_autoptr (StatsTensor) single = fixture_stats (ST_DTYPE_F32, one, 1);
  g_autoptr (StatsTensor) empty = fixture_stats (ST_DTYPE_F32, NULL, 0);
  StatsTensor *const parts[3] = { none, single, empty };
  float heights[STATS_ROW_BINS];
  StatsHistogram h;

  for (guint part = 0; part < 3; part++)
    for (guint a = 0; a < G_N_ELEMENTS (ends); a++)
      for (guint b = 0; b < G_N_ELEMENTS (ends); b++)
        for (guint scale = 0; scale < 2; scale++)
          {
            stats_tensor_histogram (parts[part], scale, ends[a], ends[b], 64, &h);
            g_assert_cmpuint (sum_of (&h), ==, part == 1);
            stats_tensor_row (parts[part], ends[a], ends[b], heights);
            for (guint i = 0; i < STATS_ROW_BINS; i++)
              g_assert_true (heights[i] >= 0 && heights[i] <= 1);
          }
  stats_tensor_histogram (single, STATS_SCALE_LINEAR, 0.25, 0.25, 64, &h);
  g_assert_cmpuint (h.n_bins, ==, 1);
  g_assert_cmpuint (h.counts[0], ==, 1);
}

static void
test_row (void)
{
  g_autofree float *data = fixture_floats (100000, 1);
  g_autoptr (StatsTensor) stats = fixture_stats (ST_DTYPE_F32, data, 100000);
  float heights[STATS_ROW_BINS];
  gdouble slots[STATS_ROW_BINS] = { 0 }, highest = 0;

  stats_tensor_row (stats, -0.04, 0.04, heights);
  for (gsize i = 0; i < 100000; i++)
    if (fabs (data[i]) < 0.04)
      slots[(gint) ((data[i] + 0.04) / 0.08 * STATS_ROW_BINS)]++;
  for (guint i = 0; i < STATS_ROW_BINS; i++)
    highest = MAX (highest, slots[i]);
  /* 2 to 3 % of a slot's values go to its neighbour with the moved edge. */
  for (guint i = 0; i < STATS_ROW_BINS; i++)
    g_assert_cmpfloat_with_epsilon (heights[i], slots[i] / highest, 0.06);
  stats_tensor_row (stats, 5, 6, heights);
  for (guint i = 0; i < STATS_ROW_BINS; i++)
    g_assert_cmpfloat (heights[i], ==, 0);
}

static void
test_scale (void)
{
  const double values[] = { 0, 1e-9, -3e-4, 0.7, -5e8 };
  g_autofree float *data = fixture_floats (70000, 2);
  g_autoptr (StatsTensor) stats = fixture_stats (ST_DTYPE_F32, data, 70000);

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      double place = stats_scale_map (STATS_SCALE_SYMLOG, 1e-3, values[i]);
      double back = stats_scale_unmap (STATS_SCALE_SYMLOG, 1e-3, place);
      g_assert_cmpfloat (fabs (back - values[i]), <=, 1e-12 * fabs (values[i]));
      g_assert_cmpfloat (stats_scale_map (STATS_SCALE_LINEAR, 1e-3, values[i]), ==,
                         values[i]);
    }
  /* One value in a hundred lies nearer to 0 than 2.5e-4. */
  g_assert_cmpfloat (stats_tensor_linear_width (stats), ==, 1e-4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stats/histogram/types", test_types);
  g_test_add_func ("/stats/histogram/no-comb", test_no_comb);
  g_test_add_func ("/stats/histogram/bool", test_bool);
  g_test_add_func ("/stats/histogram/zeros", test_zeros);
  g_test_add_func ("/stats/histogram/wide", test_wide);
  g_test_add_func ("/stats/histogram/odd-ranges", test_odd_ranges);
  g_test_add_func ("/stats/histogram/row", test_row);
  g_test_add_func ("/stats/histogram/scale", test_scale);
  return g_test_run ();
}
