/* test-nn-ops.c: every operator on the device against the same operator in plain C
 *
 * A case builds one graph twice, on the device and for the reference, from the same
 * inputs and weights; the outputs are compared by relative L2. Bounds: 1e-5 with fp32
 * activations; 2e-3 with fp16 ones, whose rounding alone is 3e-4.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "base/base-half.h"
#include "nn/nn.h"
#include <math.h>
#include <string.h>

#define BOUND_F32 1e-5
#define BOUND_F16 2e-3
/* Angles of up to 999 are rounded to fp32 in a different order: 6e-5 where they are
 * largest */
#define BOUND_TIME 5e-5
#define SKIPPED 77 /* as meson understands it */

/* ---- one side of a case: the device or the reference ---- */

typedef struct
{
  NnContext *context;
  NnGraph *graph;
  GPtrArray *states;
  NnState *result;
  gboolean half, arena;
} Side;

static float
value (guint32 seed, guint32 i)
{
  guint32 h = i * 2654435761u + seed * 40503u;

  h ^= h >> 16;
  h *= 0x45d9f3bu;
  h ^= h >> 16;
  return (float) (h >> 8 & 0xffff) / 32768.0f - 1.0f;
}

/* A loaded tensor; in fp16 both sides see the rounded values. With @arena it is copied
 * there first: bindings then begin somewhere inside a buffer. */
static NnTensor *
input_scaled (Side *side,
              guint32 seed,
              guint n,
              guint h,
              guint w,
              guint c,
              float scale,
              float shift)
{
  g_autoptr (GError) error = NULL;
  NnState *state = nn_state_new (side->context, n, h, w, c, "input", &error);
  gsize count = (gsize) n * h * w * c;
  g_autofree float *values = g_new (float, count);
  NnTensor *x;

  g_assert_no_error (error);
  for (gsize i = 0; i < count; i++)
    {
      values[i] = scale * value (seed, i) + shift;
      if (side->half)
        values[i] = base_half_to_float (base_half_from_float (values[i]));
    }
  nn_state_write (state, values, &error);
  g_assert_no_error (error);
  g_ptr_array_add (side->states, state);
  x = nn_load (side->graph, state);
  return side->arena ? nn_act (side->graph, x, NN_ACT_NONE, "copy") : x;
}

static NnTensor *
input (Side *side, guint32 seed, guint n, guint h, guint w, guint c)
{
  return input_scaled (side, seed, n, h, w, c, 1, 0);
}

/* ---- weights: read from memory, in their type ---- */

typedef struct
{
  guint8 *bytes;
  gsize n;
} Blob;

static gboolean
blob_read (gpointer source, void *dst, gsize n, GError **error)
{
  Blob *blob = source;

  g_assert_cmpuint (n, ==, blob->n);
  memcpy (dst, blob->bytes, n);
  return TRUE;
}

static void
blob_free (gpointer data)
{
  Blob *blob = data;

  g_free (blob->bytes);
  g_free (blob);
}

static NnWeightPart
part (guint32 seed, guint out, guint per_out, NnType type, float scale, float shift)
{
  Blob *blob = g_new0 (Blob, 1);
  gsize count = (gsize) out * per_out;

  blob->n = count * (type == NN_F32 ? 4 : 2);
  blob->bytes = g_malloc (blob->n);
  for (gsize i = 0; i < count; i++)
    {
      float v = scale * value (seed, i) + shift;

      if (type == NN_F32)
        ((float *) blob->bytes)[i] = v;
      else
        ((guint16 *) blob->bytes)[i]
            = type == NN_F16 ? base_half_from_float (v) : base_bf16_from_float (v);
    }
  return (NnWeightPart){ blob_read, blob, blob_free, type, out };
}

/* Scaled so that outputs are about 1. */
static NnWeight *
matrix (Side *side, guint32 seed, guint out, guint in, NnType type)
{
  NnWeightPart p = part (seed, out, in, type, 2 / sqrtf (in), 0);

  return nn_weight_new (side->context, "matrix", NN_WEIGHT_MATRIX, &p, 1, in);
}

static NnWeight *
conv (Side *side, guint32 seed, guint out, guint in, NnType type)
{
  NnWeightPart p = part (seed, out, in * 9, type, 2 / sqrtf (9 * in), 0);

  return nn_weight_new (side->context, "conv", NN_WEIGHT_CONV3, &p, 1, in);
}

static NnWeight *
vector (Side *side, guint32 seed, guint out, NnType type, float shift)
{
  NnWeightPart p = part (seed, out, 1, type, 0.5f, shift);

  return nn_weight_new (side->context, "vector", NN_WEIGHT_VECTOR, &p, 1, 1);
}

/* ---- running both sides ---- */

typedef NnTensor *(*Build) (Side *side, gconstpointer params);

typedef struct
{
  NnContext *f32, *f16, *plain, *discrete, *small, *reference;
} Contexts;

