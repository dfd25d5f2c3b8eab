/* sd-prompt.h: the grammar of prompts: what the text says beside its words
 *
 *     text → networks taken out (sd-prompt-networks.c)
 *          → prompts side by side, each with its cues (sd-prompt-schedule.c)
 *          → pieces with weights (sd-prompt-parse.c)
 *          → chunks of 75 tokens (sd-prompt-chunk.c)
 *
 * Pure text: no model is needed. Thread: any, everything here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

#define SD_CHUNK_TOKENS 75

/** sd_prompt_take_networks_full: as sd_prompt_take_networks
 * @warnings: (nullable) (element-type utf8): gains a sentence for each that is not
 * understood; such are left out of the text too */
char *
sd_prompt_take_networks_full (const char *prompt, GPtrArray *loras, GPtrArray *warnings);

/* ---- in time ---- */

/* What is said until, and with, call @end of the network; calls count from 0. */
typedef struct
{
  guint end;
  char *text;
} SdPromptCue;

/* One of the prompts joined by AND. */
typedef struct
{
  double weight;
  GPtrArray *cues; /* SdPromptCue, by @end; the last is for all the rest */
} SdPromptVoice;

/**
 * sd_prompt_cues: `[from:to:when]` and `[a|b]` of A1111's grammar: what the text is at
 * each step. Where they do not parse, the text is taken as it stands, as A1111 does
 * @steps: calls of the network in all: for samplers of second order twice the steps
 *
 * Returns: (transfer full) (element-type SdPromptCue): at least one
 */
GPtrArray *sd_prompt_cues (const char *text, guint steps);
/** sd_prompt_cue_at: the index of the cue for a call of the network */
guint sd_prompt_cue_at (const GPtrArray *cues, guint call);
/** sd_prompt_voices: (transfer full) (element-type SdPromptVoice): the prompts joined by
 * `AND`, each with a weight (`: 0.7` at its end); at least one */
GPtrArray *sd_prompt_voices (const char *text, guint steps);
/** sd_prompt_voices_plain: one voice with one cue, whatever the text is */
GPtrArray *sd_prompt_voices_plain (const char *text);

/* ---- weights ---- */

typedef struct
{
  char *text;
  double weight;
  gboolean ends_chunk; /* BREAK; then no text */
} SdPromptPiece;

/**
 * sd_prompt_pieces: runs of text of one weight, escapes resolved
 *
 * A1111: `( )` is 1.1 times, `[ ]` 1/1.1 times, `(text:1.3)` so many times what is around
 * it; ComfyUI: `( )` is 1.1 times, `(text:1.3)` is 1.3 whatever is around it.
 *
 * Returns: (transfer full) (element-type SdPromptPiece): at least one
 */
GPtrArray *sd_prompt_pieces (const char *text, SdGrammar grammar, SdEmphasis emphasis);

/* ---- chunks ---- */

/* A word that stands for vectors. */
typedef struct
{
  const char *name;
  guint n; /* vectors, 1 … 75 */
} SdPromptWord;

typedef struct
{
  guint32 id;
  float weight;
  gint word; /* index of the SdPromptWord; -1: a token */
  guint row; /* of its vectors */
} SdPromptToken;

typedef struct
{
  guint n;
  SdPromptToken tokens[SD_CHUNK_TOKENS];
} SdPromptChunk;

/**
 * sd_prompt_chunks: what the text encoder takes at a time
 *
 * A1111: where a chunk runs over and a comma is among its last 20 tokens, it ends after
 * that comma. ComfyUI: words of fewer than 8 tokens are not divided.
 * @words: (nullable): [n_words]
 * @count: (out) (optional): tokens, with what fills up all chunks but the last
 *
 * Returns: (transfer full) (element-type SdPromptChunk): at least one
 */
GArray *sd_prompt_chunks (SdTokenizer *tokenizer,
                          const char *text,
                          SdGrammar grammar,
                          SdEmphasis emphasis,
                          const SdPromptWord *words,
                          guint n_words,
                          guint *count);
/** sd_prompt_chunks_weighted: whether a token has another weight than 1 */
gboolean sd_prompt_chunks_weighted (const GArray *chunks);

/* ---- for an editor ---- */

/**
 * sd_prompt_weigh: changes the weight of what is selected, or of the word or brackets at
 * the cursor, by 0.1 as A1111's editor does (of a LoRA by 0.05)
 * @begin, @end: (inout): bytes of the selection; the same: a cursor
 * @by: 1 or -1
 *
 * Returns: (transfer full) (nullable): the new text; NULL: there is nothing to weigh
 */
char *sd_prompt_weigh (const char *text, gsize *begin, gsize *end, int by);
/** sd_prompt_blank: (transfer full): @text with spaces for what is not words: networks,
 * comments, BREAK, AND, and the @known (nullable) names; of the same length */
char *sd_prompt_blank (const char *text, const char *const *known);
/** sd_prompt_networks: (transfer full): #SdSpan of the names of LoRA */
GArray *sd_prompt_networks (const char *text);
/**
 * sd_prompt_typed: what stands before the cursor and may be the beginning of a name
 * @network: (out): of a LoRA, in `<lora:`; else of a word
 *
 * Returns: FALSE: nothing does
 */
gboolean
sd_prompt_typed (const char *text, gsize cursor, SdSpan *typed, gboolean *network);
/** sd_prompt_count: tokens, with what fills up all chunks but the last; of a prompt that
 * changes the most at any time */
guint sd_prompt_count (SdTokenizer *tokenizer, const char *text, SdGrammar grammar);
