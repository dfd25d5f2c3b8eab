/* cli-models.c: the models command: what lies in the folders of models
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-library.h"
#include "cli/cli-private.h"

#include <stdio.h>
#include <string.h>

#define N_COLUMNS 4

static const char *
family_text (SdFamily family)
{
  return family == SD_FAMILY_SD1    ? "SD 1.x"
         : family == SD_FAMILY_SD2  ? "SD 2.x"
         : family == SD_FAMILY_SDXL ? "SDXL"
                                    : "";
}

/* ---- JSON ---- */

static void
json_text (BaseJson *json, const char *key, const char *text)
{
  base_json_key (json, key);
  base_json_string (json, text);
}

/* A path is bytes, JSON is text: what is none of it is shown as such. */
static void
json_path (BaseJson *json, const char *key, const char *path)
{
  g_autofree char *text = path != NULL ? g_utf8_make_valid (path, -1) : NULL;

  json_text (json, key, text);
}

static void
json_folder (BaseJson *json, const SdFolder *folder)
{
  static const char *const origins[] = { "own", "added", "found" };

  base_json_begin_object (json);
  json_path (json, "path", folder->path);
  json_text (json, "origin", origins[folder->origin]);
  json_text (json, "program", folder->program);
  base_json_key (json, "models");
  base_json_uint (json, folder->n_items);
  json_text (json, "fault", folder->fault);
  base_json_end_object (json);
}

static void
json_item (BaseJson *json, const SdItem *item)
{
  base_json_begin_object (json);
  json_path (json, "path", item->path);
  json_text (json, "name", item->name);
  json_text (json, "title", item->title);
  json_text (json, "kind", sd_file_kind_name (item->kind));
  json_text (json, "family",
             item->family != SD_FAMILY_UNKNOWN ? family_text (item->family) : NULL);
  base_json_key (json, "bytes");
  base_json_uint (json, item->bytes);
  base_json_key (json, "usable");
  base_json_bool (json, item->why_not == NULL);
  json_text (json, "why_not", item->why_not);
  base_json_key (json, "copying");
  base_json_bool (json, item->copying);
  json_text (json, "what", item->sentence);
  json_text (json, "alias", item->alias);
  json_path (json, "picture",
             item->picture != NULL ? item->picture
             : item->embedded      ? item->path
                                   : NULL);
  base_json_key (json, "used");
  if (item->used > 0)
    base_json_int (json, item->used);
  else
    base_json_null (json);
  base_json_end_object (json);
}

static void
print_json (SdListing *listing, const SdFileKind *kind)
{
  g_autoptr (BaseJson) json = cli_json_new ();

  base_json_begin_object (json);
  base_json_key (json, "folders");
  base_json_begin_array (json);
  for (guint i = 0; i < listing->folders->len; i++)
    json_folder (json, listing->folders->pdata[i]);
  base_json_end_array (json);
  base_json_key (json, "models");
  base_json_begin_array (json);
  for (guint i = 0; i < listing->items->len; i++)
    {
      const SdItem *item = listing->items->pdata[i];
      if (kind == NULL || item->kind == *kind)
        json_item (json, item);
    }
  base_json_end_array (json);
  base_json_key (json, "messages");
  base_json_begin_array (json);
  for (guint i = 0; listing->messages[i] != NULL; i++)
    base_json_string (json, listing->messages[i]);
  base_json_end_array (json);
  base_json_end_object (json);
  cli_json_end (json);
}

/* ---- the table ---- */

static void
fill_cells (const SdItem *item, char *cells[N_COLUMNS])
{
  cells[0] = g_strdup (sd_file_kind_name (item->kind));
  cells[1] = g_strdup (family_text (item->family));
  cells[2] = g_format_size (item->bytes);
  cells[3] = g_strdup (item->title);
}

static void
clear_cells (char *cells[N_COLUMNS])
{
  for (guint i = 0; i < N_COLUMNS; i++)
    g_clear_pointer (&cells[i], g_free);
}

static int
missing (const char *text, glong width)
{
  glong own = g_utf8_strlen (text, -1);

  return own < width ? (int) (width - own) : 0;
}

