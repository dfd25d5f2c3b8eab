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
  /* A conversion rounds down as floor () does, and is one instruction everywhere. */
  return (guint64) (stats_quantile_levels[quantile] * (double) (n - 1));
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

/* ---- from cells ---- */

/* The finite cells side by side: their first keys, values of these, counts. */
typedef struct
{
  gsize n;
  guint64 *keys, *counts;
  double *values;
} Table;

static void
table_clear (Table *table)
{
  g_free (table->keys);
  g_free (table->counts);
  g_free (table->values);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Table, table_clear)

/* @summary (nullable) takes the counts of what is not finite. */
static void
table_fill (Table *table, const StatsCells *cells, StatsSummary *summary)
{
  const StatsSpace *space = stats_space (cells->grid.dtype);
  StatsCellIter iter;
  guint64 cell, count;

  table->keys = g_new (guint64, cells->n);
  table->counts = g_new (guint64, cells->n);
  table->values = g_new (double, cells->n);
  stats_cells_iter (cells, &iter);
  while (stats_cells_next (&iter, &cell, &count))
    {
      guint64 key = stats_grid_first (&cells->grid, cell);
      if (stats_key_is_finite (space, key))
        {
          table->keys[table->n] = key;
          table->counts[table->n++] = count;
        }
      else if (summary != NULL)
        {
          double value = stats_key_value (cells->grid.dtype, key);
          *(!isinf (value) ? &summary->nan
            : value > 0    ? &summary->pos_inf
                           : &summary->neg_inf)
              += count;
        }
    }
  stats_key_values (cells->grid.dtype, table->keys, table->n, table->values);
}

static void
count_kinds (StatsTensor *stats, const Table *table)
{
  const StatsSpace *space = stats_space (stats->dtype);
  StatsSummary *summary = &stats->summary;
  /* Where floats lie nearer to 0 than their smallest normal number. */
  guint64 half = G_GUINT64_CONSTANT (1) << (space->bits - 1);
  guint64 small = G_GUINT64_CONSTANT (1) << space->mantissa;
  gboolean has_small = space->order == STATS_ORDER_MAGNITUDE;

  for (gsize i = 0; i < table->n; i++)
    {
      stats->moments.n += table->counts[i];
      if (table->values[i] == 0)
        summary->zero += table->counts[i];
      else if (has_small && table->keys[i] - (half - small) < 2 * small)
        summary->subnormal += table->counts[i];
    }
}

/* @count × @x with each product exact for values of ≤ 21 bits. */
static inline void
add_times (StatsSum *sum, double x, guint64 count)
{
  stats_sum_add (sum, x * (double) (count & 0xffffffff));
  if (count >> 32 != 0)
    stats_sum_add (sum, x * ((double) (count >> 32) * 0x1p32));
}

static void
exact_moments (StatsTensor *stats, const Table *table)
{
  StatsMoments *moments = &stats->moments;
  StatsSum sum = { 0 };
  double n = (double) moments->n;
  gboolean shifted = stats->dtype == ST_DTYPE_I64 || stats->dtype == ST_DTYPE_U64;
  g_autofree double *distances = shifted ? g_new (double, table->n) : NULL;
  const double *values = shifted ? distances : table->values;

  for (gsize i = 0; i < table->n; i++)
    if (shifted) /* in two halves, since a double does not hold 64 bits */
      {
        guint64 distance = table->keys[i] - table->keys[0], low = distance & 0xffffffff;

        distances[i] = (double) distance;
        add_times (&sum, (double) (distance - low), table->counts[i]);
        add_times (&sum, (double) low, table->counts[i]);
      }
    else
      add_times (&sum, values[i], table->counts[i]);
  moments->mean = (sum.hi + sum.lo) / n;
  moments->mean_lo = (fma (-moments->mean, n, sum.hi) + sum.lo) / n;

  for (gsize i = 0; i < table->n; i++)
    {
      double distance = values[i] - moments->mean;
      add_times (&moments->m2, distance * distance, table->counts[i]);
    }
  stats_sum_add (&moments->m2, -moments->mean_lo * moments->mean_lo * n);
  if (shifted)
    stats_moments_shift (
        moments, stats->dtype,
        stats_code_from_key (stats_space (stats->dtype), table->keys[0]));
}

static void
find_quantiles (StatsTensor *stats, const Table *table)
{
  const StatsGrid *grid = &stats->cells.grid;
  guint64 seen = 0;
  gsize i = 0;

  for (guint quantile = 0; quantile < STATS_N_QUANTILES; quantile++)
    {
      guint64 rank = stats_quantile_rank (quantile, stats->moments.n);
      while (seen + table->counts[i] <= rank)
        seen += table->counts[i++];
      /* Of a cell that holds more than one value: its middle. */
      guint64 low = table->keys[i];
      guint64 high = stats_grid_last (grid, stats_grid_cell (grid, low));
      stats->quantile_keys[quantile]
          = CLAMP (low + (high - low) / 2, stats->min_key, stats->max_key);
    }
}

