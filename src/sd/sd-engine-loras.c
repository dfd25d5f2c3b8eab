/* sd-engine-loras.c: an engine's weights made others, or its VAE another, while it stays
 * open
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"
#include "sd/sd-info-private.h"

/* ---- LoRAs ---- */

/* Reading weights is, here, making them anew. */
static void
relay (const char *stage, guint64 done, guint64 total, gpointer user_data)
{
  base_task_progress (user_data, "lora", done, total);
}

/* Where not all fits at once each network will read its own. */
static gboolean
load (SdEngine *engine, const BaseTask *task, GError **error)
{
  BaseTask inner = { .cancellable = task != NULL ? task->cancellable : NULL,
                     .progress = relay,
                     .user_data = (gpointer) task };
  g_autoptr (GError) fault = NULL;

  if (engine->fit.turns || nn_context_load_weights (engine->context, &inner, &fault))
    return TRUE;
  if (g_error_matches (fault, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY))
    {
      nn_context_evict (engine->context);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&fault));
  return FALSE;
}

gboolean
sd_engine_has_loras (const SdEngine *engine, GPtrArray *wanted)
{
  return engine->loras == NULL || sd_loras_are (engine->loras, wanted);
}

gboolean
sd_engine_use_loras (SdEngine *engine,
                     GPtrArray *wanted,
                     GPtrArray *warnings,
                     const BaseTask *task,
                     GError **error)
{
  g_autoptr (GHashTable) changed = NULL;

  if (engine->loras == NULL)
    {
      if (wanted == NULL || wanted->len == 0)
        return TRUE;
      engine->loras = sd_loras_new (engine->names, engine->info->family);
      sd_weights_set_loras (engine->weights, engine->loras);
    }
  if (!sd_loras_use (engine->loras, wanted, &changed, warnings, task, error))
    return FALSE;
  if (changed == NULL)
    return TRUE;
  sd_weights_change (engine->weights, changed);
  engine->context_owner = 0; /* keys and values are of other weights */
  if (!load (engine, task, error))
    return FALSE;
  sd_loras_forget (engine->loras);
  return TRUE;
}

/* ---- the VAE ---- */

static void
drop_vae_programs (SdEngine *engine)
{
  for (guint i = engine->programs->len; i-- > 0;)
    {
      const SdProgram *program = engine->programs->pdata[i];

      if (program->stage == SD_STAGE_DECODE || program->stage == SD_STAGE_ENCODE)
        g_ptr_array_remove_index (engine->programs, i);
    }
}

gboolean
sd_engine_set_vae (SdEngine *engine, const char *path, GError **error)
{
  if (g_strcmp0 (path, engine->vae_path) == 0)
    return TRUE;
  g_autoptr (SdNames) names = sd_names_open_with (engine->model, engine->info->family,
                                                  SD_PART_VAE, path, error);
  if (names == NULL)
    return FALSE;
  /* Whether it is one is seen before anything goes. */
  g_autoptr (SdWeights) trial = sd_weights_new (engine->context, names);
  g_autoptr (SdVae) seen = sd_vae_new (trial, error);
  if (seen == NULL)
    return FALSE;
  drop_vae_programs (engine);
  sd_weights_remove (engine->weights, SD_NAMES_VAE);
  g_clear_pointer (&engine->vae, sd_vae_free);
  g_free (engine->fingerprint);
  engine->fingerprint = sd_engine_fingerprint_of (engine, names);
  sd_names_lend_part (engine->names, g_steal_pointer (&names), SD_PART_VAE);
  engine->vae = sd_vae_new (engine->weights, error);
  g_return_val_if_fail (engine->vae != NULL, FALSE);
  if (engine->info->family == SD_FAMILY_SDXL)
    sd_vae_set_exact (engine->vae, TRUE);
  engine->factors.fitted = FALSE;
  g_free (engine->vae_path);
  engine->vae_path = g_strdup (path);
  return TRUE;
}

const char *
sd_engine_vae (SdEngine *engine)
{
  return engine->vae_path;
}
