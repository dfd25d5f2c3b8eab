/* sd-params.c: what is asked of one press of Generate
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gi18n-lib.h>

#define MIN_SIDE 8
#define MAX_SIDE 4096
#define MAX_STEPS 1000 /* as many as there are noise levels */
#define MAX_CFG 100.0
#define MAX_BATCH 64
#define MAX_CLIP_SKIP 64

GQuark
sd_error_quark (void)
{
  return g_quark_from_static_string ("sd-error-quark");
}

SdParams *
sd_params_new_for (const SdInfo *info)
{
  SdParams *params = g_new0 (SdParams, 1);
  params->prompt = g_strdup ("");
  params->negative = g_strdup ("");
  params->width = info->width;
  params->height = info->height;
  params->steps = info->steps;
  params->cfg = info->cfg;
  params->batch = 1;
  params->rng = BASE_RANDOM_CPU;
  params->sampler = info->sampler;
  params->schedule = info->schedule;
  return params;
}

SdSource *
sd_source_new (ImageBuffer *image)
{
  SdSource *source = g_new0 (SdSource, 1);
  g_atomic_ref_count_init (&source->refs);
  source->image = image;
  source->strength = 0.75;
  source->padding = 32;
  source->overlap = 32;
  source->image_cfg = 1.5;
  return source;
}

SdSource *
sd_source_copy (const SdSource *source)
{
  SdSource *copy = g_memdup2 (source, sizeof *source);

  g_atomic_ref_count_init (&copy->refs);
  image_buffer_ref (copy->image);
  image_mask_ref (copy->mask);
  copy->path = g_strdup (source->path);
  return copy;
}

SdSource *
sd_source_ref (SdSource *source)
{
  g_atomic_ref_count_inc (&source->refs);
  return source;
}

void
sd_source_unref (SdSource *source)
{
  if (source == NULL || !g_atomic_ref_count_dec (&source->refs))
    return;
  image_buffer_free (source->image);
  image_mask_free (source->mask);
  g_free (source->path);
  g_free (source);
}

void
sd_lora_free (SdLora *lora)
{
  if (lora == NULL)
    return;
  g_free (lora->name);
  g_free (lora->path);
  g_free (lora);
}

static gpointer
copy_lora (gconstpointer src, gpointer unused)
{
  SdLora *copy = g_memdup2 (src, sizeof *copy);
  copy->name = g_strdup (copy->name);
  copy->path = g_strdup (copy->path);
  return copy;
}

SdEmbedding *
sd_embedding_new (const char *name, const char *path)
{
  SdEmbedding *embedding = g_new0 (SdEmbedding, 1);
  embedding->name = g_strdup (name);
  embedding->path = g_strdup (path);
  return embedding;
}

void
sd_embedding_free (SdEmbedding *embedding)
{
  if (embedding == NULL)
    return;
  g_free (embedding->name);
  g_free (embedding->path);
  g_free (embedding);
}

static gpointer
copy_embedding (gconstpointer src, gpointer unused)
{
  const SdEmbedding *embedding = src;
  return sd_embedding_new (embedding->name, embedding->path);
}

/* ---- grammar and emphasis ---- */

static const char *const grammars[SD_N_GRAMMARS] = { "a1111", "comfyui", "plain" };
static const char *const emphases[SD_N_EMPHASES]
    = { "Original", "No norm", "Ignore", "None" };

const char *
sd_grammar_name (SdGrammar grammar)
{
  return grammars[grammar];
}

gboolean
sd_grammar_parse (const char *name, SdGrammar *grammar)
{
  for (guint i = 0; name != NULL && i < SD_N_GRAMMARS; i++)
    if (g_ascii_strcasecmp (name, grammars[i]) == 0)
      {
        *grammar = i;
        return TRUE;
      }
  return FALSE;
}

const char *
sd_emphasis_name (SdEmphasis emphasis)
{
  return emphases[emphasis];
}

gboolean
sd_emphasis_parse (const char *name, SdEmphasis *emphasis)
{
  if (name == NULL)
    return FALSE;
  g_autofree char *spaced = g_strdelimit (g_strdup (name), "-_", ' ');
  for (guint i = 0; i < SD_N_EMPHASES; i++)
    if (g_ascii_strcasecmp (spaced, emphases[i]) == 0)
      {
        *emphasis = i;
        return TRUE;
      }
  return FALSE;
}