void
stats_tensor_find_quantiles (StatsTensor *stats)
{
  g_auto (Table) table = { 0 };
  table_fill (&table, &stats->cells, NULL);
  find_quantiles (stats, &table);
}

void
stats_tensor_set_entropy (StatsTensor *stats)
{
  enum
  {
    KNOWN = 64
  };
  StatsSummary *summary = &stats->summary;
  double known[KNOWN] = { 0 }; /* of small counts, which come often */
  StatsCellIter iter;
  StatsSum bits = { 0 };
  guint64 cell, count;

  summary->has_distinct = TRUE;
  summary->distinct = stats->cells.n;
  stats_cells_iter (&stats->cells, &iter);
  while (stats_cells_next (&iter, &cell, &count))
    {
      double term = count < KNOWN ? known[count] : 0;
      if (term == 0 && count < summary->count) /* a single code has no bits */
        {
          double share = (double) count / (double) summary->count;
          term = -share * log2 (share);
          if (count < KNOWN)
            known[count] = term;
        }
      stats_sum_add (&bits, term);
    }
  summary->entropy_bits = bits.hi + bits.lo;
}

/* Half-width of the linear part of the symlog scale: the power of ten at or below the
 * octave in which the smallest hundredth of the non-zero magnitudes ends, and not below 1
 * for integers. Below it lie values too few and too small to be told apart on a chart. */
static void
set_width (StatsTensor *stats, const Table *table)
{
  guint64 octaves[2048] = { 0 }, total = 0, seen = 0;

  stats->linear_width = 1;
  for (gsize i = 0; i < table->n; i++)
    if (table->values[i] != 0)
      {
        guint64 bits;
        memcpy (&bits, &table->values[i], sizeof bits);
        octaves[bits >> 52 & 0x7ff] += table->counts[i];
        total += table->counts[i];
      }
  if (total == 0)
    return;
  gint octave = 0;
  while ((seen += octaves[octave]) <= total / 100)
    octave++;
  double width = pow (10, floor (log10 (ldexp (1, octave - 1023))));
  stats->linear_width = MAX (width, stats->summary.integer ? 1 : DBL_MIN);
}

void
stats_tensor_set_width (StatsTensor *stats)
{
  g_auto (Table) table = { 0 };
  table_fill (&table, &stats->cells, NULL);
  set_width (stats, &table);
}

void
stats_tensor_summarise (StatsTensor *stats)
{
  const StatsSpace *space = stats_space (stats->dtype);
  StatsSummary *summary = &stats->summary;
  g_auto (Table) table = { 0 };

  table_fill (&table, &stats->cells, summary);
  count_kinds (stats, &table);
  summary->count = stats->moments.n + summary->nan + summary->pos_inf + summary->neg_inf;
  if (space->bits <= 16)
    stats_tensor_set_entropy (stats);
  summary->has_moments = table.n > 0;
  if (summary->has_moments)
    {
      stats->min_key = table.keys[0];
      stats->max_key = table.keys[table.n - 1];
      exact_moments (stats, &table);
      find_quantiles (stats, &table);
      stats_moments_write (&stats->moments, summary);
      stats_tensor_set_keys (stats);
    }
  set_width (stats, &table);
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

/* A 16-bit tensor of one piece: waking other threads is not worth while. */
static gboolean
compute_by_few_codes (StatsTensor *stats, StatsReader *reader, GError **error)
{
  const StatsSpace *space = stats_space (stats->dtype);
  StatsScratch *scratch = stats_scratch ();
  StatsGrid grid = { .dtype = stats->dtype };
  StatsCellWriter writer;

  if (!st_file_read (reader->file, reader->begin, reader->size, scratch->piece, error))
    return FALSE;
  stats_count_16 (scratch->piece, reader->size, scratch->counters);
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
    {
      if (!stats_wide_compute (stats, reader, error))
        return FALSE;
      stats_tensor_set_width (stats);
      return TRUE;
    }
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
    .width = MAX (stats_space (tensor->dtype)->bits / 8, 1),
    .task = task,
    .n_passes = 1,
  };

  if (!base_task_check (task, error)
      || !st_file_has (file, reader.begin, reader.size, error))
    return NULL;
  g_autoptr (StatsTensor) stats = stats_tensor_new (tensor->dtype);
  if (!compute (stats, &reader, error))
    return NULL;
  stats_reader_finish (&reader);
  return g_steal_pointer (&stats);
}
