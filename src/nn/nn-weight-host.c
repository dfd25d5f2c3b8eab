/* nn-weight-host.c: the repack shader's work by the host, for devices that are the host
 *
 * A CPU device spends a CPU-second on 0.1 G values in the shader, whose reads are
 * scattered, and on 0.45 G here, in blocks that stay in the cache (measured with reading,
 * lavapipe of Mesa 22.3); and no kernel has to be compiled for it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-context-private.h"
#include "nn/nn-ref-private.h"

#include <string.h>
#include "base/base-half.h"

#define BLOCK 16

/* One part: codes [out][in][taps] → rows of the device's layout, from its first column
 * on. */
typedef struct
{
  const void *codes;
  guint32 *dst;
  gsize pitch; /* words in a row */
  guint in, out, taps, rows_per_tap;
  gboolean pairs; /* 16-bit codes, two rows to a word */
} Job;

NN_REF_VECTOR static void
place_words (const Job *job, guint first, guint end)
{
  const guint32 *src = job->codes;
  gsize stride = (gsize) job->in * job->taps;

  for (guint o0 = 0; o0 < job->out; o0 += BLOCK)
    for (guint k = first; k < end; k++)
      for (guint tap = 0; tap < job->taps; tap++)
        {
          const guint32 *from = src + o0 * stride + (gsize) k * job->taps + tap;
          guint32 *to
              = job->dst + ((gsize) tap * job->rows_per_tap + k) * job->pitch + o0;
          guint n = MIN (job->out - o0, BLOCK);

          for (guint o = 0; o < n; o++)
            to[o] = from[o * stride];
        }
}

NN_REF_VECTOR static void
place_pairs (const Job *job, guint first, guint end)
{
  const guint16 *src = job->codes;
  gsize stride = (gsize) job->in * job->taps;

  for (guint o0 = 0; o0 < job->out; o0 += BLOCK)
    for (guint k = first; k < end; k += 2)
      for (guint tap = 0; tap < job->taps; tap++)
        {
          const guint16 *from = src + o0 * stride + (gsize) k * job->taps + tap;
          gsize odd = k + 1 < job->in ? job->taps : 0;
          guint32 keep = odd != 0 ? 0xffff : 0;
          guint32 *to
              = job->dst + ((gsize) tap * job->rows_per_tap + k / 2) * job->pitch + o0;
          guint n = MIN (job->out - o0, BLOCK);

          for (guint o = 0; o < n; o++)
            to[o] = from[o * stride] | (from[o * stride + odd] & keep) << 16;
        }
}

/* Input channels of one block, all taps and all outputs. */
static void
place_block (guint64 index, gpointer data)
{
  const Job *job = data;
  guint first = (guint) index * BLOCK;
  guint end = MIN (first + BLOCK, job->in);

  if (job->pairs)
    place_pairs (job, first, end);
  else
    place_words (job, first, end);
}

/* @n codes of @from as codes of @to. */
static void *
convert (NnType from, NnType to, const void *src, gsize n)
{
  float *values = g_new (float, n);
  guint16 *codes
      = (guint16 *) values; /* a code never overtakes the value it comes from */

  nn_values_to_float (from, src, n, values);
  for (gsize i = 0; to != NN_F32 && i < n; i++)
    {
      float v = values[i];
      codes[i] = to == NN_F16 ? base_half_from_float (CLAMP (v, -65504.0f, 65504.0f))
                              : base_bf16_from_float (v);
    }
  return values;
}

/**
 * nn_weight_repack_host:
 * @raw: the parts one behind the other as in the file
 * @dst: the weight's place
 */
void
nn_weight_repack_host (const NnWeight *weight, const guint8 *raw, guint32 *dst)
{
  gboolean vector = weight->kind == NN_WEIGHT_VECTOR;
  Job job = { .dst = dst,
              .pitch = nn_pad4 (weight->out),
              .in = weight->in,
              .taps = weight->kind == NN_WEIGHT_CONV3 ? 9 : 1,
              .pairs = weight->stored != NN_F32 };

  job.rows_per_tap = vector ? 1 : nn_pad4 (weight->in) / (job.pairs ? 2 : 1);
  if (weight->out % 4 != 0 || (!vector && weight->in % 4 != 0))
    memset (dst, 0, weight->bytes);
  for (guint i = 0; i < weight->n_parts; i++)
    {
      const NnWeightPart *part = &weight->parts[i];
      guint64 n = nn_weight_part_count (weight, i);
      gboolean as_is = part->type == weight->stored
                       && GPOINTER_TO_SIZE (raw) % nn_type_bytes (part->type) == 0;
      g_autofree void *converted
          = as_is ? NULL : convert (part->type, weight->stored, raw, n);

      job.codes = as_is ? (const void *) raw : converted;
      job.out = part->out;
      nn_ref_parallel ((job.in + BLOCK - 1) / BLOCK, 4.0 * n, place_block, &job);
      job.dst += part->out;
      raw += n * nn_type_bytes (part->type);
    }
}
