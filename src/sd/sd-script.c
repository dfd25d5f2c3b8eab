/* sd-script.c: the prompts of a run, taken apart: who says what, and when
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-script-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_BYTES (64u << 10) /* of a prompt */
#define MAX_CHUNKS 64u        /* of a prompt: 4800 tokens */
#define MAX_LINES 64u         /* texts that are encoded for one picture */
/* Two prompts of different lengths go in one pass where neither is repeated more often.
 */
#define MAX_REPEATS 4

/* ---- memory ---- */

static void
line_free (gpointer data)
{
  SdLine *line = data;
  g_free (line->text);
  g_clear_pointer (&line->chunks, g_array_unref);
  g_free (line);
}

static void
voice_free (gpointer data)
{
  SdVoice *voice = data;
  g_clear_pointer (&voice->cues, g_ptr_array_unref);
  g_free (voice->lines);
  g_free (voice);
}

void
sd_script_free (SdScript *script)
{
  if (script == NULL)
    return;
  g_ptr_array_unref (script->vectors);
  g_ptr_array_unref (script->voices);
  g_ptr_array_unref (script->lines);
  g_free (script);
}

/* ---- embeddings ---- */

/* Those that do not fit are told and left out: the word is a word then. */
static void
load_vectors (SdScript *script,
              const SdEngine *engine,
              const SdParams *params,
              GPtrArray *warnings)
{
  guint n = sd_engine_n_texts (engine), widths[2] = { 0 };

  for (guint i = 0; i < n; i++)
    widths[i] = sd_text_width (engine->texts[i]);
  for (guint i = 0; params->embeddings != NULL && i < params->embeddings->len; i++)
    {
      const SdEmbedding *embedding = params->embeddings->pdata[i];
      g_autoptr (GError) fault = NULL;
      SdVectors *vectors = embedding->path != NULL && *embedding->name != '\0'
                               ? sd_vectors_new (embedding, widths, n, &fault)
                               : NULL;
      if (vectors != NULL)
        g_ptr_array_add (script->vectors, vectors);
      else if (fault != NULL && warnings != NULL)
        g_ptr_array_add (warnings, g_strdup (fault->message));
    }
}

/* ---- networks ---- */

/* What is known of it is told where it is applied. */
static gboolean
is_known (const SdParams *params, const char *name)
{
  for (guint i = 0; params->loras != NULL && i < params->loras->len; i++)
    if (g_strcmp0 (((SdLora *) params->loras->pdata[i])->name, name) == 0)
      return TRUE;
  return FALSE;
}

static char *
without_networks (const SdParams *params, const char *text, GPtrArray *warnings)
{
  g_autoptr (GPtrArray) loras
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  char *rest;

  if (params->grammar == SD_GRAMMAR_PLAIN)
    return g_strdup (text);
  rest = sd_prompt_take_networks_full (text, loras, warnings);
  for (guint i = 0; warnings != NULL && i < loras->len; i++)
    {
      const SdLora *lora = loras->pdata[i];
      if (!is_known (params, lora->name))
        g_ptr_array_add (
            warnings, g_strdup_printf (_ ("The LoRA “%s” was not found: it is left out"),
                                       lora->name));
    }
  return rest;
}

/* ---- lines ---- */

typedef struct
{
  SdScript *script;
  SdTokenizer *tokenizer;
  SdPromptWord *words;
  GPtrArray *warnings; /* (nullable) */
} Writer;

static guint
find_line (const SdScript *script, const SdVoice *voice, const char *text)
{
  guint i;
  for (i = voice->first; i < script->lines->len; i++)
    if (g_str_equal (((SdLine *) script->lines->pdata[i])->text, text))
      break;
  return i;
}

