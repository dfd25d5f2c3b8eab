/* test-stats-tensor.c: exactness, threads, cancelling, groups, text
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats-fixture.h"
#include "stats/stats-private.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static int
compare_floats (gconstpointer a, gconstpointer b)
{
  float x = *(const float *) a, y = *(const float *) b;
  return x < y ? -1 : x > y;
}

/* Quantiles of a large tensor are those of the sorted one, also when nearly all values
 * share a cell. */
static void
test_large_quantiles (void)
{
  gsize n = 1500000;
  g_autofree float *data = fixture_floats (n, 7);
  for (guint kind = 0; kind < 3; kind++)
    {
      for (gsize i = 0; kind > 0 && i < n; i++)
        data[i] = kind == 1 ? 1.0f + data[i] * 1e-4f : 0.1f;
      g_autoptr (StatsTensor) stats = fixture_stats (ST_DTYPE_F32, data, n);
      const StatsSummary *s = stats_tensor_summary (stats);
      qsort (data, n, sizeof *data, compare_floats);
      g_assert_cmpfloat (s->min, ==, data[0]);
      g_assert_cmpfloat (s->max, ==, data[n - 1]);
      if (kind == 2)
        {
          g_assert_cmpfloat (s->mean, ==, (double) 0.1f);
          g_assert_cmpfloat (s->std, ==, 0);
        }
      for (guint i = 0; i < STATS_N_QUANTILES; i++)
        g_assert_cmpfloat (
            s->quantiles[i], ==,
            data[(gsize) floor (stats_quantile_levels[i] * (double) (n - 1))]);
    }
}

static void
assert_same (const StatsTensor *a, const StatsTensor *b)
{
  g_assert_cmpmem (&a->summary, sizeof a->summary, &b->summary, sizeof b->summary);
  g_assert_cmpmem (a->cells.bytes, a->cells.size, b->cells.bytes, b->cells.size);
}

/* Several at once leave each other's helpers late or away; the bits stay. */
typedef struct
{
  StFile *file;
  StatsTensor *stats;
} Competitor;

static gpointer
compete (gpointer data)
{
  Competitor *competitor = data;
  competitor->stats = stats_tensor_compute (
      competitor->file, st_file_tensor (competitor->file, 0), NULL, NULL);
  return NULL;
}

static void
test_threads (void)
{
  const StDtype types[] = { ST_DTYPE_F32, ST_DTYPE_F64, ST_DTYPE_I64, ST_DTYPE_BF16 };
  gsize size = 24 * 1000 * 1000;
  g_autofree guint8 *raw = fixture_narrow (ST_DTYPE_F32, size);

  for (guint t = 0; t < G_N_ELEMENTS (types); t++)
    {
      guint64 n = size / (st_dtype_bits (types[t]) / 8);
      StFile *file = fixture_file (types[t], raw, n);
      Competitor competitors[4];
      GThread *threads[4];
      for (guint i = 0; i < 4; i++)
        {
          competitors[i].file = file;
          threads[i] = g_thread_new ("test", compete, &competitors[i]);
        }
      for (guint i = 0; i < 4; i++)
        {
          g_thread_join (threads[i]);
          assert_same (competitors[0].stats, competitors[i].stats);
        }
      for (guint i = 0; i < 4; i++)
        stats_tensor_unref (competitors[i].stats);
      fixture_file_free (file);
    }
}

/* What lies beyond the end of a damaged file gives an error, however large it says it is;
 * what lies within has its statistics. */
static void
test_beyond_the_end (void)
{
  g_autofree guint8 *data = fixture_raw (1 << 20);
  StFile *file = fixture_file (ST_DTYPE_F32, data, 1 << 18);
  g_autoptr (GError) error = NULL;
  StTensor tensor = *st_file_tensor (file, 0);

  tensor.end = G_GUINT64_CONSTANT (1) << 61;
  g_assert_null (stats_tensor_compute (file, &tensor, NULL, &error));
  g_assert_error (error, ST_ERROR, ST_ERROR_METADATA_INCOMPLETE_BUFFER);
  fixture_file_free (file);
}

/* Bytes are counted in pairs where there are many: the counts are those of bytes, with an
 * odd one at the end too. */
