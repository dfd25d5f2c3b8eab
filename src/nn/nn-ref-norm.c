/* nn-ref-norm.c: GroupNorm (Wu & He 2018) and LayerNorm (Ba et al. 2016) in plain C
 *
 * Mean first, then the squares about it, both in double: no digits are lost however large
 * the mean is. Variances are those of the population, eps inside the root.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-ref-private.h"
#include <math.h>

typedef struct
{
  const NnOp *op;
  const float *x, *x2, *gamma, *beta;
  float *y;
  guint c, c2;
} Job;

static float
value (const Job *job, guint64 row, guint channel)
{
  return channel < job->c ? job->x[row * nn_pad4 (job->c) + channel]
                          : job->x2[row * nn_pad4 (job->c2) + channel - job->c];
}

static float
affine (const Job *job, double normal, guint channel)
{
  double gamma = job->gamma != NULL ? job->gamma[channel] : 1.0;
  double beta = job->beta != NULL ? job->beta[channel] : 0.0;

  return (float) (normal * gamma + beta);
}

static void
run_group (guint64 index, gpointer data)
{
  const Job *job = data;
  const NnGroupNorm *p = &job->op->group_norm;
  const NnTensor *y = job->op->y;
  guint width = y->c / p->groups, c0 = index % p->groups * width;
  guint64 pixels = (guint64) y->h * y->w, row0 = index / p->groups * pixels;
  double sum = 0.0, squares = 0.0, mean, scale;

  for (guint64 i = 0; i < pixels; i++)
    for (guint c = c0; c < c0 + width; c++)
      sum += value (job, row0 + i, c);
  mean = sum / ((double) pixels * width);
  for (guint64 i = 0; i < pixels; i++)
    for (guint c = c0; c < c0 + width; c++)
      {
        double d = value (job, row0 + i, c) - mean;

        squares += d * d;
      }
  scale = 1.0 / sqrt (squares / ((double) pixels * width) + p->eps);
  for (guint64 i = 0; i < pixels; i++)
    for (guint c = c0; c < c0 + width; c++)
      {
        float v = affine (job, (value (job, row0 + i, c) - mean) * scale, c);

        job->y[(row0 + i) * nn_pad4 (y->c) + c]
            = p->silu ? nn_ref_act (NN_ACT_SILU, v) : v;
      }
}

static void
clear_padding (const NnTensor *y, float *values)
{
  guint64 rows = (guint64) y->n * y->h * y->w;
  guint pitch = nn_pad4 (y->c);

  for (guint64 row = 0; row < rows; row++)
    for (guint c = y->c; c < pitch; c++)
      values[row * pitch + c] = 0.0f;
}

void
nn_ref_group_norm (const NnOp *op, NnRefFind find, gpointer user_data)
{
  const NnGroupNorm *p = &op->group_norm;
  Job job = { .op = op, .c = p->x->c, .c2 = p->x2 != NULL ? p->x2->c : 0 };

  job.x = find (p->x, user_data);
  job.x2 = p->x2 != NULL ? find (p->x2, user_data) : NULL;
  job.gamma = p->gamma != NULL ? p->gamma->host : NULL;
  job.beta = p->beta != NULL ? p->beta->host : NULL;
  job.y = find (op->y, user_data);
  nn_ref_parallel ((guint64) op->y->n * p->groups, op->flops, run_group, &job);
  clear_padding (op->y, job.y);
}

static void
run_row (guint64 row, gpointer data)
{
  const Job *job = data;
  guint c = job->c, pitch = nn_pad4 (c);
  const float *x = job->x + row * pitch;
  double sum = 0.0, squares = 0.0, mean, scale;

  for (guint i = 0; i < c; i++)
    sum += x[i];
  mean = sum / c;
  for (guint i = 0; i < c; i++)
    squares += (x[i] - mean) * (x[i] - mean);
  scale = 1.0 / sqrt (squares / c + job->op->layer_norm.eps);
  for (guint i = 0; i < c; i++)
    job->y[row * pitch + i] = affine (job, (x[i] - mean) * scale, i);
}

void
nn_ref_layer_norm (const NnOp *op, NnRefFind find, gpointer user_data)
{
  const NnLayerNorm *p = &op->layer_norm;
  Job job = { .op = op, .c = p->x->c };

  job.x = find (p->x, user_data);
  job.gamma = p->gamma != NULL ? p->gamma->host : NULL;
  job.beta = p->beta != NULL ? p->beta->host : NULL;
  job.y = find (op->y, user_data);
  nn_ref_parallel ((guint64) op->y->n * op->y->h * op->y->w, op->flops, run_row, &job);
  clear_padding (op->y, job.y);
}
