/* sd-engine.c: a model on a device: opening, precision and loading
 *
 * What a run needs is computed by sd-engine-stages.c with the programs of
 * sd-engine-programs.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"
#include "sd/sd-info-private.h"

#include <glib/gi18n-lib.h>

/* Where memory does not do for all weights at once, each network will load its own. */
static gboolean
load_weights (SdEngine *engine, const BaseTask *task, GError **error)
{
  g_autoptr (GError) fault = NULL;
  gboolean named = sd_engine_name_weights (engine, &fault);

  if (named
      && (engine->fit.turns || engine->planning
          || nn_context_load_weights (engine->context, task, &fault)))
    return TRUE;
  if (!g_error_matches (fault, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY))
    {
      g_propagate_error (error, g_steal_pointer (&fault));
      return FALSE;
    }
  nn_context_evict (engine->context);
  return named || sd_engine_name_weights (engine, error);
}

static void
set_context (SdEngine *engine)
{
  const SdFit *fit = &engine->fit;

  engine->context = engine->planning
                        ? nn_context_new_plan (&engine->gpu, engine->activations)
                        : nn_context_new (engine->device, engine->activations);
  nn_context_set_frugal (engine->context, fit->frugal);
  nn_context_set_quantized (engine->context, fit->quantized);
  nn_context_set_resident (engine->context, fit->resident);
  nn_context_set_bands (engine->context, fit->bands);
}

void
sd_engine_reset_context (SdEngine *engine)
{
  sd_engine_drop_programs (engine);
  nn_context_unref (engine->context);
  set_context (engine);
  sd_weights_set_context (engine->weights, engine->context);
}

static gboolean
open_texts (SdEngine *engine, GError **error)
{
  gboolean in_folder = sd_names_in_folder (engine->names);
  SdTextKind kind = engine->info->family == SD_FAMILY_SDXL  ? SD_TEXT_XL_FIRST
                    : engine->info->family == SD_FAMILY_SD2 ? SD_TEXT_2
                                                            : SD_TEXT_1;
  engine->texts[0] = sd_text_new (engine->weights, kind, in_folder, error);
  if (engine->texts[0] == NULL || kind != SD_TEXT_XL_FIRST)
    return engine->texts[0] != NULL;
  engine->texts[1] = sd_text_new (engine->weights, SD_TEXT_XL_SECOND, in_folder, error);
  return engine->texts[1] != NULL;
}

/* Parts of different models may meet in one file or be given one by one. */
static gboolean
check_widths (SdEngine *engine, GError **error)
{
  guint wanted = sd_unet_context_width (engine->unet);
  guint label = sd_engine_label_width (engine), pooled = sd_engine_pooled_width (engine);

  if (sd_engine_context_width (engine) != wanted)
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_UNSUPPORTED,
          _ ("The text encoder gives vectors of %u values, the UNet takes vectors of %u: "
             "they are not parts of the same model"),
          sd_engine_context_width (engine), wanted);
      return FALSE;
    }
  if (label != 0 && label != pooled + SD_LABEL_SIZES)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("The UNet takes labels of %u values; the text encoder's %u and %u "
                      "for sizes are needed"),
                   label, pooled, SD_LABEL_SIZES);
      return FALSE;
    }
  return TRUE;
}

static gboolean
open_context (SdEngine *engine, const BaseTask *task, GError **error)
{
  g_autofree char *config = st_model_read_json (engine->model, "unet/config.json", NULL);

  set_context (engine);
  engine->weights = sd_weights_new (engine->context, engine->names);
  if (!open_texts (engine, error))
    return FALSE;
  engine->unet = sd_unet_new (engine->weights, config, error);
  if (engine->unet == NULL)
    return FALSE;
  engine->vae = sd_vae_new (engine->weights, error);
  /* XL's activations outgrow 16 bits there: half of a picture would be NaN. */
  if (engine->vae != NULL && engine->info->family == SD_FAMILY_SDXL)
    sd_vae_set_exact (engine->vae, TRUE);
  return engine->vae != NULL && check_widths (engine, error)
         && load_weights (engine, task, error);
}

/* Weights are read again by the programs that need them. */
gboolean
sd_engine_raise_precision (SdEngine *engine)
{
  if (engine->activations == NN_F32)
    return FALSE;
  engine->activations = NN_F32;
  engine->raised = TRUE;
  engine->fitted = FALSE; /* to be found anew */
  sd_engine_reset_context (engine);
  return TRUE;
}

/* ---- opening ---- */

/* Other programs name a model by the hash of its file; a folder has none. Begun when the
 * weights have been read: two readers at once are slow on a disk. */
