/* sd-run-save.c: a run put down and taken up again with the same bits
 *
 * A GVariant in little-endian normal form: it checks itself when read, and new fields can
 * be added without breaking old ones. Prompts are encoded anew: the same bits on the same
 * device, and no megabytes to keep.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gi18n-lib.h>

#define STATE_VERSION 1
#define STATE_TYPE G_VARIANT_TYPE ("(sua{sv})")
#define STATE_MAGIC "calotype-run"

static GVariant *
little_endian (GVariant *value)
{
#if G_BYTE_ORDER == G_BIG_ENDIAN
  GVariant *swapped = g_variant_byteswap (value);
  g_variant_unref (value);
  return swapped;
#else
  return value;
#endif
}

/* How the prompts are read. */
static void
save_reading (const SdParams *p, GVariantDict *dict)
{
  GVariantBuilder builder;

  g_variant_dict_insert (dict, "grammar", "s", sd_grammar_name (p->grammar));
  g_variant_dict_insert (dict, "emphasis", "s", sd_emphasis_name (p->emphasis));
  g_variant_dict_insert (dict, "clip-skip", "u", p->clip_skip);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(say)"));
  for (guint i = 0; p->embeddings != NULL && i < p->embeddings->len; i++)
    {
      const SdEmbedding *embedding = p->embeddings->pdata[i];
      if (embedding->path != NULL)
        g_variant_builder_add (&builder, "(s^ay)", embedding->name, embedding->path);
    }
  g_variant_dict_insert_value (dict, "embeddings", g_variant_builder_end (&builder));
}

/* States of former versions have none of it. */
static void
load_reading (GVariantDict *dict, SdParams *p)
{
  g_autofree char *grammar = NULL, *emphasis = NULL;
  g_autoptr (GVariant) embeddings
      = g_variant_dict_lookup_value (dict, "embeddings", G_VARIANT_TYPE ("a(say)"));

  if (g_variant_dict_lookup (dict, "grammar", "s", &grammar))
    sd_grammar_parse (grammar, &p->grammar);
  if (g_variant_dict_lookup (dict, "emphasis", "s", &emphasis))
    sd_emphasis_parse (emphasis, &p->emphasis);
  g_variant_dict_lookup (dict, "clip-skip", "u", &p->clip_skip);
  for (gsize i = 0; embeddings != NULL && i < g_variant_n_children (embeddings); i++)
    {
      const char *name, *path;

      g_variant_get_child (embeddings, i, "(&s^&ay)", &name, &path);
      if (p->embeddings == NULL)
        p->embeddings
            = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_embedding_free);
      g_ptr_array_add (p->embeddings, sd_embedding_new (name, path));
    }
}

/* Those without a path are found again, or not. */
static GVariant *
save_loras (GPtrArray *loras)
{
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("a(sdday)"));
  for (guint i = 0; loras != NULL && i < loras->len; i++)
    {
      const SdLora *lora = loras->pdata[i];
      g_variant_builder_add (&list, "(sdd^ay)", lora->name != NULL ? lora->name : "",
                             lora->model, lora->text,
                             lora->path != NULL ? lora->path : "");
    }
  return g_variant_builder_end (&list);
}

/* (nullable) (transfer full): states of earlier versions have none */
static GPtrArray *
read_loras (GVariantDict *dict)
{
  g_autoptr (GVariant) list
      = g_variant_dict_lookup_value (dict, "loras", G_VARIANT_TYPE ("a(sdday)"));
  gsize n = list != NULL ? g_variant_n_children (list) : 0;
  GPtrArray *loras
      = n > 0 ? g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free) : NULL;

  for (gsize i = 0; i < n; i++)
    {
      SdLora *lora = g_new0 (SdLora, 1);
      g_variant_get_child (list, i, "(sdd^ay)", &lora->name, &lora->model, &lora->text,
                           &lora->path);
      if (lora->path[0] == '\0')
        g_clear_pointer (&lora->path, g_free);
      g_ptr_array_add (loras, lora);
    }
  return loras;
}

GBytes *
sd_run_save (SdRun *run)
{
  const SdParams *p = run->params;
  g_autoptr (GBytes) sampler = sampler_run_save (run->sampler);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "model", "s", run->engine->fingerprint);
  g_variant_dict_insert (&dict, "prompt", "s", p->prompt != NULL ? p->prompt : "");
  g_variant_dict_insert (&dict, "negative", "s", p->negative != NULL ? p->negative : "");
  g_variant_dict_insert (&dict, "width", "u", p->width);
  g_variant_dict_insert (&dict, "height", "u", p->height);
  g_variant_dict_insert (&dict, "steps", "u", p->steps);
  g_variant_dict_insert (&dict, "cfg", "d", p->cfg);
  g_variant_dict_insert (&dict, "seed", "t", p->seed);
  g_variant_dict_insert (&dict, "batch", "u", p->batch);
  g_variant_dict_insert (&dict, "rng", "s", p->rng == BASE_RANDOM_NV ? "nv" : "cpu");
  g_variant_dict_insert (&dict, "sampler", "s", sampler_kind_name (p->sampler));
  g_variant_dict_insert (&dict, "schedule", "s", sampler_schedule_name (p->schedule));
  g_variant_dict_insert_value (&dict, "loras", save_loras (p->loras));
  g_variant_dict_insert (&dict, "noise-given", "b", run->noise_given);
  save_reading (p, &dict);
  sd_begin_save (run, &dict);
  g_variant_dict_insert_value (
      &dict, "state",
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, sampler, TRUE));
  GVariant *state = g_variant_ref_sink (g_variant_new (
      "(su@a{sv})", STATE_MAGIC, (guint) STATE_VERSION, g_variant_dict_end (&dict)));
  g_autoptr (GVariant) stored = little_endian (state);
  return g_variant_get_data_as_bytes (stored);
}

