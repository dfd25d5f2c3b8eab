/* bench-stats.c: gigabytes a second of exact statistics, per type
 *
 * bench-stats [MEGABYTES [TYPE]]: each type from a cached file of that size (512), best
 * of twelve; then 100,000 small tensors, best of three. One line each: type, seconds,
 * GB/s of file, and of each second of a core. "moments" is the first reading alone:
 * smallest and largest, mean, deviation, special values.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-half.h"
#include "stats/stats-private.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define SMALL 1024
#define N_SMALL 100000
#define N_WEIGHTS (1 << 20)

static float *
make_weights (gsize n)
{
  float *values = g_new (float, n);
  guint64 state = 1;

  for (gsize i = 0; i < n; i++)
    {
      gint sum = 0;
      state = state * G_GUINT64_CONSTANT (6364136223846793005) + 1442695040888963407;
      for (guint k = 0; k < 4; k++)
        sum += (gint) ((state >> (16 * k)) & 0xffff) - 32768;
      values[i] = (float) sum * (0.02f / 37837.f);
    }
  return values;
}

/* The nearest of the 256 values. */
static guint8
nearest_f8 (StDtype dtype, float weight)
{
  guint8 best = 0;
  float least = INFINITY;

  for (guint code = 0; code < 256; code++)
    {
      const guint8 byte = (guint8) code;
      float value;
      st_dtype_to_float (dtype, &byte, 0, 1, &value);
      if (fabsf (value - weight) < least)
        {
          least = fabsf (value - weight);
          best = byte;
        }
    }
  return best;
}

/* One weight in the type; for integers 10^6 or, of 8 bits, 1,000 times it. */
static void
put (StDtype dtype, float weight, guint8 *dst)
{
  double wide = (double) weight;
  gint64 whole = (gint64) (weight * (st_dtype_bits (dtype) > 8 ? 1e6f : 1e3f));
  guint16 half = base_half_from_float (weight);

  switch (dtype)
    {
    case ST_DTYPE_F32:
    case ST_DTYPE_C64:
      memcpy (dst, &weight, 4);
      break;
    case ST_DTYPE_F64:
      memcpy (dst, &wide, 8);
      break;
    case ST_DTYPE_BF16:
      half = base_bf16_from_float (weight);
      memcpy (dst, &half, 2);
      break;
    case ST_DTYPE_F16:
      memcpy (dst, &half, 2);
      break;
    case ST_DTYPE_F8_E4M3:
    case ST_DTYPE_F8_E5M2:
      *dst = nearest_f8 (dtype, weight);
      break;
    default:
      memcpy (dst, &whole, st_dtype_bits (dtype) < 8 ? 1 : st_dtype_bits (dtype) / 8);
    }
}

static void
fill (StDtype dtype, const float *weights, guint8 *dst, gsize size)
{
  gsize width = dtype == ST_DTYPE_C64 ? 4 : MAX (st_dtype_bits (dtype) / 8, 1);
  gsize n = MIN (size / width, st_dtype_bits (dtype) == 8 ? N_WEIGHTS / 16 : N_WEIGHTS);

  for (gsize i = 0; i < n; i++)
    put (dtype, weights[i], dst + i * width);
  for (gsize done = n * width; done < size; done += n * width)
    memcpy (dst + done, dst, MIN (n * width, size - done));
}

/* Of all threads together: other programs on the machine do not count. */
static double
processor_seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* Of a clock and of the processor. */
static void
once (StFile *file, double *wall, double *busy)
{
  gint64 start = g_get_monotonic_time ();
  double busy_start = processor_seconds ();
  for (guint i = 0; i < st_file_n_tensors (file); i++)
    stats_tensor_unref (
        stats_tensor_compute (file, st_file_tensor (file, i), NULL, NULL));
  *wall = MIN (*wall, (double) (g_get_monotonic_time () - start) / G_TIME_SPAN_SECOND);
  *busy = MIN (*busy, processor_seconds () - busy_start);
}

