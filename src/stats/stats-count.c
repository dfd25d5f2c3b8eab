/* stats-count.c: how often each code of a type of ≤ 16 bits occurs
 *
 * Several tables take turns, since a counter that was just written cannot be read again
 * at once, and equal neighbours (zeros) are common. Counters of a thread are 32 bits and
 * are added to the common 64-bit ones in time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <string.h>

#include "stats/stats-private.h"

static inline guint64
load (const guint8 *src)
{
  guint64 word;
  memcpy (&word, src, sizeof word);
  return word;
}

static inline void
count_16_in (const guint8 *src, gsize size, guint32 *counters, gsize stride)
{
  guint32 *a = counters, *b = a + stride, *c = b + stride, *d = c + stride;
  gsize i = 0;

  for (; i + 16 <= size; i += 16)
    {
      guint64 v = load (src + i), w = load (src + i + 8);
      a[v & 0xffff]++;
      b[(v >> 16) & 0xffff]++;
      c[(v >> 32) & 0xffff]++;
      d[v >> 48]++;
      a[w & 0xffff]++;
      b[(w >> 16) & 0xffff]++;
      c[(w >> 32) & 0xffff]++;
      d[w >> 48]++;
    }
  for (; i < size; i += 2)
    a[src[i] | src[i + 1] << 8]++;
}

static void
count_16 (const guint8 *src, gsize size, guint32 *counters)
{
  count_16_in (src, size, counters, STATS_N_CODES);
}

static void
count_8 (const guint8 *src, gsize size, guint32 *counters)
{
  guint32 *t = counters;
  gsize i = 0;

  for (; i + 8 <= size; i += 8)
    {
      guint64 v = load (src + i);
      t[v & 255]++;
      t[256 + ((v >> 8) & 255)]++;
      t[512 + ((v >> 16) & 255)]++;
      t[768 + ((v >> 24) & 255)]++;
      t[1024 + ((v >> 32) & 255)]++;
      t[1280 + ((v >> 40) & 255)]++;
      t[1536 + ((v >> 48) & 255)]++;
      t[1792 + (v >> 56)]++;
    }
  for (; i < size; i++)
    t[src[i]]++;
}

/* Pairs of codes: 12 bits, two to a group of three bytes. */
static void
count_6 (const guint8 *src, gsize size, guint32 *counters)
{
  for (gsize i = 0; i + 3 <= size; i += 3)
    {
      guint32 group = src[i] | src[i + 1] << 8 | (guint32) src[i + 2] << 16;
      counters[group & 0xfff]++;
      counters[4096 + (group >> 12)]++;
    }
}

void
stats_count_top (const guint8 *src, gsize n, guint32 *counters)
{
  guint32 *a = counters, *b = a + STATS_N_CODES, *c = b + STATS_N_CODES,
          *d = c + STATS_N_CODES;
  gsize i = 0;

  for (; i + 4 <= n; i += 4)
    {
      guint64 v = load (src + 4 * i), w = load (src + 4 * i + 8);
      a[(v >> 16) & 0xffff]++;
      b[v >> 48]++;
      c[(w >> 16) & 0xffff]++;
      d[w >> 48]++;
    }
  for (; i < n; i++)
    a[src[4 * i + 2] | src[4 * i + 3] << 8]++;
}

/* Adds all tables to @counts and clears them. */
static void
drain (guint32 *counters, guint n_tables, gsize n_codes, guint64 *counts)
{
  for (guint t = 0; t < n_tables; t++)
    for (gsize i = 0; i < n_codes; i++)
      counts[i] += counters[t * n_codes + i];
  memset (counters, 0, n_tables * n_codes * sizeof *counters);
}

void
stats_count_drain_top (guint32 *counters, guint64 *counts)
{
  drain (counters, STATS_N_TABLES, STATS_N_CODES, counts);
}

void
stats_count_few (const guint8 *src, gsize size, guint32 *counters)
{
  count_16_in (src, size, counters, 0);
}

/* ---- a whole tensor ---- */

typedef struct
{
  void (*count) (const guint8 *src, gsize size, guint32 *counters);
  guint n_tables;
  gsize n_codes; /* as counted: bytes for 4 bits, pairs for 6 bits */
  guint64 *counts;
} CodePass;

typedef struct
{
  const CodePass *pass;
  guint32 *counters;
} CodeWorker;

static gpointer
code_begin (gpointer data)
{
  CodeWorker *worker = g_new (CodeWorker, 1);
  *worker = (CodeWorker){ .pass = data, .counters = stats_scratch ()->counters };
  return worker;
}

static void
code_piece (gpointer data, guint64 chunk, const guint8 *src, gsize size)
{
  CodeWorker *worker = data;
  worker->pass->count (src, size, worker->counters);
}

static void
code_flush (gpointer data)
{
  CodeWorker *worker = data;
  const CodePass *pass = worker->pass;
  drain (worker->counters, pass->n_tables, pass->n_codes, pass->counts);
}

/* Counts of bytes or of pairs to counts of their two halves of @bits. */
static void
split_pairs (const guint64 *pairs, guint bits, guint64 *counts)
{
  gsize n = (gsize) 1 << bits;
  for (gsize i = 0; i < n * n; i++)
    {
      counts[i & (n - 1)] += pairs[i];
      counts[i >> bits] += pairs[i];
    }
}

gboolean
stats_count_codes (StatsReader *reader, StDtype dtype, guint64 *counts, GError **error)
{
  static const StatsPass code_pass = { code_begin, code_piece, code_flush, g_free };
  guint64 pairs[4096] = { 0 };
  guint bits = st_dtype_bits (dtype);
  CodePass pass = { count_16, STATS_N_TABLES, STATS_N_CODES, counts };

  if (bits == 8)
    pass = (CodePass){ count_8, 8, 256, counts };
  else if (bits == 6)
    pass = (CodePass){ count_6, 2, 4096, pairs };
  else if (bits == 4)
    pass = (CodePass){ count_8, 8, 256, pairs };
  if (!stats_reader_run (reader, &code_pass, &pass, error))
    return FALSE;
  if (bits < 8)
    split_pairs (pairs, bits, counts);
  return TRUE;
}
