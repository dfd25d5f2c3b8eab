/* sd-run-private.h: one press of Generate, as its files see it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-engine-private.h"

struct _SdRun
{
  SdEngine *engine; /* not owned */
  SdParams *params;
  guint h, w;    /* of the latents */
  guint prompts; /* 2 with guidance: negative, prompt; else 1 */
  guint64 serial;
  gboolean noise_given;
  float *context; /* [prompts][77][width] */
  float *pooled;  /* [prompts][pooled width]; NULL where the model has none */
  double *sigmas; /* steps + 1 */
  float *rows;    /* [steps][embed_rows][emb_total]: the time embedding at each sigma but
                     the last */
  SamplerRun *sampler;
  GPtrArray *warnings; /* NULL-terminated */
};

/** sd_run_start: a run without its sampler: prompts encoded, schedule and times made */
SdRun *sd_run_start (SdEngine *engine,
                     const SdParams *params,
                     const BaseTask *task,
                     GError **error);
/** sd_run_warn: takes @text */
void sd_run_warn (SdRun *run, char *text);
/** sd_prompt_ids: of @text for every text encoder, that of encoder i at @ids + i ·
 * @stride; what is beyond 75 tokens becomes a warning */
void
sd_prompt_ids (SdRun *run, const char *text, gboolean negative, guint *ids, guint stride);
/** sd_prompt_check_words: warns of words that the model was never taught, where it says
 * which it was */
void sd_prompt_check_words (SdRun *run, const char *text);
