/* nn-weight-load.c: from the file into the device's layout
 *
 * Weights are read, as they are in the file, into host-visible memory that the device
 * reads too; the repack shaders write them to their places in the layout that the kernels
 * want. Two such slots take turns: while the device repacks one batch, a thread reads the
 * next.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-context-private.h"

#define SLOT_BYTES ((guint64) 32 << 20)
#define RAW_ALIGNMENT 256

/* Weights [first, end) of the list, one behind the other in a slot. */
typedef struct
{
  GPtrArray *weights;
  guint first, end;
  guint64 file_bytes;
  GpuBuffer *slot;
  const BaseTask *task;
  GError *error;
} Batch;

static guint64
raw_bytes (const NnWeight *weight)
{
  return (nn_weight_file_bytes (weight) + RAW_ALIGNMENT - 1) / RAW_ALIGNMENT
         * RAW_ALIGNMENT;
}

static gboolean
read_parts (const NnWeight *weight, guint8 *dst, GError **error)
{
  for (guint i = 0; i < weight->n_parts; i++)
    {
      const NnWeightPart *part = &weight->parts[i];
      gsize n = nn_weight_part_count (weight, i) * nn_type_bytes (part->type);

      if (!part->read (part->source, dst, n, error))
        {
          g_prefix_error (error, "%s: ", weight->name);
          return FALSE;
        }
      dst += n;
    }
  return TRUE;
}

/* ---- the reference ---- */

static gboolean
load_host (NnWeight *weight, GError **error)
{
  gsize bytes = nn_weight_file_bytes (weight);
  g_autofree guint8 *raw = g_try_malloc (bytes);
  g_autofree float *host = NULL;
  const guint8 *src = raw;
  guint64 count = 0;

  for (guint i = 0; i < weight->n_parts; i++)
    count += nn_weight_part_count (weight, i);
  host = g_try_new (float, count);
  if (raw == NULL || host == NULL)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                   "%s: no memory for %" G_GSIZE_FORMAT " bytes", weight->name, bytes);
      return FALSE;
    }
  if (!read_parts (weight, raw, error))
    return FALSE;
  count = 0;
  for (guint i = 0; i < weight->n_parts; i++)
    {
      guint64 n = nn_weight_part_count (weight, i);

      nn_values_to_float (weight->parts[i].type, src, n, host + count);
      src += n * nn_type_bytes (weight->parts[i].type);
      count += n;
    }
  weight->host = g_steal_pointer (&host);
  return TRUE;
}

/* ---- the device ---- */

static gpointer
read_batch (gpointer data)
{
  Batch *batch = data;
  guint8 *dst = gpu_buffer_map (batch->slot);

  for (guint i = batch->first; i < batch->end; i++)
    {
      const NnWeight *weight = batch->weights->pdata[i];

      if (!base_task_check (batch->task, &batch->error)
          || !read_parts (weight, dst, &batch->error))
        break;
      dst += raw_bytes (weight);
    }
  return NULL;
}

/* Takes the weight's memory; repacks at once or records how the device does it. */
static gboolean
repack (
    const NnEmit *emit, NnWeight *weight, GpuBuffer *slot, guint64 offset, GError **error)
{
  guint8 *raw = gpu_buffer_map (slot);
  GpuBuffer **home = nn_weight_home (weight);

  weight->bytes = nn_weight_device_bytes (weight);
  weight->offset = 0;
  *home = gpu_buffer_new (emit->device, weight->bytes,
                          weight->streamed ? GPU_BUFFER_HOST : GPU_BUFFER_DEVICE,
                          weight->name, error);
  if (*home == NULL)
    return FALSE;
  if (weight->stored == NN_Q8)
    return nn_weight_quantize (weight, raw + offset, *home, error);
  if (emit->info->kind != GPU_KIND_CPU || gpu_buffer_map (*home) == NULL)
    return nn_emit_repack (emit, weight, slot, offset, error);
  nn_weight_repack_host (weight, raw + offset, gpu_buffer_map (*home));
  return TRUE;
}

static gboolean
repack_batch (NnContext *context, const Batch *batch, GError **error)
{
  g_autoptr (GpuRecording) recording = gpu_recording_new (context->device);
  NnEmit emit = nn_context_emit (context, recording);
  guint64 offset = 0;

  for (guint i = batch->first; i < batch->end; i++)
    {
      if (!repack (&emit, batch->weights->pdata[i], batch->slot, offset, error))
        return FALSE;
      offset += raw_bytes (batch->weights->pdata[i]);
    }
  return gpu_recording_finish (recording, FALSE, error)
         && gpu_recording_run (recording, NULL, error);
}

