/* st-json.c: see st-json-private.h
 *
 * Why our own: json-glib 1.6 accepts comments, single quotes, lone surrogates and leading
 * zeros, cuts names at U+0000, reads 2^64 - 1 as -1, and takes a gigabyte for a header of
 * 100 MB. A verdict that differs from the reference's is a way to hide things in a file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-json-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* serde_json's: the 128th level is one too many. */
#define MAX_DEPTH 127

void
st_json_init (StJson *json, const char *text, gsize length)
{
  *json = (StJson){ .start = text, .at = text, .end = text + length };
}

void
st_json_clear (StJson *json)
{
  g_clear_pointer (&json->fault, g_free);
  if (json->scratch != NULL)
    g_string_free (json->scratch, TRUE);
  json->scratch = NULL;
}

/* Length of the UTF-8 character at @p, 0 when it is none: no overlong forms, no
 * surrogates, nothing above U+10FFFF. */
static guint
utf8_length (const guchar *p, const guchar *end)
{
  guint length;
  guint32 c;

  if (p[0] >= 0xc2 && p[0] <= 0xdf)
    length = 2;
  else if (p[0] >= 0xe0 && p[0] <= 0xef)
    length = 3;
  else if (p[0] >= 0xf0 && p[0] <= 0xf4)
    length = 4;
  else
    return 0;
  if ((gsize) (end - p) < length)
    return 0;
  c = p[0] & (0x7fu >> length);
  for (guint i = 1; i < length; i++)
    {
      if ((p[i] & 0xc0) != 0x80)
        return 0;
      c = c << 6 | (p[i] & 0x3fu);
    }
  if (length == 3 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff)))
    return 0;
  if (length == 4 && (c < 0x10000 || c > 0x10ffff))
    return 0;
  return length;
}

/* g_utf8_validate() refuses U+0000, which must reach the JSON rules instead. */
gssize
st_json_find_bad_utf8 (const char *text, gsize length)
{
  const guchar *p = (const guchar *) text;
  const guchar *const end = p + length;

  while (p < end)
    {
      guint64 eight;
      guint n;

      while (end - p >= 8 && (memcpy (&eight, p, 8), (eight & 0x8080808080808080u) == 0))
        p += 8;
      if (p == end)
        break;
      if (*p < 0x80)
        {
          p++;
          continue;
        }
      n = utf8_length (p, end);
      if (n == 0)
        return (const char *) p - text;
      p += n;
    }
  return -1;
}

gboolean
st_json_fail (StJson *json, const char *format, ...)
{
  va_list args;

  if (json->fault == NULL)
    {
      va_start (args, format);
      json->fault = g_strdup_vprintf (format, args);
      va_end (args);
      json->fault_offset = json->at - json->start;
    }
  return FALSE;
}

/* What stands at the reader's place, for a message. */
static gboolean
fail_expected (StJson *json, const char *what)
{
  if (json->at >= json->end)
    return st_json_fail (json, _ ("the text ends where %s was expected"), what);
  if (*json->at > 0x20 && *json->at < 0x7f)
    return st_json_fail (json, _ ("‘%c’ where %s was expected"), *json->at, what);
  return st_json_fail (json, _ ("byte 0x%02X where %s was expected"), (guchar) *json->at,
                       what);
}

