/* test-nn-variants.c: every tile of every family that the device has, against the direct
 * form; and that a kernel which computes wrongly is not used
 *
 * test-nn-ops compares with the reference what is chosen for its shapes; here each
 * variant gets its turn. CALOTYPE_KERNELS names the families, "staged" where it is not
 * set.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "gpu/gpu-fault.h"
#include "nn/nn-check-private.h"
#include "nn/nn-emit-private.h"

#define SKIPPED 77
/* Sums of 128 or 1152 products in another order; outputs rounded to fp16 twice. Matrix
 * units see weights of softmax in fp16, too. */
#define BOUND_F32 2e-6
#define BOUND_F16 1e-3

static GpuDevice *device;
static NnFamily family = NN_FAMILY_STAGED;

/* ---- operators to be like ---- */

typedef struct
{
  NnContext *context;
  NnGraph *graph;
  NnState *state;
} Model;

static gboolean
no_values (gpointer source, void *dst, gsize n, GError **error)
{
  g_assert_not_reached (); /* only planned */
}

static NnWeight *
weight (Model *m, NnWeightKind kind, guint out, guint in, NnType type)
{
  NnWeightPart part = { no_values, NULL, NULL, type, out };

  return nn_weight_new (m->context, "weight", kind, &part, 1, in);
}

static void
model_open (Model *m, NnType type, guint width)
{
  m->context = nn_context_new (device, type);
  nn_context_set_family (m->context, family);
  m->graph = nn_graph_new (m->context, "like");
  m->state = nn_state_new (m->context, 1, 8, 8, width, "state", NULL);
}

static void
model_close (Model *m)
{
  nn_graph_free (m->graph);
  nn_state_free (m->state);
  nn_context_unref (m->context);
}

static NnTensor *
model_input (Model *m)
{
  return nn_act (m->graph, nn_load (m->graph, m->state), NN_ACT_NONE, "input");
}

static const NnOp *
last_op (Model *m)
{
  return m->graph->ops->pdata[m->graph->ops->len - 1];
}

static void
expect_right (Model *m, NnType type, const NnVariant *variant, const char *what)
{
  double error = nn_check_variant (device, type, last_op (m), variant);

  g_test_message ("%s, %s, tile %u, %u parts, %s: %.2g", what,
                  nn_family_name (variant->family), variant->tile, variant->parts,
                  type == NN_F16 ? "fp16" : "fp32", error);
  if (!(error < (type == NN_F16 ? BOUND_F16 : BOUND_F32)))
    {
      g_test_message ("too much");
      g_test_fail ();
    }
}

/* The last tile that fits is the smallest. */
static NnVariant
split_variant (Model *m)
{
  NnEmit emit = nn_context_emit (m->context, NULL);
  NnVariant variant = { family, 0, 3 };
  guint n;
  const NnTile *tiles = nn_tiles (family, &n);

  for (guint i = 0; i < n; i++)
    if (nn_tile_fits (&emit, family, &tiles[i], NN_ACT_GEGLU))
      variant.tile = i;
  return variant;
}

static void
try_tiles (Model *m, NnType type, NnAct act, const char *what)
{
  NnEmit emit = nn_context_emit (m->context, NULL);
  guint n;
  const NnTile *tiles = nn_tiles (family, &n);
  guint fit = 0;

  for (guint i = 0; i < n; i++)
    {
      NnVariant variant = { family, i, 1 };

      if (!nn_tile_fits (&emit, family, &tiles[i], act))
        continue;
      expect_right (m, type, &variant, what);
      fit++;
    }
  g_assert_cmpuint (fit, >, 0);
}

static void
try_linear (NnType type, NnType stored, NnAct act)
{
  NnVariant split;
  NnLinear p = { .act = act };
  Model m;

  model_open (&m, type, 64);
  p.x = model_input (&m);
  p.weight = weight (&m, NN_WEIGHT_MATRIX, 64, 64, stored);
  nn_linear (m.graph, &p, "linear");
  try_tiles (&m, type, act, act == NN_ACT_GEGLU ? "linear geglu" : "linear");
  split = split_variant (&m);
  expect_right (&m, type, &split, "linear, split");
  model_close (&m);
}

static void
try_conv (NnType type, NnType stored)
{
  NnVariant split;
  NnConv3 p = { .act = NN_ACT_SILU };
  Model m;

  model_open (&m, type, 64);
  p.x = model_input (&m);
  p.weight = weight (&m, NN_WEIGHT_CONV3, 64, 64, stored);
  nn_conv3 (m.graph, &p, "conv");
  try_tiles (&m, type, NN_ACT_SILU, "conv");
  split = split_variant (&m);
  expect_right (&m, type, &split, "conv, split");
  model_close (&m);
}

