/* bench-nn-ops.c: how fast single operators run on a device, at shapes of real networks
 *
 * usage: bench-nn-ops [--half] [--profile] [NAME…]: only cases whose name contains one of
 * the words; --profile tells the time of each kernel too. CALOTYPE_KERNELS names the
 * family of kernels. With --half inputs are copied first, since states are fp32: the
 * profile tells the times apart.
 *
 * Figures are GFLOP per second of wall time and per second of the process's CPU time; the
 * latter is what tells on a CPU device, whatever else runs on the machine.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn.h"
#include <string.h>
#include <sys/resource.h>

#define RUNS 5
#define ENOUGH_SECONDS 3.0

typedef struct
{
  const char *name;
  enum
  {
    CONV,
    CONV_STRIDE,
    CONV_UP,
    LINEAR,
    GEGLU,
    ATTENTION,
    GROUP_NORM,
    LAYER_NORM
  } kind;
  guint n, h, w, in,
      out; /* attention: out = heads, in = head size, h = keys (0: queries) */
} Case;

static const Case cases[] = {
  { "sample conv 16x16 64", CONV, 2, 16, 16, 64, 64 },
  { "sample conv 4x4 192", CONV, 2, 4, 4, 192, 192 },
  { "sample conv 8x8 128", CONV, 2, 8, 8, 128, 128 },
  { "sample geglu 64", GEGLU, 2, 16, 16, 64, 512 },
  { "sample linear 64", LINEAR, 2, 16, 16, 64, 64 },
  { "sample attention 16x16 8x8", ATTENTION, 2, 0, 256, 8, 8 },
  { "sample group norm 16x16 64", GROUP_NORM, 2, 16, 16, 64, 64 },
  { "vae conv 128x128 32", CONV, 1, 128, 128, 32, 32 },
  { "vae conv 128x128 64-32", CONV, 1, 128, 128, 64, 32 },
  { "vae conv 128x128 32-3", CONV, 1, 128, 128, 32, 3 },
  { "vae group norm 128x128 32", GROUP_NORM, 1, 128, 128, 32, 32 },
  { "sd conv 64x64 320", CONV, 1, 64, 64, 320, 320 },
  { "sd conv 32x32 640", CONV, 1, 32, 32, 640, 640 },
  { "sd conv 16x16 1280", CONV, 1, 16, 16, 1280, 1280 },
  { "sd conv 64x64 320 stride 2", CONV_STRIDE, 1, 64, 64, 320, 320 },
  { "sd conv 32x32 640 up", CONV_UP, 1, 32, 32, 640, 640 },
  { "sd linear 4096 320", LINEAR, 1, 64, 64, 320, 320 },
  { "sd linear 1024 640", LINEAR, 1, 32, 32, 640, 640 },
  { "sd geglu 4096 320", GEGLU, 1, 64, 64, 320, 2560 },
  { "sd ff out 4096 1280-320", LINEAR, 1, 64, 64, 1280, 320 },
  { "sd attention 4096 8x40", ATTENTION, 1, 0, 4096, 40, 8 },
  { "sd attention 1024 8x80", ATTENTION, 1, 0, 1024, 80, 8 },
  { "sd attention 256 8x160", ATTENTION, 1, 0, 256, 160, 8 },
  { "sd attention 4096 x 77 8x40", ATTENTION, 1, 77, 4096, 40, 8 },
  { "sd group norm 64x64 320", GROUP_NORM, 1, 64, 64, 320, 320 },
  { "sd layer norm 4096 320", LAYER_NORM, 1, 64, 64, 320, 320 },
  { "sd vae conv 256x256 256", CONV, 1, 256, 256, 256, 256 },
  { "sd vae conv 64x64 512", CONV, 1, 64, 64, 512, 512 },
  { "sd vae conv 128x128 512", CONV, 1, 128, 128, 512, 512 },
  { "sd vae conv 512x512 128", CONV, 1, 512, 512, 128, 128 },
  { "sd vae conv 512x512 128-3", CONV, 1, 512, 512, 128, 3 },
  { "sd vae attention 4096 1x512", ATTENTION, 1, 0, 4096, 512, 1 },
  { "sd vae group norm 512x512 128", GROUP_NORM, 1, 512, 512, 128, 128 },
};

