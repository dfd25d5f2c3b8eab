/* nn-emit-norm.c: GroupNorm in three stages, LayerNorm in one
 *
 * GroupNorm needs all of a group before it can write anything, and groups cut across
 * columns of four channels, so: sums by channel over chunks of pixels, folded into
 * groups, applied. The statistics lie in the operator's scratch, in fp32.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"

#define MIN_CHUNK 32u   /* pixels */
#define MAX_CHUNKS 256u /* of an image */
#define APPLY_PIXELS 8u /* PIXELS of group-norm-apply.comp */
#define SCRATCH_STEP 4096u

static guint64
pixels_of (const NnTensor *x)
{
  return (guint64) x->h * x->w;
}

static guint32
chunk_of (const NnTensor *x)
{
  return MAX (MIN_CHUNK, nn_div_up (pixels_of (x), MAX_CHUNKS));
}

/* bytes of the partial sums; the statistics begin there */
static guint64
parts_bytes (const NnTensor *y)
{
  guint64 chunks = nn_div_up (pixels_of (y), chunk_of (y));
  guint64 bytes = y->n * chunks * nn_pad4 (y->c) * 2 * sizeof (float);

  return (bytes + SCRATCH_STEP - 1) / SCRATCH_STEP * SCRATCH_STEP;
}

static guint64
stats_bytes (const NnTensor *y)
{
  return (guint64) y->n * nn_pad4 (y->c) * 2 * sizeof (float);
}

guint64
nn_emit_group_norm_scratch (const NnEmit *emit, const NnOp *op)
{
  return parts_bytes (op->y) + stats_bytes (op->y);
}

GpuBinding
nn_emit_group_norm_stats (const NnEmit *emit, const NnOp *op)
{
  GpuBinding stats = nn_emit_scratch (emit, op);

  stats.offset += parts_bytes (op->y);
  stats.size = stats_bytes (op->y);
  return stats;
}

typedef struct
{
  NnSources sources;
  GpuBinding parts, stats;
  NnGroupNormParams push;
} Job;

/* Chunks that begin in rows [begin, end); they may end in a later one. */
static void
chunks_of (const NnTensor *y, guint begin, guint end, guint *first, guint *last)
{
  guint chunk = chunk_of (y);

  *first = nn_div_up ((guint64) begin * y->w, chunk);
  *last = nn_div_up ((guint64) end * y->w, chunk);
}

guint
nn_emit_group_norm_end (const NnTensor *y, guint begin, guint end)
{
  guint first, last;

  chunks_of (y, begin, end, &first, &last);
  return MIN (nn_div_up ((guint64) last * chunk_of (y), y->w), y->h);
}

static gboolean
emit_parts (const NnEmit *emit, const NnOp *op, const Job *whole, GError **error)
{
  Job own = *whole;
  Job *job = &own;
  guint first = 0, last = own.push.chunks;

  if (emit->row_end != 0)
    chunks_of (op->y, emit->row_begin, emit->row_end, &first, &last);
  if (first == last)
    return TRUE;
  if (emit->row_end != 0) /* of one picture and one source */
    {
      own.push.base += first * own.push.chunk * own.push.c4;
      own.push.pixels -= first * own.push.chunk;
      own.push.chunks = last - first;
      own.parts.offset += (guint64) first * own.push.c4 * 2 * 16;
      own.parts.size -= (guint64) first * own.push.c4 * 2 * 16;
    }
  NnDispatch d
      = { .shader = "group-norm-parts",
          .bindings = { job->sources.bindings[0], job->sources.bindings[1], job->parts },
          .n_bindings = 3,
          .spec = { job->sources.split },
          .n_spec = 1,
          .push = &job->push,
          .push_size = sizeof job->push,
          .flops = op->flops * 0.3,
          .bytes
          = nn_op_bytes (emit, op) - nn_emit_bytes (emit, op->y) + job->parts.size };

  d.groups[0] = nn_div_up ((job->push.c4 + job->push.c4_2) * job->push.chunks,
                           nn_emit_lanes (emit));
  d.groups[1] = op->y->n;
  d.groups[2] = 1;
  return nn_emit_dispatch (emit, op, &d, error);
}

static gboolean
emit_fold (const NnEmit *emit, const NnOp *op, Job *job, GError **error)
{
  NnDispatch d = { .shader = "group-norm-fold",
                   .bindings = { job->parts, job->stats },
                   .n_bindings = 2,
                   .push = &job->push,
                   .push_size = sizeof job->push,
                   .groups = { job->push.groups, op->y->n, 1 },
                   .bytes = job->parts.size + job->stats.size };

  return nn_emit_dispatch (emit, op, &d, error);
}

