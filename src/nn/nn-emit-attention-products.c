/* nn-emit-attention-products.c: attention of one wide head as two products
 *
 * Q·Kᵀ, softmax and ·V over bands of queries, with the scores of a band in scratch. Where
 * registers are memory anyway the flash form gains nothing by keeping scores out of it:
 * a head of 512 channels is computed three times as fast by the kernels of products.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"
#include <math.h>

#define BAND_BYTES ((guint64) 16 << 20) /* of scores */
#define FRUGAL_BAND_BYTES ((guint64) 4 << 20)
#define BAND_STEP 64u   /* rows: what any form of product takes at once divides it */
#define MAX_BAND 32768u /* rows: groups of a dispatch */
#define SCRATCH_STEP 4096u

typedef struct
{
  guint d4;    /* of the head, vec4 */
  guint keys4; /* that are used, vec4 */
  guint t_q;
  guint band; /* queries at once */
} Shape;

static Shape
shape_of (const NnEmit *emit, const NnAttention *p)
{
  guint64 limit = MIN (emit->frugal ? FRUGAL_BAND_BYTES : BAND_BYTES,
                       emit->info->max_storage_range);
  Shape s = { .d4 = p->head_dim / 4,
              .keys4 = nn_pad4 (p->k_valid) / 4,
              .t_q = p->q->h * p->q->w };
  guint64 rows = limit / ((guint64) s.keys4 * 16) / BAND_STEP * BAND_STEP;

  s.band = (guint) CLAMP (rows, BAND_STEP, MAX_BAND);
  s.band = MIN (s.band, nn_div_up (s.t_q, BAND_STEP) * BAND_STEP);
  return s;
}

static guint64
matrix_bytes (guint64 rows, guint columns4)
{
  guint64 bytes = rows * columns4 * 16;

  return (bytes + SCRATCH_STEP - 1) / SCRATCH_STEP * SCRATCH_STEP;
}

/** nn_attention_products_scratch: 0: not in this form */
guint64
nn_attention_products_scratch (const NnEmit *emit, const NnOp *op)
{
  const NnAttention *p = &op->attention;
  Shape s = shape_of (emit, p);
  guint64 keys = matrix_bytes (4 * s.keys4, s.d4), y = nn_emit_bytes (emit, op->y);

  if (emit->info->kind != GPU_KIND_CPU || !nn_emit_has_lanes (emit) || p->heads != 1
      || p->head_dim <= NN_NARROW_CPU || p->causal || keys > emit->info->max_storage_range
      || (op->y->n > 1 && y > emit->info->max_storage_range))
    return 0;
  return 2 * keys + matrix_bytes (s.band, s.d4) + matrix_bytes (s.band, s.keys4);
}

typedef struct
{
  const NnOp *op;
  Shape s;
  GpuBinding keys, values;    /* [d][keys], [keys][d] */
  GpuBinding queries, scores; /* of a band: [band][d], [band][keys] */
  guint image;
  double share; /* of the operator's work */
} Job;

static GpuBinding
as (GpuBinding binding, GpuBindKind kind)
{
  binding.kind = kind;
  return binding;
}

static gboolean
emit_gather (const NnEmit *emit,
             const Job *job,
             const NnTensor *x,
             const NnGatherParams *push,
             gboolean transposed,
             GpuBinding to,
             GError **error)
{
  guint count = push->rows / (transposed ? 4 : 1) * push->columns;
  NnDispatch d = { .shader = "attention-gather",
                   .bindings = { nn_emit_read (emit, x), as (to, GPU_BIND_STORAGE) },
                   .n_bindings = 2,
                   .spec = { transposed },
                   .n_spec = 1,
                   .push = push,
                   .push_size = sizeof *push,
                   .groups = { nn_div_up (count, nn_emit_lanes (emit)), 1, 1 },
                   .bytes = 2.0 * push->rows * push->columns * 16 };

  return nn_emit_dispatch (emit, job->op, &d, error);
}

/* Keys and values of an image. */
static gboolean
emit_keys (const NnEmit *emit, const Job *job, GError **error)
{
  const NnAttention *p = &job->op->attention;
  NnGatherParams push = { .rows = 4 * job->s.keys4,
                          .columns = job->s.d4,
                          .valid = p->k_valid,
                          .row0 = job->image * p->k->h * p->k->w,
                          .pitch = nn_pad4 (p->k->c) / 4,
                          .base = p->k_offset / 4,
                          .scale = 1 };

  if (!emit_gather (emit, job, p->k, &push, TRUE, job->keys, error))
    return FALSE;
  push.pitch = nn_pad4 (p->v->c) / 4;
  push.base = p->v_offset / 4;
  return emit_gather (emit, job, p->v, &push, FALSE, job->values, error);
}

static gboolean
emit_queries (const NnEmit *emit, const Job *job, guint row, guint rows, GError **error)
{
  const NnAttention *p = &job->op->attention;
  NnGatherParams push = { .rows = rows,
                          .columns = job->s.d4,
                          .valid = rows,
                          .row0 = job->image * job->s.t_q + row,
                          .pitch = nn_pad4 (p->q->c) / 4,
                          .base = p->q_offset / 4,
                          .scale = (float) (M_LOG2E / sqrt ((double) p->head_dim)) };

  return emit_gather (emit, job, p->q, &push, FALSE, job->queries, error);
}

