/* nn-graph-ops.c: the constructors of operators, which check shapes
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-graph-private.h"

/* ---- checks ---- */

static void
check_vector (NnGraph *graph, const NnWeight *weight, guint c, const char *label)
{
  if (weight == NULL)
    return;
  if (weight->kind != NN_WEIGHT_VECTOR || weight->out != c)
    nn_graph_fault (graph, label, "weight “%s” has %u values where %u channels need it",
                    weight->name, weight->out, c);
}

static void
check_weight (NnGraph *graph,
              const NnWeight *weight,
              NnWeightKind kind,
              guint in,
              const char *label)
{
  if (weight->kind != kind || weight->in != in)
    nn_graph_fault (graph, label, "weight “%s” takes %u channels where the input has %u",
                    weight->name, weight->in, in);
}

static void
check_same (NnGraph *graph,
            const NnTensor *x,
            const NnTensor *y,
            const char *what,
            const char *label)
{
  if (x != NULL && (x->n != y->n || x->h != y->h || x->w != y->w || x->c != y->c))
    nn_graph_fault (graph, label, "%s is %u×%u×%u×%u where %u×%u×%u×%u is needed", what,
                    x->n, x->h, x->w, x->c, y->n, y->h, y->w, y->c);
}

/* Both sources of a concat; returns the channels of the whole. */
static guint
check_sources (NnGraph *graph, const NnTensor *x, const NnTensor *x2, const char *label)
{
  if (x2 == NULL)
    return x->c;
  if (x->n != x2->n || x->h != x2->h || x->w != x2->w)
    nn_graph_fault (graph, label, "%u×%u×%u pixels cannot be joined with %u×%u×%u", x->n,
                    x->h, x->w, x2->n, x2->h, x2->w);
  if (x->c % 4 != 0)
    nn_graph_fault (graph, label,
                    "%u channels are followed by others; must be a multiple of 4", x->c);
  return x->c + x2->c;
}

/* ---- matrix operators ---- */

NnTensor *
nn_linear (NnGraph *graph, const NnLinear *p, const char *label)
{
  guint in = check_sources (graph, p->x, p->x2, label);
  guint out = p->weight->out;
  NnTensor *y;
  NnOp *op;

  check_weight (graph, p->weight, NN_WEIGHT_MATRIX, in, label);
  check_vector (graph, p->bias, out, label);
  if (p->act == NN_ACT_GEGLU)
    {
      if (out % 8 != 0)
        nn_graph_fault (graph, label, "GEGLU needs a width divisible by 8, not %u", out);
      out /= 2;
    }
  y = nn_graph_tensor (graph, p->x->n, p->x->h, p->x->w, out);
  check_same (graph, p->residual, y, "the residual", label);
  op = nn_graph_op (graph, NN_OP_LINEAR, y, label);
  op->linear = *p;
  nn_op_read (op, p->x);
  nn_op_read (op, p->x2);
  nn_op_read (op, p->residual);
  nn_op_use (op, p->weight);
  nn_op_use (op, p->bias);
  op->flops = 2.0 * y->n * y->h * y->w * (double) in * p->weight->out;
  return y;
}

static void
check_conv3 (NnGraph *graph, const NnConv3 *p, const NnTensor *y, const char *label)
{
  const NnTensor *add = p->channel_add;

  if (p->stride > 2)
    nn_graph_fault (graph, label, "a stride of %u is not supported", p->stride);
  if (p->pad_end && p->stride != 2)
    nn_graph_fault (graph, label, "padding at the end only needs stride 2");
  if ((p->up_h == 0) != (p->up_w == 0))
    nn_graph_fault (graph, label, "resizing to %u×%u", p->up_h, p->up_w);
  if (p->act != NN_ACT_NONE && p->act != NN_ACT_SILU && p->act != NN_ACT_RELU)
    nn_graph_fault (graph, label, "activation %u is not one of a convolution", p->act);
  if (add == NULL)
    return;
  if ((add->n != 1 && add->n != y->n) || add->h != 1 || add->w != 1
      || (guint64) p->channel_add_offset + y->c > add->c
      || p->channel_add_offset % 4 != 0)
    nn_graph_fault (graph, label,
                    "added channels: %u×%u×%u×%u from %u on cannot serve %u×%u", add->n,
                    add->h, add->w, add->c, p->channel_add_offset, y->n, y->c);
}

