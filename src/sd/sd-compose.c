/* sd-compose.c: what was made, put back into the picture
 *
 * The decoder does not give back the very pixels that the encoder took, so that a part
 * which is only pasted shows its edge. What differs on the outer side of the mask's edge
 * is therefore carried on to the inner side, smoothly (after Pérez et al. 2003, with a
 * pyramid instead of a solver), and taken off there. The outside is not touched.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-fill.h"
#include "sd/sd-frame.h"

#include <math.h>

#define CELL 4           /* pixels over which differences are averaged, at least */
#define CELLS (1u << 20) /* and so many cells at most */
#define MOST 32.0f       /* of 255: larger differences are not the decoder's */

/* Differences on a grid of cells over the rectangle. */
typedef struct
{
  guint cell, w, h;
  float *values; /* [h][w][4] */
} Grid;

/* Where pixel (x, y) of the rectangle lies on the canvas; -1: beyond it. */
static gssize
place (const SdFrame *frame, guint x, guint y)
{
  guint cx = frame->x + x, cy = frame->y + y;

  return cx < frame->canvas->width && cy < frame->canvas->height
             ? (gssize) ((gsize) cy * frame->canvas->width + cx)
             : -1;
}

static void
measure_cell (
    const SdFrame *frame, const ImageBuffer *made, const Grid *grid, guint gx, guint gy)
{
  float *cell = grid->values + ((gsize) gy * grid->w + gx) * 4;
  guint x1 = MIN ((gx + 1) * grid->cell, frame->w);
  guint y1 = MIN ((gy + 1) * grid->cell, frame->h);
  float sum[3] = { 0 };
  guint known = 0;

  for (guint y = gy * grid->cell; y < y1; y++)
    for (guint x = gx * grid->cell; x < x1; x++)
      {
        gssize at = place (frame, x, y);
        const guint8 *new = made->pixels + ((gsize) y * made->width + x) * 3;

        if (at < 0 || frame->mask->pixels[at] != 0)
          continue;
        known++;
        for (guint c = 0; c < 3; c++)
          sum[c] += (float) frame->canvas->pixels[3 * at + c] - new[c];
      }
  for (guint c = 0; c < 3; c++)
    cell[c] = known > 0 ? CLAMP (sum[c] / known, -MOST, MOST) : 0;
  cell[3] = (float) known / (grid->cell * grid->cell);
}

static gboolean
measure (const SdFrame *frame, const ImageBuffer *made, Grid *grid)
{
  double cells = (double) frame->w * frame->h / CELLS;

  grid->cell = MAX (CELL, (guint) ceil (sqrt (cells)));
  grid->w = (frame->w + grid->cell - 1) / grid->cell;
  grid->h = (frame->h + grid->cell - 1) / grid->cell;
  grid->values = g_try_new (float, (gsize) grid->w * grid->h * 4);
  if (grid->values == NULL)
    return FALSE;
  for (guint y = 0; y < grid->h; y++)
    for (guint x = 0; x < grid->w; x++)
      measure_cell (frame, made, grid, x, y);
  sd_fill (grid->values, grid->w, grid->h);
  return TRUE;
}

/* Between the centres of cells. */
static float
difference (const Grid *grid, guint x, guint y, guint c)
{
  float fx = CLAMP ((x + 0.5f) / grid->cell - 0.5f, 0, grid->w - 1);
  float fy = CLAMP ((y + 0.5f) / grid->cell - 0.5f, 0, grid->h - 1);
  guint x0 = (guint) fx, y0 = (guint) fy;
  guint x1 = MIN (x0 + 1, grid->w - 1), y1 = MIN (y0 + 1, grid->h - 1);
  const float *v = grid->values + c;

  fx -= x0;
  fy -= y0;
  return (1 - fy)
             * ((1 - fx) * v[((gsize) y0 * grid->w + x0) * 4]
                + fx * v[((gsize) y0 * grid->w + x1) * 4])
         + fy
               * ((1 - fx) * v[((gsize) y1 * grid->w + x0) * 4]
                  + fx * v[((gsize) y1 * grid->w + x1) * 4]);
}

static void
lay (const SdFrame *frame, const ImageBuffer *made, const Grid *grid, ImageBuffer *out)
{
  for (guint y = 0; y < frame->h; y++)
    for (guint x = 0; x < frame->w; x++)
      {
        gssize at = place (frame, x, y);
        float share = at >= 0 ? frame->mask->pixels[at] / 255.0f : 0;
        const guint8 *new = made->pixels + ((gsize) y * made->width + x) * 3;

        for (guint c = 0; c < 3 && share > 0; c++)
          {
            float old = frame->canvas->pixels[3 * at + c];
            float value = CLAMP (new[c] + difference (grid, x, y, c), 0, 255);
            out->pixels[3 * at + c] = (guint8) (old + share * (value - old) + 0.5f);
          }
      }
}

static ImageBuffer *
compose_whole (const SdFrame *frame, const ImageBuffer *made)
{
  g_autoptr (ImageBuffer) scaled = NULL;
  ImageBuffer *out = image_buffer_copy (frame->canvas);
  Grid grid = { 0 };

  if (made->width != frame->w || made->height != frame->h)
    {
      scaled = image_buffer_resize (made, frame->w, frame->h);
      made = scaled;
    }
  if (out == NULL || made == NULL || !measure (frame, made, &grid))
    {
      image_buffer_free (out);
      return NULL;
    }
  lay (frame, made, &grid, out);
  g_free (grid.values);
  return out;
}

ImageBuffer *
sd_frame_compose (const SdFrame *frame, const ImageBuffer *made)
{
  g_autoptr (ImageBuffer) whole = NULL;

  if (frame->mask == NULL)
    return image_buffer_copy (made);
  whole = compose_whole (frame, made);
  if (whole == NULL || made->width == frame->width)
    return g_steal_pointer (&whole);
  return image_buffer_resize (whole, MAX (whole->width / 2, 1),
                              MAX (whole->height / 2, 1));
}
