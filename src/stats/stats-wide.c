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

/* ---- the cells of integers ---- */

typedef struct
{
  StDtype dtype;
  guint64 low;
  guint shift;
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
  gsize width = stats_space (pass->dtype)->bits / 8;
  guint64 keys[STATS_BLOCK];

  for (gsize n; size > 0; src += n * width, size -= n * width)
    {
      n = MIN (STATS_BLOCK, size / width);
      stats_keys_read (pass->dtype, src, n, keys);
      for (gsize i = 0; i < n; i++)
        worker->counters[(keys[i] - pass->low) >> pass->shift]++;
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
  CellPass pass = { stats->dtype, first << grid.shift, grid.shift, counts };
  if (!stats_reader_run (reader, &vtable, &pass, error))
    return FALSE;
  stats_cells_from_counts (&stats->cells, &grid, first, counts, STATS_N_CODES);
  return TRUE;
}

/* ---- quantiles ---- */

#define MAX_GATHERED (1u << 17) /* keys */

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
  guint64 first_cell; /* that marked begins with */
  guint8 *marked;     /* whether there is a window in a cell; see mark () */
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
} WindowWorker;

static gpointer
window_begin (gpointer data)
{
  WindowWorker *worker = g_new0 (WindowWorker, 1);
  worker->pass = data;
  if (worker->pass->gathered != NULL)
    worker->gathered = g_array_new (FALSE, FALSE, sizeof (guint64));
  else
    worker->counters = g_new0 (guint32, worker->pass->n_windows * STATS_N_CODES);
  return worker;
}

static void
window_flush (gpointer data)
{
  WindowWorker *worker = data;
  WindowPass *pass = worker->pass;

  if (pass->gathered == NULL)
    {
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

static gboolean
is_f32 (StDtype dtype)
{
  return dtype == ST_DTYPE_F32 || dtype == ST_DTYPE_C64;
}

/* Marks are by cell; for F32, of which there is much, by the top bits of the code itself.
 */
static void
mark (WindowPass *pass, guint64 cell)
{
  if (is_f32 (pass->dtype))
    pass->marked[stats_code_from_key (stats_space (pass->dtype), cell << 16) >> 16] = 1;
  else
    pass->marked[cell - pass->first_cell] = 1;
}

/* Keys of those values whose cell is marked. Without a branch, as it cannot be foreseen
 * which they are. Returns their number. */
static gsize
keep_marked (const WindowPass *pass, const guint8 *src, gsize n, guint64 *keys)
{
  const guint8 *marked = pass->marked;
  gsize kept = 0;

  if (is_f32 (pass->dtype))
    {
      const StatsSpace *space = stats_space (pass->dtype);
      for (gsize i = 0; i < n; i++)
        {
          guint32 code;
          memcpy (&code, src + 4 * i, sizeof code);
          keys[kept] = code;
          kept += marked[code >> 16];
        }
      for (gsize i = 0; i < kept; i++)
        keys[i] = stats_key_from_code (space, keys[i]);
      return kept;
    }
  stats_keys_read (pass->dtype, src, n, keys);
  for (gsize i = 0; i < n; i++)
    {
      guint64 key = keys[i];
      keys[kept] = key;
      kept += marked[pass->grid->folded ? stats_fold (key)
                                        : (key >> pass->grid->shift) - pass->first_cell];
    }
  return kept;
}

static void
window_piece (gpointer data, guint64 chunk, const guint8 *src, gsize size)
{
  WindowWorker *worker = data;
  const WindowPass *pass = worker->pass;
  gsize width = stats_space (pass->dtype)->bits / 8;
  guint64 keys[STATS_BLOCK];

  for (gsize n; size > 0; src += n * width, size -= n * width)
    {
      n = MIN (STATS_BLOCK, size / width);
      gsize kept = keep_marked (pass, src, n, keys);
      for (gsize i = 0; i < kept; i++)
        {
          guint w = 0;
          while (w + 1 < pass->n_windows && keys[i] > pass->windows[w].high)
            w++;
          const Window *window = &pass->windows[w];
          if (keys[i] < window->low || keys[i] > window->high)
            continue;
          if (pass->gathered != NULL)
            g_array_append_val (worker->gathered, keys[i]);
          else
            worker->counters[w * STATS_N_CODES
                             + ((keys[i] - window->low) >> window->shift)]++;
        }
    }
}

static const StatsPass window_vtable
    = { window_begin, window_piece, window_flush, window_end };

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
          mark (pass, cell);
          hunts[q].low = MAX (stats_grid_first (grid, cell), stats->min_key);
          hunts[q].high = MIN (stats_grid_last (grid, cell), stats->max_key);
          hunts[q].rank = rank - seen;
          hunts[q].count = count;
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
  g_autofree guint8 *marked = g_new0 (guint8, STATS_N_CODES);
  Hunt hunts[STATS_N_QUANTILES];
  guint window_of[STATS_N_QUANTILES] = { 0 }, to_come;
  guint64 n_values;
  WindowPass pass = { stats->dtype, .grid = &stats->cells.grid, .marked = marked };

  if (stats_space (stats->dtype)->integer)
    pass.first_cell = stats_grid_cell (pass.grid, stats->min_key);
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
