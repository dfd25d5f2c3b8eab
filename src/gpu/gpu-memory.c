/* gpu-memory.c: how much memory a device has left
 *
 * A CPU device computes in the machine's memory. Its driver may name any size (lavapipe
 * 22: 2 GiB), and the system hands out more than there is, to end the program later
 * without a word; so the system is asked before each allocation.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>
#include <unistd.h>

guint64
gpu_memory_of_machine (void)
{
  long pages = sysconf (_SC_PHYS_PAGES);
  long bytes = sysconf (_SC_PAGESIZE);

  return pages > 0 && bytes > 0 ? (guint64) pages * (guint64) bytes : 0;
}

guint64
gpu_memory_free_of_machine (void)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/meminfo", &text, NULL, NULL))
    return gpu_memory_of_machine ();
  line = strstr (text, "MemAvailable:");
  if (line == NULL)
    return gpu_memory_of_machine ();
  return g_ascii_strtoull (line + strlen ("MemAvailable:"), NULL, 10) * 1024;
}

/* What the driver grants beyond what is used, on heaps of the device's own. */
static guint64
budget_available (const GpuPhysical *p)
{
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT };
  VkPhysicalDeviceMemoryProperties2 properties
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, &budget };
  guint64 sum = 0;

  vkGetPhysicalDeviceMemoryProperties2 (p->handle, &properties);
  for (guint i = 0; i < p->memory.memoryHeapCount; i++)
    if ((p->memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
        && budget.heapBudget[i] > budget.heapUsage[i])
      sum += budget.heapBudget[i] - budget.heapUsage[i];
  return sum;
}

/** gpu_memory_left: gpu_device_memory_available without our own limit */
guint64
gpu_memory_left (GpuDevice *device)
{
  const GpuPhysical *p = &device->physical;
  guint64 used = gpu_heap_reserved (device->heap, GPU_BUFFER_DEVICE)
                 + gpu_heap_reserved (device->heap, GPU_BUFFER_HOST);
  guint64 left = p->info.memory_bytes > used ? p->info.memory_bytes - used : 0;

  if (p->info.kind == GPU_KIND_CPU)
    return MIN (left, gpu_memory_free_of_machine ());
  return p->has_budget ? budget_available (p) : left;
}

guint64
gpu_device_memory_available (GpuDevice *device)
{
  guint64 ours = gpu_heap_reserved (device->heap, GPU_BUFFER_DEVICE);
  guint64 left = gpu_memory_left (device);

  if (device->memory_limit != 0)
    left = MIN (left, device->memory_limit > ours ? device->memory_limit - ours : 0);
  return left;
}

guint64
gpu_info_memory_available (const GpuInfo *info)
{
  if (info->kind == GPU_KIND_CPU)
    return MIN (info->memory_bytes, gpu_memory_free_of_machine ());
  return info->memory_bytes
         - info->memory_bytes / 10; /* windows of others lie there too */
}

void
gpu_device_set_memory_limit (GpuDevice *device, guint64 bytes)
{
  device->memory_limit = bytes;
}

guint64
gpu_device_memory_limit (GpuDevice *device)
{
  return device->memory_limit;
}

guint64
gpu_device_memory_peak (GpuDevice *device)
{
  return gpu_heap_peak (device->heap);
}
