/* test-nn-program.c: weights, states, the arena and runs: a small network on the device
 * against the same in plain C
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>
#include "base/base-half.h"
#include "nn/nn-context-private.h"

static GpuDevice *device;

/* ---- weights whose values follow from a seed ---- */

typedef struct
{
  NnType type;
  guint32 seed;
  float scale;
  GError *fault; /* what reading gives, instead of values */
  GCancellable *cancels;
} Source;

static float
value (guint32 seed, gsize i)
{
  guint32 x = (guint32) i * 2654435761u ^ seed * 2246822519u;

  x ^= x >> 15;
  x *= 2246822519u;
  x ^= x >> 13;
  return (float) (x >> 8) / (1 << 23) - 1;
}

static gboolean
read_source (gpointer data, void *dst, gsize n, GError **error)
{
  Source *source = data;

  if (source->fault != NULL)
    {
      g_propagate_error (error, g_error_copy (source->fault));
      return FALSE;
    }
  if (source->cancels != NULL)
    g_cancellable_cancel (source->cancels);
  for (gsize i = 0; i < n / (source->type == NN_F32 ? 4 : 2); i++)
    {
      float v = source->scale * value (source->seed, i);

      if (source->type == NN_F32)
        ((float *) dst)[i] = v;
      else
        ((guint16 *) dst)[i] = source->type == NN_F16 ? base_half_from_float (v)
                                                      : base_bf16_from_float (v);
    }
  return TRUE;
}

static NnWeightPart
part_of (NnType type, guint out, guint32 seed, float scale)
{
  Source *source = g_new0 (Source, 1);

  source->type = type;
  source->seed = seed;
  source->scale = scale;
  return (NnWeightPart){ read_source, source, g_free, type, out };
}

static NnWeight *
weight_of (
    NnContext *context, NnWeightKind kind, NnType type, guint out, guint in, guint32 seed)
{
  float fan = kind == NN_WEIGHT_VECTOR
                  ? 1
                  : 1 / sqrtf (in * (kind == NN_WEIGHT_CONV3 ? 9.f : 1.f));
  NnWeightPart part = part_of (type, out, seed, fan);
  g_autofree char *name = g_strdup_printf ("weight %u", seed);

  return nn_weight_new (context, name, kind, &part, 1, in);
}

static NnState *
state_of (NnContext *context, guint n, guint h, guint w, guint c, const char *name)
{
  g_autoptr (GError) error = NULL;
  NnState *state = nn_state_new (context, n, h, w, c, name, &error);

  g_assert_no_error (error);
  return state;
}

static void
fill (NnState *state, guint32 seed)
{
  gsize n = nn_state_count (state);
  g_autofree float *values = g_new (float, n);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < n; i++)
    values[i] = value (seed, i);
  nn_state_write (state, values, &error);
  g_assert_no_error (error);
}

static NnProgram *
program_of (NnGraph *graph, gboolean profile)
{
  g_autoptr (GError) error = NULL;
  NnProgram *program = nn_program_new (graph, profile, &error);

  g_assert_no_error (error);
  return program;
}

static void
run (NnProgram *program)
{
  g_autoptr (GError) error = NULL;

  nn_program_run (program, NULL, &error);
  g_assert_no_error (error);
}

/* A block with a skip, a concat, an attention with stacked projections, odd widths and
 * every type of weights. */
