/* gpu-kernel.c: kernels, made once for each shader, constants and subgroup size
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

VkDescriptorType
gpu_descriptor_type (GpuBindKind kind)
{
  switch (kind)
    {
    case GPU_BIND_TEXEL_F32X4:
    case GPU_BIND_TEXEL_F16X4:
    case GPU_BIND_TEXEL_U32X4:
      return VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
    case GPU_BIND_IMAGE_F32X4:
    case GPU_BIND_IMAGE_U32X4:
      return VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
    case GPU_BIND_STORAGE:
    default:
      return VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    }
}

/* One for each type of descriptor: layouts and kernels are kept by them. */
static char
kind_letter (GpuBindKind kind)
{
  VkDescriptorType type = gpu_descriptor_type (kind);

  return type == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER         ? 's'
         : type == VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER ? 't'
                                                           : 'i';
}

static void
kernel_drop (gpointer data)
{
  GpuKernel *kernel = data;

  g_free (kernel->name);
  g_free (kernel);
}

void
gpu_kernels_init (GpuDevice *device)
{
  gpu_compile_init (device);
  device->layouts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  device->kernels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, kernel_drop);
}

void
gpu_kernels_clear (GpuDevice *device)
{
  GHashTableIter iter;
  gpointer value;

  gpu_compile_end (device);
  g_hash_table_iter_init (&iter, device->kernels);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    vkDestroyPipeline (device->handle, ((GpuKernel *) value)->pipeline, NULL);
  g_hash_table_iter_init (&iter, device->layouts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      vkDestroyPipelineLayout (device->handle, ((GpuLayout *) value)->pipeline, NULL);
      vkDestroyDescriptorSetLayout (device->handle, ((GpuLayout *) value)->set, NULL);
    }
  g_hash_table_unref (device->kernels);
  g_hash_table_unref (device->layouts);
}

static gboolean
layout_make (GpuDevice *device,
             const GpuBindKind *kinds,
             guint n_bindings,
             GpuLayout *layout,
             GError **error)
{
  VkDescriptorSetLayoutBinding bindings[GPU_MAX_BINDINGS];
  VkDescriptorSetLayoutCreateInfo set
      = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
          .bindingCount = n_bindings,
          .pBindings = bindings };
  VkPushConstantRange push = { VK_SHADER_STAGE_COMPUTE_BIT, 0, GPU_MAX_PUSH };
  VkPipelineLayoutCreateInfo pipeline
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
          .setLayoutCount = 1,
          .pSetLayouts = &layout->set,
          .pushConstantRangeCount = 1,
          .pPushConstantRanges = &push };

  for (guint i = 0; i < n_bindings; i++)
    bindings[i] = (VkDescriptorSetLayoutBinding){
      .binding = i,
      .descriptorType = gpu_descriptor_type (kinds[i]),
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
    };
  return gpu_device_check (
             device,
             vkCreateDescriptorSetLayout (device->handle, &set, NULL, &layout->set),
             "Making a descriptor layout", error)
         && gpu_device_check (
             device,
             vkCreatePipelineLayout (device->handle, &pipeline, NULL, &layout->pipeline),
             "Making a pipeline layout", error);
}

/* Kernels whose bindings are of the same descriptor types share a layout. */
static const GpuLayout *
layout_get (GpuDevice *device, const GpuBindKind *kinds, guint n_bindings, GError **error)
{
  char key[GPU_MAX_BINDINGS + 1] = "";
  GpuLayout *layout;

  for (guint i = 0; i < n_bindings; i++)
    key[i] = kind_letter (kinds[i]);
  layout = g_hash_table_lookup (device->layouts, key);
  if (layout != NULL)
    return layout;
  layout = g_new0 (GpuLayout, 1);
  if (!layout_make (device, kinds, n_bindings, layout, error))
    {
      vkDestroyDescriptorSetLayout (device->handle, layout->set, NULL);
      g_free (layout);
      return NULL;
    }
  g_hash_table_insert (device->layouts, g_strdup (key), layout);
  return layout;
}

static char *
make_key (const char *shader,
          const GpuBindKind *kinds,
          guint n_bindings,
          const guint32 *spec,
          guint n_spec,
          guint subgroup_size)
{
  GString *key = g_string_new (shader);

  g_string_append_printf (key, "|%u|", subgroup_size);
  for (guint i = 0; i < n_bindings; i++)
    g_string_append_c (key, kind_letter (kinds[i]));
  for (guint i = 0; i < n_spec; i++)
    g_string_append_printf (key, "|%x", spec[i]);
  return g_string_free (key, FALSE);
}

static GpuKernel *
kernel_new (GpuDevice *device,
            const char *shader,
            const GpuBindKind *kinds,
            guint n_bindings,
            const guint32 *spec,
            guint n_spec,
            guint subgroup_size,
            GError **error)
{
  const GpuShader *code = gpu_shader_find (shader);
  GpuKernel *kernel;

  if (code == NULL || n_bindings > GPU_MAX_BINDINGS || n_spec > GPU_MAX_SPEC)
    {
      g_set_error (error, GPU_ERROR, GPU_ERROR_SHADER,
                   code == NULL ? "There is no shader %s"
                                : "%s: too many bindings or constants",
                   shader);
      return NULL;
    }
  kernel = g_new0 (GpuKernel, 1);
  kernel->name = g_strdup (shader);
  kernel->shader = code;
  kernel->n_bindings = n_bindings;
  kernel->n_spec = n_spec;
  kernel->subgroup_size = subgroup_size;
  for (guint i = 0; i < n_bindings; i++)
    kernel->kinds[i] = kinds[i];
  for (guint i = 0; i < n_spec; i++)
    kernel->spec[i] = spec[i];
  kernel->layout = layout_get (device, kinds, n_bindings, error);
  if (kernel->layout != NULL)
    return kernel;
  kernel_drop (kernel);
  return NULL;
}

GpuKernel *
gpu_kernel_get (GpuDevice *device,
                const char *shader,
                const GpuBindKind *kinds,
                guint n_bindings,
                const guint32 *spec,
                guint n_spec,
                guint subgroup_size,
                GError **error)
{
  g_autofree char *key
      = make_key (shader, kinds, n_bindings, spec, n_spec, subgroup_size);
  GpuKernel *kernel = g_hash_table_lookup (device->kernels, key);

  if (kernel != NULL)
    return kernel;
  kernel = kernel_new (device, shader, kinds, n_bindings, spec, n_spec, subgroup_size,
                       error);
  if (kernel == NULL)
    return NULL;
  gpu_compile_start (device, kernel);
  g_hash_table_insert (device->kernels, g_steal_pointer (&key), kernel);
  return kernel;
}