static void
test_many_bytes (void)
{
  const gsize sizes[] = { 262144, 1500001, 7000003 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      gsize n = sizes[i];
      guint64 counts[256] = { 0 }, zeros = 0;
      double bits = 0;
      g_autofree guint8 *data = fixture_raw (n);
      memset (data + n / 2, 7, n / 4); /* more of one pair than 16 bits count */
      data[n - 1] = 201;
      for (gsize k = 0; k < n; k++)
        {
          counts[data[k]]++;
          zeros += (data[k] & 15 & 7) == 0;
          zeros += (data[k] >> 4 & 7) == 0;
        }
      for (guint k = 0; k < 256; k++)
        bits -= (double) counts[k] / (double) n * log2 ((double) counts[k] / (double) n);
      g_autoptr (StatsTensor) bytes = fixture_stats (ST_DTYPE_U8, data, n);
      g_autoptr (StatsTensor) nibbles = fixture_stats (ST_DTYPE_F4, data, 2 * n);
      const StatsSummary *s = stats_tensor_summary (bytes);
      g_assert_cmpuint (s->count, ==, n);
      g_assert_cmpuint (s->zero, ==, counts[0]);
      g_assert_cmpuint (s->distinct, ==, 256);
      g_assert_cmpfloat_with_epsilon (s->entropy_bits, bits, 1e-12);
      guint64 cell, count, at = 0;
      StatsCellIter iter;
      stats_cells_iter (&bytes->cells, &iter);
      for (; stats_cells_next (&iter, &cell, &count); at++)
        {
          g_assert_cmpuint (cell, ==, at);
          g_assert_cmpuint (count, ==, counts[at]);
        }
      g_assert_cmpuint (at, ==, 256);
      g_assert_cmpuint (stats_tensor_summary (nibbles)->count, ==, 2 * n);
      g_assert_cmpuint (stats_tensor_summary (nibbles)->zero, ==, zeros);
    }
}

/* A tensor that does not lie at a multiple of its width is read, not looked at; a chunk
 * that is looked at gives the bits of one that is read. */
static void
test_unaligned (void)
{
  const StDtype types[] = { ST_DTYPE_F32, ST_DTYPE_I64, ST_DTYPE_F16 };
  const gsize size = 7000 * 1000;
  g_autofree guint8 *data = fixture_narrow (ST_DTYPE_F32, size);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      guint64 n = size / (st_dtype_bits (types[i]) / 8);
      StFile *file = fixture_file (types[i], data, n);
      g_autoptr (StatsTensor) straight
          = stats_tensor_compute (file, st_file_tensor (file, 0), NULL, NULL);
      g_autofree guint8 *shifted = g_malloc (size + 1);
      memcpy (shifted + 1, data, size);
      StFile *other = fixture_file (ST_DTYPE_U8, shifted, size + 1);
      StTensor tensor = *st_file_tensor (other, 0);
      tensor.dtype = types[i];
      tensor.begin++;
      tensor.count = n;
      g_autoptr (StatsTensor) crooked = stats_tensor_compute (other, &tensor, NULL, NULL);
      assert_same (straight, crooked);
      fixture_file_free (file);
      fixture_file_free (other);
    }
}

/* The vector code gives the bits of the definition: sixteen lanes, added as a tree. */
static void
test_block_definition (void)
{
  double values[STATS_BLOCK], lanes[16] = { 0 }, first[16] = { 0 }, second[16] = { 0 };
  gsize n = 1000;
  StatsMoments moments = { 0 };

  for (gsize i = 0; i < n; i++)
    values[i] = (double) (gint64) fixture_word (i) * 0x1p-60 + 3;
  for (gsize i = 0; i < n; i++)
    lanes[i % 16] += values[i];
#define TREE(x)                                                                          \
  ((((x[0] + x[8]) + (x[4] + x[12])) + ((x[1] + x[9]) + (x[5] + x[13])))                 \
   + (((x[2] + x[10]) + (x[6] + x[14])) + ((x[3] + x[11]) + (x[7] + x[15]))))
  double mean = TREE (lanes) / (double) n;
  for (gsize i = 0; i < n; i++)
    {
      double d = values[i] - mean;
      first[i % 16] += d;
      second[i % 16] += d * d;
    }
  double sum = TREE (first), squares = TREE (second);
  stats_moments_add_block (&moments, ST_DTYPE_F64, values, n, NULL);
  g_assert_cmpfloat (moments.mean, ==, mean);
  g_assert_cmpfloat (moments.mean_lo, ==, sum / (double) n);
  g_assert_cmpfloat (moments.m2.hi, ==, squares - sum * (sum / (double) n));
}

/* Integers beyond what a double holds: 0 … 100 over and over at either end of the range,
 * sorted and counted. Their variance is (101² − 1) / 12. */
