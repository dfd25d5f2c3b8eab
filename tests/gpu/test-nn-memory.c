/* test-nn-memory.c: the same numbers in less memory: frugal, streamed and evicted
 * weights, and plans that agree with what is then allocated
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>
#include "nn/nn-context-private.h"

#define CHANNELS 64
#define BLOCKS 5

static GpuDevice *device;

static float
value (guint32 seed, gsize i)
{
  guint32 x = (guint32) i * 2654435761u ^ seed * 2246822519u;

  x ^= x >> 15;
  x *= 2246822519u;
  x ^= x >> 13;
  return (float) (x >> 8) / (1 << 23) - 1;
}

typedef struct
{
  guint32 seed;
  float scale;
} Source;

static guint n_reads; /* of tensors, by all weights */

static gboolean
read_source (gpointer data, void *dst, gsize n, GError **error)
{
  const Source *source = data;

  g_atomic_int_inc (&n_reads);
  for (gsize i = 0; i < n / 4; i++)
    ((float *) dst)[i] = source->scale * value (source->seed, i);
  return TRUE;
}

static NnWeight *
weight_of (NnContext *context, NnWeightKind kind, guint out, guint in, guint32 seed)
{
  Source *source = g_new0 (Source, 1);
  NnWeightPart part = { read_source, source, g_free, NN_F32, out };
  g_autofree char *name = g_strdup_printf ("weight %u", seed);

  source->seed = seed;
  source->scale
      = kind == NN_WEIGHT_VECTOR ? 1 : 1 / sqrtf (in * (kind == NN_WEIGHT_CONV3 ? 9 : 1));
  return nn_weight_new (context, name, kind, &part, 1, in);
}

static NnTensor *
build_block (NnGraph *graph, NnTensor *x, guint32 seed)
{
  NnContext *c = graph->context;
  NnGroupNorm norm = { .x = x,
                       .gamma = weight_of (c, NN_WEIGHT_VECTOR, CHANNELS, 1, seed),
                       .beta = weight_of (c, NN_WEIGHT_VECTOR, CHANNELS, 1, seed + 1),
                       .groups = 8,
                       .eps = 1e-5f,
                       .silu = TRUE };
  NnTensor *h = nn_group_norm (graph, &norm, "norm");
  NnConv3 conv = { .x = h,
                   .weight = weight_of (c, NN_WEIGHT_CONV3, CHANNELS, CHANNELS, seed + 2),
                   .bias = weight_of (c, NN_WEIGHT_VECTOR, CHANNELS, 1, seed + 3) };
  NnLinear linear
      = { .weight = weight_of (c, NN_WEIGHT_MATRIX, CHANNELS, CHANNELS, seed + 4),
          .residual = x };

  linear.x = nn_conv3 (graph, &conv, "conv");
  return nn_linear (graph, &linear, "linear");
}

typedef struct
{
  NnContext *context;
  NnState *in, *out;
  NnProgram *program;
} Net;

static Net
net_new (NnContext *context, guint32 seed, guint side)
{
  Net net = { .context = context };
  g_autoptr (NnGraph) graph = nn_graph_new (context, "net");
  g_autoptr (GError) error = NULL;
  NnTensor *x;

  net.in = nn_state_new (context, 1, side, side, CHANNELS, "in", &error);
  g_assert_no_error (error);
  net.out = nn_state_new (context, 1, side, side, CHANNELS, "out", &error);
  g_assert_no_error (error);
  x = nn_load (graph, net.in);
  for (guint i = 0; i < BLOCKS; i++)
    x = build_block (graph, x, seed + 10 * i);
  nn_store (graph, x, net.out);
  net.program = nn_program_new (graph, FALSE, &error);
  g_assert_no_error (error);
  return net;
}

static void
net_clear (Net *net)
{
  nn_program_free (net->program);
  nn_state_free (net->in);
  nn_state_free (net->out);
}

