/* sd-names.h: one name for each weight, however the file spells it, whichever file it is
 * in
 *
 * Private to the room. The networks are built with the names of a Stable Diffusion single
 * file ("model.diffusion_model.input_blocks.0.0.weight"); a file may spell them so, or as
 * a diffusers folder does ("unet/conv_in.weight").
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

/* Where the parts begin in single-file spelling. */
#define SD_NAMES_UNET "model.diffusion_model."
#define SD_NAMES_VAE "first_stage_model."
#define SD_NAMES_TEXT "cond_stage_model.transformer.text_model."
#define SD_NAMES_TAESD "taesd.decoder." /* ours: its file has bare numbers */
#define SD_NAMES_TEXT_2 "conditioner.embedders.1.transformer.text_model."

typedef struct _SdNames SdNames;

/**
 * sd_names_new:
 * @model: kept alive by the map
 *
 * Reads names only. Thread: any; the map is immutable afterwards.
 */
SdNames *sd_names_new (StModel *model);
/** sd_names_open: with those of its parts in other files, given or found; errors: what
 * was given does not open or is something else */
SdNames *sd_names_open (StModel *model, SdFamily family, GError **error);
/** sd_names_open_with: as sd_names_open, and @part from @path; (nullable): the model's
 * own
 */
SdNames *sd_names_open_with (
    StModel *model, SdFamily family, SdPart part, const char *path, GError **error);
void sd_names_free (SdNames *names);

/**
 * sd_names_find:
 * @ldm_name: single-file spelling
 *
 * Returns: (nullable) (transfer none): the tensor, owned by the model
 */
const StModelTensor *sd_names_find (SdNames *names, const char *ldm_name);
gboolean sd_names_has (SdNames *names, const char *ldm_name);
typedef void (*SdNamesFunc) (const char *ldm_name,
                             const StModelTensor *tensor,
                             gpointer user_data);
/** sd_names_foreach: in no order */
void sd_names_foreach (SdNames *names, SdNamesFunc func, gpointer user_data);
/** sd_names_add_part: @part from a file of its own, instead of what there was; kept alive
 *
 * Returns: FALSE where the part is not in it
 */
gboolean sd_names_add_part (SdNames *names, StModel *model, SdPart part);
/** sd_names_lend_part: @part as @from has it, which is taken; what was lent before goes
 */
void sd_names_lend_part (SdNames *names, SdNames *from, SdPart part);
gboolean sd_names_has_part (SdNames *names, SdPart part);
/** sd_names_n_models: of which pictures are made: all but TAESD */
guint sd_names_n_models (SdNames *names);
StModel *sd_names_model (SdNames *names, guint index); /* the first: the one opened */
/** sd_names_is_open_clip: text encoder @encoder (0 or 1) is spelled as OpenCLIP does */
gboolean sd_names_is_open_clip (SdNames *names, guint encoder);
/** sd_names_in_folder: the model is a diffusers folder */
gboolean sd_names_in_folder (SdNames *names);

/**
 * sd_names_matrix:
 * @tensor: a weight used as a matrix
 * @rows: (out): outputs
 * @cols: (out): inputs
 *
 * A linear layer is [rows][cols]; a 1×1 convolution [rows][cols][1][1] holds the same
 * bytes.
 *
 * Returns: FALSE where the shape is neither, or a side exceeds 2^31
 */
gboolean sd_names_matrix (const StTensor *tensor, guint *rows, guint *cols);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdNames, sd_names_free)
