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
