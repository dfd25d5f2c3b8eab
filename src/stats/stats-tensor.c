/* stats-tensor.c: from counted or sorted values to a summary
 *
 * Three ways lead to the cells of a tensor. Types of ≤ 16 bits: their codes are counted.
 * Few values: they are sorted, since looking through 65,536 counters costs more than
 * sorting some thousand values. Many values of 32 or 64 bits: stats-wide.c. In the first
 * two ways the cells hold every value exactly and all else is computed from them, so a
 * result depends neither on threads nor on the order of the file.
 *
 * -0 counts as zero and stands for the same value as 0: where the smallest, the largest
 * or a quantile is either, 0 is given.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include "stats/stats-private.h"

#define SORT_BELOW 65536   /* values of 32 and 64 bits */
#define SORT_BELOW_16 4096 /* of 16 bits: from here on counting is faster */

const double stats_quantile_levels[STATS_N_QUANTILES]
    = { 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999 };

StatsTensor *
stats_tensor_new (StDtype dtype)
{
  StatsTensor *stats = g_new0 (StatsTensor, 1);
  g_atomic_ref_count_init (&stats->refs);
  stats->dtype = dtype;
  stats->summary.integer = stats_space (dtype)->integer;
  return stats;
}

StatsTensor *
stats_tensor_ref (StatsTensor *stats)
{
  g_atomic_ref_count_inc (&stats->refs);
  return stats;
}

void
stats_tensor_unref (StatsTensor *stats)
{
  if (stats == NULL || !g_atomic_ref_count_dec (&stats->refs))
    return;
  stats_cells_clear (&stats->cells);
  g_free (stats);
}

const StatsSummary *
stats_tensor_summary (const StatsTensor *stats)
{
  return &stats->summary;
}

guint64
stats_quantile_rank (guint quantile, guint64 n)
{
  guint64 rank = (guint64) floor (stats_quantile_levels[quantile] * (double) (n - 1));
  return MIN (rank, n - 1);
}

/* Adding 0 turns -0 into 0. */
static double
plain_value (StDtype dtype, guint64 key)
{
  return stats_key_value (dtype, key) + 0.0;
}

void
stats_tensor_set_keys (StatsTensor *stats)
{
  StatsSummary *summary = &stats->summary;
  summary->min = plain_value (stats->dtype, stats->min_key);
  summary->max = plain_value (stats->dtype, stats->max_key);
  for (guint i = 0; i < STATS_N_QUANTILES; i++)
    summary->quantiles[i] = plain_value (stats->dtype, stats->quantile_keys[i]);
}

/* ---- from exact cells ---- */

static void
classify (StatsTensor *stats, const StatsSpace *space, guint64 key, guint64 count)
{
  StatsSummary *summary = &stats->summary;

  if (!stats_key_is_finite (space, key))
    {
      double value = stats_key_value (stats->dtype, key);
      if (!isinf (value))
        summary->nan += count;
      else if (value > 0)
        summary->pos_inf += count;
      else
        summary->neg_inf += count;
      return;
    }
  guint64 code = stats_code_from_key (space, key);
  if (space->order == STATS_ORDER_MAGNITUDE)
    {
      guint64 magnitude = code & ((G_GUINT64_CONSTANT (1) << (space->bits - 1)) - 1);
      if (magnitude == 0)
        summary->zero += count;
      else if (magnitude >> space->mantissa == 0)
        summary->subnormal += count;
    }
  else if (space->integer && code == 0)
    summary->zero += count;
  if (stats->moments.n == 0)
    stats->min_key = key;
  stats->max_key = key;
  stats->moments.n += count;
}

/* @count × @x with each product exact for values of ≤ 21 bits. */
static void
add_times (StatsSum *sum, double x, guint64 count)
{
  stats_sum_add (sum, x * (double) (count & 0xffffffff));
  if (count >> 32 != 0)
    stats_sum_add (sum, x * ((double) (count >> 32) * 0x1p32));
}

static void
exact_moments (StatsTensor *stats, const StatsSpace *space)
{
  StatsMoments *moments = &stats->moments;
  StatsCellIter iter;
  StatsSum sum = { 0 };
  guint64 cell, count;
  double n = (double) moments->n;

  stats_cells_iter (&stats->cells, &iter);
  while (stats_cells_next (&iter, &cell, &count))
    if (stats_key_is_finite (space, cell))
      add_times (&sum, stats_key_value (stats->dtype, cell), count);
  moments->mean = (sum.hi + sum.lo) / n;
  moments->mean_lo = (fma (-moments->mean, n, sum.hi) + sum.lo) / n;

  stats_cells_iter (&stats->cells, &iter);
  while (stats_cells_next (&iter, &cell, &count))
    if (stats_key_is_finite (space, cell))
      {
        double distance = stats_key_value (stats->dtype, cell) - moments->mean;
        add_times (&moments->m2, distance * distance, count);
      }
  stats_sum_add (&moments->m2, -moments->mean_lo * moments->mean_lo * n);
}