char
st_json_peek (StJson *json)
{
  const char *p = json->at;

  while (p < json->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
    p++;
  json->at = p;
  return p < json->end ? *p : 0;
}

gboolean
st_json_open (StJson *json, char bracket)
{
  const char what[] = { '\'', bracket, '\'', 0 };

  if (st_json_peek (json) != bracket || json->at >= json->end)
    return fail_expected (json, what);
  if (json->depth == MAX_DEPTH)
    return st_json_fail (json, _ ("values are nested deeper than %d"), MAX_DEPTH);
  json->depth++;
  json->at++;
  return TRUE;
}

gboolean
st_json_next (StJson *json, char bracket, gsize index)
{
  const char what[] = { ',', ' ', 'o', 'r', ' ', bracket, 0 };
  char c;

  if (json->fault != NULL)
    return FALSE;
  c = st_json_peek (json);
  if (c == bracket)
    {
      json->at++;
      json->depth--;
      return FALSE;
    }
  if (index == 0)
    return TRUE;
  if (c != ',')
    return fail_expected (json, what);
  json->at++;
  c = st_json_peek (json);
  if (c == bracket)
    return st_json_fail (json, _ ("a comma stands before ‘%c’"), bracket);
  return TRUE;
}

gboolean
st_json_key (StJson *json, StJsonString *key)
{
  if (st_json_peek (json) != '"')
    return fail_expected (json, _ ("a name in double quotes"));
  if (!st_json_string (json, key))
    return FALSE;
  if (st_json_peek (json) != ':')
    return fail_expected (json, _ ("a colon"));
  json->at++;
  return TRUE;
}

static gboolean
read_hex_4 (StJson *json, guint32 *value)
{
  *value = 0;
  for (guint i = 0; i < 4; i++, json->at++)
    {
      if (json->at >= json->end || !g_ascii_isxdigit (*json->at))
        return fail_expected (json, _ ("four hexadecimal digits"));
      *value = *value << 4 | (guint32) g_ascii_xdigit_value (*json->at);
    }
  return TRUE;
}

/* After "\u". Two escapes make one character beyond U+FFFF; half of such a pair is none.
 */
static gboolean
read_unicode_escape (StJson *json, GString *out)
{
  guint32 c, low;

  if (!read_hex_4 (json, &c))
    return FALSE;
  if (c >= 0xdc00 && c <= 0xdfff)
    return st_json_fail (json, _ ("a lone half of a surrogate pair (\\u%04x)"), c);
  if (c >= 0xd800 && c <= 0xdbff)
    {
      if (json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u')
        return st_json_fail (json, _ ("a lone half of a surrogate pair (\\u%04x)"), c);
      json->at += 2;
      if (!read_hex_4 (json, &low))
        return FALSE;
      if (low < 0xdc00 || low > 0xdfff)
        return st_json_fail (json, _ ("a lone half of a surrogate pair (\\u%04x)"), c);
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
  g_string_append_unichar (out, c);
  return TRUE;
}

static gboolean
read_escape (StJson *json, GString *out)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const char *found;

  json->at++;
  if (json->at >= json->end)
    return fail_expected (json, _ ("an escape"));
  if (*json->at == 'u')
    {
      json->at++;
      return read_unicode_escape (json, out);
    }
  found = *json->at != 0 ? strchr (from, *json->at) : NULL;
  if (found == NULL)
    return fail_expected (json, _ ("an escape"));
  g_string_append_c (out, to[found - from]);
  json->at++;
  return TRUE;
}

/* From the first character that is no plain one: a copy is needed. */
static gboolean
read_escaped_string (StJson *json, const char *first, StJsonString *string)
{
  if (json->scratch == NULL)
    json->scratch = g_string_new (NULL);
  g_string_truncate (json->scratch, 0);
  for (;;)
    {
      const char *p = json->at;

      while (p < json->end && *p != '"' && *p != '\\' && (guchar) *p >= 0x20)
        p++;
      g_string_append_len (json->scratch, first, p - first);
      json->at = p;
      if (p >= json->end)
        return fail_expected (json, _ ("the end of a string"));
      if ((guchar) *p < 0x20)
        return st_json_fail (json, _ ("control character 0x%02X inside a string"),
                             (guchar) *p);
      if (*p == '"')
        break;
      if (!read_escape (json, json->scratch))
        return FALSE;
      first = json->at;
    }
  json->at++;
  string->text = json->scratch->str;
  string->length = json->scratch->len;
  return TRUE;
}

gboolean
st_json_string (StJson *json, StJsonString *string)
{
  const char *p, *first;

  if (st_json_peek (json) != '"')
    return fail_expected (json, _ ("a string"));
  first = p = json->at + 1;
  while (p < json->end && *p != '"' && *p != '\\' && (guchar) *p >= 0x20)
    p++;
  json->at = p;
  if (p >= json->end || *p != '"')
    return read_escaped_string (json, first, string);
  string->text = first;
  string->length = p - first;
  json->at = p + 1;
  return TRUE;
}

/* serde_json's rule for "number out of range", digit for digit, so that a number at the
 * very edge gets the same verdict: digits go into 64 bits until the next would not fit;
 * after that, digits before the point only raise the exponent and digits behind it are
 * dropped; the result is scaled by powers of ten from one table up to 1e308. */
static gboolean
in_range (guint64 significand, gint64 exponent)
{
  char power[8];

  if (significand == 0 || exponent + 20 < 308)
    return TRUE;
  if (exponent > 308)
    return FALSE;
  g_snprintf (power, sizeof power, "1e%d", (int) exponent);
  return isfinite ((double) significand * g_ascii_strtod (power, NULL));
}

static gboolean
read_digits (StJson *json, const char *what)
{
  if (json->at >= json->end || !g_ascii_isdigit (*json->at))
    return fail_expected (json, what);
  while (json->at < json->end && g_ascii_isdigit (*json->at))
    json->at++;
  return TRUE;
}

static gboolean
add_digit (guint64 *significand, char digit)
{
  const guint64 d = (guint64) (digit - '0');

  if (*significand > (G_MAXUINT64 - d) / 10)
    return FALSE;
  *significand = *significand * 10 + d;
  return TRUE;
}

static gboolean
read_exponent (StJson *json, gint64 *exponent)
{
  gboolean negative = FALSE;
  gint64 value = 0;
  const char *digits;

  json->at++;
  if (json->at < json->end && (*json->at == '+' || *json->at == '-'))
    negative = *json->at++ == '-';
  digits = json->at;
  if (!read_digits (json, "a digit of the exponent"))
    return FALSE;
  for (const char *p = digits; p < json->at; p++)
    value = MIN (value * 10 + (*p - '0'), G_MAXINT32);
  *exponent += negative ? -value : value;
  return TRUE;
}

static gboolean
skip_number (StJson *json)
{
  guint64 significand = 0;
  gint64 exponent = 0;
  const char *digits;
  gboolean full = FALSE;

  if (*json->at == '-')
    json->at++;
  digits = json->at;
  if (!read_digits (json, "a digit"))
    return FALSE;
  if (*digits == '0' && json->at > digits + 1)
    return st_json_fail (json, _ ("a number begins with 0"));
  for (const char *p = digits; p < json->at; p++)
    {
      full = full || !add_digit (&significand, *p);
      exponent += full;
    }
  if (json->at < json->end && *json->at == '.')
    {
      digits = ++json->at;
      if (!read_digits (json, "a digit after the point"))
        return FALSE;
      full = FALSE;
      for (const char *p = digits; p < json->at && !full; p++)
        {
          full = !add_digit (&significand, *p);
          exponent -= !full;
        }
    }
  if (json->at < json->end && (*json->at == 'e' || *json->at == 'E')
      && !read_exponent (json, &exponent))
    return FALSE;
  if (!in_range (significand, exponent))
    return st_json_fail (json, _ ("a number is out of range"));
  return TRUE;
}

gboolean
st_json_uint (StJson *json, guint64 *value)
{
  const char *digits;

  *value = 0;
  st_json_peek (json);
  if (json->at >= json->end || !g_ascii_isdigit (*json->at))
    return fail_expected (json, _ ("an integer from 0 to 18446744073709551615"));
  for (digits = json->at; json->at < json->end && g_ascii_isdigit (*json->at); json->at++)
    if (!add_digit (value, *json->at))
      return st_json_fail (json, _ ("an integer is above 18446744073709551615"));
  if (*digits == '0' && json->at > digits + 1)
    return st_json_fail (json, _ ("a number begins with 0"));
  if (json->at < json->end && (*json->at == '.' || *json->at == 'e' || *json->at == 'E'))
    return st_json_fail (json, _ ("a number that is not an integer"));
  return TRUE;
}

static gboolean
skip_word (StJson *json, const char *word)
{
  for (; *word != 0; word++, json->at++)
    if (json->at >= json->end || *json->at != *word)
      return fail_expected (json, _ ("a value"));
  return TRUE;
}

gboolean
st_json_null (StJson *json)
{
  st_json_peek (json);
  return skip_word (json, "null");
}

/* Recursion is bounded by MAX_DEPTH. */
gboolean
st_json_skip (StJson *json)
{
  StJsonString string;
  const char c = st_json_peek (json);

  switch (c)
    {
    case '"':
      return st_json_string (json, &string);
    case '{':
    case '[':
      if (!st_json_open (json, c))
        return FALSE;
      for (gsize i = 0; st_json_next (json, c == '{' ? '}' : ']', i); i++)
        if ((c == '{' && !st_json_key (json, &string)) || !st_json_skip (json))
          return FALSE;
      return json->fault == NULL;
    case 't':
      return skip_word (json, "true");
    case 'f':
      return skip_word (json, "false");
    case 'n':
      return skip_word (json, "null");
    default:
      if (c == '-' || g_ascii_isdigit (c))
        return skip_number (json);
      return fail_expected (json, _ ("a value"));
    }
}

gboolean
st_json_finish (StJson *json)
{
  st_json_peek (json);
  if (json->at < json->end)
    return fail_expected (json, _ ("the end of the text"));
  return TRUE;
}

gboolean
st_json_equal (const StJsonString *string, const char *literal)
{
  return string->length == strlen (literal)
         && memcmp (string->text, literal, string->length) == 0;
}