static Contexts contexts;
static gboolean family_given; /* by the environment: else every context has its own */

static float *
run_side (NnContext *context,
          gboolean half,
          gboolean arena,
          Build build,
          gconstpointer params,
          const char *name,
          gsize *count)
{
  g_autoptr (GError) error = NULL;
  Side side = { .context = context, .half = half, .arena = arena };
  g_autoptr (NnProgram) program = NULL;
  NnTensor *y;
  float *values;

  side.graph = nn_graph_new (context, name);
  side.states = g_ptr_array_new_with_free_func ((GDestroyNotify) nn_state_free);
  y = build (&side, params);
  if (arena) /* states are fp32: the output itself must lie elsewhere to be fp16 */
    y = nn_act (side.graph, y, NN_ACT_NONE, "copy");
  side.result = nn_state_new (context, nn_tensor_n (y), nn_tensor_h (y), nn_tensor_w (y),
                              nn_tensor_c (y), "result", &error);
  g_assert_no_error (error);
  nn_store (side.graph, y, side.result);
  program = nn_program_new (side.graph, FALSE, &error);
  g_assert_no_error (error);
  nn_program_run (program, NULL, &error);
  g_assert_no_error (error);
  *count = nn_state_count (side.result);
  values = g_new (float, *count);
  nn_state_read (side.result, values, &error);
  if (error != NULL)
    g_error ("%s: %s", name, error->message);
  g_clear_pointer (&program, nn_program_free);
  nn_graph_free (side.graph);
  nn_state_free (side.result);
  g_ptr_array_unref (side.states);
  nn_context_clear_weights (context);
  return values;
}

static void
compare (NnContext *context,
         gboolean half,
         gboolean arena,
         Build build,
         gconstpointer params,
         const char *name,
         double bound)
{
  gsize count, count_ref;
  g_autofree float *got = run_side (context, half, arena, build, params, name, &count);
  g_autofree float *want
      = run_side (contexts.reference, half, arena, build, params, name, &count_ref);
  double error = 0.0, norm = 0.0;

  g_assert_cmpuint (count, ==, count_ref);
  for (gsize i = 0; i < count; i++)
    {
      double d = (double) got[i] - want[i];

      error += d * d;
      norm += (double) want[i] * want[i];
    }
  error = sqrt (error / norm);
  g_test_message ("%s%s: %.2g", name,
                  half                           ? " fp16"
                  : context == contexts.plain    ? " plain"
                  : context == contexts.small    ? " small"
                  : context == contexts.discrete ? " discrete"
                                                 : "",
                  error);
  if (!(error < bound))
    {
      g_test_message ("%s: error %g exceeds %g", name, error, bound);
      g_test_fail ();
    }
}

static void
check (Build build, gconstpointer params, const char *name)
{
  compare (contexts.f32, FALSE, FALSE, build, params, name, BOUND_F32);
  compare (contexts.f16, TRUE, TRUE, build, params, name, BOUND_F16);
}

/* ---- linear ---- */

typedef struct
{
  const char *name;
  guint n, h, w, c, c2, out;
  NnAct act;
  gboolean bias, residual;
  NnType type;
} LinearCase;

static const LinearCase linear_cases[] = {
  { "linear 1 row", 1, 1, 1, 320, 0, 1280, NN_ACT_SILU, TRUE, FALSE, NN_F16 },
  { "linear 2 rows", 2, 1, 1, 64, 0, 256, NN_ACT_SILU, TRUE, FALSE, NN_F32 },
  { "linear square", 1, 1, 64, 64, 0, 64, NN_ACT_NONE, TRUE, TRUE, NN_F16 },
  { "linear tails", 2, 7, 5, 36, 0, 100, NN_ACT_NONE, TRUE, FALSE, NN_BF16 },
  { "linear odd channels", 1, 3, 7, 13, 0, 21, NN_ACT_NONE, FALSE, FALSE, NN_F32 },
  { "linear to 3", 1, 9, 17, 32, 0, 3, NN_ACT_NONE, TRUE, FALSE, NN_F16 },
  { "linear to 4", 2, 8, 8, 4, 0, 4, NN_ACT_NONE, TRUE, TRUE, NN_F32 },
  { "linear to 8", 1, 8, 9, 8, 0, 8, NN_ACT_NONE, TRUE, FALSE, NN_BF16 },
  { "linear to 32", 1, 16, 17, 96, 0, 32, NN_ACT_NONE, TRUE, TRUE, NN_F16 },
  { "linear two sources", 2, 5, 5, 64, 32, 64, NN_ACT_NONE, TRUE, FALSE, NN_F16 },
  { "linear two sources, odd", 1, 5, 5, 4, 7, 30, NN_ACT_NONE, TRUE, TRUE, NN_F32 },
  { "linear gelu", 1, 1, 77, 128, 0, 512, NN_ACT_GELU, TRUE, FALSE, NN_F16 },
  { "linear quick gelu", 1, 1, 77, 128, 0, 512, NN_ACT_QUICK_GELU, TRUE, FALSE, NN_F16 },
  { "linear geglu", 2, 6, 6, 64, 0, 512, NN_ACT_GEGLU, TRUE, FALSE, NN_F16 },
  { "linear geglu, small", 1, 3, 3, 24, 0, 40, NN_ACT_GEGLU, TRUE, TRUE, NN_F32 },
  { "linear to 32, large", 1, 600, 300, 128, 0, 32, NN_ACT_NONE, TRUE, TRUE, NN_F16 },
  { "linear wide", 1, 1, 20, 1280, 0, 1280, NN_ACT_NONE, TRUE, TRUE, NN_F16 },
};

