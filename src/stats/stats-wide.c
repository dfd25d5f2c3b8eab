/* stats-wide.c: many values of 32 or 64 bits, in several readings and bounded memory
 *
 * The first reading yields counts of special values, smallest and largest, moments, and
 * for floats the counts of 65,536 cells; integers need a second one for theirs, which lie
 * evenly between their smallest and largest. Each cell that holds a quantile is then cut
 * in 65,536 again, and so on, until the value itself is left: two readings for F32, at
 * most five for 64 bits. Memory is 3.3 MiB a thread whatever the values.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include "stats/stats-private.h"

/* ---- the first reading ---- */

/* What a loop over a block finds without a branch. */
typedef struct
{
  guint64 not_finite, zero, small; /* small: zero or subnormal */
  guint64 min, max;                /* keys; they are compared as signed numbers */
} Scan;

#define SCAN(name, utype, stype, bits, inf, normal)                                      \
  STATS_CLONES static void name (const utype *code, gsize n, Scan *scan)                 \
  {                                                                                      \
    utype not_finite = 0, zero = 0, small = 0;                                           \
    const utype low = (utype) -1 >> 1;                                                   \
    stype min = (stype) low, max = (stype) ~low;                                         \
    for (gsize i = 0; i < n; i++)                                                        \
      {                                                                                  \
        utype magnitude = code[i] & low;                                                 \
        stype key = (stype) (code[i] ^ ((utype) ((stype) code[i] >> (bits - 1)) & low)); \
        not_finite += magnitude >= inf;                                                  \
        zero += magnitude == 0;                                                          \
        small += magnitude < normal;                                                     \
        min = key < min ? key : min;                                                     \
        max = key > max ? key : max;                                                     \
      }                                                                                  \
    *scan = (Scan){ not_finite, zero, small, (utype) min ^ ~low, (utype) max ^ ~low };   \
  }

SCAN (scan_f32, guint32, gint32, 32, 0x7f800000u, 0x00800000u)
SCAN (scan_f64,
      guint64,
      gint64,
      64,
      G_GUINT64_CONSTANT (0x7ff0000000000000),
      G_GUINT64_CONSTANT (0x0010000000000000))

#define SCAN_INTEGERS(name, utype, stype, flip)                                          \
  STATS_CLONES static void name (const utype *code, gsize n, Scan *scan)                 \
  {                                                                                      \
    utype zero = 0;                                                                      \
    const utype low = (utype) -1 >> 1;                                                   \
    stype min = (stype) low, max = (stype) ~low;                                         \
    for (gsize i = 0; i < n; i++)                                                        \
      {                                                                                  \
        stype key = (stype) (code[i] ^ (flip));                                          \
        zero += code[i] == 0;                                                            \
        min = key < min ? key : min;                                                     \
        max = key > max ? key : max;                                                     \
      }                                                                                  \
    *scan = (Scan){ 0, zero, zero, (utype) min ^ ~low, (utype) max ^ ~low };             \
  }

SCAN_INTEGERS (scan_i32, guint32, gint32, 0)
SCAN_INTEGERS (scan_u32, guint32, gint32, ~low)
SCAN_INTEGERS (scan_i64, guint64, gint64, 0)
SCAN_INTEGERS (scan_u64, guint64, gint64, ~low)

#define CONVERT(name, type)                                                              \
  STATS_CLONES static void name (const type *src, gsize n, double *dst)                  \
  {                                                                                      \
    for (gsize i = 0; i < n; i++)                                                        \
      dst[i] = (double) src[i];                                                          \
  }

CONVERT (convert_f32, float)
CONVERT (convert_i32, gint32)
CONVERT (convert_u32, guint32)
CONVERT (convert_i64, gint64)
CONVERT (convert_u64, guint64)

static void
scan_block (StDtype dtype, const guint8 *src, gsize n, Scan *scan, double *values)
{
  switch (dtype)
    {
    case ST_DTYPE_F64:
      scan_f64 ((const guint64 *) src, n, scan);
      memcpy (values, src, n * sizeof *values);
      break;
    case ST_DTYPE_I32:
      scan_i32 ((const guint32 *) src, n, scan);
      convert_i32 ((const gint32 *) src, n, values);
      break;
    case ST_DTYPE_U32:
      scan_u32 ((const guint32 *) src, n, scan);
      convert_u32 ((const guint32 *) src, n, values);
      break;
    case ST_DTYPE_I64:
      scan_i64 ((const guint64 *) src, n, scan);
      convert_i64 ((const gint64 *) src, n, values);
      break;
    case ST_DTYPE_U64:
      scan_u64 ((const guint64 *) src, n, scan);
      convert_u64 ((const guint64 *) src, n, values);
      break;
    default:
      scan_f32 ((const guint32 *) src, n, scan);
      convert_f32 ((const float *) src, n, values);
    }
}

