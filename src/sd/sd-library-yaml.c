/* sd-library-yaml.c: as much YAML as people write into extra_model_paths.yaml
 *
 * A section with names and paths in it; a path is a text, plain or in quotes, one of the
 * lines of a block (`|`), or an item of a list. Whatever else YAML has (anchors, tags,
 * maps in maps, tabs) is told with its line and left out; the rest of the file counts.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  const char *name;
  GStrvBuilder *messages;
  GPtrArray *entries;
  char *section;
  SdYamlEntry *open; /* (nullable): whose lines or items follow */
  gsize open_indent;
  gboolean in_block; /* lines as they are */
  guint line;
} Parser;

static void
entry_free (gpointer data)
{
  SdYamlEntry *entry = data;

  g_free (entry->section);
  g_free (entry->key);
  g_ptr_array_unref (entry->values);
  g_free (entry);
}

static void
complain (Parser *parser, const char *what)
{
  g_autofree char *message
      /* Translators: a file's name, a number, what is wrong there */
      = g_strdup_printf (_ ("%s, line %u: %s"), parser->name, parser->line, what);

  g_strv_builder_add (parser->messages, message);
}

/* The text between the quote at @text and its end; what follows may be a comment only. */
static char *
take_quoted (Parser *parser, const char *text)
{
  const char quote = text[0];
  GString *out = g_string_new (NULL);
  const char *p = text + 1;

  for (; *p != '\0'; p++)
    {
      if (*p == quote && quote == '\'' && p[1] == quote)
        p++;
      else if (*p == quote)
        break;
      else if (*p == '\\' && quote == '"' && p[1] != '\0')
        p++;
      g_string_append_c (out, *p);
    }
  if (*p == '\0')
    complain (parser, _ ("the quote is not closed"));
  return g_string_free (out, FALSE);
}

/* Without what is a comment and the blanks around. */
static char *
take_plain (const char *text)
{
  const char *end = text;

  while (*end != '\0' && !(*end == '#' && (end == text || g_ascii_isspace (end[-1]))))
    end++;
  return g_strchomp (g_strndup (text, end - text));
}

static void
add_value (Parser *parser, SdYamlEntry *entry, const char *text)
{
  g_autofree char *value = NULL;

  if (text[0] == '\'' || text[0] == '"')
    value = take_quoted (parser, text);
  else if (strchr ("&*!{@`", text[0]) != NULL && text[0] != '\0')
    complain (parser, _ ("this form of YAML is not understood here; write the path as "
                         "plain text"));
  else
    value = take_plain (text);
  if (value != NULL && value[0] != '\0')
    g_ptr_array_add (entry->values, g_steal_pointer (&value));
}

/* [a, b] */
static void
add_flow (Parser *parser, SdYamlEntry *entry, const char *text)
{
  const char *close = strrchr (text, ']');

  if (close == NULL)
    {
      complain (parser, _ ("the list is not closed with “]” in its line"));
      return;
    }
  g_autofree char *inner = g_strndup (text + 1, close - text - 1);
  g_auto (GStrv) parts = g_strsplit (inner, ",", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    add_value (parser, entry, g_strstrip (parts[i]));
}

/* "key: rest"; FALSE where there is no such colon. @text is cut at it. */
static gboolean
split_key (char *text, char **rest)
{
  for (char *p = text; *p != '\0'; p++)
    if (*p == ':' && (p[1] == '\0' || g_ascii_isspace (p[1])))
      {
        *p = '\0';
        *rest = g_strchug (p + 1);
        g_strchomp (text);
        if ((text[0] == '"' || text[0] == '\'') && strlen (text) >= 2)
          {
            text[strlen (text) - 1] = '\0';
            memmove (text, text + 1, strlen (text));
          }
        return TRUE;
      }
  return FALSE;
}

static void
take_entry (Parser *parser, const char *key, const char *rest, gsize indent)
{
  SdYamlEntry *entry = g_new0 (SdYamlEntry, 1);

  entry->section = g_strdup (parser->section != NULL ? parser->section : "");
  entry->key = g_strdup (key);
  entry->values = g_ptr_array_new_with_free_func (g_free);
  entry->line = parser->line;
  g_ptr_array_add (parser->entries, entry);
  if (rest[0] == '|' || rest[0] == '>' || rest[0] == '\0' || rest[0] == '#')
    {
      parser->open = entry;
      parser->open_indent = indent;
      parser->in_block = rest[0] == '|' || rest[0] == '>';
    }
  else if (rest[0] == '[')
    add_flow (parser, entry, rest);
  else
    add_value (parser, entry, rest);
}

/* What belongs to the name above; FALSE: it does not. */
static gboolean
take_into_open (Parser *parser, const char *text, gsize indent)
{
  gboolean item = text[0] == '-' && (text[1] == '\0' || g_ascii_isspace (text[1]));

  if (parser->open == NULL)
    return FALSE;
  if (parser->in_block && indent > parser->open_indent)
    {
      g_autofree char *value = g_strchomp (g_strdup (text));
      if (value[0] != '#')
        g_ptr_array_add (parser->open->values, g_steal_pointer (&value));
      return TRUE;
    }
  if (!parser->in_block && item && indent >= parser->open_indent)
    {
      g_autofree char *value = g_strchug (g_strdup (text + 1));
      add_value (parser, parser->open, value);
      return TRUE;
    }
  if (!parser->in_block && indent > parser->open_indent)
    {
      complain (parser, _ ("names within names are not understood here"));
      return TRUE;
    }
  parser->open = NULL;
  return FALSE;
}

static void
take_line (Parser *parser, const char *line)
{
  gsize indent = strspn (line, " ");
  g_autofree char *text = g_strchomp (g_strdup (line + indent));
  char *rest;

  if (text[0] == '\0' || (text[0] == '#' && !(parser->open && parser->in_block)))
    return;
  if (text[0] == '\t')
    {
      complain (parser, _ ("a tab cannot stand before a name; use spaces"));
      return;
    }
  if (take_into_open (parser, text, indent) || text[0] == '#')
    return;
  if (indent == 0 && (strcmp (text, "---") == 0 || strcmp (text, "...") == 0))
    return;
  if (!split_key (text, &rest))
    complain (parser, _ ("there is no “name: path” here"));
  else if (indent > 0)
    take_entry (parser, text, rest, indent);
  else if (rest[0] != '\0' && rest[0] != '#')
    complain (parser, _ ("a path must stand within a section, further in than its name"));
  else
    {
      g_free (parser->section);
      parser->section = g_strdup (text);
    }
}

GPtrArray *
sd_library_parse_yaml (const char *text, const char *name, GStrvBuilder *messages)
{
  Parser parser = { .name = name,
                    .messages = messages,
                    .entries = g_ptr_array_new_with_free_func (entry_free) };

  if (g_str_has_prefix (text, "\357\273\277")) /* a byte order mark */
    text += 3;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      parser.line = i + 1;
      take_line (&parser, lines[i]);
    }
  g_free (parser.section);
  return parser.entries;
}