static gboolean
read_small (gpointer source, void *dst, gsize n, GError **error)
{
  guint16 *codes = dst;

  for (gsize i = 0; i < n / 2; i++)
    codes[i] = 0x2000 + i * 7919 % 1024; /* fp16: 2^-7 … 2^-6 */
  return TRUE;
}

static NnWeight *
weight (NnContext *context, NnWeightKind kind, guint out, guint in)
{
  NnWeightPart part = { .read = read_small, .type = NN_F16, .out = out };

  return nn_weight_new (context, "bench", kind, &part, 1, in);
}

static gboolean half; /* activations are fp16 */

static NnTensor *
input (NnGraph *graph, NnState *state)
{
  NnTensor *x = nn_load (graph, state);

  return half ? nn_act (graph, x, NN_ACT_NONE, "copy") : x;
}

static NnTensor *
make (NnGraph *graph, NnContext *context, const Case *c, NnState *x, NnState *k)
{
  NnTensor *in = input (graph, x);
  NnWeight *bias = weight (context, NN_WEIGHT_VECTOR, c->out, 1);
  NnConv3 conv = { .x = in, .bias = bias };
  NnLinear linear
      = { .x = in, .bias = bias, .act = c->kind == GEGLU ? NN_ACT_GEGLU : NN_ACT_NONE };
  NnGroupNorm norm = {
    .x = in, .gamma = bias, .beta = bias, .groups = 32, .eps = 1e-5f, .silu = TRUE
  };
  NnAttention attention
      = { .q = in, .k = input (graph, k), .heads = c->out, .head_dim = c->in };

  switch (c->kind)
    {
    case CONV:
    case CONV_STRIDE:
    case CONV_UP:
      conv.weight = weight (context, NN_WEIGHT_CONV3, c->out, c->in);
      conv.stride = c->kind == CONV_STRIDE ? 2 : 1;
      conv.up_h = c->kind == CONV_UP ? 2 * c->h : 0;
      conv.up_w = c->kind == CONV_UP ? 2 * c->w : 0;
      return nn_conv3 (graph, &conv, c->name);
    case LINEAR:
    case GEGLU:
      linear.weight = weight (context, NN_WEIGHT_MATRIX, c->out, c->in);
      return nn_linear (graph, &linear, c->name);
    case ATTENTION:
      attention.v = attention.k;
      return nn_attention (graph, &attention, c->name);
    case GROUP_NORM:
      return nn_group_norm (graph, &norm, c->name);
    case LAYER_NORM:
    default:
      return nn_layer_norm (graph, in, bias, bias, 1e-5f, c->name);
    }
}

