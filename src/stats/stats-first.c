/* stats-first.c: the first reading of many values of 32 or 64 bits
 *
 * Counts of special values, smallest and largest, moments, and for floats the counts of
 * 65,536 cells. A block of 4,096 values stays in the first cache for all of it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include "stats/stats-private.h"

/* What a loop over a block finds without a branch. */
typedef struct
{
  guint64 small;    /* zero or subnormal; of integers: zero */
  guint64 min, max; /* keys; they are compared as signed numbers */
} Scan;

/* Beyond the keys of finite values lie infinities and NaN, so min and max tell of them.
 */
#define SCAN(name, utype, stype, bits, normal)                                           \
  STATS_CLONES static void name (const utype *code, gsize n, Scan *scan)                 \
  {                                                                                      \
    utype small = 0;                                                                     \
    const utype low = (utype) -1 >> 1;                                                   \
    stype min = (stype) low, max = (stype) ~low;                                         \
    for (gsize i = 0; i < n; i++)                                                        \
      {                                                                                  \
        stype key = (stype) (code[i] ^ ((utype) ((stype) code[i] >> (bits - 1)) & low)); \
        small += (utype) (code[i] + code[i]) < 2 * (normal);                             \
        min = key < min ? key : min;                                                     \
        max = key > max ? key : max;                                                     \
      }                                                                                  \
    *scan = (Scan){ small, (utype) min ^ ~low, (utype) max ^ ~low };                     \
  }

SCAN (scan_f32, guint32, gint32, 32, 0x00800000u)
SCAN (scan_f64, guint64, gint64, 64, G_GUINT64_CONSTANT (0x0010000000000000))

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
    *scan = (Scan){ zero, (utype) min ^ ~low, (utype) max ^ ~low };                      \
  }

SCAN_INTEGERS (scan_i32, guint32, gint32, 0)
SCAN_INTEGERS (scan_u32, guint32, gint32, ~low)
SCAN_INTEGERS (scan_i64, guint64, gint64, 0)
SCAN_INTEGERS (scan_u64, guint64, gint64, ~low)

/* Differences keep what a double loses of integers above 2⁵³. */
STATS_CLONES static void
distances_64 (const guint64 *src, gsize n, guint64 base, double *dst)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = (double) (src[i] - base);
}

#define ZEROS(name, utype)                                                               \
  STATS_CLONES static guint64 name (const utype *code, gsize n)                          \
  {                                                                                      \
    utype zeros = 0;                                                                     \
    for (gsize i = 0; i < n; i++)                                                        \
      zeros += (utype) (code[i] + code[i]) == 0;                                         \
    return zeros;                                                                        \
  }

ZEROS (zeros_32, guint32)
ZEROS (zeros_64, guint64)

static void
scan_block (StDtype dtype, gconstpointer src, gsize n, Scan *scan)
{
  switch (dtype)
    {
    case ST_DTYPE_F64:
      scan_f64 (src, n, scan);
      break;
    case ST_DTYPE_I32:
      scan_i32 (src, n, scan);
      break;
    case ST_DTYPE_U32:
      scan_u32 (src, n, scan);
      break;
    case ST_DTYPE_I64:
      scan_i64 (src, n, scan);
      break;
    case ST_DTYPE_U64:
      scan_u64 (src, n, scan);
      break;
    default:
      scan_f32 (src, n, scan);
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
  double values[STATS_BLOCK];
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
  StDtype dtype = worker->pass->dtype;
  const StatsSpace *space = stats_space (dtype);
  double *values = worker->values;
  gsize kept = 0;

  st_dtype_to_double (dtype, src, 0, n, values);
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
count_folded (const guint64 *codes, gsize n, guint32 *counters)
{
  guint16 folded[STATS_BLOCK];
  stats_fold_block (codes, n, folded);
  stats_count_16 ((const guint8 *) folded, n * sizeof *folded, counters);
}

/* Moments of a block and, of floats, their cells. */
static void
add_block (FirstWorker *worker, guint64 chunk, gconstpointer src, gsize n, Scan *scan)
{
  StDtype dtype = worker->pass->dtype;
  const StatsSpace *space = stats_space (dtype);
  StatsMoments block = { 0 };
  gboolean finite = scan->min >= space->first && scan->max <= space->last;

  if (dtype == ST_DTYPE_F64)
    count_folded (src, n, worker->counters);
  if (!finite)
    {
      if (space->bits == 32)
        for (gsize i = 0; i < n; i++)
          worker->counters[((const guint32 *) src)[i] >> 16]++;
      n = keep_finite (worker, src, n, scan);
      stats_moments_add_block (&block, ST_DTYPE_F64, worker->values, n, NULL);
    }
  else if (space->integer && space->bits == 64)
    {
      guint64 base = stats_code_from_key (space, scan->min);
      distances_64 (src, n, base, worker->values);
      stats_moments_add_block (&block, ST_DTYPE_F64, worker->values, n, NULL);
      stats_moments_shift (&block, dtype, base);
    }
  else
    stats_moments_add_block (
        &block, dtype == ST_DTYPE_C64 ? ST_DTYPE_F32 : dtype, src, n,
        worker->pass->counts == NULL || dtype == ST_DTYPE_F64 ? NULL : worker->counters);
  stats_moments_merge (&worker->pass->moments[chunk], &block);
}

static void
first_piece (gpointer data, guint64 chunk, const guint8 *src, gsize size)
{
  FirstWorker *worker = data;
  const StatsSpace *space = stats_space (worker->pass->dtype);
  gsize width = space->bits / 8;

  for (gsize n; size > 0; src += n * width, size -= n * width)
    {
      Scan scan;
      n = MIN (STATS_BLOCK, size / width);
      scan_block (worker->pass->dtype, src, n, &scan);
      guint64 zeros = scan.small;
      if (zeros > 0 && !space->integer)
        zeros = width == 4 ? zeros_32 ((gconstpointer) src, n)
                           : zeros_64 ((gconstpointer) src, n);
      worker->summary.zero += zeros;
      worker->summary.subnormal += scan.small - zeros;
      add_block (worker, chunk, src, n, &scan);
      worker->min_key = MIN (worker->min_key, scan.min);
      worker->max_key = MAX (worker->max_key, scan.max);
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
    stats_count_drain (worker->counters, STATS_N_CODES, pass->counts);
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

gboolean
stats_first_reading (StatsTensor *stats, StatsReader *reader, GError **error)
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
