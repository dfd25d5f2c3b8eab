/* nn-bench.c: what a device can do at best, and what a program asks of it
 *
 * The rates are those of our own kernels on work that suits them: a large square product,
 * a copy, a chain of dispatches that do nothing. Networks are measured against them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-emit-private.h"
#include "nn/nn-program-private.h"
#include <time.h>

#define REPEATS 4
#define SIDE_CPU 1024u /* of the product */
#define SIDE_GPU 4096u
#define COPY_BYTES_CPU ((guint64) 64 << 20)
#define COPY_BYTES_GPU ((guint64) 512 << 20)
#define CHAIN 256u

/* ---- what a program asks ---- */

/* Dispatches of @op that wait for each other. */
static guint
stages_of (const NnOp *op)
{
  if (op->kind == NN_OP_GROUP_NORM)
    return op->y->folded ? 2 : 3; /* sums, statistics, application */
  if (op->kind == NN_OP_ATTENTION && op->scratch_bytes > 0)
    return 4; /* operands, scores, weights, product */
  if (op->variant.parts > 1)
    return 2;
  return op->kind == NN_OP_CONV3 && op->scratch_bytes > 0 ? 3 : 1; /* Winograd */
}

static guint
levels_of (const NnProgram *program)
{
  g_autoptr (GHashTable) depths = g_hash_table_new (NULL, NULL);
  guint most = 0;

  for (guint i = 0; i < program->ops->len; i++)
    {
      const NnOp *op = program->ops->pdata[i];
      guint depth = 0;

      for (guint k = 0; k < op->n_inputs; k++)
        depth = MAX (depth, GPOINTER_TO_UINT (
                                g_hash_table_lookup (depths, op->inputs[k]->producer)));
      depth += stages_of (op);
      most = MAX (most, depth);
      g_hash_table_insert (depths, (gpointer) op, GUINT_TO_POINTER (depth));
    }
  return most;
}

static double
ideal_bytes (const NnProgram *program)
{
  NnEmit emit = nn_context_emit (program->context, NULL);
  double bytes = 0;

  for (guint i = 0; i < program->weights->len; i++)
    bytes += nn_weight_device_bytes (program->weights->pdata[i]);
  for (guint i = 0; i < program->tensors->len; i++)
    {
      const NnTensor *x = program->tensors->pdata[i];

      if (x->folded)
        continue;
      bytes
          += nn_emit_bytes (&emit, x) * (x->producer != NULL && x->state == NULL ? 2 : 1);
    }
  return bytes;
}

gboolean
nn_program_facts (NnProgram *program, NnProgramFacts *facts)
{
  *facts = (NnProgramFacts){ .flops = program->flops, .operators = program->ops->len };
  if (program->recording == NULL)
    return FALSE;
  facts->dispatches = gpu_recording_n_dispatches (program->recording);
  facts->barriers = gpu_recording_n_barriers (program->recording);
  facts->levels = levels_of (program);
  facts->bytes = gpu_recording_bytes (program->recording);
  facts->ideal_bytes = ideal_bytes (program);
  return TRUE;
}

/* ---- what a device can do ---- */

