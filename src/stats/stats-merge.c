/* stats-merge.c: several results as one, and one result in fewer cells
 *
 * Parts of one type keep its cells; parts of several types meet among the doubles. While
 * every part has exact cells and they stay few, the pool has exact cells and quantiles
 * too; otherwise cells are made as wide as the widest, and a quantile is the middle of
 * its cell.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>

#include "stats/stats-private.h"

#define MAX_EXACT_CELLS (1u << 18) /* of types wider than 16 bits */
#define COARSE_MANTISSA 4          /* bits: 16 cells an octave */
#define COARSE_INTEGER_CELLS 512

double
stats_tensor_resolution (const StatsTensor *stats)
{
  const StatsGrid *grid = &stats->cells.grid;
  const StatsSpace *space = stats_space (grid->dtype);

  if (stats_grid_is_exact (grid))
    return 0;
  if (grid->folded)
    return ldexp (1, (gint) grid->shift - 7);
  return ldexp (1, (gint) grid->shift - (gint) space->mantissa);
}

/* Mantissa bits that the cells of a float tell apart. */
static guint
kept_mantissa (const StatsGrid *grid)
{
  guint all = grid->folded ? 7 : stats_space (grid->dtype)->mantissa;
  return all > grid->shift ? all - grid->shift : 0;
}

static StDtype
value_type (StDtype dtype)
{
  return dtype == ST_DTYPE_C64 ? ST_DTYPE_F32 : dtype;
}

static StDtype
common_type (StatsTensor *const *parts, guint n)
{
  StDtype dtype = n > 0 ? value_type (parts[0]->dtype) : ST_DTYPE_F64;
  for (guint i = 1; i < n; i++)
    if (value_type (parts[i]->dtype) != dtype)
      return ST_DTYPE_F64;
  return dtype;
}

static guint64
translate (StDtype from, guint64 key, StDtype to)
{
  return value_type (from) == to ? key
                                 : stats_key_of_double (stats_key_value (from, key));
}

static void
pool_numbers (StatsTensor *pool, const StatsTensor *part)
{
  StatsSummary *to = &pool->summary;
  const StatsSummary *from = &part->summary;

  to->count += from->count;
  to->nan += from->nan;
  to->pos_inf += from->pos_inf;
  to->neg_inf += from->neg_inf;
  to->zero += from->zero;
  to->subnormal += from->subnormal;
  to->integer = to->integer && from->integer;
  if (!from->has_moments)
    return;
  guint64 min = translate (part->dtype, part->min_key, pool->dtype);
  guint64 max = translate (part->dtype, part->max_key, pool->dtype);
  pool->min_key = to->has_moments ? MIN (pool->min_key, min) : min;
  pool->max_key = to->has_moments ? MAX (pool->max_key, max) : max;
  to->has_moments = TRUE;
  stats_moments_merge (&pool->moments, &part->moments);
}

/* The finest grid that no part's cells are wider than. */
static StatsGrid
common_grid (const StatsTensor *pool, StatsTensor *const *parts, guint n, gboolean *exact)
{
  StatsGrid grid = { .dtype = pool->dtype };
  const StatsSpace *space = stats_space (pool->dtype);
  guint64 n_cells = 0;
  guint mantissa = 7;

  *exact = TRUE;
  for (guint i = 0; i < n; i++)
    {
      const StatsGrid *own = &parts[i]->cells.grid;
      n_cells += parts[i]->cells.n;
      *exact = *exact && stats_grid_is_exact (own);
      grid.shift = MAX (grid.shift, own->folded ? 0 : own->shift);
      if (!stats_space (own->dtype)->integer && !stats_grid_is_exact (own))
        mantissa = MIN (mantissa, kept_mantissa (own));
    }
  *exact = *exact && (space->bits <= 16 || n_cells <= MAX_EXACT_CELLS);
  if (*exact)
    return grid;
  if (pool->dtype == ST_DTYPE_F64)
    return (StatsGrid){ .dtype = ST_DTYPE_F64, .folded = TRUE, .shift = 7 - mantissa };
  if (pool->dtype == ST_DTYPE_F32)
    grid.shift = MAX (grid.shift, 16);
  while (space->integer
         && (pool->max_key >> grid.shift) - (pool->min_key >> grid.shift)
                >= STATS_N_CODES)
    grid.shift++;
  return grid;
}

typedef struct
{
  guint64 cell, count;
} Pair;

static gint
compare_pairs (gconstpointer a, gconstpointer b)
{
  const Pair *x = a, *y = b;
  return x->cell < y->cell ? -1 : x->cell > y->cell;
}

/* Walks over the cells of one part in those of the pool. */
typedef struct
{
  const StatsGrid *own, *grid;
  gboolean
      all; /* of one exact type codes that are not finite are kept: they are distinct */
  StatsCellIter iter;
} Walk;

static void
walk_begin (Walk *walk, const StatsTensor *part, const StatsGrid *grid, gboolean exact)
{
  walk->own = &part->cells.grid;
  walk->grid = grid;
  walk->all = exact && value_type (walk->own->dtype) == grid->dtype;
  stats_cells_iter (&part->cells, &walk->iter);
}

