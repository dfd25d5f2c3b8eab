/* sd-upscale-private.h: networks that enlarge pictures, and how they are run
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn.h"
#include "sd/sd-upscale.h"

/* What the names and shapes of a file tell. */
typedef struct _SdUpscaleNet SdUpscaleNet;

/** sd_upscale_net_new: SD_ERROR_NOT_A_MODEL, SD_ERROR_MISSING_PART or
 * SD_ERROR_UNSUPPORTED where @model is none that can be run */
SdUpscaleNet *sd_upscale_net_new (StModel *model, GError **error);
void sd_upscale_net_free (SdUpscaleNet *net);
guint sd_upscale_net_scale (const SdUpscaleNet *net);
/** sd_upscale_net_unshuffle: pixels of a square that become channels first; the sides of
 * what is given must be multiples of it */
guint sd_upscale_net_unshuffle (const SdUpscaleNet *net);
/** sd_upscale_net_reach: how far away a pixel can be, in pixels of the picture, that
 * plays a part in another */
guint sd_upscale_net_reach (const SdUpscaleNet *net);
/** sd_upscale_net_set_context: weights belong to @context from now on; no program of a
 * former one may be left */
gboolean
sd_upscale_net_set_context (SdUpscaleNet *net, NnContext *context, GError **error);

/* A program for one size, with its states. */
typedef struct
{
  guint h, w; /* of the piece, in pixels of the picture */
  NnState *in, *out;
  NnProgram *program;
} SdUpscaleProgram;

SdUpscaleProgram *
sd_upscale_program_new (SdUpscaleNet *net, guint h, guint w, GError **error);
void sd_upscale_program_free (SdUpscaleProgram *program);
/** sd_upscale_program_run: @rgb: [h][w][3] in 0 … 1 → @out: [scale·h][scale·w][3] */
gboolean sd_upscale_program_run (SdUpscaleNet *net,
                                 SdUpscaleProgram *program,
                                 const float *rgb,
                                 float *out,
                                 const BaseTask *task,
                                 GError **error);

/** SdUpscaleRows: @rows: [n][scale·width][3], rows @first … of the result, from the top
 */
typedef void (*SdUpscaleRows) (const float *rows, guint first, guint n, gpointer data);

/** sd_upscaler_run_rows: as sd_upscaler_run, before anything is rounded; alpha plays no
 * part */
gboolean sd_upscaler_run_rows (SdUpscaler *upscaler,
                               const ImageBuffer *image,
                               SdUpscaleRows take,
                               gpointer data,
                               const BaseTask *task,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdUpscaleNet, sd_upscale_net_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdUpscaleProgram, sd_upscale_program_free)
