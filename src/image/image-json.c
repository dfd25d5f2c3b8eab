/* image-json.c: JSON from picture files, which anyone may have written
 *
 * json-glib descends once per level of nesting and builds a tree of everything, so length
 * and depth are bounded before it sees the text. Python's json module, which most of
 * these programs use, writes NaN and Infinity, which are not JSON: ComfyUI's graphs have
 * them in every picture made with a node that is never cached.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"

#include <math.h>
#include <string.h>

#define MAX_LENGTH (4u << 20)
#define MAX_DEPTH 100

/* Behind the string that begins at @at. */
static const char *
skip_string (const char *at)
{
  for (at++; *at != '\0' && *at != '"'; at++)
    if (*at == '\\' && at[1] != '\0')
      at++;
  return *at == '"' ? at + 1 : at;
}

/* @text with null for every NaN and Infinity; NULL where it is nested too deeply. */
static char *
tame (const char *text)
{
  static const char *const words[] = { "NaN", "-Infinity", "Infinity" };
  g_autoptr (GString) out = g_string_sized_new (strlen (text));
  guint depth = 0;

  while (*text != '\0')
    {
      const char *start = text;
      gboolean replaced = FALSE;

      for (guint i = 0; i < G_N_ELEMENTS (words) && !replaced; i++)
        if (g_str_has_prefix (text, words[i]))
          {
            g_string_append (out, "null");
            text += strlen (words[i]);
            replaced = TRUE;
          }
      if (replaced)
        continue;
      text = *text == '"' ? skip_string (text) : text + 1;
      if (*start == '[' || *start == '{')
        depth++;
      else if ((*start == ']' || *start == '}') && depth > 0)
        depth--;
      if (depth > MAX_DEPTH)
        return NULL;
      g_string_append_len (out, start, text - start);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

JsonNode *
image_json_parse (const char *text)
{
  g_autofree char *tamed = NULL;

  if (strlen (text) > MAX_LENGTH || !g_utf8_validate (text, -1, NULL))
    return NULL;
  tamed = tame (text);
  return tamed != NULL ? json_from_string (tamed, NULL) : NULL;
}

static JsonNode *
member (JsonObject *object, const char *name)
{
  return object != NULL ? json_object_get_member (object, name) : NULL;
}

const char *
image_json_string (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node)
                                                      : NULL;
}

JsonObject *
image_json_object (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node)
                                                       : NULL;
}

gboolean
image_json_number (JsonNode *node, double *value)
{
  double number;
  GType type;
  char *end;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return FALSE;
  type = json_node_get_value_type (node);
  if (type == G_TYPE_STRING)
    {
      number = g_ascii_strtod (json_node_get_string (node), &end);
      if (end == json_node_get_string (node) || *end != '\0')
        return FALSE;
    }
  else if (type == G_TYPE_INT64 || type == G_TYPE_DOUBLE)
    number = json_node_get_double (node);
  else
    return FALSE;
  if (!isfinite (number))
    return FALSE;
  *value = number;
  return TRUE;
}

gboolean
image_json_uint64 (JsonNode *node, guint64 *value)
{
  GType type;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return FALSE;
  type = json_node_get_value_type (node);
  if (type == G_TYPE_STRING)
    return g_ascii_string_to_unsigned (json_node_get_string (node), 10, 0, G_MAXUINT64,
                                       value, NULL);
  if (type != G_TYPE_INT64)
    return FALSE;
  /* json-glib reads 64 bits and then calls them signed: seeds of 2⁶³ and more come back
   */
  *value = (guint64) json_node_get_int (node);
  return TRUE;
}