static gboolean
read_params (GVariantDict *dict, SdParams *p, GError **error)
{
  g_autoptr (GError) fault = NULL;
  g_autofree char *rng = NULL, *sampler = NULL, *schedule = NULL;

  if (!g_variant_dict_lookup (dict, "prompt", "s", &p->prompt)
      || !g_variant_dict_lookup (dict, "negative", "s", &p->negative)
      || !g_variant_dict_lookup (dict, "width", "u", &p->width)
      || !g_variant_dict_lookup (dict, "height", "u", &p->height)
      || !g_variant_dict_lookup (dict, "steps", "u", &p->steps)
      || !g_variant_dict_lookup (dict, "cfg", "d", &p->cfg)
      || !g_variant_dict_lookup (dict, "seed", "t", &p->seed)
      || !g_variant_dict_lookup (dict, "batch", "u", &p->batch)
      || !g_variant_dict_lookup (dict, "rng", "s", &rng)
      || !g_variant_dict_lookup (dict, "sampler", "s", &sampler)
      || !g_variant_dict_lookup (dict, "schedule", "s", &schedule))
    {
      g_set_error (error, SD_ERROR, SD_ERROR_STATE,
                   _ ("The stopped picture's state is incomplete"));
      return FALSE;
    }
  p->source = sd_source_load (dict, &fault);
  if (fault != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&fault));
      return FALSE;
    }
  load_reading (dict, p);
  p->loras = read_loras (dict);
  p->rng = g_strcmp0 (rng, "nv") == 0 ? BASE_RANDOM_NV : BASE_RANDOM_CPU;
  return sampler_parse (sampler, &p->sampler, NULL, error)
         && sampler_schedule_parse (schedule, &p->schedule, error);
}

static SamplerRun *
read_sampler (GVariantDict *dict, GError **error)
{
  g_autoptr (GVariant) state
      = g_variant_dict_lookup_value (dict, "state", G_VARIANT_TYPE_BYTESTRING);
  if (state == NULL)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_STATE,
                   _ ("The stopped picture's state is incomplete"));
      return NULL;
    }
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (state);
  return sampler_run_load (bytes, error);
}

static GVariant *
open_state (GBytes *bytes, GError **error)
{
  GVariant *raw
      = g_variant_ref_sink (g_variant_new_from_bytes (STATE_TYPE, bytes, FALSE));
  g_autoptr (GVariant) state = little_endian (raw);
  const char *magic;
  guint version;

  g_variant_get_child (state, 0, "&s", &magic);
  g_variant_get_child (state, 1, "u", &version);
  if (!g_variant_is_normal_form (state) || g_strcmp0 (magic, STATE_MAGIC) != 0)
    g_set_error (error, SD_ERROR, SD_ERROR_STATE,
                 _ ("This is not the state of a stopped picture"));
  else if (version != STATE_VERSION)
    g_set_error (
        error, SD_ERROR, SD_ERROR_STATE,
        _ ("The state of the stopped picture is of version %u; this program reads %u"),
        version, STATE_VERSION);
  else
    return g_variant_get_child_value (state, 2);
  return NULL;
}

SdRun *
sd_run_load (SdEngine *engine, GBytes *bytes, const BaseTask *task, GError **error)
{
  g_autoptr (GVariant) fields = open_state (bytes, error);
  if (fields == NULL)
    return NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (fields);
  g_autoptr (SdParams) params = g_new0 (SdParams, 1);
  g_autofree char *model = NULL;
  g_autoptr (SdRun) run = NULL;

  if (!g_variant_dict_lookup (&dict, "model", "s", &model)
      || g_strcmp0 (model, engine->fingerprint) != 0)
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_STATE,
          _ ("The stopped picture was begun with another model; open that one to go on"));
      return NULL;
    }
  if (!read_params (&dict, params, error))
    return NULL;
  run = sd_run_start (engine, params, task, error);
  if (run == NULL)
    return NULL;
  g_variant_dict_lookup (&dict, "noise-given", "b", &run->noise_given);
  run->sampler = read_sampler (&dict, error);
  if (run->sampler == NULL || !sd_begin_load (run, &dict, error))
    return NULL;
  return g_steal_pointer (&run);
}

guint
sd_run_state_step (GBytes *state, GBytes **denoised)
{
  g_autoptr (GVariant) fields = open_state (state, NULL);
  if (denoised != NULL)
    *denoised = NULL;
  if (fields == NULL)
    return 0;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (fields);
  g_autoptr (SamplerRun) run = read_sampler (&dict, NULL);
  if (run == NULL)
    return 0;
  if (denoised != NULL && sampler_run_denoised (run) != NULL)
    *denoised
        = g_bytes_new (sampler_run_denoised (run), sampler_run_n (run) * sizeof (float));
  return sampler_run_step_index (run);
}