static NnTensor *
build_linear (Side *side, gconstpointer params)
{
  const LinearCase *c = params;
  guint out = c->act == NN_ACT_GEGLU ? c->out / 2 : c->out;
  NnLinear p
      = { .x = input (side, 1, c->n, c->h, c->w, c->c),
          .x2 = c->c2 != 0 ? input (side, 2, c->n, c->h, c->w, c->c2) : NULL,
          .weight = matrix (side, 3, c->out, c->c + c->c2, c->type),
          .bias = c->bias ? vector (side, 4, c->out, c->type, 0) : NULL,
          .act = c->act,
          .residual = c->residual ? input (side, 5, c->n, c->h, c->w, out) : NULL };

  return nn_linear (side->graph, &p, c->name);
}

static void
test_linear (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (linear_cases); i++)
    check (build_linear, &linear_cases[i], linear_cases[i].name);
}

/* q, k and v in one matrix of three parts, of different types too */
static NnTensor *
build_stacked (Side *side, gconstpointer params)
{
  const NnType *types = params;
  NnWeightPart parts[3]
      = { part (3, 24, 40, types[0], 0.3f, 0), part (4, 10, 40, types[1], 0.3f, 0),
          part (5, 13, 40, types[2], 0.3f, 0) };
  NnLinear p = { .x = input (side, 1, 1, 3, 5, 40) };

  p.weight = nn_weight_new (side->context, "stacked", NN_WEIGHT_MATRIX, parts, 3, 40);
  return nn_linear (side->graph, &p, "stacked");
}

static void
test_stacked (void)
{
  const NnType types[][3] = { { NN_F16, NN_F16, NN_F16 },
                              { NN_BF16, NN_BF16, NN_BF16 },
                              { NN_F32, NN_F32, NN_F32 },
                              { NN_F32, NN_BF16, NN_F16 } };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    check (build_stacked, types[i], "stacked");
}

/* ---- convolution ---- */

typedef struct
{
  const char *name;
  guint n, h, w, c, c2, out, stride;
  gboolean pad_end;
  guint up_h, up_w;
  guint add; /* images of channel_add; 0: none */
  NnAct act;
  gboolean residual;
  NnType type;
} ConvCase;

