/* nn-weight-quant.c: weights in 8 bits: 32 values of a column share a scale (q8_0)
 *
 * Half the memory of 16 bits, for an error of at most 1/254 of the largest of the 32. The
 * kernels multiply by the scale when they load (shaders/include/matrix.glsl). Done by the
 * host on every device: it happens once, and only where memory is short.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-context-private.h"
#include "nn/nn-ref-private.h"

#include <math.h>
#include <string.h>

#define BLOCK_COLUMNS 16u

typedef struct
{
  const NnWeight *weight;
  const float *values; /* [out][in][taps] */
  guint32 *words;      /* [rows / 4][pitch], row 4i in the low byte */
  float *scales;       /* [rows / 32][pitch] */
  guint taps, padded_in, rows, pitch;
} Job;

static float
value_at (const Job *job, guint row, guint column)
{
  guint tap = row / job->padded_in, k = row - tap * job->padded_in;

  if (k >= job->weight->in)
    return 0;
  return job->values[((gsize) column * job->weight->in + k) * job->taps + tap];
}

static void
quantize_column (const Job *job, guint column)
{
  for (guint first = 0; first < job->rows; first += NN_Q8_ROWS)
    {
      guint n = MIN (NN_Q8_ROWS, job->rows - first);
      float v[NN_Q8_ROWS];
      float most = 0;

      for (guint i = 0; i < n; i++)
        {
          v[i] = value_at (job, first + i, column);
          most = MAX (most, fabsf (v[i]));
        }
      job->scales[(gsize) (first / NN_Q8_ROWS) * job->pitch + column] = most / 127;
      for (guint i = 0; i < n; i++)
        {
          int q = most > 0 ? (int) lrintf (v[i] * (127 / most)) : 0;
          guint row = first + i;

          job->words[(gsize) (row / 4) * job->pitch + column] |= (guint32) (q & 0xff)
                                                                 << (row % 4 * 8);
        }
    }
}

static void
quantize_block (guint64 index, gpointer data)
{
  const Job *job = data;
  guint first = (guint) index * BLOCK_COLUMNS;

  for (guint i = first; i < MIN (first + BLOCK_COLUMNS, job->weight->out); i++)
    quantize_column (job, i);
}

gboolean
nn_weight_quantize (const NnWeight *weight,
                    const guint8 *raw,
                    GpuBuffer *to,
                    GError **error)
{
  guint64 bytes = nn_weight_device_bytes (weight), count = 0, done = 0;
  Job job = { .weight = weight,
              .taps = weight->kind == NN_WEIGHT_CONV3 ? 9 : 1,
              .padded_in = nn_pad4 (weight->in),
              .pitch = nn_pad4 (weight->out) };
  g_autofree float *values = NULL;
  g_autofree guint32 *words = NULL;

  for (guint i = 0; i < weight->n_parts; i++)
    count += nn_weight_part_count (weight, i);
  values = nn_alloc (count, sizeof *values, weight->name, error);
  words = values != NULL ? nn_alloc (bytes, 1, weight->name, error) : NULL;
  if (words == NULL)
    return FALSE;
  for (guint i = 0; i < weight->n_parts; i++)
    {
      guint64 n = nn_weight_part_count (weight, i);

      nn_values_to_float (weight->parts[i].type, raw, n, values + done);
      raw += n * nn_type_bytes (weight->parts[i].type);
      done += n;
    }
  memset (words, 0, bytes);
  job.rows = job.taps * job.padded_in;
  job.values = values;
  job.words = words;
  job.scales = (float *) (words + (gsize) job.rows / 4 * job.pitch);
  nn_ref_parallel ((weight->out + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS, 8.0 * count,
                   quantize_block, &job);
  return gpu_buffer_write (to, 0, words, bytes, error);
}
