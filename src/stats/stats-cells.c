/* stats-cells.c: packed counts of intervals of keys
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats/stats-private.h"

guint64
stats_grid_cell (const StatsGrid *grid, guint64 key)
{
  if (grid->folded)
    return stats_fold (key) >> grid->shift;
  return key >> grid->shift;
}

STATS_CLONES void
stats_fold_block (const guint64 *codes, gsize n, guint16 *folded)
{
  const guint64 sign = G_GUINT64_CONSTANT (1) << 63;

  for (gsize i = 0; i < n; i++)
    {
      guint64 negative = -(codes[i] >> 63);
      folded[i] = (guint16) stats_fold (codes[i] ^ (negative | sign));
    }
}

/* Smallest F64 magnitude that folds to @top. */
static guint64
fold_first (guint64 top)
{
  if (top == 0)
    return 0;
  if (top < 0x7f80)
    return (top + (896 << 7)) << 45;
  return top == 0x7f80 ? G_GUINT64_CONSTANT (0x7ff) << 52 : G_GUINT64_CONSTANT (1) << 63;
}

guint64
stats_grid_first (const StatsGrid *grid, guint64 cell)
{
  if (!grid->folded)
    return cell << grid->shift;

  const guint64 half = G_GUINT64_CONSTANT (1) << 63;
  guint64 folded = cell << grid->shift;
  if (folded >= 0x8000)
    return half + fold_first (folded - 0x8000);
  return half - fold_first (0x7fff - folded + 1);
}

guint64
stats_grid_last (const StatsGrid *grid, guint64 cell)
{
  if (!grid->folded)
    return stats_grid_first (grid, cell) + ((G_GUINT64_CONSTANT (1) << grid->shift) - 1);
  return stats_grid_first (grid, cell + 1) - 1;
}

gboolean
stats_grid_is_exact (const StatsGrid *grid)
{
  return !grid->folded && grid->shift == 0;
}

void
stats_cells_begin (StatsCellWriter *writer, StatsCells *cells, const StatsGrid *grid)
{
  *cells = (StatsCells){ .grid = *grid };
  *writer = (StatsCellWriter){ .cells = cells };
}

static void
put_varint (StatsCells *cells, guint64 value)
{
  for (; value > 127; value >>= 7)
    cells->bytes[cells->size++] = (guint8) (value | 128);
  cells->bytes[cells->size++] = (guint8) value;
}

void
stats_cells_add (StatsCellWriter *writer, guint64 cell, guint64 count)
{
  StatsCells *cells = writer->cells;

  if (cells->size + 20 > writer->room)
    {
      writer->room = MAX (64, writer->room * 2);
      cells->bytes = g_realloc (cells->bytes, writer->room);
    }
  guint64 gap = cell - writer->next;
  if (gap == 0 && count < 64)
    cells->bytes[cells->size++] = (guint8) (count << 1);
  else
    put_varint (cells, count << 1 | (gap != 0));
  if (gap != 0)
    put_varint (cells, gap);
  writer->next = cell + 1;
  cells->n++;
}

void
stats_cells_end (StatsCellWriter *writer)
{
  writer->cells->bytes = g_realloc (writer->cells->bytes, writer->cells->size);
}

void
stats_cells_from_counts (StatsCells *cells,
                         const StatsGrid *grid,
                         guint64 first,
                         const guint64 *counts,
                         gsize n)
{
  StatsCellWriter writer;

  stats_cells_begin (&writer, cells, grid);
  for (gsize i = 0; i < n; i++)
    if (counts[i] != 0)
      stats_cells_add (&writer, first + i, counts[i]);
  stats_cells_end (&writer);
}

void
stats_cells_clear (StatsCells *cells)
{
  g_clear_pointer (&cells->bytes, g_free);
  cells->size = 0;
  cells->n = 0;
}
