/* gpu-run.c: replays a recording in submissions, two of them under way at a time
 *
 * A submission takes as many pieces as the device was lately seen to do in 50 ms (25 ms
 * after it was lost): short
 * enough for Stop, for other programs on the same GPU and for drivers' watchdogs, long
 * enough to hide what a submission costs (some 50 µs).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"
#include <time.h>

#define IN_FLIGHT 2
#define MAX_PIECES 16
#define PATIENCE                                                                         \
  0.3 /* seconds beyond the expected after which kernels are being made                  \
       */

typedef struct
{
  VkFence fence;
  gboolean busy;
  guint first, end; /* pieces */
  double flops;
} Submission;

typedef struct
{
  GpuRecording *recording;
  const BaseTask *task;
  Submission slots[IN_FLIGHT];
  gint64 last_time;      /* µs, when the latest submission was made or ended */
  double last_processor; /* seconds, at the same moment; only for a profile */
  gint64 start;
  double flops;         /* done */
  guint fresh, n_fresh; /* kernels that never ran: had their first run, in all */
} Run;

/* Kernels of dispatches [first, end) that never ran; with @mark they have now. */
static guint
count_fresh (GpuRecording *recording, guint first, guint end, gboolean mark)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = first; i < end; i++)
    {
      GpuKernel *kernel = g_array_index (recording->dispatches, GpuDispatch, i).kernel;

      if (kernel == NULL)
        continue;
      if (!kernel->ran)
        g_hash_table_add (seen, kernel);
      kernel->ran |= mark;
    }
  return g_hash_table_size (seen);
}

/* A CPU device makes a kernel's code when it first runs, or finds it in its cache: only
 * the time tells which. */
static void
tell_kernels (Run *run, guint first, guint end)
{
  GpuDevice *device = run->recording->device;
  double seconds = (g_get_monotonic_time () - run->start) * 1e-6;

  if (run->n_fresh == 0 || device->physical.info.kind != GPU_KIND_CPU)
    return;
  run->fresh += count_fresh (run->recording, first, end, TRUE);
  if (run->fresh < run->n_fresh
      && seconds - run->flops / device->flops_per_second > PATIENCE)
    base_task_progress (run->task, "kernels", run->fresh, run->n_fresh);
}

/* What the device does per second, from work that lasted long enough to be told. */
static void
learn_speed (Run *run, double flops)
{
  GpuDevice *device = run->recording->device;
  gint64 now = g_get_monotonic_time ();
  double seconds = (now - run->last_time) * 1e-6;

  run->last_time = now;
  if (flops > 1e8 && seconds > 1e-4)
    device->flops_per_second = 0.75 * device->flops_per_second + 0.25 * flops / seconds;
}