/* a [rows][k] times b [k][n]; @push says how rows of @to are counted */
static gboolean
emit_product (const NnEmit *emit,
              const Job *job,
              GpuBinding a,
              GpuBinding b,
              GpuBinding to,
              guint rows,
              const NnMatrixParams *push,
              gboolean half,
              GError **error)
{
  NnMatrixForm form = nn_matrix_form (emit, push->n4, 1, NN_ACT_NONE, job->op->flops);
  g_autofree char *variant = nn_matrix_variant (&form);
  GpuBinding x = as (a, GPU_BIND_TEXEL_F32X4);
  NnDispatch d = { .bindings = { x, as (b, GPU_BIND_TEXEL_U32X4), x, x, x, x, to },
                   .n_bindings = 7,
                   .half = half,
                   .push = push,
                   .push_size = sizeof *push,
                   .flops = job->op->flops * job->share / 2,
                   .bytes = 16.0 * rows * ((double) push->c4 + push->n4) + b.size,
                   .variant = variant };

  nn_matrix_spec (&d, &form, 1, NN_F32, NN_ACT_NONE, FALSE, FALSE);
  d.groups[0] = nn_div_up (rows, form.group_rows);
  d.groups[1] = nn_div_up (push->n4, form.group_columns);
  d.groups[2] = 1;
  return nn_emit_dispatch (emit, job->op, &d, error);
}

static gboolean
emit_scores (const NnEmit *emit, const Job *job, guint rows, GError **error)
{
  NnMatrixParams push
      = { .n4 = job->s.keys4, .c4 = job->s.d4, .sources = 1, .rows = rows };

  return emit_product (emit, job, job->queries, job->keys,
                       as (job->scores, GPU_BIND_STORAGE), rows, &push, FALSE, error);
}

static gboolean
emit_softmax (const NnEmit *emit, const Job *job, guint rows, GError **error)
{
  NnSoftmaxParams push = { .columns = job->s.keys4, .valid = job->op->attention.k_valid };
  NnDispatch d = { .shader = "attention-softmax",
                   .bindings = { as (job->scores, GPU_BIND_TEXEL_F32X4),
                                 as (job->scores, GPU_BIND_STORAGE) },
                   .n_bindings = 2,
                   .push = &push,
                   .push_size = sizeof push,
                   .groups = { rows, 1, 1 },
                   .flops = 40.0 * rows * job->s.keys4,
                   .bytes = 32.0 * rows * job->s.keys4 };

  return nn_emit_dispatch (emit, job->op, &d, error);
}

/* Of one picture the binding begins at the band; of several there is one for all. */
static gboolean
emit_output (const NnEmit *emit, const Job *job, guint row, guint rows, GError **error)
{
  const NnTensor *y = job->op->y;
  guint64 at = (guint64) job->image * job->s.t_q + row;
  guint64 first = y->n == 1 ? row : 0;
  guint64 count = y->n == 1 ? rows : (guint64) y->n * job->s.t_q;
  NnMatrixParams push = { .n4 = job->s.d4,
                          .c4 = job->s.keys4,
                          .base = -(guint32) (at * job->s.keys4), /* sums come round */
                          .sources = 1,
                          .rows = job->s.t_q,
                          .row0 = row,
                          .image0 = job->image,
                          .first = (guint32) first };

  return emit_product (emit, job, job->scores, job->values,
                       nn_emit_write (emit, y, first, count), rows, &push,
                       nn_emit_type (emit, y) == NN_F16, error);
}

static gboolean
emit_band (const NnEmit *emit, const Job *job, guint row, guint rows, GError **error)
{
  if (!emit_queries (emit, job, row, rows, error))
    return FALSE;
  gpu_recording_barrier (emit->recording);
  if (!emit_scores (emit, job, rows, error))
    return FALSE;
  gpu_recording_barrier (emit->recording);
  if (!emit_softmax (emit, job, rows, error))
    return FALSE;
  gpu_recording_barrier (emit->recording);
  return emit_output (emit, job, row, rows, error);
}

static Job
prepare (const NnEmit *emit, const NnOp *op)
{
  Job job = { .op = op, .s = shape_of (emit, &op->attention) };
  GpuBinding at = nn_emit_scratch (emit, op);
  guint64 sizes[]
      = { matrix_bytes (4 * job.s.keys4, job.s.d4),
          matrix_bytes (4 * job.s.keys4, job.s.d4), matrix_bytes (job.s.band, job.s.d4),
          matrix_bytes (job.s.band, job.s.keys4) };
  GpuBinding *places[] = { &job.keys, &job.values, &job.queries, &job.scores };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      at.size = sizes[i];
      *places[i] = at;
      at.offset += at.size;
    }
  return job;
}

gboolean
nn_emit_attention_products (const NnEmit *emit, const NnOp *op, GError **error)
{
  Job job = prepare (emit, op);

  for (job.image = 0; job.image < op->y->n; job.image++)
    {
      if (job.image > 0) /* the scratch is used again */
        gpu_recording_barrier (emit->recording);
      if (!emit_keys (emit, &job, error))
        return FALSE;
      for (guint row = 0; row < job.s.t_q; row += job.s.band)
        {
          guint rows = MIN (job.s.band, job.s.t_q - row);

          job.share = (double) rows / ((double) job.s.t_q * op->y->n);
          if (row > 0)
            gpu_recording_barrier (emit->recording);
          if (!emit_band (emit, &job, row, rows, error))
            return FALSE;
        }
    }
  return TRUE;
}
