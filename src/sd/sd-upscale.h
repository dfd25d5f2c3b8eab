/* sd-upscale.h: pictures made larger by networks of the user's
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

typedef struct _SdUpscaler SdUpscaler; /* one thread at a time; all of it blocks */

/**
 * sd_upscaler_new: of ESRGAN's kind (Wang et al. 2018, 2021; in any of its three
 * spellings, with pixel unshuffle too) and Real-ESRGAN's compact one
 * @device: -1: the best; -2: the plain C reference
 * @memory: bytes of device memory that may be taken; 0: as much as there is
 *
 * Errors: %SD_ERROR_NOT_A_MODEL, %SD_ERROR_MISSING_PART, %SD_ERROR_UNSUPPORTED: the file;
 * %GPU_ERROR: the device
 */
SdUpscaler *sd_upscaler_new (StModel *model,
                             int device,
                             SdPrecision precision,
                             guint64 memory,
                             const BaseTask *task,
                             GError **error);
void sd_upscaler_free (SdUpscaler *upscaler);
/** sd_upscaler_scale: how many times longer sides become: 1 … 8 */
guint sd_upscaler_scale (const SdUpscaler *upscaler);
/** sd_upscaler_set_tile: pieces of @side pixels at most; 0: chosen by the memory */
void sd_upscaler_set_tile (SdUpscaler *upscaler, guint side);
/**
 * sd_upscaler_run:
 * @image: any size; of 4 channels the alpha is enlarged by itself
 *
 * In pieces where it is large; progress as "upscale". Errors: %SD_ERROR_PARAMETER: the
 * result would be too large; %SD_ERROR_NOT_FINITE; no memory even for the smallest piece
 *
 * Returns: (transfer full) (nullable): @image's channels, scale times its sides
 */
ImageBuffer *sd_upscaler_run (SdUpscaler *upscaler,
                              const ImageBuffer *image,
                              const BaseTask *task,
                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdUpscaler, sd_upscaler_free)
