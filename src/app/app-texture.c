/* app-texture.c: see app-texture.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-texture.h"

GdkTexture *
app_texture_from_image (const ImageBuffer *image)
{
  gsize stride = (gsize) image->width * image->channels;
  g_autoptr (GBytes) bytes = g_bytes_new (image->pixels, stride * image->height);

  return gdk_memory_texture_new (
      (int) image->width, (int) image->height,
      image->channels == 4 ? GDK_MEMORY_R8G8B8A8 : GDK_MEMORY_R8G8B8, bytes, stride);
}

static void
free_shared (gpointer image)
{
  image_buffer_free (image);
}

GdkTexture *
app_texture_share_image (ImageBuffer *image)
{
  gsize stride = (gsize) image->width * image->channels;
  g_autoptr (GBytes) bytes = g_bytes_new_with_free_func (
      image->pixels, stride * image->height, free_shared, image_buffer_ref (image));

  return gdk_memory_texture_new (
      (int) image->width, (int) image->height,
      image->channels == 4 ? GDK_MEMORY_R8G8B8A8 : GDK_MEMORY_R8G8B8, bytes, stride);
}
