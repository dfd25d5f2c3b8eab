/* stats-moments.c: mean and squared distances, exact to rounding and the same bits
 * anywhere
 *
 * A block of 4,096 values lies in the first cache, so it is read twice: for its mean,
 * then for the distances from that mean. Types of 32 bits become doubles on the way, in
 * registers. The counting of cells goes with the second: it waits for the cache, the sums
 * for the arithmetic, and together they take as long as the longer of the two. What the
 * rounded mean missed is put right by the sum of the distances. Blocks are put together
 * by Chan, Golub and LeVeque ("Algorithms for computing the sample variance", The
 * American Statistician 37, 1983) with a mean of two doubles, so neither a large offset
 * nor the number of blocks costs digits. Sixteen lanes are part of the definition: they
 * make the result independent of the processor's width.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include "stats/stats-private.h"

typedef double Lanes __attribute__ ((vector_size (64), aligned (8)));
typedef float Floats __attribute__ ((vector_size (32), aligned (4)));
typedef gint32 Ints __attribute__ ((vector_size (32), aligned (4)));
typedef guint32 Naturals __attribute__ ((vector_size (32), aligned (4)));

static inline double
lanes_total (const Lanes *a, const Lanes *b)
{
  Lanes sum = *a + *b;
  return ((sum[0] + sum[4]) + (sum[1] + sum[5]))
         + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

#define DOUBLES(Eight, x) __builtin_convertvector(*(const Eight *) (x), Lanes)
/* Asks for a line of the next block, which is to be in the second cache when its turn
 * comes. */
#define NEXT_BLOCK(x) __builtin_prefetch ((x) + STATS_BLOCK, 0, 2)
#define NO_COUNTING(x)
/* The top halves of sixteen floats. */
#define COUNT_TOPS(x)                                                                    \
  for (guint k = 0; k < 8; k++)                                                          \
    {                                                                                    \
      guint64 two;                                                                       \
      memcpy (&two, (x) + 2 * k, sizeof two);                                            \
      counters[(two >> 16) & 0xffff]++;                                                  \
      counters[two >> 48]++;                                                             \
    }

/* Sixteen at a time of @n, a multiple of it; then the sixteen of @rest. */
#define SUM(name, type, Eight)                                                           \
  STATS_CLONES static double name (const type *x, gsize n, const double *rest)           \
  {                                                                                      \
    Lanes a = { 0 }, b = { 0 };                                                          \
    for (gsize i = 0; i < n; i += 16)                                                    \
      {                                                                                  \
        a += DOUBLES (Eight, x + i);                                                     \
        b += DOUBLES (Eight, x + i + 8);                                                 \
      }                                                                                  \
    a += *(const Lanes *) rest;                                                          \
    b += *(const Lanes *) (rest + 8);                                                    \
    return lanes_total (&a, &b);                                                         \
  }

#define ADD_DISTANCES(left, right)                                                       \
  {                                                                                      \
    Lanes da = (left) -mean, db = (right) -mean;                                         \
    a += da;                                                                             \
    b += db;                                                                             \
    a2 += da * da;                                                                       \
    b2 += db * db;                                                                       \
  }

#define DISTANCES(name, type, Eight, COUNT)                                              \
  STATS_CLONES static void name (const type *x, gsize n, const double *rest,             \
                                 double mean, guint32 *counters, Distances *to)          \
  {                                                                                      \
    Lanes a = { 0 }, b = { 0 }, a2 = { 0 }, b2 = { 0 };                                  \
    for (gsize i = 0; i < n; i += 16)                                                    \
      {                                                                                  \
        ADD_DISTANCES (DOUBLES (Eight, x + i), DOUBLES (Eight, x + i + 8))               \
        NEXT_BLOCK (x + i);                                                              \
        COUNT (x + i)                                                                    \
      }                                                                                  \
    ADD_DISTANCES (*(const Lanes *) rest, *(const Lanes *) (rest + 8))                   \
    *to = (Distances){ lanes_total (&a, &b), lanes_total (&a2, &b2) };                   \
  }

typedef struct
{
  double sum, squares;
} Distances;

