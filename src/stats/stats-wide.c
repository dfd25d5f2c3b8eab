/* stats-wide.c: many values of 32 or 64 bits, in several readings and bounded memory
 *
 * After the first reading (stats-first.c) integers need one for their cells, which lie
 * evenly between their smallest and largest. The cells that hold a quantile are then
 * looked into: where they hold few values, these are gathered and sorted; where they hold
 * many, each is cut in 65,536 again. That makes two readings for F32, two or three for
 * F64 and at most five for any 64 bits. Memory is at most 3.5 MiB a thread whatever the
 * values.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <string.h>

#include "stats/stats-private.h"

/* ---- in which of 65,536 cells values lie ---- */

#define CELLS_OF_INTEGERS(name, type)                                                    \
  STATS_CLONES static void name (const type *codes, gsize n, type flip, type low,        \
                                 guint shift, guint16 *cells)                            \
  {                                                                                      \
    for (gsize i = 0; i < n; i++)                                                        \
      cells[i] = (guint16) (((type) (codes[i] ^ flip) - low) >> shift);                  \
  }

CELLS_OF_INTEGERS (cells_of_32, guint32)
CELLS_OF_INTEGERS (cells_of_64, guint64)

STATS_CLONES static void
tops_of_f32 (const guint32 *codes, gsize n, guint16 *cells)
{
  for (gsize i = 0; i < n; i++)
    cells[i] = (guint16) (codes[i] >> 16);
}

/* Of integers, whose keys are their codes but for the sign, counted from the cell that
 * begins at @low; of F32 the top of its code names the cell. */
static void
cells_of_block (
    const StatsGrid *grid, guint64 low, gconstpointer src, gsize n, guint16 *cells)
{
  const StatsSpace *space = stats_space (grid->dtype);

  if (grid->folded)
    stats_fold_block (src, n, cells);
  else if (!space->integer)
    tops_of_f32 (src, n, cells);
  else if (space->bits == 32)
    cells_of_32 (src, n, (guint32) space->flip, (guint32) low, grid->shift, cells);
  else
    cells_of_64 (src, n, space->flip, low, grid->shift, cells);
}

/* ---- the cells of integers ---- */

typedef struct
{
  const StatsGrid *grid;
  guint64 low;
  guint64 *counts;
} CellPass;

typedef struct
{
  const CellPass *pass;
  guint32 *counters;
} CellWorker;

static gpointer
cell_begin (gpointer data)
{
  CellWorker *worker = g_new (CellWorker, 1);
  *worker = (CellWorker){ .pass = data, .counters = stats_scratch ()->counters };
  return worker;
}

static void
cell_piece (gpointer data, guint64 chunk, const guint8 *src, gsize size)
{
  CellWorker *worker = data;
  const CellPass *pass = worker->pass;
  gsize width = stats_space (pass->grid->dtype)->bits / 8;
  guint16 cells[STATS_BLOCK];

  for (gsize n; size > 0; src += n * width, size -= n * width)
    {
      n = MIN (STATS_BLOCK, size / width);
      cells_of_block (pass->grid, pass->low, src, n, cells);
      stats_count_16 ((const guint8 *) cells, n * sizeof *cells, worker->counters);
    }
}

static void
cell_flush (gpointer data)
{
  CellWorker *worker = data;
  stats_count_drain (worker->counters, STATS_N_CODES, worker->pass->counts);
}

/* Cells that lie evenly from the smallest to the largest. */
static gboolean
cells_of_integers (StatsTensor *stats, StatsReader *reader, GError **error)
{
  static const StatsPass vtable = { cell_begin, cell_piece, cell_flush, g_free };
  g_autofree guint64 *counts = g_new0 (guint64, STATS_N_CODES);
  StatsGrid grid = { .dtype = stats->dtype };

  while ((stats->max_key >> grid.shift) - (stats->min_key >> grid.shift) >= STATS_N_CODES)
    grid.shift++;
  guint64 first = stats->min_key >> grid.shift;
  CellPass pass = { &grid, first << grid.shift, counts };
  if (!stats_reader_run (reader, &vtable, &pass, error))
    return FALSE;
  stats_cells_from_counts (&stats->cells, &grid, first, counts, STATS_N_CODES);
  return TRUE;
}

