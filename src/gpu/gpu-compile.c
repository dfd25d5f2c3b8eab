/* gpu-compile.c: compiles kernels in the background, several at a time
 *
 * A driver takes 50 ms to a second for a kernel, and a network needs some sixty: on all
 * cores that is a moment. Vulkan locks the shared pipeline cache itself.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

static VkResult
compile (GpuDevice *device, GpuKernel *kernel, VkPipeline *pipeline)
{
  gboolean require
      = kernel->subgroup_size > 0 && device->physical.info.can_require_subgroup_size;
  VkSpecializationMapEntry entries[GPU_MAX_SPEC];
  VkSpecializationInfo constants
      = { kernel->n_spec, entries, kernel->n_spec * sizeof *kernel->spec, kernel->spec };
  VkShaderModuleCreateInfo module
      = { .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
          .codeSize = kernel->shader->n_words * sizeof *kernel->shader->words,
          .pCode = kernel->shader->words };
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size = {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
    .requiredSubgroupSize = kernel->subgroup_size,
  };
  VkComputePipelineCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
    .layout = kernel->layout->pipeline,
    .stage = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
               .pNext = require ? &size : NULL,
               .flags = require && device->physical.full_subgroups
                            ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT
                            : 0,
               .stage = VK_SHADER_STAGE_COMPUTE_BIT,
               .pName = "main",
               .pSpecializationInfo = &constants },
  };
  VkResult result;

  for (guint i = 0; i < kernel->n_spec; i++)
    entries[i]
        = (VkSpecializationMapEntry){ i, i * sizeof *kernel->spec, sizeof *kernel->spec };
  result = vkCreateShaderModule (device->handle, &module, NULL, &info.stage.module);
  if (result != VK_SUCCESS)
    return result;
  result = vkCreateComputePipelines (device->handle, device->cache, 1, &info, NULL,
                                     pipeline);
  vkDestroyShaderModule (device->handle, info.stage.module, NULL);
  return result;
}

static void
run_compiler (gpointer data, gpointer user_data)
{
  GpuKernel *kernel = data;
  GpuDevice *device = user_data;
  VkPipeline pipeline = VK_NULL_HANDLE;
  VkResult result = compile (device, kernel, &pipeline);

  g_mutex_lock (&device->compile_lock);
  kernel->pipeline = pipeline;
  kernel->result = result;
  device->n_compiling--;
  device->n_compiled++;
  device->kernels_made++;
  g_cond_broadcast (&device->compiled);
  g_mutex_unlock (&device->compile_lock);
}

void
gpu_compile_init (GpuDevice *device)
{
  g_mutex_init (&device->compile_lock);
  g_cond_init (&device->compiled);
  device->compilers = g_thread_pool_new (
      run_compiler, device, (int) CLAMP (g_get_num_processors (), 1, 16), FALSE, NULL);
}

void
gpu_compile_end (GpuDevice *device)
{
  g_thread_pool_free (device->compilers, TRUE, TRUE);
  g_cond_clear (&device->compiled);
  g_mutex_clear (&device->compile_lock);
}

void
gpu_compile_start (GpuDevice *device, GpuKernel *kernel)
{
  kernel->result = VK_NOT_READY;
  g_mutex_lock (&device->compile_lock);
  device->n_compiling++;
  g_mutex_unlock (&device->compile_lock);
  g_thread_pool_push (device->compilers, kernel, NULL);
}

gboolean
gpu_device_compile (GpuDevice *device, const BaseTask *task, GError **error)
{
  gboolean good = TRUE;

  g_mutex_lock (&device->compile_lock);
  while (device->n_compiling > 0 && good)
    {
      guint done = device->n_compiled;
      guint total = done + device->n_compiling;

      g_mutex_unlock (&device->compile_lock);
      base_task_progress (task, "kernels", done, total);
      good = base_task_check (task, error);
      g_mutex_lock (&device->compile_lock);
      if (good && device->n_compiling > 0 && device->n_compiled == done)
        g_cond_wait_until (&device->compiled, &device->compile_lock,
                           g_get_monotonic_time () + 50 * G_TIME_SPAN_MILLISECOND);
    }
  if (device->n_compiling == 0)
    device->n_compiled = 0;
  g_mutex_unlock (&device->compile_lock);
  return good;
}

gboolean
gpu_device_is_compiling (GpuDevice *device)
{
  gboolean busy;

  g_mutex_lock (&device->compile_lock);
  busy = device->n_compiling > 0;
  g_mutex_unlock (&device->compile_lock);
  return busy;
}

gboolean
gpu_compile_wait (GpuDevice *device,
                  const GpuKernel *kernel,
                  const BaseTask *task,
                  GError **error)
{
  gboolean good = TRUE;

  g_mutex_lock (&device->compile_lock);
  while (kernel->result == VK_NOT_READY && good)
    {
      g_cond_wait_until (&device->compiled, &device->compile_lock,
                         g_get_monotonic_time () + 50 * G_TIME_SPAN_MILLISECOND);
      good = base_task_check (task, error);
    }
  if (device->n_compiling == 0)
    device->n_compiled = 0;
  g_mutex_unlock (&device->compile_lock);
  return good;
}

gboolean
gpu_compile_check (GpuDevice *device, const GpuKernel *kernel, GError **error)
{
  VkResult result = kernel->result;

  if (result == VK_SUCCESS)
    return TRUE;
  if (result == VK_ERROR_DEVICE_LOST || result == VK_ERROR_OUT_OF_HOST_MEMORY
      || result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
    return gpu_device_check (device, result, kernel->name, error);
  g_set_error (error, GPU_ERROR, GPU_ERROR_SHADER,
               "%s does not accept the shader %s (%d): its driver may be too old (%s)",
               device->physical.info.name, kernel->name, result,
               device->physical.info.driver);
  return FALSE;
}
