/* sd-names.h: one name for each weight, however the file spells it
 *
 * Private to the room. The networks are built with the names of a Stable Diffusion single
 * file ("model.diffusion_model.input_blocks.0.0.weight"); a file may spell them so, or as
 * a diffusers folder does ("unet/conv_in.weight").
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st.h"

/* Where the parts begin in single-file spelling. */
#define SD_NAMES_UNET "model.diffusion_model."
#define SD_NAMES_VAE "first_stage_model."
#define SD_NAMES_TEXT "cond_stage_model.transformer.text_model."

typedef struct _SdNames SdNames;

/**
 * sd_names_new:
 * @model: kept alive by the map
 *
 * Reads names only. Thread: any; the map is immutable afterwards.
 */
SdNames *sd_names_new (StModel *model);
void sd_names_free (SdNames *names);

/**
 * sd_names_find:
 * @ldm_name: single-file spelling
 *
 * Returns: (nullable) (transfer none): the tensor, owned by the model
 */
const StModelTensor *sd_names_find (SdNames *names, const char *ldm_name);
gboolean sd_names_has (SdNames *names, const char *ldm_name);

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
