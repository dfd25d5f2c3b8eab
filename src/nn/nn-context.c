/* nn-context.c: a device and a precision, and the memory that programs share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-context-private.h"
#include "nn/nn-plan-private.h"

#include <string.h>
#include "base/base-half.h"

static NnFamily default_family = NN_FAMILY_AUTO;

void
nn_set_family (NnFamily family)
{
  default_family = family;
}

static const char *const family_names[] = { "auto", "direct", "staged", "matrix" };

const char *
nn_family_name (NnFamily family)
{
  return family_names[family];
}

gboolean
nn_family_from_name (const char *name, NnFamily *family)
{
  for (guint i = 0; i < G_N_ELEMENTS (family_names); i++)
    if (g_strcmp0 (name, family_names[i]) == 0)
      {
        *family = i;
        return TRUE;
      }
  return FALSE;
}

NnContext *
nn_context_new (GpuDevice *device, NnType activations)
{
  NnContext *context = g_new0 (NnContext, 1);

  g_return_val_if_fail (activations == NN_F32 || activations == NN_F16, NULL);
  g_atomic_ref_count_init (&context->references);
  context->device = device != NULL ? gpu_device_ref (device) : NULL;
  context->info = device != NULL ? gpu_device_info (device) : NULL;
  context->resident = G_MAXUINT64;
  context->family = default_family;
  context->activations = device != NULL ? activations : NN_F32;
  context->weights = g_ptr_array_new_with_free_func ((GDestroyNotify) nn_weight_free);
  context->arena = g_ptr_array_new_with_free_func ((GDestroyNotify) gpu_buffer_unref);
  context->programs = g_ptr_array_new ();
  return context;
}

NnContext *
nn_context_new_plan (const GpuInfo *info, NnType activations)
{
  NnContext *context = nn_context_new (NULL, NN_F32);

  context->info = info;
  context->activations = activations;
  return context;
}

void
nn_context_set_frugal (NnContext *context, gboolean frugal)
{
  context->frugal = frugal;
}

void
nn_context_set_resident (NnContext *context, guint64 bytes)
{
  context->resident = bytes;
}

void
nn_context_set_quantized (NnContext *context, gboolean quantized)
{
  context->quantized = quantized;
}

void
nn_context_set_family (NnContext *context, NnFamily family)
{
  context->family = family;
}

void
nn_context_set_bands (NnContext *context, guint level)
{
  context->bands = level;
}

guint64
nn_context_state_bytes (NnContext *context)
{
  return context->state_bytes;
}

NnContext *
nn_context_ref (NnContext *context)
{
  g_atomic_ref_count_inc (&context->references);
  return context;
}

void
nn_context_unref (NnContext *context)
{
  if (context == NULL || !g_atomic_ref_count_dec (&context->references))
    return;
  g_ptr_array_unref (context->programs);
  g_ptr_array_unref (context->weights);
  g_ptr_array_unref (context->arena);
  gpu_device_unref (context->device);
  g_free (context);
}

GpuDevice *
nn_context_device (NnContext *context)
{
  return context->device;
}

NnEmit
nn_context_emit (NnContext *context, GpuRecording *recording)
{
  return (NnEmit){ .device = context->device,
                   .info = context->info,
                   .activations = context->activations,
                   .arena = context->arena,
                   .arena_page = nn_context_page (context),
                   .family = context->family,
                   .choose = context->choose,
                   .choose_data = context->choose_data,
                   /* A copy in another form is made while recording, when streamed
                    * weights are not there yet. */
                   .frugal = context->frugal || context->resident != G_MAXUINT64,
                   .recording = recording };
}

guint64
nn_context_page (NnContext *context)
{
  guint64 most = context->info->max_allocation;

  return (most - MIN (most, GPU_BUFFER_PADDING)) & ~(guint64) (NN_PLAN_ALIGNMENT - 1);
}

void
nn_context_release (NnContext *context)
{
  for (guint i = 0; i < context->programs->len; i++)
    nn_program_drop (context->programs->pdata[i]);
  g_ptr_array_set_size (context->arena, 0);
  context->arena_bytes = 0;
}

gboolean
nn_context_reserve (NnContext *context, guint64 bytes, GError **error)
{
  guint64 page = nn_context_page (context);

  if (bytes <= context->arena_bytes)
    return TRUE;
  nn_context_release (context);
  for (guint64 done = 0; done < bytes; done += page)
    {
      GpuBuffer *buffer
          = gpu_buffer_new (context->device, MIN (bytes - done, page), GPU_BUFFER_DEVICE,
                            "the arena of activations", error);

      if (buffer == NULL)
        {
          g_ptr_array_set_size (context->arena, 0);
          return FALSE;
        }
      g_ptr_array_add (context->arena, buffer);
    }
  context->arena_bytes = bytes;
  return TRUE;
}

guint
nn_type_bytes (NnType type)
{
  return type == NN_F32 ? 4 : 2;
}

void
nn_values_to_float (NnType type, const void *src, gsize n, float *dst)
{
  const guint16 *codes = src;

  switch (type)
    {
    case NN_F32:
      memcpy (dst, src, n * sizeof *dst);
      break;
    case NN_F16:
      for (gsize i = 0; i < n; i++)
        dst[i] = base_half_to_float (codes[i]);
      break;
    case NN_BF16:
      for (gsize i = 0; i < n; i++)
        dst[i] = base_bf16_to_float (codes[i]);
      break;
    case NN_Q8:
      g_assert_not_reached ();
    }
}
