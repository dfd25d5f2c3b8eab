/* gpu-recording.c: a list of dispatches and its command buffers
 *
 * Dispatches are collected with their descriptor sets; finishing writes them into command
 * buffers of a few dispatches each (pieces), which gpu-run.c groups into submissions as
 * long as the device's measured speed allows.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>

#define SETS_PER_POOL 128

GpuRecording *
gpu_recording_new (GpuDevice *device)
{
  GpuRecording *recording = g_new0 (GpuRecording, 1);

  recording->device = gpu_device_ref (device);
  recording->dispatches = g_array_new (FALSE, FALSE, sizeof (GpuDispatch));
  recording->pieces = g_array_new (FALSE, FALSE, sizeof (GpuPiece));
  recording->buffers
      = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) gpu_buffer_unref, NULL);
  recording->pools = g_array_new (FALSE, FALSE, sizeof (VkDescriptorPool));
  return recording;
}

GpuRecording *
gpu_recording_new_rehearsal (GpuDevice *device)
{
  GpuRecording *recording = gpu_recording_new (device);

  recording->rehearsal = TRUE;
  return recording;
}

gboolean
gpu_recording_is_rehearsal (const GpuRecording *recording)
{
  return recording->rehearsal;
}

void
gpu_recording_free (GpuRecording *recording)
{
  VkDevice handle;

  if (recording == NULL)
    return;
  handle = recording->device->handle;
  for (guint i = 0; i < recording->pieces->len; i++)
    vkFreeCommandBuffers (handle, recording->device->commands, 1,
                          &g_array_index (recording->pieces, GpuPiece, i).commands);
  for (guint i = 0; i < recording->pools->len; i++)
    vkDestroyDescriptorPool (handle,
                             g_array_index (recording->pools, VkDescriptorPool, i), NULL);
  vkDestroyQueryPool (handle, recording->queries, NULL);
  g_array_unref (recording->dispatches);
  g_array_unref (recording->pieces);
  g_array_unref (recording->pools);
  g_hash_table_unref (recording->buffers);
  gpu_device_unref (recording->device);
  g_free (recording);
}

static gboolean
add_pool (GpuRecording *recording, GError **error)
{
  VkDescriptorPoolSize sizes[]
      = { { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, SETS_PER_POOL * GPU_MAX_BINDINGS },
          { VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, SETS_PER_POOL * GPU_MAX_BINDINGS },
          { VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, SETS_PER_POOL * GPU_MAX_BINDINGS } };
  VkDescriptorPoolCreateInfo info
      = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
          .maxSets = SETS_PER_POOL,
          .poolSizeCount = G_N_ELEMENTS (sizes),
          .pPoolSizes = sizes };
  VkDescriptorPool pool;

  if (!gpu_device_check (
          recording->device,
          vkCreateDescriptorPool (recording->device->handle, &info, NULL, &pool),
          "Making a descriptor pool", error))
    return FALSE;
  g_array_append_val (recording->pools, pool);
  return TRUE;
}

static gboolean
take_set (GpuRecording *recording,
          const GpuLayout *layout,
          VkDescriptorSet *set,
          GError **error)
{
  VkDescriptorSetAllocateInfo info
      = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
          .descriptorSetCount = 1,
          .pSetLayouts = &layout->set };

  if (recording->n_sets == recording->pools->len * SETS_PER_POOL
      && !add_pool (recording, error))
    return FALSE;
  recording->n_sets++;
  info.descriptorPool
      = g_array_index (recording->pools, VkDescriptorPool, recording->pools->len - 1);
  return gpu_device_check (
      recording->device, vkAllocateDescriptorSets (recording->device->handle, &info, set),
      "Making a descriptor set", error);
}

static guint
texel_bytes (GpuBindKind kind)
{
  return kind == GPU_BIND_TEXEL_F16X4 ? 8 : 16;
}

/* Bytes bound; the last place where a range beyond the device's limits can be named. */
static gboolean
check_binding (const GpuInfo *info, const GpuBinding *b, guint64 *size, GError **error)
{
  gboolean storage = b->kind == GPU_BIND_STORAGE;
  guint64 limit = storage ? info->max_storage_range
                          : info->max_texel_elements * texel_bytes (b->kind);
  guint alignment = storage ? info->storage_alignment : info->texel_alignment;
  guint64 all = (b->buffer->size + 15) & ~(guint64) 15;

  *size = b->size != 0 ? b->size : (b->offset <= all ? all - b->offset : 0);
  if (!storage)
    *size -= *size % texel_bytes (b->kind);
  if (*size == 0 || b->offset > all || *size > all - b->offset
      || b->offset % alignment != 0 || *size > limit)
    {
      g_set_error (error, GPU_ERROR, GPU_ERROR_UNSUITABLE,
                   "%s: %" G_GUINT64_FORMAT " bytes at %" G_GUINT64_FORMAT
                   " of %" G_GUINT64_FORMAT
                   " cannot be bound: %s takes at most %" G_GUINT64_FORMAT
                   " at offsets divisible by %u",
                   b->buffer->label, *size, b->offset, b->buffer->size, info->name, limit,
                   alignment);
      return FALSE;
    }
  return TRUE;
}