static void
build_block (NnGraph *graph, NnState *in, NnState *out, guint c)
{
  NnContext *context = graph->context;
  NnTensor *x = nn_load (graph, in);
  NnWeight *bias = weight_of (context, NN_WEIGHT_VECTOR, NN_F16, c, 1, 1);
  NnTensor *a = nn_conv3 (graph,
                          &(NnConv3){ .x = x,
                                      .weight = weight_of (context, NN_WEIGHT_CONV3,
                                                           NN_F16, c, nn_tensor_c (x), 2),
                                      .bias = bias },
                          "conv a");
  NnTensor *b = nn_group_norm (
      graph,
      &(NnGroupNorm){ .x = a,
                      .gamma = weight_of (context, NN_WEIGHT_VECTOR, NN_F32, c, 1, 3),
                      .beta = weight_of (context, NN_WEIGHT_VECTOR, NN_BF16, c, 1, 4),
                      .groups = 4,
                      .eps = 1e-5f,
                      .silu = TRUE },
      "norm b");
  NnWeightPart parts[] = { part_of (NN_BF16, c, 5, 0.2f), part_of (NN_BF16, c, 6, 0.2f),
                           part_of (NN_F32, c, 7, 0.2f) };
  NnTensor *qkv
      = nn_linear (graph,
                   &(NnLinear){ .x = b,
                                .weight = nn_weight_new (context, "qkv", NN_WEIGHT_MATRIX,
                                                         parts, 3, c) },
                   "qkv");
  NnTensor *heads = nn_attention (graph,
                                  &(NnAttention){ .q = qkv,
                                                  .k = qkv,
                                                  .v = qkv,
                                                  .k_offset = c,
                                                  .v_offset = 2 * c,
                                                  .heads = c / 8,
                                                  .head_dim = 8 },
                                  "attention");
  NnTensor *y
      = nn_conv3 (graph,
                  &(NnConv3){ .x = heads,
                              .x2 = a,
                              .weight = weight_of (context, NN_WEIGHT_CONV3, NN_F32,
                                                   nn_tensor_c (x), 2 * c, 8),
                              .residual = x },
                  "conv y");

  nn_store (graph, y, out);
}

static void
compare (NnState *got, NnState *want, double most)
{
  gsize n = nn_state_count (got);
  g_autofree float *a = g_new (float, n);
  g_autofree float *b = g_new (float, n);
  double difference = 0;
  double norm = 0;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (n, ==, nn_state_count (want));
  nn_state_read (got, a, &error);
  g_assert_no_error (error);
  nn_state_read (want, b, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < n; i++)
    {
      difference += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      norm += (double) b[i] * b[i];
    }
  g_assert_cmpfloat (norm, >, 0);
  g_test_message ("relative error %.2e", sqrt (difference / norm));
  g_assert_cmpfloat (sqrt (difference / norm), <, most);
}

/* The block of @c channels at @h × @w on the device and in plain C, several times. */
static void
check_block (NnContext *context, guint h, guint w, guint c, guint times, double most)
{
  g_autoptr (NnContext) plain = nn_context_new (NULL, NN_F32);
  g_autoptr (NnState) in = state_of (context, 2, h, w, 5, "in");
  g_autoptr (NnState) out = state_of (context, 2, h, w, 5, "out");
  g_autoptr (NnState) plain_in = state_of (plain, 2, h, w, 5, "in");
  g_autoptr (NnState) plain_out = state_of (plain, 2, h, w, 5, "out");
  g_autoptr (NnGraph) graph = nn_graph_new (context, "block");
  g_autoptr (NnGraph) plain_graph = nn_graph_new (plain, "block");
  g_autoptr (NnProgram) program = NULL;
  g_autoptr (NnProgram) plain_program = NULL;

  build_block (graph, in, out, c);
  build_block (plain_graph, plain_in, plain_out, c);
  program = program_of (graph, FALSE);
  plain_program = program_of (plain_graph, FALSE);
  g_clear_pointer (&graph, nn_graph_free); /* programs do not need it */
  g_clear_pointer (&plain_graph, nn_graph_free);
  for (guint i = 0; i < times; i++)
    {
      fill (in, 100 + i);
      fill (plain_in, 100 + i);
      run (program);
      run (plain_program);
      compare (out, plain_out, most);
    }
  if (nn_context_page (context) < nn_program_arena_bytes (program))
    g_assert_cmpuint (context->arena->len, >, 1);
  g_assert_cmpuint (nn_program_arena_bytes (program), >, 0);
  g_assert_cmpfloat (nn_program_flops (program), ==, nn_program_flops (plain_program));
}

static void
test_block (gconstpointer data)
{
  NnType type = GPOINTER_TO_INT (data);
  g_autoptr (NnContext) context = nn_context_new (device, type);

  /* fp16 activations: 2^-11 for each of five roundings, and weights that were fp32 */
  for (guint turn = 0; turn < 3; turn++)
    check_block (context, 9 + 4 * turn, 7 + 12 * turn, 24, 3,
                 type == NN_F32 ? 1e-5 : 3e-3);
}