static StHash *
begin_hash (StModel *model)
{
  g_autofree char *cache
      = g_build_filename (g_get_user_cache_dir (), "calotype", "hashes", NULL);

  return st_model_n_files (model) == 1 && !st_model_is_folder (model)
             ? st_hash_new (st_model_file (model, 0), cache)
             : NULL;
}

static void
add_shapes (GChecksum *sum, StModel *model)
{
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const StModelTensor *t = st_model_tensor (model, i);
      g_checksum_update (sum, (const guchar *) t->name, t->name_length);
      g_autofree char *type = g_strdup_printf ("|%s", st_dtype_name (t->tensor->dtype));
      g_checksum_update (sum, (const guchar *) type, -1);
      for (guint d = 0; d < t->tensor->rank; d++)
        {
          g_autofree char *side
              = g_strdup_printf ("|%" G_GUINT64_FORMAT, t->tensor->shape[d]);
          g_checksum_update (sum, (const guchar *) side, -1);
        }
    }
}

/* SHA-256 over all names, types and shapes, over what the user said of it, and over the
 * values of the UNet's last layer, which differ between checkpoints of the same shape.
 * Not the hash of the whole file: that takes seconds for gigabytes. */
char *
sd_engine_fingerprint_of (SdEngine *engine, SdNames *names)
{
  static const char *const samples[]
      = { SD_NAMES_UNET "out.2.weight", SD_NAMES_UNET "out.2.bias",
          SD_NAMES_VAE "decoder.conv_out.weight" };
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  const SdExtras *extras = sd_extras_of (engine->model);
  for (guint i = 0; i < sd_names_n_models (names); i++)
    add_shapes (sum, sd_names_model (names, i));
  if (extras != NULL && extras->prediction != SD_PREDICTION_AUTO)
    g_checksum_update (sum, (const guchar *) sd_prediction_name (extras->prediction), -1);
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      const StModelTensor *t = sd_names_find (names, samples[i]);
      gsize n = t != NULL ? MIN (t->tensor->end - t->tensor->begin, 1u << 20) : 0;
      g_autofree guchar *bytes = g_malloc (MAX (n, 1));
      if (n > 0 && st_file_read (t->file, t->tensor->begin, n, bytes, NULL))
        g_checksum_update (sum, bytes, n);
    }
  return g_strdup (g_checksum_get_string (sum));
}

gboolean
sd_engine_choose_type (const GpuInfo *info,
                       SdPrecision precision,
                       NnType *type,
                       GError **error)
{
  *type = NN_F32;
  if (precision == SD_PRECISION_FP16 && !info->has_fp16_storage)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("%s cannot store 16-bit numbers; use 32-bit precision"),
                   info->name);
      return FALSE;
    }
  if (precision == SD_PRECISION_FP16
      || (precision == SD_PRECISION_AUTO && info->kind != GPU_KIND_CPU
          && info->has_fp16_storage))
    *type = NN_F16;
  return TRUE;
}

static gboolean
open_device (SdEngine *engine, int device, SdPrecision precision, GError **error)
{
  engine->activations = NN_F32;
  if (device == -2)
    return TRUE;
  engine->device = gpu_device_new (device, error);
  if (engine->device == NULL)
    return FALSE;
  engine->gpu = *gpu_device_info (engine->device);
  gpu_device_set_memory_limit (engine->device, engine->memory);
  return sd_engine_choose_type (&engine->gpu, precision, &engine->activations, error);
}

/* Without a context. */
static SdEngine *
engine_new (StModel *model, GError **error)
{
  g_autoptr (SdEngine) engine = g_new0 (SdEngine, 1);

  engine->programs = sd_engine_programs_new ();
  engine->model = st_model_ref (model);
  engine->info = sd_info_new (model);
  if (!engine->info->can_generate)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_NOT_A_MODEL, "%s", engine->info->why_not);
      return NULL;
    }
  engine->names = sd_names_open (model, engine->info->family, error);
  if (engine->names == NULL)
    return NULL;
  const SdExtras *extras = sd_extras_of (model);
  engine->vae_path = g_strdup (extras != NULL ? extras->parts[SD_PART_VAE] : NULL);
  engine->fit.resident = G_MAXUINT64;
  return g_steal_pointer (&engine);
}

/* The default size tells how to begin; each run looks again for its own. */
static gboolean
begin_fit (SdEngine *engine, GError **error)
{
  const SdInfo *info = engine->info;
  SdTask task = { .shape = { .n = info->cfg == 1.0 ? 1 : 2, .chunks = { 1, 1, 1 } },
                  .width = info->width,
                  .height = info->height };
  g_autoptr (GError) fault = NULL;

  if (engine->device == NULL || sd_engine_fit_task (engine, &task, &fault))
    return TRUE;
  if (!g_error_matches (fault, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY))
    {
      g_propagate_error (error, g_steal_pointer (&fault));
      return FALSE;
    }
  engine->fit.turns = engine->fit.frugal = TRUE; /* a smaller one may fit */
  return TRUE;
}

