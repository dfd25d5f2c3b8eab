/* image-mask-undo.c: what a mask held before, in tiles
 *
 * A stroke copies a tile when it first touches it, so that undoing costs what was
 * painted, not what the picture holds. Tiles of one value only, which are most at the
 * beginning, are kept as that value.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-mask.h"

#include <string.h>

#define TILE IMAGE_MASK_TILE

typedef struct
{
  guint16 column, row;
  guint8 value;   /* of all pixels, where there are none */
  guint8 *pixels; /* (nullable): its rows, one after the other */
} Tile;

struct _ImageMaskStep
{
  GArray *tiles; /* Tile */
  gsize bytes;
};

struct _ImageMaskUndo
{
  gsize limit, bytes;
  GPtrArray *back, *forth; /* ImageMaskStep */
  ImageMaskStep *stroke;   /* (nullable): that goes on */
  guint8 *touched;         /* of the stroke: a flag a tile */
  gsize n_touched;
};

static void
tile_clear (gpointer data)
{
  g_free (((Tile *) data)->pixels);
}

static ImageMaskStep *
step_new (void)
{
  ImageMaskStep *step = g_new0 (ImageMaskStep, 1);

  step->tiles = g_array_new (FALSE, FALSE, sizeof (Tile));
  g_array_set_clear_func (step->tiles, tile_clear);
  return step;
}

void
image_mask_step_free (ImageMaskStep *step)
{
  if (step == NULL)
    return;
  g_array_unref (step->tiles);
  g_free (step);
}

static ImageRect
tile_rect (const ImageMask *mask, guint column, guint row)
{
  guint x = column * TILE, y = row * TILE;

  return (ImageRect){ x, y, MIN (TILE, mask->width - x), MIN (TILE, mask->height - y) };
}

/* The value of all of its pixels, or -1. */
static int
one_value (const ImageMask *mask, const ImageRect *rect)
{
  const guint8 *first = mask->pixels + (gsize) rect->y * mask->width + rect->x;

  if (rect->width > 1 && memcmp (first, first + 1, rect->width - 1) != 0)
    return -1;
  for (guint y = 1; y < rect->height; y++)
    if (memcmp (first, first + (gsize) y * mask->width, rect->width) != 0)
      return -1;
  return *first;
}

static void
tile_take (Tile *tile, const ImageMask *mask)
{
  ImageRect rect = tile_rect (mask, tile->column, tile->row);
  int value = one_value (mask, &rect);

  tile->pixels = NULL;
  tile->value = (guint8) MAX (value, 0);
  if (value >= 0)
    return;
  tile->pixels = g_malloc ((gsize) rect.width * rect.height);
  for (guint y = 0; y < rect.height; y++)
    memcpy (tile->pixels + (gsize) y * rect.width,
            mask->pixels + (gsize) (rect.y + y) * mask->width + rect.x, rect.width);
}

static void
tile_put (const Tile *tile, ImageMask *mask)
{
  ImageRect rect = tile_rect (mask, tile->column, tile->row);

  if (tile->pixels == NULL)
    {
      image_mask_fill_rect (mask, &rect, tile->value);
      return;
    }
  for (guint y = 0; y < rect.height; y++)
    memcpy (mask->pixels + (gsize) (rect.y + y) * mask->width + rect.x,
            tile->pixels + (gsize) y * rect.width, rect.width);
}

static gsize
tile_bytes (const Tile *tile)
{
  return sizeof *tile + (tile->pixels != NULL ? TILE * TILE : 0);
}

static void
step_add (ImageMaskStep *step, const ImageMask *mask, guint column, guint row)
{
  Tile tile = { .column = (guint16) column, .row = (guint16) row };

  tile_take (&tile, mask);
  step->bytes += tile_bytes (&tile);
  g_array_append_val (step->tiles, tile);
}

/* What the tiles hold goes into the mask, what it held into the tiles. */
static ImageRect
step_swap (ImageMaskStep *step, ImageMask *mask)
{
  ImageRect changed = { 0 };

  step->bytes = 0;
  for (guint i = 0; i < step->tiles->len; i++)
    {
      Tile *tile = &g_array_index (step->tiles, Tile, i), now = *tile;
      ImageRect rect = tile_rect (mask, tile->column, tile->row);

      tile_take (&now, mask);
      tile_put (tile, mask);
      g_free (tile->pixels);
      *tile = now;
      step->bytes += tile_bytes (tile);
      image_rect_add (&changed, &rect);
    }
  return changed;
}

ImageMaskStep *
image_mask_step_between (const ImageMask *before, const ImageMask *after)
{
  ImageMaskStep *step = NULL;

  g_return_val_if_fail (before->width == after->width && before->height == after->height,
                        NULL);

  for (guint row = 0; row * TILE < before->height; row++)
    for (guint column = 0; column * TILE < before->width; column++)
      {
        ImageRect rect = tile_rect (before, column, row);
        gboolean same = TRUE;

        for (guint y = rect.y; same && y < rect.y + rect.height; y++)
          {
            gsize at = (gsize) y * before->width + rect.x;

            same = memcmp (before->pixels + at, after->pixels + at, rect.width) == 0;
          }
        if (same)
          continue;
        if (step == NULL)
          step = step_new ();
        step_add (step, before, column, row);
      }
  return step;
}

