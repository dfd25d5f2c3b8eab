/* app-json.c: see app-json.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-json.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "app/app-format.h"
#include "st/st-tags.h"

#define MAX_BYTES (16u << 20)
#define MAX_NESTED 3  /* JSON in a string in JSON … */
#define MAX_VALUE 400 /* bytes of a value that are shown */

struct _AppJsonTree
{
  AppJsonNode root;
  gatomicrefcount refs;
};

static void fill_node (AppJsonNode *node, JsonNode *json, guint nested);

static char *
count_text (guint n)
{
  g_autofree char *count = app_format_count (n);

  /* Translators: how many things a row holds that can be unfolded */
  return g_strdup_printf (ngettext ("%s entry", "%s entries", n), count);
}

static void
fill_object (AppJsonNode *node, JsonObject *object, guint nested)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;
  guint i = 0;

  node->children = g_new0 (AppJsonNode, json_object_get_size (object));
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &member))
    {
      node->children[i].name = st_name_escape (name, strlen (name));
      fill_node (&node->children[i++], member, nested);
    }
  node->n_children = i;
}

static void
fill_array (AppJsonNode *node, JsonArray *array, guint nested)
{
  node->n_children = json_array_get_length (array);
  node->children = g_new0 (AppJsonNode, node->n_children);
  for (guint i = 0; i < node->n_children; i++)
    {
      node->children[i].name = g_strdup_printf ("%u", i);
      fill_node (&node->children[i], json_array_get_element (array, i), nested);
    }
}

static void
fill_string (AppJsonNode *node, const char *text, guint nested)
{
  const gsize length = strlen (text);
  g_autoptr (JsonParser) parser = NULL;

  if ((text[0] == '{' || text[0] == '[') && nested < MAX_NESTED)
    {
      parser = json_parser_new_immutable ();
      if (json_parser_load_from_data (parser, text, (gssize) length, NULL)
          && json_parser_get_root (parser) != NULL)
        {
          fill_node (node, json_parser_get_root (parser), nested + 1);
          return;
        }
    }
  if (length <= MAX_VALUE)
    node->value = g_strdup (text);
  else
    {
      const char *end = g_utf8_find_prev_char (text, text + MAX_VALUE);
      g_autofree char *start = g_strndup (text, (gsize) (end - text));
      node->value = g_strconcat (start, "…", NULL);
    }
}

static void
fill_node (AppJsonNode *node, JsonNode *json, guint nested)
{
  if (JSON_NODE_HOLDS_OBJECT (json))
    fill_object (node, json_node_get_object (json), nested);
  else if (JSON_NODE_HOLDS_ARRAY (json))
    fill_array (node, json_node_get_array (json), nested);
  else if (JSON_NODE_HOLDS_VALUE (json)
           && json_node_get_value_type (json) == G_TYPE_STRING)
    fill_string (node, json_node_get_string (json), nested);
  else
    node->value = json_to_string (json, FALSE);
  if (node->value == NULL)
    node->value = count_text (node->n_children);
}

AppJsonTree *
app_json_tree_read (const char *text, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  AppJsonTree *tree;

  if (length > MAX_BYTES || length == 0 || (text[0] != '{' && text[0] != '[')
      || !json_parser_load_from_data (parser, text, (gssize) length, NULL)
      || json_parser_get_root (parser) == NULL)
    return NULL;
  tree = g_new0 (AppJsonTree, 1);
  g_atomic_ref_count_init (&tree->refs);
  fill_node (&tree->root, json_parser_get_root (parser), 0);
  return tree;
}

AppJsonTree *
app_json_tree_read_tags (const char *text, gsize length)
{
  g_autoptr (GArray) tags = st_tags_read (text, length);
  AppJsonTree *tree;

  if (tags == NULL)
    return NULL;
  tree = g_new0 (AppJsonTree, 1);
  g_atomic_ref_count_init (&tree->refs);
  tree->root.value = count_text (tags->len);
  tree->root.n_children = tags->len;
  tree->root.children = g_new0 (AppJsonNode, tags->len);
  for (guint i = 0; i < tags->len; i++)
    {
      const StTag *tag = &g_array_index (tags, StTag, i);

      tree->root.children[i].name = g_strdup (tag->tag);
      tree->root.children[i].value = app_format_count (tag->count);
    }
  return tree;
}

AppJsonTree *
app_json_tree_ref (AppJsonTree *tree)
{
  g_atomic_ref_count_inc (&tree->refs);
  return tree;
}

static void
clear_node (AppJsonNode *node)
{
  for (guint i = 0; i < node->n_children; i++)
    clear_node (&node->children[i]);
  g_free (node->children);
  g_free (node->name);
  g_free (node->value);
}

static gpointer
free_tree (gpointer data)
{
  AppJsonTree *tree = data;

  clear_node (&tree->root);
  g_free (tree);
  return NULL;
}

/* A large one takes long to free: elsewhere. */
void
app_json_tree_unref (AppJsonTree *tree)
{
  if (tree == NULL || !g_atomic_ref_count_dec (&tree->refs))
    return;
  g_thread_unref (g_thread_new ("free-json", free_tree, tree));
}

const AppJsonNode *
app_json_tree_root (AppJsonTree *tree)
{
  return &tree->root;
}
