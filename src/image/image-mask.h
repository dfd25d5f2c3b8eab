/* image-mask.h: painting and changing masks, with undo
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "image/image.h"

/* Pixels from (x, y) on; empty where a side is 0. Always inside the mask. */
typedef struct
{
  guint x, y, width, height;
} ImageRect;

/* Thread: any; one mask is not changed by two threads at once. Coordinates are of the
 * pixels' edges: the first pixel lies between 0 and 1. */

/** image_rect_add: grows @rect so that @other is in it */
void image_rect_add (ImageRect *rect, const ImageRect *other);
/** image_rect_is_empty: */
gboolean image_rect_is_empty (const ImageRect *rect);

/* ---- painting ---- */

typedef struct
{
  double x, y;
  double pressure; /* 0 … 1: of the brush's size; 1 where there is none */
} ImageBrushPoint;

typedef struct
{
  double radius;   /* pixels, at full pressure */
  double hardness; /* 0 … 1: how much of the radius is covered wholly */
  gboolean erase;
} ImageBrush;

/** image_brush_bounds: what image_mask_stroke may change in a mask of that size */
ImageRect image_brush_bounds (const ImageBrush *brush,
                              const ImageBrushPoint *from,
                              const ImageBrushPoint *to,
                              guint width,
                              guint height);
/**
 * image_mask_stroke: the brush goes straight from @from to @to; a stamp where both are
 * one point
 *
 * Painting the same again changes nothing: coverage is the largest that was painted, not
 * a sum. Edges are a pixel wide at least.
 */
void image_mask_stroke (ImageMask *mask,
                        const ImageBrush *brush,
                        const ImageBrushPoint *from,
                        const ImageBrushPoint *to);

typedef enum
{
  IMAGE_FILL_EVEN_ODD, /* inside: a ray crosses the outline an odd number of times */
  IMAGE_FILL_NON_ZERO, /* inside: the outline goes around it */
} ImageFillRule;

/**
 * image_mask_fill_polygon: a lasso; what was last joined to what was first
 * @points: [n][2]: x, y; may lie outside
 *
 * Antialiased: exact across, 16 lines a pixel down.
 */
void image_mask_fill_polygon (
    ImageMask *mask, const double *points, guint n, ImageFillRule rule, gboolean erase);
void image_mask_fill_rect (ImageMask *mask, const ImageRect *rect, guint8 value);

/* ---- changing it all ---- */

void image_mask_invert (ImageMask *mask);
/** image_mask_blur: three boxes one after the other, which is nearly a Gaussian of
 * @sigma pixels; what lies beyond the edge is like the edge. FALSE: no memory */
gboolean image_mask_blur (ImageMask *mask, double sigma);
/** image_mask_grow: what lies within @radius pixels (Euclidean, between centres) of a
 * pixel of 128 or more is covered, with an edge of one pixel; a negative @radius shrinks
 * as much. FALSE: no memory */
gboolean image_mask_grow (ImageMask *mask, double radius);
/** image_mask_bounds: FALSE: nothing is covered; @rect: what is not 0 */
gboolean image_mask_bounds (const ImageMask *mask, ImageRect *rect);
/** image_mask_is_empty: nothing is covered */
gboolean image_mask_is_empty (const ImageMask *mask);
/** image_mask_from_alpha: (nullable): what cannot be seen is to be made; NULL where all
 * can be seen wholly */
ImageMask *image_mask_from_alpha (const ImageBuffer *image);

/* ---- in files ---- */

/**
 * image_mask_load: any PNG: brightness times opacity
 * @width, @height: of the picture that the mask is for; a mask of another size is
 * refused; 0: any
 */
ImageMask *image_mask_load (const char *path, guint width, guint height, GError **error);
/** image_mask_save: as grey PNG of 8 bits, atomically */
gboolean image_mask_save (const ImageMask *mask, const char *path, GError **error);

/* ---- undo: by stroke, in tiles that are copied when they are first touched ---- */

#define IMAGE_MASK_TILE 256u /* pixels a side */

/* What some tiles held before; swapping them in undoes, again: redoes. */
typedef struct _ImageMaskStep ImageMaskStep;
void image_mask_step_free (ImageMaskStep *step);
/** image_mask_step_between: (nullable): what @after changed of @before, which has its
 * size; NULL: nothing */
ImageMaskStep *image_mask_step_between (const ImageMask *before, const ImageMask *after);

typedef struct _ImageMaskUndo ImageMaskUndo;
/** image_mask_undo_new: @limit: bytes of tiles to keep; the oldest steps go first, the
 * newest stays whatever it needs */
ImageMaskUndo *image_mask_undo_new (gsize limit);
void image_mask_undo_free (ImageMaskUndo *undo);
/** image_mask_undo_touch: before @rect is changed for the first time in a stroke; begins
 * one if there is none */
void
image_mask_undo_touch (ImageMaskUndo *undo, const ImageMask *mask, const ImageRect *rect);
/** image_mask_undo_end: the stroke is over. If it changed something it is a step, and
 * what could be redone is forgotten */
void image_mask_undo_end (ImageMaskUndo *undo, const ImageMask *mask);
/** image_mask_undo_add: (nullable) @step, which is taken, was made already */
void image_mask_undo_add (ImageMaskUndo *undo, ImageMaskStep *step);
/** image_mask_undo_back: FALSE: there is nothing; @changed: (out) */
gboolean image_mask_undo_back (ImageMaskUndo *undo, ImageMask *mask, ImageRect *changed);
gboolean image_mask_undo_forth (ImageMaskUndo *undo, ImageMask *mask, ImageRect *changed);
gboolean image_mask_undo_can (ImageMaskUndo *undo, gboolean back);
/** image_mask_undo_bytes: what is kept */
gsize image_mask_undo_bytes (ImageMaskUndo *undo);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageMaskStep, image_mask_step_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageMaskUndo, image_mask_undo_free)