/* of the whole process: on a CPU device the driver's threads work in it */
static double
processor_seconds (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static VkResult
wait_for (GpuDevice *device, VkFence fence)
{
  if (gpu_fault_due (GPU_FAULT_WAIT))
    {
      vkQueueWaitIdle (device->queue); /* what was not lost is still under way */
      return VK_ERROR_DEVICE_LOST;
    }
  return vkWaitForFences (device->handle, 1, &fence, VK_TRUE, G_MAXUINT64);
}

static gboolean
await (Run *run, Submission *s, GError **error)
{
  GpuRecording *recording = run->recording;
  GpuDevice *device = recording->device;
  const GpuPiece *last;

  if (!s->busy)
    return TRUE;
  s->busy = FALSE;
  if (!gpu_device_check (device, wait_for (device, s->fence), "Computing", error))
    return FALSE;
  last = &g_array_index (recording->pieces, GpuPiece, s->end - 1);
  if (recording->profile && recording->queries == VK_NULL_HANDLE)
    {
      double processor = processor_seconds ();
      GpuTiming *timing;

      timing = &g_array_index (recording->dispatches, GpuDispatch, last->first).timing;
      timing->seconds = (g_get_monotonic_time () - run->last_time) * 1e-6;
      timing->processor_seconds = processor - run->last_processor;
      run->last_processor = processor;
    }
  learn_speed (run, s->flops);
  run->flops += s->flops;
  tell_kernels (run, g_array_index (recording->pieces, GpuPiece, s->first).first,
                last->end);
  base_task_progress (run->task, "compute", last->end, recording->dispatches->len);
  return TRUE;
}

/* Pieces from @first on, for one submission. */
static guint
gather (Run *run, guint first, VkCommandBuffer *commands, double *flops)
{
  GpuRecording *recording = run->recording;
  double budget
      = recording->device->flops_per_second * recording->device->submission_seconds;
  gboolean single = recording->profile && recording->queries == VK_NULL_HANDLE;
  guint n = 0;

  *flops = 0;
  while (first + n < recording->pieces->len && n < (single ? 1 : MAX_PIECES))
    {
      const GpuPiece *piece = &g_array_index (recording->pieces, GpuPiece, first + n);

      if (n > 0
          && (*flops + piece->flops > budget
              || (run->fresh < run->n_fresh
                  && count_fresh (recording, piece->first, piece->end, FALSE) > 0)))
        break;
      commands[n++] = piece->commands;
      *flops += piece->flops;
    }
  return n;
}

static gboolean
submit (Run *run, Submission *s, guint first, GError **error)
{
  GpuDevice *device = run->recording->device;
  VkCommandBuffer commands[MAX_PIECES];
  VkSubmitInfo info
      = { .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .pCommandBuffers = commands };

  info.commandBufferCount = gather (run, first, commands, &s->flops);
  s->first = first;
  s->end = first + info.commandBufferCount;
  if (!gpu_device_check (device, vkResetFences (device->handle, 1, &s->fence),
                         "Resetting a fence", error)
      || !gpu_device_check (device,
                            gpu_fault_due (GPU_FAULT_SUBMIT)
                                ? VK_ERROR_DEVICE_LOST
                                : vkQueueSubmit (device->queue, 1, &info, s->fence),
                            "Submitting", error))
    return FALSE;
  s->busy = TRUE;
  return TRUE;
}

static gboolean
read_timestamps (GpuRecording *recording, GError **error)
{
  const GpuPhysical *p = &recording->device->physical;
  guint n = recording->dispatches->len;
  guint64 mask
      = p->timestamp_bits < 64 ? ((guint64) 1 << p->timestamp_bits) - 1 : G_MAXUINT64;
  g_autofree guint64 *stamps = NULL;

  if (recording->queries == VK_NULL_HANDLE)
    return TRUE;
  stamps = g_new0 (guint64, 2 * n);
  if (!gpu_device_check (
          recording->device,
          vkGetQueryPoolResults (recording->device->handle, recording->queries, 0, 2 * n,
                                 2 * n * sizeof *stamps, stamps, sizeof *stamps,
                                 VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
          "Reading time stamps", error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    g_array_index (recording->dispatches, GpuDispatch, i).timing.seconds
        = ((stamps[2 * i + 1] - stamps[2 * i]) & mask) * p->info.timestamp_ns * 1e-9;
  return TRUE;
}

static gboolean
run_pieces (Run *run, GError **error)
{
  GpuRecording *recording = run->recording;
  guint depth
      = recording->profile && recording->queries == VK_NULL_HANDLE ? 1 : IN_FLIGHT;
  guint first = 0;

  run->start = run->last_time = g_get_monotonic_time ();
  run->last_processor = processor_seconds ();
  run->n_fresh = count_fresh (recording, 0, recording->dispatches->len, FALSE);
  for (guint turn = 0; first < recording->pieces->len; turn = (turn + 1) % depth)
    {
      Submission *s = &run->slots[turn];

      if (!await (run, s, error) || !base_task_check (run->task, error)
          || !submit (run, s, first, error))
        return FALSE;
      first = s->end;
      if (first == recording->pieces->len)
        for (guint i = 1; i <= depth; i++) /* oldest first */
          if (!await (run, &run->slots[(turn + i) % depth], error))
            return FALSE;
    }
  return TRUE;
}

gboolean
gpu_recording_run (GpuRecording *recording, const BaseTask *task, GError **error)
{
  GpuDevice *device = recording->device;
  VkFenceCreateInfo info = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
  Run run = { .recording = recording, .task = task };
  gboolean good = TRUE;

  g_return_val_if_fail (recording->finished, FALSE);
  if (device->lost)
    return gpu_check (VK_ERROR_DEVICE_LOST, "Computing", error);
  for (guint i = 0; i < IN_FLIGHT && good; i++)
    good = gpu_device_check (
        device, vkCreateFence (device->handle, &info, NULL, &run.slots[i].fence),
        "Making a fence", error);
  good = good && run_pieces (&run, error);
  if (good && run.n_fresh == 0)
    {
      device->flops_done += run.flops;
      device->seconds_done += (g_get_monotonic_time () - run.start) * 1e-6;
    }
  for (guint i = 0; i < IN_FLIGHT;
       i++) /* after a fault or a Stop something may be under way */
    {
      if (run.slots[i].busy)
        vkWaitForFences (device->handle, 1, &run.slots[i].fence, VK_TRUE, G_MAXUINT64);
      vkDestroyFence (device->handle, run.slots[i].fence, NULL);
    }
  return good && (!recording->profile || read_timestamps (recording, error));
}

GArray *
gpu_recording_timings (GpuRecording *recording)
{
  GArray *timings = g_array_new (FALSE, TRUE, sizeof (GpuTiming));

  for (guint i = 0; i < recording->dispatches->len; i++)
    g_array_append_val (timings,
                        g_array_index (recording->dispatches, GpuDispatch, i).timing);
  return timings;
}