static float *
net_run (Net *net)
{
  gsize n = nn_state_count (net->in);
  g_autofree float *values = g_new (float, MAX (n, nn_state_count (net->out)));
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < n; i++)
    values[i] = value (77, i);
  nn_state_write (net->in, values, &error);
  g_assert_no_error (error);
  nn_program_run (net->program, NULL, &error);
  g_assert_no_error (error);
  nn_state_read (net->out, values, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&values);
}

/* Frugal, and with a quarter or nothing of the weights on the device: twice each, for the
 * second run meets what the first left behind. */
static void
test_streamed (gconstpointer data)
{
  guint side = GPOINTER_TO_UINT (data);
  g_autoptr (NnContext) plain = nn_context_new (device, NN_F32);
  Net want_net = net_new (plain, 1, side);
  g_autofree float *want = net_run (&want_net);
  gsize bytes = nn_state_count (want_net.out) * sizeof *want;
  guint64 all = nn_program_resident_bytes (want_net.program);

  for (guint turn = 0; turn < 3; turn++)
    {
      g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
      Net net;

      nn_context_set_frugal (context, TRUE);
      nn_context_set_resident (context, turn == 0   ? G_MAXUINT64
                                        : turn == 1 ? all / 4
                                                    : 0);
      net = net_new (context, 1, side);
      if (turn == 0)
        g_assert_cmpuint (nn_program_streamed_bytes (net.program), ==, 0);
      else
        g_assert_cmpuint (nn_program_streamed_bytes (net.program), >, all / 2);
      if (turn == 1) /* a block's weights together: not everything went */
        g_assert_cmpuint (nn_program_resident_bytes (net.program), >, all / 8);
      for (guint i = 0; i < 2; i++)
        {
          g_autofree float *got = net_run (&net);
          g_assert_cmpmem (got, bytes, want, bytes);
        }
      net_clear (&net);
    }
  net_clear (&want_net);
}

static double
psnr (const float *got, const float *want, gsize n)
{
  double difference = 0, most = 0;

  for (gsize i = 0; i < n; i++)
    {
      difference += ((double) got[i] - want[i]) * ((double) got[i] - want[i]);
      most = MAX (most, fabs (want[i]));
    }
  return 10 * log10 (most * most / (difference / n));
}

/* 8 bits a weight: nearly the same, in a quarter of fp32's memory and an eighth more; and
 * streamed the same. */
static void
test_quantized (void)
{
  g_autoptr (NnContext) plain = nn_context_new (device, NN_F32);
  Net want_net = net_new (plain, 1, 24);
  g_autofree float *want = net_run (&want_net);
  gsize n = nn_state_count (want_net.out);
  g_autofree float *first = NULL;

  for (guint turn = 0; turn < 2; turn++)
    {
      g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
      Net net;

      nn_context_set_frugal (context, TRUE);
      nn_context_set_quantized (context, TRUE);
      nn_context_set_resident (context, turn == 0 ? G_MAXUINT64 : 0);
      net = net_new (context, 1, 24);
      g_assert_cmpuint (nn_program_resident_bytes (net.program), <,
                        nn_program_resident_bytes (want_net.program) / 3);
      g_autofree float *got = net_run (&net);
      g_test_message ("PSNR %.1f dB", psnr (got, want, n));
      g_assert_cmpfloat (psnr (got, want, n), >, 45);
      if (turn == 0)
        first = g_steal_pointer (&got);
      else
        g_assert_cmpmem (got, n * sizeof *got, first, n * sizeof *first);
      net_clear (&net);
    }
  net_clear (&want_net);
}