static gboolean
write_set (GpuRecording *recording,
           VkDescriptorSet set,
           const GpuBinding *bindings,
           guint n,
           GError **error)
{
  VkDescriptorBufferInfo ranges[GPU_MAX_BINDINGS];
  VkBufferView views[GPU_MAX_BINDINGS];
  VkWriteDescriptorSet writes[GPU_MAX_BINDINGS];

  for (guint i = 0; i < n; i++)
    {
      const GpuBinding *b = &bindings[i];
      gboolean storage = b->kind == GPU_BIND_STORAGE;
      guint64 size;

      if (!check_binding (&recording->device->physical.info, b, &size, error)
          || (!storage
              && !gpu_buffer_view (b->buffer, b->offset, size, b->kind, &views[i],
                                   error)))
        return FALSE;
      ranges[i] = (VkDescriptorBufferInfo){ b->buffer->handle, b->offset, size };
      writes[i] = (VkWriteDescriptorSet){
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = set,
        .dstBinding = i,
        .descriptorCount = 1,
        .descriptorType = gpu_descriptor_type (b->kind),
        .pBufferInfo = storage ? &ranges[i] : NULL,
        .pTexelBufferView = storage ? NULL : &views[i],
      };
      if (!g_hash_table_contains (recording->buffers, b->buffer))
        g_hash_table_add (recording->buffers, gpu_buffer_ref (b->buffer));
    }
  vkUpdateDescriptorSets (recording->device->handle, n, writes, 0, NULL);
  return TRUE;
}

static gboolean
check_groups (GpuDevice *device,
              const guint32 groups[3],
              const char *label,
              GError **error)
{
  const guint32 *most = device->physical.max_groups;

  for (guint i = 0; i < 3; i++)
    if (groups[i] == 0 || groups[i] > most[i])
      {
        g_set_error (error, GPU_ERROR, GPU_ERROR_UNSUITABLE,
                     "%s: %u × %u × %u workgroups; %s takes 1 to %u × %u × %u", label,
                     groups[0], groups[1], groups[2], device->physical.info.name, most[0],
                     most[1], most[2]);
        return FALSE;
      }
  return TRUE;
}

static void
set_text (char *to, const char *from, gsize size)
{
  g_strlcpy (to, from != NULL ? from : "", size);
}

gboolean
gpu_recording_dispatch (GpuRecording *recording,
                        GpuKernel *kernel,
                        const GpuBinding *bindings,
                        const void *push,
                        guint push_size,
                        const guint32 groups[3],
                        const GpuWork *work,
                        GError **error)
{
  GpuDispatch dispatch = { .kernel = kernel,
                           .push_size = push_size,
                           .timing = { .flops = work->flops, .bytes = work->bytes } };

  g_return_val_if_fail (!recording->finished, FALSE);
  g_return_val_if_fail (push_size <= GPU_MAX_PUSH && push_size % 4 == 0, FALSE);
  if (recording->rehearsal)
    return TRUE; /* who made the kernel has set the compiler to work */
  if (!check_groups (recording->device, groups, work->label, error)
      || !take_set (recording, kernel->layout, &dispatch.set, error))
    return FALSE;
  if (!write_set (recording, dispatch.set, bindings, kernel->n_bindings, error))
    {
      g_prefix_error (error, "%s: ", work->label);
      return FALSE;
    }
  if (push_size > 0)
    memcpy (dispatch.push, push, push_size);
  memcpy (dispatch.groups, groups, sizeof dispatch.groups);
  set_text (dispatch.timing.label, work->label, sizeof dispatch.timing.label);
  set_text (dispatch.timing.kernel, kernel->name, sizeof dispatch.timing.kernel);
  set_text (dispatch.timing.shape, work->shape, sizeof dispatch.timing.shape);
  set_text (dispatch.timing.variant, work->variant, sizeof dispatch.timing.variant);
  dispatch.barrier = recording->barrier_next;
  recording->barrier_next = FALSE;
  g_array_append_val (recording->dispatches, dispatch);
  return TRUE;
}

