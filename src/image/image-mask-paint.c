/* image-mask-paint.c: the brush
 *
 * A stroke between two points is the disc of the brush swept from one to the other while
 * its radius goes from one to the other as well: the convex hull of two discs. How deep a
 * point p lies in it is the largest r(t) − |p − c(t)| over t in [0, 1], and where that is
 * reached can be said outright: with k the change of the radius over the way, a along
 * and b beside the way, at a + b·k/√(1 − k²), kept between the ends.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-mask.h"

#include <math.h>

#define MIN_RADIUS 0.5f

/* The swept brush, ready for asking pixels. */
typedef struct
{
  float x, y;         /* start */
  float ux, uy;       /* direction */
  float length;       /* of the way */
  float radius, grow; /* at the start; a pixel of the way adds this much */
  float lean;         /* k/√(1 − k²) */
  float soft;         /* 1 − hardness */
} Sweep;

static float
radius_at (const ImageBrush *brush, const ImageBrushPoint *point)
{
  return MAX (MIN_RADIUS, (float) (brush->radius * CLAMP (point->pressure, 0.0, 1.0)));
}

static void
sweep_init (Sweep *sweep,
            const ImageBrush *brush,
            const ImageBrushPoint *from,
            const ImageBrushPoint *to)
{
  float r0 = radius_at (brush, from), r1 = radius_at (brush, to);
  float dx = (float) (to->x - from->x), dy = (float) (to->y - from->y);
  float length = sqrtf (dx * dx + dy * dy);

  *sweep = (Sweep){ .x = (float) from->x, .y = (float) from->y, .radius = r0 };
  sweep->soft = (float) (1 - CLAMP (brush->hardness, 0.0, 1.0));
  /* One disc holds the other: the larger one is all. */
  if (length <= fabsf (r1 - r0))
    {
      if (r1 > r0)
        {
          sweep->x = (float) to->x;
          sweep->y = (float) to->y;
          sweep->radius = r1;
        }
      return;
    }
  sweep->ux = dx / length;
  sweep->uy = dy / length;
  sweep->length = length;
  sweep->grow = (r1 - r0) / length;
  sweep->lean = sweep->grow / sqrtf (1 - sweep->grow * sweep->grow);
}

/* How much of the pixel around (x, y) the brush covers, 0 … 255. */
static inline guint8
coverage (const Sweep *sweep, float x, float y)
{
  float dx = x - sweep->x, dy = y - sweep->y;
  float along = dx * sweep->ux + dy * sweep->uy;
  float beside = fabsf (dx * sweep->uy - dy * sweep->ux);
  float at = along + beside * sweep->lean;

  at = at < 0 ? 0 : at > sweep->length ? sweep->length : at;
  float radius = sweep->radius + at * sweep->grow;
  float ex = dx - at * sweep->ux, ey = dy - at * sweep->uy;
  float square = ex * ex + ey * ey;
  float edge = radius * sweep->soft;
  float inner;

  edge = edge < 1 ? 1 : edge;
  inner = radius + 0.5f - edge;
  if (inner > 0 && square <= inner * inner)
    return 255;
  if (square >= (radius + 0.5f) * (radius + 0.5f))
    return 0;
  float part = (radius + 0.5f - sqrtf (square)) / edge;
  return part >= 1 ? 255 : (guint8) (part * 255 + 0.5f);
}

ImageRect
image_brush_bounds (const ImageBrush *brush,
                    const ImageBrushPoint *from,
                    const ImageBrushPoint *to,
                    guint width,
                    guint height)
{
  double r0 = radius_at (brush, from) + 0.5, r1 = radius_at (brush, to) + 0.5;
  double left = floor (MIN (from->x - r0, to->x - r1));
  double top = floor (MIN (from->y - r0, to->y - r1));
  double right = ceil (MAX (from->x + r0, to->x + r1));
  double bottom = ceil (MAX (from->y + r0, to->y + r1));
  ImageRect rect = { 0 };

  left = CLAMP (left, 0, width);
  top = CLAMP (top, 0, height);
  right = CLAMP (right, 0, width);
  bottom = CLAMP (bottom, 0, height);
  if (right > left && bottom > top)
    rect = (ImageRect){ (guint) left, (guint) top, (guint) (right - left),
                        (guint) (bottom - top) };
  return rect;
}

static void
paint (ImageMask *mask, const Sweep *sweep, const ImageRect *rect, gboolean erase)
{
  for (guint y = rect->y; y < rect->y + rect->height; y++)
    {
      guint8 *row = mask->pixels + (gsize) y * mask->width;

      for (guint x = rect->x; x < rect->x + rect->width; x++)
        {
          guint8 old = row[x], part;

          if (old == (erase ? 0 : 255))
            continue;
          part = coverage (sweep, (float) x + 0.5f, (float) y + 0.5f);
          row[x] = erase ? MIN (old, 255 - part) : MAX (old, part);
        }
    }
}

static ImageBrushPoint
between (const ImageBrushPoint *from, const ImageBrushPoint *to, double t)
{
  return (ImageBrushPoint){ from->x + (to->x - from->x) * t,
                            from->y + (to->y - from->y) * t,
                            from->pressure + (to->pressure - from->pressure) * t };
}

void
image_mask_stroke (ImageMask *mask,
                   const ImageBrush *brush,
                   const ImageBrushPoint *from,
                   const ImageBrushPoint *to)
{
  double length = hypot (to->x - from->x, to->y - from->y);
  double piece = 4 * MAX (radius_at (brush, from), radius_at (brush, to)) + 16;
  guint n = (guint) MIN (ceil (length / piece), 4096.0);

  if (!isfinite (length))
    return;
  /* In pieces: the rectangle around a long slanting stroke is mostly empty. */
  for (guint i = 0; i < MAX (n, 1); i++)
    {
      ImageBrushPoint a = between (from, to, (double) i / MAX (n, 1));
      ImageBrushPoint b = between (from, to, (double) (i + 1) / MAX (n, 1));
      ImageRect rect = image_brush_bounds (brush, &a, &b, mask->width, mask->height);
      Sweep sweep;

      sweep_init (&sweep, brush, &a, &b);
      paint (mask, &sweep, &rect, brush->erase);
    }
}
