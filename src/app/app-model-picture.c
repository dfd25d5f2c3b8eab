/* app-model-picture.c: see app-model-picture.h
 *
 * Pictures come from the net: their size is looked at before they are unpacked.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-model-picture.h"

#define MAX_PIXELS (64 << 20)
#define MAX_KEPT 500
#define CHUNK (64 << 10)
#define SIDE (2 * APP_MODEL_PICTURE_SIZE) /* for screens of two pixels to one */

static GHashTable *kept; /* path → GdkTexture or NULL */

static void
unref_texture (gpointer texture)
{
  g_clear_object (&texture);
}

/* The names of pictures that were looked for; the newest time of change is in them. */
static char *
key_of (const SdItem *item)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %s", item->identity[3],
                          item->picture != NULL ? item->picture : item->path);
}

GdkTexture *
app_model_picture_peek (const SdItem *item, gboolean *known)
{
  g_autofree char *key = key_of (item);
  gpointer texture = NULL;

  *known = (item->picture == NULL && !item->embedded)
           || (kept != NULL && g_hash_table_lookup_extended (kept, key, NULL, &texture));
  return texture;
}

static void
on_size (GdkPixbufLoader *loader, int width, int height, gpointer user_data)
{
  gboolean *refused = user_data;
  const double scale = (double) SIDE / MAX (MIN (width, height), 1);

  *refused = (gint64) width * height > MAX_PIXELS;
  if (scale < 1)
    gdk_pixbuf_loader_set_size (loader, MAX ((int) (width * scale), 1),
                                MAX ((int) (height * scale), 1));
}

/* The middle square. */
static GdkTexture *
make_texture (GdkPixbuf *pixbuf)
{
  const int width = gdk_pixbuf_get_width (pixbuf),
            height = gdk_pixbuf_get_height (pixbuf);
  const int side = MIN (width, height);
  g_autoptr (GdkPixbuf) square = gdk_pixbuf_new_subpixbuf (
      pixbuf, (width - side) / 2, (height - side) / 2, side, side);
  g_autoptr (GdkPixbuf) copy = gdk_pixbuf_copy (square);
  g_autoptr (GBytes) bytes = NULL;

  if (copy == NULL)
    return NULL;
  bytes = gdk_pixbuf_read_pixel_bytes (copy);
  return gdk_memory_texture_new (side, side,
                                 gdk_pixbuf_get_has_alpha (copy) ? GDK_MEMORY_R8G8B8A8
                                                                 : GDK_MEMORY_R8G8B8,
                                 bytes, (gsize) gdk_pixbuf_get_rowstride (copy));
}

/* (nullable) */
static GdkTexture *
decode (GBytes *bytes, GCancellable *cancellable)
{
  g_autoptr (GdkPixbufLoader) loader = gdk_pixbuf_loader_new ();
  gboolean refused = FALSE, good = TRUE;
  gsize size;
  const guchar *data = g_bytes_get_data (bytes, &size);
  GdkPixbuf *pixbuf;

  g_signal_connect (loader, "size-prepared", G_CALLBACK (on_size), &refused);
  for (gsize at = 0; good && !refused && at < size; at += CHUNK)
    good = !g_cancellable_is_cancelled (cancellable)
           && gdk_pixbuf_loader_write (loader, data + at, MIN (CHUNK, size - at), NULL);
  good = gdk_pixbuf_loader_close (loader, NULL) && good && !refused;
  pixbuf = gdk_pixbuf_loader_get_pixbuf (loader);
  return good && pixbuf != NULL ? make_texture (pixbuf) : NULL;
}

static void
read_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GBytes) bytes = NULL;

  if (g_task_return_error_if_cancelled (task))
    return;
  bytes = sd_item_read_picture (data, NULL);
  g_task_return_pointer (task, bytes != NULL ? decode (bytes, cancellable) : NULL,
                         unref_texture);
}

void
app_model_picture_read_async (SdItem *item,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, sd_item_ref (item), (GDestroyNotify) sd_item_unref);
  g_task_set_priority (task, G_PRIORITY_LOW);
  g_task_run_in_thread (task, read_thread);
}

gboolean
app_model_picture_read_finish (GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  GdkTexture *texture = g_task_propagate_pointer (G_TASK (result), &error);

  if (error != NULL)
    return FALSE;
  if (kept == NULL)
    kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, unref_texture);
  if (g_hash_table_size (kept) >= MAX_KEPT)
    g_hash_table_remove_all (kept);
  g_hash_table_replace (kept, key_of (g_task_get_task_data (G_TASK (result))), texture);
  return TRUE;
}
