/* gpu-info.c: what each physical device is and can
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>

gboolean
gpu_has_extension (VkPhysicalDevice handle, const char *name)
{
  guint32 n = 0;
  g_autofree VkExtensionProperties *all = NULL;

  vkEnumerateDeviceExtensionProperties (handle, NULL, &n, NULL);
  all = g_new0 (VkExtensionProperties, n);
  vkEnumerateDeviceExtensionProperties (handle, NULL, &n, all);
  for (guint i = 0; i < n; i++)
    if (strcmp (all[i].extensionName, name) == 0)
      return TRUE;
  return FALSE;
}

static GpuKind
kind_of (VkPhysicalDeviceType type)
{
  switch (type)
    {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return GPU_KIND_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return GPU_KIND_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return GPU_KIND_VIRTUAL;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return GPU_KIND_CPU;
    default:
      return GPU_KIND_OTHER;
    }
}

/* A dispatch of so much work ends within a few tenths of a second on the slowest device
 * of its kind: Stop acts soon, and no driver takes it for a hang (AMD and Windows: 2 s).
 */
static double
dispatch_flops_of (GpuKind kind)
{
  switch (kind)
    {
    case GPU_KIND_DISCRETE:
      return 100e9;
    case GPU_KIND_CPU:
      return 10e9;
    default:
      return 20e9;
    }
}

static guint
cores_of_kind (GpuKind kind)
{
  switch (kind)
    {
    case GPU_KIND_DISCRETE:
      return 48;
    case GPU_KIND_CPU:
      return g_get_num_processors ();
    default:
      return 12;
    }
}

static void
fill_cores (GpuPhysical *p)
{
  VkPhysicalDeviceShaderSMBuiltinsPropertiesNV sm
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV };
  VkPhysicalDeviceShaderCoreProperties2AMD amd2
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_2_AMD };
  VkPhysicalDeviceProperties2 properties
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 };

  p->info.cores = cores_of_kind (p->info.kind);
  if (gpu_has_extension (p->handle, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME))
    properties.pNext = &sm;
  else if (gpu_has_extension (p->handle, VK_AMD_SHADER_CORE_PROPERTIES_2_EXTENSION_NAME))
    properties.pNext = &amd2;
  else
    return;
  vkGetPhysicalDeviceProperties2 (p->handle, &properties);
  if (sm.shaderSMCount + amd2.activeComputeUnitCount > 0)
    p->info.cores = sm.shaderSMCount + amd2.activeComputeUnitCount;
}

static void
fill_queue (GpuPhysical *p)
{
  guint32 n = 0;
  g_autofree VkQueueFamilyProperties *families = NULL;

  vkGetPhysicalDeviceQueueFamilyProperties (p->handle, &n, NULL);
  families = g_new0 (VkQueueFamilyProperties, n);
  vkGetPhysicalDeviceQueueFamilyProperties (p->handle, &n, families);
  p->queue_family = G_MAXUINT32;
  for (guint i = 0; i < n && p->queue_family == G_MAXUINT32; i++)
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)
      {
        p->queue_family = i;
        p->timestamp_bits = families[i].timestampValidBits;
      }
}