SdEngine *
sd_engine_new_plan (StModel *model,
                    const GpuInfo *info,
                    NnType activations,
                    GError **error)
{
  g_autoptr (SdEngine) engine = engine_new (model, error);

  if (engine == NULL)
    return NULL;
  engine->planning = TRUE;
  engine->gpu = *info;
  engine->activations = activations;
  if (!open_context (engine, NULL, error))
    return NULL;
  return g_steal_pointer (&engine);
}

SdEngine *
sd_engine_new (StModel *model,
               int device,
               SdPrecision precision,
               const BaseTask *task,
               GError **error)
{
  return sd_engine_new_within (model, device, precision, 0, task, error);
}

SdEngine *
sd_engine_new_within (StModel *model,
                      int device,
                      SdPrecision precision,
                      guint64 memory,
                      const BaseTask *task,
                      GError **error)
{
  g_autoptr (SdEngine) engine = engine_new (model, error);

  if (engine == NULL)
    return NULL;
  engine->memory = memory;
  engine->any_device = device == -1;
  engine->fingerprint = sd_engine_fingerprint_of (engine, engine->names);
  engine->tokenizer = sd_tokenizer_new (error);
  if (engine->tokenizer == NULL || !base_task_check (task, error)
      || !open_device (engine, device, precision, error) || !begin_fit (engine, error)
      || !open_context (engine, task, error))
    return NULL;
  /* The betas of training, for every model of this family. */
  sampler_levels_init_scaled_linear (&engine->levels, 0.00085, 0.012);
  if (engine->info->zero_snr)
    sampler_levels_rescale_zero_snr (&engine->levels);
  engine->hash = begin_hash (model);
  return g_steal_pointer (&engine);
}

void
sd_engine_free (SdEngine *engine)
{
  if (engine == NULL)
    return;
  sd_engine_drop_programs (engine);
  g_ptr_array_unref (engine->programs);
  sd_vae_free (engine->vae);
  sd_unet_free (engine->unet);
  for (guint i = 0; i < G_N_ELEMENTS (engine->texts); i++)
    sd_text_free (engine->texts[i]);
  sd_weights_free (engine->weights);
  g_clear_pointer (&engine->context, nn_context_unref);
  sd_loras_free (engine->loras);
  if (engine->device != NULL)
    gpu_device_save_cache (engine->device);
  gpu_device_unref (engine->device);
  sd_profile_free (engine->profile);
  sd_tokenizer_free (engine->tokenizer);
  sd_info_free (engine->info);
  sd_names_free (engine->names);
  st_model_unref (engine->model);
  st_hash_free (engine->hash);
  g_free (engine->vae_path);
  g_free (engine->fingerprint);
  g_free (engine);
}

const SdInfo *
sd_engine_info (SdEngine *engine)
{
  return engine->info;
}

const char *
sd_engine_device_name (SdEngine *engine)
{
  return engine->device != NULL ? gpu_device_info (engine->device)->name : "C reference";
}

guint
sd_engine_rungs (SdEngine *engine)
{
  return sd_fit_rungs (&engine->fit);
}

guint64
sd_engine_memory_peak (SdEngine *engine)
{
  return engine->device != NULL ? gpu_device_memory_peak (engine->device) : 0;
}

const char *
sd_engine_precision_name (const SdEngine *engine)
{
  return engine->activations == NN_F16 ? "fp16" : "fp32";
}

guint64
sd_engine_memory_bytes (SdEngine *engine)
{
  if (engine->device != NULL)
    return gpu_device_memory_used (engine->device);
  guint64 arena = 0;
  for (guint i = 0; i < engine->programs->len; i++)
    arena = MAX (arena, nn_program_arena_bytes (
                            ((SdProgram *) engine->programs->pdata[i])->program));
  return nn_context_weight_bytes (engine->context) + arena;
}

void
sd_engine_set_profile (SdEngine *engine, gboolean profile)
{
  if (engine->profiling == profile)
    return;
  engine->profiling = profile;
  g_ptr_array_set_size (engine->programs, 0);
  if (engine->profile == NULL)
    engine->profile = sd_profile_new ();
}

char *
sd_engine_profile_table (SdEngine *engine)
{
  return engine->profile != NULL ? sd_profile_table (engine->profile) : g_strdup ("");
}