static gboolean
add_line (Writer *w, SdVoice *voice, const char *text, GError **error)
{
  SdScript *script = w->script;
  guint count;
  SdLine *line = g_new0 (SdLine, 1);

  g_ptr_array_add (script->lines, line);
  line->text = g_strdup (text);
  line->chunks = sd_prompt_chunks (w->tokenizer, text, script->grammar, script->emphasis,
                                   w->words, script->vectors->len, &count);
  voice->n++;
  voice->chunks = MAX (voice->chunks, line->chunks->len);
  if (line->chunks->len > MAX_CHUNKS)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                   _ ("The prompt has %u tokens; at most %u can be taken"), count,
                   MAX_CHUNKS * SD_CHUNK_TOKENS);
      return FALSE;
    }
  if (script->lines->len > MAX_LINES)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                   _ ("The prompt changes into more than %u different texts"), MAX_LINES);
      return FALSE;
    }
  return TRUE;
}

/* @cues is taken. */
static gboolean
add_voice (Writer *w, double weight, GPtrArray *cues, GError **error)
{
  SdVoice *voice = g_new0 (SdVoice, 1);

  g_ptr_array_add (w->script->voices, voice);
  voice->weight = weight;
  voice->cues = cues;
  voice->lines = g_new (guint, cues->len);
  voice->first = w->script->lines->len;
  for (guint i = 0; i < cues->len; i++)
    {
      const char *text = ((const SdPromptCue *) cues->pdata[i])->text;
      guint line = find_line (w->script, voice, text);
      if (line == w->script->lines->len && !add_line (w, voice, text, error))
        return FALSE;
      ((SdLine *) w->script->lines->pdata[line])->times++;
      voice->lines[i] = line;
    }
  return TRUE;
}

static GPtrArray *
plain_cues (const char *text)
{
  g_autoptr (GPtrArray) voices = sd_prompt_voices_plain (text);
  return g_ptr_array_ref (((SdPromptVoice *) voices->pdata[0])->cues);
}

static gboolean
add_voices (Writer *w,
            const SdParams *params,
            const SdInfo *info,
            const char *prompt,
            const char *negative,
            GError **error)
{
  guint calls = params->steps * w->script->calls;
  gboolean scheduled = params->grammar == SD_GRAMMAR_A1111;
  g_autoptr (GPtrArray) voices
      = scheduled ? sd_prompt_voices (prompt, calls) : sd_prompt_voices_plain (prompt);
  const SdPromptVoice *only = voices->pdata[0];
  guint passes = sd_params_passes (params, info);
  gboolean guided = passes > 1 || voices->len > 1 || only->weight != 1.0;

  if (passes > 2 && voices->len > 1)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                   _ ("An instruction is one prompt: “AND” cannot join several"));
      return FALSE;
    }
  if (voices->len == 1 && only->weight != 1.0 && w->warnings != NULL)
    g_ptr_array_add (w->warnings,
                     g_strdup_printf (_ ("The prompt ends with “:%g”: its guidance is "
                                         "multiplied by that. Where it is text, close "
                                         "the prompt with a comma"),
                                      only->weight));
  if (guided
      && !add_voice (w, 1.0,
                     scheduled ? sd_prompt_cues (negative, calls) : plain_cues (negative),
                     error))
    return FALSE;
  for (guint i = 0; i < voices->len; i++)
    {
      const SdPromptVoice *voice = voices->pdata[i];
      if (!add_voice (w, voice->weight, g_ptr_array_ref (voice->cues), error))
        return FALSE;
    }
  w->script->prompts = MAX (passes, guided + voices->len);
  w->script->shape.n = MIN (w->script->prompts, MAX (passes, 2));
  return TRUE;
}

/* ---- shape ---- */

static guint
common_multiple (guint a, guint b)
{
  guint x = a, y = b;
  while (y != 0)
    {
      guint rest = x % y;
      x = y;
      y = rest;
    }
  return a / x * b;
}

static void
find_shape (SdScript *script)
{
  SdShape *shape = &script->shape;
  guint of[2] = { 0, 0 }; /* the first voice, and the longest of the others */

  for (guint i = 0; i < script->voices->len; i++)
    of[MIN (i, 1)] = MAX (of[MIN (i, 1)], ((SdVoice *) script->voices->pdata[i])->chunks);
  guint second = of[1] != 0 ? of[1] : of[0], all = common_multiple (of[0], second);
  shape->apart = script->voices->len > 2 || all > MAX_REPEATS * MIN (of[0], second);
  shape->passes = shape->apart ? script->prompts : 0;
  for (guint i = 0; i < SD_MAX_PROMPTS; i++)
    shape->chunks[i] = !shape->apart                                      ? all
                       : i < shape->n && sd_script_voice (script, i) == 0 ? of[0]
                                                                          : second;
}