static gboolean
walk_next (Walk *walk, guint64 *cell, guint64 *count)
{
  guint64 own_cell;

  while (stats_cells_next (&walk->iter, &own_cell, count))
    {
      guint64 low = stats_grid_first (walk->own, own_cell);
      guint64 middle = low + (stats_grid_last (walk->own, own_cell) - low) / 2;
      if (!walk->all && !stats_key_is_finite (stats_space (walk->own->dtype), low))
        continue;
      middle = translate (walk->own->dtype, middle, walk->grid->dtype);
      *cell = stats_grid_cell (walk->grid, middle);
      return TRUE;
    }
  return FALSE;
}

static void
pool_by_counting (StatsTensor *pool,
                  const StatsGrid *grid,
                  gboolean exact,
                  StatsTensor *const *parts,
                  guint n)
{
  g_autofree guint64 *counts = g_new0 (guint64, STATS_N_CODES);
  guint64 first = 0, cell, count;
  Walk walk;

  if (stats_space (grid->dtype)->integer && !exact)
    first = stats_grid_cell (grid, pool->min_key);
  for (guint i = 0; i < n; i++)
    for (walk_begin (&walk, parts[i], grid, exact); walk_next (&walk, &cell, &count);)
      counts[cell - first] += count;
  stats_cells_from_counts (&pool->cells, grid, first, counts, STATS_N_CODES);
}

static void
pool_by_sorting (StatsTensor *pool,
                 const StatsGrid *grid,
                 StatsTensor *const *parts,
                 guint n)
{
  g_autoptr (GArray) pairs = g_array_new (FALSE, FALSE, sizeof (Pair));
  StatsCellWriter writer;
  Pair pair;
  Walk walk;

  for (guint i = 0; i < n; i++)
    for (walk_begin (&walk, parts[i], grid, TRUE);
         walk_next (&walk, &pair.cell, &pair.count);)
      g_array_append_val (pairs, pair);
  g_array_sort (pairs, compare_pairs);
  stats_cells_begin (&writer, &pool->cells, grid);
  const Pair *at = (const Pair *) (gpointer) pairs->data;
  for (guint i = 0, end; i < pairs->len; i = end)
    {
      guint64 count = 0;
      for (end = i; end < pairs->len && at[end].cell == at[i].cell; end++)
        count += at[end].count;
      stats_cells_add (&writer, at[i].cell, count);
    }
  stats_cells_end (&writer);
}

StatsTensor *
stats_tensor_merge (StatsTensor *const *parts, guint n)
{
  StatsTensor *pool = stats_tensor_new (common_type (parts, n));
  gboolean exact;

  pool->summary.integer = n > 0;
  for (guint i = 0; i < n; i++)
    pool_numbers (pool, parts[i]);
  StatsGrid grid = common_grid (pool, parts, n, &exact);
  if (exact && stats_space (grid.dtype)->bits > 16)
    pool_by_sorting (pool, &grid, parts, n);
  else
    pool_by_counting (pool, &grid, exact, parts, n);
  if (exact && stats_space (grid.dtype)->bits <= 16)
    stats_tensor_set_entropy (pool);
  if (pool->summary.has_moments)
    {
      stats_moments_write (&pool->moments, &pool->summary);
      stats_tensor_find_quantiles (pool);
      stats_tensor_set_keys (pool);
    }
  stats_tensor_set_width (pool);
  return pool;
}

StatsTensor *
stats_tensor_coarsen (const StatsTensor *stats)
{
  const StatsSpace *space = stats_space (stats->dtype);
  StatsTensor *coarse = stats_tensor_new (stats->dtype);
  StatsGrid grid = stats->cells.grid;
  StatsCellWriter writer;
  StatsCellIter iter;
  guint64 own, count, cell = 0, sum = 0;

  coarse->summary = stats->summary;
  coarse->min_key = stats->min_key;
  coarse->max_key = stats->max_key;
  coarse->moments = stats->moments;
  coarse->linear_width = stats->linear_width;
  for (guint i = 0; i < STATS_N_QUANTILES; i++)
    coarse->quantile_keys[i] = stats->quantile_keys[i];

  grid.folded = stats->dtype == ST_DTYPE_F64;
  if (grid.folded && !stats->cells.grid.folded)
    grid.shift = 0;
  while (space->integer ? (stats->max_key >> grid.shift) - (stats->min_key >> grid.shift)
                              >= COARSE_INTEGER_CELLS
                        : kept_mantissa (&grid) > COARSE_MANTISSA)
    grid.shift++;

  stats_cells_begin (&writer, &coarse->cells, &grid);
  stats_cells_iter (&stats->cells, &iter);
  while (stats_cells_next (&iter, &own, &count))
    {
      guint64 key = stats_grid_first (&stats->cells.grid, own);
      if (!stats_key_is_finite (space, key))
        continue;
      if (sum > 0 && stats_grid_cell (&grid, key) != cell)
        {
          stats_cells_add (&writer, cell, sum);
          sum = 0;
        }
      cell = stats_grid_cell (&grid, key);
      sum += count;
    }
  if (sum > 0)
    stats_cells_add (&writer, cell, sum);
  stats_cells_end (&writer);
  return coarse;
}
