/* app-source.h: pictures from anywhere, ready to make others from
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>
#include "image/image-mask.h"
#include "sd/sd.h"

/* A picture that was read. */
typedef struct
{
  ImageBuffer *image;  /* 3 channels */
  ImageMask *mask;     /* (nullable): what was transparent */
  GdkTexture *texture; /* of the image */
  ImageMeta *meta;     /* (nullable): how it was made */
  char *path;          /* (nullable): of its file */
} AppSource;

void app_source_free (AppSource *source);
/** app_source_is_picture: whether the name of @path is one of a picture's file */
gboolean app_source_is_picture (const char *path);
/**
 * app_source_load_async: reads on a thread
 * @path: (nullable): PNG, JPEG, WebP and whatever GdkPixbuf reads
 * @texture: (nullable): pixels, where there is no @path
 *
 * Errors: G_IO_ERROR, IMAGE_ERROR, GDK_PIXBUF_ERROR; too large a picture is refused by
 * its header, before its pixels are read.
 */
void app_source_load_async (const char *path,
                            GdkTexture *texture,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
AppSource *app_source_load_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppSource, app_source_free)
