/* nn-ref-matrix.c: linear and 3×3 convolution in plain C
 *
 * Both are one matrix product, A[rows][k]·B[k][out]: a convolution gathers each output
 * pixel's patch into a row of A, tap by tap. Panels of 32 rows; B packed in columns of 16
 * so that a block of 256 × 16 stays in the first-level cache. Each block is summed in
 * fp32, blocks are added in double.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-ref-private.h"
#include <string.h>

#define PANEL 32 /* rows gathered at once */
#define ROWS 4   /* rows in registers */
#define COLS 16
#define BLOCK 256

typedef float Vec __attribute__ ((vector_size (32), aligned (4)));

typedef struct
{
  const NnOp *op;
  const float *x, *x2, *bias, *add, *residual;
  float *y;
  float *packed; /* [out / 16][k][16] */
  guint64 rows;
  guint c, c2, taps, k, out;
  NnAct act;
} Job;

/* weight [out][in][taps] → columns of 16, rows in the order tap, channel */
static float *
pack (const NnWeight *weight, guint taps)
{
  guint in = weight->in, out = weight->out, columns = (out + COLS - 1) / COLS;
  gsize k = (gsize) taps * in;
  float *packed = g_new0 (float, (gsize) columns *k *COLS);

  for (guint o = 0; o < out; o++)
    {
      float *column = packed + (gsize) (o / COLS) * k * COLS + o % COLS;
      const float *row = weight->host + (gsize) o * in * taps;

      for (guint tap = 0; tap < taps; tap++)
        for (guint i = 0; i < in; i++)
          column[((gsize) tap * in + i) * COLS] = row[(gsize) i * taps + tap];
    }
  return packed;
}

/* @n ≤ BLOCK steps of ROWS × COLS products, added to @sums */
NN_REF_VECTOR static void
block (const float *a, gsize pitch, const float *b, guint n, double sums[ROWS][COLS])
{
  Vec acc[ROWS][2];

  memset (acc, 0, sizeof acc);
  for (guint i = 0; i < n; i++)
    {
      const Vec *bv = (const Vec *) (b + (gsize) i * COLS);

      for (guint r = 0; r < ROWS; r++)
        {
          float s = a[r * pitch + i];

          acc[r][0] += bv[0] * s;
          acc[r][1] += bv[1] * s;
        }
    }
  for (guint r = 0; r < ROWS; r++)
    for (guint j = 0; j < COLS; j++)
      sums[r][j] += acc[r][j / 8][j % 8];
}

/* One pixel of the (joined) input to @dst; NULL source: zeros */
static void
gather_pixel (const Job *job, gint64 pixel, float *dst)
{
  if (pixel < 0)
    {
      memset (dst, 0, (job->c + job->c2) * sizeof *dst);
      return;
    }
  memcpy (dst, job->x + pixel * nn_pad4 (job->c), job->c * sizeof *dst);
  if (job->x2 != NULL)
    memcpy (dst + job->c, job->x2 + pixel * nn_pad4 (job->c2), job->c2 * sizeof *dst);
}

static void
gather_patch (const Job *job, guint64 row, float *dst)
{
  const NnConv3 *p = &job->op->conv3;
  const NnTensor *y = job->op->y;
  guint ox = row % y->w, oy = row / y->w % y->h;
  guint64 n = row / y->w / y->h;
  int pad = p->pad_end ? 0 : 1;

  for (int tap = 0; tap < 9; tap++)
    {
      gint64 iy = (gint64) oy * p->stride + tap / 3 - pad;
      gint64 ix = (gint64) ox * p->stride + tap % 3 - pad;
      gboolean inside = iy >= 0 && ix >= 0 && iy < p->up_h && ix < p->up_w;
      gint64 pixel = -1;

      if (inside)
        {
          iy = iy * p->x->h / p->up_h;
          ix = ix * p->x->w / p->up_w;
          pixel = ((gint64) n * p->x->h + iy) * p->x->w + ix;
        }
      gather_pixel (job, pixel, dst + (gsize) tap * (job->c + job->c2));
    }
}