/* The last two levels of a decoder, more or less: enlarge, then two blocks. */
static NnTensor *
build_residual (NnGraph *graph, NnTensor *x, guint in, guint32 seed)
{
  NnContext *c = graph->context;
  NnTensor *h = x;
  NnTensor *shortcut = x;

  for (guint i = 0; i < 2; i++)
    {
      guint width = i == 0 ? in : CHANNELS;
      NnGroupNorm norm = { .x = h,
                           .gamma = weight_of (c, NN_WEIGHT_VECTOR, width, 1, seed++),
                           .beta = weight_of (c, NN_WEIGHT_VECTOR, width, 1, seed++),
                           .groups = 8,
                           .eps = 1e-6f,
                           .silu = TRUE };
      NnConv3 conv = { .x = nn_group_norm (graph, &norm, "norm"),
                       .weight = weight_of (c, NN_WEIGHT_CONV3, CHANNELS, width, seed++),
                       .bias = weight_of (c, NN_WEIGHT_VECTOR, CHANNELS, 1, seed++) };
      NnLinear linear = { .x = x };

      if (i == 1 && in != CHANNELS)
        {
          linear.weight = weight_of (c, NN_WEIGHT_MATRIX, CHANNELS, in, seed++);
          shortcut = nn_linear (graph, &linear, "shortcut");
        }
      conv.residual = i == 1 ? shortcut : NULL;
      h = nn_conv3 (graph, &conv, i == 0 ? "conv 1" : "conv 2");
    }
  return h;
}

static Net
decoder_new (NnContext *context, guint h, guint w)
{
  Net net = { .context = context };
  g_autoptr (NnGraph) graph = nn_graph_new (context, "decoder");
  g_autoptr (GError) error = NULL;
  NnConv3 up
      = { .weight = weight_of (context, NN_WEIGHT_CONV3, 2 * CHANNELS, 2 * CHANNELS, 900),
          .up_h = 2 * h,
          .up_w = 2 * w };
  NnConv3 last = { .weight = weight_of (context, NN_WEIGHT_CONV3, 3, CHANNELS, 901) };
  NnTensor *x;

  net.in = nn_state_new (context, 1, h, w, 2 * CHANNELS, "in", &error);
  g_assert_no_error (error);
  net.out = nn_state_new (context, 1, 2 * h, 2 * w, 3, "out", &error);
  g_assert_no_error (error);
  up.x = nn_act (graph, nn_load (graph, net.in), NN_ACT_NONE, "in");
  x = nn_conv3 (graph, &up, "up");
  x = build_residual (graph, x, 2 * CHANNELS, 100);
  x = build_residual (graph, x, CHANNELS, 200);
  last.x = x;
  nn_store (graph, nn_conv3 (graph, &last, "last"), net.out);
  net.program = nn_program_new (graph, FALSE, &error);
  g_assert_no_error (error);
  return net;
}

/* The same bits in bands, in less memory; 300 rows make a last band that is shorter. */
static void
test_bands (gconstpointer data)
{
  NnType type = GPOINTER_TO_INT (data);
  g_autofree float *want = NULL;
  guint64 arena = 0;

  for (guint level = 0; level < 3; level++)
    {
      g_autoptr (NnContext) context = nn_context_new (device, type);
      Net net;

      nn_context_set_frugal (context, TRUE);
      nn_context_set_bands (context, level);
      net = decoder_new (context, 150, 128);
      for (guint i = 0; i < 2; i++)
        {
          g_autofree float *got = net_run (&net);
          gsize bytes = nn_state_count (net.out) * sizeof *got;

          if (level > 0)
            g_assert_cmpmem (got, bytes, want, bytes);
          else if (i == 0)
            want = g_memdup2 (got, bytes);
        }
      g_test_message ("level %u: arena %.1f MiB", level,
                      (double) nn_program_arena_bytes (net.program) / (1 << 20));
      if (level == 0)
        arena = nn_program_arena_bytes (net.program);
      else if (level == 1) /* no more than what folded norms save anyway */
        g_assert_cmpuint (nn_program_arena_bytes (net.program), <=, arena);
      else
        g_assert_cmpuint (nn_program_arena_bytes (net.program), <, arena);
      net_clear (&net);
    }
}

