/* app-mask-tiles.c: see app-mask-tiles.h
 *
 * Tiles of the screen's resolution and not of the mask's: however large a picture is,
 * what is drawn is as much as the screen shows, and a stroke makes anew only the few
 * tiles under it. Each begins at a pixel of the device, so that no seams show between
 * them. Two blues in stripes: one of them is seen over a picture of whatever colour.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-mask-tiles.h"

#include "app/app-texture.h"

#include <math.h>

#define TILE 128 /* the device's pixels; a multiple of the stripes' 16 */
#define TAPS 4   /* pixels of the mask that one of the device looks at, each way */

struct _AppMaskTiles
{
  GHashTable *nodes; /* place → GskRenderNode, NULL: nothing is covered */
  double scale, device;
  gboolean by_cairo;
  guint32 colors[2][256]; /* of the two stripes, for each value */
};

static void
unref_if_any (gpointer node)
{
  if (node != NULL)
    gsk_render_node_unref (node);
}

static guint32
premultiplied (const guint8 rgb[3], double alpha)
{
  guint32 color = (guint32) lrint (alpha * 255) << 24;

  for (guint c = 0; c < 3; c++)
    color |= (guint32) lrint (alpha * rgb[c]) << (16 - 8 * c);
  return color;
}

AppMaskTiles *
app_mask_tiles_new (void)
{
  static const guint8 dark[3] = { 0x1a, 0x5f, 0xb4 }, light[3] = { 0x62, 0xa0, 0xea };
  AppMaskTiles *tiles = g_new0 (AppMaskTiles, 1);

  tiles->nodes
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, unref_if_any);
  for (guint i = 0; i < 256; i++)
    {
      tiles->colors[0][i] = premultiplied (dark, 0.66 * i / 255);
      tiles->colors[1][i] = premultiplied (light, 0.52 * i / 255);
    }
  return tiles;
}

void
app_mask_tiles_free (AppMaskTiles *tiles)
{
  if (tiles == NULL)
    return;
  g_hash_table_unref (tiles->nodes);
  g_free (tiles);
}

void
app_mask_tiles_change (AppMaskTiles *tiles, const ImageRect *rect)
{
  if (rect == NULL || tiles->scale <= 0)
    {
      g_hash_table_remove_all (tiles->nodes);
      return;
    }
  gint64 left = (gint64) floor (rect->x * tiles->scale / TILE - 0.01);
  gint64 top = (gint64) floor (rect->y * tiles->scale / TILE - 0.01);
  gint64 right = (gint64) floor ((rect->x + rect->width) * tiles->scale / TILE + 0.01);
  gint64 bottom = (gint64) floor ((rect->y + rect->height) * tiles->scale / TILE + 0.01);
  if ((right - left + 1) * (bottom - top + 1)
      > (gint64) g_hash_table_size (tiles->nodes) + 64)
    {
      g_hash_table_remove_all (tiles->nodes);
      return;
    }
  for (gint64 row = MAX (top, 0); row <= bottom; row++)
    for (gint64 column = MAX (left, 0); column <= right; column++)
      {
        gint64 key = row << 32 | column;

        g_hash_table_remove (tiles->nodes, &key);
      }
}

/* Which of @n pixels of the mask the device's pixels from @first on look at:
 * [TILE][TAPS]. Returns how many each. */
static guint
find_taps (guint first, double scale, guint n, guint *taps)
{
  guint each = (guint) CLAMP (ceil (1 / scale), 1, TAPS);

  for (guint i = 0; i < TILE; i++)
    for (guint t = 0; t < each; t++)
      {
        double at = (first + i + (t + 0.5) / each) / scale;

        taps[i * TAPS + t] = (guint) MIN (at, n - 1);
      }
  return each;
}