static void
fill_subgroups (GpuPhysical *p, const VkPhysicalDeviceVulkan11Properties *vulkan11)
{
  GpuInfo *info = &p->info;
  gboolean core = info->api_version >= VK_API_VERSION_1_3;
  VkPhysicalDeviceSubgroupSizeControlProperties sizes
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES };
  VkPhysicalDeviceProperties2 properties
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &sizes };
  VkPhysicalDeviceSubgroupSizeControlFeatures control
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES };
  VkPhysicalDeviceFeatures2 features
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &control };
  const VkSubgroupFeatureFlags shuffles
      = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT;

  info->subgroup_size = info->subgroup_min = info->subgroup_max = vulkan11->subgroupSize;
  info->has_shuffle = (vulkan11->subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT)
                      && (vulkan11->subgroupSupportedOperations & shuffles) == shuffles;
  p->subgroup_extension
      = !core
        && gpu_has_extension (p->handle, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  if (!core && !p->subgroup_extension)
    return;
  vkGetPhysicalDeviceProperties2 (p->handle, &properties);
  vkGetPhysicalDeviceFeatures2 (p->handle, &features);
  info->subgroup_min = sizes.minSubgroupSize;
  info->subgroup_max = sizes.maxSubgroupSize;
  info->can_require_subgroup_size
      = control.subgroupSizeControl
        && (sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
  p->full_subgroups = control.computeFullSubgroups;
}

static void
fill_features (GpuPhysical *p)
{
  VkPhysicalDeviceVulkan12Features f12
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES };
  VkPhysicalDeviceVulkan11Features f11
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &f12 };
  VkPhysicalDeviceFeatures2 features
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &f11 };

  vkGetPhysicalDeviceFeatures2 (p->handle, &features);
  p->info.has_fp16_storage = f11.storageBuffer16BitAccess;
  p->info.has_fp16_arithmetic = f12.shaderFloat16;
  p->can_int16 = features.features.shaderInt16;
  p->can_int8 = f12.shaderInt8;
  p->memory_model = f12.vulkanMemoryModel;
  p->can_storage8 = f12.storageBuffer8BitAccess;
}

static void
fill_limits (GpuPhysical *p, const VkPhysicalDeviceLimits *limits, guint64 max_allocation)
{
  GpuInfo *info = &p->info;

  info->max_storage_range = limits->maxStorageBufferRange;
  info->max_allocation = max_allocation;
  info->max_texel_elements = limits->maxTexelBufferElements;
  info->texel_alignment = MAX (limits->minTexelBufferOffsetAlignment, 16);
  info->storage_alignment = MAX (limits->minStorageBufferOffsetAlignment, 4);
  info->max_shared_bytes = limits->maxComputeSharedMemorySize;
  info->max_storage_buffers = limits->maxPerStageDescriptorStorageBuffers;
  info->max_workgroup
      = MIN (limits->maxComputeWorkGroupInvocations, limits->maxComputeWorkGroupSize[0]);
  info->timestamp_ns = p->timestamp_bits > 0 ? limits->timestampPeriod : 0;
  memcpy (p->max_groups, limits->maxComputeWorkGroupCount, sizeof p->max_groups);
}