typedef struct
{
  StDtype dtype;
  StatsMoments *moments; /* of each chunk, so that their order is that of the file */
  guint64 *counts;       /* of the 65,536 cells of a float; NULL for integers */
  StatsSummary summary;  /* counts of special values */
  guint64 min_key, max_key;
} FirstPass;

typedef struct
{
  FirstPass *pass;
  guint32 *counters;
  StatsSummary summary;
  guint64 min_key, max_key;
  double values[STATS_BLOCK + 16];
} FirstWorker;

static gpointer
first_begin (gpointer data)
{
  FirstWorker *worker = g_new0 (FirstWorker, 1);
  worker->pass = data;
  worker->counters = stats_scratch ()->counters;
  worker->min_key = G_MAXUINT64;
  return worker;
}

/* Takes what is not finite out of a block; rare, so simple. */
static gsize
keep_finite (FirstWorker *worker, const guint8 *src, gsize n, Scan *scan)
{
  const StatsSpace *space = stats_space (worker->pass->dtype);
  double *values = worker->values;
  gsize kept = 0;

  scan->min = G_MAXUINT64;
  scan->max = 0;
  for (gsize i = 0; i < n; i++)
    {
      double x = values[i];
      if (isnan (x))
        worker->summary.nan++;
      else if (isinf (x))
        *(x > 0 ? &worker->summary.pos_inf : &worker->summary.neg_inf) += 1;
      else
        {
          guint64 code = 0;
          memcpy (&code, src + i * (space->bits / 8), space->bits / 8);
          guint64 key = stats_key_from_code (space, code);
          scan->min = MIN (scan->min, key);
          scan->max = MAX (scan->max, key);
          values[kept++] = x;
        }
    }
  return kept;
}

static void
count_folded (const guint8 *src, gsize n, guint32 *counters)
{
  guint64 keys[STATS_BLOCK];
  stats_keys_read (ST_DTYPE_F64, src, n, keys);
  for (gsize i = 0; i < n; i++)
    counters[(i % STATS_N_TABLES) * STATS_N_CODES + stats_fold (keys[i])]++;
}

static void
first_piece (gpointer data, guint64 chunk, const guint8 *src, gsize size)
{
  FirstWorker *worker = data;
  StDtype dtype = worker->pass->dtype;
  gsize width = stats_space (dtype)->bits / 8;

  for (gsize n; size > 0; src += n * width, size -= n * width)
    {
      Scan scan;
      n = MIN (STATS_BLOCK, size / width);
      scan_block (dtype, src, n, &scan, worker->values);
      gsize kept = scan.not_finite == 0 ? n : keep_finite (worker, src, n, &scan);
      worker->summary.zero += scan.zero;
      worker->summary.subnormal += scan.small - scan.zero;
      worker->min_key = MIN (worker->min_key, scan.min);
      worker->max_key = MAX (worker->max_key, scan.max);
      stats_moments_add_block (&worker->pass->moments[chunk], worker->values, kept);
      if (dtype == ST_DTYPE_F64)
        count_folded (src, n, worker->counters);
      else if (worker->pass->counts != NULL)
        stats_count_top (src, n, worker->counters);
    }
}

static void
first_flush (gpointer data)
{
  FirstWorker *worker = data;
  FirstPass *pass = worker->pass;

  pass->summary.nan += worker->summary.nan;
  pass->summary.pos_inf += worker->summary.pos_inf;
  pass->summary.neg_inf += worker->summary.neg_inf;
  pass->summary.zero += worker->summary.zero;
  pass->summary.subnormal += worker->summary.subnormal;
  worker->summary = (StatsSummary){ 0 };
  pass->min_key = MIN (pass->min_key, worker->min_key);
  pass->max_key = MAX (pass->max_key, worker->max_key);
  if (pass->counts != NULL)
    stats_count_drain_top (worker->counters, pass->counts);
}

