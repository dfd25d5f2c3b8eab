/* gpu-device.c: the logical device and its one queue
 *
 * CALOTYPE_DEVICE (a number of the list, or a part of a name) chooses where the program
 * was not told which. CALOTYPE_STAGING=1 treats device memory as if the host could not
 * see it, so that a CPU device takes the way of a discrete GPU.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>

#define SUBMISSION_SECONDS 0.05

gboolean
gpu_device_check (GpuDevice *device, VkResult result, const char *what, GError **error)
{
  if (result == VK_ERROR_DEVICE_LOST)
    device->lost = TRUE;
  return gpu_check (result, what, error);
}

/* The index that CALOTYPE_DEVICE asks for; -1: none asked, or no device is meant by it.
 */
static int
wanted_by_environment (GArray *list)
{
  const char *wanted = g_getenv ("CALOTYPE_DEVICE");
  guint64 number;

  if (wanted == NULL || *wanted == '\0')
    return -1;
  if (g_ascii_string_to_unsigned (wanted, 10, 0, list->len - 1, &number, NULL))
    return (int) number;
  for (guint i = 0; i < list->len; i++)
    if (strstr (g_array_index (list, GpuPhysical, i).info.name, wanted) != NULL)
      return (int) i;
  g_message ("CALOTYPE_DEVICE=%s names none of the %u Vulkan devices", wanted, list->len);
  return -1;
}

static const GpuPhysical *
choose (GArray *list, int index, GError **error)
{
  const GpuPhysical *best = NULL;

  if (index < 0)
    index = wanted_by_environment (list);
  if (index >= (int) list->len)
    {
      g_set_error (error, GPU_ERROR, GPU_ERROR_NO_DEVICE,
                   "There is no Vulkan device %d: they are numbered 0 to %u", index,
                   list->len - 1);
      return NULL;
    }
  if (index >= 0)
    {
      best = &g_array_index (list, GpuPhysical, index);
      return gpu_physical_suitable (best, error) ? best : NULL;
    }
  for (guint i = 0; i < list->len; i++)
    {
      const GpuPhysical *p = &g_array_index (list, GpuPhysical, i);

      if (gpu_physical_suitable (p, NULL)
          && (best == NULL || p->info.kind < best->info.kind))
        best = p;
    }
  if (best == NULL)
    gpu_physical_suitable (&g_array_index (list, GpuPhysical, 0), error);
  return best;
}

static VkResult
create_handle (GpuDevice *device)
{
  const GpuPhysical *p = &device->physical;
  gboolean matrix = p->info.matrix_m > 0;
  const char *extensions[2];
  float priority = 1;
  VkDeviceQueueCreateInfo queue = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
    .queueFamilyIndex = p->queue_family,
    .queueCount = 1,
    .pQueuePriorities = &priority,
  };
  VkPhysicalDeviceSubgroupSizeControlFeatures sizes = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
    .subgroupSizeControl = p->info.can_require_subgroup_size,
    .computeFullSubgroups = p->full_subgroups,
  };
  GpuMatrixFeatures matrices = { GPU_MATRIX_FEATURES, NULL, TRUE, FALSE };
  VkPhysicalDeviceVulkan12Features f12 = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
    .pNext = p->info.can_require_subgroup_size ? &sizes : NULL,
    .vulkanMemoryModel = matrix,
    .shaderFloat16 = p->info.has_fp16_arithmetic,
    .shaderInt8 = p->can_int8,
    .storageBuffer8BitAccess = p->can_storage8,
  };
  VkPhysicalDeviceVulkan11Features f11 = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
    .pNext = &f12,
    .storageBuffer16BitAccess = p->info.has_fp16_storage,
  };
  VkPhysicalDeviceFeatures2 features = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
    .pNext = &f11,
    .features.shaderInt16 = p->can_int16,
  };
  VkDeviceCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
    .pNext = &features,
    .queueCreateInfoCount = 1,
    .pQueueCreateInfos = &queue,
    .ppEnabledExtensionNames = extensions,
  };

  if (p->info.can_require_subgroup_size && p->subgroup_extension)
    extensions[info.enabledExtensionCount++]
        = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
  if (matrix)
    {
      extensions[info.enabledExtensionCount++] = GPU_MATRIX_EXTENSION;
      matrices.next = features.pNext;
      features.pNext = &matrices;
    }

  return vkCreateDevice (p->handle, &info, NULL, &device->handle);
}

