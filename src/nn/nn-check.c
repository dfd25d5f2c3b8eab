/* nn-check.c: a kernel is trusted once its numbers are seen to be right on the device
 *
 * Drivers compile the same kernel well or badly; of matrix units and shared memory there
 * are cases known where the results were wrong and nothing was reported. Before a variant
 * computes anything that counts, it computes a small operator of the same kind, with
 * tails in all directions, whose result must agree with that of the direct form. This is
 * done once per process, for each device and variant.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-check-private.h"

#include <math.h>
#include <string.h>
#include "base/base-half.h"
#include "gpu/gpu-fault.h"

/* Relative, by squares: sums in another order; outputs of 16 bits besides. Wrong kernels
 * are wrong by all of it. */
#define BOUND_F32 2e-5
#define BOUND_F16 4e-3

/* The small operator: not a multiple of any tile */
#define HEIGHT 11
#define WIDTH 13
#define CHANNELS 88
#define CHANNELS_2 40
#define COLUMNS 104
#define TOKENS 75
#define HEADS 2
#define MAX_PARTS 3

static GMutex lock;
static GHashTable *known; /* key → GINT_TO_POINTER (1 trusted, 2 not) */

typedef struct
{
  NnOp op; /* what is to be computed: of its kind, with its constants */
  NnVariant variant;
} Probe;

static NnVariant
choose (const NnOp *op, const NnVariant *list, guint n, gpointer user_data)
{
  const Probe *probe = user_data;
  NnVariant variant = probe->variant;

  variant.parts = MIN (variant.parts, MAX_PARTS);
  return op->kind == probe->op.kind ? variant : list[n - 1];
}

static float
value (guint32 i)
{
  guint32 h = i * 2654435761u;

  h ^= h >> 15;
  h *= 0x2c1b3c6du;
  h ^= h >> 13;
  return (float) (h & 0xffff) / 32768.0f - 1.0f;
}

/* ---- weights from nothing ---- */

typedef struct
{
  NnType type;
  float scale;
} Source;

static gboolean
read_values (gpointer source, void *dst, gsize n, GError **error)
{
  const Source *s = source;
  gsize count = n / nn_type_bytes (s->type);

  for (gsize i = 0; i < count; i++)
    {
      float v = value (i + 77777) * s->scale;

      if (s->type == NN_F32)
        ((float *) dst)[i] = v;
      else
        ((guint16 *) dst)[i]
            = s->type == NN_F16 ? base_half_from_float (v) : base_bf16_from_float (v);
    }
  return TRUE;
}

static NnWeight *
weight_of (NnContext *context, NnWeightKind kind, guint out, guint in, NnType type)
{
  guint per_out = kind == NN_WEIGHT_CONV3 ? 9 * in : in;
  Source source = { type, 2 / sqrtf ((float) per_out) };
  NnWeightPart part
      = { read_values, g_memdup2 (&source, sizeof source), g_free, type, out };

  return nn_weight_new (context, "probe", kind, &part, 1, in);
}

/* ---- the small operator ---- */

typedef struct
{
  NnContext *context;
  NnGraph *graph;
  GPtrArray *states;
} Side;

/* In the context's own type: copied from the state, which is fp32. */
static NnTensor *
input (Side *side, guint n, guint h, guint w, guint c, float scale)
{
  NnState *state = nn_state_new (side->context, n, h, w, c, "probe", NULL);
  g_autofree float *values = NULL;

  if (state == NULL)
    return NULL;
  g_ptr_array_add (side->states, state);
  values = g_new (float, nn_state_count (state));
  for (gsize i = 0; i < nn_state_count (state); i++)
    values[i] = scale * value (i + 1000 * side->states->len);
  if (!nn_state_write (state, values, NULL))
    return NULL;
  return nn_act (side->graph, nn_load (side->graph, state), NN_ACT_NONE, "probe");
}

static NnTensor *
build_product (Side *side, const NnOp *like)
{
  gboolean linear = like->kind == NN_OP_LINEAR;
  NnType type = linear ? like->linear.weight->stored : like->conv3.weight->stored;
  NnTensor *x = input (side, 2, HEIGHT, WIDTH, CHANNELS, 1);
  NnTensor *x2 = input (side, 2, HEIGHT, WIDTH, CHANNELS_2, 1);
  NnTensor *residual = input (side, 2, HEIGHT, WIDTH, COLUMNS, 1);
  NnWeight *bias = weight_of (side->context, NN_WEIGHT_VECTOR, COLUMNS, 1, NN_F32);

  if (x == NULL || x2 == NULL || residual == NULL)
    return NULL;
  if (linear)
    {
      NnAct act = like->linear.act;
      guint out = act == NN_ACT_GEGLU ? 2 * COLUMNS : COLUMNS;
      NnLinear p = { .x = x, .x2 = x2, .act = act, .residual = residual };

      p.weight
          = weight_of (side->context, NN_WEIGHT_MATRIX, out, CHANNELS + CHANNELS_2, type);
      p.bias = act == NN_ACT_GEGLU ? NULL : bias;
      return nn_linear (side->graph, &p, "probe");
    }
  NnConv3 p
      = { .x = x, .x2 = x2, .bias = bias, .act = like->conv3.act, .residual = residual };

  p.weight
      = weight_of (side->context, NN_WEIGHT_CONV3, COLUMNS, CHANNELS + CHANNELS_2, type);
  return nn_conv3 (side->graph, &p, "probe");
}

