/* base-json.c: see base-json.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-json.h"

#include <math.h>

struct _BaseJson
{
  GString *text;
  GString *open; /* one byte per open object or array: 1 once it has a member */
  gboolean pretty;
  gboolean after_key;
  BaseJsonSink sink; /* (nullable) */
  gpointer sink_data;
};

#define SINK_FROM (64u << 10) /* bytes held back */

BaseJson *
base_json_new (gboolean pretty)
{
  BaseJson *json = g_new0 (BaseJson, 1);

  json->text = g_string_new (NULL);
  json->open = g_string_new (NULL);
  json->pretty = pretty;
  return json;
}

void
base_json_free (BaseJson *json)
{
  if (json == NULL)
    return;
  g_string_free (json->text, TRUE);
  g_string_free (json->open, TRUE);
  g_free (json);
}

char *
base_json_steal (BaseJson *json, gsize *length)
{
  char *text;

  if (length != NULL)
    *length = json->text->len;
  text = g_string_free (json->text, FALSE);
  json->text = g_string_new (NULL);
  g_string_truncate (json->open, 0);
  json->after_key = FALSE;
  return text;
}

void
base_json_set_sink (BaseJson *json, BaseJsonSink sink, gpointer user_data)
{
  json->sink = sink;
  json->sink_data = user_data;
}

void
base_json_flush (BaseJson *json)
{
  g_return_if_fail (json->sink != NULL);
  json->sink (json->text->str, json->text->len, json->sink_data);
  g_string_truncate (json->text, 0);
}

static void
pass_on (BaseJson *json)
{
  if (json->sink != NULL && json->text->len >= SINK_FROM)
    base_json_flush (json);
}

static void
new_line (BaseJson *json)
{
  if (!json->pretty)
    return;
  g_string_append_c (json->text, '\n');
  for (gsize i = 0; i < json->open->len; i++)
    g_string_append (json->text, "  ");
}

/* What stands between the last value and the next: nothing after a key or at the start.
 */
static void
separate (BaseJson *json)
{
  pass_on (json);
  if (json->after_key)
    {
      json->after_key = FALSE;
      return;
    }
  if (json->open->len == 0)
    return;
  if (json->open->str[json->open->len - 1])
    g_string_append_c (json->text, ',');
  json->open->str[json->open->len - 1] = 1;
  new_line (json);
}

static void
begin (BaseJson *json, char bracket)
{
  separate (json);
  g_string_append_c (json->text, bracket);
  g_string_append_c (json->open, 0);
}

static void
end (BaseJson *json, char bracket)
{
  gboolean has_members;

  g_return_if_fail (json->open->len > 0);
  has_members = json->open->str[json->open->len - 1];
  g_string_truncate (json->open, json->open->len - 1);
  if (has_members)
    new_line (json);
  g_string_append_c (json->text, bracket);
}

void
base_json_begin_object (BaseJson *json)
{
  begin (json, '{');
}

void
base_json_end_object (BaseJson *json)
{
  end (json, '}');
}

void
base_json_begin_array (BaseJson *json)
{
  begin (json, '[');
}

void
base_json_end_array (BaseJson *json)
{
  end (json, ']');
}

static void
append_ascii (GString *text, guchar c)
{
  switch (c)
    {
    case '"':
      g_string_append (text, "\\\"");
      break;
    case '\\':
      g_string_append (text, "\\\\");
      break;
    case '\b':
      g_string_append (text, "\\b");
      break;
    case '\f':
      g_string_append (text, "\\f");
      break;
    case '\n':
      g_string_append (text, "\\n");
      break;
    case '\r':
      g_string_append (text, "\\r");
      break;
    case '\t':
      g_string_append (text, "\\t");
      break;
    default:
      if (c < 0x20 || c == 0x7f)
        g_string_append_printf (text, "\\u%04x", c);
      else
        g_string_append_c (text, (char) c);
    }
}

/* Bytes that are not UTF-8 (a file name may hold them) become U+FFFD, one each: the
 * document stays valid whatever it is given. */
static void
append_quoted (BaseJson *json, const char *s, gsize length)
{
  GString *const text = json->text;
  const char *const stop = s + length;

  g_string_append_c (text, '"');
  while (s < stop)
    {
      const char *next;
      gunichar c;

      pass_on (json);
      if ((guchar) *s < 0x80)
        {
          append_ascii (text, (guchar) *s++);
          continue;
        }
      if ((gint32) g_utf8_get_char_validated (s, stop - s) < 0)
        {
          g_string_append (text, "\357\277\275");
          s++;
          continue;
        }
      next = g_utf8_next_char (s);
      c = g_utf8_get_char (s);
      /* Some take U+0085, U+2028 and U+2029 for the end of a line, and C1 controls steer
       * terminals. */
      if (c < 0xa0 || c == 0x2028 || c == 0x2029)
        g_string_append_printf (text, "\\u%04x", c);
      else
        g_string_append_len (text, s, next - s);
      s = next;
    }
  g_string_append_c (text, '"');
}

void
base_json_key_n (BaseJson *json, const char *name, gsize length)
{
  separate (json);
  append_quoted (json, name, length);
  g_string_append (json->text, json->pretty ? ": " : ":");
  json->after_key = TRUE;
}

void
base_json_key (BaseJson *json, const char *name)
{
  base_json_key_n (json, name, strlen (name));
}

void
base_json_string_n (BaseJson *json, const char *text, gsize length)
{
  separate (json);
  append_quoted (json, text, length);
}

void
base_json_string (BaseJson *json, const char *text)
{
  if (text == NULL)
    base_json_null (json);
  else
    base_json_string_n (json, text, strlen (text));
}

void
base_json_int (BaseJson *json, gint64 value)
{
  separate (json);
  g_string_append_printf (json->text, "%" G_GINT64_FORMAT, value);
}

void
base_json_uint (BaseJson *json, guint64 value)
{
  separate (json);
  g_string_append_printf (json->text, "%" G_GUINT64_FORMAT, value);
}

void
base_json_double (BaseJson *json, double value)
{
  g_autofree char *text = NULL;

  if (!isfinite (value))
    {
      base_json_null (json);
      return;
    }
  text = base_double_to_string (value);
  separate (json);
  g_string_append (json->text, text);
}

void
base_json_bool (BaseJson *json, gboolean value)
{
  separate (json);
  g_string_append (json->text, value ? "true" : "false");
}

void
base_json_null (BaseJson *json)
{
  separate (json);
  g_string_append (json->text, "null");
}

/* Any decimal of at most 15 digits survives a normal double, so where %.15g reads back it
 * is already the shortest. Subnormals carry fewer digits, hence the start at one. */
char *
base_double_to_string (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  char format[8];
  const gboolean tiny = value != 0 && fabs (value) < G_MINDOUBLE;

  for (int digits = tiny ? 1 : 15; digits <= 17; digits++)
    {
      g_snprintf (format, sizeof format, "%%.%dg", digits);
      g_ascii_formatd (text, sizeof text, format, value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }
  return g_strdup (text);
}
