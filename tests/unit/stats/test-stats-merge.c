/* test-stats-merge.c: groups, and distributions kept in fewer cells
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats-fixture.h"
#include "stats/stats-private.h"

#include <math.h>
#include <string.h>

/* @tolerance: of quantiles, relative to the larger of theirs and @scale; 0: same bits. */
static void
check_pool (const StatsTensor *pool, const StatsTensor *whole, double tolerance)
{
  const StatsSummary *a = stats_tensor_summary (pool), *b = stats_tensor_summary (whole);

  g_assert_cmpuint (a->count, ==, b->count);
  g_assert_cmpuint (a->nan, ==, b->nan);
  g_assert_cmpuint (a->pos_inf, ==, b->pos_inf);
  g_assert_cmpuint (a->neg_inf, ==, b->neg_inf);
  g_assert_cmpuint (a->zero, ==, b->zero);
  g_assert_cmpuint (a->subnormal, ==, b->subnormal);
  g_assert_cmpint (a->has_distinct, ==, b->has_distinct);
  g_assert_cmpuint (a->distinct, ==, b->distinct);
  g_assert_cmpfloat (a->entropy_bits, ==, b->entropy_bits);
  g_assert_cmpint (a->integer, ==, b->integer);
  g_assert_cmpfloat (a->min, ==, b->min);
  g_assert_cmpfloat (a->max, ==, b->max);
  g_assert_cmpfloat (fabs (a->mean - b->mean), <=, 1e-15 * b->std);
  g_assert_cmpfloat (fabs (a->std - b->std), <=, 1e-14 * b->std);
  for (guint i = 0; i < STATS_N_QUANTILES; i++)
    g_assert_cmpfloat (fabs (a->quantiles[i] - b->quantiles[i]), <=,
                       tolerance * fabs (b->quantiles[i]));
}

/* A tensor in three parts of uneven size, pooled, is the tensor. */
static void
check_parts (StDtype dtype, guint64 n, gboolean narrow, double tolerance)
{
  guint bits = stats_space (dtype)->bits;
  g_autofree guint8 *raw
      = narrow ? fixture_narrow (dtype, n * bits / 8) : fixture_raw (n * bits / 8);
  guint64 a = n / 5 / 8 * 8, b = n / 2 / 8 * 8;
  g_autoptr (StatsTensor) whole = fixture_stats (dtype, raw, n);
  g_autoptr (StatsTensor) first = fixture_stats (dtype, raw, a);
  g_autoptr (StatsTensor) second = fixture_stats (dtype, raw + a * bits / 8, b - a);
  g_autoptr (StatsTensor) third = fixture_stats (dtype, raw + b * bits / 8, n - b);
  StatsTensor *const parts[3] = { first, second, third };
  g_autoptr (StatsTensor) pool = stats_tensor_merge (parts, 3);

  check_pool (pool, whole, tolerance);
  g_assert_cmpint (stats_tensor_resolution (pool) == 0, ==, tolerance == 0);
}

static void
test_one_type (void)
{
  for (StDtype dtype = 0; dtype < ST_N_DTYPES; dtype++)
    if (st_dtype_bits (dtype) <= 16)
      check_parts (dtype, 30000, FALSE, 0);
    else if (dtype != ST_DTYPE_C64)
      check_parts (dtype, 30000, TRUE, 0);
  /* Parts of 80,000 values and more keep 128 cells an octave. */
  check_parts (ST_DTYPE_F32, 400000, TRUE, 1.0 / 128);
  check_parts (ST_DTYPE_F64, 400000, TRUE, 1.0 / 128);
  check_parts (ST_DTYPE_I32, 400000, TRUE, 0);
}

/* F16, F32 and I8 pooled are their values as doubles. */
static void
test_several_types (void)
{
  const gsize n = 4000;
  g_autofree guint8 *halves = fixture_raw (2 * n);
  g_autofree guint8 *bytes = fixture_raw (n);
  g_autofree float *floats = fixture_floats (n, 3);
  g_autofree double *all = g_new (double, 3 * n);
  g_autoptr (StatsTensor) a = fixture_stats (ST_DTYPE_F16, halves, n);
  g_autoptr (StatsTensor) b = fixture_stats (ST_DTYPE_F32, floats, n);
  g_autoptr (StatsTensor) c = fixture_stats (ST_DTYPE_I8, bytes, n);
  StatsTensor *const parts[3] = { a, b, c };
  g_autoptr (StatsTensor) pool = stats_tensor_merge (parts, 3);

  st_dtype_to_double (ST_DTYPE_F16, halves, 0, n, all);
  st_dtype_to_double (ST_DTYPE_F32, (const guint8 *) floats, 0, n, all + n);
  st_dtype_to_double (ST_DTYPE_I8, bytes, 0, n, all + 2 * n);
  g_autoptr (StatsTensor) whole = fixture_stats (ST_DTYPE_F64, all, 3 * n);
  /* What is subnormal is so in the type it came in. */
  g_assert_cmpuint (pool->summary.subnormal, ==, a->summary.subnormal);
  pool->summary.subnormal = 0;
  check_pool (pool, whole, 0);
}

