/* app-source-offer.c: pictures and settings that are dropped or pasted
 *
 * Of what is dropped or pasted is said what can be done with it: fill in its settings
 * where it has any, begin from it where there are pixels. Pixels without a file that are
 * dropped on the form have but one use: they are begun from.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

static void
keep_offered (AppPicturesPage *self, const char *path, GdkTexture *texture)
{
  g_free (self->offered_path);
  self->offered_path = g_strdup (path);
  g_set_object (&self->offered_texture, texture);
}

static void
offer_to_begin (AppPicturesPage *self, const char *text)
{
  app_window_toast (app_pictures_window (self), text, _ ("Begin from It"),
                    "win.use-offered");
}

/* ---- files ---- */

static void
read_thread (GTask *task, gpointer source, gpointer path, GCancellable *cancellable)
{
  g_autofree char *small = g_ascii_strdown (path, -1);
  g_autoptr (GPtrArray) texts = NULL;
  GError *error = NULL;

  if (!g_str_has_suffix (small, ".png"))
    {
      g_task_return_pointer (task, NULL, NULL);
      return;
    }
  texts = image_png_read_texts (path, &error);
  if (texts == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, image_meta_from_texts (texts),
                           (GDestroyNotify) image_meta_free);
}

static void
on_texts (GObject *source, GAsyncResult *result, gpointer data)
{
  AppPicturesPage *self = APP_PICTURES_PAGE (source);
  g_autoptr (GError) error = NULL;
  ImageMeta *meta = g_task_propagate_pointer (G_TASK (result), &error);

  if (app_pictures_window (self) == NULL)
    image_meta_free (meta);
  else if (error != NULL)
    app_window_toast (app_pictures_window (self), error->message, NULL, NULL);
  else
    {
      keep_offered (self, g_task_get_task_data (G_TASK (result)), NULL);
      if (meta == NULL)
        offer_to_begin (self, _ ("This picture does not tell how it was made."));
      else
        {
          app_pictures_offer (self, meta);
          app_window_toast_also (app_pictures_window (self), _ ("Begin from It"),
                                 "win.use-offered");
        }
    }
}

gboolean
app_pictures_page_take_file (AppPicturesPage *self, const char *path)
{
  g_autoptr (GTask) task = NULL;

  if (!app_source_is_picture (path))
    return FALSE;
  task = g_task_new (self, NULL, on_texts, NULL);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, read_thread);
  return TRUE;
}

/* ---- pixels ---- */

static gboolean
on_drop_texture (
    GtkDropTarget *target, const GValue *value, double x, double y, AppPicturesPage *self)
{
  app_mode_take_texture (self, g_value_get_object (value), APP_MODE_VARY);
  return TRUE;
}

void
app_source_accept_pixels (AppPicturesPage *self)
{
  GtkDropTarget *drop = gtk_drop_target_new (GDK_TYPE_TEXTURE, GDK_ACTION_COPY);

  g_signal_connect (drop, "drop", G_CALLBACK (on_drop_texture), self);
  gtk_widget_add_controller (GTK_WIDGET (self->form), GTK_EVENT_CONTROLLER (drop));
}

/* ---- the clipboard ---- */

typedef struct
{
  AppPicturesPage *page;
  gboolean asked; /* somebody wants to know if there is nothing */
} Pasting;

static void
pasting_free (Pasting *pasting)
{
  g_object_unref (pasting->page);
  g_free (pasting);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pasting, pasting_free)

static void
say_nothing_there (Pasting *pasting)
{
  if (pasting->asked && app_pictures_window (pasting->page) != NULL)
    app_window_toast (app_pictures_window (pasting->page),
                      _ ("The clipboard holds no settings of a picture."), NULL, NULL);
}

static void
on_texture (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Pasting) pasting = data;
  g_autoptr (GdkTexture) texture
      = gdk_clipboard_read_texture_finish (GDK_CLIPBOARD (source), result, NULL);

  if (texture == NULL || app_pictures_window (pasting->page) == NULL)
    {
      say_nothing_there (pasting);
      return;
    }
  keep_offered (pasting->page, NULL, texture);
  offer_to_begin (pasting->page, _ ("There is a picture in the clipboard."));
}

static void
on_text (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Pasting) pasting = data;
  g_autofree char *text
      = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);
  ImageMeta *meta = text != NULL ? image_meta_from_a1111 (text) : NULL;

  if (app_pictures_window (pasting->page) == NULL)
    image_meta_free (meta);
  else if (meta != NULL)
    app_pictures_offer (pasting->page, meta);
  else
    say_nothing_there (pasting);
}

/* A picture copied in a file manager or in this program is a file; its pixels come along
 * and say less. */
static void
on_files (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Pasting) pasting = data;
  const GValue *value
      = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, NULL);
  GSList *files = value != NULL ? g_value_get_boxed (value) : NULL;
  g_autofree char *path = files != NULL ? g_file_get_path (files->data) : NULL;

  if (path == NULL || app_pictures_window (pasting->page) == NULL
      || !app_pictures_page_take_file (pasting->page, path))
    say_nothing_there (pasting);
}

void
app_pictures_paste (AppPicturesPage *self, gboolean asked)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self));
  GdkContentFormats *formats = gdk_clipboard_get_formats (clipboard);
  Pasting *pasting = g_new0 (Pasting, 1);

  pasting->page = g_object_ref (self);
  pasting->asked = asked;
  if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST))
    gdk_clipboard_read_value_async (clipboard, GDK_TYPE_FILE_LIST, G_PRIORITY_DEFAULT,
                                    NULL, on_files, pasting);
  else if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_TEXTURE))
    gdk_clipboard_read_texture_async (clipboard, NULL, on_texture, pasting);
  else
    gdk_clipboard_read_text_async (clipboard, NULL, on_text, pasting);
}