static NnTensor *
build_attention (Side *side, const NnOp *like)
{
  guint dim = like->attention.head_dim, width = HEADS * dim;
  NnTensor *x = input (side, 2, 1, TOKENS, 3 * width, 2);
  NnAttention p = { .q = x,
                    .k = x,
                    .v = x,
                    .k_offset = width,
                    .v_offset = 2 * width,
                    .heads = HEADS,
                    .head_dim = dim,
                    .causal = like->attention.causal };

  return x != NULL ? nn_attention (side->graph, &p, "probe") : NULL;
}

/* (transfer full) (nullable): the result on @device; NULL when it could not be had */
static float *
compute (GpuDevice *device, NnType type, NnFamily family, Probe *probe, gsize *count)
{
  g_autoptr (NnContext) context = nn_context_new (device, type);
  Side side = { context, nn_graph_new (context, "probe"),
                g_ptr_array_new_with_free_func ((GDestroyNotify) nn_state_free) };
  g_autoptr (NnProgram) program = NULL;
  g_autofree float *values = NULL;
  NnState *result = NULL;
  NnTensor *y;

  nn_context_set_family (context, family);
  context->choose = choose;
  context->choose_data = probe;
  y = probe->op.kind == NN_OP_ATTENTION ? build_attention (&side, &probe->op)
                                        : build_product (&side, &probe->op);
  if (y != NULL)
    {
      y = nn_act (side.graph, y, NN_ACT_NONE, "probe");
      result = nn_state_new (context, y->n, y->h, y->w, y->c, "probe", NULL);
    }
  if (result != NULL)
    {
      nn_store (side.graph, y, result);
      program = nn_program_new (side.graph, FALSE, NULL);
      *count = nn_state_count (result);
      values = g_new (float, *count);
      if (program == NULL || !nn_program_run (program, NULL, NULL)
          || !nn_state_read (result, values, NULL))
        g_clear_pointer (&values, g_free);
    }
  g_clear_pointer (&program, nn_program_free);
  nn_graph_free (side.graph);
  nn_state_free (result);
  g_ptr_array_unref (side.states);
  return g_steal_pointer (&values);
}

static double
difference (const float *a, const float *b, gsize n)
{
  double error = 0, norm = 0;

  for (gsize i = 0; i < n; i++)
    {
      double d = (double) a[i] - b[i];

      error += d * d;
      norm += (double) b[i] * b[i];
    }
  return sqrt (error / norm);
}

double
nn_check_variant (GpuDevice *device,
                  NnType type,
                  const NnOp *op,
                  const NnVariant *variant)
{
  Probe probe = { *op, *variant };
  gsize count = 0, count_direct = 0;
  g_autofree float *got = compute (device, type, variant->family, &probe, &count);
  g_autofree float *want = NULL;

  if (got == NULL)
    return INFINITY;
  want = compute (device, type, NN_FAMILY_DIRECT, &probe, &count_direct);
  if (want == NULL || count != count_direct)
    return INFINITY;
  return difference (got, want, count);
}

/* ---- what is known ---- */

static char *
make_key (const NnEmit *emit, const NnOp *op, const NnVariant *variant)
{
  gboolean attention = op->kind == NN_OP_ATTENTION;
  guint detail = attention                  ? op->attention.head_dim
                 : op->kind == NN_OP_LINEAR ? op->linear.weight->stored
                                            : op->conv3.weight->stored;
  guint more = attention                  ? op->attention.causal
               : op->kind == NN_OP_LINEAR ? op->linear.act
                                          : op->conv3.act;

  return g_strdup_printf ("%s %u: %u %u %u %u %u %u %u", emit->info->uuid,
                          emit->info->index, op->kind, variant->family, variant->tile,
                          variant->parts > 1, emit->activations, detail, more);
}

gboolean
nn_check_trusts (const NnEmit *emit, const NnOp *op, const NnVariant *variant)
{
  g_autofree char *key = NULL;
  gboolean trusted;
  double error;
  int verdict;

  if (variant->family == NN_FAMILY_DIRECT || emit->device == NULL)
    return TRUE;
  key = make_key (emit, op, variant);
  g_mutex_lock (&lock);
  if (known == NULL)
    known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  verdict = GPOINTER_TO_INT (g_hash_table_lookup (known, key));
  g_mutex_unlock (&lock);
  if (verdict != 0)
    return verdict == 1;
  error = gpu_fault_due (GPU_FAULT_NUMBERS)
              ? INFINITY
              : nn_check_variant (emit->device, emit->activations, op, variant);
  trusted = error < (emit->activations == NN_F16 ? BOUND_F16 : BOUND_F32);
  if (!trusted)
    g_message ("%s: kernels of the family %s, tile %u, are wrong by %g and not used",
               emit->info->name, nn_family_name (variant->family), variant->tile, error);
  g_mutex_lock (&lock);
  g_hash_table_insert (known, g_steal_pointer (&key), GINT_TO_POINTER (trusted ? 1 : 2));
  g_mutex_unlock (&lock);
  return trusted;
}
