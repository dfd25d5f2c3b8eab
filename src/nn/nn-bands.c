/* nn-bands.c: tensors that are never whole: made again, in bands of rows, for whoever
 * reads them
 *
 * The decoder of an autoencoder has few operators and very large tensors. What a
 * GroupNorm gives to a convolution, and what an enlarging convolution gives to a
 * GroupNorm, need not be stored: each reader makes the rows that it needs in a window,
 * band by band. A norm's statistics are taken before, in a pass of their own; where its
 * readers apply it themselves (nn-fold.c) there is nothing to be made again. Each value
 * comes of the same operations in the same order as without bands: the picture is the
 * same, bit for bit.
 *
 * Besides, a convolution that is the last to read its residual writes in its place.
 *
 * Price: an enlarging convolution is computed once for each of its readers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-program-private.h"

#define WINDOW_BYTES                                                                     \
  ((guint64) 24 << 20)  /* of all windows of a reader, at most about                     \
                         */
#define WINDOW_SHARE 4u /* nor more than this part of the largest tensor */
#define MIN_BAND 48u    /* rows; a multiple of TILE */
#define TILE 12u        /* rows that Winograd's tiles of both sizes divide */
/* What a window of 4 rows must be a multiple of: workgroups' rows */
#define PIXELS 256u

static guint64
row_bytes (const NnProgram *program, const NnTensor *x)
{
  NnEmit emit = nn_context_emit (program->context, NULL);

  return (guint64) x->w * nn_pad4 (x->c) * nn_type_bytes (nn_emit_type (&emit, x));
}

/* Do all readers of @x take it row by row, as their only input but for residuals? */
static gboolean
read_by_rows (const NnProgram *program, const NnTensor *x, gboolean by_norms)
{
  guint readers = 0;

  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];
      gboolean good;

      for (guint k = 0; k < op->n_inputs; k++)
        {
          if (op->inputs[k] != x)
            continue;
          if (op->kind == NN_OP_CONV3)
            good = !by_norms && op->conv3.x == x && op->conv3.x2 == NULL
                   && op->conv3.residual != x && op->conv3.stride == 1
                   && op->conv3.up_h == x->h;
          else if (op->kind == NN_OP_GROUP_NORM)
            good = by_norms && op->group_norm.x == x && op->group_norm.x2 == NULL;
          else
            good = by_norms && op->kind == NN_OP_LINEAR && op->linear.x == x
                   && op->linear.x2 == NULL && op->linear.residual != x;
          if (!good)
            return FALSE;
          readers++;
        }
    }
  return readers > 0;
}

static gboolean
may_be_lazy (const NnProgram *program, const NnOp *op, guint level, guint64 largest)
{
  const NnTensor *y = op->y;
  guint64 bytes = row_bytes (program, y) * y->h;

  if (op->variant.parts > 1 || y->n != 1 || y->folded || y->state != NULL
      || y->h < 2 * MIN_BAND || 4 * y->w % PIXELS != 0 || bytes < largest / 8)
    return FALSE;
  if (op->kind == NN_OP_GROUP_NORM)
    return op->group_norm.x2 == NULL && read_by_rows (program, y, FALSE);
  return level > 1 && op->kind == NN_OP_CONV3 && op->conv3.up_h > op->conv3.x->h
         && op->conv3.residual == NULL && op->conv3.x2 == NULL && bytes > largest / 2
         && read_by_rows (program, y, TRUE);
}

static NnOp *
lazy_input (const NnOp *op)
{
  return op->n_inputs > 0 && op->inputs[0]->lazy ? op->inputs[0]->producer : NULL;
}

/* Rows of a band of @sink, and a use for each tensor that is made for it. */
static void
add_uses (NnProgram *program, guint index, guint64 largest)
{
  NnOp *sink = program->ops->pdata[index];
  guint64 bytes = 0;
  guint64 rows;

  for (const NnOp *op = lazy_input (sink); op != NULL; op = lazy_input (op))
    bytes += row_bytes (program, op->y);
  rows = MIN (WINDOW_BYTES, largest / WINDOW_SHARE) / bytes / MIN_BAND * MIN_BAND;
  sink->band = (guint) CLAMP (rows, MIN_BAND, sink->inputs[0]->h);
  for (NnOp *op = lazy_input (sink); op != NULL; op = lazy_input (op))
    {
      NnBandUse use = { .op = op, .sink = index };

      /* what convolutions need beyond a band, and a norm's chunks */
      use.bytes = MIN (sink->band + 4 * TILE + op->y->h / 256, op->y->h)
                  * row_bytes (program, op->y);
      g_array_append_val (program->bands, use);
    }
}

/* A lazy operator's inputs, and a norm's statistics, live as long as its readers. */
static int
last_reader (const NnProgram *program, const NnTensor *x)
{
  int last = -1;

  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];

      for (guint k = 0; k < op->n_inputs; k++)
        if (op->inputs[k] == x)
          last = MAX (last, op->y->lazy ? MAX ((int) i, last_reader (program, op->y))
                                        : (int) i);
    }
  return last;
}