static void
print_row (const SdItem *item, const glong *widths)
{
  char *cells[N_COLUMNS];
  g_autofree char *path = cli_printable (item->path, strlen (item->path));

  fill_cells (item, cells);
  cli_print ("%s%*s  %s%*s  %*s%s  %s%*s  %s\n", cells[0], missing (cells[0], widths[0]),
             "", cells[1], missing (cells[1], widths[1]), "",
             missing (cells[2], widths[2]), "", cells[2], cells[3],
             missing (cells[3], widths[3]), "", path);
  if (item->why_not != NULL)
    {
      g_autofree char *why = cli_printable (item->why_not, strlen (item->why_not));
      cli_print ("%*s  cannot be used: %s\n", (int) widths[0], "", why);
    }
  clear_cells (cells);
}

static void
print_table (SdListing *listing, const SdFileKind *kind)
{
  glong widths[N_COLUMNS] = { 0 };
  guint n = 0;

  for (guint i = 0; i < listing->items->len; i++)
    {
      const SdItem *item = listing->items->pdata[i];
      char *cells[N_COLUMNS];
      if (kind != NULL && item->kind != *kind)
        continue;
      n++;
      fill_cells (item, cells);
      for (guint k = 0; k < N_COLUMNS; k++)
        widths[k] = MAX (widths[k], MIN (g_utf8_strlen (cells[k], -1), 40));
      clear_cells (cells);
    }
  for (guint i = 0; i < listing->items->len; i++)
    {
      const SdItem *item = listing->items->pdata[i];
      if (kind == NULL || item->kind == *kind)
        print_row (item, widths);
    }
  if (n > 0)
    return;
  g_autofree char *own = sd_library_own_folder (FALSE);
  fprintf (stderr,
           "calotype-cli: nothing was found. Put models (.safetensors) into %s, or give "
           "a folder with --models-dir.\n",
           own);
}

static void
print_folders (SdListing *listing)
{
  for (guint i = 0; i < listing->folders->len; i++)
    {
      const SdFolder *folder = listing->folders->pdata[i];
      g_autofree char *path = cli_printable (folder->path, strlen (folder->path));
      cli_print (
          "%6u  %s%s%s%s%s\n", folder->n_items, path, folder->program != NULL ? "  " : "",
          folder->program != NULL ? folder->program : "",
          folder->fault != NULL ? "  " : "", folder->fault != NULL ? folder->fault : "");
    }
}

int
cli_models (int argc, char **argv)
{
  gboolean as_json = FALSE, folders = FALSE;
  g_autofree char *kind_name = NULL;
  g_autoptr (GError) error = NULL;
  SdFileKind kind;
  int status;
  CliProgress progress;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One line of JSON", NULL },
    { "kind", 0, 0, G_OPTION_ARG_FILENAME, &kind_name, "Only of this kind",
      "checkpoint|lora|vae|embedding|upscaler|controlnet|text-encoder|taesd|other" },
    { "folders", 0, 0, G_OPTION_ARG_NONE, &folders,
      "The folders instead, with how many files were found in each", NULL },
    CLI_MODELS_DIR_ENTRY,
    { NULL },
  };

  if (!cli_parse (&argc, &argv, entries, NULL,
                  "Lists the models in Calotype's own folder and in those of other "
                  "programs.",
                  &status))
    return status;
  if (kind_name != NULL && !sd_file_kind_parse (kind_name, &kind))
    {
      fprintf (stderr,
               "calotype-cli: --kind is “%s”, but must be one of those that "
               "--help lists\n",
               kind_name);
      return CLI_USAGE;
    }
  g_autoptr (SdLibrary) library = cli_library_new (&error);
  if (library == NULL)
    return cli_fail (error);
  cli_progress_init (&progress, FALSE);
  const BaseTask task = { cli_cancellable (), cli_progress_told, &progress };
  g_autoptr (SdListing) listing = sd_library_scan (library, &task, &error);
  cli_progress_clear (&progress);
  if (listing == NULL)
    return cli_fail (error);
  if (as_json)
    print_json (listing, kind_name != NULL ? &kind : NULL);
  else if (folders)
    print_folders (listing);
  else
    print_table (listing, kind_name != NULL ? &kind : NULL);
  if (!as_json)
    cli_library_tell (listing);
  return CLI_OK;
}
