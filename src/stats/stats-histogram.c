/* stats-histogram.c: bins that tell the truth
 *
 * A bin whose edges fall anywhere holds now seven, now eight of the values that a 16-bit
 * type can take, and the chart shows a comb that is not in the data. So each wished edge
 * is moved to the nearest place midway between two representable values (or between two
 * kept cells where those are wider), and edges that meet are one. A bin then holds whole
 * cells, its count is exact, and the drawer divides by its width.
 *
 * The symlog scale is asinh (x / linear width): straight within the width, logarithmic
 * beyond, without a bend.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>

#include "stats/stats-private.h"

double
stats_scale_map (StatsScale scale, double linear_width, double value)
{
  return scale == STATS_SCALE_SYMLOG ? asinh (value / linear_width) : value;
}

double
stats_scale_unmap (StatsScale scale, double linear_width, double place)
{
  return scale == STATS_SCALE_SYMLOG ? linear_width * sinh (place) : place;
}

double
stats_tensor_linear_width (const StatsTensor *stats)
{
  return stats->linear_width;
}

/* A place between two cells: the last key to its left, the first to its right. */
typedef struct
{
  guint64 left, right;
  double value;
} Edge;

/* Both ends of the cell of @key. -0 and 0 are never parted. */
static void
cell_edges (const StatsGrid *grid, guint64 key, Edge *before, Edge *after)
{
  const StatsSpace *space = stats_space (grid->dtype);
  guint64 cell = stats_grid_cell (grid, key);
  guint64 first = MAX (stats_grid_first (grid, cell), space->first);
  guint64 last = MIN (stats_grid_last (grid, cell), space->last);

  if (space->order == STATS_ORDER_MAGNITUDE)
    {
      guint64 zero = G_GUINT64_CONSTANT (1) << (space->bits - 1);
      if (first == zero)
        first = stats_grid_first (grid, stats_grid_cell (grid, zero - 1));
      if (last == zero - 1)
        last = stats_grid_last (grid, stats_grid_cell (grid, zero));
    }
  if (grid->dtype == ST_DTYPE_BOOL && last > 1)
    last = 1;
  *before = (Edge){ first - 1, first, stats_key_edge_before (grid->dtype, first) };
  *after = (Edge){ last, last + 1, stats_key_edge_after (grid->dtype, last) };
}

/* All non-zero patterns of BOOL are 1. */
static guint64
chart_key (StDtype dtype, guint64 key)
{
  return dtype == ST_DTYPE_BOOL ? MIN (key, 1) : key;
}

static guint64
key_at_least (StDtype dtype, double value)
{
  return chart_key (dtype, stats_key_at_least (dtype, value));
}

static Edge
nearest_edge (const StatsGrid *grid, double value)
{
  Edge before, after;
  cell_edges (grid, key_at_least (grid->dtype, value), &before, &after);
  return fabs (value - before.value) <= fabs (after.value - value) ? before : after;
}

/* The edges around everything from @lo to @hi. */
static void
outer_edges (const StatsGrid *grid, double lo, double hi, Edge *bottom, Edge *top)
{
  const StatsSpace *space = stats_space (grid->dtype);
  Edge unused;
  guint64 key = key_at_least (grid->dtype, lo);

  cell_edges (grid, key, bottom, &unused);
  key = MAX (key, key_at_least (grid->dtype, hi));
  if (key > space->first && stats_key_value (grid->dtype, key) > hi
      && key > bottom->right)
    key--;
  cell_edges (grid, key, &unused, top);
}

static void
count_cells (const StatsTensor *stats,
             guint64 bottom,
             const guint64 *lefts,
             StatsHistogram *out)
{
  const StatsGrid *grid = &stats->cells.grid;
  const StatsSpace *space = stats_space (grid->dtype);
  StatsCellIter iter;
  guint64 cell, count;
  guint bin = 0;

  stats_cells_iter (&stats->cells, &iter);
  while (stats_cells_next (&iter, &cell, &count))
    {
      guint64 key = stats_grid_first (grid, cell);
      if (!stats_key_is_finite (space, key))
        continue;
      key = chart_key (grid->dtype, key);
      while (bin < out->n_bins && key > lefts[bin])
        bin++;
      if (key < bottom)
        out->below += count;
      else if (bin == out->n_bins)
        out->above += count;
      else
        out->counts[bin] += count;
    }
}

void
stats_tensor_histogram (const StatsTensor *stats,
                        StatsScale scale,
                        double lo,
                        double hi,
                        guint n_bins,
                        StatsHistogram *out)
{
  const StatsGrid *grid = &stats->cells.grid;
  guint64 lefts[STATS_MAX_BINS];
  Edge bottom, top;

  *out = (StatsHistogram){ .scale = scale, .linear_width = stats->linear_width };
  n_bins = CLAMP (n_bins, 1, STATS_MAX_BINS);
  outer_edges (grid, lo, hi, &bottom, &top);
  out->edges[0] = bottom.value;

  double from = stats_scale_map (scale, stats->linear_width, lo);
  double to = stats_scale_map (scale, stats->linear_width, hi);
  guint64 left = bottom.left;
  for (guint i = 1; i < n_bins; i++)
    {
      double share = (double) i / n_bins;
      double place = from * (1 - share) + to * share;
      Edge edge
          = nearest_edge (grid, stats_scale_unmap (scale, stats->linear_width, place));
      if (edge.right <= bottom.right || edge.left >= top.left || edge.left == left
          || edge.value <= out->edges[out->n_bins] || edge.value >= top.value)
        continue;
      left = lefts[out->n_bins++] = edge.left;
      out->edges[out->n_bins] = edge.value;
    }
  lefts[out->n_bins++] = top.left;
  out->edges[out->n_bins] = top.value;
  count_cells (stats, bottom.right, lefts, out);
}

void
stats_tensor_row (const StatsTensor *stats,
                  double lo,
                  double hi,
                  float heights[STATS_ROW_BINS])
{
  StatsHistogram histogram;
  double shares[STATS_ROW_BINS] = { 0 }, highest = 0;
  double width = (hi - lo) / STATS_ROW_BINS;
  guint slot = 0;

  stats_tensor_histogram (stats, STATS_SCALE_LINEAR, lo, hi, STATS_ROW_BINS, &histogram);
  for (guint bin = 0; bin < histogram.n_bins; bin++)
    {
      double left = histogram.edges[bin], right = histogram.edges[bin + 1];
      double density = (double) histogram.counts[bin] / (right - left);
      /* Each slot gets its share of the bins that lie over it. */
      while (slot > 0 && lo + slot * width > left)
        slot--;
      for (; slot < STATS_ROW_BINS && lo + slot * width < right; slot++)
        {
          double from = MAX (left, lo + slot * width);
          double to = MIN (right, lo + (slot + 1) * width);
          if (to > from)
            shares[slot] += density * (to - from);
        }
    }
  for (slot = 0; slot < STATS_ROW_BINS; slot++)
    highest = MAX (highest, shares[slot]);
  for (slot = 0; slot < STATS_ROW_BINS; slot++)
    heights[slot] = highest > 0 ? (float) (shares[slot] / highest) : 0;
}