static Batch
next_batch (GPtrArray *weights,
            guint first,
            guint64 slot_bytes,
            GpuBuffer *slot,
            const BaseTask *task)
{
  Batch batch
      = { .weights = weights, .first = first, .end = first, .slot = slot, .task = task };
  guint64 raw = 0;

  while (batch.end < weights->len
         && raw + raw_bytes (weights->pdata[batch.end]) <= slot_bytes)
    {
      raw += raw_bytes (weights->pdata[batch.end]);
      batch.file_bytes += nn_weight_file_bytes (weights->pdata[batch.end]);
      batch.end++;
    }
  return batch;
}

/* A weight of a batch that failed is not there. */
static void
forget_batch (const Batch *batch)
{
  for (guint i = batch->first; i < batch->end; i++)
    g_clear_pointer (nn_weight_home (batch->weights->pdata[i]), gpu_buffer_unref);
}

/* Repacks batch after batch while the next one is read; both slots are @slot_bytes long.
 */
static gboolean
load_batches (NnContext *context,
              GPtrArray *weights,
              GpuBuffer *const slots[2],
              guint64 total,
              const BaseTask *task,
              GError **error)
{
  guint64 slot_bytes = gpu_buffer_size (slots[0]);
  guint64 done = 0;
  Batch batch = next_batch (weights, 0, slot_bytes, slots[0], task);

  read_batch (&batch);
  for (guint turn = 1; batch.error == NULL && batch.first < weights->len; turn ^= 1)
    {
      Batch next = next_batch (weights, batch.end, slot_bytes, slots[turn], task);
      GThread *reader = g_thread_try_new ("weights", read_batch, &next, NULL);
      gboolean good = repack_batch (context, &batch, error);

      if (reader != NULL)
        g_thread_join (reader);
      else /* too little memory for a thread is enough for a slower start */
        read_batch (&next);
      if (!good)
        {
          forget_batch (&batch);
          g_clear_error (&next.error);
          return FALSE;
        }
      done += batch.file_bytes;
      base_task_progress (task, "weights", done, total);
      batch = next;
    }
  if (batch.error == NULL)
    return TRUE;
  g_propagate_error (error, batch.error);
  return FALSE;
}

static gboolean
load_device (NnContext *context,
             GPtrArray *weights,
             guint64 total,
             const BaseTask *task,
             GError **error)
{
  GpuBuffer *slots[2] = { NULL, NULL };
  guint64 largest = 0;
  guint64 all = 0;
  guint64 slot_bytes;
  gboolean good = TRUE;

  for (guint i = 0; i < weights->len; i++)
    {
      largest = MAX (largest, raw_bytes (weights->pdata[i]));
      all += raw_bytes (weights->pdata[i]);
    }
  slot_bytes = MIN (MAX (SLOT_BYTES, largest), MAX (all, 1));
  for (guint i = 0; good && i < 2; i++)
    {
      slots[i] = gpu_buffer_new (context->device, slot_bytes, GPU_BUFFER_HOST,
                                 "the way of weights to the device", error);
      good = slots[i] != NULL;
    }
  good = good && load_batches (context, weights, slots, total, task, error);
  gpu_buffer_unref (slots[0]);
  gpu_buffer_unref (slots[1]);
  return good;
}

gboolean
nn_weights_load (NnContext *context,
                 GPtrArray *weights,
                 const BaseTask *task,
                 GError **error)
{
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();
  guint64 total = 0;
  guint64 done = 0;

  for (guint i = 0; i < weights->len; i++)
    {
      NnWeight *weight = weights->pdata[i];

      if (weight->streamed && weight->buffer != NULL)
        nn_weight_evict (weight);
      if (*nn_weight_home (weight) != NULL || weight->host != NULL)
        continue;
      g_ptr_array_add (missing, weight);
      total += nn_weight_file_bytes (weight);
    }
  if (missing->len == 0)
    return TRUE;
  if (context->device != NULL)
    return load_device (context, missing, total, task, error);
  for (guint i = 0; i < missing->len; i++)
    {
      if (!base_task_check (task, error) || !load_host (missing->pdata[i], error))
        return FALSE;
      done += nn_weight_file_bytes (missing->pdata[i]);
      base_task_progress (task, "weights", done, total);
    }
  return TRUE;
}