static void
test_far_integers (void)
{
  const struct
  {
    StDtype dtype;
    guint64 code;
    double value;
  } bases[] = {
    { ST_DTYPE_U64, G_MAXUINT64 - 100, 0x1p64 },
    { ST_DTYPE_U64, (G_GUINT64_CONSTANT (1) << 53) + 1, 0x1p53 + 51 },
    { ST_DTYPE_I64, G_MAXINT64 - 100, 0x1p63 },
    { ST_DTYPE_I64, (guint64) G_MININT64, -0x1p63 },
    { ST_DTYPE_I64, (guint64) -50, 0 },
  };
  const gsize counts[] = { 101 * 9, 101 * 1000 };

  for (guint b = 0; b < G_N_ELEMENTS (bases); b++)
    for (guint c = 0; c < G_N_ELEMENTS (counts); c++)
      {
        g_autofree guint64 *data = g_new (guint64, counts[c]);
        for (gsize i = 0; i < counts[c]; i++)
          data[i] = bases[b].code + i % 101;
        g_autoptr (StatsTensor) stats = fixture_stats (bases[b].dtype, data, counts[c]);
        const StatsSummary *s = stats_tensor_summary (stats);
        /* a mean of 0 is that of values up to 50: it need not cancel to the last bit */
        g_assert_cmpfloat_with_epsilon (s->mean, bases[b].value, 1e-15);
        g_assert_cmpfloat_with_epsilon (s->std, sqrt (850), 1e-12);
      }
}

static void
cancel_soon (const char *stage, guint64 done, guint64 total, gpointer cancellable)
{
  g_assert_cmpstr (stage, ==, "statistics");
  g_assert_cmpuint (done, <=, total);
  g_cancellable_cancel (cancellable);
}