/* A group with a part that has lost its finer cells. */
static void
test_mixed_resolution (void)
{
  const gsize n = 200000;
  g_autofree float *floats = fixture_floats (n, 4);
  g_autofree double *doubles = g_new (double, n);
  for (gsize i = 0; i < n; i++)
    doubles[i] = (double) floats[i];
  g_autoptr (StatsTensor) a = fixture_stats (ST_DTYPE_F32, floats, n);
  g_autoptr (StatsTensor) b = fixture_stats (ST_DTYPE_F64, doubles, n);
  g_autoptr (StatsTensor) coarse = stats_tensor_coarsen (a);
  StatsTensor *const fine_parts[2] = { a, b }, *const coarse_parts[2] = { coarse, b };
  g_autoptr (StatsTensor) fine = stats_tensor_merge (fine_parts, 2);
  g_autoptr (StatsTensor) rough = stats_tensor_merge (coarse_parts, 2);

  g_assert_cmpfloat (stats_tensor_resolution (fine), ==, 1.0 / 128);
  g_assert_cmpfloat (stats_tensor_resolution (rough), ==, 1.0 / 16);
  for (guint i = 0; i < STATS_N_QUANTILES; i++)
    {
      double q = a->summary.quantiles[i];
      g_assert_cmpfloat (fabs (fine->summary.quantiles[i] - q), <=, fabs (q) / 128);
      g_assert_cmpfloat (fabs (rough->summary.quantiles[i] - q), <=, fabs (q) / 16);
    }
}

/* Fewer cells hold the same counts, and the summary stays exact. */
static void
check_coarse (StDtype dtype, gsize n, double resolution)
{
  gsize width = st_dtype_bits (dtype) / 8;
  g_autofree guint8 *raw
      = width > 2 ? fixture_narrow (dtype, n * width) : fixture_raw (n * width);
  g_autoptr (StatsTensor) stats = fixture_stats (dtype, raw, n);
  g_autoptr (StatsTensor) coarse = stats_tensor_coarsen (stats);
  const StatsSummary *s = stats_tensor_summary (stats);
  StatsHistogram a, b;

  g_assert_cmpmem (&stats->summary, sizeof stats->summary, &coarse->summary,
                   sizeof coarse->summary);
  if (resolution > 0)
    g_assert_cmpfloat (stats_tensor_resolution (coarse), ==, resolution);
  g_assert_cmpuint (coarse->cells.n, <=, stats_space (dtype)->integer ? 512 : 8192);
  stats_tensor_histogram (coarse, STATS_SCALE_SYMLOG, s->min, s->max, 40, &a);
  g_assert_cmpuint (a.below + a.above, ==, 0);
  /* Its edges are edges of the finer one too, so the counts up to each agree. */
  guint64 below = 0;
  for (guint i = 0; i + 1 < a.n_bins; i++)
    {
      below += a.counts[i];
      /* Between two neighbouring doubles there is no third: step over the edge. */
      double beyond = nextafter (a.edges[i + 1], INFINITY);
      stats_tensor_histogram (stats, STATS_SCALE_LINEAR, beyond, s->max, 1, &b);
      g_assert_cmpuint (b.below, ==, below);
    }
}

static void
test_coarse (void)
{
  check_coarse (ST_DTYPE_F16, 60000, 1.0 / 16);
  check_coarse (ST_DTYPE_BF16, 60000, 1.0 / 16);
  check_coarse (ST_DTYPE_I16, 60000, 0);
  check_coarse (ST_DTYPE_F32, 20000, 1.0 / 16);
  check_coarse (ST_DTYPE_F32, 90000, 1.0 / 16);
  check_coarse (ST_DTYPE_F64, 20000, 1.0 / 16);
  check_coarse (ST_DTYPE_F64, 90000, 1.0 / 16);
  check_coarse (ST_DTYPE_I64, 20000, 0);
  check_coarse (ST_DTYPE_U32, 90000, 0);
}

static void
test_empty_groups (void)
{
  const float nan[2] = { NAN, 2 };
  g_autoptr (StatsTensor) none = stats_tensor_merge (NULL, 0);
  g_autoptr (StatsTensor) empty = fixture_stats (ST_DTYPE_U8, NULL, 0);
  g_autoptr (StatsTensor) one = fixture_stats (ST_DTYPE_F32, nan, 2);
  StatsTensor *const parts[2] = { empty, one };
  g_autoptr (StatsTensor) pool = stats_tensor_merge (parts, 2);

  g_assert_cmpuint (stats_tensor_summary (none)->count, ==, 0);
  g_assert_false (stats_tensor_summary (none)->has_moments);
  g_assert_cmpuint (stats_tensor_summary (pool)->count, ==, 2);
  g_assert_cmpuint (stats_tensor_summary (pool)->nan, ==, 1);
  g_assert_cmpfloat (stats_tensor_summary (pool)->min, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stats/merge/one-type", test_one_type);
  g_test_add_func ("/stats/merge/several-types", test_several_types);
  g_test_add_func ("/stats/merge/mixed-resolution", test_mixed_resolution);
  g_test_add_func ("/stats/merge/coarse", test_coarse);
  g_test_add_func ("/stats/merge/empty-groups", test_empty_groups);
  return g_test_run ();
}
