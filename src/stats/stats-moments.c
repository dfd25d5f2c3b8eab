/* stats-moments.c: mean and squared distances, exact to rounding and the same bits
 * anywhere
 *
 * A block of 4,096 doubles lies in the first cache, so it is read twice: for its mean,
 * then for the distances from that mean. What the rounded mean missed is put right by the
 * sum of the distances. Blocks are put together by Chan, Golub and LeVeque ("Algorithms
 * for computing the sample variance", The American Statistician 37, 1983) with a mean of
 * two doubles, so neither a large offset nor the number of blocks costs digits. Sixteen
 * lanes are part of the definition: they make the result independent of the processor's
 * width.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include "stats/stats-private.h"

typedef double Lanes __attribute__ ((vector_size (64), aligned (8)));

static inline double
lanes_total (const Lanes *a, const Lanes *b)
{
  Lanes sum = *a + *b;
  return ((sum[0] + sum[4]) + (sum[1] + sum[5]))
         + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

/* @n is a multiple of 16. */
STATS_CLONES static double
block_sum (const double *x, gsize n)
{
  Lanes a = { 0 }, b = { 0 };
  for (gsize i = 0; i < n; i += 16)
    {
      a += *(const Lanes *) (x + i);
      b += *(const Lanes *) (x + i + 8);
    }
  return lanes_total (&a, &b);
}

STATS_CLONES static void
block_distances (const double *x, gsize n, double mean, double *sum, double *squares)
{
  Lanes a = { 0 }, b = { 0 }, a2 = { 0 }, b2 = { 0 };
  for (gsize i = 0; i < n; i += 16)
    {
      Lanes da = *(const Lanes *) (x + i) - mean;
      Lanes db = *(const Lanes *) (x + i + 8) - mean;
      a += da;
      b += db;
      a2 += da * da;
      b2 += db * db;
    }
  *sum = lanes_total (&a, &b);
  *squares = lanes_total (&a2, &b2);
}

void
stats_moments_add_block (StatsMoments *moments, double *x, gsize n)
{
  double sum, squares;
  gsize padded = (n + 15) / 16 * 16;

  if (n == 0)
    return;
  for (gsize i = n; i < padded; i++)
    x[i] = 0;
  double mean = block_sum (x, padded) / (double) n;
  for (gsize i = n; i < padded; i++)
    x[i] = mean;
  block_distances (x, padded, mean, &sum, &squares);

  StatsMoments block = { .n = n, .mean = mean, .mean_lo = sum / (double) n };
  block.m2.hi = squares - sum * (sum / (double) n);
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