gboolean
gpu_device_info_for (int index, GpuInfo *info, GError **error)
{
  g_autoptr (GArray) list = gpu_physical_list (error);
  const GpuPhysical *physical = list != NULL ? choose (list, index, error) : NULL;

  if (physical == NULL)
    return FALSE;
  *info = physical->info;
  return TRUE;
}

GpuDevice *
gpu_device_new (int index, GError **error)
{
  g_autoptr (GArray) list = gpu_physical_list (error);
  const GpuPhysical *physical = list != NULL ? choose (list, index, error) : NULL;
  g_autoptr (GpuDevice) device = NULL;
  VkCommandPoolCreateInfo pool
      = { .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
          .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT };

  if (physical == NULL)
    return NULL;
  device = g_new0 (GpuDevice, 1);
  g_atomic_ref_count_init (&device->references);
  device->physical = *physical;
  gpu_kernels_init (device);
  device->heap = gpu_heap_new (device);
  device->submission_seconds = SUBMISSION_SECONDS;
  device->unified = (physical->info.kind == GPU_KIND_CPU
                     || physical->info.kind == GPU_KIND_INTEGRATED)
                    && g_strcmp0 (g_getenv ("CALOTYPE_STAGING"), "1") != 0;
  /* Low guesses: the first submissions are short, the next ones fit. */
  device->flops_per_second = physical->info.kind == GPU_KIND_DISCRETE ? 1e12
                             : physical->info.kind == GPU_KIND_CPU    ? 2e10
                                                                      : 2e11;
  if (!gpu_check (create_handle (device), "Opening the Vulkan device", error))
    return NULL;
  vkGetDeviceQueue (device->handle, physical->queue_family, 0, &device->queue);
  pool.queueFamilyIndex = physical->queue_family;
  if (!gpu_check (vkCreateCommandPool (device->handle, &pool, NULL, &device->commands),
                  "Making the command pool", error))
    return NULL;
  gpu_cache_load (device);
  return g_steal_pointer (&device);
}

gboolean
gpu_device_is_lost (GpuDevice *device)
{
  return device->lost;
}

GpuDevice *
gpu_device_reopen (GpuDevice *lost, GError **error)
{
  GpuDevice *device = gpu_device_new ((int) lost->physical.info.index, error);

  if (device == NULL)
    return NULL;
  device->submission_seconds = lost->submission_seconds / 2;
  device->memory_limit = lost->memory_limit;
  return device;
}

GpuDevice *
gpu_device_ref (GpuDevice *device)
{
  g_atomic_ref_count_inc (&device->references);
  return device;
}

void
gpu_device_unref (GpuDevice *device)
{
  if (device == NULL || !g_atomic_ref_count_dec (&device->references))
    return;
  if (device->handle != VK_NULL_HANDLE)
    {
      vkDeviceWaitIdle (device->handle);
      gpu_device_save_cache (device);
      gpu_staging_free (device, device->staging);
    }
  gpu_kernels_clear (device);
  gpu_heap_free (device->heap);
  if (device->handle != VK_NULL_HANDLE)
    {
      vkDestroyPipelineCache (device->handle, device->cache, NULL);
      vkDestroyCommandPool (device->handle, device->commands, NULL);
      vkDestroyDevice (device->handle, NULL);
    }
  g_free (device);
}

const GpuInfo *
gpu_device_info (GpuDevice *device)
{
  return &device->physical.info;
}

guint64
gpu_device_memory_used (GpuDevice *device)
{
  return gpu_heap_used (device->heap);
}

guint
gpu_device_validation_messages (GpuDevice *device)
{
  return gpu_instance_messages ();
}
