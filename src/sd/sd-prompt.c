/* sd-prompt.c: from a prompt to the 77 tokens that the text encoder takes
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gi18n-lib.h>

#define MAX_WORDS (SD_TEXT_TOKENS - 2)

void
sd_prompt_ids (SdRun *run, const char *text, gboolean negative, guint *ids, guint stride)
{
  g_autoptr (GArray) offsets = NULL;
  g_autoptr (GArray) tokens
      = sd_tokenizer_encode (run->engine->tokenizer, text, &offsets);
  guint used = MIN (tokens->len, MAX_WORDS);

  for (guint i = 0; i < sd_engine_n_texts (run->engine); i++)
    sd_text_fill (run->engine->texts[i], (const guint *) tokens->data, tokens->len,
                  ids + i * stride);
  if (tokens->len <= used)
    return;
  const char *rest = text + g_array_index (offsets, gsize, used);
  const char *format
      = negative
            ? _ ("What to avoid has %u tokens; the first %u are used. Left out: “%s”")
            : _ ("The prompt has %u tokens; the first %u are used. Left out: “%s”");
  sd_run_warn (run, g_strdup_printf (format, tokens->len, used, rest));
}

void
sd_prompt_check_words (SdRun *run, const char *text)
{
  g_auto (GStrv) unknown = sd_unknown_words (run->engine->info, text, NULL);
  if (unknown == NULL)
    return;
  g_autofree char *words = g_strjoinv ("”, “", unknown);
  sd_run_warn (run, g_strdup_printf (_ ("The model was not taught: “%s”"), words));
}