NnTensor *
nn_conv3 (NnGraph *graph, const NnConv3 *p, const char *label)
{
  guint in = check_sources (graph, p->x, p->x2, label);
  guint h = p->up_h != 0 ? p->up_h : p->x->h, w = p->up_w != 0 ? p->up_w : p->x->w;
  guint stride = MAX (p->stride, 1);
  guint pad = p->pad_end ? 1 : 2; /* rows of zeros, both sides together */
  NnTensor *y;
  NnOp *op;

  check_weight (graph, p->weight, NN_WEIGHT_CONV3, in, label);
  check_vector (graph, p->bias, p->weight->out, label);
  if (h + pad < 3 || w + pad < 3)
    nn_graph_fault (graph, label, "a picture of %u×%u is too small", h, w);
  y = nn_graph_tensor (graph, p->x->n, (h + pad - 3) / stride + 1,
                       (w + pad - 3) / stride + 1, p->weight->out);
  check_conv3 (graph, p, y, label);
  check_same (graph, p->residual, y, "the residual", label);
  op = nn_graph_op (graph, NN_OP_CONV3, y, label);
  op->conv3 = *p;
  op->conv3.stride = stride;
  op->conv3.up_h = h;
  op->conv3.up_w = w;
  nn_op_read (op, p->x);
  nn_op_read (op, p->x2);
  nn_op_read (op, p->channel_add);
  nn_op_read (op, p->residual);
  nn_op_use (op, p->weight);
  nn_op_use (op, p->bias);
  op->flops = 2.0 * y->n * y->h * y->w * 9.0 * in * y->c;
  return y;
}

static void
check_heads (NnGraph *graph,
             const NnAttention *p,
             const NnTensor *x,
             guint offset,
             const char *what,
             const char *label)
{
  if (offset % 4 != 0 || (guint64) offset + (guint64) p->heads * p->head_dim > x->c)
    nn_graph_fault (graph, label,
                    "%s: %u heads of %u from channel %u on do not fit %u channels", what,
                    p->heads, p->head_dim, offset, x->c);
}

NnTensor *
nn_attention (NnGraph *graph, const NnAttention *p, const char *label)
{
  guint t_k = p->k->h * p->k->w, used = p->k_valid != 0 ? p->k_valid : t_k;
  NnTensor *y;
  NnOp *op;

  if (p->head_dim % 4 != 0 || p->head_dim < 8 || p->head_dim > 512 || p->heads == 0)
    nn_graph_fault (graph, label, "%u heads of %u channels; heads have 8, 12 … 512",
                    p->heads, p->head_dim);
  check_heads (graph, p, p->q, p->q_offset, "queries", label);
  check_heads (graph, p, p->k, p->k_offset, "keys", label);
  check_heads (graph, p, p->v, p->v_offset, "values", label);
  if (p->k->n != p->q->n || p->v->n != p->q->n || p->v->h * p->v->w != t_k)
    nn_graph_fault (graph, label, "%u×%u queries, %u×%u keys, %u×%u values", p->q->n,
                    p->q->h * p->q->w, p->k->n, t_k, p->v->n, p->v->h * p->v->w);
  if (used > t_k)
    nn_graph_fault (graph, label, "%u keys are to be used of %u", used, t_k);
  y = nn_graph_tensor (graph, p->q->n, p->q->h, p->q->w, p->heads * p->head_dim);
  op = nn_graph_op (graph, NN_OP_ATTENTION, y, label);
  op->attention = *p;
  op->attention.k_valid = used;
  nn_op_read (op, p->q);
  nn_op_read (op, p->k);
  nn_op_read (op, p->v);
  op->flops = 4.0 * y->n * y->h * y->w * (double) used * y->c * (p->causal ? 0.5 : 1.0);
  return y;
}

/* ---- norms ---- */

NnTensor *
nn_group_norm (NnGraph *graph, const NnGroupNorm *p, const char *label)
{
  guint c = check_sources (graph, p->x, p->x2, label);
  NnTensor *y = nn_graph_tensor (graph, p->x->n, p->x->h, p->x->w, c);
  NnOp *op = nn_graph_op (graph, NN_OP_GROUP_NORM, y, label);

  if (p->groups == 0 || c % p->groups != 0)
    nn_graph_fault (graph, label, "%u channels do not divide into %u groups", c,
                    p->groups);
  check_vector (graph, p->gamma, c, label);
  check_vector (graph, p->beta, c, label);
  op->group_norm = *p;
  nn_op_read (op, p->x);
  nn_op_read (op, p->x2);
  nn_op_use (op, p->gamma);
  nn_op_use (op, p->beta);
  op->flops = 10.0 * y->n * y->h * y->w * c;
  return y;
}

