/* stats-private.h: what the files of this room share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "stats/stats.h"

/* Values in memory are those of the file: little-endian. */
G_STATIC_ASSERT (G_BYTE_ORDER == G_LITTLE_ENDIAN);

/* A build for any x86-64 uses what the processor has. The bits of a result never depend
 * on the choice: lanes are fixed and -ffp-contract=off forbids fused multiply-add. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__)                   \
    && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)                             \
    && !defined(__SANITIZE_THREAD__)
#define STATS_CLONES                                                                     \
  __attribute__ ((target_clones ("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define STATS_CLONES
#endif

/* ---- keys: the codes of a type in the order of their values (stats-key.c) ---- */

typedef enum
{
  STATS_ORDER_UNSIGNED,  /* code */
  STATS_ORDER_TWOS,      /* two's complement */
  STATS_ORDER_MAGNITUDE, /* sign bit and magnitude */
} StatsOrder;

/* A key is the code mapped to an unsigned integer that grows with the value; -0 comes
 * just before +0. Keys from first to last are finite, but for the one NaN of the FNUZ
 * types, which sits where -0 would be. */
typedef struct
{
  StatsOrder order;
  guint bits;
  guint mantissa; /* stored bits of it; subnormal magnitudes lie below 1 << mantissa */
  gboolean integer;
  guint64 first, last;
  gboolean nan_is_minus_zero;
  guint64 flip, low; /* key = code ^ flip, ^ low too where the sign bit is set */
} StatsSpace;

const StatsSpace *stats_space (StDtype dtype);

static inline guint64
stats_key_from_code (const StatsSpace *space, guint64 code)
{
  return code ^ space->flip ^ (-(code >> (space->bits - 1)) & space->low);
}

static inline guint64
stats_code_from_key (const StatsSpace *space, guint64 key)
{
  return key ^ space->flip ^ (((key >> (space->bits - 1)) - 1) & space->low);
}

/** stats_key_values: of @n keys, as stats_key_value */
void stats_key_values (StDtype dtype, const guint64 *keys, gsize n, double *values);
/** stats_key_value: the value; 0 for the NaN of the FNUZ types, ±Inf or NaN beyond */
double stats_key_value (StDtype dtype, guint64 key);
/** stats_key_of_double: key of @value among F64 */
guint64 stats_key_of_double (double value);
/** stats_key_at_least: smallest finite key whose value is ≥ @value; last if none */
guint64 stats_key_at_least (StDtype dtype, double value);
/** stats_key_edge_before: midway between the values of @key and of the one before it */
double stats_key_edge_before (StDtype dtype, guint64 key);
double stats_key_edge_after (StDtype dtype, guint64 key);
/** stats_keys_read: keys of @n values of 16, 32 or 64 bits; @src is aligned to them */
void stats_keys_read (StDtype dtype, const guint8 *src, gsize n, guint64 *keys);
/** stats_fold_block: of the codes of @n values of F64, their keys folded to 16 bits */
void stats_fold_block (const guint64 *codes, gsize n, guint16 *folded);
/** stats_keys_sort: ascending, by the low @bits; @work has room for @n */
void stats_keys_sort (guint64 *keys, gsize n, guint bits, guint64 *work);

static inline gboolean
stats_key_is_finite (const StatsSpace *space, guint64 key)
{
  return key >= space->first && key <= space->last
         && !(space->nan_is_minus_zero
              && key == (G_GUINT64_CONSTANT (1) << (space->bits - 1)) - 1);
}

/* ---- cells: how many values lie in each interval of keys (stats-cells.c) ---- */

/* Cell i holds the keys from i << shift to the next cell's. A folded grid is one of F64
 * keys in which the exponent is cut to the range of F32 and the mantissa to 7 bits before
 * the shift, as if each value were truncated to BF16: F64's own top 16 bits would leave
 * only 16 cells an octave. */
typedef struct
{
  StDtype dtype;
  gboolean folded;
  guint shift;
} StatsGrid;