SUM (sum_double, double, Lanes)
SUM (sum_float, float, Floats)
SUM (sum_int, gint32, Ints)
SUM (sum_natural, guint32, Naturals)
DISTANCES (distances_double, double, Lanes, NO_COUNTING)
DISTANCES (distances_float, float, Floats, NO_COUNTING)
DISTANCES (distances_float_count, float, Floats, COUNT_TOPS)
DISTANCES (distances_int, gint32, Ints, NO_COUNTING)
DISTANCES (distances_natural, guint32, Naturals, NO_COUNTING)

static double
block_sum (StDtype dtype, gconstpointer x, gsize n, const double *rest)
{
  return dtype == ST_DTYPE_I32   ? sum_int (x, n, rest)
         : dtype == ST_DTYPE_U32 ? sum_natural (x, n, rest)
         : dtype == ST_DTYPE_F32 ? sum_float (x, n, rest)
                                 : sum_double (x, n, rest);
}

static void
block_distances (StDtype dtype,
                 gconstpointer x,
                 gsize n,
                 const double *rest,
                 double mean,
                 guint32 *counters,
                 Distances *to)
{
  if (dtype == ST_DTYPE_I32)
    distances_int (x, n, rest, mean, NULL, to);
  else if (dtype == ST_DTYPE_U32)
    distances_natural (x, n, rest, mean, NULL, to);
  else if (dtype != ST_DTYPE_F32)
    distances_double (x, n, rest, mean, NULL, to);
  else if (counters == NULL)
    distances_float (x, n, rest, mean, NULL, to);
  else
    distances_float_count (x, n, rest, mean, counters, to);
}

void
stats_moments_add_block (
    StatsMoments *moments, StDtype dtype, gconstpointer x, gsize n, guint32 *counters)
{
  gsize whole = n / 16 * 16, width = st_dtype_bits (dtype) / 8;
  double rest[16] = { 0 };
  const guint8 *end = (const guint8 *) x + whole * width;
  Distances distances;

  if (n == 0)
    return;
  st_dtype_to_double (dtype, end, 0, n - whole, rest);
  double mean = block_sum (dtype, x, whole, rest) / (double) n;
  for (gsize i = n - whole; i < 16; i++)
    rest[i] = mean;
  block_distances (dtype, x, whole, rest, mean, counters, &distances);
  for (gsize i = whole; counters != NULL && i < n; i++, end += width)
    counters[end[2] | end[3] << 8]++;

  StatsMoments block = { .n = n, .mean = mean, .mean_lo = distances.sum / (double) n };
  block.m2.hi = distances.squares - distances.sum * (distances.sum / (double) n);
  stats_moments_merge (moments, &block);
}

void
stats_moments_shift (StatsMoments *moments, StDtype dtype, guint64 code)
{
  guint64 low = code & 0xffffffff, high = code - low;
  StatsSum mean = { 0 };

  stats_sum_add (&mean, dtype == ST_DTYPE_I64 ? (double) (gint64) high : (double) high);
  stats_sum_add (&mean, (double) low);
  stats_sum_add (&mean, moments->mean);
  moments->mean = mean.hi;
  moments->mean_lo += mean.lo;
}

void
stats_moments_merge (StatsMoments *moments, const StatsMoments *other)
{
  if (other->n == 0)
    return;
  if (moments->n == 0)
    {
      *moments = *other;
      return;
    }
  double a = (double) moments->n, b = (double) other->n;
  StatsSum distance = { other->mean, 0 };
  stats_sum_add (&distance, -moments->mean);
  double delta = distance.hi + (distance.lo + (other->mean_lo - moments->mean_lo));
  double share = b / (a + b);

  StatsSum mean = { moments->mean, moments->mean_lo };
  stats_sum_add (&mean, delta * share);
  moments->mean = mean.hi;
  moments->mean_lo = mean.lo;
  stats_sum_add (&moments->m2, other->m2.hi);
  stats_sum_add (&moments->m2, delta * delta * (a * share));
  moments->m2.lo += other->m2.lo;
  moments->n += other->n;
}

void
stats_moments_write (const StatsMoments *moments, StatsSummary *summary)
{
  double mean = moments->mean + moments->mean_lo;
  double m2 = moments->m2.hi + moments->m2.lo;
  double std = sqrt (MAX (m2, 0) / (double) moments->n);

  /* A sum of values or of squares that left the doubles has no answer to give. */
  summary->mean = isfinite (mean) ? mean : NAN;
  summary->std = isfinite (m2) && isfinite (std) ? std : NAN;
}