static double
processor_seconds (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

/* The best of some runs, after one that is not counted. */
static gboolean
time_program (NnProgram *program,
              double *seconds,
              double *processor,
              const BaseTask *task,
              GError **error)
{
  *seconds = *processor = G_MAXDOUBLE;
  for (guint i = 0; i <= REPEATS; i++)
    {
      gint64 start = g_get_monotonic_time ();
      double begin = processor_seconds ();

      if (!nn_program_run (program, task, error))
        return FALSE;
      if (i == 0)
        continue;
      *seconds = MIN (*seconds, (g_get_monotonic_time () - start) * 1e-6);
      *processor = MIN (*processor, processor_seconds () - begin);
    }
  return TRUE;
}

/* Small numbers that no product makes infinite. */
static gboolean
read_pattern (gpointer source, void *dst, gsize n, GError **error)
{
  guint16 *codes = dst;

  for (gsize i = 0; i < n / 2; i++)
    codes[i] = 0x2000 + i * 7919 % 1024; /* fp16: 2^-7 … 2^-6 */
  return TRUE;
}

static gboolean
measure_product (NnContext *context,
                 NnDeviceRates *rates,
                 const BaseTask *task,
                 GError **error)
{
  gboolean cpu = gpu_device_info (context->device)->kind == GPU_KIND_CPU;
  guint side = cpu ? SIDE_CPU : SIDE_GPU;
  NnWeightPart part = { .read = read_pattern, .type = NN_F16, .out = side };
  g_autoptr (NnState) in = nn_state_new (context, 1, 1, side, 4, "product in", error);
  g_autoptr (NnState) out = nn_state_new (context, 1, 1, side, 4, "product out", error);
  g_autoptr (NnGraph) graph = nn_graph_new (context, "product");
  g_autoptr (NnProgram) program = NULL;
  NnWeightPart narrow_out = part;
  double seconds, processor;
  NnTensor *x;

  if (in == NULL || out == NULL)
    return FALSE;
  narrow_out.out = 4;
  /* states are fp32: the product itself reads and writes activations */
  x = nn_linear (graph,
                 &(NnLinear){ .x = nn_load (graph, in),
                              .weight = nn_weight_new (context, "bench in",
                                                       NN_WEIGHT_MATRIX, &part, 1, 4) },
                 "widen");
  x = nn_linear (graph,
                 &(NnLinear){ .x = x,
                              .weight = nn_weight_new (context, "bench", NN_WEIGHT_MATRIX,
                                                       &part, 1, side) },
                 "product");
  x = nn_linear (
      graph,
      &(NnLinear){ .x = x,
                   .weight = nn_weight_new (context, "bench out", NN_WEIGHT_MATRIX,
                                            &narrow_out, 1, side) },
      "narrow");
  nn_store (graph, x, out);
  program = nn_program_new (graph, FALSE, error);
  if (program == NULL || !time_program (program, &seconds, &processor, task, error))
    return FALSE;
  rates->flops = program->flops / seconds;
  if (cpu)
    rates->processor_flops = program->flops / processor;
  return TRUE;
}

static gboolean
measure_chain (NnContext *context,
               NnDeviceRates *rates,
               const BaseTask *task,
               GError **error)
{
  g_autoptr (NnState) in = nn_state_new (context, 1, 1, 1, 4, "chain in", error);
  g_autoptr (NnState) out = nn_state_new (context, 1, 1, 1, 4, "chain out", error);
  g_autoptr (NnGraph) graph = nn_graph_new (context, "chain");
  g_autoptr (NnProgram) program = NULL;
  double seconds, processor;
  NnTensor *x;

  if (in == NULL || out == NULL)
    return FALSE;
  x = nn_load (graph, in);
  for (guint i = 0; i < CHAIN; i++)
    x = nn_act (graph, x, NN_ACT_SILU, "nothing");
  nn_store (graph, x, out);
  program = nn_program_new (graph, FALSE, error);
  if (program == NULL || !time_program (program, &seconds, &processor, task, error))
    return FALSE;
  rates->dispatch_seconds = seconds / CHAIN;
  return TRUE;
}

static gboolean
measure_copy (GpuDevice *device, NnDeviceRates *rates, GError **error)
{
  gboolean cpu = gpu_device_info (device)->kind == GPU_KIND_CPU;
  guint64 bytes = cpu ? COPY_BYTES_CPU : COPY_BYTES_GPU;
  g_autoptr (GpuBuffer) from
      = gpu_buffer_new (device, bytes, GPU_BUFFER_DEVICE, "copy from", error);
  g_autoptr (GpuBuffer) to
      = from != NULL ? gpu_buffer_new (device, bytes, GPU_BUFFER_DEVICE, "copy to", error)
                     : NULL;
  g_autoptr (GpuRecording) recording = gpu_recording_new (device);
  double best = G_MAXDOUBLE;

  if (to == NULL || !gpu_recording_copy (recording, from, 0, to, 0, bytes, "copy", error)
      || !gpu_recording_finish (recording, FALSE, error))
    return FALSE;
  for (guint i = 0; i <= REPEATS; i++)
    {
      gint64 start = g_get_monotonic_time ();

      if (!gpu_recording_run (recording, NULL, error))
        return FALSE;
      if (i > 0)
        best = MIN (best, (g_get_monotonic_time () - start) * 1e-6);
    }
  rates->bytes = 2.0 * bytes / best;
  return TRUE;
}

gboolean
nn_measure_device (GpuDevice *device,
                   NnType activations,
                   NnDeviceRates *rates,
                   const BaseTask *task,
                   GError **error)
{
  g_autoptr (NnContext) context = nn_context_new (device, activations);

  *rates = (NnDeviceRates){ 0 };
  return measure_product (context, rates, task, error)
         && measure_chain (context, rates, task, error)
         && measure_copy (device, rates, error);
}