/* A device with small limits: the arena has several pages, outputs are bound in parts,
 * and a dispatch takes few rows. */
static void
test_small_limits (void)
{
  GpuInfo *info = (GpuInfo *) gpu_device_info (device);
  GpuInfo real = *info;
  g_autoptr (NnContext) before = nn_context_new (device, NN_F32);
  g_autoptr (NnState) state = state_of (before, 1, 1, 1, 1, "state");

  fill (state,
        1); /* makes the staging buffers, which the limits below are too small for */
  for (guint turn = 0; turn < 3; turn++)
    {
      g_autoptr (NnContext) context = nn_context_new (device, NN_F32);

      /* 2 images of 2208 pixels: q, k and v of 24 channels each are the largest tensor */
      if (turn == 0)
        info->max_allocation = 2 * 2208 * 72 * 4 + 512 + GPU_BUFFER_PADDING;
      else if (turn == 1)
        info->max_storage_range = 1024 * 72 * 4;
      else
        info->max_dispatch_flops = 1e6;
      check_block (context, 48, 46, 24, 1, 1e-5);
      *info = real;
    }
}

/* A second, larger program makes the arena move; the first one runs on. */
static void
test_arena_grows (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
  g_autoptr (NnState) in = state_of (context, 1, 8, 8, 8, "in");
  g_autoptr (NnState) out = state_of (context, 1, 8, 8, 8, "out");
  g_autoptr (NnState) again = state_of (context, 1, 8, 8, 8, "again");
  g_autoptr (NnState) big_in = state_of (context, 1, 40, 40, 8, "big in");
  g_autoptr (NnState) big_out = state_of (context, 1, 40, 40, 8, "big out");
  g_autoptr (NnGraph) graph = nn_graph_new (context, "small");
  g_autoptr (NnGraph) big_graph = nn_graph_new (context, "big");
  g_autoptr (NnProgram) small = NULL;
  g_autoptr (NnProgram) big = NULL;
  gsize n = nn_state_count (out);
  g_autofree float *before = g_new (float, n);
  g_autofree float *after = g_new (float, n);
  guint64 used;
  g_autoptr (GError) error = NULL;

  build_block (graph, in, out, 16);
  small = program_of (graph, FALSE);
  fill (in, 1);
  run (small);
  nn_state_read (out, before, &error);
  g_assert_no_error (error);
  build_block (big_graph, big_in, big_out, 64);
  used = gpu_device_memory_used (device);
  big = program_of (big_graph, FALSE);
  g_assert_cmpuint (nn_program_arena_bytes (big), >, nn_program_arena_bytes (small));
  g_assert_cmpuint (gpu_device_memory_used (device), ==, used); /* not before it runs */
  nn_context_load_weights (context, NULL, &error);
  g_assert_no_error (error);
  used = gpu_device_memory_used (device);
  fill (big_in, 2);
  run (big);
  /* the old arena is gone: nothing keeps it */
  g_assert_cmpuint (gpu_device_memory_used (device), <=,
                    used + nn_program_arena_bytes (big) - nn_program_arena_bytes (small)
                        + 512);
  run (small);
  nn_state_read (out, after, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (before, n * 4, after, n * 4);
}

/* Stacked parts, whose values are found again by multiplying with unit vectors. */
static void
test_stacked (gconstpointer data)
{
  NnType type = GPOINTER_TO_INT (data);
  const guint in = 7;
  const guint outs[] = { 3, 5, 9 };
  g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
  NnWeightPart parts[3];
  NnWeight *weight;
  g_autoptr (NnState) x = state_of (context, 1, 1, in, in, "unit vectors");
  g_autoptr (NnState) y = state_of (context, 1, 1, in, 17, "columns");
  g_autoptr (NnGraph) graph = nn_graph_new (context, "stacked");
  g_autoptr (NnProgram) program = NULL;
  float unit[49] = { 0 };
  float got[7 * 17];
  g_autoptr (GError) error = NULL;
  guint row = 0;

  for (guint i = 0; i < in; i++)
    unit[i * in + i] = 1;
  for (guint p = 0; p < 3; p++)
    parts[p] = part_of (type, outs[p], 40 + p, 1);
  weight = nn_weight_new (context, "stacked", NN_WEIGHT_MATRIX, parts, 3, in);
  g_assert_cmpuint (nn_weight_out (weight), ==, 17);
  nn_store (
      graph,
      nn_linear (graph, &(NnLinear){ .x = nn_load (graph, x), .weight = weight }, "y"),
      y);
  program = program_of (graph, FALSE);
  nn_state_write (x, unit, &error);
  g_assert_no_error (error);
  run (program);
  nn_state_read (y, got, &error);
  g_assert_no_error (error);
  for (guint p = 0; p < 3; p++)
    for (guint o = 0; o < outs[p]; o++, row++)
      for (guint i = 0; i < in; i++)
        {
          float want = value (40 + p, o * in + i);

          if (type == NN_F16)
            want = base_half_to_float (base_half_from_float (want));
          if (type == NN_BF16)
            want = base_bf16_to_float (base_bf16_from_float (want));
          g_assert_cmpfloat (got[i * 17 + row], ==, want);
        }
}

typedef struct
{
  guint64 done[2], total[2];
} Watch;

static void
on_progress (const char *stage, guint64 done, guint64 total, gpointer user_data)
{
  Watch *watch = user_data;
  guint i = strcmp (stage, "compute") == 0;

  g_assert_true (i == 1 || strcmp (stage, "weights") == 0);
  g_assert_cmpuint (done, >, watch->done[i]);
  watch->done[i] = done;
  watch->total[i] = total;
}

/* More than one batch of weights, the progress of reading, and what one costs. */
static void
test_weights (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
  guint64 before = gpu_device_memory_used (device);
  guint64 file_bytes = 0;
  Watch watch = { { 0 } };
  BaseTask task = { NULL, on_progress, &watch };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 5; i++)
    {
      weight_of (context, NN_WEIGHT_MATRIX, NN_F16, 1920, 2560 + i, i);
      file_bytes += 1920 * (2560 + i) * 2;
    }
  weight_of (context, NN_WEIGHT_VECTOR, NN_F32, 31, 1, 9);
  file_bytes += 31 * 4;
  nn_context_load_weights (context, &task, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (watch.done[0], ==, file_bytes);
  g_assert_cmpuint (watch.total[0], ==, file_bytes);
  g_assert_cmpuint (nn_context_weight_bytes (context), >=, file_bytes);
  g_assert_cmpuint (gpu_device_memory_used (device) - before, >=,
                    nn_context_weight_bytes (context));
  g_assert_cmpuint (gpu_device_memory_used (device) - before, <,
                    nn_context_weight_bytes (context) + 65536);
  nn_context_clear_weights (context);
  g_assert_cmpuint (gpu_device_memory_used (device), ==, before);
}

static void
test_weight_fault (gconstpointer data)
{
  g_autoptr (NnContext) context
      = nn_context_new (GPOINTER_TO_INT (data) ? device : NULL, NN_F32);
  NnWeightPart part = part_of (NN_F32, 8, 1, 1);
  Source *source = part.source;
  NnWeight *good = weight_of (context, NN_WEIGHT_VECTOR, NN_F32, 8, 1, 2);
  NnWeight *bad = nn_weight_new (context, "the bad one", NN_WEIGHT_VECTOR, &part, 1, 1);
  g_autoptr (GError) fault = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "no such disk");
  g_autoptr (GError) error = NULL;

  source->fault = fault;
  g_assert_false (nn_context_load_weights (context, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "the bad one: no such disk");
  g_assert_true (bad->buffer == NULL && bad->host == NULL);
  g_clear_error (&error);
  source->fault = NULL;
  g_assert_true (nn_context_load_weights (context, NULL, &error));
  g_assert_true (bad->buffer != NULL || bad->host != NULL);
  g_assert_true (good->buffer != NULL || good->host != NULL);
}

static void
test_weight_cancel (gconstpointer data)
{
  g_autoptr (NnContext) context
      = nn_context_new (GPOINTER_TO_INT (data) ? device : NULL, NN_F32);
  NnWeightPart part = part_of (NN_F32, 8, 1, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  BaseTask task = { .cancellable = cancellable };
  g_autoptr (GError) error = NULL;

  ((Source *) part.source)->cancels = cancellable;
  nn_weight_new (context, "first", NN_WEIGHT_VECTOR, &part, 1, 1);
  weight_of (context, NN_WEIGHT_VECTOR, NN_F32, 8, 1, 2);
  g_assert_false (nn_context_load_weights (context, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_states (gconstpointer data)
{
  g_autoptr (NnContext) context
      = nn_context_new (GPOINTER_TO_INT (data) ? device : NULL, NN_F16);
  g_autoptr (NnState) state = state_of (context, 2, 3, 5, 7, "the state");
  float in[210];
  float out[210];
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (nn_state_count (state), ==, 210);
  nn_state_read (state, out, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 210; i++)
    {
      g_assert_cmpfloat (out[i], ==, 0);
      in[i] = value (1, i); /* not rounded though activations are fp16 */
    }
  nn_state_write (state, in, &error);
  nn_state_read (state, out, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (in, sizeof in, out, sizeof out);
  in[17] = NAN;
  in[209] = -INFINITY;
  nn_state_write (state, in, &error);
  g_assert_no_error (error);
  g_assert_false (nn_state_read (state, out, &error));
  g_assert_error (error, NN_ERROR, NN_ERROR_NOT_FINITE);
  g_assert_cmpstr (error->message, ==, "the state: 2 of 210 values are not finite");
  g_clear_error (&error);
  g_assert_null (nn_state_new (context, 1, 0, 1, 1, "nothing", &error));
  g_assert_error (error, NN_ERROR, NN_ERROR_SHAPE);
}

static void
test_faults (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
  g_autoptr (NnState) x = state_of (context, 1, 4, 4, 8, "x");
  g_autoptr (NnGraph) misfit = nn_graph_new (context, "misfit");
  g_autoptr (NnGraph) stale = nn_graph_new (context, "stale");
  NnTensor *old;
  NnWeight *weight = weight_of (context, NN_WEIGHT_MATRIX, NN_F32, 8, 12, 1);
  g_autoptr (GError) error = NULL;

  nn_linear (misfit, &(NnLinear){ .x = nn_load (misfit, x), .weight = weight },
             "a linear");
  g_assert_null (nn_program_new (misfit, FALSE, &error));
  g_assert_error (error, NN_ERROR, NN_ERROR_SHAPE);
  g_assert_nonnull (strstr (error->message, "a linear"));
  g_clear_error (&error);

  old = nn_load (stale, x);
  nn_store (stale, nn_act (stale, old, NN_ACT_SILU, "new value"), x);
  nn_act (stale, old, NN_ACT_SILU, "late reader");
  g_assert_null (nn_program_new (stale, FALSE, &error));
  g_assert_error (error, NN_ERROR, NN_ERROR_SHAPE);
  g_assert_nonnull (strstr (error->message, "late reader"));
}

/* A state that is read and then written: one sampler step, several times. */
static void
test_in_place (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
  g_autoptr (NnState) x = state_of (context, 1, 4, 4, 4, "x");
  g_autoptr (NnState) coefs = state_of (context, 1, 1, 1, 2, "coefs");
  g_autoptr (NnGraph) graph = nn_graph_new (context, "step");
  g_autoptr (NnProgram) program = NULL;
  NnTensor *xs[2];
  float c[] = { 2, 1 };
  float v[64];
  float want;
  g_autoptr (GError) error = NULL;

  xs[0] = nn_load (graph, x);
  xs[1] = nn_act (graph, xs[0], NN_ACT_NONE, "copy");
  nn_store (graph, nn_combine (graph, xs, 2, nn_load (graph, coefs), "combine"), x);
  program = program_of (graph, FALSE);
  nn_state_write (coefs, c, NULL);
  fill (x, 3);
  for (guint i = 0; i < 4; i++)
    run (program);
  nn_state_read (x, v, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 64; i++)
    {
      want = 81 * value (3, i);
      g_assert_cmpfloat_with_epsilon (v[i], want, 1e-4);
    }
}

static void
test_run_cancel_and_profile (gconstpointer data)
{
  g_autoptr (NnContext) context
      = nn_context_new (GPOINTER_TO_INT (data) ? device : NULL, NN_F32);
  g_autoptr (NnState) in = state_of (context, 1, 16, 16, 8, "in");
  g_autoptr (NnState) out = state_of (context, 1, 16, 16, 8, "out");
  g_autoptr (NnGraph) graph = nn_graph_new (context, "block");
  g_autoptr (NnProgram) program = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GArray) timings = NULL;
  Watch watch = { { 0 } };
  BaseTask task = { cancellable, on_progress, &watch };
  double flops = 0;
  g_autoptr (GError) error = NULL;

  build_block (graph, in, out, 32);
  program = program_of (graph, TRUE);
  nn_program_run (program, &task, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (watch.done[1], ==, watch.total[1]);
  timings = nn_program_timings (program);
  g_assert_cmpuint (timings->len, >=, 5);
  for (guint i = 0; i < timings->len; i++)
    {
      const GpuTiming *t = &g_array_index (timings, GpuTiming, i);

      flops += t->flops;
      g_assert_cmpfloat (t->seconds, >, 0);
      if (!GPOINTER_TO_INT (data))
        continue;
      g_assert_cmpstr (t->shape, !=, "");
      g_assert_cmpfloat (t->bytes, >, 0);
      if (gpu_device_info (device)->kind == GPU_KIND_CPU)
        g_assert_cmpfloat (t->processor_seconds, >, 0);
    }
  g_assert_cmpfloat_with_epsilon (flops / nn_program_flops (program), 1, 0.05);
  g_cancellable_cancel (cancellable);
  g_assert_false (nn_program_run (program, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_validation (void)
{
  g_assert_cmpint (gpu_validating (), ==, g_getenv ("CALOTYPE_VALIDATE") != NULL);
  g_assert_cmpuint (gpu_device_validation_messages (device), ==, 0);
}

int
main (int argc, char **argv)
{
  static const char *const types[] = { "f32", "f16", "bf16" };
  g_autoptr (GError) error = NULL;
  int status;

  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/nn/block/f32", GINT_TO_POINTER (NN_F32), test_block);
  g_test_add_data_func ("/nn/block/f16", GINT_TO_POINTER (NN_F16), test_block);
  for (int i = NN_F32; i <= NN_BF16; i++)
    {
      g_autofree char *path = g_strdup_printf ("/nn/stacked/%s", types[i]);

      g_test_add_data_func (path, GINT_TO_POINTER (i), test_stacked);
    }
  g_test_add_func ("/nn/small-limits", test_small_limits);
  g_test_add_func ("/nn/arena-grows", test_arena_grows);
  g_test_add_func ("/nn/weights", test_weights);
  g_test_add_func ("/nn/faults", test_faults);
  g_test_add_func ("/nn/in-place", test_in_place);
  for (int on_device = 0; on_device < 2; on_device++)
    {
      const char *where = on_device ? "device" : "reference";
      gpointer data = GINT_TO_POINTER (on_device);
      g_autofree char *fault = g_strdup_printf ("/nn/weight-fault/%s", where);
      g_autofree char *cancel = g_strdup_printf ("/nn/weight-cancel/%s", where);
      g_autofree char *states = g_strdup_printf ("/nn/states/%s", where);
      g_autofree char *stop = g_strdup_printf ("/nn/run-cancel-and-profile/%s", where);

      g_test_add_data_func (fault, data, test_weight_fault);
      g_test_add_data_func (cancel, data, test_weight_cancel);
      g_test_add_data_func (states, data, test_states);
      g_test_add_data_func (stop, data, test_run_cancel_and_profile);
    }
  g_test_add_func ("/nn/validation", test_validation);
  device = gpu_device_new (-1, &error);
  if (g_error_matches (error, GPU_ERROR, GPU_ERROR_NO_DEVICE))
    {
      g_printerr ("%s\n", error->message);
      return 77;
    }
  g_assert_no_error (error);
  status = g_test_run ();
  gpu_device_unref (device);
  if (gpu_device_validation_messages (NULL) > 0) /* something was not given back */
    return 1;
  return status;
}
