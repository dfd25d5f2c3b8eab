/* app-texture.h: pixels of the image room as GTK draws them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>
#include "image/image.h"

/** app_texture_from_image: (transfer full): copies the pixels. Thread: any */
GdkTexture *app_texture_from_image (const ImageBuffer *image);
/** app_texture_share_image: (transfer full): without a copy: @image is kept, and nobody
 * changes it any more. Thread: any */
GdkTexture *app_texture_share_image (ImageBuffer *image);

/** app_texture_by_cairo: whether @widget's window is drawn by cairo, which in GTK 4.8
 * converts a texture's pixels each time they are drawn */
gboolean app_texture_by_cairo (GtkWidget *widget);
/**
 * app_texture_node: (transfer full): pixels as they are drawn fastest; kept and appended
 * again it is not drawn again
 * @bytes: @height rows of @stride bytes, as cairo has them (GDK_MEMORY_DEFAULT)
 * @by_cairo: app_texture_by_cairo
 */
GskRenderNode *app_texture_node (GBytes *bytes,
                                 int width,
                                 int height,
                                 gsize stride,
                                 const graphene_rect_t *rect,
                                 gboolean nearest,
                                 gboolean by_cairo);