void
nn_bands_choose (NnProgram *program)
{
  guint level = program->context->bands;
  guint64 largest = 0;

  program->bands = g_array_new (FALSE, TRUE, sizeof (NnBandUse));
  if (level == 0)
    return;
  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnTensor *y = ((NnOp *) program->ops->pdata[i])->y;
      largest = MAX (largest, row_bytes (program, y) * y->h);
    }
  for (guint i = 0; i < program->ops->len; i++) /* producers come before readers */
    {
      NnOp *op = program->ops->pdata[i];

      if (lazy_input (op) != NULL) /* a window is what it can be applied to */
        op->y->folded = FALSE;
      op->y->lazy = may_be_lazy (program, op, level, largest);
    }
  for (guint i = 0; i < program->ops->len; i++) /* a norm that is stored needs all rows */
    {
      NnOp *op = program->ops->pdata[i];
      if (op->kind == NN_OP_GROUP_NORM && !op->y->lazy && lazy_input (op) != NULL)
        op->inputs[0]->lazy = FALSE;
    }
  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];
      gboolean norm = op->kind == NN_OP_GROUP_NORM;

      if (lazy_input (op) != NULL && (!op->y->lazy || norm))
        add_uses (program, i, largest);
      if (op->y->lazy)
        op->y->last_use = last_reader (program, op->y);
    }
  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];

      for (guint k = 0; op->y->lazy && k < op->n_inputs; k++)
        op->inputs[k]->last_use = MAX (op->inputs[k]->last_use, op->y->last_use);
    }
}

/* The residual in whose place @op may write. */
const NnTensor *
nn_bands_place_of (const NnProgram *program, guint index)
{
  const NnOp *op = program->ops->pdata[index];
  const NnTensor *r = op->kind == NN_OP_CONV3 ? op->conv3.residual : NULL;
  const NnOp *norm = r != NULL && op->conv3.x->folded ? op->conv3.x->producer : NULL;

  if (norm != NULL && (norm->group_norm.x == r || norm->group_norm.x2 == r))
    return NULL;

  if (program->context->bands == 0 || r == NULL || r->lazy || r->state != NULL
      || r->producer == NULL || op->y->state != NULL || op->y->lazy
      || r->last_use != (int) index || op->conv3.x == r || op->conv3.x2 == r)
    return NULL;
  return r;
}

/* ---- recording ---- */

static NnBandUse *
find_use (const NnProgram *program, const NnOp *op, guint sink)
{
  for (guint i = 0; i < program->bands->len; i++)
    {
      NnBandUse *use = &g_array_index (program->bands, NnBandUse, i);

      if (use->op == op && use->sink == sink)
        return use;
    }
  g_assert_not_reached ();
}

/* Rows of its input that rows [begin, end) of @op's output are made of. */
static void
rows_before (const NnOp *op, gboolean statistics, guint *begin, guint *end)
{
  const NnTensor *x = op->inputs[0];

  if (op->kind == NN_OP_GROUP_NORM && statistics)
    *end = nn_emit_group_norm_end (op->y, *begin, *end);
  if (op->kind != NN_OP_CONV3)
    return;
  guint64 first = *begin > 0 ? *begin - 1 : 0;
  guint64 last = MIN (*end, op->conv3.up_h - 1); /* the row below the last, or that */
  *begin = (guint) (first * x->h / op->conv3.up_h);
  *end = (guint) (last * x->h / op->conv3.up_h) + 1;
}

/* Makes rows [begin, end) of @x in its window for @sink. */
static gboolean
provide (
    const NnBandJob *job, NnTensor *x, guint sink, guint begin, guint end, GError **error)
{
  NnOp *op = x->producer;
  NnBandUse *use;
  NnEmit emit = *job->emit;
  guint first, last;

  if (!x->lazy)
    return TRUE;
  use = find_use (job->program, op, sink);
  if (op->kind == NN_OP_CONV3)
    {
      begin = begin / TILE * TILE;
      end = MIN ((end + TILE - 1) / TILE * TILE, x->h);
    }
  first = begin;
  last = end;
  rows_before (op, FALSE, &first, &last);
  if (!provide (job, op->inputs[0], sink, first, last, error))
    return FALSE;
  g_assert ((end - begin) * row_bytes (job->program, x) <= use->bytes);
  x->offset = use->offset;
  x->window_first = begin;
  x->window_rows = end - begin;
  if (op->kind == NN_OP_CONV3)
    op->scratch_offset = use->scratch_offset;
  emit.row_begin = begin;
  emit.row_end = end;
  return job->record (job->data, &emit, op, error);
}

gboolean
nn_bands_record (const NnBandJob *job, guint index, GError **error)
{
  NnOp *op = job->program->ops->pdata[index];
  gboolean statistics = op->kind == NN_OP_GROUP_NORM && op->y->lazy;
  guint h = op->y->h;

  if (op->y->lazy && !statistics)
    return TRUE; /* made when wanted */
  for (guint row = 0, band = op->band != 0 ? op->band : h; row < h; row += band)
    {
      NnEmit emit = *job->emit;
      guint begin = row, end = MIN (row + band, h);
      guint first, last;

      emit.statistics = statistics;
      emit.row_begin = band < h ? begin : 0;
      emit.row_end = band < h ? end : 0;
      first = begin;
      last = end;
      rows_before (op, statistics, &first, &last);
      if (op->n_inputs > 0 && !provide (job, op->inputs[0], index, first, last, error))
        return FALSE;
      if (!job->record (job->data, &emit, op, error))
        return FALSE;
    }
  return TRUE;
}
