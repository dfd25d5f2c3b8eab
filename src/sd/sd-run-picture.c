/* sd-run-picture.c: a finished picture in a PNG file, with all from which it can be made
 * again
 *
 * Two text chunks: `parameters` as the A1111 web interface writes it, which most programs
 * read, and `calotype`, a JSON object with the exact numbers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"
#include "base/base-json.h"

static void
add_text (GPtrArray *texts, const char *keyword, char *text)
{
  ImageText *entry = g_new0 (ImageText, 1);
  entry->keyword = g_strdup (keyword);
  entry->text = text;
  g_ptr_array_add (texts, entry);
}

/* A1111's way of writing them: of those that were found. */
static char *
lora_hashes (SdRun *run)
{
  GPtrArray *loras = run->params->loras;
  GString *text = g_string_new (NULL);

  for (guint i = 0; loras != NULL && i < loras->len; i++)
    {
      const SdLora *lora = loras->pdata[i];
      const char *hash = run->engine->loras != NULL
                             ? sd_loras_hash (run->engine->loras, lora->path)
                             : NULL;
      if (hash == NULL)
        continue;
      g_autofree char *name = g_strdup (lora->name);
      g_strdelimit (name, ":,", '_'); /* they separate */
      g_string_append_printf (text, "%s%s: %s", text->len > 0 ? ", " : "", name, hash);
    }
  return g_string_free (text, text->len == 0);
}

static gboolean
is_named (GPtrArray *named, const SdLora *lora)
{
  for (guint i = 0; i < named->len; i++)
    if (g_strcmp0 (((const SdLora *) named->pdata[i])->name, lora->name) == 0)
      return TRUE;
  return FALSE;
}

/* As it was typed, and behind it the LoRAs that were given otherwise: elsewhere there is
 * no other way to say them. */
static char *
prompt_with_loras (const SdParams *p)
{
  g_autoptr (GPtrArray) named
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  const char *prompt = p->prompt != NULL ? p->prompt : "";
  g_autofree char *rest = sd_prompt_take_networks (prompt, named);
  GString *text = g_string_new (prompt);

  for (guint i = 0; p->loras != NULL && i < p->loras->len; i++)
    {
      const SdLora *lora = p->loras->pdata[i];
      if (p->grammar == SD_GRAMMAR_PLAIN || lora->path == NULL || is_named (named, lora))
        continue;
      g_autofree char *model = base_double_to_string (lora->model);
      g_autofree char *te = base_double_to_string (lora->text);
      g_string_append_printf (text, "%s<lora:%s:", text->len > 0 ? " " : "", lora->name);
      if (lora->model == lora->text)
        g_string_append_printf (text, "%s>", model);
      else
        g_string_append_printf (text, "%s:%s>", te, model);
    }
  return g_string_free (text, FALSE);
}

static char *
vae_name (SdRun *run)
{
  const char *path = sd_engine_vae (run->engine);
  return path != NULL ? g_path_get_basename (path) : NULL;
}

static char *
parameters_text (SdRun *run, guint64 seed)
{
  const SdParams *p = run->params;
  g_autoptr (ImageMeta) meta = image_meta_new ();

  meta->prompt = prompt_with_loras (p);
  meta->negative = g_strdup (p->negative);
  meta->steps = p->steps;
  meta->sampler = g_strdup (sampler_kind_name (p->sampler));
  meta->schedule = g_strdup (sampler_schedule_name (p->schedule));
  meta->cfg = p->cfg;
  meta->has_seed = TRUE;
  meta->seed = seed;
  meta->width = p->width;
  meta->height = p->height;
  meta->model = st_model_title (run->engine->model);
  /* As A1111 spells it: the first ten digits. Left out while they are not known. */
  const char *hash = st_hash_peek (run->engine->hash);
  meta->model_hash = hash != NULL ? g_strndup (hash, 10) : NULL;
  meta->vae = vae_name (run);
  meta->lora_hashes = lora_hashes (run);
  meta->rng = g_strdup (p->rng == BASE_RANDOM_NV ? "nv" : "cpu");
  if (p->clip_skip > 1)
    meta->clip_skip = (int) p->clip_skip;
  if (p->grammar == SD_GRAMMAR_A1111)
    meta->emphasis = g_strdup (sd_emphasis_name (p->emphasis));
  meta->words = sd_script_names (run->script);
  meta->version = g_strdup ("Calotype " BASE_VERSION);
  sd_source_tell (run, meta);
  return image_meta_to_a1111 (meta);
}

static void
string_field (BaseJson *json, const char *key, const char *value)
{
  base_json_key (json, key);
  base_json_string (json, value);
}