static void
finish_row (const Job *job, guint64 row, float *values)
{
  const NnTensor *y = job->op->y;
  gsize pitch = nn_pad4 (y->c);
  float *dst = job->y + row * pitch;
  const float *add = NULL;

  if (job->add != NULL)
    {
      const NnTensor *t = job->op->conv3.channel_add;
      guint64 n = t->n == 1 ? 0 : row / ((guint64) y->h * y->w);

      add = job->add + n * nn_pad4 (t->c) + job->op->conv3.channel_add_offset;
    }
  for (guint o = 0; o < job->out; o++)
    values[o]
        += (job->bias != NULL ? job->bias[o] : 0.0f) + (add != NULL ? add[o] : 0.0f);
  for (guint o = 0; o < pitch; o++)
    {
      float v = o >= y->c ? 0.0f
                : job->act == NN_ACT_GEGLU
                    ? values[o] * nn_ref_act (NN_ACT_GELU, values[y->c + o])
                    : nn_ref_act (job->act, values[o]);

      dst[o] = job->residual != NULL ? v + job->residual[row * pitch + o] : v;
    }
}

static void
run_panel (guint64 index, gpointer data)
{
  const Job *job = data;
  guint64 first = index * PANEL;
  guint rows = MIN (PANEL, job->rows - first);
  guint columns = (job->out + COLS - 1) / COLS;
  g_autofree float *a = g_new0 (float, (gsize) PANEL * job->k);
  g_autofree float *out = g_new (float, (gsize) PANEL *columns *COLS);

  for (guint r = 0; r < rows; r++)
    if (job->taps == 1)
      gather_pixel (job, first + r, a + (gsize) r * job->k);
    else
      gather_patch (job, first + r, a + (gsize) r * job->k);
  for (guint column = 0; column < columns; column++)
    {
      double sums[PANEL][COLS] = { 0 };

      for (guint k = 0; k < job->k; k += BLOCK)
        for (guint r = 0; r < rows; r += ROWS)
          block (a + (gsize) r * job->k + k, job->k,
                 job->packed + ((gsize) column * job->k + k) * COLS,
                 MIN (BLOCK, job->k - k), sums + r);
      for (guint r = 0; r < rows; r++)
        for (guint j = 0; j < COLS; j++)
          out[((gsize) r * columns + column) * COLS + j] = (float) sums[r][j];
    }
  for (guint r = 0; r < rows; r++)
    finish_row (job, first + r, out + (gsize) r * columns * COLS);
}

static void
run (Job *job, const NnWeight *weight, guint taps)
{
  job->taps = taps;
  job->out = weight->out;
  job->k = taps * weight->in;
  job->rows = (guint64) job->op->y->n * job->op->y->h * job->op->y->w;
  job->packed = pack (weight, taps);
  nn_ref_parallel ((job->rows + PANEL - 1) / PANEL, job->op->flops, run_panel, job);
  g_free (job->packed);
}

void
nn_ref_linear (const NnOp *op, NnRefFind find, gpointer user_data)
{
  const NnLinear *p = &op->linear;
  Job job = { .op = op, .act = p->act, .c = p->x->c, .c2 = p->x2 != NULL ? p->x2->c : 0 };

  job.x = find (p->x, user_data);
  job.x2 = p->x2 != NULL ? find (p->x2, user_data) : NULL;
  job.residual = p->residual != NULL ? find (p->residual, user_data) : NULL;
  job.bias = p->bias != NULL ? p->bias->host : NULL;
  job.y = find (op->y, user_data);
  run (&job, p->weight, 1);
}

void
nn_ref_conv3 (const NnOp *op, NnRefFind find, gpointer user_data)
{
  const NnConv3 *p = &op->conv3;
  Job job = { .op = op, .act = p->act, .c = p->x->c, .c2 = p->x2 != NULL ? p->x2->c : 0 };

  job.x = find (p->x, user_data);
  job.x2 = p->x2 != NULL ? find (p->x2, user_data) : NULL;
  job.add = p->channel_add != NULL ? find (p->channel_add, user_data) : NULL;
  job.residual = p->residual != NULL ? find (p->residual, user_data) : NULL;
  job.bias = p->bias != NULL ? p->bias->host : NULL;
  job.y = find (op->y, user_data);
  run (&job, p->weight, 9);
}
