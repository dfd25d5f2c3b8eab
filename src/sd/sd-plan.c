/* sd-plan.c: what a picture will need on a device, told before anything is allocated
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-script-private.h"

#include <glib/gi18n-lib.h>

static SdPlan *
plan_on (StModel *model,
         const SdParams *params,
         const GpuInfo *info,
         SdPrecision precision,
         guint64 memory,
         GError **error)
{
  g_autoptr (SdPlan) plan = g_new0 (SdPlan, 1);
  NnType type;
  SdFit fit;

  if (!sd_engine_choose_type (info, precision, &type, error))
    return NULL;
  g_autoptr (SdEngine) planner = sd_engine_new_plan (model, info, type, error);
  if (planner == NULL)
    return NULL;
  planner->memory = memory;
  g_strlcpy (plan->device, info->name, sizeof plan->device);
  plan->cpu = info->kind == GPU_KIND_CPU;
  plan->half = type == NN_F16;
  plan->width = params->width;
  plan->height = params->height;
  plan->budget = memory != 0 ? memory : gpu_info_memory_available (info);
  if (!sd_params_check_for (params, planner->info, error))
    return NULL;
  g_autoptr (SdTokenizer) tokenizer = sd_tokenizer_new (error);
  g_autoptr (SdScript) script
      = tokenizer != NULL ? sd_script_new (planner, tokenizer, params, NULL, error)
                          : NULL;
  if (script == NULL)
    return NULL;
  SdTask task = sd_task_of (planner, params, &script->shape);
  if (!sd_fit_find (planner, &task, plan, &fit, error))
    return NULL;
  plan->stages[SD_PLAN_UNET].flops
      *= (double) sd_params_n_steps (params, planner->info) * params->batch;
  plan->stages[SD_PLAN_DECODER].flops *= params->batch;
  return g_steal_pointer (&plan);
}

/* Operations of all pictures of @params, by the device's measured speed. */
static void
add_time (SdPlan *plan, const GpuInfo *info)
{
  double flops = 0, speed = gpu_info_speed (info);

  for (guint i = 0; i < SD_PLAN_STAGES; i++)
    flops += plan->stages[i].flops;
  plan->seconds = plan->fits && speed > 0 ? flops / speed : 0;
}

SdPlan *
sd_plan_new (StModel *model,
             const SdParams *params,
             int device,
             SdPrecision precision,
             guint64 memory,
             GError **error)
{
  g_autoptr (SdPlan) plan = NULL;
  g_autoptr (GArray) list = NULL;
  GpuInfo info;

  if (!sd_params_check (params, error) || !gpu_device_info_for (device, &info, error))
    return NULL;
  plan = plan_on (model, params, &info, precision, memory, error);
  if (plan == NULL)
    return NULL;
  if (!plan->fits && device < 0 && info.kind != GPU_KIND_CPU)
    list = gpu_list (NULL);
  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      const GpuInfo *other = &g_array_index (list, GpuInfo, i);
      g_autoptr (SdPlan) instead = NULL;

      if (other->kind == GPU_KIND_CPU)
        instead = plan_on (model, params, other, precision, 0, NULL);
      if (instead == NULL || !instead->fits)
        continue;
      instead->rungs |= SD_RUNG_CPU;
      info = *other;
      sd_plan_free (plan);
      plan = g_steal_pointer (&instead);
      break;
    }
  add_time (plan, &info);
  return g_steal_pointer (&plan);
}

void
sd_plan_free (SdPlan *plan)
{
  if (plan == NULL)
    return;
  g_free (plan->why_not);
  g_free (plan);
}

char *
sd_rung_text (guint rungs)
{
  const char *const words[SD_N_RUNGS] = {
    _ ("networks in turns"), _ ("prompts one by one"), _ ("decoded in bands"),
    _ ("decoded in tiles"),  _ ("weights streamed"),   _ ("weights of 8 bits"),
    _ ("on the processor"),
  };
  g_autoptr (GPtrArray) said = g_ptr_array_new ();

  for (guint i = 0; i < SD_N_RUNGS; i++)
    if (rungs & 1u << i)
      g_ptr_array_add (said, (gpointer) words[i]);
  g_ptr_array_add (said, NULL);
  return g_strjoinv (", ", (char **) said->pdata);
}
