/* nn-emit-bind.c: where tensors, weights and scratch lie, as bindings of a dispatch
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-context-private.h"

static GpuBinding
in_arena (const NnEmit *emit, guint64 offset, guint64 bytes, GpuBindKind kind)
{
  GpuBuffer *page = emit->arena->pdata[offset / emit->arena_page];

  return (GpuBinding){ page, offset % emit->arena_page, bytes, kind };
}

static GpuBinding
of_tensor (
    const NnEmit *emit, const NnTensor *x, guint64 begin, guint64 bytes, GpuBindKind kind)
{
  if (x->state != NULL)
    return (GpuBinding){ x->state->buffer, begin, bytes, kind };
  return in_arena (emit, x->offset + begin, bytes, kind);
}

GpuBinding
nn_emit_read (const NnEmit *emit, const NnTensor *x)
{
  NnType type = nn_emit_type (emit, x);
  guint64 elements = x->lazy ? (guint64) x->window_rows * x->w * nn_pad4 (x->c)
                             : nn_tensor_elements (x);

  return of_tensor (emit, x, 0, elements * nn_type_bytes (type),
                    type == NN_F16 ? GPU_BIND_TEXEL_F16X4 : GPU_BIND_TEXEL_F32X4);
}

GpuBinding
nn_emit_write (const NnEmit *emit, const NnTensor *x, guint64 first, guint64 count)
{
  guint64 row = (guint64) nn_pad4 (x->c) * nn_type_bytes (nn_emit_type (emit, x));

  if (x->lazy)
    first -= (guint64) x->window_first * x->w;
  return of_tensor (emit, x, first * row, count * row, GPU_BIND_STORAGE);
}

GpuBinding
nn_emit_weight (const NnEmit *emit, const NnWeight *weight)
{
  if (weight->window != NULL)
    return (GpuBinding){ weight->window, weight->window_offset,
                         nn_weight_device_bytes (weight),
                         weight->stored == NN_F32 ? GPU_BIND_TEXEL_F32X4
                                                  : GPU_BIND_TEXEL_U32X4 };
  return (GpuBinding){ weight->buffer, weight->offset, weight->bytes,
                       weight->stored == NN_F32 ? GPU_BIND_TEXEL_F32X4
                                                : GPU_BIND_TEXEL_U32X4 };
}

GpuBinding
nn_emit_scratch (const NnEmit *emit, const NnOp *op)
{
  return in_arena (emit, op->scratch_offset, op->scratch_bytes, GPU_BIND_STORAGE);
}
