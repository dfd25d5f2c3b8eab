/* cli-library.c: the folders of models, for commands
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-library.h"
#include "cli/cli-private.h"

#include <stdio.h>
#include <string.h>

char **cli_models_dirs;

/* (nullable): the window's settings, where their description is installed */
static GSettings *
find_settings (void)
{
  GSettingsSchemaSource *all = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchemaSource) built = NULL;
  g_autoptr (GSettingsSchema) schema = NULL;

  if (all != NULL)
    schema = g_settings_schema_source_lookup (all, BASE_APP_ID, TRUE);
  if (schema == NULL)
    {
      built = g_settings_schema_source_new_from_directory (BASE_BUILD_DIR "/data", all,
                                                           TRUE, NULL);
      if (built != NULL)
        schema = g_settings_schema_source_lookup (built, BASE_APP_ID, FALSE);
    }
  if (schema == NULL || !g_settings_schema_has_key (schema, "model-folders")
      || !g_settings_schema_has_key (schema, "hidden-model-folders"))
    return NULL;
  return g_settings_new_full (schema, NULL, NULL);
}

static gboolean
check_folder (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);

  if (dir != NULL)
    return TRUE;
  g_prefix_error (error, "--models-dir: ");
  return FALSE;
}

SdLibrary *
cli_library_new (GError **error)
{
  g_autoptr (GSettings) settings = find_settings ();
  g_autoptr (GStrvBuilder) added = g_strv_builder_new ();
  g_auto (GStrv) hidden = NULL;
  g_auto (GStrv) all = NULL;

  for (guint i = 0; cli_models_dirs != NULL && cli_models_dirs[i] != NULL; i++)
    {
      g_autofree char *path = g_canonicalize_filename (cli_models_dirs[i], NULL);
      if (!check_folder (path, error))
        return NULL;
      g_strv_builder_add (added, path);
    }
  if (settings != NULL)
    {
      g_auto (GStrv) chosen = g_settings_get_strv (settings, "model-folders");
      g_strv_builder_addv (added, (const char **) chosen);
      hidden = g_settings_get_strv (settings, "hidden-model-folders");
    }
  all = g_strv_builder_end (added);
  return sd_library_new ((const char *const *) all, (const char *const *) hidden);
}

void
cli_library_tell (SdListing *listing)
{
  for (guint i = 0; listing->messages[i] != NULL; i++)
    {
      g_autofree char *text
          = cli_printable (listing->messages[i], strlen (listing->messages[i]));
      fprintf (stderr, "calotype-cli: note: %s\n", text);
    }
}

static char *
find (SdLibrary *library,
      SdFileKind kind,
      const char *name,
      const BaseTask *task,
      GError **error)
{
  g_autoptr (SdListing) listing = NULL;
  g_autofree char *near = NULL;
  const SdItem *item;

  if (g_file_test (name, G_FILE_TEST_EXISTS) || g_path_is_absolute (name)
      || name[0] == '.')
    return g_strdup (name);
  listing = sd_library_scan (library, task, error);
  if (listing == NULL)
    return NULL;
  item = sd_listing_find (listing, kind, name);
  if (item != NULL && item->why_not == NULL)
    return g_strdup (item->path);
  if (item != NULL)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_NOT_A_MODEL, "%s: %s", item->path,
                   item->why_not);
      return NULL;
    }
  near = sd_listing_suggest (listing, kind, name);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               "“%s” is neither a file nor %s in the folders of models%s%s%s", name,
               kind == SD_FILE_UPSCALER ? "an upscaler" : "a model",
               near != NULL ? "; did you mean " : " (“calotype-cli models” lists them)",
               near != NULL ? near : "", near != NULL ? "?" : "");
  return NULL;
}

char *
cli_library_find_model (SdLibrary *library,
                        const char *name,
                        const BaseTask *task,
                        GError **error)
{
  return find (library, SD_FILE_CHECKPOINT, name, task, error);
}

char *
cli_library_find_upscaler (SdLibrary *library,
                           const char *name,
                           const BaseTask *task,
                           GError **error)
{
  return find (library, SD_FILE_UPSCALER, name, task, error);
}
