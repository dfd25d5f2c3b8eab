/* sd-script-encode.c: from the lines of a script to contexts of the UNet
 *
 * All chunks of all lines are rows for the text encoders; of XL the vector for the whole
 * text is that of a line's first chunk.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-script-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  const SdScript *script;
  SdEngine *engine;
  guint n_rows;     /* of all lines; with ComfyUI's empty one behind them */
  gboolean compare; /* there is that one */
  SdTextRow *rows;  /* [text encoders][n_rows] */
  float *values;    /* [n_rows][77][width] */
  float *pooled;    /* [n_rows][pooled width] */
} Encoding;

static const SdPromptChunk *
chunk_of (const SdLine *line, guint index)
{
  return index < line->chunks->len ? &g_array_index (line->chunks, SdPromptChunk, index)
                                   : NULL;
}

static void
fill_row (const Encoding *e, guint encoder, const SdPromptChunk *chunk, SdTextRow *row)
{
  guint ids[SD_CHUNK_TOKENS] = { 0 }, n = chunk != NULL ? chunk->n : 0;

  for (guint i = 0; i < n; i++)
    ids[i] = chunk->tokens[i].id;
  sd_text_fill (e->engine->texts[encoder], ids, n, row->ids);
  for (guint i = 0; i < n; i++)
    if (chunk->tokens[i].word >= 0)
      {
        const SdVectors *v = e->script->vectors->pdata[chunk->tokens[i].word];
        row->vectors[1 + i]
            = v->values[encoder] + (gsize) chunk->tokens[i].row * v->widths[encoder];
      }
}

/* Where the rows of a voice begin: all its lines are as long as the longest. */
static guint
first_row (const SdScript *script, guint voice)
{
  guint row = 0;
  for (guint v = 0; v < voice; v++)
    {
      const SdVoice *before = script->voices->pdata[v];
      row += before->n * before->chunks;
    }
  return row;
}

static void
fill_rows (Encoding *e)
{
  const SdScript *s = e->script;

  for (guint t = 0; t < sd_engine_n_texts (e->engine); t++)
    {
      SdTextRow *row = e->rows + (gsize) t * e->n_rows;
      for (guint v = 0; v < s->voices->len; v++)
        {
          const SdVoice *voice = s->voices->pdata[v];
          for (guint i = 0; i < voice->n * voice->chunks; i++)
            fill_row (e, t,
                      chunk_of (s->lines->pdata[voice->first + i / voice->chunks],
                                i % voice->chunks),
                      row++);
        }
      if (e->compare)
        fill_row (e, t, NULL, row);
    }
}

/* ---- weights ---- */

/* Each chunk of a voice for itself, and each encoder; what is said at other steps counts
 * for the mean, as often as it is said. */
static void
weigh_voice (Encoding *e, guint index)
{
  const SdVoice *voice = e->script->voices->pdata[index];
  guint width = sd_engine_context_width (e->engine), first = 0;
  gsize each = (gsize) SD_TEXT_TOKENS * width;
  float *values = e->values + first_row (e->script, index) * each;
  const float *empty = e->values + (e->n_rows - 1) * each;
  g_autofree SdChunkVectors *chunks = g_new (SdChunkVectors, voice->n);

  for (guint t = 0; t < sd_engine_n_texts (e->engine); t++)
    {
      guint own = sd_text_width (e->engine->texts[t]);
      for (guint k = 0; k < voice->chunks; k++)
        {
          for (guint i = 0; i < voice->n; i++)
            {
              const SdLine *line = e->script->lines->pdata[voice->first + i];
              chunks[i]
                  = (SdChunkVectors){ values + (i * voice->chunks + k) * each + first,
                                      own, width, chunk_of (line, k), line->times };
              if (e->compare)
                sd_weight_interpolate (&chunks[i], empty + first);
            }
          if (e->script->grammar == SD_GRAMMAR_A1111)
            sd_weight_multiply (chunks, voice->n,
                                e->script->emphasis == SD_EMPHASIS_ORIGINAL);
        }
      first += own;
    }
}

