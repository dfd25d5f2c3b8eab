/* nn-fold.c: norms that are applied by whoever reads them
 *
 * What a GroupNorm gives to convolutions by Winograd is not stored: the norm makes its
 * statistics, and the transform of the input applies them to each value that it fetches.
 * That saves a tensor's way to memory and back. A value is then normalised for each tile
 * that it belongs to, 2¼ times, by the same operations: the numbers stay the same. In 16
 * bits they would not, for want of the rounding between: there norms are stored.
 *
 * A norm of a tensor that is never whole (nn-bands.c) is made in windows instead.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-emit-private.h"
#include "nn/nn-program-private.h"

static gboolean
can_apply (const NnEmit *emit, const NnOp *op, const NnTensor *x)
{
  const NnConv3 *p = &op->conv3;

  return op->kind == NN_OP_CONV3 && p->x == x && p->x2 == NULL && p->residual != x
         && p->channel_add != x && nn_winograd_needs_nothing (emit, op);
}

static gboolean
may_fold (const NnProgram *program, const NnEmit *emit, const NnOp *op)
{
  const NnTensor *y = op->y;
  guint readers = 0;

  if (op->kind != NN_OP_GROUP_NORM || !op->group_norm.silu || y->state != NULL
      || y->c % 4 != 0 || nn_emit_type (emit, y) != NN_F32)
    return FALSE;
  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *reader = program->ops->pdata[i];
      gboolean reads = FALSE;

      for (guint k = 0; k < reader->n_inputs; k++)
        reads |= reader->inputs[k] == y;
      if (reads && !can_apply (emit, reader, y))
        return FALSE;
      readers += reads;
    }
  return readers > 0;
}

/* What a folded norm reads lives as long as what it would have written. */
void
nn_fold_choose (NnProgram *program, const NnEmit *emit)
{
  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];

      op->y->folded = may_fold (program, emit, op);
      for (guint k = 0; op->y->folded && k < op->n_inputs; k++)
        op->inputs[k]->last_use = MAX (op->inputs[k]->last_use, op->y->last_use);
    }
}