SdParams *
sd_params_copy (const SdParams *params)
{
  SdParams *copy = g_memdup2 (params, sizeof *params);
  copy->prompt = g_strdup (params->prompt);
  copy->negative = g_strdup (params->negative);
  if (params->source != NULL)
    sd_source_ref (copy->source);
  if (params->loras != NULL)
    copy->loras = g_ptr_array_copy (params->loras, copy_lora, NULL);
  if (params->embeddings != NULL)
    copy->embeddings = g_ptr_array_copy (params->embeddings, copy_embedding, NULL);
  return copy;
}

void
sd_params_free (SdParams *params)
{
  if (params == NULL)
    return;
  g_free (params->prompt);
  g_free (params->negative);
  sd_source_unref (params->source);
  g_clear_pointer (&params->loras, g_ptr_array_unref);
  g_clear_pointer (&params->embeddings, g_ptr_array_unref);
  g_free (params);
}

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, SD_ERROR, SD_ERROR_PARAMETER, message);
  return FALSE;
}

static gboolean
check_side (const char *name, guint side, GError **error)
{
  if (side < MIN_SIDE || side > MAX_SIDE)
    return refuse (error, _ ("%s %u is out of range: it must be from %d to %d pixels"),
                   name, side, MIN_SIDE, MAX_SIDE);
  if (side % 8 != 0)
    return refuse (error, _ ("%s %u is not a multiple of 8: %u and %u are"), name, side,
                   side / 8 * 8, side / 8 * 8 + 8);
  return TRUE;
}

/* The seed is printed apart: catalogues cannot hold a format that differs by machine.
 */
static gboolean
refuse_seed (const SdParams *params, GError **error)
{
  g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, params->seed);
  return refuse (error, _ ("seed %s leaves no seeds for %u pictures"), seed,
                 params->batch);
}

/**
 * sd_params_check: every number against what can be computed at all; not against memory
 *
 * Returns: FALSE with SD_ERROR_PARAMETER that names the number and what would do
 */
gboolean
sd_params_check (const SdParams *params, GError **error)
{
  if (!check_side (_ ("width"), params->width, error)
      || !check_side (_ ("height"), params->height, error))
    return FALSE;
  if (params->steps < 1 || params->steps > MAX_STEPS)
    return refuse (error, _ ("steps %u is out of range: it must be from 1 to %d"),
                   params->steps, MAX_STEPS);
  if (!(params->cfg >= 0.0 && params->cfg <= MAX_CFG))
    return refuse (error, _ ("guidance %g is out of range: it must be from 0 to %g"),
                   params->cfg, MAX_CFG);
  if (params->batch < 1 || params->batch > MAX_BATCH)
    return refuse (error,
                   _ ("%u pictures at once is out of range: it must be from 1 to %d"),
                   params->batch, MAX_BATCH);
  if (params->seed > G_MAXUINT64 - (params->batch - 1))
    return refuse_seed (params, error);
  if (params->rng != BASE_RANDOM_CPU && params->rng != BASE_RANDOM_NV)
    return refuse (error, _ ("random generator %d is not known"), (int) params->rng);
  if (params->sampler < 0 || params->sampler >= SAMPLER_N_KINDS)
    return refuse (error, _ ("sampler %d is not known"), (int) params->sampler);
  if (params->schedule < 0 || params->schedule >= SAMPLER_N_SCHEDULES)
    return refuse (error, _ ("schedule %d is not known"), (int) params->schedule);
  if (params->grammar < 0 || params->grammar >= SD_N_GRAMMARS)
    return refuse (error, _ ("grammar %d is not known"), (int) params->grammar);
  if (params->emphasis < 0 || params->emphasis >= SD_N_EMPHASES)
    return refuse (error, _ ("emphasis %d is not known"), (int) params->emphasis);
  if (params->clip_skip > MAX_CLIP_SKIP)
    return refuse (error, _ ("clip skip %u is out of range: it must be from 0 to %d"),
                   params->clip_skip, MAX_CLIP_SKIP);
  if (!g_utf8_validate (params->prompt, -1, NULL)
      || !g_utf8_validate (params->negative, -1, NULL))
    return refuse (error, _ ("the prompt is not UTF-8 text"));
  return sd_source_check (params, error);
}
