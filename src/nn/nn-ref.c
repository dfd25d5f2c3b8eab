/* nn-ref.c: the definition of the operators in plain C: the small ones, and the way to
 * all
 *
 * Storage is fp32; sums are kept in double, or in fp32 over at most 256 terms and then
 * added in double, so that the reference errs by less than what is tested against it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-ref-private.h"
#include <math.h>

#define WORTH_A_THREAD 4e6 /* flops; starting one costs some 30 µs */

void
nn_ref_parallel (guint64 count, double flops, NnRefWork work, gpointer job)
{
  base_parallel (count, flops < WORTH_A_THREAD ? 1 : G_MAXUINT, work, job);
}

float
nn_ref_act (NnAct act, float x)
{
  double v = x;

  switch (act)
    {
    case NN_ACT_SILU:
      return (float) (v / (1.0 + exp (-v)));
    case NN_ACT_GELU:
    case NN_ACT_GEGLU: /* of its second half */
      return (float) (0.5 * v * (1.0 + erf (v * G_SQRT2 / 2.0)));
    case NN_ACT_RELU:
      return MAX (x, 0.0f);
    case NN_ACT_QUICK_GELU:
      return (float) (v / (1.0 + exp (-1.702 * v)));
    case NN_ACT_NONE:
    default:
      return x;
    }
}

/* ---- element by element; padding is carried along as zeros: act (0) = 0 ---- */

#define CHUNK 4096

typedef struct
{
  const float *xs[4];
  const float *coefs;
  float *y;
  guint64 n;
  guint n_xs;
  NnAct act;
} Elements;

static void
act_chunk (guint64 index, gpointer data)
{
  const Elements *e = data;
  guint64 end = MIN (e->n, (index + 1) * CHUNK);

  for (guint64 i = index * CHUNK; i < end; i++)
    e->y[i] = nn_ref_act (e->act, e->xs[0][i]);
}

static void
combine_chunk (guint64 index, gpointer data)
{
  const Elements *e = data;
  guint64 end = MIN (e->n, (index + 1) * CHUNK);

  for (guint64 i = index * CHUNK; i < end; i++)
    {
      double sum = 0.0;

      for (guint j = 0; j < e->n_xs; j++)
        sum += (double) e->coefs[j] * e->xs[j][i];
      e->y[i] = (float) sum;
    }
}

static void
prelu_row (guint64 row, gpointer data)
{
  const Elements *e = data;
  guint pitch = nn_pad4 (e->n_xs);

  for (guint c = 0; c < pitch; c++)
    {
      float x = e->xs[0][row * pitch + c];
      /* Padding has no slope. */
      e->y[row * pitch + c] = x > 0.0f ? x : c < e->n_xs ? x * e->coefs[c] : 0.0f;
    }
}

static void
ref_prelu (const NnOp *op, NnRefFind find, gpointer user_data)
{
  Elements e = { .n_xs = op->y->c, .coefs = op->prelu.slope->host };

  e.xs[0] = find (op->prelu.x, user_data);
  e.y = find (op->y, user_data);
  nn_ref_parallel ((guint64) op->y->n * op->y->h * op->y->w, op->flops, prelu_row, &e);
}

static void
ref_act (const NnOp *op, NnRefFind find, gpointer user_data)
{
  Elements e = { .act = op->act.act, .n = nn_tensor_elements (op->y) };

  e.xs[0] = find (op->act.x, user_data);
  e.y = find (op->y, user_data);
  nn_ref_parallel ((e.n + CHUNK - 1) / CHUNK, 20.0 * e.n, act_chunk, &e);
}

static void
ref_combine (const NnOp *op, NnRefFind find, gpointer user_data)
{
  Elements e = { .n_xs = op->combine.n_xs, .n = nn_tensor_elements (op->y) };

  for (guint i = 0; i < e.n_xs; i++)
    e.xs[i] = find (op->combine.xs[i], user_data);
  e.coefs = find (op->combine.coefs, user_data);
  e.y = find (op->y, user_data);
  nn_ref_parallel ((e.n + CHUNK - 1) / CHUNK, 2.0 * e.n * e.n_xs, combine_chunk, &e);
}

/* Angles are rounded to fp32 where PyTorch rounds them: at t = 999 one such step is
 * 6e-5, which the trained network has seen. */
static void
ref_time_embed (const NnOp *op, NnRefFind find, gpointer user_data)
{
  guint dim = op->time_embed.dim, half = dim / 2, pitch = nn_pad4 (dim);
  const float *t = find (op->time_embed.t, user_data);
  float *y = find (op->y, user_data);
  float step = -logf (10000.0f);

  for (guint n = 0; n < op->y->n; n++)
    for (guint i = 0; i < pitch; i++)
      {
        guint k = i < half ? i : i - half;
        float angle
            = t[(gsize) n * 4] * (float) exp ((double) (step * (float) k / (float) half));

        y[(gsize) n * pitch + i] = i >= dim   ? 0.0f
                                   : i < half ? (float) cos ((double) angle)
                                              : (float) sin ((double) angle);
      }
}

void
nn_ref_op (const NnOp *op, NnRefFind find, gpointer user_data)
{
  switch (op->kind)
    {
    case NN_OP_LINEAR:
      nn_ref_linear (op, find, user_data);
      break;
    case NN_OP_CONV3:
      nn_ref_conv3 (op, find, user_data);
      break;
    case NN_OP_GROUP_NORM:
      nn_ref_group_norm (op, find, user_data);
      break;
    case NN_OP_LAYER_NORM:
      nn_ref_layer_norm (op, find, user_data);
      break;
    case NN_OP_ATTENTION:
      nn_ref_attention (op, find, user_data);
      break;
    case NN_OP_TIME_EMBED:
      ref_time_embed (op, find, user_data);
      break;
    case NN_OP_ACT:
      ref_act (op, find, user_data);
      break;
    case NN_OP_COMBINE:
      ref_combine (op, find, user_data);
      break;
    case NN_OP_PRELU:
      ref_prelu (op, find, user_data);
      break;
    }
}
