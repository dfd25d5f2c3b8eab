/* nn-emit-matrix.c: linear and 3×3 convolution: which form, which tile, which parts
 *
 * Two forms of the same product (shaders/matrix-*.comp): lanes along columns, the fast
 * one, and lanes along rows for outputs of fewer columns than a subgroup has. Shapes are
 * push constants: each specialization costs a driver up to seconds of compilation.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"

/* Cost of the row forms beside the column form, for the same number of products, measured
 * on lavapipe at 512 bits. */
#define COST_ROWS_8 1.25
#define COST_ROWS_1 4.0
/* Below this an operator is not worth a kernel of its own, which takes 0.3 s to compile:
 * tiles of 32 rows are a sixth faster than those of 16; few columns cost a linear half
 * its speed. */
#define LARGE 1.3e9

/** nn_matrix_form: for @n4 vec4 columns; @flops of the whole operator */
NnMatrixForm
nn_matrix_form (const NnEmit *emit, guint n4, guint taps, NnAct act, double flops)
{
  guint lanes = nn_emit_lanes (emit);
  double columns = nn_div_up (n4, lanes) * (double) lanes;
  double rows_8 = nn_div_up (n4, 8) * 8 * COST_ROWS_8, rows_1 = n4 * COST_ROWS_1;
  guint tile = flops > LARGE && act != NN_ACT_GEGLU ? 32 : 16;
  NnMatrixForm wide = { "matrix-columns", tile, 2, 1, tile, lanes };

  if (act == NN_ACT_GEGLU || (taps == 1 && flops < LARGE))
    return wide;
  if (columns <= rows_8 && columns <= rows_1)
    return wide;
  if (rows_8 <= rows_1)
    return (NnMatrixForm){ "matrix-rows", 2, 1, 8, 2 * lanes, 8 };
  return (NnMatrixForm){ "matrix-rows", 4, 2, 1, 4 * lanes, 1 };
}

/** nn_matrix_variant: (transfer full): rows × columns of a workgroup, k of a turn */
char *
nn_matrix_variant (const NnMatrixForm *form)
{
  return g_strdup_printf ("%u×%u k%u", form->group_rows, 4 * form->group_columns,
                          4 * form->k_unit);
}

/** nn_matrix_spec: the specialization constants of both matrix kernels */
void
nn_matrix_spec (NnDispatch *d,
                const NnMatrixForm *form,
                guint taps,
                NnType type,
                NnAct act,
                gboolean residual,
                gboolean split)
{
  d->shader = form->shader;
  d->spec[d->n_spec++] = form->tile_m;
  d->spec[d->n_spec++] = form->k_unit;
  d->spec[d->n_spec++] = taps;
  d->spec[d->n_spec++] = type;
  d->spec[d->n_spec++] = act;
  d->spec[d->n_spec++] = residual;
  d->spec[d->n_spec++] = split;
  d->spec[d->n_spec++] = form->columns;
}

/* ⌊i·in/out⌋ = i·mul >> shift for all i < out, for both directions */
static gboolean
scale_fits (guint in, guint out, guint shift, guint32 *mul)
{
  guint64 m = (((guint64) in << shift) + out - 1) / out;

  if (m * out > G_MAXUINT32)
    return FALSE;
  for (guint64 i = 0; i < out; i++)
    if ((i * m) >> shift != i * in / out)
      return FALSE;
  *mul = m;
  return TRUE;
}

static gboolean
find_scale (const NnConv3 *p, NnMatrixParams *push, const char *label, GError **error)
{
  for (guint shift = 0; shift < 31; shift++)
    if (scale_fits (p->x->h, p->up_h, shift, &push->mul_h)
        && scale_fits (p->x->w, p->up_w, shift, &push->mul_w))
      {
        push->shift = shift;
        return TRUE;
      }
  g_set_error (error, NN_ERROR, NN_ERROR_SHAPE, "%s: cannot resize %u×%u to %u×%u", label,
               p->x->h, p->x->w, p->up_h, p->up_w);
  return FALSE;
}