static const ConvCase conv_cases[] = {
  { "conv in", 2, 16, 16, 4, 0, 64, 1, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE, NN_F16 },
  { "conv 3 in", 1, 9, 11, 3, 0, 32, 1, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE, NN_F32 },
  { "conv out 4", 2, 16, 16, 64, 0, 4, 1, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE, NN_F16 },
  { "conv out 3", 1, 21, 19, 32, 0, 3, 1, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE, NN_BF16 },
  { "conv out 8", 1, 7, 7, 24, 0, 8, 1, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE, NN_F16 },
  { "conv add 2", 2, 8, 8, 64, 0, 96, 1, FALSE, 0, 0, 2, NN_ACT_NONE, FALSE, NN_F16 },
  { "conv relu", 1, 5, 9, 64, 0, 64, 1, FALSE, 0, 0, 0, NN_ACT_RELU, TRUE, NN_F16 },
  { "conv add 1", 2, 5, 9, 64, 0, 64, 1, FALSE, 0, 0, 1, NN_ACT_SILU, FALSE, NN_F32 },
  { "conv residual", 2, 8, 7, 96, 0, 96, 1, FALSE, 0, 0, 0, NN_ACT_NONE, TRUE, NN_F16 },
  { "conv to 32", 1, 33, 9, 32, 0, 32, 1, FALSE, 0, 0, 0, NN_ACT_NONE, TRUE, NN_F16 },
  { "conv two sources", 2, 7, 9, 64, 96, 64, 1, FALSE, 0, 0, 1, NN_ACT_NONE, FALSE,
    NN_F16 },
  { "conv two, odd", 1, 6, 6, 20, 13, 18, 1, FALSE, 0, 0, 0, NN_ACT_NONE, TRUE, NN_F32 },
  { "conv stride 2", 2, 16, 16, 64, 0, 64, 2, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE,
    NN_F16 },
  { "conv stride 2, odd", 2, 9, 7, 64, 0, 64, 2, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE,
    NN_BF16 },
  { "conv pad end", 1, 16, 14, 32, 0, 64, 2, TRUE, 0, 0, 0, NN_ACT_NONE, FALSE, NN_F16 },
  { "conv pad end, odd", 1, 9, 11, 32, 0, 32, 2, TRUE, 0, 0, 0, NN_ACT_NONE, FALSE,
    NN_F16 },
  { "conv up", 2, 8, 8, 64, 0, 64, 1, FALSE, 16, 16, 0, NN_ACT_NONE, FALSE, NN_F16 },
  { "conv up, odd", 2, 5, 4, 64, 0, 64, 1, FALSE, 9, 7, 0, NN_ACT_NONE, FALSE, NN_F16 },
  { "conv 1 pixel", 1, 1, 1, 16, 0, 64, 1, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE, NN_F32 },
  /* large enough for Winograd's form */
  { "conv tiles relu", 1, 18, 13, 64, 0, 64, 1, FALSE, 0, 0, 0, NN_ACT_RELU, TRUE,
    NN_F16 },
  { "conv tiles", 2, 18, 13, 64, 0, 64, 1, FALSE, 0, 0, 2, NN_ACT_SILU, TRUE, NN_F16 },
  { "conv tiles, 32", 1, 33, 34, 32, 0, 32, 1, FALSE, 0, 0, 0, NN_ACT_NONE, TRUE,
    NN_F32 },
  { "conv tiles, two", 2, 17, 15, 96, 61, 70, 1, FALSE, 0, 0, 1, NN_ACT_NONE, FALSE,
    NN_BF16 },
  { "conv tiles, up", 2, 11, 9, 64, 0, 96, 1, FALSE, 21, 18, 0, NN_ACT_NONE, FALSE,
    NN_F16 },
  { "conv bands", 1, 131, 126, 64, 0, 64, 1, FALSE, 0, 0, 0, NN_ACT_NONE, FALSE, NN_F16 },
  { "conv tiles of 6", 1, 185, 182, 48, 0, 32, 1, FALSE, 0, 0, 1, NN_ACT_SILU, TRUE,
    NN_F16 },
  { "conv tiles of 6, two, up", 2, 70, 64, 16, 24, 24, 1, FALSE, 200, 170, 0, NN_ACT_NONE,
    FALSE, NN_BF16 },
  { "conv wide", 1, 4, 4, 1280, 0, 320, 1, FALSE, 0, 0, 0, NN_ACT_NONE, TRUE, NN_F16 },
};

static NnTensor *
build_conv (Side *side, gconstpointer params)
{
  const ConvCase *c = params;
  guint h = c->up_h != 0 ? c->up_h : c->h, w = c->up_w != 0 ? c->up_w : c->w;
  NnConv3 p = { .x = input (side, 1, c->n, c->h, c->w, c->c),
                .x2 = c->c2 != 0 ? input (side, 2, c->n, c->h, c->w, c->c2) : NULL,
                .weight = conv (side, 3, c->out, c->c + c->c2, c->type),
                .bias = vector (side, 4, c->out, c->type, 0),
                .stride = c->stride,
                .pad_end = c->pad_end,
                .up_h = c->up_h,
                .up_w = c->up_w,
                .act = c->act,
                .channel_add_offset = 8 };

  if (c->add != 0)
    p.channel_add = input (side, 6, c->add, 1, 1, c->out + 11);
  if (c->residual)
    p.residual = input (side, 5, c->n, h, w, c->out);
  return nn_conv3 (side->graph, &p, c->name);
}

static void
test_conv (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (conv_cases); i++)
    check (build_conv, &conv_cases[i], conv_cases[i].name);
}

/* ---- attention ---- */

typedef struct
{
  const char *name;
  guint n, t_q, t_k, heads, dim;
  gboolean causal, stacked;
  guint valid;
} AttentionCase;

static const AttentionCase attention_cases[] = {
  { "attention 8", 2, 64, 64, 8, 8, FALSE, TRUE, 0 },
  { "attention 16, tail", 1, 37, 53, 3, 16, FALSE, FALSE, 0 },
  { "attention 16, two rows a lane", 1, 300, 35, 2, 16, FALSE, FALSE, 0 },
  { "attention 16, four rows a lane", 1, 1030, 50, 2, 16, FALSE, FALSE, 47 },
  { "attention 24, k_valid", 2, 64, 80, 8, 24, FALSE, FALSE, 77 },
  { "attention 40", 1, 70, 70, 2, 40, FALSE, TRUE, 0 },
  { "attention 64, causal", 2, 77, 77, 2, 64, TRUE, TRUE, 0 },
  { "attention 80, one query", 1, 1, 19, 2, 80, FALSE, FALSE, 0 },
  { "attention 128", 1, 50, 50, 1, 128, FALSE, FALSE, 0 },
  { "attention 160, causal", 1, 21, 21, 2, 160, TRUE, TRUE, 0 },
  { "attention 512", 2, 35, 35, 1, 512, FALSE, TRUE, 0 },
  { "attention 512, two heads", 1, 35, 35, 2, 512, FALSE, TRUE, 0 },
  { "attention 164, causal", 1, 21, 21, 1, 164, TRUE, TRUE, 0 },
  { "attention 164, k_valid", 2, 21, 30, 1, 164, FALSE, FALSE, 27 },
  { "attention 164, two bands", 1, 2200, 2000, 1, 164, FALSE, FALSE, 1990 },
};

