/* nn-emit-tiled.c: products in tiles that workgroups of many subgroups stage in shared
 * memory
 *
 * One dispatch for each part of the output, or one that leaves partial sums of k in
 * scratch and one that adds them up (shaders/matrix-reduce.comp).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"

#define REDUCE_LANES 64u

guint64
nn_tiled_scratch (const NnOp *op)
{
  const NnWeight *weight
      = op->kind == NN_OP_LINEAR ? op->linear.weight : op->conv3.weight;
  const NnTensor *y = op->y;

  if (op->variant.parts == 1)
    return 0;
  return (guint64) op->variant.parts * y->n * y->h * y->w * nn_pad4 (weight->out) * 4;
}

static gboolean
is_half (const NnEmit *emit, const NnTensor *x)
{
  return x != NULL && nn_emit_type (emit, x) == NN_F16;
}

static GpuBinding
storage (GpuBinding binding)
{
  binding.kind = GPU_BIND_STORAGE;
  return binding;
}

static void
bind (const NnEmit *emit, const NnMatrixJob *job, NnDispatch *d)
{
  GpuBinding x = storage (nn_emit_read (emit, job->x));

  d->bindings[0] = x;
  d->bindings[1] = storage (nn_emit_weight (emit, job->weight));
  d->bindings[2] = job->bias != NULL ? storage (nn_emit_weight (emit, job->bias)) : x;
  d->bindings[3] = job->add != NULL ? storage (nn_emit_read (emit, job->add)) : x;
  d->bindings[4]
      = job->residual != NULL ? storage (nn_emit_read (emit, job->residual)) : x;
  d->bindings[5] = job->x2 != NULL ? storage (nn_emit_read (emit, job->x2)) : x;
  d->n_bindings = 7;
}

/* What is absent counts as an activation: one kernel for products with and without. */
static guint
types_of (const NnEmit *emit, const NnMatrixJob *job)
{
  gboolean wide = job->push.c4 % 2 == 0 && job->push.c4_2 % 2 == 0;
  gboolean half = emit->activations == NN_F16;
  gboolean half_add = job->add != NULL ? is_half (emit, job->add) : half;
  gboolean half_residual = job->residual != NULL ? is_half (emit, job->residual) : half;

  return (is_half (emit, job->x) ? NN_TYPES_X_HALF : 0)
         | (half_add ? NN_TYPES_ADD_HALF : 0)
         | (half_residual ? NN_TYPES_RESIDUAL_HALF : 0) | (wide ? NN_TYPES_WIDE : 0);
}

/* The kernel of @op's variant: name, workgroup and constants. */
static NnTile
choose_kernel (const NnEmit *emit, const NnOp *op, const NnMatrixJob *job, NnDispatch *d)
{
  const GpuInfo *info = emit->info;
  NnFamily family = op->variant.family;
  guint n_tiles;
  NnTile tile = nn_tiles (family, &n_tiles)[op->variant.tile];
  gboolean halves = is_half (emit, job->x) && job->weight->stored == NN_F16;

  d->workgroup = nn_tile_lanes (emit, family, &tile);
  d->shader = family == NN_FAMILY_MATRIX ? "matrix-units"
              : halves                   ? "matrix-staged-halves"
                                         : "matrix-staged";
  d->subgroup = family == NN_FAMILY_MATRIX ? info->matrix_subgroup : 0;
  if (family == NN_FAMILY_STAGED && halves)
    tile.chunk *= 2;
  d->spec[d->n_spec++] = tile.rows;
  d->spec[d->n_spec++] = tile.columns;
  d->spec[d->n_spec++] = tile.chunk;
  d->spec[d->n_spec++] = job->taps;
  d->spec[d->n_spec++] = job->weight->stored;
  d->spec[d->n_spec++] = job->act;
  d->spec[d->n_spec++] = types_of (emit, job);
  d->spec[d->n_spec++] = op->variant.parts > 1;
  if (family == NN_FAMILY_MATRIX)
    {
      d->spec[d->n_spec++] = info->matrix_m;
      d->spec[d->n_spec++] = info->matrix_n;
      d->spec[d->n_spec++] = info->matrix_k;
    }
  d->spec[d->n_spec++] = tile.down;
  d->spec[d->n_spec++] = tile.across;
  if (family == NN_FAMILY_MATRIX)
    {
      d->spec[d->n_spec++] = info->matrix_subgroup;
      d->spec[d->n_spec++] = nn_tile_buffers (emit, &tile);
    }
  return tile;
}