/* Codes of the top bits to their order, leaving out what is not finite. */
static void
cells_of_floats (StatsTensor *stats, const guint64 *counts)
{
  const StatsSpace *space = stats_space (stats->dtype);
  gboolean folded = stats->dtype == ST_DTYPE_F64;
  StatsGrid grid = { .dtype = stats->dtype, .folded = folded, .shift = folded ? 0 : 16 };
  StatsCellWriter writer;

  stats_cells_begin (&writer, &stats->cells, &grid);
  for (guint64 cell = 0; cell < STATS_N_CODES; cell++)
    {
      guint64 place = folded ? cell : cell & 0x8000 ? cell ^ 0x8000 : cell ^ 0xffff;
      if (counts[place] != 0
          && stats_key_is_finite (space, stats_grid_first (&grid, cell)))
        stats_cells_add (&writer, cell, counts[place]);
    }
  stats_cells_end (&writer);
}

static gboolean
first_reading (StatsTensor *stats, StatsReader *reader, GError **error)
{
  static const StatsPass vtable = { first_begin, first_piece, first_flush, g_free };
  const StatsSpace *space = stats_space (stats->dtype);
  guint64 n_chunks = stats_reader_n_chunks (reader);
  g_autofree StatsMoments *moments = g_new0 (StatsMoments, n_chunks);
  g_autofree guint64 *counts = space->integer ? NULL : g_new0 (guint64, STATS_N_CODES);
  FirstPass pass = { stats->dtype, moments, counts, .min_key = G_MAXUINT64 };

  if (!stats_reader_run (reader, &vtable, &pass, error))
    return FALSE;
  pass.summary.integer = space->integer;
  pass.summary.count = reader->size / (space->bits / 8);
  stats->summary = pass.summary;
  stats->min_key = pass.min_key;
  stats->max_key = pass.max_key;
  for (guint64 i = 0; i < n_chunks; i++)
    stats_moments_merge (&stats->moments, &moments[i]);
  if (counts != NULL)
    cells_of_floats (stats, counts);
  return TRUE;
}

/* ---- the readings after it ---- */

/* Part of the keys, cut evenly in at most 65,536. */
typedef struct
{
  guint64 low, high;
  guint shift;
} Window;

typedef struct
{
  StDtype dtype;
  const StatsGrid *grid; /* with marked: which cells hold a window; NULL: count all */
  const guint8 *marked;
  guint64 first_cell; /* that marked begins with */
  guint n_windows;
  Window windows[STATS_N_QUANTILES];
  guint64 *counts; /* n_windows × 65,536 */
} WindowPass;

typedef struct
{
  WindowPass *pass;
  guint32 *counters;
} WindowWorker;

static void
window_set (Window *window, guint64 low, guint64 high)
{
  *window = (Window){ low, high, 0 };
  while ((high - low) >> window->shift >= STATS_N_CODES)
    window->shift++;
}

static gpointer
window_begin (gpointer data)
{
  WindowWorker *worker = g_new (WindowWorker, 1);
  worker->pass = data;
  worker->counters = g_new0 (guint32, worker->pass->n_windows * STATS_N_CODES);
  return worker;
}

static void
window_end (gpointer data)
{
  WindowWorker *worker = data;
  g_free (worker->counters);
  g_free (worker);
}

static inline void
window_count (const WindowPass *pass, guint32 *counters, guint64 key)
{
  for (guint w = 0; w < pass->n_windows; w++)
    if (key >= pass->windows[w].low && key <= pass->windows[w].high)
      {
        guint64 place = (key - pass->windows[w].low) >> pass->windows[w].shift;
        counters[w * STATS_N_CODES + place]++;
      }
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
      stats_keys_read (pass->dtype, src, n, keys);
      if (pass->grid == NULL)
        for (gsize i = 0; i < n; i++)
          window_count (pass, worker->counters, keys[i]);
      else if (pass->grid->folded)
        {
          for (gsize i = 0; i < n; i++)
            if (pass->marked[stats_fold (keys[i])])
              window_count (pass, worker->counters, keys[i]);
        }
      else
        for (gsize i = 0; i < n; i++)
          if (pass->marked[(keys[i] >> pass->grid->shift) - pass->first_cell])
            window_count (pass, worker->counters, keys[i]);
    }
}

static void
window_flush (gpointer data)
{
  WindowWorker *worker = data;
  gsize n = worker->pass->n_windows * STATS_N_CODES;
  for (gsize i = 0; i < n; i++)
    worker->pass->counts[i] += worker->counters[i];
  memset (worker->counters, 0, n * sizeof *worker->counters);
}

static const StatsPass window_vtable
    = { window_begin, window_piece, window_flush, window_end };