static NnTensor *
build_attention (Side *side, gconstpointer params)
{
  const AttentionCase *c = params;
  guint width = c->heads * c->dim;
  NnAttention p = {
    .heads = c->heads, .head_dim = c->dim, .causal = c->causal, .k_valid = c->valid
  };

  if (c->stacked)
    {
      p.q = p.k = p.v = input_scaled (side, 1, c->n, 1, c->t_q, 3 * width, 3, 0);
      p.k_offset = width;
      p.v_offset = 2 * width;
    }
  else
    {
      p.q = input_scaled (side, 1, c->n, 1, c->t_q, width, 3, 0);
      p.k = input_scaled (side, 2, c->n, 1, c->t_k, width, 3, 0);
      p.v = input_scaled (side, 3, c->n, 1, c->t_k, width, 3, 0);
    }
  return nn_attention (side->graph, &p, c->name);
}

static void
test_attention (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (attention_cases); i++)
    check (build_attention, &attention_cases[i], attention_cases[i].name);
}

/* ---- norms ---- */

typedef struct
{
  const char *name;
  guint n, h, w, c, c2, groups; /* groups 0: LayerNorm */
  float eps, scale, shift;
  gboolean silu;
} NormCase;

static const NormCase norm_cases[] = {
  { "group norm", 2, 16, 16, 64, 0, 32, 1e-5f, 1, 0, TRUE },
  { "group norm, 1 channel", 1, 5, 7, 32, 0, 32, 1e-6f, 1, 0.5f, FALSE },
  { "group norm, 6 channels", 2, 9, 9, 192, 0, 32, 1e-6f, 2, 1, FALSE },
  { "group norm, odd width", 1, 6, 5, 30, 0, 3, 1e-5f, 1, 0, TRUE },
  { "group norm straddles", 2, 8, 9, 64, 96, 32, 1e-5f, 1, 0, TRUE },
  { "group norm straddles, 60", 1, 7, 7, 1280, 640, 32, 1e-5f, 1, 0, TRUE },
  { "group norm, many pixels", 1, 128, 100, 32, 0, 32, 1e-6f, 1, 3, TRUE },
  { "layer norm", 2, 1, 77, 128, 0, 0, 1e-5f, 1, 0, FALSE },
  { "layer norm, odd", 1, 3, 7, 45, 0, 0, 1e-5f, 3, 1, FALSE },
  { "layer norm, wide", 1, 1, 33, 1280, 0, 0, 1e-5f, 1, 0, FALSE },
};

static NnTensor *
build_norm (Side *side, gconstpointer params)
{
  const NormCase *c = params;
  NnTensor *x = input_scaled (side, 1, c->n, c->h, c->w, c->c, c->scale, c->shift);
  NnWeight *gamma = vector (side, 3, c->c + c->c2, NN_F16, 1);
  NnWeight *beta = vector (side, 4, c->c + c->c2, NN_F32, 0);
  NnGroupNorm p
      = { .x = x, .gamma = gamma, .beta = beta, .groups = c->groups, .eps = c->eps };

  if (c->groups == 0)
    return nn_layer_norm (side->graph, x, gamma, beta, c->eps, c->name);
  p.silu = c->silu;
  if (c->c2 != 0)
    p.x2 = input_scaled (side, 2, c->n, c->h, c->w, c->c2, c->scale, c->shift);
  return nn_group_norm (side->graph, &p, c->name);
}

static void
test_norms (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (norm_cases); i++)
    check (build_norm, &norm_cases[i], norm_cases[i].name);
}

/* The mean is a thousand times the deviation. fp32 only: inputs in fp16 would be rounded
 * to steps as large as the deviation. */
static void
test_large_mean (void)
{
  const NormCase group
      = { "group norm, large mean", 2, 20, 20, 64, 0, 16, 1e-6f, 1, 1000, FALSE };
  const NormCase layer
      = { "layer norm, large mean", 1, 1, 30, 96, 0, 0, 1e-6f, 1, 1000, FALSE };

  compare (contexts.f32, FALSE, FALSE, build_norm, &group, group.name, 1e-4);
  compare (contexts.f32, FALSE, FALSE, build_norm, &layer, layer.name, 1e-4);
}

/* ---- small ones ---- */

static NnTensor *
build_time (Side *side, gconstpointer params)
{
  const guint *dim = params;

  return nn_time_embed (side->graph, input_scaled (side, 1, 9, 1, 1, 1, 499, 500), *dim,
                        "time");
}

