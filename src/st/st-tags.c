/* st-tags.c: what a trainer's metadata tell: the tags of its pictures, how often each
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-tags.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_BYTES (32u << 20)

static void
clear_tag (gpointer data)
{
  g_free (((StTag *) data)->tag);
}

static int
compare_tags (gconstpointer a, gconstpointer b)
{
  const StTag *x = a, *y = b;

  if (x->count != y->count)
    return x->count < y->count ? 1 : -1;
  return strcmp (x->tag, y->tag);
}

/* One folder of pictures: {"tag": count}. */
static void
add_folder (JsonObject *folder, GHashTable *counts)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init (&iter, folder);
  while (json_object_iter_next (&iter, &name, &node))
    {
      gint64 *count;

      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64
          || json_node_get_int (node) < 0)
        continue;
      count = g_hash_table_lookup (counts, name);
      if (count == NULL)
        {
          count = g_new0 (gint64, 1);
          g_hash_table_insert (counts, g_strdup (name), count);
        }
      *count += MIN (json_node_get_int (node), G_MAXINT64 - *count);
    }
}

static GArray *
sort_tags (GHashTable *counts)
{
  GArray *tags
      = g_array_sized_new (FALSE, FALSE, sizeof (StTag), g_hash_table_size (counts));
  GHashTableIter iter;
  gpointer name, count;

  g_array_set_clear_func (tags, clear_tag);
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &name, &count))
    {
      StTag tag = { st_name_escape (name, strlen (name)), (guint64) * (gint64 *) count };
      g_array_append_val (tags, tag);
    }
  g_array_sort (tags, compare_tags);
  return tags;
}

GArray *
st_tags_read (const char *text, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GHashTable) counts
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  JsonObjectIter iter;
  JsonNode *root, *node;

  if (length > MAX_BYTES || length == 0 || text[0] != '{'
      || !json_parser_load_from_data (parser, text, (gssize) length, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  json_object_iter_init (&iter, json_node_get_object (root));
  while (json_object_iter_next (&iter, NULL, &node))
    if (JSON_NODE_HOLDS_OBJECT (node))
      add_folder (json_node_get_object (node), counts);
  return sort_tags (counts);
}