/* Integers: cells that lie evenly from the smallest to the largest. */
static gboolean
cells_of_integers (StatsTensor *stats, StatsReader *reader, GError **error)
{
  g_autofree guint64 *counts = g_new0 (guint64, STATS_N_CODES);
  WindowPass pass = { stats->dtype, .n_windows = 1, .counts = counts };
  StatsGrid grid = { .dtype = stats->dtype };

  while ((stats->max_key >> grid.shift) - (stats->min_key >> grid.shift) >= STATS_N_CODES)
    grid.shift++;
  guint64 first = stats->min_key >> grid.shift;
  pass.windows[0] = (Window){ first << grid.shift, stats->max_key, grid.shift };
  if (!stats_reader_run (reader, &window_vtable, &pass, error))
    return FALSE;
  stats_cells_from_counts (&stats->cells, &grid, first, counts, STATS_N_CODES);
  return TRUE;
}

/* A quantile on its way: it is among the keys of the window, having @rank before it
 * there. */
typedef struct
{
  guint64 low, high, rank;
} Hunt;

static void
hunt_in_cells (const StatsTensor *stats, Hunt *hunts, guint64 first_cell, guint8 *marked)
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
          marked[cell - first_cell] = 1;
          hunts[q].low = MAX (stats_grid_first (grid, cell), stats->min_key);
          hunts[q].high = MIN (stats_grid_last (grid, cell), stats->max_key);
          hunts[q].rank = rank - seen;
        }
      seen += count;
    }
}

/* One window for all quantiles in the same keys. Returns the readings still to be made.
 */
static guint
set_windows (WindowPass *pass, const Hunt *hunts, guint *window_of)
{
  guint shift = 0;

  pass->n_windows = 0;
  for (guint q = 0; q < STATS_N_QUANTILES; q++)
    {
      if (hunts[q].low == hunts[q].high)
        continue;
      if (pass->n_windows == 0 || pass->windows[pass->n_windows - 1].low != hunts[q].low)
        window_set (&pass->windows[pass->n_windows++], hunts[q].low, hunts[q].high);
      window_of[q] = pass->n_windows - 1;
      shift = MAX (shift, pass->windows[pass->n_windows - 1].shift);
    }
  return pass->n_windows > 0 ? 1 + (shift + 15) / 16 : 0;
}

static void
narrow (Hunt *hunt, const Window *window, const guint64 *counts)
{
  guint64 place = 0;
  for (; hunt->rank >= counts[place]; place++)
    hunt->rank -= counts[place];
  hunt->low = window->low + (place << window->shift);
  hunt->high
      = MIN (window->high, hunt->low + ((G_GUINT64_CONSTANT (1) << window->shift) - 1));
}

static gboolean
find_quantiles (StatsTensor *stats, StatsReader *reader, GError **error)
{
  g_autofree guint8 *marked = g_new0 (guint8, STATS_N_CODES);
  Hunt hunts[STATS_N_QUANTILES];
  guint window_of[STATS_N_QUANTILES] = { 0 }, to_come;
  WindowPass pass = { stats->dtype, .grid = &stats->cells.grid, .marked = marked };

  if (stats_space (stats->dtype)->integer)
    pass.first_cell = stats_grid_cell (pass.grid, stats->min_key);
  hunt_in_cells (stats, hunts, pass.first_cell, marked);
  while ((to_come = set_windows (&pass, hunts, window_of)) > 0)
    {
      reader->n_passes = reader->passes + to_come;
      g_autofree guint64 *counts = g_new0 (guint64, pass.n_windows * STATS_N_CODES);
      pass.counts = counts;
      if (!stats_reader_run (reader, &window_vtable, &pass, error))
        return FALSE;
      for (guint q = 0; q < STATS_N_QUANTILES; q++)
        if (hunts[q].low != hunts[q].high)
          narrow (&hunts[q], &pass.windows[window_of[q]],
                  counts + window_of[q] * STATS_N_CODES);
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
  if (!first_reading (stats, reader, error))
    return FALSE;
  stats->summary.has_moments = stats->moments.n > 0;
  if (!stats->summary.has_moments)
    return TRUE;
  stats_moments_write (&stats->moments, &stats->summary);
  if (space->integer && !cells_of_integers (stats, reader, error))
    return FALSE;
  if (!find_quantiles (stats, reader, error))
    return FALSE;
  stats_tensor_set_keys (stats);
  return TRUE;
}
