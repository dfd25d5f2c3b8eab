/* gpu-buffer.c: buffers, their texel views, and the host's access to them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>

typedef struct
{
  guint64 offset, size;
  GpuBindKind kind;
  VkBufferView handle;
} GpuView;

static guint
view_hash (gconstpointer key)
{
  const GpuView *view = key;

  return g_int64_hash (&view->offset) ^ (g_int64_hash (&view->size) * 31u)
         ^ (view->kind << 28);
}

static gboolean
view_equal (gconstpointer a, gconstpointer b)
{
  const GpuView *x = a;
  const GpuView *y = b;

  return x->offset == y->offset && x->size == y->size && x->kind == y->kind;
}

/* Mesa's CPU driver makes kernels of their own for buffers whose size is a power of two
 * and for views whose size is no multiple of 256, in every combination of a kernel's
 * bindings. So there is none of either: views may reach up to 255 bytes beyond what was
 * asked for. */
#define VIEW_STEP 256u

static guint64
round_up (guint64 size)
{
  return (MAX (size, 1) + VIEW_STEP - 1) / VIEW_STEP * VIEW_STEP;
}

static guint64
stored_size (guint64 size)
{
  guint64 whole = round_up (size) + VIEW_STEP;

  return (whole & (whole - 1)) == 0 ? whole + VIEW_STEP : whole;
}

GpuBuffer *
gpu_buffer_new (GpuDevice *device,
                guint64 size,
                GpuBufferKind kind,
                const char *label,
                GError **error)
{
  g_autoptr (GpuBuffer) buffer = g_new0 (GpuBuffer, 1);
  VkMemoryRequirements need;
  VkBufferCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
    .size = stored_size (size),
    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT
             | VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT
             | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
  };

  g_atomic_ref_count_init (&buffer->references);
  buffer->device = gpu_device_ref (device);
  buffer->label = g_strdup (label);
  buffer->size = size;
  buffer->views = g_hash_table_new_full (view_hash, view_equal, g_free, NULL);
  if (!gpu_device_check (device,
                         vkCreateBuffer (device->handle, &info, NULL, &buffer->handle),
                         label, error))
    return NULL;
  vkGetBufferMemoryRequirements (device->handle, buffer->handle, &need);
  if (!gpu_heap_take (device->heap, &need, kind, label, &buffer->place, error)
      || !gpu_device_check (device,
                            vkBindBufferMemory (device->handle, buffer->handle,
                                                buffer->place.memory,
                                                buffer->place.offset),
                            label, error))
    return NULL;
  if (kind == GPU_BUFFER_DEVICE && !device->unified)
    buffer->place.map = NULL;
  return g_steal_pointer (&buffer);
}

GpuBuffer *
gpu_buffer_ref (GpuBuffer *buffer)
{
  g_atomic_ref_count_inc (&buffer->references);
  return buffer;
}

void
gpu_buffer_unref (GpuBuffer *buffer)
{
  GHashTableIter iter;
  gpointer view;

  if (buffer == NULL || !g_atomic_ref_count_dec (&buffer->references))
    return;
  g_hash_table_iter_init (&iter, buffer->views);
  while (g_hash_table_iter_next (&iter, &view, NULL))
    vkDestroyBufferView (buffer->device->handle, ((GpuView *) view)->handle, NULL);
  g_hash_table_unref (buffer->views);
  vkDestroyBuffer (buffer->device->handle, buffer->handle, NULL);
  gpu_heap_give (buffer->device->heap, &buffer->place);
  gpu_device_unref (buffer->device);
  g_free (buffer->label);
  g_free (buffer);
}

guint64
gpu_buffer_size (GpuBuffer *buffer)
{
  return buffer->size;
}

void *
gpu_buffer_map (GpuBuffer *buffer)
{
  return buffer->place.map;
}

static gboolean
check_range (GpuBuffer *buffer, guint64 offset, gsize n, GError **error)
{
  if (offset <= buffer->size && n <= buffer->size - offset)
    return TRUE;
  g_set_error (error, GPU_ERROR, GPU_ERROR_FAILED,
               "%s: bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
               " lie outside its %" G_GUINT64_FORMAT,
               buffer->label, offset, offset + n, buffer->size);
  return FALSE;
}

gboolean
gpu_buffer_write (
    GpuBuffer *buffer, guint64 offset, const void *src, gsize n, GError **error)
{
  if (!check_range (buffer, offset, n, error))
    return FALSE;
  if (buffer->place.map == NULL)
    return gpu_staging_copy (buffer, offset, (guint8 *) src, n, TRUE, error);
  memcpy (buffer->place.map + offset, src, n);
  return TRUE;
}

gboolean
gpu_buffer_read (GpuBuffer *buffer, guint64 offset, void *dst, gsize n, GError **error)
{
  if (!check_range (buffer, offset, n, error))
    return FALSE;
  if (buffer->place.map == NULL)
    return gpu_staging_copy (buffer, offset, dst, n, FALSE, error);
  memcpy (dst, buffer->place.map + offset, n);
  return TRUE;
}

static VkFormat
texel_format (GpuBindKind kind)
{
  switch (kind)
    {
    case GPU_BIND_TEXEL_F32X4:
    case GPU_BIND_IMAGE_F32X4:
      return VK_FORMAT_R32G32B32A32_SFLOAT;
    case GPU_BIND_TEXEL_F16X4:
      return VK_FORMAT_R16G16B16A16_SFLOAT;
    case GPU_BIND_TEXEL_U32X4:
    case GPU_BIND_IMAGE_U32X4:
      return VK_FORMAT_R32G32B32A32_UINT;
    default:
      return VK_FORMAT_UNDEFINED;
    }
}

gboolean
gpu_buffer_view (GpuBuffer *buffer,
                 guint64 offset,
                 guint64 size,
                 GpuBindKind kind,
                 VkBufferView *view,
                 GError **error)
{
  GpuView key = { .offset = offset, .size = size, .kind = kind };
  GpuView *kept = g_hash_table_lookup (buffer->views, &key);
  VkBufferViewCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
    .buffer = buffer->handle,
    .format = texel_format (kind),
    .offset = offset,
    .range = round_up (size),
  };

  if (kept == NULL)
    {
      if (!gpu_device_check (
              buffer->device,
              vkCreateBufferView (buffer->device->handle, &info, NULL, &key.handle),
              buffer->label, error))
        return FALSE;
      kept = g_memdup2 (&key, sizeof key);
      g_hash_table_add (buffer->views, kept);
    }
  *view = kept->handle;
  return TRUE;
}