/* What is planned without a device is what is then allocated. */
static void
test_plan (void)
{
  g_autoptr (NnContext) real = nn_context_new (device, NN_F32);
  g_autoptr (NnContext) planned = nn_context_new_plan (gpu_device_info (device), NN_F32);
  g_autofree float *first = NULL;
  guint64 used;

  for (guint turn = 0; turn < 2; turn++)
    {
      Net net, plan;

      nn_context_set_resident (real, turn == 0 ? G_MAXUINT64 : 0);
      nn_context_set_resident (planned, turn == 0 ? G_MAXUINT64 : 0);
      used = gpu_device_memory_used (device);
      plan = net_new (planned, 1, 16);
      g_assert_cmpuint (gpu_device_memory_used (device), ==, used);
      net = net_new (real, 1, 16);
      g_autofree float *got = net_run (&net);
      if (turn == 0)
        first = g_steal_pointer (&got);
      else
        g_assert_cmpmem (got, nn_state_count (net.out) * sizeof *got, first,
                         nn_state_count (net.out) * sizeof *first);
      g_assert_cmpuint (nn_program_arena_bytes (plan.program), ==,
                        nn_program_arena_bytes (net.program));
      g_assert_cmpuint (nn_program_resident_bytes (plan.program), ==,
                        nn_program_resident_bytes (net.program));
      g_assert_cmpuint (nn_context_state_bytes (planned), ==,
                        nn_context_state_bytes (real));
      net_clear (&plan);
      net_clear (&net);
    }
}

/* Two networks of which one fits at a time take turns, and the second run of one that
 * stayed reads nothing. */
static void
test_turns (void)
{
  g_autoptr (GError) error = NULL;
  GpuDevice *own = gpu_device_new (-1, &error);
  g_assert_no_error (error);
  g_autoptr (NnContext) context = nn_context_new (own, NN_F32);
  Net a, b;
  guint64 need;
  guint reads;

  nn_context_set_frugal (context, TRUE);
  a = net_new (context, 1, 16);
  b = net_new (context, 501, 16);
  need = nn_context_state_bytes (context) + nn_program_arena_bytes (a.program)
         + nn_program_resident_bytes (a.program) * 3 / 2;
  gpu_device_set_memory_limit (own, need + (8 << 20)); /* blocks of small buffers */
  g_autofree float *first = net_run (&a);
  reads = n_reads;
  g_autofree float *again = net_run (&a);
  g_assert_cmpuint (n_reads, ==, reads);
  gpu_device_set_memory_limit (own, gpu_device_memory_peak (own) + 65536);
  g_autofree float *other = net_run (&b);
  g_assert_cmpuint (n_reads, >, reads);
  g_autofree float *third = net_run (&a);
  gsize bytes = nn_state_count (a.out) * sizeof (float);
  g_assert_cmpmem (again, bytes, first, bytes);
  g_assert_cmpmem (third, bytes, first, bytes);
  g_assert_cmpint (memcmp (other, first, bytes), !=, 0);
  g_assert_cmpuint (gpu_device_memory_peak (own), <=, gpu_device_memory_limit (own));
  net_clear (&a);
  net_clear (&b);
  g_clear_pointer (&context, nn_context_unref);
  gpu_device_unref (own);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  device = gpu_device_new (-1, &error);
  g_assert_no_error (error);
  g_test_add_data_func ("/nn/streamed/small", GUINT_TO_POINTER (10), test_streamed);
  g_test_add_data_func ("/nn/streamed/winograd", GUINT_TO_POINTER (40), test_streamed);
  g_test_add_data_func ("/nn/bands/fp32", GINT_TO_POINTER (NN_F32), test_bands);
  g_test_add_data_func ("/nn/bands/fp16", GINT_TO_POINTER (NN_F16), test_bands);
  g_test_add_func ("/nn/quantized", test_quantized);
  g_test_add_func ("/nn/plan", test_plan);
  g_test_add_func ("/nn/turns", test_turns);
  int status = g_test_run ();
  g_assert_cmpuint (gpu_device_validation_messages (device), ==, 0);
  gpu_device_unref (device);
  return status;
}