guint64 stats_grid_cell (const StatsGrid *grid, guint64 key);
/** stats_grid_first: smallest key of @cell */
guint64 stats_grid_first (const StatsGrid *grid, guint64 cell);
guint64 stats_grid_last (const StatsGrid *grid, guint64 cell);
gboolean stats_grid_is_exact (const StatsGrid *grid);

/* Folds an F64 key to 16 bits; inline because whole tensors go through it. */
static inline guint64
stats_fold (guint64 key)
{
  const guint64 half = G_GUINT64_CONSTANT (1) << 63;
  guint64 magnitude = (key & half ? key : ~key) & (half - 1);
  gint64 top = (gint64) (magnitude >> 45) - (896 << 7);
  top = top < 0 ? 0 : top > 0x7f7f ? 0x7f7f : top;
  top = magnitude >= G_GUINT64_CONSTANT (0x7ff) << 52 ? 0x7f80 : top;
  return key & half ? 0x8000 + (guint64) top : 0x7fff - (guint64) top;
}

/* The occupied cells in ascending order, packed: neighbours with small counts take one
 * byte, so that a model of thousands of tensors keeps all its distributions. */
typedef struct
{
  StatsGrid grid;
  guint64 n; /* occupied */
  gsize size;
  guint8 *bytes;
} StatsCells;

typedef struct
{
  StatsCells *cells;
  gsize room;
  guint64 next; /* the cell that would be adjacent */
} StatsCellWriter;

void
stats_cells_begin (StatsCellWriter *writer, StatsCells *cells, const StatsGrid *grid);
void stats_cells_add (StatsCellWriter *writer, guint64 cell, guint64 count);
void stats_cells_end (StatsCellWriter *writer);
/** stats_cells_from_counts: those of @n cells from @first whose count is not 0 */
void stats_cells_from_counts (StatsCells *cells,
                              const StatsGrid *grid,
                              guint64 first,
                              const guint64 *counts,
                              gsize n);
void stats_cells_clear (StatsCells *cells);

typedef struct
{
  const guint8 *at, *end;
  guint64 next;
} StatsCellIter;

static inline void
stats_cells_iter (const StatsCells *cells, StatsCellIter *iter)
{
  iter->at = cells->bytes;
  iter->end = cells->bytes + cells->size;
  iter->next = 0;
}

static inline guint64
stats_cells_varint (StatsCellIter *iter)
{
  guint64 value = 0;
  for (guint shift = 0;; shift += 7)
    {
      guint8 byte = *iter->at++;
      value |= (guint64) (byte & 127) << shift;
      if (byte < 128)
        return value;
    }
}

static inline gboolean
stats_cells_next (StatsCellIter *iter, guint64 *cell, guint64 *count)
{
  if (iter->at == iter->end)
    return FALSE;
  guint64 head = stats_cells_varint (iter);
  if (head & 1)
    iter->next += stats_cells_varint (iter);
  *cell = iter->next++;
  *count = head >> 1;
  return TRUE;
}

/* ---- moments (stats-moments.c) ---- */

typedef struct
{
  double hi, lo; /* hi + lo is the sum; lo gathers what hi rounded away */
} StatsSum;

static inline void
stats_sum_add (StatsSum *sum, double x)
{
  double total = sum->hi + x;
  double part = total - sum->hi;
  sum->lo += (sum->hi - (total - part)) + (x - part);
  sum->hi = total;
}

typedef struct
{
  guint64 n;
  double mean, mean_lo; /* the mean is their sum */
  StatsSum m2;          /* sum of squared distances from the mean */
} StatsMoments;

#define STATS_BLOCK 4096 /* values summed in one go */

/**
 * stats_moments_add_block:
 * @x: @n finite values of F32, I32, U32 or F64, at most STATS_BLOCK
 * @counters: (nullable): for F32, where their top 16 bits are counted on the way
 */
void stats_moments_add_block (
    StatsMoments *moments, StDtype dtype, gconstpointer x, gsize n, guint32 *counters);
/** stats_moments_shift: as if the integer of 64 bits with @code had been added to every
 * value: such integers are summed as distances from one of them, which a double holds
 * where it does not hold the integers */
