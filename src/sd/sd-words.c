/* sd-words.c: the words of a prompt that a model was never taught
 *
 * A word is what the tokenizer takes for one: a run of letters, in lower case. Numbers
 * and punctuation are not judged, and neither is what follows an apostrophe in "it's".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd.h"
#include "sd/sd-chars.h"

#include <string.h>

static gboolean
is_contraction (const SdChar *chars, guint begin, guint end)
{
  static const char *const known[] = { "s", "t", "re", "ve", "m", "ll", "d" };
  if (begin == 0 || (chars[begin - 1].c != '\'' && chars[begin - 1].c != 0x2019))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      guint n = strlen (known[i]), k = 0;
      while (k < n && end - begin == n && chars[begin + k].c == (guchar) known[i][k])
        k++;
      if (k == n)
        return TRUE;
    }
  return FALSE;
}

static char *
word_text (const SdChar *chars, guint begin, guint end)
{
  GString *text = g_string_new (NULL);
  for (guint i = begin; i < end; i++)
    g_string_append_unichar (text, chars[i].c);
  return g_string_free (text, FALSE);
}

char **
sd_unknown_words (const SdInfo *info, const char *prompt, GArray **spans)
{
  GArray *places = g_array_new (FALSE, FALSE, sizeof (SdSpan));
  g_autoptr (GPtrArray) unknown = g_ptr_array_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  gsize length = strlen (prompt);
  g_autoptr (GArray) array = sd_chars_normalize (prompt, length, 0);
  const SdChar *chars = (const SdChar *) (gconstpointer) array->data;
  guint n = info->words == NULL ? 0 : array->len, end;
  for (guint begin = 0; begin < n; begin = end)
    {
      end = begin + 1;
      if (chars[begin].kind != SD_CHAR_LETTER)
        continue;
      while (end < n && chars[end].kind == SD_CHAR_LETTER)
        end++;
      g_autofree char *word = word_text (chars, begin, end);
      if (g_strv_contains ((const char *const *) info->words, word)
          || is_contraction (chars, begin, end))
        continue;
      SdSpan span = { chars[begin].at, end < n ? chars[end].at : length };
      g_array_append_val (places, span);
      if (!g_hash_table_contains (seen, word))
        {
          g_hash_table_add (seen, word);
          g_ptr_array_add (unknown, g_steal_pointer (&word));
        }
    }
  if (spans != NULL)
    *spans = g_steal_pointer (&places);
  g_clear_pointer (&places, g_array_unref);
  if (unknown->len == 0)
    return NULL;
  g_ptr_array_add (unknown, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&unknown), FALSE);
}
