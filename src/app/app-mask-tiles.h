/* app-mask-tiles.h: a mask as it is seen: coloured, at the screen's resolution
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>
#include "image/image-mask.h"

typedef struct _AppMaskTiles AppMaskTiles;
AppMaskTiles *app_mask_tiles_new (void);
void app_mask_tiles_free (AppMaskTiles *tiles);
/** app_mask_tiles_change: these pixels of the mask are others now; NULL: all */
void app_mask_tiles_change (AppMaskTiles *tiles, const ImageRect *rect);
/**
 * app_mask_tiles_append: what can be seen
 * @rect: where the mask lies, in the widget's units, beginning at a device's pixel
 * @scale: device's pixels for one of the mask's
 * @device: device's pixels for one of the widget's units
 * @by_cairo: app_texture_by_cairo
 * @width, @height: of the widget
 */
void app_mask_tiles_append (AppMaskTiles *tiles,
                            GtkSnapshot *snapshot,
                            const ImageMask *mask,
                            const graphene_rect_t *rect,
                            double scale,
                            double device,
                            gboolean by_cairo,
                            int width,
                            int height);