static void
first_reading (StFile *file, double *wall, double *busy)
{
  const StTensor *tensor = st_file_tensor (file, 0);
  StatsReader reader = { .file = file,
                         .begin = tensor->begin,
                         .size = tensor->end - tensor->begin,
                         .width = st_dtype_bits (tensor->dtype) / 8,
                         .n_passes = 1 };
  g_autoptr (StatsTensor) stats = stats_tensor_new (tensor->dtype);
  gint64 start = g_get_monotonic_time ();
  double busy_start = processor_seconds ();

  stats_first_reading (stats, &reader, NULL);
  *wall = MIN (*wall, (double) (g_get_monotonic_time () - start) / G_TIME_SPAN_SECOND);
  *busy = MIN (*busy, processor_seconds () - busy_start);
}

/* One chart of 512 bins and one row, in milliseconds. */
static void
measure_charts (StFile *file)
{
  g_autoptr (StatsTensor) stats
      = stats_tensor_compute (file, st_file_tensor (file, 0), NULL, NULL);
  const StatsSummary *s = stats_tensor_summary (stats);
  float heights[STATS_ROW_BINS];
  StatsHistogram histogram;
  double start = processor_seconds (), middle;

  for (guint i = 0; i < 100; i++)
    stats_tensor_histogram (stats, STATS_SCALE_SYMLOG, s->min, s->max, 512, &histogram);
  middle = processor_seconds ();
  for (guint i = 0; i < 100; i++)
    stats_tensor_row (stats, s->quantiles[0], s->quantiles[8], heights);
  g_print ("%-12s %8.3f ms a chart, %.3f ms a row\n", "", (middle - start) * 10,
           (processor_seconds () - middle) * 10);
}

static void
measure (const char *name, const char *path, const StWriteTensor *tensors, guint n)
{
  g_autoptr (GError) error = NULL;
  double wall = INFINITY, busy = INFINITY;

  if (!st_write (path, tensors, n, NULL, &error))
    g_error ("%s", error->message);
  g_autoptr (StFile) file = st_file_open (path, NULL, &error);
  if (file == NULL)
    g_error ("%s", error->message);
  for (guint i = 0; i < (n == 1 ? 12 : 3); i++)
    once (file, &wall, &busy);
  double size = (double) st_file_data_bytes (file) / 1e9;
  g_print ("%-12s %8.3f s %7.2f GB/s %8.2f GB/s a core\n", name, wall, size / wall,
           size / busy);
  if (n == 1)
    measure_charts (file);
  if (n == 1 && st_dtype_bits (tensors->dtype) >= 32)
    {
      wall = busy = INFINITY;
      for (guint i = 0; i < 12; i++)
        first_reading (file, &wall, &busy);
      g_print ("%-12s %8.3f s %7.2f GB/s %8.2f GB/s a core\n", "  moments", wall,
               size / wall, size / busy);
    }
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  static const StDtype types[]
      = { ST_DTYPE_F4,      ST_DTYPE_F6_E2M3, ST_DTYPE_I8,  ST_DTYPE_F8_E4M3,
          ST_DTYPE_F8_E5M2, ST_DTYPE_BF16,    ST_DTYPE_F16, ST_DTYPE_I32,
          ST_DTYPE_F32,     ST_DTYPE_C64,     ST_DTYPE_F64, ST_DTYPE_I64 };
  gsize size = (argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 512) * 960000;
  g_autofree float *weights = make_weights (N_WEIGHTS);
  g_autofree guint8 *data = g_malloc (MAX (size, N_SMALL * SMALL * 2));
  g_autofree char *folder = g_dir_make_tmp ("bench-stats-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "x.safetensors", NULL);
  const guint64 small = SMALL;
  g_autofree StWriteTensor *many = g_new0 (StWriteTensor, N_SMALL);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      guint64 n = size * 8 / st_dtype_bits (types[i]);
      if (argc > 2 && strcmp (argv[2], st_dtype_name (types[i])) != 0)
        continue;
      const StWriteTensor tensor = { "x", types[i], 1, &n, data };
      fill (types[i], weights, data, size);
      measure (st_dtype_name (types[i]), path, &tensor, 1);
    }
  if (argc > 2 && strcmp (argv[2], "small") != 0)
    return g_rmdir (folder);
  fill (ST_DTYPE_F16, weights, data, N_SMALL * SMALL * 2);
  for (guint i = 0; i < N_SMALL; i++)
    many[i] = (StWriteTensor){ g_strdup_printf ("t%u", i), ST_DTYPE_F16, 1, &small,
                               data + (gsize) i * SMALL * 2 };
  measure ("small F16", path, many, N_SMALL);
  g_rmdir (folder);
  return 0;
}
