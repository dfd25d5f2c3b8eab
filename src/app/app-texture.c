/* app-texture.c: see app-texture.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-texture.h"

#include "app/app-compat.h"

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

gboolean
app_texture_by_cairo (GtkWidget *widget)
{
  GtkNative *native = gtk_widget_get_native (widget);
  GskRenderer *renderer = native != NULL ? gtk_native_get_renderer (native) : NULL;

  return renderer != NULL && GSK_IS_CAIRO_RENDERER (renderer);
}

static const cairo_user_data_key_t bytes_key;

static GskRenderNode *
cairo_node (GBytes *bytes,
            int width,
            int height,
            gsize stride,
            const graphene_rect_t *rect,
            gboolean nearest)
{
  GskRenderNode *node = gsk_cairo_node_new (rect);
  cairo_t *cr = gsk_cairo_node_get_draw_context (node);
  /* Cairo only reads from it. */
  cairo_surface_t *surface = cairo_image_surface_create_for_data (
      (guchar *) g_bytes_get_data (bytes, NULL), CAIRO_FORMAT_ARGB32, width, height,
      (int) stride);

  cairo_surface_set_user_data (surface, &bytes_key, g_bytes_ref (bytes),
                               (cairo_destroy_func_t) g_bytes_unref);
  cairo_translate (cr, rect->origin.x, rect->origin.y);
  cairo_scale (cr, rect->size.width / width, rect->size.height / height);
  cairo_set_source_surface (cr, surface, 0, 0);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
  cairo_pattern_set_filter (cairo_get_source (cr),
                            nearest ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
  cairo_rectangle (cr, 0, 0, width, height);
  cairo_fill (cr);
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  return node;
}

GskRenderNode *
app_texture_node (GBytes *bytes,
                  int width,
                  int height,
                  gsize stride,
                  const graphene_rect_t *rect,
                  gboolean nearest,
                  gboolean by_cairo)
{
  g_autoptr (GdkTexture) texture = NULL;
  g_autoptr (GtkSnapshot) snapshot = NULL;

  if (by_cairo)
    return cairo_node (bytes, width, height, stride, rect, nearest);
  texture = gdk_memory_texture_new (width, height, GDK_MEMORY_DEFAULT, bytes, stride);
  if (!nearest)
    return gsk_texture_node_new (texture, rect);
  snapshot = gtk_snapshot_new ();
  app_compat_append_nearest (snapshot, texture, rect, rect);
  return gtk_snapshot_to_node (snapshot);
}
