/* sd-run-private.h: one press of Generate, as its files see it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "base/base-json.h"
#include "sd/sd-frame.h"
#include "sd/sd-script-private.h"

/* What a run begins from besides noise. All NULL where that is all. */
typedef struct
{
  SdFrame *frame;
  float *mask;  /* [h][w]: what is made anew; NULL: all */
  float *init;  /* [n_init][4][h][w]: the picture's latents */
  guint n_init; /* 1, or the batch where they differ */
  float *cond;  /* [in_channels - 4][h][w]: what the UNet is told at each place */
  float *final; /* [batch][4][h][w]: after the last step, mixed with @init */
} SdBegin;

struct _SdRun
{
  SdEngine *engine; /* not owned */
  SdParams *params;
  guint h, w;    /* of the latents */
  guint steps;   /* that are made */
  guint prompts; /* in a pass: 2 with guidance: negative, prompt; 3 with one by a picture:
                    negative without it, negative, prompt; else 1. With prompts side by
                    side: their number and the negative */
  SdBegin begin;
  guint64 serial;
  gboolean noise_given;
  SdScript *script;
  SdContext *contexts;         /* [lines]; values owned */
  float *pooled;               /* [lines][pooled width]; NULL where the model has none */
  guint shown[SD_MAX_PROMPTS]; /* the lines whose keys and values the engine has, while
                                  it has ours */
  guint call;                  /* of the network, in this step */
  double *sigmas;              /* steps + 1 */
  float *rows; /* [steps][lines or 1][emb_total]: the time embedding at each sigma but
                  the last; with each line's label where there are labels */
  SamplerRun *sampler;
  GPtrArray *warnings; /* NULL-terminated */
};

/** sd_run_may_retry: whether what failed is worth trying again; says so to the user,
 * once; clears @fault then */
gboolean sd_run_may_retry (SdRun *run, GError **fault);

/* ---- sd-source.c, sd-run-source.c, sd-source-save.c ---- */

/** sd_source_check: the numbers of @params->source, where there is one */
gboolean sd_source_check (const SdParams *params, GError **error);

/** sd_source_schedule: the noise levels of a run's steps
 * @sigmas: (out) (transfer full): steps + 1 of them
 *
 * A1111: of n levels the last ⌊n·strength⌋ + 1, strength at most 0.999; with exact steps
 * n is ⌊steps / strength⌋, so that as many are made as were asked for. ComfyUI: of
 * ⌊steps / strength⌋ levels the last @steps.
 */
gboolean sd_source_schedule (const SdParams *params,
                             const SdInfo *info,
                             const SamplerLevels *levels,
                             double **sigmas,
                             guint *steps,
                             GError **error);
/** sd_run_frame: what needs no network: the frame, the mask in latents */
gboolean sd_run_frame (SdRun *run, GError **error);
/** sd_run_encode: the source's latents, and what the UNet is told of it */
gboolean sd_run_encode (SdRun *run, const BaseTask *task, GError **error);
/** sd_run_begin_latents: @x: [batch][4][h][w]: noise → where the first step begins */
gboolean sd_run_begin_latents (SdRun *run, float *x, GError **error);
/** sd_run_extra: for each prompt of a pass what it is told beside latents */
void sd_run_extra (const SdRun *run, const float *extra[SD_MAX_PROMPTS]);
/** sd_run_blend: @latents of picture @picture: outside the mask the source's; of models
 * that are not told of the mask */
void sd_run_blend (const SdRun *run, guint picture, float *latents);
/** sd_run_end: after the last step */
gboolean sd_run_end (SdRun *run, GError **error);
/** sd_run_compose: takes @made; NULL as @made, or without memory */
ImageBuffer *sd_run_compose (const SdRun *run, ImageBuffer *made, GError **error);
void sd_begin_clear (SdBegin *begin);
/** sd_source_tell: for the text that other programs read; where there is a source */
void sd_source_tell (const SdRun *run, ImageMeta *meta);
/** sd_source_write: for our own chunk: the member "init" */
void sd_source_write (const SdRun *run, BaseJson *json);
/** sd_begin_save: into what is kept of a run */
void sd_begin_save (const SdRun *run, GVariantDict *dict);
/** sd_source_load: (nullable): of a kept run; NULL without @error: it had none */
SdSource *sd_source_load (GVariantDict *dict, GError **error);
/** sd_begin_load: latents that were kept; after sd_run_frame() */
gboolean sd_begin_load (SdRun *run, GVariantDict *dict, GError **error);

/** sd_run_start: a run without its sampler: prompts encoded, schedule and times made */
SdRun *sd_run_start (SdEngine *engine,
                     const SdParams *params,
                     const BaseTask *task,
                     GError **error);
/** sd_run_warn: takes @text */
void sd_run_warn (SdRun *run, char *text);

/** sd_run_by_picture: whether there is guidance by a picture: three prompts, of which the
 * first two avoid the same */
gboolean sd_run_by_picture (const SdRun *run);

/* What a denoiser is given as user data. */
typedef struct
{
  SdRun *run;
  const BaseTask *task;
} SdDenoise;

/** sd_run_denoise: a #SamplerDenoiseFunc; @user_data: SdDenoise */
gboolean sd_run_denoise (
    const float *x, double sigma, float *denoised, gpointer user_data, GError **error);
