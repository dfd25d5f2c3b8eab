/* fuzz-prompt.c: prompts of any kind, read in every grammar
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "fuzz.h"
#include "sd/sd-prompt.h"

#include <math.h>
#include <string.h>

#define STEPS 7

static void
check_chunks (SdTokenizer *tokenizer, const char *text, SdGrammar grammar)
{
  static const SdPromptWord words[] = { { "cat", 2 }, { "a", 75 }, { "", 1 } };
  guint count;
  g_autoptr (GArray) chunks = sd_prompt_chunks (tokenizer, text, grammar, 0, words,
                                                G_N_ELEMENTS (words), &count);

  g_assert_cmpuint (chunks->len, >, 0);
  g_assert_cmpuint (count, <=, chunks->len * SD_CHUNK_TOKENS);
  for (guint i = 0; i < chunks->len; i++)
    {
      const SdPromptChunk *chunk = &g_array_index (chunks, SdPromptChunk, i);
      g_assert_cmpuint (chunk->n, <=, SD_CHUNK_TOKENS);
      for (guint k = 0; k < chunk->n; k++)
        {
          const SdPromptToken *token = &chunk->tokens[k];
          g_assert_cmpuint (token->id, <, 49408);
          g_assert_cmpint (token->word, <, (gint) G_N_ELEMENTS (words));
          g_assert_true (token->word < 0 || token->row < words[token->word].n);
        }
    }
}

static void
check_cues (const GPtrArray *cues)
{
  guint last = 0;
  g_assert_cmpuint (cues->len, >, 0);
  for (guint i = 0; i < cues->len; i++)
    {
      const SdPromptCue *cue = cues->pdata[i];
      g_assert_nonnull (cue->text);
      g_assert_cmpuint (cue->end, >, last);
      last = cue->end;
    }
  g_assert_cmpuint (last, ==, STEPS);
}

/* What an editor does with it, with a cursor and a selection somewhere. */
static void
check_edit (const char *text, gsize at)
{
  static const char *const known[] = { "cat", NULL };
  gsize length = strlen (text), begin = at % (length + 1);
  gsize end = begin + (length - begin) / 2;
  g_autofree char *words = sd_prompt_blank (text, known);
  g_autoptr (GArray) names = sd_prompt_networks (text);
  SdSpan typed;
  gboolean network;

  g_assert_cmpuint (strlen (words), ==, length);
  for (guint i = 0; i < names->len; i++)
    g_assert_cmpuint (g_array_index (names, SdSpan, i).end, <=, length);
  if (sd_prompt_typed (text, begin, &typed, &network))
    g_assert_cmpuint (typed.begin, <=, typed.end);
  for (int by = -1; by <= 1; by += 2)
    {
      gsize from = begin, to = by < 0 ? begin : end;
      g_autofree char *weighed = sd_prompt_weigh (text, &from, &to, by);
      g_assert_cmpuint (from, <=, to);
      g_assert_true (weighed == NULL || to <= strlen (weighed));
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static SdTokenizer *tokenizer;
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GPtrArray) loras
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *rest = sd_prompt_take_networks_full (text, loras, warnings);
  g_autoptr (GPtrArray) voices = sd_prompt_voices (text, STEPS);

  if (tokenizer == NULL)
    tokenizer = sd_tokenizer_new (NULL);
  g_assert_cmpuint (strlen (rest), <=, strlen (text));
  for (guint i = 0; i < loras->len; i++)
    g_assert_true (isfinite (((SdLora *) loras->pdata[i])->model));
  for (guint i = 0; i < voices->len; i++)
    check_cues (((SdPromptVoice *) voices->pdata[i])->cues);
  check_edit (text, size > 0 ? data[size / 2] : 0);
  for (guint grammar = 0; grammar < SD_N_GRAMMARS; grammar++)
    check_chunks (tokenizer, text, grammar);
  return 0;
}

GBytes *
fuzz_seed (guint i)
{
  static const char *const seeds[] = {
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))). \\(x\\) BREAK b:1.2 AND c :0.7",
    "[from:to:0.5] [a|b|c]d [e:3] [f::2] <lora:ink:0.8:te=1> # remark\n[[x:y:1]:z:5]",
    "embedding:cat, (embedding:a:1.2) ((w) cat:1.5), żółw, <hypernet:x:1>",
    "cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,cat,"
    "dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog,dog",
  };

  return i < G_N_ELEMENTS (seeds) ? g_bytes_new_static (seeds[i], strlen (seeds[i]))
                                  : NULL;
}
