/* app-source.c: see app-source.h
 *
 * PNG files are read by the program itself, which knows 16 bits and the texts in them;
 * all others by GdkPixbuf's loaders, turned as their camera was held.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-source.h"

#include "app/app-texture.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_SIDE 16384
#define MAX_PIXELS                                                                       \
  (1u << 26) /* with its mask and what is shown of it half a gigabyte                    \
              */

typedef struct
{
  char *path;
  GdkTexture *texture;
} Wanted;

static void
wanted_free (gpointer data)
{
  Wanted *wanted = data;

  g_free (wanted->path);
  g_clear_object (&wanted->texture);
  g_free (wanted);
}

void
app_source_free (AppSource *source)
{
  if (source == NULL)
    return;
  image_buffer_free (source->image);
  image_mask_free (source->mask);
  g_clear_object (&source->texture);
  image_meta_free (source->meta);
  g_free (source->path);
  g_free (source);
}

gboolean
app_source_is_picture (const char *path)
{
  static const char *const suffixes[]
      = { ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif" };
  g_autofree char *small = g_ascii_strdown (path, -1);

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (g_str_has_suffix (small, suffixes[i]))
      return TRUE;
  return FALSE;
}

static gboolean
check_size (int width, int height, const char *name, GError **error)
{
  if (width <= MAX_SIDE && height <= MAX_SIDE && (guint64) width * height <= MAX_PIXELS)
    return TRUE;
  g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_SIZE,
               _ ("“%s” has %d × %d pixels. Pictures of up to %d pixels a side and %d "
                  "million in all can be used: make it smaller first."),
               name, width, height, MAX_SIDE, MAX_PIXELS / 1000000);
  return FALSE;
}

static ImageBuffer *
no_memory (int width, int height, GError **error)
{
  g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_SIZE,
               _ ("There is not enough memory for a picture of %d × %d"), width, height);
  return NULL;
}

static ImageBuffer *
from_pixbuf (const char *path, GError **error)
{
  g_autoptr (GdkPixbuf) stored = gdk_pixbuf_new_from_file (path, error);
  g_autoptr (GdkPixbuf) pixbuf = NULL;
  ImageBuffer *image;

  if (stored == NULL)
    return NULL;
  pixbuf = gdk_pixbuf_apply_embedded_orientation (stored);
  image = image_buffer_new ((guint) gdk_pixbuf_get_width (pixbuf),
                            (guint) gdk_pixbuf_get_height (pixbuf),
                            (guint) gdk_pixbuf_get_n_channels (pixbuf));
  if (image == NULL)
    return no_memory (gdk_pixbuf_get_width (pixbuf), gdk_pixbuf_get_height (pixbuf),
                      error);
  for (guint y = 0; y < image->height; y++)
    memcpy (image->pixels + (gsize) y * image->width * image->channels,
            gdk_pixbuf_read_pixels (pixbuf)
                + (gsize) y * (gsize) gdk_pixbuf_get_rowstride (pixbuf),
            (gsize) image->width * image->channels);
  return image;
}

/* A texture gives premultiplied pixels in the processor's order. */
static ImageBuffer *
from_texture (GdkTexture *texture, GError **error)
{
  int width = gdk_texture_get_width (texture), height = gdk_texture_get_height (texture);
  gsize n = (gsize) width * (gsize) height;
  g_autofree guint32 *pixels = NULL;
  ImageBuffer *image;

  if (!check_size (width, height, _ ("The picture"), error))
    return NULL;
  pixels = g_try_new (guint32, n);
  image = pixels != NULL ? image_buffer_new ((guint) width, (guint) height, 4) : NULL;
  if (image == NULL)
    return no_memory (width, height, error);
  gdk_texture_download (texture, (guchar *) pixels, (gsize) width * 4);
  for (gsize i = 0; i < n; i++)
    {
      guint alpha = pixels[i] >> 24;

      for (guint c = 0; c < 3; c++)
        {
          guint value = pixels[i] >> (16 - 8 * c) & 255;

          image->pixels[4 * i + c]
              = (guint8) (alpha > 0 ? MIN (255, (value * 255 + alpha / 2) / alpha) : 0);
        }
      image->pixels[4 * i + 3] = (guint8) alpha;
    }
  return image;
}

static ImageBuffer *
from_file (const char *path, ImageMeta **meta, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_autoptr (GPtrArray) texts = NULL;
  int width = 0, height = 0;
  GdkPixbufFormat *format = gdk_pixbuf_get_file_info (path, &width, &height);
  g_autofree char *kind = format != NULL ? gdk_pixbuf_format_get_name (format) : NULL;
  g_autofree char *small = g_ascii_strdown (path, -1);
  ImageBuffer *image;

  if (format != NULL && !check_size (width, height, name, error))
    return NULL;
  if (g_strcmp0 (kind, "png") != 0 && !g_str_has_suffix (small, ".png"))
    return from_pixbuf (path, error);
  image = image_png_load (path, &texts, error);
  if (image != NULL)
    *meta = image_meta_from_texts (texts);
  return image;
}

/* Three channels; what was transparent keeps its colour: the mask says that it is gone.
 */
static ImageBuffer *
without_alpha (ImageBuffer *image)
{
  ImageBuffer *plain;

  if (image->channels == 3)
    return image;
  plain = image_buffer_new (image->width, image->height, 3);
  for (gsize i = 0; plain != NULL && i < (gsize) image->width * image->height; i++)
    memcpy (plain->pixels + 3 * i, image->pixels + 4 * i, 3);
  image_buffer_free (image);
  return plain;
}

static void
load_thread (GTask *task, gpointer unused, gpointer data, GCancellable *cancellable)
{
  Wanted *wanted = data;
  g_autoptr (AppSource) source = g_new0 (AppSource, 1);
  GError *error = NULL;
  ImageBuffer *image = wanted->path != NULL
                           ? from_file (wanted->path, &source->meta, &error)
                           : from_texture (wanted->texture, &error);

  if (image != NULL)
    {
      guint width = image->width, height = image->height;

      source->mask = image_mask_from_alpha (image);
      source->image = without_alpha (image);
      if (source->image == NULL)
        no_memory ((int) width, (int) height, &error);
    }
  if (source->image == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  source->texture = app_texture_from_image (source->image);
  source->path = g_strdup (wanted->path);
  g_task_return_pointer (task, g_steal_pointer (&source),
                         (GDestroyNotify) app_source_free);
}

void
app_source_load_async (const char *path,
                       GdkTexture *texture,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Wanted *wanted = g_new0 (Wanted, 1);

  wanted->path = g_strdup (path);
  g_set_object (&wanted->texture, texture);
  g_task_set_task_data (task, wanted, wanted_free);
  g_task_run_in_thread (task, load_thread);
}

AppSource *
app_source_load_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