void
stats_tensor_find_quantiles (StatsTensor *stats)
{
  const StatsGrid *grid = &stats->cells.grid;
  const StatsSpace *space = stats_space (grid->dtype);
  StatsCellIter iter;
  guint64 cell, count, seen = 0;
  guint quantile = 0;

  stats_cells_iter (&stats->cells, &iter);
  while (quantile < STATS_N_QUANTILES && stats_cells_next (&iter, &cell, &count))
    {
      guint64 low = stats_grid_first (grid, cell), high = stats_grid_last (grid, cell);
      if (!stats_key_is_finite (space, low))
        continue;
      seen += count;
      while (quantile < STATS_N_QUANTILES
             && stats_quantile_rank (quantile, stats->moments.n) < seen)
        stats->quantile_keys[quantile++]
            = CLAMP (low + (high - low) / 2, stats->min_key, stats->max_key);
    }
}

void
stats_tensor_set_entropy (StatsTensor *stats)
{
  StatsSummary *summary = &stats->summary;
  StatsCellIter iter;
  StatsSum bits = { 0 };
  guint64 cell, count;

  summary->has_distinct = TRUE;
  summary->distinct = stats->cells.n;
  stats_cells_iter (&stats->cells, &iter);
  while (stats_cells_next (&iter, &cell, &count))
    if (count < summary->count) /* a single value has no bits, nor a minus sign */
      {
        double share = (double) count / (double) summary->count;
        stats_sum_add (&bits, -share * log2 (share));
      }
  summary->entropy_bits = bits.hi + bits.lo;
}

void
stats_tensor_summarise (StatsTensor *stats)
{
  const StatsSpace *space = stats_space (stats->dtype);
  StatsSummary *summary = &stats->summary;
  StatsCellIter iter;
  guint64 cell, count;

  stats_cells_iter (&stats->cells, &iter);
  while (stats_cells_next (&iter, &cell, &count))
    {
      summary->count += count;
      classify (stats, space, cell, count);
    }
  if (space->bits <= 16)
    stats_tensor_set_entropy (stats);
  summary->has_moments = stats->moments.n > 0;
  if (summary->has_moments)
    {
      exact_moments (stats, space);
      stats_tensor_find_quantiles (stats);
      stats_moments_write (&stats->moments, summary);
      stats_tensor_set_keys (stats);
    }
}

/* Half-width of the linear part of the symlog scale: the power of ten at or below the
 * octave in which the smallest hundredth of the non-zero magnitudes ends, and not below 1
 * for integers. Below it lie values too few and too small to be told apart on a chart. */
void
stats_tensor_finish (StatsTensor *stats)
{
  enum
  {
    OCTAVES = 2200,
    BIAS = 1100
  };
  const StatsSpace *space = stats_space (stats->cells.grid.dtype);
  guint64 octaves[OCTAVES] = { 0 }, total = 0, seen = 0;
  StatsCellIter iter;
  guint64 cell, count;

  stats->linear_width = 1;
  stats_cells_iter (&stats->cells, &iter);
  while (stats_cells_next (&iter, &cell, &count))
    {
      guint64 key = stats_grid_first (&stats->cells.grid, cell);
      double value = stats_key_value (stats->cells.grid.dtype, key);
      int exponent;
      if (!stats_key_is_finite (space, key) || value == 0)
        continue;
      frexp (value, &exponent);
      octaves[BIAS + exponent] += count;
      total += count;
    }
  if (total == 0)
    return;
  for (gint i = 0; i < OCTAVES; i++)
    {
      seen += octaves[i];
      if (seen <= total / 100)
        continue;
      stats->linear_width = pow (10, floor (log10 (ldexp (0.5, i - BIAS))));
      break;
    }
  if (stats->summary.integer || stats->linear_width == 0)
    stats->linear_width = MAX (stats->linear_width, stats->summary.integer ? 1 : DBL_MIN);
}

/* ---- from the file ---- */

/* Codes in the order of keys: in each half of the keys they differ by a fixed pattern. */
static guint64
half_pattern (const StatsSpace *space, guint half)
{
  guint64 key = half ? G_GUINT64_CONSTANT (1) << (space->bits - 1) : 0;
  return key ^ stats_code_from_key (space, key);
}

