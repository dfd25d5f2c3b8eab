/* sd-prompt.c: from a prompt to the 77 tokens that the text encoder takes
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <string.h>

#include "sd/sd-run-private.h"

#define TOKEN_BEGIN 49406
#define TOKEN_END 49407 /* also fills up, as SD 1.x was trained */
#define MAX_WORDS (SD_TEXT_TOKENS - 2)

void
sd_prompt_ids (SdRun *run, const char *text, const char *what, guint *ids)
{
  g_autoptr (GArray) offsets = NULL;
  g_autoptr (GArray) tokens = sd_tokenizer_encode (run->engine->tokenizer, text, &offsets);
  guint used = MIN (tokens->len, MAX_WORDS);

  ids[0] = TOKEN_BEGIN;
  for (guint i = 0; i < used; i++)
    ids[1 + i] = g_array_index (tokens, guint, i);
  for (guint i = 1 + used; i < SD_TEXT_TOKENS; i++)
    ids[i] = TOKEN_END;
  if (tokens->len > used)
    sd_run_warn (run, g_strdup_printf ("The %s has %u tokens; the first %u are used. Left out: “%s”",
                                       what, tokens->len, used,
                                       text + g_array_index (offsets, gsize, used)));
}

static gboolean
is_taught (char **words, const char *word)
{
  for (guint i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], word) == 0)
      return TRUE;
  return FALSE;
}

void
sd_prompt_check_words (SdRun *run, const char *text)
{
  char **taught = run->engine->info->words;
  if (taught == NULL)
    return;
  g_autoptr (GString) unknown = g_string_new (NULL);
  for (const char *p = text; *p != '\0';)
    {
      const char *start = p;
      while (*p != '\0' && (g_unichar_isalnum (g_utf8_get_char (p)) || *p == '\''))
        p = g_utf8_next_char (p);
      if (p == start)
        {
          p = g_utf8_next_char (p);
          continue;
        }
      /* Down-cased by ASCII alone: the same in every locale, and taught words are ASCII. */
      g_autofree char *given = g_strndup (start, p - start);
      g_autofree char *word = g_ascii_strdown (given, -1);
      if (!is_taught (taught, word))
        g_string_append_printf (unknown, "%s“%s”", unknown->len > 0 ? ", " : "", given);
    }
  if (unknown->len > 0)
    sd_run_warn (run, g_strdup_printf ("The model was not taught: %s", unknown->str));
}
