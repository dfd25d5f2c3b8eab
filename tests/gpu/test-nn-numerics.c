/* test-nn-numerics.c: where 16 bits are not enough although everything is stored in them
 *
 * Inputs and results are small numbers that 16 bits hold exactly; what lies between is
 * beyond 65504, so that a sum or a logit kept in 16 bits gives an infinity.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-half.h"
#include "nn/nn.h"

#include <math.h>
#include <string.h>

static GpuDevice *device;

typedef struct
{
  guint16 *halves;
  gsize n;
} Matrix;

static gboolean
read_matrix (gpointer source, void *dst, gsize n, GError **error)
{
  const Matrix *matrix = source;
  g_assert_cmpuint (n, ==, matrix->n * sizeof (guint16));
  memcpy (dst, matrix->halves, n);
  return TRUE;
}

static void
run (NnContext *context, NnGraph *graph)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NnProgram) program = nn_program_new (graph, FALSE, &error);
  g_assert_no_error (error);
  nn_program_run (program, NULL, &error);
  g_assert_no_error (error);
}

static NnState *
state (NnContext *context, guint w, guint c, const float *values)
{
  g_autoptr (GError) error = NULL;
  NnState *made = nn_state_new (context, 1, 1, w, c, "numbers", &error);
  g_assert_no_error (error);
  if (values != NULL)
    nn_state_write (made, values, &error);
  g_assert_no_error (error);
  return made;
}

#define ROWS 8
#define INPUTS 20480
#define OUTPUTS 64

/* A first half of eights and a second of minus eights, but for one nine: 1. The sum goes
 * to 81920 on its way. */
static void
test_sums (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F16);
  g_autofree float *ones = g_new (float, ROWS *INPUTS);
  g_autofree float *out = g_new (float, ROWS *OUTPUTS);
  Matrix matrix = { g_new (guint16, OUTPUTS * INPUTS), OUTPUTS * INPUTS };
  for (gsize i = 0; i < ROWS * INPUTS; i++)
    ones[i] = 1;
  for (gsize o = 0; o < OUTPUTS; o++)
    for (gsize i = 0; i < INPUTS; i++)
      matrix.halves[o * INPUTS + i]
          = base_half_from_float (i == o ? 9 : (i < INPUTS / 2 ? 8 : -8));
  const NnWeightPart part
      = { .read = read_matrix, .source = &matrix, .type = NN_F16, .out = OUTPUTS };
  NnWeight *weight
      = nn_weight_new (context, "eights", NN_WEIGHT_MATRIX, &part, 1, INPUTS);
  g_autoptr (NnState) in = state (context, ROWS, INPUTS, ones);
  g_autoptr (NnState) result = state (context, ROWS, OUTPUTS, NULL);
  g_autoptr (NnGraph) graph = nn_graph_new (context, "sums");
  /* through an activation, so that the product reads 16 bits */
  NnTensor *x = nn_act (graph, nn_load (graph, in), NN_ACT_RELU, "halves");
  nn_store (graph, nn_linear (graph, &(NnLinear){ .x = x, .weight = weight }, "product"),
            result);
  run (context, graph);
  g_autoptr (GError) error = NULL;
  nn_state_read (result, out, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < ROWS * OUTPUTS; i++)
    g_assert_cmpfloat (out[i], ==, 1);
  g_free (matrix.halves);
}

#define TOKENS 64
#define HEAD 64
#define LOUD 2048

/* Each token looks for itself with a logit of 2048² / 8 = 524288, and finds it. */
static void
test_logits (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F16);
  g_autofree float *keys = g_new0 (float, TOKENS *HEAD);
  g_autofree float *values = g_new (float, TOKENS *HEAD);
  g_autofree float *out = g_new (float, TOKENS *HEAD);
  for (guint t = 0; t < TOKENS; t++)
    {
      keys[t * HEAD + t % HEAD] = LOUD;
      for (guint c = 0; c < HEAD; c++)
        values[t * HEAD + c] = (float) ((t * 7 + c * 3) % 32);
    }
  g_autoptr (NnState) k = state (context, TOKENS, HEAD, keys);
  g_autoptr (NnState) v = state (context, TOKENS, HEAD, values);
  g_autoptr (NnState) result = state (context, TOKENS, HEAD, NULL);
  g_autoptr (NnGraph) graph = nn_graph_new (context, "logits");
  NnTensor *kt = nn_act (graph, nn_load (graph, k), NN_ACT_RELU, "keys");
  NnTensor *vt = nn_act (graph, nn_load (graph, v), NN_ACT_RELU, "values");
  NnAttention attention = { .q = kt, .k = kt, .v = vt, .heads = 1, .head_dim = HEAD };
  nn_store (graph, nn_attention (graph, &attention, "attention"), result);
  run (context, graph);
  g_autoptr (GError) error = NULL;
  nn_state_read (result, out, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (out, TOKENS * HEAD * sizeof (float), values,
                   TOKENS * HEAD * sizeof (float));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  device = gpu_device_new (-1, &error);
  g_assert_no_error (error);
  g_test_add_func ("/nn/numerics/sums", test_sums);
  g_test_add_func ("/nn/numerics/logits", test_logits);
  int status = g_test_run ();
  gpu_device_unref (device);
  return status;
}