static NnTensor *
build_act (Side *side, gconstpointer params)
{
  const NnAct *act = params;

  return nn_act (side->graph, input_scaled (side, 1, 2, 7, 5, 30, 10, 0), *act, "act");
}

static NnTensor *
build_prelu (Side *side, gconstpointer params)
{
  const guint *c = params;

  return nn_prelu (side->graph, input_scaled (side, 1, 2, 7, 5, *c, 10, 0),
                   vector (side, 4, *c, NN_F32, 0), "prelu");
}

static NnTensor *
build_combine (Side *side, gconstpointer params)
{
  const guint *n = params;
  NnTensor *xs[4];

  for (guint i = 0; i < *n; i++)
    xs[i] = input (side, 1 + i, 2, 9, 7, 4);
  return nn_combine (side->graph, xs, *n, input_scaled (side, 9, 1, 1, 1, *n, 10, 0),
                     "combine");
}

static void
test_small (void)
{
  const guint dims[] = { 64, 320, 10 };
  const guint widths[] = { 64, 30, 3 };
  const NnAct acts[]
      = { NN_ACT_NONE, NN_ACT_SILU, NN_ACT_GELU, NN_ACT_QUICK_GELU, NN_ACT_RELU };

  for (guint i = 0; i < G_N_ELEMENTS (dims); i++)
    {
      compare (contexts.f32, FALSE, FALSE, build_time, &dims[i], "time embed",
               BOUND_TIME);
      compare (contexts.f16, TRUE, TRUE, build_time, &dims[i], "time embed", BOUND_F16);
    }
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    check (build_act, &acts[i], "act");
  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    check (build_prelu, &widths[i], "prelu");
  for (guint n = 1; n <= 4; n++)
    check (build_combine, &n, "combine");
}

/* ---- several operators, inside the arena ---- */

/* 3 channels in the middle: their padding must be zeros for what follows. Two sources lie
 * in one buffer here, and in two where they were loaded. */
static NnTensor *
build_chain (Side *side, gconstpointer params)
{
  NnTensor *a = input (side, 1, 2, 8, 8, 32), *b, *c;
  NnGroupNorm norm = { .groups = 8, .eps = 1e-5f, .silu = TRUE };

  b = nn_conv3 (
      side->graph,
      &(NnConv3){ .x = a, .weight = conv (side, 3, 3, 32, NN_F16), .act = NN_ACT_SILU },
      "to 3");
  b = nn_conv3 (side->graph,
                &(NnConv3){ .x = b, .weight = conv (side, 4, 16, 3, NN_F16) }, "from 3");
  norm.x = a;
  norm.x2 = b;
  norm.gamma = vector (side, 5, 48, NN_F32, 1);
  norm.beta = vector (side, 6, 48, NN_F32, 0);
  c = nn_group_norm (side->graph, &norm, "norm");
  c = nn_linear (
      side->graph,
      &(NnLinear){
          .x = c, .x2 = b, .weight = matrix (side, 7, 24, 64, NN_F16), .residual = NULL },
      "join");
  return nn_conv3 (
      side->graph,
      &(NnConv3){ .x = c, .x2 = a, .weight = conv (side, 8, 64, 56, NN_F16) }, "last");
}

/* A norm of two sources that two convolutions by Winograd apply themselves on a CPU
 * device, one of them later and enlarging it; pictures that are no multiple of a tile. */
static NnTensor *
build_folded (Side *side, gconstpointer params)
{
  NnGroupNorm norm = { .x = input_scaled (side, 1, 2, 50, 43, 24, 1, 1),
                       .x2 = input (side, 2, 2, 50, 43, 40),
                       .gamma = vector (side, 3, 64, NN_F16, 1),
                       .beta = vector (side, 4, 64, NN_F16, 0),
                       .groups = 32,
                       .eps = 1e-5f,
                       .silu = TRUE };
  NnTensor *x = nn_group_norm (side->graph, &norm, "folded norm");
  NnConv3 early = { .x = x, .weight = conv (side, 5, 32, 64, NN_F16) };
  NnConv3 late
      = { .x = x, .weight = conv (side, 6, 48, 64, NN_F16), .up_h = 75, .up_w = 86 };
  NnConv3 last = { .weight = conv (side, 7, 48, 32, NN_F16), .up_h = 75, .up_w = 86 };

  last.x = nn_conv3 (side->graph, &early, "early reader");
  last.residual = nn_conv3 (side->graph, &late, "late reader");
  return nn_conv3 (side->graph, &last, "last");
}

