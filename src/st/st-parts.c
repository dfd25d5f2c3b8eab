/* st-parts.c: see st-model-private.h
 *
 * A folder is a model in two ways: with model_index.json, as diffusers writes it, each
 * part in a folder of its own; or a folder that holds one model's file or index.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-model-private.h"
#include "st/st-json-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* diffusers' and transformers' own names; the full weights before their half. */
static const char *const weight_files[] = {
  "diffusion_pytorch_model.safetensors",
  "diffusion_pytorch_model.safetensors.index.json",
  "model.safetensors",
  "model.safetensors.index.json",
  "diffusion_pytorch_model.fp16.safetensors",
  "diffusion_pytorch_model.safetensors.index.fp16.json",
  "model.fp16.safetensors",
  "model.safetensors.index.fp16.json",
};

/* Parts that have weights in every model that names them. */
static const char *const weighty_parts[] = {
  "unet", "transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3"
};

static void
part_free (gpointer data)
{
  StPart *part = data;

  g_free (part->path);
  g_free (part->prefix);
  g_free (part);
}

static void
part_index_clear (gpointer data)
{
  st_index_free (((StPartIndex *) data)->index);
}

void
st_parts_init (StParts *parts)
{
  *parts = (StParts){ .parts = g_ptr_array_new_with_free_func (part_free),
                      .indexes = g_array_new (FALSE, FALSE, sizeof (StPartIndex)),
                      .warnings = g_strv_builder_new () };
  g_array_set_clear_func (parts->indexes, part_index_clear);
}

void
st_parts_clear (StParts *parts)
{
  g_ptr_array_unref (parts->parts);
  g_array_unref (parts->indexes);
  g_strv_builder_unref (parts->warnings);
  g_free (parts->folder);
}

static void
add_part (StParts *parts, const char *path, const char *prefix)
{
  StPart *part = g_new (StPart, 1);

  part->path = g_strdup (path);
  part->prefix = g_strdup (prefix);
  g_ptr_array_add (parts->parts, part);
}

static gboolean
add_index (StParts *parts,
           const char *path,
           const char *prefix,
           const BaseTask *task,
           GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  StPartIndex entry = { st_index_read (path, task, error), parts->parts->len };
  guint n_missing = 0;
  const char *first = NULL;

  if (entry.index == NULL)
    return FALSE;
  g_array_append_val (parts->indexes, entry);
  for (guint i = 0; i < st_index_n_shards (entry.index); i++)
    {
      const char *name = st_index_shard (entry.index, i);
      g_autofree char *shard = g_build_filename (folder, name, NULL);

      add_part (parts, shard, prefix);
      if (!g_file_test (shard, G_FILE_TEST_EXISTS) && n_missing++ == 0)
        first = name;
    }
  if (n_missing > 0)
    g_set_error (
        error, ST_ERROR, ST_ERROR_INDEX,
        _ ("%u of the %u files of the model are missing in “%s”, the first is “%s”"),
        n_missing, st_index_n_shards (entry.index), folder, first);
  return n_missing == 0;
}

static gboolean
add_file_or_index (StParts *parts,
                   const char *path,
                   const char *prefix,
                   const BaseTask *task,
                   GError **error)
{
  if (g_str_has_suffix (path, ".json"))
    return add_index (parts, path, prefix, task, error);
  add_part (parts, path, prefix);
  return TRUE;
}

