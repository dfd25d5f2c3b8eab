/* sd-engine-text.c: from tokens to the vectors of a prompt, and on to the keys and values
 * of the UNet
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static const SdStage stages[] = { SD_STAGE_TEXT, SD_STAGE_TEXT_2 };

/* ---- text encoders ---- */

/* The states at each one's end → @pooled. */
static gboolean
project (SdText *text,
         const float *rows,
         const SdTextRow *const *places,
         guint n,
         float *const *pooled,
         GError **error)
{
  guint own = sd_text_width (text), width = sd_text_projected (text);
  g_autofree float *ends = g_new (float, (gsize) n *own);
  g_autofree float *vectors = g_new (float, (gsize) n *width);

  for (guint i = 0; i < n; i++)
    memcpy (ends + (gsize) i * own,
            rows + ((gsize) i * SD_TEXT_TOKENS + sd_text_end (places[i]->ids)) * own,
            sizeof (float) * own);
  if (!sd_text_project (text, ends, n, vectors, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    memcpy (pooled[i], vectors + (gsize) i * width, sizeof (float) * width);
  return TRUE;
}

/* One encoder: its vectors to columns @first … of @context, whose rows are @width wide.
 */
static gboolean
encode_some (SdEngine *engine,
             guint encoder,
             guint layers,
             const SdTextRow *const *places,
             guint n,
             float *const *context,
             guint first,
             float *const *pooled,
             const BaseTask *task,
             GError **error)
{
  SdText *text = engine->texts[encoder];
  guint own = sd_text_width (text), width = sd_engine_context_width (engine);
  gsize each = (gsize) SD_TEXT_TOKENS * own;
  SdProgram *program = sd_engine_program (engine, stages[encoder], n, layers, 0, error);
  g_autofree float *rows
      = program != NULL ? nn_alloc (n * each, sizeof *rows, _ ("The text encoder"), error)
                        : NULL;

  if (rows == NULL)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!sd_text_embed (text, places[i], rows + i * each, error))
      return FALSE;
  if (!nn_state_write (program->in, rows, error)
      || !sd_engine_run_program (engine, program, NULL, task, error)
      || !sd_engine_read_state (engine, program, program->out, rows,
                                _ ("The text encoder"), error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    for (guint t = 0; t < SD_TEXT_TOKENS; t++)
      memcpy (context[i] + (gsize) t * width + first, rows + i * each + (gsize) t * own,
              sizeof (float) * own);
  if (program->extra == NULL)
    return TRUE;
  if (!sd_engine_read_state (engine, program, program->extra, rows,
                             _ ("The text encoder"), error))
    return FALSE;
  return project (text, rows, places, n, pooled, error);
}

/* Where memory is short, prompts go one by one. */
static gboolean
one_by_one (const SdEngine *engine, guint n)
{
  return engine->fit.split || n == 1;
}

gboolean
sd_engine_encode_rows (SdEngine *engine,
                       const SdTextRow *rows,
                       const guint *layers,
                       guint n,
                       float *context,
                       float *pooled,
                       const BaseTask *task,
                       GError **error)
{
  guint together = one_by_one (engine, n) ? 1 : 2, first = 0;
  gsize each = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (engine);
  gsize vector = sd_engine_pooled_width (engine);
  g_autofree float *spare = g_new (float, each + vector);

  for (guint e = 0; e < sd_engine_n_texts (engine); e++)
    {
      for (guint i = 0; i < n; i += together)
        {
          /* An odd one at the end goes twice: cheaper than a program of its own. */
          gboolean odd = together == 2 && i + 1 == n;
          guint j = odd ? i : i + together - 1;
          const SdTextRow *places[] = { rows + e * n + i, rows + e * n + j };
          float *to[] = { context + i * each, odd ? spare : context + j * each };
          float *one[] = { pooled != NULL ? pooled + i * vector : spare + each,
                           pooled != NULL && !odd ? pooled + j * vector : spare + each };
          if (!encode_some (engine, e, layers[e], places, together, to, first, one, task,
                            error))
            return FALSE;
        }
      first += sd_text_width (engine->texts[e]);
    }
  return TRUE;
}

gboolean
sd_engine_encode_tokens (SdEngine *engine,
                         const guint *ids,
                         guint n,
                         float *context,
                         float *pooled,
                         const BaseTask *task,
                         GError **error)
{
  guint texts = sd_engine_n_texts (engine), layers[2] = { 0 };
  g_autofree SdTextRow *rows = g_new0 (SdTextRow, texts * n);

  for (guint i = 0; i < texts * n; i++)
    memcpy (rows[i].ids, ids + i * SD_TEXT_TOKENS, sizeof rows[i].ids);
  for (guint i = 0; i < texts; i++)
    layers[i] = sd_text_layers (engine->texts[i], 0, SD_GRAMMAR_A1111);
  return sd_engine_encode_rows (engine, rows, layers, n, context, pooled, task, error);
}

/* ---- keys and values ---- */

gboolean
sd_engine_apart (const SdEngine *engine, guint n)
{
  return n > 1 && (engine->fit.split || engine->shape.apart);
}

/* @contexts one after another, each repeated to @chunks. Twice the same key takes half
 * the attention each time: repeated as a whole, a text weighs what it did. */
static gboolean
set_context (SdEngine *engine,
             SdSet set,
             const SdContext *contexts,
             guint n,
             const BaseTask *task,
             GError **error)
{
  SdProgram *program = sd_engine_program_of (engine, SD_STAGE_CONTEXT, set, 0, 0, error);
  if (program == NULL)
    return FALSE;
  guint chunks = engine->cross[set].chunks;
  gsize each = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (engine);
  g_autofree float *all = NULL;

  if (n > 1 || contexts->chunks != chunks)
    {
      all = nn_alloc (n * chunks * each, sizeof *all, _ ("The text encoder"), error);
      if (all == NULL)
        return FALSE;
      for (guint i = 0; i < n; i++)
        for (guint k = 0; k < chunks; k++)
          memcpy (all + (i * chunks + k) * each,
                  contexts[i].values + k % contexts[i].chunks * each,
                  sizeof (float) * each);
    }
  return nn_state_write (engine->cross[set].context, all != NULL ? all : contexts->values,
                         error)
         && sd_engine_run_program (engine, program, NULL, task, error);
}

gboolean
sd_engine_set_context_of (SdEngine *engine,
                          SdSet set,
                          const SdContext *context,
                          const BaseTask *task,
                          GError **error)
{
  return set_context (engine, set, context, 1, task, error);
}

gboolean
sd_engine_set_contexts (SdEngine *engine,
                        const SdContext *contexts,
                        const BaseTask *task,
                        GError **error)
{
  guint n = engine->shape.n;

  if (!sd_engine_apart (engine, n))
    return set_context (engine, sd_set_of_all (n), contexts, n, task, error);
  for (guint i = 0; i < n; i++)
    if (!set_context (engine, sd_set_of_one (i), contexts + i, 1, task, error))
      return FALSE;
  return TRUE;
}

gboolean
sd_engine_set_context (
    SdEngine *engine, const float *context, guint n, const BaseTask *task, GError **error)
{
  gsize each = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (engine);
  SdShape shape = { .n = n, .chunks = { 1, 1, 1 } };
  SdContext contexts[SD_MAX_PROMPTS];

  for (guint i = 0; i < n; i++)
    contexts[i] = (SdContext){ context + i * each, 1 };

  sd_engine_set_shape (engine, &shape);
  return sd_engine_set_contexts (engine, contexts, task, error);
}