static gboolean
check_length (const char *text, GError **error)
{
  if (strlen (text) <= MAX_BYTES)
    return TRUE;
  g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
               _ ("The prompt is %u bytes long; at most %u can be taken"),
               (guint) MIN (strlen (text), G_MAXUINT), MAX_BYTES);
  return FALSE;
}

SdScript *
sd_script_new (const SdEngine *engine,
               SdTokenizer *tokenizer,
               const SdParams *params,
               GPtrArray *warnings,
               GError **error)
{
  g_autoptr (SdScript) script = g_new0 (SdScript, 1);
  const char *prompt = params->prompt != NULL ? params->prompt : "";
  const char *negative = params->negative != NULL ? params->negative : "";
  g_autofree SdPromptWord *words = NULL;

  script->grammar = params->grammar;
  script->emphasis = params->emphasis;
  script->calls = params->sampler == SAMPLER_HEUN ? 2 : 1;
  script->vectors = g_ptr_array_new_with_free_func (sd_vectors_free);
  script->voices = g_ptr_array_new_with_free_func (voice_free);
  script->lines = g_ptr_array_new_with_free_func (line_free);
  if (!check_length (prompt, error) || !check_length (negative, error))
    return NULL;
  g_autofree char *wanted = without_networks (params, prompt, warnings);
  g_autofree char *unwanted = without_networks (params, negative, NULL);
  load_vectors (script, engine, params, warnings);
  words = g_new (SdPromptWord, script->vectors->len + 1);
  for (guint i = 0; i < script->vectors->len; i++)
    {
      const SdVectors *vectors = script->vectors->pdata[i];
      words[i] = (SdPromptWord){ vectors->name, vectors->n };
    }
  Writer w = { script, tokenizer, words, warnings };
  if (!add_voices (&w, params, engine->info, wanted, unwanted, error))
    return NULL;
  find_shape (script);
  return g_steal_pointer (&script);
}

guint
sd_script_voice (const SdScript *script, guint prompt)
{
  /* Of three with guidance by a picture the first two avoid the same. */
  guint same = script->prompts - script->voices->len;
  return prompt > same ? prompt - same : 0;
}

guint
sd_script_line (const SdScript *script, guint prompt, guint call)
{
  const SdVoice *v = script->voices->pdata[sd_script_voice (script, prompt)];
  return v->lines[sd_prompt_cue_at (v->cues, call)];
}

static gboolean
is_said (const SdScript *script, gint word)
{
  for (guint i = 0; i < script->lines->len; i++)
    {
      const SdLine *line = script->lines->pdata[i];
      for (guint c = 0; c < line->chunks->len; c++)
        {
          const SdPromptChunk *chunk = &g_array_index (line->chunks, SdPromptChunk, c);
          for (guint k = 0; k < chunk->n; k++)
            if (chunk->tokens[k].word == word)
              return TRUE;
        }
    }
  return FALSE;
}

char *
sd_script_names (const SdScript *script)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < script->vectors->len; i++)
    if (is_said (script, (gint) i))
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "",
                              ((SdVectors *) script->vectors->pdata[i])->name);
  return g_string_free (names, FALSE);
}

char *
sd_script_words (const SdScript *script)
{
  GString *words = g_string_new (NULL);

  for (guint v = script->voices->len > 1; v < script->voices->len; v++)
    {
      const SdVoice *voice = script->voices->pdata[v];
      for (guint i = 0; i < voice->n; i++)
        {
          const SdLine *line = script->lines->pdata[voice->first + i];
          g_autoptr (GPtrArray) pieces
              = sd_prompt_pieces (line->text, script->grammar, script->emphasis);
          for (guint k = 0; k < pieces->len; k++)
            {
              const char *text = ((SdPromptPiece *) pieces->pdata[k])->text;
              g_string_append_printf (words, "%s ", text);
            }
        }
    }
  return g_string_free (words, FALSE);
}