/** nn_matrix_describe: linear or convolution as one product */
gboolean
nn_matrix_describe (const NnOp *op, NnMatrixJob *job, GError **error)
{
  NnMatrixParams *push = &job->push;
  const NnTensor *y = op->y;

  if (op->kind == NN_OP_LINEAR)
    {
      const NnLinear *p = &op->linear;

      *job = (NnMatrixJob){ p->x,   p->x2, NULL, p->residual, p->weight, p->bias,
                            p->act, 1,     1 };
      job->rows = (guint64) y->n * y->h * y->w;
    }
  else
    {
      const NnConv3 *p = &op->conv3;

      *job = (NnMatrixJob){ p->x,        p->x2,     p->channel_add,
                            p->residual, p->weight, p->bias,
                            p->act,      9,         y->n };
      job->rows = (guint64) y->h * y->w;
      push->h = p->x->h;
      push->w = p->x->w;
      push->up_h = p->up_h;
      push->up_w = p->up_w;
      push->out_w = y->w;
      push->stride = p->stride;
      push->pad = p->pad_end ? 0 : 1;
      if (!find_scale (p, push, op->label, error))
        return FALSE;
    }
  if (job->add != NULL)
    {
      push->flags |= NN_MATRIX_ADD;
      push->add_pitch4 = job->add->n == 1 ? 0 : nn_pad4 (job->add->c) / 4;
      push->add_base4 = op->conv3.channel_add_offset / 4;
    }
  if (job->bias != NULL)
    push->flags |= NN_MATRIX_BIAS;
  if (job->residual != NULL)
    push->flags |= NN_MATRIX_RESIDUAL;
  push->n4 = nn_pad4 (job->weight->out) / 4;
  push->c4 = nn_pad4 (job->x->c) / 4;
  push->c4_2 = job->x2 != NULL ? nn_pad4 (job->x2->c) / 4 : 0;
  push->sources = job->x2 != NULL ? 2 : 1;
  push->rows = job->rows;
  return TRUE;
}

static void
bind (const NnEmit *emit, NnMatrixJob *job, NnDispatch *d, gboolean *split)
{
  NnSources sources = nn_emit_sources (emit, job->x, job->x2);
  GpuBinding unused = sources.bindings[0];

  d->bindings[0] = sources.bindings[0];
  d->bindings[1] = nn_emit_weight (emit, job->weight);
  d->bindings[1].kind = GPU_BIND_TEXEL_U32X4;
  d->bindings[2] = job->bias != NULL ? nn_emit_weight (emit, job->bias) : unused;
  d->bindings[3] = job->add != NULL ? nn_emit_read (emit, job->add) : unused;
  d->bindings[4] = job->residual != NULL ? nn_emit_read (emit, job->residual) : unused;
  d->bindings[5] = sources.bindings[1];
  d->n_bindings = 7;
  job->push.base = sources.base[0];
  job->push.base_2 = sources.base[1];
  *split = sources.split;
}

static gboolean
emit_direct (const NnEmit *emit, const NnOp *op, NnMatrixJob *job, GError **error)
{
  NnMatrixForm form = nn_matrix_form (emit, job->push.n4, job->taps, job->act, op->flops);
  NnDispatch d = { .half = nn_emit_type (emit, op->y) == NN_F16 };
  g_autoptr (GArray) parts
      = nn_emit_parts (emit, op->y, job->images, job->rows, form.group_rows);
  g_autofree char *variant = nn_matrix_variant (&form);
  gboolean split;

  bind (emit, job, &d, &split);
  nn_matrix_spec (&d, &form, job->taps, job->weight->stored, job->act,
                  job->taps == 9 || job->residual != NULL, split);
  d.variant = variant;
  d.push = &job->push;
  d.push_size = sizeof job->push;
  for (guint i = 0; i < parts->len; i++)
    {
      const NnPart *part = &g_array_index (parts, NnPart, i);

      d.bindings[6] = part->output;
      job->push.row0 = part->row0;
      job->push.image0 = part->image0;
      job->push.first = part->first;
      d.groups[0] = nn_div_up (part->rows, form.group_rows);
      d.groups[1] = nn_div_up (nn_pad4 (op->y->c) / 4, form.group_columns);
      d.groups[2] = part->images;
      d.flops
          = op->flops * part->images * part->rows / ((double) job->images * job->rows);
      d.bytes = nn_op_weight_bytes (op)
                + nn_op_bytes (emit, op) * part->images * part->rows
                      / ((double) job->images * job->rows);
      if (!nn_emit_dispatch (emit, op, &d, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
nn_emit_matrix (const NnEmit *emit, const NnOp *op, GError **error)
{
  NnMatrixJob job = { 0 };

  if (!nn_matrix_describe (op, &job, error))
    return FALSE;
  if (op->variant.family != NN_FAMILY_DIRECT)
    return nn_emit_tiled (emit, op, &job, error);
  if (op->scratch_bytes > 0 && nn_winograd_ready (emit, op))
    return nn_emit_winograd (emit, op, &job, error);
  return emit_direct (emit, op, &job, error);
}