/* (nullable): what lies at @column, @row; beyond the mask's edge nothing is covered */
static GskRenderNode *
make_tile (AppMaskTiles *tiles, const ImageMask *mask, guint column, guint row)
{
  guint xs[TILE * TAPS], ys[TILE * TAPS];
  guint each = find_taps (column * TILE, tiles->scale, mask->width, xs);
  guint w = (guint) CLAMP (lrint (mask->width * tiles->scale) - (long) column * TILE, 0,
                           TILE);
  guint h
      = (guint) CLAMP (lrint (mask->height * tiles->scale) - (long) row * TILE, 0, TILE);
  guint32 *pixels = g_new0 (guint32, TILE * TILE);
  gboolean any = FALSE;

  find_taps (row * TILE, tiles->scale, mask->height, ys);
  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        guint value = 0;

        for (guint v = 0; v < each; v++)
          {
            const guint8 *line = mask->pixels + (gsize) ys[y * TAPS + v] * mask->width;

            for (guint u = 0; u < each; u++)
              value += line[xs[x * TAPS + u]];
          }
        value = (value + each * each / 2) / (each * each);
        any = any || value > 0;
        pixels[y * TILE + x] = tiles->colors[(x + y) >> 3 & 1][value];
      }
  g_autoptr (GBytes) bytes = g_bytes_new_take (pixels, TILE * TILE * sizeof *pixels);
  graphene_rect_t rect;

  graphene_rect_init (&rect, 0, 0, (float) (TILE / tiles->device),
                      (float) (TILE / tiles->device));
  return any ? app_texture_node (bytes, TILE, TILE, TILE * 4, &rect, tiles->by_cairo,
                                 tiles->by_cairo)
             : NULL;
}

static GskRenderNode *
get_tile (AppMaskTiles *tiles, const ImageMask *mask, guint column, guint row)
{
  gint64 key = (gint64) row << 32 | column;
  gpointer found;

  if (g_hash_table_lookup_extended (tiles->nodes, &key, NULL, &found))
    return found;
  found = make_tile (tiles, mask, column, row);
  g_hash_table_insert (tiles->nodes, g_memdup2 (&key, sizeof key), found);
  return found;
}

/* What was seen long ago is not kept: panning over a large picture would gather it. */
static void
forget (AppMaskTiles *tiles, gint64 seen)
{
  if ((gint64) g_hash_table_size (tiles->nodes) > 4 * seen + 64)
    g_hash_table_remove_all (tiles->nodes);
}

void
app_mask_tiles_append (AppMaskTiles *tiles,
                       GtkSnapshot *snapshot,
                       const ImageMask *mask,
                       const graphene_rect_t *rect,
                       double scale,
                       double device,
                       gboolean by_cairo,
                       int width,
                       int height)
{
  double side = TILE / device;

  if (scale != tiles->scale || device != tiles->device || by_cairo != tiles->by_cairo)
    {
      g_hash_table_remove_all (tiles->nodes);
      tiles->scale = scale;
      tiles->device = device;
      tiles->by_cairo = by_cairo;
    }
  double right = MIN (rect->size.width, width - rect->origin.x);
  double bottom = MIN (rect->size.height, height - rect->origin.y);
  int first_column = (int) floor (MAX (0, -rect->origin.x) / side);
  int first_row = (int) floor (MAX (0, -rect->origin.y) / side);
  int end_column = (int) ceil (right / side), end_row = (int) ceil (bottom / side);
  if (end_column <= first_column || end_row <= first_row)
    return;
  forget (tiles, (gint64) (end_column - first_column) * (end_row - first_row));
  for (int row = first_row; row < end_row; row++)
    for (int column = first_column; column < end_column; column++)
      {
        GskRenderNode *node = get_tile (tiles, mask, (guint) column, (guint) row);

        if (node == NULL)
          continue;
        gtk_snapshot_save (snapshot);
        gtk_snapshot_translate (
            snapshot, &GRAPHENE_POINT_INIT ((float) (rect->origin.x + column * side),
                                            (float) (rect->origin.y + row * side)));
        gtk_snapshot_append_node (snapshot, node);
        gtk_snapshot_restore (snapshot);
      }
}