gboolean
gpu_recording_copy (GpuRecording *recording,
                    GpuBuffer *from,
                    guint64 from_offset,
                    GpuBuffer *to,
                    guint64 to_offset,
                    guint64 bytes,
                    const char *label,
                    GError **error)
{
  GpuDispatch copy = { .from = from->handle,
                       .to = to->handle,
                       .region = { from_offset, to_offset, bytes },
                       .barrier = recording->barrier_next };
  GpuBuffer *both[2] = { from, to };

  g_return_val_if_fail (!recording->finished, FALSE);
  if (recording->rehearsal)
    return TRUE;
  if (from_offset > from->size || bytes > from->size - from_offset || to_offset > to->size
      || bytes > to->size - to_offset || bytes == 0)
    {
      g_set_error (error, GPU_ERROR, GPU_ERROR_FAILED,
                   "%s: %" G_GUINT64_FORMAT " bytes cannot be copied from %s to %s",
                   label, bytes, from->label, to->label);
      return FALSE;
    }
  for (guint i = 0; i < 2; i++)
    if (!g_hash_table_contains (recording->buffers, both[i]))
      g_hash_table_add (recording->buffers, gpu_buffer_ref (both[i]));
  set_text (copy.timing.label, label, sizeof copy.timing.label);
  set_text (copy.timing.kernel, "copy", sizeof copy.timing.kernel);
  copy.timing.bytes = 2.0 * bytes;
  recording->barrier_next = FALSE;
  recording->copies = TRUE;
  g_array_append_val (recording->dispatches, copy);
  return TRUE;
}

void
gpu_recording_barrier (GpuRecording *recording)
{
  recording->barrier_next = TRUE;
}

guint
gpu_recording_n_dispatches (GpuRecording *recording)
{
  return recording->dispatches->len;
}

double
gpu_recording_bytes (GpuRecording *recording)
{
  double bytes = 0;

  for (guint i = 0; i < recording->dispatches->len; i++)
    bytes += g_array_index (recording->dispatches, GpuDispatch, i).timing.bytes;
  return bytes;
}

guint
gpu_recording_n_barriers (GpuRecording *recording)
{
  guint n = 0;

  for (guint i = 1; i < recording->dispatches->len; i++)
    n += g_array_index (recording->dispatches, GpuDispatch, i).barrier;
  return n;
}

/* ---- finishing ---- */

static void
barrier (VkCommandBuffer commands,
         VkPipelineStageFlags from_stage,
         VkAccessFlags from,
         VkPipelineStageFlags to_stage,
         VkAccessFlags to)
{
  VkMemoryBarrier memory = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                             .srcAccessMask = from,
                             .dstAccessMask = to };

  vkCmdPipelineBarrier (commands, from_stage, to_stage, 0, 1, &memory, 0, NULL, 0, NULL);
}

static void
write_kernel (VkCommandBuffer commands, const GpuDispatch *d)
{
  VkPipelineLayout layout = d->kernel->layout->pipeline;

  vkCmdBindPipeline (commands, VK_PIPELINE_BIND_POINT_COMPUTE, d->kernel->pipeline);
  vkCmdBindDescriptorSets (commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                           &d->set, 0, NULL);
  if (d->push_size > 0)
    vkCmdPushConstants (commands, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, d->push_size,
                        d->push);
  vkCmdDispatch (commands, d->groups[0], d->groups[1], d->groups[2]);
}

static void
write_dispatch (GpuRecording *recording, VkCommandBuffer commands, guint index)
{
  const GpuDispatch *d = &g_array_index (recording->dispatches, GpuDispatch, index);

  if (recording->queries != VK_NULL_HANDLE)
    vkCmdWriteTimestamp (commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                         recording->queries, 2 * index);
  if (d->kernel != NULL)
    write_kernel (commands, d);
  else
    vkCmdCopyBuffer (commands, d->from, d->to, 1, &d->region);
  if (recording->queries != VK_NULL_HANDLE)
    vkCmdWriteTimestamp (commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                         recording->queries, 2 * index + 1);
}