NnTensor *
nn_layer_norm (NnGraph *graph,
               NnTensor *x,
               NnWeight *gamma,
               NnWeight *beta,
               float eps,
               const char *label)
{
  NnTensor *y = nn_graph_tensor (graph, x->n, x->h, x->w, x->c);
  NnOp *op = nn_graph_op (graph, NN_OP_LAYER_NORM, y, label);

  check_vector (graph, gamma, x->c, label);
  check_vector (graph, beta, x->c, label);
  op->layer_norm = (NnLayerNorm){ .x = x, .gamma = gamma, .beta = beta, .eps = eps };
  nn_op_read (op, x);
  nn_op_use (op, gamma);
  nn_op_use (op, beta);
  op->flops = 8.0 * y->n * y->h * y->w * x->c;
  return y;
}

/* ---- small ones ---- */

NnTensor *
nn_time_embed (NnGraph *graph, NnTensor *t, guint dim, const char *label)
{
  NnTensor *y = nn_graph_tensor (graph, t->n, 1, 1, dim);
  NnOp *op = nn_graph_op (graph, NN_OP_TIME_EMBED, y, label);

  if (t->h != 1 || t->w != 1 || t->c != 1 || dim == 0 || dim % 2 != 0)
    nn_graph_fault (graph, label, "%u×%u×%u×%u times to vectors of %u", t->n, t->h, t->w,
                    t->c, dim);
  op->time_embed = (NnTimeEmbed){ .t = t, .dim = dim };
  nn_op_read (op, t);
  op->flops = 40.0 * t->n * dim;
  return y;
}

NnTensor *
nn_act (NnGraph *graph, NnTensor *x, NnAct act, const char *label)
{
  NnTensor *y = nn_graph_tensor (graph, x->n, x->h, x->w, x->c);
  NnOp *op = nn_graph_op (graph, NN_OP_ACT, y, label);

  if (act == NN_ACT_GEGLU)
    nn_graph_fault (graph, label, "GEGLU is an activation of nn_linear only");
  op->act = (NnActOp){ .x = x, .act = act };
  nn_op_read (op, x);
  op->flops = 10.0 * y->n * y->h * y->w * x->c;
  return y;
}

NnTensor *
nn_prelu (NnGraph *graph, NnTensor *x, NnWeight *slope, const char *label)
{
  NnTensor *y = nn_graph_tensor (graph, x->n, x->h, x->w, x->c);
  NnOp *op = nn_graph_op (graph, NN_OP_PRELU, y, label);

  check_vector (graph, slope, x->c, label);
  op->prelu = (NnPrelu){ .x = x, .slope = slope };
  nn_op_read (op, x);
  nn_op_use (op, slope);
  op->flops = 2.0 * y->n * y->h * y->w * x->c;
  return y;
}

NnTensor *
nn_combine (
    NnGraph *graph, NnTensor *const *xs, guint n_xs, NnTensor *coefs, const char *label)
{
  NnTensor *y = nn_graph_tensor (graph, xs[0]->n, xs[0]->h, xs[0]->w, xs[0]->c);
  NnOp *op = nn_graph_op (graph, NN_OP_COMBINE, y, label);

  if (n_xs < 1 || n_xs > 4)
    nn_graph_fault (graph, label, "%u tensors are to be combined; 1 to 4 can be", n_xs);
  n_xs = CLAMP (n_xs, 1, 4);
  if (coefs->n != 1 || coefs->h != 1 || coefs->w != 1 || coefs->c != n_xs)
    nn_graph_fault (graph, label, "%u×%u×%u×%u coefficients for %u tensors", coefs->n,
                    coefs->h, coefs->w, coefs->c, n_xs);
  op->combine.n_xs = n_xs;
  op->combine.coefs = coefs;
  nn_op_read (op, coefs);
  for (guint i = 0; i < n_xs; i++)
    {
      check_same (graph, xs[i], y, "a tensor", label);
      op->combine.xs[i] = xs[i];
      nn_op_read (op, xs[i]);
    }
  op->flops = 2.0 * n_xs * y->n * y->h * y->w * y->c;
  return y;
}
