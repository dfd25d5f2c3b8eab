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

static char *
parameters_text (SdRun *run, guint64 seed)
{
  const SdParams *p = run->params;
  g_autoptr (ImageMeta) meta = image_meta_new ();

  meta->prompt = g_strdup (p->prompt);
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
  string_field (json, "prompt", p->prompt != NULL ? p->prompt : "");
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