/* ---- quantiles ---- */

#define MAX_GATHERED (1u << 17) /* keys */
#define STASH 8192              /* places in a window, before they are counted */

/* A quantile on its way: among the @count values whose keys are from low to high it is
 * the one with @rank before it. */
typedef struct
{
  guint64 low, high, rank, count;
} Hunt;

/* Part of the keys, cut evenly in at most 65,536. */
typedef struct
{
  guint64 low, high;
  guint shift;
} Window;

typedef struct
{
  StDtype dtype;
  const StatsGrid *grid;
  guint64 low;   /* key; where the cells of integers begin */
  guint n_cells; /* with quantiles; as many are looked for, the last one often twice */
  guint16 cells[STATS_N_QUANTILES]; /* as by cells_of_block () */
  guint n_windows;
  Window windows[STATS_N_QUANTILES]; /* ascending */
  guint64 *counts;                   /* n_windows × 65,536 */
  GArray *gathered;                  /* instead of counts: the keys themselves */
} WindowPass;

typedef struct
{
  WindowPass *pass;
  guint32 *counters;
  GArray *gathered;
  guint n_stashed[STATS_N_QUANTILES];
  guint16 stash[STATS_N_QUANTILES][STASH];
} WindowWorker;

static gpointer
window_begin (gpointer data)
{
  WindowWorker *worker = g_new (WindowWorker, 1);
  worker->pass = data;
  worker->gathered = NULL;
  worker->counters = NULL;
  memset (worker->n_stashed, 0, sizeof worker->n_stashed);
  if (worker->pass->gathered != NULL)
    worker->gathered = g_array_new (FALSE, FALSE, sizeof (guint64));
  else
    worker->counters = g_new0 (guint32, worker->pass->n_windows * STATS_N_CODES);
  return worker;
}

/* One window after the other, since the counters of all do not fit the second cache. */
static void
count_stash (WindowWorker *worker, guint w)
{
  stats_count_16 ((const guint8 *) worker->stash[w],
                  worker->n_stashed[w] * sizeof worker->stash[w][0],
                  worker->counters + w * STATS_N_CODES);
  worker->n_stashed[w] = 0;
}

static void
window_flush (gpointer data)
{
  WindowWorker *worker = data;
  WindowPass *pass = worker->pass;

  if (pass->gathered == NULL)
    {
      for (guint w = 0; w < pass->n_windows; w++)
        count_stash (worker, w);
      stats_count_drain (worker->counters, pass->n_windows * STATS_N_CODES, pass->counts);
      return;
    }
  g_array_append_vals (pass->gathered, worker->gathered->data, worker->gathered->len);
  g_array_set_size (worker->gathered, 0);
}

static void
window_end (gpointer data)
{
  WindowWorker *worker = data;
  g_clear_pointer (&worker->gathered, g_array_unref);
  g_free (worker->counters);
  g_free (worker);
}

/* 1 where the cell is one of those with a quantile. */
STATS_CLONES static void
find_hits (const guint16 *cells, gsize n, const guint16 wanted[9], guint8 *hits)
{
  const guint16 a = wanted[0], b = wanted[1], c = wanted[2], d = wanted[3], e = wanted[4],
                f = wanted[5], g = wanted[6], h = wanted[7], k = wanted[8];

  for (gsize i = 0; i < n; i++)
    {
      guint16 x = cells[i];
      hits[i] = (guint8) ((x == a) | (x == b) | (x == c) | (x == d) | (x == e) | (x == f)
                          | (x == g) | (x == h) | (x == k));
    }
}

static void
keep (WindowWorker *worker, guint64 key)
{
  const WindowPass *pass = worker->pass;
  guint w = 0;

  while (w + 1 < pass->n_windows && key > pass->windows[w].high)
    w++;
  const Window *window = &pass->windows[w];
  if (key < window->low || key > window->high)
    return;
  if (pass->gathered != NULL)
    {
      g_array_append_val (worker->gathered, key);
      return;
    }
  worker->stash[w][worker->n_stashed[w]++]
      = (guint16) ((key - window->low) >> window->shift);
  if (worker->n_stashed[w] == STASH)
    count_stash (worker, w);
}

