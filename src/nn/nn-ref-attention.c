/* nn-ref-attention.c: attention in plain C, one query at a time, all its scores at once
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-ref-private.h"
#include <math.h>
#include <string.h>

#define QUERIES 64 /* of one item of work */
#define BLOCK 256  /* keys summed in fp32 before they are added in double */

typedef struct
{
  const NnOp *op;
  const float *q, *k, *v;
  float *y;
} Job;

NN_REF_VECTOR static void
add_scaled (float *restrict sums, const float *restrict x, float scale, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] += scale * x[i];
}

/* softmax, in place; the sum is not divided out but returned */
static double
weigh (float *scores, guint n)
{
  float top = -INFINITY;
  double sum = 0.0;

  for (guint j = 0; j < n; j++)
    top = MAX (top, scores[j]);
  for (guint j = 0; j < n; j++)
    {
      scores[j] = (float) exp ((double) scores[j] - top);
      sum += scores[j];
    }
  return sum;
}

static void
run_query (const NnAttention *p,
           const float *q,
           const float *keys,
           const float *v,
           gsize v_pitch,
           guint n,
           float *scores,
           float *y)
{
  double total[512] = { 0 }, sum;
  guint d_n = p->head_dim;
  float root = (float) (1.0 / sqrt ((double) d_n));

  memset (scores, 0, n * sizeof *scores);
  for (guint d = 0; d < d_n; d++)
    add_scaled (scores, keys + (gsize) d * p->k_valid, q[d] * root, n);
  sum = weigh (scores, n);
  for (guint j0 = 0; j0 < n; j0 += BLOCK)
    {
      float part[512] = { 0 };

      for (guint j = j0; j < MIN (n, j0 + BLOCK); j++)
        add_scaled (part, v + j * v_pitch, scores[j], d_n);
      for (guint d = 0; d < d_n; d++)
        total[d] += part[d];
    }
  for (guint d = 0; d < d_n; d++)
    y[d] = (float) (total[d] / sum);
}

/* One head of one image, QUERIES queries */
static void
run_item (guint64 index, gpointer data)
{
  const Job *job = data;
  const NnAttention *p = &job->op->attention;
  guint t_q = p->q->h * p->q->w, t_k = p->k->h * p->k->w;
  guint items = (t_q + QUERIES - 1) / QUERIES, first = index % items * QUERIES;
  guint head = index / items % p->heads;
  gsize n = index / items / p->heads, at = (gsize) head * p->head_dim;
  gsize q_pitch = nn_pad4 (p->q->c), k_pitch = nn_pad4 (p->k->c),
        v_pitch = nn_pad4 (p->v->c);
  gsize y_pitch = nn_pad4 (job->op->y->c);
  const float *k = job->k + n * t_k * k_pitch + p->k_offset + at;
  const float *v = job->v + n * t_k * v_pitch + p->v_offset + at;
  g_autofree float *keys = g_new (float, (gsize) p->head_dim * p->k_valid);
  g_autofree float *scores = g_new (float, p->k_valid);

  for (guint j = 0; j < p->k_valid; j++)
    for (guint d = 0; d < p->head_dim; d++)
      keys[(gsize) d * p->k_valid + j] = k[j * k_pitch + d];
  for (guint i = first; i < MIN (t_q, first + QUERIES); i++)
    run_query (p, job->q + (n * t_q + i) * q_pitch + p->q_offset + at, keys, v, v_pitch,
               p->causal ? MIN (p->k_valid, i + 1) : p->k_valid, scores,
               job->y + (n * t_q + i) * y_pitch + at);
}

void
nn_ref_attention (const NnOp *op, NnRefFind find, gpointer user_data)
{
  const NnAttention *p = &op->attention;
  guint items = (p->q->h * p->q->w + QUERIES - 1) / QUERIES;
  Job job = { .op = op };

  job.q = find (p->q, user_data);
  job.k = find (p->k, user_data);
  job.v = find (p->v, user_data);
  job.y = find (op->y, user_data);
  nn_ref_parallel ((guint64) p->q->n * p->heads * items, op->flops, run_item, &job);
}