static void
uint_field (BaseJson *json, const char *key, guint64 value)
{
  base_json_key (json, key);
  base_json_uint (json, value);
}

static void
write_device (BaseJson *json, SdEngine *engine)
{
  string_field (json, "device", sd_engine_device_name (engine));
  string_field (json, "driver",
                engine->device != NULL ? gpu_device_info (engine->device)->driver : NULL);
  string_field (json, "precision", sd_engine_precision_name (engine));
  base_json_key (json, "precision_raised");
  base_json_bool (json, engine->raised);
}

/* How the prompts were read. */
static void
write_reading (BaseJson *json, SdRun *run)
{
  const SdParams *p = run->params;
  g_autofree char *names = sd_script_names (run->script);

  string_field (json, "grammar", sd_grammar_name (p->grammar));
  if (p->grammar == SD_GRAMMAR_A1111)
    string_field (json, "emphasis", sd_emphasis_name (p->emphasis));
  if (p->clip_skip > 0)
    uint_field (json, "clip_skip", p->clip_skip);
  if (*names != '\0')
    string_field (json, "embeddings", names);
}

static void
write_loras (BaseJson *json, SdRun *run)
{
  GPtrArray *loras = run->params->loras;

  if (loras == NULL || loras->len == 0)
    return;
  base_json_key (json, "loras");
  base_json_begin_array (json);
  for (guint i = 0; i < loras->len; i++)
    {
      const SdLora *lora = loras->pdata[i];
      if (lora->path == NULL)
        continue;
      base_json_begin_object (json);
      string_field (json, "name", lora->name);
      string_field (json, "hash",
                    run->engine->loras != NULL
                        ? sd_loras_hash (run->engine->loras, lora->path)
                        : NULL);
      base_json_key (json, "model");
      base_json_double (json, lora->model);
      base_json_key (json, "text");
      base_json_double (json, lora->text);
      base_json_end_object (json);
    }
  base_json_end_array (json);
}

/* `seed` and `picture`: the same picture comes of seed with picture 0, or of the batch.
 */
static char *
exact_text (SdRun *run, guint picture)
{
  const SdParams *p = run->params;
  g_autoptr (BaseJson) json = base_json_new (FALSE);
  g_autofree char *title = st_model_title (run->engine->model);

  base_json_begin_object (json);
  string_field (json, "program", "Calotype");
  string_field (json, "version", BASE_VERSION);
  string_field (json, "model", title);
  string_field (json, "model_fingerprint", run->engine->fingerprint);
  write_device (json, run->engine);
  g_autofree char *prompt = prompt_with_loras (p), *vae = vae_name (run);
  string_field (json, "prompt", prompt);
  if (vae != NULL)
    string_field (json, "vae", vae);
  write_loras (json, run);
  string_field (json, "negative", p->negative != NULL ? p->negative : "");
  write_reading (json, run);
  uint_field (json, "width", p->width);
  uint_field (json, "height", p->height);
  uint_field (json, "steps", p->steps);
  uint_field (json, "steps_done", sd_run_step_index (run));
  base_json_key (json, "cfg");
  base_json_double (json, p->cfg);
  uint_field (json, "seed", p->seed + picture);
  string_field (json, "rng", p->rng == BASE_RANDOM_NV ? "nv" : "cpu");
  string_field (json, "prediction", run->engine->info->v_prediction ? "v" : "epsilon");
  string_field (json, "noise", run->noise_given ? "given" : "seed");
  uint_field (json, "batch", p->batch);
  uint_field (json, "picture", picture);
  string_field (json, "sampler", sampler_kind_name (p->sampler));
  string_field (json, "schedule", sampler_schedule_name (p->schedule));
  if (p->source != NULL && p->source->path != NULL)
    {
      /* Its name alone: where somebody keeps pictures is nobody else's business. */
      g_autofree char *parent = g_path_get_basename (p->source->path);
      string_field (json, "parent", parent);
    }
  sd_source_write (run, json);
  base_json_key (json, "sigmas");
  base_json_begin_array (json);
  for (guint i = 0; i <= run->steps; i++)
    base_json_double (json, run->sigmas[i]);
  base_json_end_array (json);
  base_json_end_object (json);
  return base_json_steal (json, NULL);
}

gboolean
sd_run_save_picture (
    SdRun *run, guint picture, const ImageBuffer *image, const char *path, GError **error)
{
  g_autoptr (GPtrArray) texts
      = g_ptr_array_new_with_free_func ((GDestroyNotify) image_text_free);
  add_text (texts, "parameters", parameters_text (run, run->params->seed + picture));
  add_text (texts, "calotype", exact_text (run, picture));
  return image_png_save (image, path, texts, error);
}