/* Most values are in no window; of 64 a mask says which are. */
static void
window_piece (gpointer data, guint64 chunk, const guint8 *src, gsize size)
{
  WindowWorker *worker = data;
  const WindowPass *pass = worker->pass;
  const StatsSpace *space = stats_space (pass->dtype);
  const gsize width = space->bits / 8;
  guint16 cells[STATS_BLOCK];
  guint8 hits[STATS_BLOCK + 64];

  for (gsize n; size > 0; src += n * width, size -= n * width)
    {
      n = MIN (STATS_BLOCK, size / width);
      cells_of_block (pass->grid, pass->low, src, n, cells);
      find_hits (cells, n, pass->cells, hits);
      memset (hits + n, 0, 64);
      for (gsize i = 0; i < n; i += 64)
        {
          guint64 mask = 0, eight, code = 0;
          for (guint k = 0; k < width; k++) /* of the next block */
            __builtin_prefetch (src + (n + i) * width + 64 * k, 0, 2);
          for (guint k = 0; k < 8; k++)
            {
              memcpy (&eight, hits + i + 8 * k, sizeof eight);
              /* The lowest bits of eight bytes, side by side. */
              mask |= (eight * G_GUINT64_CONSTANT (0x0102040810204080)) >> 56 << (8 * k);
            }
          for (; mask != 0; mask &= mask - 1)
            {
              memcpy (&code, src + (i + (guint) __builtin_ctzll (mask)) * width, width);
              keep (worker, stats_key_from_code (space, code));
            }
        }
    }
}

static const StatsPass window_vtable
    = { window_begin, window_piece, window_flush, window_end };

/* The cell as cells_of_block () names it. */
static void
want_cell (WindowPass *pass, guint64 cell)
{
  const StatsSpace *space = stats_space (pass->dtype);

  if (!pass->grid->folded && !space->integer)
    cell = stats_code_from_key (space, cell << 16) >> 16;
  for (guint i = pass->n_cells++; i < STATS_N_QUANTILES; i++)
    pass->cells[i] = (guint16) (cell - (pass->low >> pass->grid->shift));
}

static void
hunt_in_cells (const StatsTensor *stats, Hunt *hunts, WindowPass *pass)
{
  const StatsGrid *grid = &stats->cells.grid;
  StatsCellIter iter;
  guint64 cell, count, seen = 0;
  guint q = 0;

  stats_cells_iter (&stats->cells, &iter);
  while (q < STATS_N_QUANTILES && stats_cells_next (&iter, &cell, &count))
    {
      for (; q < STATS_N_QUANTILES; q++)
        {
          guint64 rank = stats_quantile_rank (q, stats->moments.n);
          if (rank >= seen + count)
            break;
          hunts[q].low = MAX (stats_grid_first (grid, cell), stats->min_key);
          hunts[q].high = MIN (stats_grid_last (grid, cell), stats->max_key);
          hunts[q].rank = rank - seen;
          hunts[q].count = count;
          if (q == 0 || hunts[q - 1].low != hunts[q].low)
            want_cell (pass, cell);
        }
      seen += count;
    }
}

/* One window for all quantiles in the same keys. Returns the readings still to be made
 * and the number of values in all windows. */
static guint
set_windows (WindowPass *pass, const Hunt *hunts, guint *window_of, guint64 *n_values)
{
  guint shift = 0;

  *n_values = 0;
  pass->n_windows = 0;
  for (guint q = 0; q < STATS_N_QUANTILES; q++)
    {
      if (hunts[q].low == hunts[q].high)
        continue;
      if (pass->n_windows == 0 || pass->windows[pass->n_windows - 1].low != hunts[q].low)
        {
          Window *window = &pass->windows[pass->n_windows++];
          *window = (Window){ hunts[q].low, hunts[q].high, 0 };
          while ((window->high - window->low) >> window->shift >= STATS_N_CODES)
            window->shift++;
          *n_values += hunts[q].count;
        }
      window_of[q] = pass->n_windows - 1;
      shift = MAX (shift, pass->windows[pass->n_windows - 1].shift);
    }
  if (pass->n_windows == 0)
    return 0;
  return *n_values <= MAX_GATHERED ? 1 : 1 + (shift + 15) / 16;
}