void stats_moments_shift (StatsMoments *moments, StDtype dtype, guint64 code);
void stats_moments_merge (StatsMoments *moments, const StatsMoments *other);
/** stats_moments_write: mean and std of @summary, NaN where a double overflowed */
void stats_moments_write (const StatsMoments *moments, StatsSummary *summary);

/* ---- reading (stats-read.c) ---- */

/* What a thread keeps between tensors. Counters are 0 whenever nobody uses them. */
#define STATS_PIECE (384 * 1024) /* bytes read at once; whole values of every width */
#define STATS_N_CODES 65536

typedef struct
{
  guint8 *piece;     /* STATS_PIECE */
  guint32 *counters; /* STATS_N_CODES */
  guint16 *small;    /* the same */
} StatsScratch;

StatsScratch *stats_scratch (void);

/* One reading of a tensor by several threads. A chunk is read in order by one of them. */
typedef struct
{
  gpointer (*begin) (gpointer pass);
  void (*piece) (gpointer worker, guint64 chunk, const guint8 *data, gsize size);
  void (*flush) (gpointer worker); /* one thread at a time, at least each 2^31 bytes */
  void (*end) (gpointer worker);
} StatsPass;

typedef struct
{
  StFile *file;
  guint64 begin, size;
  guint width; /* bytes of a value, to which pieces are aligned */
  const BaseTask *task;
  guint passes, n_passes; /* done, in all: for progress */
} StatsReader;

guint64 stats_reader_n_chunks (const StatsReader *reader);
gboolean stats_reader_run (StatsReader *reader,
                           const StatsPass *pass,
                           gpointer data,
                           GError **error);
void stats_reader_finish (StatsReader *reader);

/* ---- counting (stats-count.c) ---- */

/** stats_count_codes: counts of all codes of a type of ≤ 16 bits, by code */
gboolean
stats_count_codes (StatsReader *reader, StDtype dtype, guint64 *counts, GError **error);
/** stats_count_16: adds @size bytes of 16-bit codes to @counters */
void stats_count_16 (const guint8 *src, gsize size, guint32 *counters);
/** stats_count_drain: adds @n @counters to @counts and clears them */
void stats_count_drain (guint32 *counters, gsize n, guint64 *counts);

/* ---- results (stats-tensor.c, stats-wide.c) ---- */

struct _StatsTensor
{
  gatomicrefcount refs;
  StDtype dtype;
  StatsSummary summary;
  guint64 min_key, max_key, quantile_keys[STATS_N_QUANTILES];
  StatsMoments moments;
  double linear_width; /* of the symlog scale */
  StatsCells cells;
};

StatsTensor *stats_tensor_new (StDtype dtype);
/** stats_tensor_set_keys: writes min, max and quantiles of the summary from their keys */
void stats_tensor_set_keys (StatsTensor *stats);
/** stats_tensor_summarise: everything, from cells that hold each value exactly */
void stats_tensor_summarise (StatsTensor *stats);
/** stats_tensor_set_width: the linear width, from the cells */
void stats_tensor_set_width (StatsTensor *stats);
/** stats_quantile_rank: index in the @n sorted values */
guint64 stats_quantile_rank (guint quantile, guint64 n);
/** stats_first_reading: all but the quantiles, and but the cells of integers */
gboolean stats_first_reading (StatsTensor *stats, StatsReader *reader, GError **error);
gboolean stats_wide_compute (StatsTensor *stats, StatsReader *reader, GError **error);
/** stats_tensor_find_quantiles: keys of the quantiles, exact where the cells are */
void stats_tensor_find_quantiles (StatsTensor *stats);
/** stats_tensor_set_entropy: from exact cells of a type of ≤ 16 bits */
void stats_tensor_set_entropy (StatsTensor *stats);
/** stats_tensor_coarsen: (transfer full): the same with at most 16 cells an octave */
StatsTensor *stats_tensor_coarsen (const StatsTensor *stats);

/** stats_queue_set_budget: bytes of distributions to keep, for tests */
void stats_queue_set_budget (StatsQueue *queue, guint64 bytes);