static gboolean
uses_kernel (NnContext *context, Build build, const char *prefix)
{
  g_autoptr (GError) error = NULL;
  Side side = { .context = context };
  g_autoptr (NnProgram) program = NULL;
  g_autoptr (GArray) timings = NULL;
  gboolean used = FALSE;

  side.graph = nn_graph_new (context, "kernels");
  side.states = g_ptr_array_new_with_free_func ((GDestroyNotify) nn_state_free);
  build (&side, NULL);
  program = nn_program_new (side.graph, FALSE, &error);
  g_assert_no_error (error);
  nn_program_run (program, NULL, &error);
  g_assert_no_error (error);
  timings = nn_program_timings (program);
  for (guint i = 0; i < timings->len; i++)
    used |= g_str_has_prefix (g_array_index (timings, GpuTiming, i).kernel, prefix);
  g_clear_pointer (&program, nn_program_free);
  nn_graph_free (side.graph);
  g_ptr_array_unref (side.states);
  nn_context_clear_weights (context);
  return used;
}

static void
test_folded (void)
{
  compare (contexts.f32, FALSE, FALSE, build_folded, NULL, "folded norm", BOUND_F32);
  compare (contexts.f32, FALSE, TRUE, build_folded, NULL, "folded norm in the arena",
           BOUND_F32);
  compare (contexts.f16, TRUE, TRUE, build_folded, NULL, "folded norm in the arena",
           2 * BOUND_F16);
  compare (contexts.plain, FALSE, TRUE, build_folded, NULL, "folded norm", BOUND_F32);
  if (!family_given
      && gpu_device_info (nn_context_device (contexts.f32))->kind == GPU_KIND_CPU)
    g_assert_true (uses_kernel (contexts.f32, build_folded, "winograd-input-norm"));
}

static void
test_chain (void)
{
  compare (contexts.f32, FALSE, FALSE, build_chain, NULL, "chain", BOUND_F32);
  compare (contexts.f32, FALSE, TRUE, build_chain, NULL, "chain in the arena", BOUND_F32);
  compare (contexts.f16, TRUE, TRUE, build_chain, NULL, "chain in the arena",
           2 * BOUND_F16);
  compare (contexts.f32, FALSE, TRUE, build_conv, &conv_cases[9], conv_cases[9].name,
           BOUND_F32);
  compare (contexts.f32, FALSE, TRUE, build_conv, &conv_cases[10], conv_cases[10].name,
           BOUND_F32);
  compare (contexts.f32, FALSE, TRUE, build_conv, &conv_cases[20], conv_cases[20].name,
           BOUND_F32);
  compare (contexts.f32, FALSE, TRUE, build_norm, &norm_cases[4], norm_cases[4].name,
           BOUND_F32);
}

/* The variants for devices whose lanes cannot exchange values */
static void
test_plain (void)
{
  const guint linears[] = { 3, 5, 8, 10, 13 }, convs[] = { 2, 5, 9, 14, 16, 18, 20 };
  const guint attentions[] = { 1, 4, 6, 8 }, norms[] = { 2, 4, 8 }, dim = 320;

  for (guint i = 0; i < G_N_ELEMENTS (linears); i++)
    compare (contexts.plain, FALSE, FALSE, build_linear, &linear_cases[linears[i]],
             linear_cases[linears[i]].name, BOUND_F32);
  for (guint i = 0; i < G_N_ELEMENTS (convs); i++)
    compare (contexts.plain, FALSE, FALSE, build_conv, &conv_cases[convs[i]],
             conv_cases[convs[i]].name, BOUND_F32);
  for (guint i = 0; i < G_N_ELEMENTS (attentions); i++)
    compare (contexts.plain, FALSE, FALSE, build_attention,
             &attention_cases[attentions[i]], attention_cases[attentions[i]].name,
             BOUND_F32);
  for (guint i = 0; i < G_N_ELEMENTS (norms); i++)
    compare (contexts.plain, FALSE, FALSE, build_norm, &norm_cases[norms[i]],
             norm_cases[norms[i]].name, BOUND_F32);
  compare (contexts.plain, FALSE, FALSE, build_time, &dim, "time embed", BOUND_TIME);
}

/* The forms that are chosen where the device is not a CPU */
static void
test_discrete (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (attention_cases); i++)
    compare (contexts.discrete, FALSE, FALSE, build_attention, &attention_cases[i],
             attention_cases[i].name, BOUND_F32);
  for (guint i = 0; i < G_N_ELEMENTS (norm_cases); i++)
    compare (contexts.discrete, FALSE, FALSE, build_norm, &norm_cases[i],
             norm_cases[i].name, BOUND_F32);
  for (guint i = 18; i < 22; i++)
    compare (contexts.discrete, FALSE, FALSE, build_conv, &conv_cases[i],
             conv_cases[i].name, BOUND_F32);
}