static void
describe_chunks (NnMatrixJob *job, guint chunk, guint parts)
{
  NnMatrixParams *push = &job->push;

  push->total_rows = job->images * job->rows;
  push->chunks
      = job->taps * (nn_div_up (push->c4 * 4, chunk) + nn_div_up (push->c4_2 * 4, chunk));
  push->part_chunks = nn_div_up (push->chunks, parts);
  push->parts = nn_div_up (push->chunks, push->part_chunks);
}

static gboolean
emit_whole (const NnEmit *emit,
            const NnOp *op,
            NnMatrixJob *job,
            const NnTile *tile,
            NnDispatch *d,
            GError **error)
{
  g_autoptr (GArray) parts
      = nn_emit_parts (emit, op->y, job->images, job->rows, tile->rows);

  d->half = is_half (emit, op->y);
  for (guint i = 0; i < parts->len; i++)
    {
      const NnPart *part = &g_array_index (parts, NnPart, i);
      guint64 rows = (guint64) part->images * part->rows;

      d->bindings[6] = part->output;
      job->push.row0 = job->push.first = part->first;
      job->push.row_end = part->first + rows;
      d->groups[0] = nn_div_up (rows, tile->rows);
      d->flops = op->flops * rows / job->push.total_rows;
      d->bytes = nn_op_weight_bytes (op)
                 + nn_op_bytes (emit, op) * rows / job->push.total_rows;
      d->bytes = nn_op_weight_bytes (op)
                 + nn_op_bytes (emit, op) * rows / job->push.total_rows;
      if (!nn_emit_dispatch (emit, op, d, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
emit_reduction (const NnEmit *emit,
                const NnOp *op,
                const NnMatrixJob *job,
                const NnDispatch *product,
                GError **error)
{
  NnDispatch d = *product;
  guint64 count = (guint64) job->push.total_rows * nn_pad4 (op->y->c) / 4;

  d.shader = "matrix-reduce";
  d.workgroup = REDUCE_LANES;
  d.subgroup = 0;
  d.half = is_half (emit, op->y);
  d.bindings[0] = storage (nn_emit_scratch (emit, op));
  d.bindings[6] = nn_emit_write (emit, op->y, 0, job->push.total_rows);
  d.n_spec = 8;
  d.spec[0] = d.spec[1] = d.spec[2] = 0; /* it has no tiles */
  d.spec[4] = NN_F32;
  d.spec[7] = FALSE;
  d.groups[0] = nn_div_up (count, REDUCE_LANES);
  d.groups[1] = d.groups[2] = 1;
  d.flops = (double) count * 4 * job->push.parts;
  d.bytes = op->scratch_bytes + nn_emit_bytes (emit, op->y)
            + nn_emit_bytes (emit, job->residual);
  return nn_emit_dispatch (emit, op, &d, error);
}

static gboolean
emit_split (const NnEmit *emit,
            const NnOp *op,
            NnMatrixJob *job,
            const NnTile *tile,
            NnDispatch *d,
            GError **error)
{
  job->push.row_end = job->push.total_rows;
  d->bindings[6] = nn_emit_scratch (emit, op);
  d->groups[0] = nn_div_up (job->push.total_rows, tile->rows);
  d->groups[2] = job->push.parts;
  d->flops = op->flops;
  d->bytes = nn_op_weight_bytes (op) + nn_op_bytes (emit, op)
             - nn_emit_bytes (emit, op->y) + op->scratch_bytes;
  if (!nn_emit_dispatch (emit, op, d, error))
    return FALSE;
  gpu_recording_barrier (emit->recording);
  return emit_reduction (emit, op, job, d, error);
}

gboolean
nn_emit_tiled (const NnEmit *emit, const NnOp *op, NnMatrixJob *job, GError **error)
{
  NnDispatch d = { .push = &job->push, .push_size = sizeof job->push };
  NnTile tile = choose_kernel (emit, op, job, &d);
  g_autofree char *variant = g_strdup_printf ("%u×%u k%u /%u", tile.rows, tile.columns,
                                              tile.chunk, op->variant.parts);

  d.variant = variant;
  bind (emit, job, &d);
  describe_chunks (job, tile.chunk, op->variant.parts);
  d.groups[1] = nn_div_up (job->push.n4 * 4, tile.columns);
  d.groups[2] = 1;
  if (op->variant.parts > 1)
    return emit_split (emit, op, job, &tile, &d, error);
  return emit_whole (emit, op, job, &tile, &d, error);
}
