/* sd-frame.h: the picture that a run begins from, as the model sees it and as the result
 * is put back into it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

/* The canvas is what the result is laid into: the picture, extended or resized. The model
 * sees a rectangle of it, scaled to the size that it makes: the view. */
typedef struct
{
  ImageBuffer *canvas; /* 3 channels */
  ImageMask *mask;     /* (nullable): of the canvas's size; NULL: all is made anew */
  ImageMask *fresh;    /* (nullable): likewise: where the canvas has nothing yet */
  guint x, y, w, h;    /* the rectangle; beyond the canvas its edges are repeated */
  guint width, height; /* of the view */
} SdFrame;

/** sd_frame_new: of @params, which have a source and were checked; SD_ERROR_PARAMETER,
 * NN_ERROR_MEMORY. Thread: any */
SdFrame *sd_frame_new (const SdParams *params, GError **error);
void sd_frame_free (SdFrame *frame);
/** sd_frame_view_mask: (transfer full) (nullable): of the view's size; NULL: no mask */
ImageMask *sd_frame_view_mask (const SdFrame *frame);
/**
 * sd_frame_view: what the model sees, without gaps
 * @fill: whether what lies below the mask is unknown too
 *
 * Returns: (transfer full) (nullable): NULL without memory
 */
ImageBuffer *sd_frame_view (const SdFrame *frame, gboolean fill);
/**
 * sd_frame_compose: the result: what was made, inside the canvas
 * @made: of the view's size, or of half of it: then the result is of half its size
 *
 * Where the mask is 0 the canvas's pixels stay as they are, where it is grey both are
 * mixed. Along the mask's edge the picture that was made is brought to the colours of the
 * canvas: what differs on the outer side is carried on to the inside.
 *
 * Returns: (transfer full) (nullable): NULL without memory
 */
ImageBuffer *sd_frame_compose (const SdFrame *frame, const ImageBuffer *made);

/** sd_mask_is_empty: whether nothing is masked */
gboolean sd_mask_is_empty (const ImageMask *mask);
/** sd_mask_cells: (transfer full): float[height/8][width/8]: the mean of each 8×8 pixels,
 * 0 … 1; rounded to 0 or 1 unless @soft, one half to 0 */
float *sd_mask_cells (const ImageMask *mask, gboolean soft);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdFrame, sd_frame_free)
