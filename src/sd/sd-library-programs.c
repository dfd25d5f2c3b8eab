/* sd-library-programs.c: how the programs lay out their folders, and the settings by
 * which their users point elsewhere
 *
 *     A1111, Forge    models/Stable-diffusion, models/Lora …, embeddings;
 *                     webui-user.sh: --ckpt-dir, --lora-dir …
 *     ComfyUI         models/checkpoints, models/loras …; extra_model_paths.yaml
 *     Fooocus         as ComfyUI; config.txt: path_checkpoints …
 *     shared models   StableDiffusion, Lora … directly (Stability Matrix, SwarmUI)
 *     Hugging Face    models--ORG--NAME/{refs,blobs,snapshots}
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_SETTINGS (1 << 20)

static gboolean
has (const char *folder, const char *relative)
{
  g_autofree char *path = g_build_filename (folder, relative, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static gboolean
has_folder (const char *folder, const char *relative)
{
  g_autofree char *path = g_build_filename (folder, relative, NULL);

  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

/* (nullable) (transfer full): a settings file of sensible size */
static char *
read_small (const char *path)
{
  g_autofree char *text = NULL;
  gsize length;

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR)
      || !g_file_get_contents (path, &text, &length, NULL) || length > MAX_SETTINGS)
    return NULL;
  return g_steal_pointer (&text);
}

/* As a shell would: ~ and $NAME; relative to @folder. */
static char *
expand (const char *path, const char *folder)
{
  GString *out = g_string_new (NULL);

  if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
    {
      g_string_append (out, g_get_home_dir ());
      path++;
    }
  while (*path != '\0')
    {
      gboolean brace = path[0] == '$' && path[1] == '{';
      const char *name = path + (brace ? 2 : 1), *end = name;

      while (path[0] == '$' && (g_ascii_isalnum (*end) || *end == '_'))
        end++;
      g_autofree char *variable = g_strndup (name, end - name);
      const char *value
          = end > name && (!brace || *end == '}') ? g_getenv (variable) : NULL;
      if (value != NULL)
        {
          g_string_append (out, value);
          path = end + (brace ? 1 : 0);
        }
      else
        g_string_append_c (out, *path++);
    }
  g_autofree char *expanded = g_string_free (out, FALSE);
  return g_canonicalize_filename (expanded, folder);
}

/* ---- ComfyUI ---- */

static gboolean
same_section (const SdYamlEntry *a, const SdYamlEntry *b)
{
  return strcmp (a->section, b->section) == 0;
}

/* (nullable) */
static const char *
base_path_of (GPtrArray *entries, const SdYamlEntry *of)
{
  for (guint i = 0; i < entries->len; i++)
    {
      const SdYamlEntry *entry = entries->pdata[i];
      if (same_section (entry, of) && strcmp (entry->key, "base_path") == 0
          && entry->values->len > 0)
        return entry->values->pdata[0];
    }
  return NULL;
}

static void
add_yaml_entry (SdPlace *place, const SdYamlEntry *entry, const char *base)
{
  SdFileKind kind = sd_library_kind_of_folder (entry->key);

  for (guint i = 0; kind != SD_FILE_OTHER && i < entry->values->len; i++)
    {
      g_autofree char *path = expand (entry->values->pdata[i], base);
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        sd_place_add_root (place, path, kind, FALSE);
    }
}

void
sd_place_read_comfyui (SdPlace *place, const char *yaml, GStrvBuilder *messages)
{
  g_autofree char *text = read_small (yaml);
  g_autofree char *folder = g_path_get_dirname (yaml);
  g_autofree char *shown = g_filename_display_name (yaml);

  if (text == NULL)
    return;
  g_autoptr (GPtrArray) entries = sd_library_parse_yaml (text, shown, messages);
  for (guint i = 0; i < entries->len; i++)
    {
      const SdYamlEntry *entry = entries->pdata[i];
      const char *given = base_path_of (entries, entry);
      g_autofree char *base = expand (given != NULL ? given : ".", folder);

      if (strcmp (entry->key, "base_path") != 0)
        add_yaml_entry (place, entry, base);
      else if (!g_file_test (base, G_FILE_TEST_IS_DIR))
        {
          g_autofree char *message = g_strdup_printf (
              _ ("%s, line %u: the folder “%s” is not there"), shown, entry->line, base);
          g_strv_builder_add (messages, message);
        }
    }
}

/* ---- A1111 and Forge ---- */