/* ---- contexts ---- */

/* Prompts side by side are made as long as the longest by repeating the last vector. */
static gboolean
hand_out (const Encoding *e, SdContext *contexts, float *pooled, GError **error)
{
  const SdScript *s = e->script;
  guint width = sd_engine_context_width (e->engine);
  gsize vector = sd_engine_pooled_width (e->engine);

  for (guint v = 0; v < s->voices->len; v++)
    {
      const SdVoice *voice = s->voices->pdata[v];
      guint chunks = s->voices->len > 2 && v > 0 ? s->shape.chunks[1] : voice->chunks;
      gsize n = (gsize) SD_TEXT_TOKENS * voice->chunks;
      gsize all = (gsize) SD_TEXT_TOKENS * chunks;
      for (guint i = 0; i < voice->n; i++)
        {
          guint row = first_row (s, v) + i * voice->chunks;
          float *values
              = nn_alloc (all, width * sizeof *values, _ ("The text encoder"), error);
          if (values == NULL)
            return FALSE;
          contexts[voice->first + i] = (SdContext){ values, chunks };
          memcpy (values, e->values + (gsize) row * SD_TEXT_TOKENS * width,
                  n * width * sizeof *values);
          for (gsize k = n; k < all; k++)
            memcpy (values + k * width, values + (n - 1) * width, width * sizeof *values);
          if (pooled != NULL)
            memcpy (pooled + (voice->first + i) * vector, e->pooled + row * vector,
                    vector * sizeof *pooled);
        }
    }
  return TRUE;
}

static gboolean
find_layers (
    SdEngine *engine, guint clip_skip, SdGrammar grammar, guint *layers, GError **error)
{
  for (guint i = 0; i < sd_engine_n_texts (engine); i++)
    {
      layers[i] = sd_text_layers (engine->texts[i], clip_skip, grammar);
      if (layers[i] != 0)
        continue;
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                   _ ("CLIP skip %u: the model's text encoder has fewer layers"),
                   clip_skip);
      return FALSE;
    }
  return TRUE;
}

static gboolean
is_weighted (const SdScript *script)
{
  for (guint i = 0; i < script->lines->len; i++)
    if (sd_prompt_chunks_weighted (((SdLine *) script->lines->pdata[i])->chunks))
      return TRUE;
  return FALSE;
}

gboolean
sd_script_encode (const SdScript *script,
                  SdEngine *engine,
                  guint clip_skip,
                  SdContext *contexts,
                  float *pooled,
                  const BaseTask *task,
                  GError **error)
{
  guint layers[2];
  gboolean weighted = is_weighted (script) && script->emphasis != SD_EMPHASIS_IGNORE;
  Encoding e = { .script = script,
                 .engine = engine,
                 .compare = weighted && script->grammar == SD_GRAMMAR_COMFYUI };
  gsize each = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (engine);

  if (!find_layers (engine, clip_skip, script->grammar, layers, error))
    return FALSE;
  e.n_rows = first_row (script, script->voices->len) + e.compare;
  g_autofree SdTextRow *rows = g_new0 (SdTextRow, sd_engine_n_texts (engine) * e.n_rows);
  g_autofree float *values
      = nn_alloc (e.n_rows * each, sizeof *values, _ ("The text encoder"), error);
  g_autofree float *vectors
      = pooled != NULL ? g_new (float, (gsize) e.n_rows *sd_engine_pooled_width (engine))
                       : NULL;
  if (values == NULL)
    return FALSE;
  e.rows = rows;
  e.values = values;
  e.pooled = vectors;
  fill_rows (&e);
  if (!sd_engine_encode_rows (engine, rows, layers, e.n_rows, values, vectors, task,
                              error))
    return FALSE;
  for (guint v = 0; weighted && v < script->voices->len; v++)
    weigh_voice (&e, v);
  return hand_out (&e, contexts, pooled, error);
}
