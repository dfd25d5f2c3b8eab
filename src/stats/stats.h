/* stats.h: exact statistics of tensors
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "base/base-json.h"
#include "st/st.h"

#define STATS_ROW_BINS 64
#define STATS_MAX_BINS 512
#define STATS_N_QUANTILES 9

/* 0.001 0.01 0.05 0.25 0.5 0.75 0.95 0.99 0.999 */
extern const double stats_quantile_levels[STATS_N_QUANTILES];

/**
 * StatsTensor: everything about one tensor's, or one group's, values
 *
 * Over the finite values unless said; where there are none, has_moments is FALSE.
 * For groups, values of all dtypes are pooled as doubles.
 */
typedef struct _StatsTensor StatsTensor;

typedef struct
{
  guint64 count; /* values; a complex number is two */
  guint64 nan, pos_inf, neg_inf, zero, subnormal;
  guint64 distinct; /* bit patterns; valid if has_distinct (types of ≤ 16 bits) */
  double entropy_bits;
  gboolean has_distinct;
  gboolean has_moments; /* at least one finite value */
  double min, max;      /* never -0, and neither is a quantile: 0 stands for both */
  double mean, std; /* population; NaN where a sum of doubles or of squares overflows */
  /* integers wider than 53 bits: exact text is had by stats_tensor_format_value */
  double quantiles[STATS_N_QUANTILES];
  gboolean integer; /* all values are integers by type */
} StatsSummary;

typedef enum
{
  STATS_SCALE_LINEAR,
  STATS_SCALE_SYMLOG
} StatsScale;

/**
 * StatsHistogram: counts between edges
 *
 * @edges has n_bins + 1 entries around all values of the type from lo to hi, midway
 * between representable values of the type, no bin being narrower than the spacing of the
 * type there. below and above count the finite values outside.
 */
typedef struct
{
  guint n_bins;
  double edges[STATS_MAX_BINS + 1];
  guint64 counts[STATS_MAX_BINS];
  guint64 below, above;
  StatsScale scale;
  double linear_width; /* symlog: half-width of the linear part */
} StatsHistogram;

/**
 * stats_tensor_compute:
 * @tensor: where it lies
 *
 * Exact, and the same bits whatever the threads and the processor; memory ≤ 4 MiB a
 * worker beside the result. Types of ≤ 16 bits: one pass; wider: a pass for moments and
 * top-bits counts, further passes inside the buckets of the quantiles asked. Progress is
 * in bytes, stage "statistics". Thread: any; blocks. Source of moments: Chan et al. 1983
 * (shifted sums).
 *
 * Returns: (transfer full): free with stats_tensor_unref
 */
StatsTensor *stats_tensor_compute (StFile *file,
                                   const StTensor *tensor,
                                   const BaseTask *task,
                                   GError **error);
StatsTensor *stats_tensor_ref (StatsTensor *stats);
void stats_tensor_unref (StatsTensor *stats);
const StatsSummary *stats_tensor_summary (const StatsTensor *stats);
/**
 * stats_tensor_merge: pools several (a group); exact for counts and moments; quantiles
 * and histograms are exact when all are of ≤ 16 bits, else exact to the kept resolution
 * (see stats_tensor_resolution)
 */
StatsTensor *stats_tensor_merge (StatsTensor *const *parts, guint n);
/**
 * stats_tensor_histogram:
 * @lo, @hi: range of values; lo < hi
 * @n_bins: wished, ≤ STATS_MAX_BINS; fewer come back where the type is coarser
 *
 * Without reading the file again for types of ≤ 16 bits and small tensors; exact counts
 * at the kept resolution (2^16 buckets of the top bits, edges snapped to them) for
 * others. Thread: any; takes about a tenth of a millisecond for 16-bit types.
 */
void stats_tensor_histogram (const StatsTensor *stats,
                             StatsScale scale,
                             double lo,
                             double hi,
                             guint n_bins,
                             StatsHistogram *out);
/**
 * stats_tensor_row: the distribution in small, for a row of a list
 * @lo, @hi: range of values; lo < hi
 * @heights: how much lies in each of STATS_ROW_BINS equal parts, the greatest being 1;
 * all 0 where nothing lies in the range
 *
 * Thread: any; as fast as a histogram.
 */
void stats_tensor_row (const StatsTensor *stats,
                       double lo,
                       double hi,
                       float heights[STATS_ROW_BINS]);
/**
 * stats_scale_map: where @value stands on a scale, and back
 * @linear_width: of the histogram; unused when linear
 */
double stats_scale_map (StatsScale scale, double linear_width, double value);
double stats_scale_unmap (StatsScale scale, double linear_width, double place);
/** stats_tensor_linear_width: what fits the symlog scale of these values; > 0 */
double stats_tensor_linear_width (const StatsTensor *stats);
/**
 * stats_tensor_resolution: 0 when every value is kept apart; else the width of a cell of
 * the kept distribution, relative to the values for floats, in units for integers
 */
double stats_tensor_resolution (const StatsTensor *stats);
/** stats_tensor_format_value: (transfer full) (nullable): exact text of "min", "max" or
 * quantile i; NULL where no value is finite */
typedef enum
{
  STATS_VALUE_MIN,
  STATS_VALUE_MAX,
  STATS_VALUE_QUANTILE
} StatsValue;
char *stats_tensor_format_value (const StatsTensor *stats, StatsValue which, guint index);
/** stats_tensor_write_json: members "count" to "quantiles" into the object that is open
 */
void stats_tensor_write_json (const StatsTensor *stats, BaseJson *json);

/* Background statistics of a whole model: visible tensors first, then file order; all
 * cores. Results stay until the queue is freed; where all distributions together are more
 * than 128 MiB, those not looked at for longest get a lower resolution until they are
 * wanted again. */
typedef struct _StatsQueue StatsQueue;

/** StatsDoneFunc: on a worker's thread; @stats NULL when it failed, with @error */
typedef void (*StatsDoneFunc) (guint tensor_index,
                               StatsTensor *stats,
                               const GError *error,
                               gpointer user_data);

StatsQueue *stats_queue_new (StModel *model, StatsDoneFunc done, gpointer user_data);
/** stats_queue_free: cancels, waits for the workers (≤ 50 ms), drops results */
void stats_queue_free (StatsQueue *queue);
/** stats_queue_want: these first, in this order, before anything asked earlier */
void stats_queue_want (StatsQueue *queue, const guint *tensor_indices, guint n);
/** stats_queue_want_all: everything else, in file order, after what is wanted */
void stats_queue_want_all (StatsQueue *queue);
/** stats_queue_peek: (transfer full) (nullable): the result, if it is there */
StatsTensor *stats_queue_peek (StatsQueue *queue, guint tensor_index);
void stats_queue_progress (StatsQueue *queue, guint64 *bytes_done, guint64 *bytes_total);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (StatsTensor, stats_tensor_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StatsQueue, stats_queue_free)
