/* sd-script-private.h: the prompts of a run, taken apart: who says what, and when
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-engine-private.h"
#include "sd/sd-prompt.h"

/* ---- sd-embedding.c ---- */

/* Of a textual inversion. */
typedef struct
{
  char *name;
  guint n; /* vectors, 1 … 75 */
  guint widths[2];
  float *values[2]; /* [n][width], of each text encoder */
} SdVectors;

/** sd_vectors_new: reads and checks the file; @widths: [n_texts]: of the text encoders.
 * Errors name the file and what does not fit */
SdVectors *sd_vectors_new (const SdEmbedding *embedding,
                           const guint *widths,
                           guint n_texts,
                           GError **error);
void sd_vectors_free (gpointer vectors);

/* ---- sd-script.c ---- */

/* A text that is encoded: each one once for each voice. */
typedef struct
{
  char *text;
  GArray *chunks; /* SdPromptChunk */
  guint times;    /* how many cues say it */
} SdLine;

/* What is avoided, or one of the prompts joined by AND. */
typedef struct
{
  double weight;
  GPtrArray *cues; /* SdPromptCue */
  guint *lines;    /* [cues->len]: what each says */
  guint first, n;  /* its lines */
  guint chunks;    /* of the longest of them */
} SdVoice;

typedef struct
{
  SdGrammar grammar;
  SdEmphasis emphasis;
  GPtrArray *vectors; /* SdVectors */
  GPtrArray *voices;  /* SdVoice; the first is what is avoided, where there is guidance */
  GPtrArray *lines;   /* SdLine */
  guint calls;        /* of the network, in a step */
  guint prompts;      /* that are predicted for in each: see SdRun */
  SdShape shape;
} SdScript;

/**
 * sd_script_new: reads the prompts of @params, and the files of its embeddings
 * @engine: of which only the text encoders' widths are asked
 * @warnings: (nullable) (element-type utf8): gains sentences
 *
 * Errors: %SD_ERROR_PARAMETER: longer, or changing more often, than can be computed
 */
SdScript *sd_script_new (const SdEngine *engine,
                         SdTokenizer *tokenizer,
                         const SdParams *params,
                         GPtrArray *warnings,
                         GError **error);
void sd_script_free (SdScript *script);
/** sd_script_voice: whose words prompt @index is, 0 … prompts - 1 */
guint sd_script_voice (const SdScript *script, guint prompt);
/** sd_script_line: the line of a prompt at a call of the network */
guint sd_script_line (const SdScript *script, guint prompt, guint call);
/** sd_script_names: (transfer full): names of the embeddings that are said, ", " between
 * them; "" for none */
char *sd_script_names (const SdScript *script);
/** sd_script_words: (transfer full): the words of what is wanted, without the grammar */
char *sd_script_words (const SdScript *script);

/* ---- sd-script-encode.c, sd-script-weight.c ---- */

/**
 * sd_script_encode: what each line is to the UNet
 * @contexts: (out caller-allocates): [lines]; values freed with g_free
 * @pooled: [lines][pooled width], NULL where there is none
 */
gboolean sd_script_encode (const SdScript *script,
                           SdEngine *engine,
                           guint clip_skip,
                           SdContext *contexts,
                           float *pooled,
                           const BaseTask *task,
                           GError **error);

/* A chunk's vectors of one encoder, with those of others between them. */
typedef struct
{
  float *values; /* the first vector */
  guint width, stride;
  const SdPromptChunk *chunk; /* NULL: an empty one */
  guint times;
} SdChunkVectors;

/** sd_weight_multiply: A1111's: each vector times its weight; @restore: then all of them
 * so that their mean is what it was */
void sd_weight_multiply (const SdChunkVectors *chunks, guint n, gboolean restore);
/** sd_weight_interpolate: ComfyUI's: from those of the empty text (@empty, as @chunk) */
void sd_weight_interpolate (const SdChunkVectors *chunk, const float *empty);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdScript, sd_script_free)