static gboolean
emit_apply (const NnEmit *emit, const NnOp *op, Job *job, GError **error)
{
  const NnGroupNorm *p = &op->group_norm;
  guint columns = job->push.c4 + job->push.c4_2;
  guint per_group = nn_emit_lanes (emit) * APPLY_PIXELS;
  guint64 pixels = job->push.pixels;
  g_autoptr (GArray) parts
      = nn_emit_parts (emit, op->y, op->y->n, pixels, MAX (per_group / columns, 1));
  NnDispatch d
      = { .shader = "group-norm-apply",
          .bindings
          = { job->sources.bindings[0], job->stats, nn_emit_weight (emit, p->gamma),
              nn_emit_weight (emit, p->beta), job->sources.bindings[1] },
          .n_bindings = 6,
          .half = nn_emit_type (emit, op->y) == NN_F16,
          .spec = { job->sources.split, APPLY_PIXELS },
          .n_spec = 2,
          .push = &job->push,
          .push_size = sizeof job->push };

  d.bindings[1].kind = GPU_BIND_TEXEL_F32X4;
  for (guint i = 0; i < parts->len; i++)
    {
      const NnPart *part = &g_array_index (parts, NnPart, i);

      d.bindings[5] = part->output;
      job->push.image0 = part->image0;
      job->push.row0 = part->row0;
      job->push.row_end = part->row0 + part->rows;
      job->push.first = part->first;
      d.groups[0] = nn_div_up ((guint64) nn_div_up (part->rows, APPLY_PIXELS) * columns,
                               nn_emit_lanes (emit));
      d.groups[1] = part->images;
      d.groups[2] = 1;
      d.flops
          = op->flops * 0.7 * part->images * part->rows / ((double) op->y->n * pixels);
      d.bytes = nn_op_bytes (emit, op) * part->images * part->rows
                / ((double) op->y->n * pixels);
      if (!nn_emit_dispatch (emit, op, &d, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
nn_emit_group_norm (const NnEmit *emit, const NnOp *op, GError **error)
{
  const NnGroupNorm *p = &op->group_norm;
  const NnTensor *y = op->y;
  gboolean statistics = emit->statistics || y->folded; /* only these */
  Job job = { .sources = nn_emit_sources (emit, p->x, p->x2),
              .parts = nn_emit_scratch (emit, op),
              .stats = nn_emit_group_norm_stats (emit, op) };

  job.parts.size = parts_bytes (y);
  job.push = (NnGroupNormParams){ .pixels = pixels_of (y),
                                  .c = y->c,
                                  .c4 = nn_pad4 (p->x->c) / 4,
                                  .c4_2 = p->x2 != NULL ? nn_pad4 (p->x2->c) / 4 : 0,
                                  .base = job.sources.base[0],
                                  .base_2 = job.sources.base[1],
                                  .chunk = chunk_of (y),
                                  .chunks = nn_div_up (pixels_of (y), chunk_of (y)),
                                  .groups = p->groups,
                                  .silu = p->silu,
                                  .eps = p->eps };
  if (y->lazy && !emit->statistics)
    return emit_apply (emit, op, &job, error);
  if (!emit_parts (emit, op, &job, error))
    return FALSE;
  if (emit->row_end != 0 && emit->row_end < y->h)
    return TRUE;
  gpu_recording_barrier (emit->recording);
  if (!emit_fold (emit, op, &job, error))
    return FALSE;
  if (statistics)
    return TRUE;
  gpu_recording_barrier (emit->recording);
  return emit_apply (emit, op, &job, error);
}

gboolean
nn_emit_layer_norm (const NnEmit *emit, const NnOp *op, GError **error)
{
  const NnLayerNorm *p = &op->layer_norm;
  guint64 rows = (guint64) op->y->n * op->y->h * op->y->w;
  gboolean across = nn_emit_has_lanes (emit) && emit->info->kind != GPU_KIND_CPU;
  guint group_rows = across ? 1 : nn_emit_lanes (emit);
  g_autoptr (GArray) parts = nn_emit_parts (emit, op->y, 1, rows, group_rows);
  NnDispatch d
      = { .shader = "layer-norm",
          .bindings = { nn_emit_read (emit, p->x), nn_emit_weight (emit, p->gamma),
                        nn_emit_weight (emit, p->beta) },
          .n_bindings = 4,
          .half = nn_emit_type (emit, op->y) == NN_F16,
          .spec = { across },
          .n_spec = 1 };

  for (guint i = 0; i < parts->len; i++)
    {
      const NnPart *part = &g_array_index (parts, NnPart, i);
      NnLayerNormParams push
          = { .rows = part->rows, .row0 = part->row0, .c = op->y->c, .eps = p->eps };

      d.bindings[3] = part->output;
      d.push = &push;
      d.push_size = sizeof push;
      d.groups[0] = nn_div_up (part->rows, group_rows);
      d.groups[1] = d.groups[2] = 1;
      d.flops = op->flops * part->rows / rows;
      d.bytes = nn_op_bytes (emit, op) * part->rows / rows;
      if (!nn_emit_dispatch (emit, op, &d, error))
        return FALSE;
    }
  return TRUE;
}