static double
cpu_seconds (void)
{
  struct rusage u;

  getrusage (RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec
         + 1e-6 * (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* seconds of processor time (of wall time, where that is not known) by kernel */
static void
print_profile (NnProgram *program)
{
  g_autoptr (GArray) timings = nn_program_timings (program);

  for (guint i = 0; i < timings->len; i++)
    {
      const GpuTiming *t = &g_array_index (timings, GpuTiming, i);
      double seconds = 0, flops = 0;
      gboolean seen = FALSE;

      for (guint k = 0; k < timings->len; k++)
        {
          const GpuTiming *other = &g_array_index (timings, GpuTiming, k);

          if (strcmp (t->kernel, other->kernel) != 0)
            continue;
          seen |= k < i;
          seconds
              += other->processor_seconds > 0 ? other->processor_seconds : other->seconds;
          flops += other->flops;
        }
      if (!seen)
        g_print ("    %-28s %-12s %9.3f ms %8.1f GFLOP/s\n", t->kernel, t->variant,
                 seconds * 1e3, flops / seconds * 1e-9);
    }
}

static void
measure (const Case *c, NnProgram *program)
{
  g_autoptr (GError) error = NULL;
  double first = cpu_seconds (), cpu = G_MAXDOUBLE, wall = G_MAXDOUBLE, spent = 0;
  double flops = nn_program_flops (program);

  if (!nn_program_run (program, NULL, &error))
    g_error ("%s: %s", c->name, error->message);
  first = cpu_seconds () - first;
  for (guint i = 0; i < RUNS && spent < ENOUGH_SECONDS; i++)
    {
      double c0 = cpu_seconds (), w0 = g_get_monotonic_time () * 1e-6;

      nn_program_run (program, NULL, NULL);
      cpu = MIN (cpu, cpu_seconds () - c0);
      wall = MIN (wall, g_get_monotonic_time () * 1e-6 - w0);
      spent += g_get_monotonic_time () * 1e-6 - w0;
    }
  g_print ("%-32s %9.3f ms %9.1f GFLOP/s %8.1f GFLOP/CPU-s  first %.2f CPU-s\n", c->name,
           wall * 1e3, flops / wall * 1e-9, flops / cpu * 1e-9, first - cpu);
  print_profile (program);
}

static void
run (NnContext *context, const Case *c, gboolean profile)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NnGraph) graph = nn_graph_new (context, "bench");
  g_autoptr (NnProgram) program = NULL;
  g_autoptr (NnState) x = NULL, k = NULL, y = NULL;
  guint h = MAX (c->kind == ATTENTION ? 1 : c->h, 1),
        width = c->in * (c->kind == ATTENTION ? c->out : 1);
  guint keys = c->kind == ATTENTION && c->h != 0 ? c->h : c->w;
  NnTensor *out;

  x = nn_state_new (context, c->n, h, c->w, width, "x", &error);
  k = nn_state_new (context, c->n, 1, keys, width, "k", &error);
  if (x == NULL || k == NULL)
    g_error ("%s: %s", c->name, error->message);
  out = make (graph, context, c, x, k);
  y = nn_state_new (context, nn_tensor_n (out), nn_tensor_h (out), nn_tensor_w (out),
                    nn_tensor_c (out), "y", &error);
  if (y == NULL)
    g_error ("%s: %s", c->name, error->message);
  nn_store (graph, out, y);
  program = nn_program_new (graph, profile, &error);
  if (program == NULL)
    g_error ("%s: %s", c->name, error->message);
  measure (c, program);
  g_clear_pointer (&program, nn_program_free);
  nn_context_clear_weights (context);
}

static gboolean
wanted (const char *name, char **words)
{
  if (words[0] == NULL)
    return TRUE;
  for (; *words != NULL; words++)
    if (strstr (name, *words) != NULL)
      return TRUE;
  return FALSE;
}

int
main (int argc, char **argv)
{
  gboolean profile = FALSE;
  NnFamily family = NN_FAMILY_AUTO;
  guint first = 1;
  g_autoptr (GError) error = NULL;
  g_autoptr (GpuDevice) device = NULL;
  g_autoptr (NnContext) context = NULL;

  for (; (int) first < argc && g_str_has_prefix (argv[first], "--"); first++)
    {
      half |= strcmp (argv[first], "--half") == 0;
      profile |= strcmp (argv[first], "--profile") == 0;
    }
  gpu_prepare_process ();
  if (g_getenv ("CALOTYPE_KERNELS") != NULL
      && !nn_family_from_name (g_getenv ("CALOTYPE_KERNELS"), &family))
    g_error ("CALOTYPE_KERNELS: there is no such family");
  nn_set_family (family);
  device = gpu_device_new (-1, &error);
  if (device == NULL)
    g_error ("%s", error->message);
  g_print ("%s, %s\n", gpu_device_info (device)->name, half ? "fp16" : "fp32");
  context = nn_context_new (device, half ? NN_F16 : NN_F32);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (wanted (cases[i].name, argv + first))
      run (context, &cases[i], profile);
  return 0;
}