static gboolean
compute_by_codes (StatsTensor *stats, StatsReader *reader, GError **error)
{
  const StatsSpace *space = stats_space (stats->dtype);
  gsize n = (gsize) 1 << space->bits;
  StatsGrid grid = { .dtype = stats->dtype };
  g_autofree guint64 *counts = g_new0 (guint64, n);
  g_autofree guint64 *ordered = g_new (guint64, n);

  if (!stats_count_codes (reader, stats->dtype, counts, error))
    return FALSE;
  for (gsize key = 0; key < n; key++)
    ordered[key] = counts[key ^ half_pattern (space, key >= n / 2)];
  stats_cells_from_counts (&stats->cells, &grid, 0, ordered, n);
  return TRUE;
}

/* A 16-bit tensor of one piece: no other thread and no second table is worth while. */
static gboolean
compute_by_few_codes (StatsTensor *stats, StatsReader *reader, GError **error)
{
  const StatsSpace *space = stats_space (stats->dtype);
  StatsScratch *scratch = stats_scratch ();
  StatsGrid grid = { .dtype = stats->dtype };
  StatsCellWriter writer;

  if (!st_file_read (reader->file, reader->begin, reader->size, scratch->piece, error))
    return FALSE;
  stats_count_few (scratch->piece, reader->size, scratch->counters);
  stats_cells_begin (&writer, &stats->cells, &grid);
  for (guint half = 0; half < 2; half++)
    {
      guint64 pattern = half_pattern (space, half);
      for (guint64 key = half * 0x8000; key < (half + 1) * 0x8000; key++)
        {
          guint32 *counter = &scratch->counters[key ^ pattern];
          if (*counter != 0)
            stats_cells_add (&writer, key, *counter);
          *counter = 0;
        }
    }
  stats_cells_end (&writer);
  return TRUE;
}

static gboolean
compute_by_sorting (StatsTensor *stats, StatsReader *reader, gsize n, GError **error)
{
  const StatsSpace *space = stats_space (stats->dtype);
  g_autofree guint8 *bytes = g_malloc (reader->size);
  g_autofree guint64 *keys = g_new (guint64, 2 * n);
  StatsGrid grid = { .dtype = stats->dtype };
  StatsCellWriter writer;

  if (!st_file_read (reader->file, reader->begin, reader->size, bytes, error))
    return FALSE;
  stats_keys_read (stats->dtype, bytes, n, keys);
  stats_keys_sort (keys, n, space->bits, keys + n);
  stats_cells_begin (&writer, &stats->cells, &grid);
  for (gsize i = 0, end; i < n; i = end)
    {
      for (end = i + 1; end < n && keys[end] == keys[i];)
        end++;
      stats_cells_add (&writer, keys[i], end - i);
    }
  stats_cells_end (&writer);
  return TRUE;
}

static gboolean
compute (StatsTensor *stats, StatsReader *reader, GError **error)
{
  guint bits = stats_space (stats->dtype)->bits;
  guint64 n = bits < 8 ? 0 : reader->size / (bits / 8);

  if (bits > 16 && n >= SORT_BELOW)
    return stats_wide_compute (stats, reader, error);
  if (bits <= 8)
    {
      if (!compute_by_codes (stats, reader, error))
        return FALSE;
    }
  else if (n < (bits == 16 ? SORT_BELOW_16 : SORT_BELOW))
    {
      if (!compute_by_sorting (stats, reader, n, error))
        return FALSE;
    }
  else if (reader->size <= STATS_PIECE)
    {
      if (!compute_by_few_codes (stats, reader, error))
        return FALSE;
    }
  else if (!compute_by_codes (stats, reader, error))
    return FALSE;
  stats_tensor_summarise (stats);
  return TRUE;
}

StatsTensor *
stats_tensor_compute (StFile *file,
                      const StTensor *tensor,
                      const BaseTask *task,
                      GError **error)
{
  StatsReader reader = {
    .file = file,
    .begin = tensor->begin,
    .size = tensor->end - tensor->begin,
    .task = task,
    .n_passes = 1,
  };

  if (!base_task_check (task, error))
    return NULL;
  g_autoptr (StatsTensor) stats = stats_tensor_new (tensor->dtype);
  if (!compute (stats, &reader, error))
    return NULL;
  stats_tensor_finish (stats);
  stats_reader_finish (&reader);
  return g_steal_pointer (&stats);
}
