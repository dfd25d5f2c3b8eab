/* nn-describe.c: operators in words and in bytes, for profiles
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-context-private.h"
#include "nn/nn-emit-private.h"

static const char *const act_names[]
    = { "", " silu", " gelu", " quick-gelu", " geglu", " relu" }; /* by NnAct */

/* "2×64×64×320", or "2×4096×320" for tokens */
static void
append_tensor (GString *text, const NnTensor *x)
{
  g_string_append_printf (text, "%u×", x->n);
  if (x->h > 1)
    g_string_append_printf (text, "%u×", x->h);
  g_string_append_printf (text, "%u×%u", x->w, x->c);
}

static void
append_conv3 (GString *text, const NnConv3 *p, const NnTensor *y)
{
  append_tensor (text, p->x);
  if (p->x2 != NULL)
    g_string_append_printf (text, "+%u", p->x2->c);
  g_string_append_printf (text, "→%u%s", y->c, act_names[p->act]);
  if (p->stride != 1)
    g_string_append_printf (text, " /%u", p->stride);
  if (p->up_h != p->x->h)
    g_string_append (text, " up");
}

/** nn_op_shape: (transfer full): what @op computes, without its name */
char *
nn_op_shape (const NnOp *op)
{
  GString *text = g_string_new (NULL);
  const NnTensor *y = op->y;

  switch (op->kind)
    {
    case NN_OP_LINEAR:
      append_tensor (text, op->linear.x);
      if (op->linear.x2 != NULL)
        g_string_append_printf (text, "+%u", op->linear.x2->c);
      g_string_append_printf (text, "→%u%s", op->linear.weight->out,
                              act_names[op->linear.act]);
      break;
    case NN_OP_CONV3:
      g_string_append (text, "3×3 ");
      append_conv3 (text, &op->conv3, y);
      break;
    case NN_OP_ATTENTION:
      g_string_append_printf (text, "%u×%u×%u %u×%u", y->n, y->h * y->w,
                              op->attention.k_valid, op->attention.heads,
                              op->attention.head_dim);
      break;
    default:
      append_tensor (text, y);
    }
  return g_string_free (text, FALSE);
}

double
nn_emit_bytes (const NnEmit *emit, const NnTensor *x)
{
  return x == NULL
             ? 0
             : (double) nn_tensor_elements (x) * nn_type_bytes (nn_emit_type (emit, x));
}

double
nn_op_weight_bytes (const NnOp *op)
{
  double bytes = 0;

  for (guint i = 0; i < op->n_weights; i++)
    bytes += nn_weight_device_bytes (op->weights[i]);
  return bytes;
}

double
nn_op_bytes (const NnEmit *emit, const NnOp *op)
{
  double bytes = nn_emit_bytes (emit, op->y);

  for (guint i = 0; i < op->n_inputs; i++)
    bytes += nn_emit_bytes (emit, op->inputs[i]);
  return bytes;
}