/* The weights in @folder by their usual names; NULL when there are none. */
static char *
find_weights (const char *folder)
{
  for (guint i = 0; i < G_N_ELEMENTS (weight_files); i++)
    {
      char *path = g_build_filename (folder, weight_files[i], NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return path;
      g_free (path);
    }
  return NULL;
}

static gboolean
add_named_part (StParts *parts, const char *name, const BaseTask *task, GError **error)
{
  g_autofree char *folder = g_build_filename (parts->folder, name, NULL);
  g_autofree char *path = find_weights (folder);
  g_autofree char *prefix = g_strconcat (name, "/", NULL);

  if (path != NULL)
    return add_file_or_index (parts, path, prefix, task, error);
  for (guint i = 0; i < G_N_ELEMENTS (weighty_parts); i++)
    if (strcmp (name, weighty_parts[i]) == 0)
      {
        g_autofree char *line
            = g_strdup_printf (_ ("part “%s” has no safetensors weights"), name);

        g_strv_builder_add (parts->warnings, line);
      }
  return TRUE;
}

/* A member of model_index.json: "unet": ["diffusers", "UNet2DConditionModel"] is a part,
 * [null, null] one that was left out, and anything else a setting. */
static gboolean
read_member (StJson *json, GPtrArray *names)
{
  StJsonString key, text;
  g_autofree char *name = NULL;
  gsize n = 0, n_strings = 0;

  if (!st_json_key (json, &key))
    return FALSE;
  if (st_is_base_name (key.text, key.length) && key.text[0] != '_')
    name = g_strndup (key.text, key.length);
  if (st_json_peek (json) != '[')
    return st_json_skip (json);
  if (!st_json_open (json, '['))
    return FALSE;
  for (; st_json_next (json, ']', n); n++)
    {
      const gboolean is_string = st_json_peek (json) == '"';

      n_strings += is_string;
      if (!(is_string ? st_json_string (json, &text) : st_json_skip (json)))
        return FALSE;
    }
  if (json->fault == NULL && name != NULL && n == 2 && n_strings == 2
      && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
    g_ptr_array_add (names, g_steal_pointer (&name));
  return json->fault == NULL;
}

/* The names of the parts in @path, model_index.json. */
static GPtrArray *
read_model_index (const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *text = NULL;
  gsize length;
  StJson json;
  gboolean ok;

  g_autoptr (GError) fault = NULL;

  if (!g_file_get_contents (path, &text, &length, &fault))
    {
      g_set_error (error, ST_ERROR, ST_ERROR_IO, _ ("“%s” could not be read: %s"), path,
                   fault->message);
      return NULL;
    }
  st_json_init (&json, text, length);
  ok = st_json_find_bad_utf8 (text, length) < 0
           ? st_json_open (&json, '{')
           : st_json_fail (&json, _ ("it is not UTF-8 text"));
  for (gsize i = 0; ok && st_json_next (&json, '}', i); i++)
    ok = read_member (&json, names);
  ok = ok && json.fault == NULL && st_json_finish (&json);
  if (!ok)
    g_set_error (error, ST_ERROR, ST_ERROR_INDEX,
                 _ ("“%s” is not usable, at byte %zu: %s"), path, json.fault_offset,
                 json.fault);
  st_json_clear (&json);
  return ok ? g_steal_pointer (&names) : NULL;
}

static gboolean
find_named_parts (StParts *parts, const char *path, const BaseTask *task, GError **error)
{
  g_autoptr (GPtrArray) names = read_model_index (path, error);

  if (names == NULL)
    return FALSE;
  parts->is_named = TRUE;
  for (guint i = 0; i < names->len; i++)
    if (!add_named_part (parts, g_ptr_array_index (names, i), task, error))
      return FALSE;
  if (parts->parts->len > 0)
    return TRUE;
  g_set_error (error, ST_ERROR, ST_ERROR_INDEX,
               _ ("none of the %u parts that “%s” names has safetensors weights"),
               names->len, path);
  return FALSE;
}

/* The one .safetensors file of @folder, or NULL. */
static char *
find_only_file (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  char *found = NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_has_suffix (name, ".safetensors"))
        continue;
      if (found != NULL)
        {
          g_free (found);
          return NULL;
        }
      found = g_build_filename (folder, name, NULL);
    }
  return found;
}

static gboolean
find_in_folder (StParts *parts, const BaseTask *task, GError **error)
{
  g_autofree char *model_index
      = g_build_filename (parts->folder, "model_index.json", NULL);
  g_autofree char *weights = NULL;

  if (g_file_test (model_index, G_FILE_TEST_EXISTS))
    return find_named_parts (parts, model_index, task, error);
  weights = find_weights (parts->folder);
  if (weights == NULL)
    weights = find_only_file (parts->folder);
  if (weights != NULL)
    return add_file_or_index (parts, weights, "", task, error);
  g_set_error (error, ST_ERROR, ST_ERROR_INDEX,
               _ ("the folder “%s” is no model: it has neither model_index.json nor one "
                  ".safetensors file"),
               parts->folder);
  return FALSE;
}

gboolean
st_parts_find (StParts *parts, const char *path, const BaseTask *task, GError **error)
{
  g_autofree char *base = g_path_get_basename (path);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      parts->folder = st_hub_find_snapshot (path);
      if (parts->folder == NULL)
        parts->folder = g_strdup (path);
      return find_in_folder (parts, task, error);
    }
  if (!g_str_has_suffix (path, ".json"))
    {
      add_part (parts, path, "");
      return TRUE;
    }
  parts->folder = g_path_get_dirname (path);
  if (strcmp (base, "model_index.json") == 0)
    return find_named_parts (parts, path, task, error);
  return add_index (parts, path, "", task, error);
}
