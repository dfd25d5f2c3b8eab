/* sd-upscale-private.h: networks that enlarge pictures, and how they are run
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn.h"
#include "sd/sd-upscale.h"

/* ---- sd-upscale-net.c: what the names and shapes of a file tell ---- */

typedef struct _SdUpscaleNet SdUpscaleNet;

#define SD_UPSCALE_DENSE 5 /* convolutions of a dense block */
#define SD_UPSCALE_MAX_CHANNELS 65536u

typedef enum
{
  SD_UPSCALE_BODY,       /* conv_first, body.0.rdb1.conv1 */
  SD_UPSCALE_TRUNK,      /* conv_first, RRDB_trunk.0.RDB1.conv1 */
  SD_UPSCALE_SEQUENTIAL, /* model.0, model.1.sub.0.RDB1.conv1.0 */
  SD_UPSCALE_COMPACT,    /* body.0, body.1 */
} SdUpscaleSpelling;

struct _SdUpscaleNet
{
  StModel *model;
  SdUpscaleSpelling spelling;
  guint blocks; /* compact: the last layer's number */
  guint ups, unshuffle, scale;
  NnContext *context;  /* not owned */
  GHashTable *weights; /* name → NnWeight, of the context */
  NnState *coefs;      /* what a block is added with */
};

typedef enum
{
  SD_UPSCALE_ROLE_FIRST,
  SD_UPSCALE_ROLE_TRUNK,
  SD_UPSCALE_ROLE_HR,
  SD_UPSCALE_ROLE_LAST
} SdUpscaleRole;

/* Names of layers, (transfer full), as this file spells them */

/** sd_upscale_dense_name: convolution @j (1 …) of dense block @k (1 … 3) of @block */
char *sd_upscale_dense_name (const SdUpscaleNet *net, guint block, guint k, guint j);
char *sd_upscale_role_name (const SdUpscaleNet *net, SdUpscaleRole role);
/** sd_upscale_up_name: the convolution after enlarging number @up */
char *sd_upscale_up_name (const SdUpscaleNet *net, guint up);
/** sd_upscale_find: (nullable): the tensor @name@suffix */
const StModelTensor *
sd_upscale_find (const SdUpscaleNet *net, const char *name, const char *suffix);

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
/* ---- sd-upscale-build.c ---- */

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

/* ---- sd-upscale.c ---- */

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
