/* nn-emit-attention.c: attention: narrow heads by rows, wide heads over the lanes
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"
#include <math.h>

/* Widest head of which q and the output stay in one lane's registers. On lavapipe
 * registers are memory anyway and sums over lanes are dear; on GPUs it is the other way
 * round. */
#define NARROW_CPU 96
#define NARROW_GPU 64
#define LANES_KEYS 4
/* Up to so many rows two at a time gain nothing, and take twice as long to compile. */
#define SHORT 256

typedef struct
{
  const char *shader;
  guint rows;       /* R of the shader */
  guint group_rows; /* of a workgroup */
} Form;

static Form
choose_form (const NnEmit *emit, const NnAttention *p)
{
  guint lanes = nn_emit_lanes (emit), d4 = p->head_dim / 4;
  guint narrow = emit->info->kind == GPU_KIND_CPU ? NARROW_CPU : NARROW_GPU;
  guint rows;

  if (p->head_dim <= narrow)
    {
      gboolean two = p->head_dim <= 64 && emit->info->kind == GPU_KIND_CPU
                     && p->q->h * p->q->w > SHORT;
      rows = two ? 2 : 1;
      return (Form){ "attention-rows", rows, rows * lanes };
    }
  rows = nn_div_up (d4, lanes) > 8 ? 2 : 4;
  return (Form){ "attention-lanes", rows, rows };
}

gboolean
nn_emit_attention (const NnEmit *emit, const NnOp *op, GError **error)
{
  const NnAttention *p = &op->attention;
  Form form = choose_form (emit, p);
  NnDispatch d = { .shader = form.shader, .half = nn_emit_type (emit, op->y) == NN_F16 };
  guint32 t_q = p->q->h * p->q->w;
  NnAttentionParams push = { .t_q = t_q,
                             .t_k = p->k->h * p->k->w,
                             .k_valid = p->k_valid,
                             .causal = p->causal,
                             .q_pitch = nn_pad4 (p->q->c) / 4,
                             .k_pitch = nn_pad4 (p->k->c) / 4,
                             .v_pitch = nn_pad4 (p->v->c) / 4,
                             .y_pitch = nn_pad4 (op->y->c) / 4,
                             .q_base = p->q_offset / 4,
                             .k_base = p->k_offset / 4,
                             .v_base = p->v_offset / 4,
                             .scale = (float) (M_LOG2E / sqrt ((double) p->head_dim)) };
  g_autoptr (GArray) parts = nn_emit_parts (emit, op->y, op->y->n, t_q, form.group_rows);

  d.bindings[0] = nn_emit_read (emit, p->q);
  d.bindings[1] = nn_emit_read (emit, p->k);
  d.bindings[2] = nn_emit_read (emit, p->v);
  d.n_bindings = 4;
  d.spec[d.n_spec++] = p->head_dim / 4;
  d.spec[d.n_spec++] = form.rows;
  d.spec[d.n_spec++] = LANES_KEYS;
  d.push = &push;
  d.push_size = sizeof push;
  for (guint i = 0; i < parts->len; i++)
    {
      const NnPart *part = &g_array_index (parts, NnPart, i);

      d.bindings[3] = part->output;
      push.image0 = part->image0;
      push.row0 = part->row0;
      push.first = part->first;
      d.groups[0] = nn_div_up (part->rows, form.group_rows);
      d.groups[1] = p->heads;
      d.groups[2] = part->images;
      d.flops = op->flops * part->images * part->rows / ((double) op->y->n * t_q);
      if (!nn_emit_dispatch (emit, op, &d, error))
        return FALSE;
    }
  return TRUE;
}