static void
test_products (void)
{
  try_linear (NN_F16, NN_F16, NN_ACT_GEGLU);
  try_linear (NN_F16, NN_BF16, NN_ACT_NONE);
  try_conv (NN_F16, NN_F16);
  if (family == NN_FAMILY_MATRIX) /* takes fp16 only */
    return;
  try_linear (NN_F32, NN_F32, NN_ACT_GELU);
  try_conv (NN_F32, NN_F16);
}

static void
test_attention (void)
{
  const guint dims[] = { 8, 24, 40, 64, 80, 96, 128, 160, 512 };

  for (guint i = 0; i < G_N_ELEMENTS (dims); i++)
    for (guint type = family == NN_FAMILY_MATRIX ? NN_F16 : NN_F32; type <= NN_F16;
         type++)
      {
        const NnVariant variant = { family, 0, 1 };
        g_autofree char *what = g_strdup_printf ("attention %u", dims[i]);
        NnAttention p = { .heads = 1, .head_dim = dims[i], .causal = i % 2 == 1 };
        NnEmit emit;
        Model m;

        model_open (&m, type, dims[i]);
        p.q = p.k = p.v = model_input (&m);
        nn_attention (m.graph, &p, "attention");
        emit = nn_context_emit (m.context, NULL);
        if (nn_attention_fits (&emit, &last_op (&m)->attention, family))
          expect_right (&m, type, &variant, what);
        else
          g_test_message ("%s: does not fit this device", what);
        model_close (&m);
      }
}

/* A device that is no CPU takes the tiled families of itself; one whose kernels are wrong
 * is left with the direct form. */
static void
test_distrust (void)
{
  for (guint wrong = 0; wrong < 2; wrong++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GpuDevice) own = gpu_device_new (-1, &error);
      GpuInfo *info = (GpuInfo *) gpu_device_info (own);
      g_autoptr (NnContext) context = NULL;
      Model m = { 0 };
      NnLinear p = { 0 };
      NnEmit emit;
      NnOp *op;

      g_assert_no_error (error);
      info->kind = GPU_KIND_DISCRETE;
      info->index += 1000 + wrong; /* nothing is known of this one */
      info->matrix_m = 0;
      context = nn_context_new (own, NN_F32);
      nn_context_set_family (context, NN_FAMILY_AUTO);
      m.context = context;
      m.graph = nn_graph_new (context, "like");
      m.state = nn_state_new (context, 1, 8, 8, 64, "state", NULL);
      p.x = model_input (&m);
      p.weight = weight (&m, NN_WEIGHT_MATRIX, 64, 64, NN_F32);
      nn_linear (m.graph, &p, "linear");
      op = m.graph->ops->pdata[1];
      emit = nn_context_emit (context, NULL);
      gpu_fault_set (GPU_FAULT_NUMBERS, 0, wrong ? 1000 : 0);
      if (wrong)
        for (guint i = 0; i < NN_MAX_VARIANTS - 1 && i < 5; i++)
          g_test_expect_message (NULL, G_LOG_LEVEL_MESSAGE, "*are wrong by*");
      nn_emit_plan (&emit, op);
      gpu_fault_set (GPU_FAULT_NUMBERS, 0, 0);
      g_test_assert_expected_messages ();
      g_assert_cmpuint (op->variant.family, ==,
                        wrong ? NN_FAMILY_DIRECT : NN_FAMILY_STAGED);
      nn_graph_free (m.graph);
      nn_state_free (m.state);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  const char *name = g_getenv ("CALOTYPE_KERNELS");
  int status;

  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  if (name != NULL && !nn_family_from_name (name, &family))
    g_error ("CALOTYPE_KERNELS=%s: there is no such family", name);
  device = gpu_device_new (-1, &error);
  g_assert_no_error (error);
  if (family == NN_FAMILY_MATRIX && gpu_device_info (device)->matrix_m == 0)
    {
      g_test_message ("this device has no matrix units");
      gpu_device_unref (device);
      return SKIPPED;
    }
  g_test_add_func ("/nn/variants/products", test_products);
  g_test_add_func ("/nn/variants/attention", test_attention);
  g_test_add_func ("/nn/variants/distrust", test_distrust);
  status = g_test_run ();
  g_assert_cmpuint (gpu_device_validation_messages (device), ==, 0);
  gpu_device_unref (device);
  return status;
}