/* Outputs larger than a device's storage range are written in parts. */
static void
test_parts (void)
{
  const LinearCase linear
      = { "parts of linear", 1, 60, 50, 16, 0, 16, NN_ACT_NONE, TRUE, TRUE, NN_F16 };
  const LinearCase weight
      = { "parts of weight", 1, 1, 9, 450, 0, 200, NN_ACT_NONE, TRUE, FALSE, NN_F32 };
  const ConvCase tiles
      = { "parts of tiles", 2,    60,    56, 40, 0, 16, 1, FALSE, 0, 0, 2,
          NN_ACT_NONE,      TRUE, NN_F16 };
  const ConvCase direct = { "parts of conv", 2, 80, 100, 8,           0,     16,    2,
                            FALSE,           0, 0,  2,   NN_ACT_NONE, FALSE, NN_F16 };
  const AttentionCase attention
      = { "parts of attention", 2, 2100, 10, 2, 8, FALSE, FALSE, 0 };
  const NormCase group = { "parts of group norm", 2, 60, 50, 8, 8, 4, 1e-5f, 1, 0, TRUE };
  const NormCase layer
      = { "parts of layer norm", 1, 60, 50, 16, 0, 0, 1e-5f, 1, 0, FALSE };

  for (guint arena = 0; arena < 2; arena++)
    {
      compare (contexts.small, FALSE, arena, build_linear, &linear, linear.name,
               BOUND_F32);
      compare (contexts.small, FALSE, arena, build_conv, &tiles, tiles.name, BOUND_F32);
      compare (contexts.small, FALSE, arena, build_conv, &direct, direct.name, BOUND_F32);
      compare (contexts.small, FALSE, arena, build_attention, &attention, attention.name,
               BOUND_F32);
      compare (contexts.small, FALSE, arena, build_norm, &group, group.name, BOUND_F32);
      compare (contexts.small, FALSE, arena, build_norm, &layer, layer.name, BOUND_F32);
    }
  compare (contexts.small, FALSE, FALSE, build_linear, &weight, weight.name, BOUND_F32);
}

/* A device of its own, to be made to look poorer than it is */
static NnContext *
open_device (NnType type, GpuInfo **info)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GpuDevice) device = gpu_device_new (-1, &error);

  g_assert_no_error (error);
  *info = (GpuInfo *) gpu_device_info (device);
  return nn_context_new (device, type);
}

static void
open_contexts (void)
{
  GpuInfo *info;

  contexts.f32 = open_device (NN_F32, &info);
  contexts.f16 = nn_context_new (nn_context_device (contexts.f32), NN_F16);
  contexts.plain = open_device (NN_F32, &info);
  info->has_shuffle = FALSE;
  contexts.discrete = open_device (NN_F32, &info);
  info->kind = GPU_KIND_DISCRETE;
  info->prefer_images = FALSE;
  if (!family_given)
    nn_context_set_family (contexts.discrete, NN_FAMILY_DIRECT);
  contexts.small = open_device (NN_F32, &info);
  info->max_storage_range = 160 << 10;
  contexts.reference = nn_context_new (NULL, NN_F32);
}

static void
close_contexts (void)
{
  g_assert_cmpuint (
      gpu_device_validation_messages (nn_context_device (contexts.f32))
          + gpu_device_validation_messages (nn_context_device (contexts.plain))
          + gpu_device_validation_messages (nn_context_device (contexts.discrete))
          + gpu_device_validation_messages (nn_context_device (contexts.small)),
      ==, 0);
  nn_context_unref (contexts.f32);
  nn_context_unref (contexts.f16);
  nn_context_unref (contexts.plain);
  nn_context_unref (contexts.discrete);
  nn_context_unref (contexts.small);
  nn_context_unref (contexts.reference);
}

/* CALOTYPE_KERNELS=staged, matrix, …: the family for all contexts; FALSE where the device
 * has no such */
static gboolean
take_family (void)
{
  const char *name = g_getenv ("CALOTYPE_KERNELS");
  NnFamily family;
  GpuInfo info;

  if (name == NULL)
    return TRUE;
  if (!nn_family_from_name (name, &family))
    g_error ("CALOTYPE_KERNELS=%s: there is no such family", name);
  family_given = TRUE;
  nn_set_family (family);
  return family != NN_FAMILY_MATRIX
         || (gpu_device_info_for (-1, &info, NULL) && info.matrix_m > 0);
}

int
main (int argc, char **argv)
{
  int status;

  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  if (!take_family ())
    {
      g_test_message ("this device has no matrix units");
      return SKIPPED;
    }
  open_contexts ();
  g_test_add_func ("/nn/ops/linear", test_linear);
  g_test_add_func ("/nn/ops/stacked", test_stacked);
  g_test_add_func ("/nn/ops/conv", test_conv);
  g_test_add_func ("/nn/ops/attention", test_attention);
  g_test_add_func ("/nn/ops/norms", test_norms);
  g_test_add_func ("/nn/ops/large-mean", test_large_mean);
  g_test_add_func ("/nn/ops/small", test_small);
  g_test_add_func ("/nn/ops/chain", test_chain);
  g_test_add_func ("/nn/ops/folded", test_folded);
  g_test_add_func ("/nn/ops/plain", test_plain);
  g_test_add_func ("/nn/ops/discrete", test_discrete);
  g_test_add_func ("/nn/ops/parts", test_parts);
  status = g_test_run ();
  close_contexts ();
  return status;
}