static void
test_cancel (void)
{
  gsize n = 30 * 1000 * 1000;
  g_autofree guint8 *data = g_malloc0 (n);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  BaseTask task = { cancellable, cancel_soon, cancellable };
  g_autoptr (GError) error = NULL;
  StFile *file = fixture_file (ST_DTYPE_U8, data, n);

  g_assert_null (stats_tensor_compute (file, st_file_tensor (file, 0), &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (stats_tensor_compute (file, st_file_tensor (file, 0), &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  fixture_file_free (file);
  /* Counters that a cancelled run left behind must not show in the next one. */
  g_autoptr (StatsTensor) stats = fixture_stats (ST_DTYPE_U8, data, 100);
  g_assert_cmpuint (stats_tensor_summary (stats)->count, ==, 100);
}

static void
note_progress (const char *stage, guint64 done, guint64 total, gpointer last)
{
  double share = (double) done / (double) total;
  g_assert_cmpfloat (share, >=, *(double *) last);
  *(double *) last = share;
}

static void
test_progress (void)
{
  const StDtype types[] = { ST_DTYPE_F32, ST_DTYPE_I32, ST_DTYPE_F64, ST_DTYPE_U8 };
  g_autofree guint8 *raw = fixture_raw (16000000);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      double last = 0;
      BaseTask task = { NULL, note_progress, &last };
      guint64 n = 16000000 / (st_dtype_bits (types[i]) / 8);
      StFile *file = fixture_file (types[i], raw, n);
      StatsTensor *stats
          = stats_tensor_compute (file, st_file_tensor (file, 0), &task, NULL);
      g_assert_nonnull (stats);
      g_assert_cmpfloat (last, ==, 1);
      stats_tensor_unref (stats);
      fixture_file_free (file);
    }
}

static void
test_file_cut_short (void)
{
  g_autofree guint8 *raw = fixture_raw (20000000);
  g_autoptr (GError) error = NULL;
  StFile *file = fixture_file (ST_DTYPE_F32, raw, 5000000);

  g_assert_cmpint (truncate (st_file_path (file), 9000000), ==, 0);
  g_assert_null (stats_tensor_compute (file, st_file_tensor (file, 0), NULL, &error));
  g_assert_error (error, ST_ERROR, ST_ERROR_CHANGED);
  fixture_file_free (file);
}

static void
check_text (StDtype dtype,
            const void *data,
            guint64 n,
            const char *min,
            const char *max,
            const char *json)
{
  g_autoptr (StatsTensor) stats = fixture_stats (dtype, data, n);
  g_autofree char *low = stats_tensor_format_value (stats, STATS_VALUE_MIN, 0);
  g_autofree char *high = stats_tensor_format_value (stats, STATS_VALUE_MAX, 0);
  g_autoptr (BaseJson) writer = base_json_new (FALSE);

  g_assert_cmpstr (low, ==, min);
  g_assert_cmpstr (high, ==, max);
  base_json_begin_object (writer);
  stats_tensor_write_json (stats, writer);
  base_json_end_object (writer);
  g_autofree char *text = base_json_steal (writer, NULL);
  g_assert_cmpstr (text, ==, json);
}

static void
test_text (void)
{
  const gint64 wide[3] = { G_MININT64, 5, G_MAXINT64 };
  const guint64 natural[1] = { G_MAXUINT64 };
  const guint8 truth[2] = { 0, 9 };
  const float floats[4] = { 0.1f, -0.0f, NAN, INFINITY };

  check_text (
      ST_DTYPE_I64, wide, 3, "-9223372036854775808", "9223372036854775807",
      "{\"count\":3,\"nan\":0,\"pos_inf\":0,\"neg_inf\":0,\"zero\":0,"
      "\"subnormal\":0,\"distinct\":null,\"entropy_bits\":null,"
      "\"min\":-9223372036854775808,\"max\":9223372036854775807,"
      "\"mean\":1.3333333333333333,\"std\":7.530851732716321e+18,"
      "\"quantiles\":{\"0.01\":-9223372036854775808,\"0.05\":-9223372036854775808,"
      "\"0.25\":-9223372036854775808,\"0.5\":5,\"0.75\":5,\"0.95\":5,\"0.99\":5}}");
  check_text (
      ST_DTYPE_U64, natural, 1, "18446744073709551615", "18446744073709551615",
      "{\"count\":1,\"nan\":0,\"pos_inf\":0,\"neg_inf\":0,\"zero\":0,"
      "\"subnormal\":0,\"distinct\":null,\"entropy_bits\":null,"
      "\"min\":18446744073709551615,\"max\":18446744073709551615,"
      "\"mean\":1.8446744073709552e+19,\"std\":0,"
      "\"quantiles\":{\"0.01\":18446744073709551615,\"0.05\":18446744073709551615,"
      "\"0.25\":18446744073709551615,\"0.5\":18446744073709551615,"
      "\"0.75\":18446744073709551615,\"0.95\":18446744073709551615,"
      "\"0.99\":18446744073709551615}}");
  check_text (ST_DTYPE_BOOL, truth, 2, "0", "1",
              "{\"count\":2,\"nan\":0,\"pos_inf\":0,\"neg_inf\":0,\"zero\":1,"
              "\"subnormal\":0,\"distinct\":2,\"entropy_bits\":1,"
              "\"min\":0,\"max\":1,\"mean\":0.5,\"std\":0.5,"
              "\"quantiles\":{\"0.01\":0,\"0.05\":0,\"0.25\":0,\"0.5\":0,\"0.75\":0,"
              "\"0.95\":0,\"0.99\":0}}");
  check_text (ST_DTYPE_F32, floats, 4, "0", "0.10000000149011612",
              "{\"count\":4,\"nan\":1,\"pos_inf\":1,\"neg_inf\":0,\"zero\":1,"
              "\"subnormal\":0,\"distinct\":null,\"entropy_bits\":null,"
              "\"min\":0,\"max\":0.10000000149011612,"
              "\"mean\":0.05000000074505806,\"std\":0.05000000074505806,"
              "\"quantiles\":{\"0.01\":0,\"0.05\":0,\"0.25\":0,\"0.5\":0,\"0.75\":0,"
              "\"0.95\":0,\"0.99\":0}}");
  check_text (ST_DTYPE_F32, floats + 2, 2, NULL, NULL,
              "{\"count\":2,\"nan\":1,\"pos_inf\":1,\"neg_inf\":0,\"zero\":0,"
              "\"subnormal\":0,\"distinct\":null,\"entropy_bits\":null,"
              "\"min\":null,\"max\":null,\"mean\":null,\"std\":null,"
              "\"quantiles\":{\"0.01\":null,\"0.05\":null,\"0.25\":null,\"0.5\":null,"
              "\"0.75\":null,\"0.95\":null,\"0.99\":null}}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stats/tensor/beyond-the-end", test_beyond_the_end);
  g_test_add_func ("/stats/tensor/many-bytes", test_many_bytes);
  g_test_add_func ("/stats/tensor/unaligned", test_unaligned);
  g_test_add_func ("/stats/tensor/large-quantiles", test_large_quantiles);
  g_test_add_func ("/stats/tensor/threads", test_threads);
  g_test_add_func ("/stats/tensor/block-definition", test_block_definition);
  g_test_add_func ("/stats/tensor/far-integers", test_far_integers);
  g_test_add_func ("/stats/tensor/cancel", test_cancel);
  g_test_add_func ("/stats/tensor/progress", test_progress);
  g_test_add_func ("/stats/tensor/file-cut-short", test_file_cut_short);
  g_test_add_func ("/stats/tensor/text", test_text);
  return g_test_run ();
}