static void
fill_memory (GpuPhysical *p)
{
  vkGetPhysicalDeviceMemoryProperties (p->handle, &p->memory);
  for (guint i = 0; i < p->memory.memoryHeapCount; i++)
    if (p->memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
      p->info.memory_bytes += p->memory.memoryHeaps[i].size;
  if (p->info.kind == GPU_KIND_CPU && gpu_memory_of_machine () > 0)
    p->info.memory_bytes = gpu_memory_of_machine ();
  p->has_budget = gpu_has_extension (p->handle, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
}

/* "Mesa 22.3.6 (LLVM 15.0.6)": the driver's version number is 1 in old ones. */
static guint
mesa_major (const char *text)
{
  return g_str_has_prefix (text, "Mesa ") ? (guint) g_ascii_strtoull (text + 5, NULL, 10)
                                          : 0;
}

static void
fill (GpuPhysical *p, guint index, VkPhysicalDevice handle)
{
  GpuInfo *info = &p->info;
  VkPhysicalDeviceDriverProperties driver
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES };
  VkPhysicalDeviceVulkan11Properties v11
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES, &driver };
  VkPhysicalDeviceProperties2 properties
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &v11 };
  VkPhysicalDeviceProperties basic;

  p->handle = handle;
  info->index = index;
  vkGetPhysicalDeviceProperties (handle, &basic);
  g_strlcpy (info->name, basic.deviceName, sizeof info->name);
  info->kind = kind_of (basic.deviceType);
  info->vendor_id = basic.vendorID;
  info->device_id = basic.deviceID;
  info->driver_version = basic.driverVersion;
  info->api_version = basic.apiVersion;
  info->max_dispatch_flops = dispatch_flops_of (info->kind);
  for (guint i = 0; i < VK_UUID_SIZE; i++)
    g_snprintf (info->uuid + 2 * i, 3, "%02x", basic.pipelineCacheUUID[i]);
  fill_queue (p);
  fill_memory (p);
  /* The structures below came with 1.2; an older device is listed, and refused when
   * opened. */
  if (basic.apiVersion < VK_API_VERSION_1_2)
    return;
  vkGetPhysicalDeviceProperties2 (handle, &properties);
  g_snprintf (info->driver, sizeof info->driver, "%s %s", driver.driverName,
              driver.driverInfo);
  fill_limits (p, &basic.limits, v11.maxMemoryAllocationSize);
  fill_subgroups (p, &v11);
  fill_features (p);
  fill_cores (p);
  gpu_matrix_fill (p, driver.driverID);
  /* Measured on Mesa's CPU driver: 22 hands a constant lane round fastest by shuffle, 25
   * and later by broadcast. GPUs have an instruction for the broadcast. */
  info->prefer_broadcast = driver.driverID != VK_DRIVER_ID_MESA_LLVMPIPE
                           || mesa_major (driver.driverInfo) > 22;
  /* The key of that driver's shader cache takes in memory that nobody has written for
   * every sampled buffer, and for every unused binding below the last used one: kernels
   * would be compiled anew in each process, and several times in one. Images have no such
   * fault. */
  info->prefer_images = driver.driverID == VK_DRIVER_ID_MESA_LLVMPIPE
                        && mesa_major (driver.driverInfo) == 22;
}

GArray *
gpu_physical_list (GError **error)
{
  guint32 n = 0;
  g_autofree VkPhysicalDevice *handles = NULL;
  GArray *list;

  if (!gpu_instance_ready (error))
    return NULL;
  if (!gpu_check (vkEnumeratePhysicalDevices (gpu_instance_handle (), &n, NULL),
                  "Listing Vulkan devices", error))
    return NULL;
  handles = g_new0 (VkPhysicalDevice, n + 1);
  vkEnumeratePhysicalDevices (gpu_instance_handle (), &n, handles);
  if (n == 0)
    {
      g_set_error_literal (error, GPU_ERROR, GPU_ERROR_NO_DEVICE,
                           "Vulkan is installed but offers no device. Install "
                           "mesa-vulkan-drivers, whose lavapipe computes on any CPU");
      return NULL;
    }
  list = g_array_new (FALSE, TRUE, sizeof (GpuPhysical));
  g_array_set_size (list, n);
  for (guint i = 0; i < n; i++)
    fill (&g_array_index (list, GpuPhysical, i), i, handles[i]);
  return list;
}

gboolean
gpu_physical_suitable (const GpuPhysical *p, GError **error)
{
  if (p->info.api_version < VK_API_VERSION_1_2)
    {
      g_set_error (error, GPU_ERROR, GPU_ERROR_UNSUITABLE,
                   "%s offers Vulkan %u.%u; 1.2 is needed. A newer driver may have it",
                   p->info.name, VK_API_VERSION_MAJOR (p->info.api_version),
                   VK_API_VERSION_MINOR (p->info.api_version));
      return FALSE;
    }
  if (p->queue_family == G_MAXUINT32)
    {
      g_set_error (error, GPU_ERROR, GPU_ERROR_UNSUITABLE,
                   "%s has no queue that computes", p->info.name);
      return FALSE;
    }
  return TRUE;
}

GArray *
gpu_list (GError **error)
{
  g_autoptr (GArray) physicals = gpu_physical_list (error);
  GArray *list;

  if (physicals == NULL)
    return NULL;
  list = g_array_new (FALSE, TRUE, sizeof (GpuInfo));
  for (guint i = 0; i < physicals->len; i++)
    g_array_append_val (list, g_array_index (physicals, GpuPhysical, i).info);
  return list;
}