static gboolean
gather (
    WindowPass *pass, StatsReader *reader, Hunt *hunts, guint64 n_values, GError **error)
{
  g_autoptr (GArray) keys
      = g_array_sized_new (FALSE, FALSE, sizeof (guint64), (guint) n_values);
  g_autofree guint64 *work = g_new (guint64, n_values);

  pass->gathered = keys;
  if (!stats_reader_run (reader, &window_vtable, pass, error))
    return FALSE;
  guint64 *sorted = (guint64 *) (gpointer) keys->data;
  stats_keys_sort (sorted, keys->len, stats_space (pass->dtype)->bits, work);
  for (guint q = 0; q < STATS_N_QUANTILES; q++)
    if (hunts[q].low != hunts[q].high)
      {
        guint64 first = 0;
        while (first < keys->len && sorted[first] < hunts[q].low)
          first++;
        hunts[q].low = hunts[q].high = sorted[first + hunts[q].rank];
      }
  return TRUE;
}

static void
narrow (Hunt *hunt, const Window *window, const guint64 *counts)
{
  guint64 place = 0;
  for (; hunt->rank >= counts[place]; place++)
    hunt->rank -= counts[place];
  hunt->count = counts[place];
  hunt->low = window->low + (place << window->shift);
  hunt->high
      = MIN (window->high, hunt->low + ((G_GUINT64_CONSTANT (1) << window->shift) - 1));
}

static gboolean
count_windows (WindowPass *pass,
               StatsReader *reader,
               Hunt *hunts,
               const guint *window_of,
               GError **error)
{
  g_autofree guint64 *counts = g_new0 (guint64, pass->n_windows * STATS_N_CODES);

  pass->counts = counts;
  if (!stats_reader_run (reader, &window_vtable, pass, error))
    return FALSE;
  for (guint q = 0; q < STATS_N_QUANTILES; q++)
    if (hunts[q].low != hunts[q].high)
      narrow (&hunts[q], &pass->windows[window_of[q]],
              counts + window_of[q] * STATS_N_CODES);
  return TRUE;
}

static gboolean
find_quantiles (StatsTensor *stats, StatsReader *reader, GError **error)
{
  Hunt hunts[STATS_N_QUANTILES];
  guint window_of[STATS_N_QUANTILES] = { 0 }, to_come;
  guint64 n_values;
  WindowPass pass = { stats->dtype, .grid = &stats->cells.grid };

  if (stats_space (stats->dtype)->integer)
    pass.low = stats_grid_first (pass.grid, stats_grid_cell (pass.grid, stats->min_key));
  hunt_in_cells (stats, hunts, &pass);
  while ((to_come = set_windows (&pass, hunts, window_of, &n_values)) > 0)
    {
      reader->n_passes = reader->passes + to_come;
      if (n_values <= MAX_GATHERED
              ? !gather (&pass, reader, hunts, n_values, error)
              : !count_windows (&pass, reader, hunts, window_of, error))
        return FALSE;
    }
  for (guint q = 0; q < STATS_N_QUANTILES; q++)
    stats->quantile_keys[q] = hunts[q].low;
  return TRUE;
}

gboolean
stats_wide_compute (StatsTensor *stats, StatsReader *reader, GError **error)
{
  const StatsSpace *space = stats_space (stats->dtype);

  reader->n_passes = space->bits == 32 ? (space->integer ? 3 : 2) : 5; /* at most */
  if (!stats_first_reading (stats, reader, error))
    return FALSE;
  stats->summary.has_moments = stats->moments.n > 0;
  if (!stats->summary.has_moments)
    return TRUE;
  /* The mean of equal values is theirs, not a rounded sum's share. */
  if (stats->min_key == stats->max_key)
    stats->moments
        = (StatsMoments){ .n = stats->moments.n,
                          .mean = stats_key_value (stats->dtype, stats->min_key) + 0.0 };
  stats_moments_write (&stats->moments, &stats->summary);
  if (space->integer && !cells_of_integers (stats, reader, error))
    return FALSE;
  if (!find_quantiles (stats, reader, error))
    return FALSE;
  stats_tensor_set_keys (stats);
  return TRUE;
}
