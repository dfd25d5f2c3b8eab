/* stats-count.c: how often each code of a type of ≤ 16 bits occurs
 *
 * One table of 32-bit counters a thread, which are added to the common 64-bit ones in
 * time. Several tables in turn, the usual remedy against equal neighbours waiting for
 * each other, cost more in cache misses than they gain (measured on Zen 4: 6.5 GB/s with
 * one table, 5.7 with two, 4.4 with four, BF16 weights); instead, runs of one code are
 * counted at once. What bounds it is one counter a cycle. So 8 bits are counted in pairs,
 * as if they were 16: half as many counters to add to, and as many gigabytes a second.
 * Few of them are not worth 65,536 counters; eight tables of bytes fit the first cache.
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

/* Four values; @counters may be of any width. */
#define COUNT_FOUR(counters, v)                                                          \
  {                                                                                      \
    counters[v & 0xffff]++;                                                              \
    counters[(v >> 16) & 0xffff]++;                                                      \
    counters[(v >> 32) & 0xffff]++;                                                      \
    counters[v >> 48]++;                                                                 \
  }

/* 64 bytes from @src. What comes is asked for early: a processor full of additions to
 * counters that miss the first cache does not look far enough ahead by itself. */
#define COUNT_LINE(counters, src)                                                        \
  {                                                                                      \
    __builtin_prefetch ((src) + 2048);                                                   \
    for (guint j = 0; j < 64; j += 16)                                                   \
      {                                                                                  \
        guint64 v = load ((src) + j), w = load ((src) + j + 8);                          \
        if (v == w && v == (v << 16 | v >> 48))                                          \
          {                                                                              \
            counters[v & 0xffff] += 8;                                                   \
            continue;                                                                    \
          }                                                                              \
        COUNT_FOUR (counters, v)                                                         \
        COUNT_FOUR (counters, w)                                                         \
      }                                                                                  \
  }

void
stats_count_16 (const guint8 *src, gsize size, guint32 *counters)
{
  gsize i = 0;

  for (; i + 64 <= size; i += 64)
    COUNT_LINE (counters, src + i)
  for (; i < size; i += 2)
    counters[src[i] | src[i + 1] << 8]++;
}

/* Adds all of @small to @counters and clears it, passing by what is empty. */
STATS_CLONES static void
empty_small (guint16 *small, guint32 *counters)
{
  for (gsize line = 0; line < STATS_N_CODES; line += 32)
    {
      guint64 part[8], any = 0;

      memcpy (part, small + line, sizeof part);
      for (guint k = 0; k < 8; k++)
        any |= part[k];
      if (any == 0)
        continue;
      for (guint k = 0; k < 32; k++)
        counters[line + k] += small[line + k];
      memset (small + line, 0, sizeof part);
    }
}

/* Into counters of 16 bits, which lie closer together: there are more pairs of bytes than
 * there are weights in 16 bits. They are emptied before one can be full. */
static void
count_pairs (const guint8 *src, gsize size, guint32 *counters)
{
  enum
  {
    MOST = 65535 / 32 * 64 /* bytes */
  };
  guint16 *small = stats_scratch ()->small;
  gsize i = 0;

  while (i + 64 <= size)
    {
      gsize end = MIN (i + MOST, size);
      for (; i + 64 <= end; i += 64)
        COUNT_LINE (small, src + i)
      empty_small (small, counters);
    }
  stats_count_16 (src + i, size - i, counters);
}

/* Into eight tables of 256. */
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
  gsize i = 0;

  for (; i + 8 <= size; i += 6)
    {
      guint64 v = load (src + i);
      counters[v & 0xfff]++;
      counters[4096 + ((v >> 12) & 0xfff)]++;
      counters[(v >> 24) & 0xfff]++;
      counters[4096 + ((v >> 36) & 0xfff)]++;
    }
  for (; i + 3 <= size; i += 3)
    {
      guint32 group = src[i] | src[i + 1] << 8 | (guint32) src[i + 2] << 16;
      counters[group & 0xfff]++;
      counters[4096 + (group >> 12)]++;
    }
}

void
stats_count_drain (guint32 *counters, gsize n, guint64 *counts)
{
  for (gsize i = 0; i < n; i++)
    counts[i] += counters[i];
  memset (counters, 0, n * sizeof *counters);
}

/* ---- a whole tensor ---- */

#define PAIRS_FROM (256u << 10) /* bytes; from here on pairs of bytes are counted */

typedef struct
{
  void (*count) (const guint8 *src, gsize size, guint32 *counters);
  guint n_tables;
  gsize n_codes; /* as counted: bytes for 4 bits, pairs for 6 bits, or pairs of bytes */
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
  for (guint i = 0; i < pass->n_tables; i++)
    stats_count_drain (worker->counters + i * pass->n_codes, pass->n_codes, pass->counts);
}

/* Counts of pairs to counts of their two halves of @bits. */
static void
split_pairs (const guint64 *pairs, guint bits, guint64 *counts)
{
  gsize n = (gsize) 1 << bits;
  for (gsize high = 0; high < n; high++)
    for (gsize low = 0; low < n; low++)
      {
        guint64 count = pairs[high << bits | low];
        counts[low] += count;
        counts[high] += count;
      }
}

/* Bytes: all pairs of them, and the last of an odd number. */
static gboolean
count_bytes (StatsReader *reader,
             const StatsPass *vtable,
             guint64 *counts,
             GError **error)
{
  CodePass pass = { count_8, 8, 256, counts };
  guint8 last;

  if (reader->size < PAIRS_FROM)
    return stats_reader_run (reader, vtable, &pass, error);
  g_autofree guint64 *pairs = g_new0 (guint64, STATS_N_CODES);
  StatsReader even = *reader;
  pass = (CodePass){ count_pairs, 1, STATS_N_CODES, pairs };
  even.size = reader->size / 2 * 2;
  if (!stats_reader_run (&even, vtable, &pass, error))
    return FALSE;
  split_pairs (pairs, 8, counts);
  if (even.size < reader->size)
    {
      if (!st_file_read (reader->file, reader->begin + even.size, 1, &last, error))
        return FALSE;
      counts[last]++;
    }
  reader->passes = even.passes;
  return TRUE;
}

gboolean
stats_count_codes (StatsReader *reader, StDtype dtype, guint64 *counts, GError **error)
{
  static const StatsPass code_pass = { code_begin, code_piece, code_flush, g_free };
  guint64 pairs[4096] = { 0 };
  guint bits = st_dtype_bits (dtype);
  CodePass pass = { stats_count_16, 1, STATS_N_CODES, counts };

  if (bits == 8)
    return count_bytes (reader, &code_pass, counts, error);
  if (bits == 4)
    {
      if (!count_bytes (reader, &code_pass, pairs, error))
        return FALSE;
      split_pairs (pairs, bits, counts);
      return TRUE;
    }
  if (bits == 6)
    pass = (CodePass){ count_6, 2, 4096, pairs };
  if (!stats_reader_run (reader, &code_pass, &pass, error))
    return FALSE;
  if (bits == 6)
    split_pairs (pairs, bits, counts);
  return TRUE;
}
