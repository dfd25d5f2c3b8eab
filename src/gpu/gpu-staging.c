/* gpu-staging.c: the way between the host and memory that it does not see
 *
 * Two slots of host memory take turns: while the device copies one, the host fills or
 * empties the other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>

#define SLOT_BYTES ((gsize) 8 << 20)

typedef struct
{
  VkBuffer buffer;
  GpuPlace place;
  VkCommandBuffer commands;
  VkFence fence;
  gboolean busy;
  guint8 *host; /* where the bytes go once they are here; NULL: they went to the device */
  gsize n;
} Slot;

struct _GpuStaging
{
  Slot slots[2];
};

/* A slot has its own VkBuffer, not a GpuBuffer, which would keep the device alive. */
static gboolean
slot_init (GpuDevice *device, Slot *slot, GError **error)
{
  VkBufferCreateInfo buffer
      = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
          .size = SLOT_BYTES,
          .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT };
  VkCommandBufferAllocateInfo commands
      = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
          .commandPool = device->commands,
          .commandBufferCount = 1 };
  VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
  VkMemoryRequirements need;

  if (!gpu_device_check (device,
                         vkCreateBuffer (device->handle, &buffer, NULL, &slot->buffer),
                         "Making the staging buffer", error))
    return FALSE;
  vkGetBufferMemoryRequirements (device->handle, slot->buffer, &need);
  return gpu_heap_take (device->heap, &need, GPU_BUFFER_HOST, "the staging buffer",
                        &slot->place, error)
         && gpu_device_check (device,
                              vkBindBufferMemory (device->handle, slot->buffer,
                                                  slot->place.memory, slot->place.offset),
                              "Binding the staging buffer", error)
         && gpu_device_check (
             device,
             vkAllocateCommandBuffers (device->handle, &commands, &slot->commands),
             "Making the staging commands", error)
         && gpu_device_check (device,
                              vkCreateFence (device->handle, &fence, NULL, &slot->fence),
                              "Making the staging fence", error);
}

void
gpu_staging_free (GpuDevice *device, GpuStaging *staging)
{
  if (staging == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (staging->slots); i++)
    {
      Slot *slot = &staging->slots[i];

      vkDestroyFence (device->handle, slot->fence, NULL);
      if (slot->commands != VK_NULL_HANDLE)
        vkFreeCommandBuffers (device->handle, device->commands, 1, &slot->commands);
      vkDestroyBuffer (device->handle, slot->buffer, NULL);
      gpu_heap_give (device->heap, &slot->place);
    }
  g_free (staging);
}

static gboolean
slot_wait (GpuDevice *device, Slot *slot, GError **error)
{
  if (!slot->busy)
    return TRUE;
  slot->busy = FALSE;
  if (!gpu_device_check (
          device, vkWaitForFences (device->handle, 1, &slot->fence, VK_TRUE, G_MAXUINT64),
          "Waiting for a copy", error))
    return FALSE;
  if (slot->host != NULL)
    memcpy (slot->host, slot->place.map, slot->n);
  return gpu_device_check (device, vkResetFences (device->handle, 1, &slot->fence),
                           "Resetting a fence", error);
}

static void
record (Slot *slot, VkBuffer from, VkBuffer to, const VkBufferCopy *region)
{
  VkCommandBufferBeginInfo begin
      = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
          .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT };
  VkMemoryBarrier before
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
          .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
          .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT };
  VkMemoryBarrier after
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
          .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
          .dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_MEMORY_READ_BIT };

  vkBeginCommandBuffer (slot->commands, &begin);
  vkCmdPipelineBarrier (slot->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                        VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &before, 0, NULL, 0, NULL);
  vkCmdCopyBuffer (slot->commands, from, to, 1, region);
  vkCmdPipelineBarrier (slot->commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                        0, 1, &after, 0, NULL, 0, NULL);
  vkEndCommandBuffer (slot->commands);
}

static gboolean
slot_submit (GpuDevice *device,
             Slot *slot,
             GpuBuffer *buffer,
             guint64 offset,
             guint8 *host,
             gsize n,
             gboolean to_device,
             GError **error)
{
  VkSubmitInfo submit = { .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                          .commandBufferCount = 1,
                          .pCommandBuffers = &slot->commands };

  if (to_device)
    {
      memcpy (slot->place.map, host, n);
      record (slot, slot->buffer, buffer->handle,
              &(VkBufferCopy){ .dstOffset = offset, .size = n });
    }
  else
    record (slot, buffer->handle, slot->buffer,
            &(VkBufferCopy){ .srcOffset = offset, .size = n });
  slot->host = to_device ? NULL : host;
  slot->n = n;
  slot->busy
      = gpu_device_check (device, vkQueueSubmit (device->queue, 1, &submit, slot->fence),
                          "Submitting a copy", error);
  return slot->busy;
}

gboolean
gpu_staging_copy (GpuBuffer *buffer,
                  guint64 offset,
                  guint8 *host,
                  gsize n,
                  gboolean to_device,
                  GError **error)
{
  GpuDevice *device = buffer->device;
  GpuStaging *staging = device->staging;
  gboolean good = TRUE;
  guint turn = 0;

  if (staging == NULL)
    {
      staging = g_new0 (GpuStaging, 1);
      if (!slot_init (device, &staging->slots[0], error)
          || !slot_init (device, &staging->slots[1], error))
        {
          gpu_staging_free (device, staging);
          return FALSE;
        }
      device->staging = staging;
    }
  for (gsize done = 0; good && done < n; turn ^= 1)
    {
      gsize now = MIN (n - done, SLOT_BYTES);
      Slot *slot = &staging->slots[turn];

      good = slot_wait (device, slot, error)
             && slot_submit (device, slot, buffer, offset + done, host + done, now,
                             to_device, error);
      done += now;
    }
  for (guint i = 0; i < 2; i++, turn ^= 1)
    good &= slot_wait (device, &staging->slots[turn], good ? error : NULL);
  return good;
}