/* The options after COMMANDLINE_ARGS= that name folders. */
static void
read_flags (SdPlace *place, const char *value, const char *folder)
{
  static const struct
  {
    const char *flag;
    SdFileKind kind;
  } flags[] = {
    { "--ckpt-dir", SD_FILE_CHECKPOINT }, { "--vae-dir", SD_FILE_VAE },
    { "--lora-dir", SD_FILE_LORA },       { "--embeddings-dir", SD_FILE_EMBEDDING },
    { "--models-dir", SD_FILE_OTHER },    { "--esrgan-models-path", SD_FILE_UPSCALER },
  };
  g_auto (GStrv) words = NULL;
  g_autofree char *inner = NULL;

  if (!g_shell_parse_argv (value, NULL, &words, NULL))
    return;
  inner = g_strjoinv (" ", words); /* the value itself is in quotes as a rule */
  g_clear_pointer (&words, g_strfreev);
  if (!g_shell_parse_argv (inner, NULL, &words, NULL))
    return;
  for (guint i = 0; words[i] != NULL; i++)
    for (guint k = 0; k < G_N_ELEMENTS (flags); k++)
      {
        gsize n = strlen (flags[k].flag);
        const char *path = strncmp (words[i], flags[k].flag, n) != 0 ? NULL
                           : words[i][n] == '='                      ? words[i] + n + 1
                           : words[i][n] == '\0'                     ? words[i + 1]
                                                                     : NULL;
        if (path == NULL)
          continue;
        g_autofree char *expanded = expand (path, folder);
        sd_place_add_root (place, expanded, flags[k].kind,
                           flags[k].kind == SD_FILE_OTHER);
      }
}

static void
read_webui (SdPlace *place)
{
  const char *folder = place->folder.path;
  g_autofree char *path = g_build_filename (folder, "webui-user.sh", NULL);
  g_autofree char *text = read_small (path);

  if (text == NULL)
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strstrip (lines[i]);
      if (g_str_has_prefix (line, "export "))
        line += strlen ("export ");
      if (g_str_has_prefix (line, "COMMANDLINE_ARGS="))
        read_flags (place, line + strlen ("COMMANDLINE_ARGS="), folder);
    }
}

/* ---- Fooocus ---- */

static void
add_fooocus (SdPlace *place, SdFileKind kind, JsonNode *node)
{
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (array); i++)
        if (!JSON_NODE_HOLDS_ARRAY (json_array_get_element (array, i)))
          add_fooocus (place, kind, json_array_get_element (array, i));
    }
  else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_string (node) != NULL)
    {
      g_autofree char *path = expand (json_node_get_string (node), place->folder.path);
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        sd_place_add_root (place, path, kind, FALSE);
    }
}

static void
read_fooocus (SdPlace *place, GStrvBuilder *messages)
{
  g_autofree char *path = g_build_filename (place->folder.path, "config.txt", NULL);
  g_autofree char *text = read_small (path);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  JsonNode *root;

  if (text == NULL)
    return;
  if (!json_parser_load_from_data (parser, text, -1, &error))
    {
      g_autofree char *shown = g_filename_display_name (path);
      g_autofree char *message = g_strdup_printf ("%s: %s", shown, error->message);
      g_strv_builder_add (messages, message);
      return;
    }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  JsonObject *object = json_node_get_object (root);
  g_autoptr (GList) names = json_object_get_members (object);
  for (GList *l = names; l != NULL; l = l->next)
    if (g_str_has_prefix (l->data, "path_"))
      {
        SdFileKind kind
            = sd_library_kind_of_folder ((const char *) l->data + strlen ("path_"));
        if (kind != SD_FILE_OTHER)
          add_fooocus (place, kind, json_object_get_member (object, l->data));
      }
}

/* ---- which it is ---- */

static void
add_below (SdPlace *place, const char *relative, SdFileKind kind, gboolean known_only)
{
  g_autofree char *path = g_build_filename (place->folder.path, relative, NULL);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    sd_place_add_root (place, path, kind, known_only);
}

static gboolean
is_hub (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, "models--"))
      return TRUE;
  return FALSE;
}

void
sd_place_read_settings (SdPlace *place, GStrvBuilder *messages)
{
  g_autofree char *yaml
      = g_build_filename (place->folder.path, "extra_model_paths.yaml", NULL);

  sd_place_read_comfyui (place, yaml, messages);
  read_webui (place);
  if (g_strcmp0 (place->folder.program, "Fooocus") == 0)
    read_fooocus (place, messages);
}

gboolean
sd_place_recognise (SdPlace *place, GStrvBuilder *messages)
{
  SdFolder *folder = &place->folder;
  const char *path = folder->path;

  if (has_folder (path, "models/Stable-diffusion"))
    folder->program = has (path, "modules_forge") ? "Forge" : "Stable Diffusion WebUI";
  else if (has_folder (path, "models/checkpoints"))
    folder->program = has (path, "fooocus_version.py") ? "Fooocus" : "ComfyUI";
  else if (has_folder (path, "StableDiffusion") || has_folder (path, "Stable-Diffusion"))
    folder->program
        = has_folder (path, "StableDiffusion") ? "Stability Matrix" : "SwarmUI";
  if (folder->program != NULL)
    {
      gboolean shared = !has_folder (path, "models/Stable-diffusion")
                        && !has_folder (path, "models/checkpoints");
      add_below (place, shared ? "." : "models", SD_FILE_OTHER, TRUE);
      add_below (place, "embeddings", SD_FILE_EMBEDDING, FALSE);
      sd_place_read_settings (place, messages);
      return TRUE;
    }
  return FALSE;
}

gboolean
sd_place_recognise_hub (SdPlace *place)
{
  if (!is_hub (place->folder.path))
    return FALSE;
  place->folder.program = "Hugging Face";
  sd_place_add_root (place, place->folder.path, SD_FILE_OTHER, FALSE);
  g_array_index (place->roots, SdRoot, 0).hub = TRUE;
  return TRUE;
}
