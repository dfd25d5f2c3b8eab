/* sd-library-uses.c: when models were used last
 *
 * A small JSON object, URI of the file → seconds since 1970, among the user's state. The
 * oldest go when there are many.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-json.h"
#include "sd/sd-library-private.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_USES 300

static GMutex writing;

static char *
uses_path (void)
{
  return g_build_filename (g_get_user_state_dir (), "calotype", "models-used.json", NULL);
}

GHashTable *
sd_library_read_uses (void)
{
  GHashTable *uses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *path = uses_path ();
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;

  if (!json_parser_load_from_file (parser, path, NULL)
      || (root = json_parser_get_root (parser)) == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return uses;
  JsonObject *object = json_node_get_object (root);
  g_autoptr (GList) names = json_object_get_members (object);
  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonNode *node = json_object_get_member (object, l->data);
      char *file = g_filename_from_uri (l->data, NULL, NULL);
      gint64 seconds = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_int (node) : 0;

      if (file != NULL && seconds > 0)
        g_hash_table_insert (uses, file, g_memdup2 (&seconds, sizeof seconds));
      else
        g_free (file);
    }
  return uses;
}

static void
drop_oldest (GHashTable *uses, const char *keep)
{
  GHashTableIter iter;
  gpointer path, seconds;
  const char *oldest = NULL;
  gint64 when = G_MAXINT64;

  g_hash_table_iter_init (&iter, uses);
  while (g_hash_table_iter_next (&iter, &path, &seconds))
    if (*(gint64 *) seconds < when && strcmp (path, keep) != 0)
      {
        when = *(gint64 *) seconds;
        oldest = path;
      }
  if (oldest != NULL)
    g_hash_table_remove (uses, oldest);
}

void
sd_library_note_use (SdLibrary *library, const char *path)
{
  g_autofree char *file = uses_path ();
  g_autofree char *folder = g_path_get_dirname (file);
  g_autoptr (BaseJson) json = base_json_new (TRUE);
  g_autoptr (GHashTable) uses = NULL;
  g_autofree char *used = g_canonicalize_filename (path, NULL);
  g_autofree char *text = NULL;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  GHashTableIter iter;
  gpointer key, seconds;
  gsize length;

  g_mutex_lock (&writing);
  uses = sd_library_read_uses ();
  g_hash_table_replace (uses, g_strdup (used), g_memdup2 (&now, sizeof now));
  while (g_hash_table_size (uses) > MAX_USES)
    drop_oldest (uses, used);
  base_json_begin_object (json);
  g_hash_table_iter_init (&iter, uses);
  while (g_hash_table_iter_next (&iter, &key, &seconds))
    {
      g_autofree char *uri = g_filename_to_uri (key, NULL, NULL);
      if (uri == NULL)
        continue;
      base_json_key (json, uri);
      base_json_int (json, *(gint64 *) seconds);
    }
  base_json_end_object (json);
  text = base_json_steal (json, &length);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    g_file_set_contents (file, text, (gssize) length, NULL);
  g_mutex_unlock (&writing);
  if (library != NULL)
    sd_library_refresh (library);
}
