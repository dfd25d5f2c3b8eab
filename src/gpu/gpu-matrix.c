/* gpu-matrix.c: which matrix units a device has (VK_KHR_cooperative_matrix)
 *
 * Our kernels need one kind of product: fp16 × fp16 added up in fp32, made by a subgroup.
 * Devices offer it in one or several sizes; the largest is taken, as it needs the fewest
 * instructions.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>

/* As the extension's specification has them; headers before 1.3.255 do not. */
#define PROPERTIES ((VkStructureType) 1000506001)
#define TYPE_F16 0
#define TYPE_F32 1
#define SCOPE_SUBGROUP 3
#define VENDOR_INTEL 0x8086

/* Tiles are multiples of 32 in all directions. */
#define MAX_SIDE 32

typedef struct
{
  VkStructureType type;
  void *next;
  guint32 m, n, k;
  gint32 a, b, c, result;
  VkBool32 saturating;
  gint32 scope;
} Shape;

typedef VkResult (VKAPI_PTR *ListShapes) (VkPhysicalDevice, guint32 *, Shape *);

static gboolean
is_side (guint32 n)
{
  return n >= 8 && n <= MAX_SIDE && (n & (n - 1)) == 0;
}

static gboolean
is_ours (const Shape *s)
{
  return s->a == TYPE_F16 && s->b == TYPE_F16 && s->c == TYPE_F32 && s->result == TYPE_F32
         && s->scope == SCOPE_SUBGROUP && !s->saturating && is_side (s->m)
         && is_side (s->n) && is_side (s->k);
}

static gboolean
has_feature (const GpuPhysical *p)
{
  GpuMatrixFeatures matrix = { GPU_MATRIX_FEATURES };
  VkPhysicalDeviceFeatures2 features
      = { VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &matrix };

  if (!gpu_has_extension (p->handle, GPU_MATRIX_EXTENSION))
    return FALSE;
  vkGetPhysicalDeviceFeatures2 (p->handle, &features);
  return matrix.matrix;
}

/* The subgroups must be of one known size, as a workgroup is laid out by them. Intel's
 * units are as wide as its narrowest subgroups; others work at the default. 0: not known.
 */
static guint
subgroup_of (const GpuInfo *info)
{
  if (info->vendor_id == VENDOR_INTEL && info->can_require_subgroup_size)
    return info->subgroup_min;
  if (info->can_require_subgroup_size || info->subgroup_min == info->subgroup_max)
    return info->subgroup_size;
  return 0;
}

void
gpu_matrix_fill (GpuPhysical *p, VkDriverId driver)
{
  GpuInfo *info = &p->info;
  ListShapes list_shapes = (ListShapes) vkGetInstanceProcAddr (
      gpu_instance_handle (), "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  guint subgroup = subgroup_of (info);
  g_autofree Shape *shapes = NULL;
  guint32 n = 0, best = 0;

  if (list_shapes == NULL || subgroup == 0 || !info->has_fp16_arithmetic
      || !p->memory_model || !has_feature (p))
    return;
  /* Mesa's CPU driver (seen in 26.2) crashes on matrices in registers of 512 bits. */
  if (driver == VK_DRIVER_ID_MESA_LLVMPIPE && info->subgroup_size != 8)
    return;
  list_shapes (p->handle, &n, NULL);
  shapes = g_new0 (Shape, n + 1);
  for (guint i = 0; i < n; i++)
    shapes[i].type = PROPERTIES;
  list_shapes (p->handle, &n, shapes);
  for (guint i = 0; i < n; i++)
    if (is_ours (&shapes[i]) && shapes[i].m * shapes[i].n * shapes[i].k > best)
      {
        best = shapes[i].m * shapes[i].n * shapes[i].k;
        info->matrix_m = shapes[i].m;
        info->matrix_n = shapes[i].n;
        info->matrix_k = shapes[i].k;
        info->matrix_subgroup = subgroup;
      }
}
