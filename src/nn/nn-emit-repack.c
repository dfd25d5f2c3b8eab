/* nn-emit-repack.c: weights from the file's layout to the device's
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"

/* Rows of one dispatch: at most 65535 groups; bindings begin at multiples of 64 rows,
 * which any device's alignment divides. */
#define MAX_ROWS 65472u

typedef struct
{
  guint taps;
  guint rows;  /* words in a column, all taps */
  guint pitch; /* words in a row */
} Layout;

static Layout
layout_of (const NnWeight *weight)
{
  guint taps = weight->kind == NN_WEIGHT_CONV3 ? 9 : 1;
  guint per_tap = weight->kind == NN_WEIGHT_VECTOR ? 1
                  : weight->stored == NN_F32       ? nn_pad4 (weight->in)
                                                   : nn_pad4 (weight->in) / 2;

  return (Layout){ taps, taps * per_tap, nn_pad4 (weight->out) };
}

guint64
nn_weight_device_bytes (const NnWeight *weight)
{
  Layout layout = layout_of (weight);

  if (weight->stored == NN_Q8)
    {
      guint rows = layout.taps * nn_pad4 (weight->in);

      return (guint64) (rows / 4 + (rows + NN_Q8_ROWS - 1) / NN_Q8_ROWS) * layout.pitch
             * 4;
    }
  return (guint64) layout.rows * layout.pitch * 4;
}

static gboolean
repack_part (const NnEmit *emit,
             const NnWeight *weight,
             guint index,
             guint column0,
             GpuBinding source,
             guint32 source_byte,
             GError **error)
{
  Layout layout = layout_of (weight);
  const NnWeightPart *part = &weight->parts[index];
  guint64 row_bytes = (guint64) layout.pitch * 4;
  guint limit = emit->info->max_storage_range / row_bytes;
  NnRepackParams push = { .source = source_byte,
                          .in_c = weight->in,
                          .out_c = part->out,
                          .taps = layout.taps,
                          .column0 = column0,
                          .pitch = layout.pitch,
                          .rows_per_tap = layout.rows / layout.taps };
  NnDispatch d = { .shader = "repack",
                   .bindings = { source },
                   .n_bindings = 2,
                   .spec = { part->type, weight->stored },
                   .n_spec = 2,
                   .push = &push,
                   .push_size = sizeof push };

  push.columns = index + 1 == weight->n_parts ? layout.pitch - column0 : part->out;
  limit = MAX (MIN (limit, MAX_ROWS) / 64, 1) * 64;
  for (push.row0 = 0; push.row0 < layout.rows; push.row0 += limit)
    {
      guint rows = MIN (limit, layout.rows - push.row0);

      d.bindings[1] = (GpuBinding){ *nn_weight_home ((NnWeight *) weight),
                                    weight->offset + push.row0 * row_bytes,
                                    rows * row_bytes, GPU_BIND_STORAGE };
      d.groups[0] = nn_div_up (push.columns, nn_emit_lanes (emit));
      d.groups[1] = rows;
      d.groups[2] = 1;
      d.flops = 20.0 * rows * push.columns;
      if (!nn_emit_dispatch (emit, NULL, &d, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
nn_emit_repack (const NnEmit *emit,
                const NnWeight *weight,
                GpuBuffer *raw,
                guint64 raw_offset,
                GError **error)
{
  guint64 at = raw_offset;
  guint column0 = 0;

  for (guint i = 0; i < weight->n_parts; i++)
    {
      const NnWeightPart *part = &weight->parts[i];
      guint64 bytes = (guint64) part->out * weight->in * layout_of (weight).taps
                      * (part->type == NN_F32 ? 4 : 2);
      guint64 begin = at - at % MAX (emit->info->texel_alignment, 16);
      GpuBinding source
          = { raw, begin, (at + bytes - begin + 15) / 16 * 16, GPU_BIND_TEXEL_U32X4 };

      if (!repack_part (emit, weight, i, column0, source, at - begin, error))
        return FALSE;
      at += bytes;
      column0 += part->out;
    }
  return TRUE;
}