/* ---- the steps ---- */

ImageMaskUndo *
image_mask_undo_new (gsize limit)
{
  ImageMaskUndo *undo = g_new0 (ImageMaskUndo, 1);

  undo->limit = limit;
  undo->back = g_ptr_array_new_with_free_func ((GDestroyNotify) image_mask_step_free);
  undo->forth = g_ptr_array_new_with_free_func ((GDestroyNotify) image_mask_step_free);
  return undo;
}

void
image_mask_undo_free (ImageMaskUndo *undo)
{
  if (undo == NULL)
    return;
  g_ptr_array_unref (undo->back);
  g_ptr_array_unref (undo->forth);
  image_mask_step_free (undo->stroke);
  g_free (undo->touched);
  g_free (undo);
}

void
image_mask_undo_touch (ImageMaskUndo *undo, const ImageMask *mask, const ImageRect *rect)
{
  guint columns = (mask->width + TILE - 1) / TILE,
        rows = (mask->height + TILE - 1) / TILE;

  if (image_rect_is_empty (rect))
    return;
  if (undo->stroke == NULL)
    {
      undo->stroke = step_new ();
      undo->n_touched = (gsize) columns * rows;
      undo->touched = g_malloc0 (undo->n_touched);
    }
  g_return_if_fail (undo->n_touched == (gsize) columns * rows);
  for (guint row = rect->y / TILE; row <= (rect->y + rect->height - 1) / TILE; row++)
    for (guint column = rect->x / TILE; column <= (rect->x + rect->width - 1) / TILE;
         column++)
      {
        guint8 *touched = &undo->touched[(gsize) row * columns + column];

        if (*touched)
          continue;
        *touched = TRUE;
        step_add (undo->stroke, mask, column, row);
      }
}

static gsize
sum_bytes (GPtrArray *steps)
{
  gsize bytes = 0;

  for (guint i = 0; i < steps->len; i++)
    bytes += ((ImageMaskStep *) steps->pdata[i])->bytes;
  return bytes;
}

static void
keep_within (ImageMaskUndo *undo)
{
  undo->bytes = sum_bytes (undo->back) + sum_bytes (undo->forth);
  while (undo->bytes > undo->limit && undo->back->len > 1)
    {
      undo->bytes -= ((ImageMaskStep *) undo->back->pdata[0])->bytes;
      g_ptr_array_remove_index (undo->back, 0);
    }
}

void
image_mask_undo_add (ImageMaskUndo *undo, ImageMaskStep *step)
{
  if (step == NULL)
    return;
  g_ptr_array_set_size (undo->forth, 0);
  g_ptr_array_add (undo->back, step);
  keep_within (undo);
}

/* Whether the mask still holds what the tile does. */
static gboolean
is_same (const Tile *tile, const ImageMask *mask)
{
  ImageRect rect = tile_rect (mask, tile->column, tile->row);

  if (tile->pixels == NULL)
    return one_value (mask, &rect) == tile->value;
  for (guint y = 0; y < rect.height; y++)
    if (memcmp (tile->pixels + (gsize) y * rect.width,
                mask->pixels + (gsize) (rect.y + y) * mask->width + rect.x, rect.width)
        != 0)
      return FALSE;
  return TRUE;
}

void
image_mask_undo_end (ImageMaskUndo *undo, const ImageMask *mask)
{
  ImageMaskStep *step = g_steal_pointer (&undo->stroke);

  g_clear_pointer (&undo->touched, g_free);
  for (guint i = step != NULL ? step->tiles->len : 0; i-- > 0;)
    {
      Tile *tile = &g_array_index (step->tiles, Tile, i);

      if (!is_same (tile, mask))
        continue;
      step->bytes -= tile_bytes (tile);
      g_array_remove_index_fast (step->tiles, i);
    }
  if (step != NULL && step->tiles->len == 0)
    g_clear_pointer (&step, image_mask_step_free);
  image_mask_undo_add (undo, step);
}

static gboolean
go (ImageMaskUndo *undo,
    GPtrArray *from,
    GPtrArray *to,
    ImageMask *mask,
    ImageRect *changed)
{
  ImageMaskStep *step;

  *changed = (ImageRect){ 0 };
  if (from->len == 0)
    return FALSE;
  step = g_ptr_array_steal_index (from, from->len - 1);
  *changed = step_swap (step, mask);
  g_ptr_array_add (to, step);
  keep_within (undo);
  return TRUE;
}

gboolean
image_mask_undo_back (ImageMaskUndo *undo, ImageMask *mask, ImageRect *changed)
{
  /* In the middle of a stroke: that one. */
  image_mask_undo_end (undo, mask);
  return go (undo, undo->back, undo->forth, mask, changed);
}

gboolean
image_mask_undo_forth (ImageMaskUndo *undo, ImageMask *mask, ImageRect *changed)
{
  return undo->stroke == NULL && go (undo, undo->forth, undo->back, mask, changed);
}

gboolean
image_mask_undo_can (ImageMaskUndo *undo, gboolean back)
{
  return back ? undo->back->len > 0 || undo->stroke != NULL : undo->forth->len > 0;
}

gsize
image_mask_undo_bytes (ImageMaskUndo *undo)
{
  return undo->bytes + (undo->stroke != NULL ? undo->stroke->bytes : 0);
}