static gboolean
write_piece (GpuRecording *recording, GpuPiece *piece, GError **error)
{
  GpuDevice *device = recording->device;
  VkCommandBufferAllocateInfo info
      = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
          .commandPool = device->commands,
          .commandBufferCount = 1 };
  VkCommandBufferBeginInfo begin
      = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  const VkPipelineStageFlags copies
      = recording->copies ? VK_PIPELINE_STAGE_TRANSFER_BIT : 0;
  const VkPipelineStageFlags work = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | copies;
  const VkAccessFlags written
      = VK_ACCESS_SHADER_WRITE_BIT | (copies != 0 ? VK_ACCESS_TRANSFER_WRITE_BIT : 0);
  const VkAccessFlags both = written | VK_ACCESS_SHADER_READ_BIT
                             | (copies != 0 ? VK_ACCESS_TRANSFER_READ_BIT : 0);

  if (!gpu_device_check (
          device, vkAllocateCommandBuffers (device->handle, &info, &piece->commands),
          "Making a command buffer", error))
    return FALSE;
  g_array_append_val (recording->pieces, *piece);
  vkBeginCommandBuffer (piece->commands, &begin);
  if (recording->queries != VK_NULL_HANDLE)
    vkCmdResetQueryPool (piece->commands, recording->queries, 2 * piece->first,
                         2 * (piece->end - piece->first));
  /* Behind everything earlier: another piece, a copy, the host. */
  barrier (piece->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
           VK_ACCESS_MEMORY_WRITE_BIT, work, both);
  for (guint i = piece->first; i < piece->end; i++)
    {
      if (i > piece->first
          && g_array_index (recording->dispatches, GpuDispatch, i).barrier)
        barrier (piece->commands, work, written, work, both);
      write_dispatch (recording, piece->commands, i);
    }
  barrier (piece->commands, work, written,
           VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
           VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT);
  return gpu_device_check (device, vkEndCommandBuffer (piece->commands),
                           "Recording a command buffer", error);
}

gboolean
gpu_recording_compile (GpuRecording *recording, const BaseTask *task, GError **error)
{
  for (guint i = 0; i < recording->dispatches->len; i++)
    {
      const GpuKernel *kernel
          = g_array_index (recording->dispatches, GpuDispatch, i).kernel;

      if (kernel == NULL) /* a copy */
        continue;
      if (!gpu_compile_wait (recording->device, kernel, task, error)
          || !gpu_compile_check (recording->device, kernel, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
start_profile (GpuRecording *recording, GError **error)
{
  GpuDevice *device = recording->device;
  guint n = recording->dispatches->len;
  VkQueryPoolCreateInfo info = { .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                 .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                 .queryCount = 2 * n };

  recording->profile = TRUE;
  /* A CPU device is timed from here, which tells the processors' time too. */
  return device->physical.info.timestamp_ns == 0 || n == 0
         || device->physical.info.kind == GPU_KIND_CPU
         || gpu_device_check (
             device, vkCreateQueryPool (device->handle, &info, NULL, &recording->queries),
             "Making the queries", error);
}

/* A piece is as much as is lost at most between a Stop and its effect: on a CPU device
 * some hundredths of a second. Where a profile must do without time stamps: one dispatch.
 */
gboolean
gpu_recording_finish (GpuRecording *recording, gboolean profile, GError **error)
{
  gboolean cpu = recording->device->physical.info.kind == GPU_KIND_CPU;
  double most_flops = cpu ? 1e9 : 5e9;
  guint most = cpu ? 16 : 32;
  guint n = recording->dispatches->len;

  g_return_val_if_fail (!recording->finished, FALSE);
  recording->finished = TRUE;
  if (!gpu_recording_compile (recording, NULL, error)
      || (profile && !start_profile (recording, error)))
    return FALSE;
  if (profile && recording->queries == VK_NULL_HANDLE)
    most = 1;
  for (guint i = 0; i < n;)
    {
      GpuPiece piece = { .first = i };

      do
        piece.flops
            += g_array_index (recording->dispatches, GpuDispatch, i++).timing.flops;
      while (
          i < n && i - piece.first < most
          && piece.flops
                     + g_array_index (recording->dispatches, GpuDispatch, i).timing.flops
                 <= most_flops);
      piece.end = i;
      if (!write_piece (recording, &piece, error))
        return FALSE;
    }
  return TRUE;
}
