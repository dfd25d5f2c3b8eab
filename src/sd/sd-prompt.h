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
