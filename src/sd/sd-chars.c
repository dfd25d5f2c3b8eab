/* sd-chars.c: a prompt's characters as CLIP's tokenizer sees them
 *
 * What is a letter, a number and a lower case comes from tables of our own and not from
 * GLib: its answers follow the Unicode version it was built with, g_utf8_strdown()
 * follows the locale (I becomes ı in Azerbaijani), and g_unichar_tolower() leaves Ⅷ and Ⓐ
 * alone, which the reference does not.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-chars.h"
#include "sd/sd-chars-data.h"

#include <string.h>

static gboolean
in_ranges (gunichar c, const guint32 ranges[][2], gsize n)
{
  gsize first = 0, last = n;
  while (first < last)
    {
      gsize middle = (first + last) / 2;
      if (c > ranges[middle][1])
        first = middle + 1;
      else
        last = middle;
    }
  return first < n && c >= ranges[first][0];
}

/* White_Space of Unicode, the \s of the reference. */
static gboolean
is_space (gunichar c)
{
  return (c >= 0x9 && c <= 0xd) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680
         || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f
         || c == 0x205f || c == 0x3000;
}

static SdCharKind
char_kind (gunichar c)
{
  if (is_space (c))
    return SD_CHAR_SPACE;
  if (c < 128)
    return g_ascii_isalpha (c)   ? SD_CHAR_LETTER
           : g_ascii_isdigit (c) ? SD_CHAR_NUMBER
                                 : SD_CHAR_OTHER;
  if (in_ranges (c, letters, G_N_ELEMENTS (letters)))
    return SD_CHAR_LETTER;
  return in_ranges (c, numbers, G_N_ELEMENTS (numbers)) ? SD_CHAR_NUMBER : SD_CHAR_OTHER;
}

static gunichar
char_lower (gunichar c)
{
  if (c < 128)
    return g_ascii_tolower (c);
  gsize first = 0, last = G_N_ELEMENTS (lower);
  while (first < last)
    {
      gsize middle = (first + last) / 2;
      if ((gint32) c > lower[middle][1])
        first = middle + 1;
      else
        last = middle;
    }
  if (first == G_N_ELEMENTS (lower) || (gint32) c < lower[first][0]
      || ((gint32) c - lower[first][0]) % lower[first][2] != 0)
    return c;
  return c + lower[first][3];
}

static void
add (GArray *chars, gunichar c, gsize at)
{
  SdChar lowered = { char_lower (c), SD_CHAR_OTHER, at };
  lowered.kind = char_kind (lowered.c);
  if (c == 0x130) /* İ: the one character whose lower case is two */
    lowered = (SdChar){ 'i', SD_CHAR_LETTER, at };
  g_array_append_val (chars, lowered);
  if (c == 0x130)
    {
      SdChar dot = { 0x307, SD_CHAR_OTHER, at };
      g_array_append_val (chars, dot);
    }
}

static gboolean
is_mark (gunichar c)
{
  return c >= 0x300 && in_ranges (c, marks, G_N_ELEMENTS (marks));
}

/* A mark that GLib would move and the reference does not. */
static gboolean
is_young_mark (gunichar c)
{
  return c >= 0x300 && g_unichar_combining_class (c) != 0 && !is_mark (c);
}

/* Whether @c may change or be changed by what stands before it in composition: marks, and
 * the vowels and final consonants of conjoining Hangul. */
static gboolean
joins_previous (gunichar c)
{
  return is_mark (c) || (c >= 0x1160 && c <= 0x11ff)
         || (c >= 0x300 && g_unichar_ismark (c) && !is_young_mark (c));
}

/* One character and all that join it. */
static void
add_group (GArray *chars, const char *group, gsize length, gsize at)
{
  g_autofree char *composed = g_utf8_normalize (group, (gssize) length, G_NORMALIZE_NFC);
  gboolean same = strncmp (composed, group, length) == 0 && composed[length] == '\0';
  for (const char *p = composed; *p != '\0'; p = g_utf8_next_char (p))
    add (chars, g_utf8_get_char (p), at + (same ? (gsize) (p - composed) : 0));
}

GArray *
sd_chars_normalize (const char *text, gsize length, gsize base)
{
  GArray *chars = g_array_new (FALSE, FALSE, sizeof (SdChar));
  gsize i = 0;
  while (i < length)
    {
      gunichar c = g_utf8_get_char_validated (text + i, (gssize) (length - i));
      if (c == (gunichar) -1 || c == (gunichar) -2)
        {
          add (chars, 0xfffd, base + i++);
          continue;
        }
      gsize end = i + g_unichar_to_utf8 (c, NULL);
      while (end < length && !is_young_mark (c))
        {
          gunichar next = g_utf8_get_char_validated (text + end, (gssize) (length - end));
          if (next == (gunichar) -1 || next == (gunichar) -2 || !joins_previous (next))
            break;
          end += g_unichar_to_utf8 (next, NULL);
        }
      if ((c < 128 && end == i + 1) || is_young_mark (c))
        add (chars, c, base + i);
      else
        add_group (chars, text + i, end - i, base + i);
      i = end;
    }
  return chars;
}
