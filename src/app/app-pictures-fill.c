/* app-pictures-fill.c: settings out of a dropped picture, the clipboard or the history
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

static void
take_text (char **to, const char *from)
{
  g_free (*to);
  *to = g_strdup (from != NULL ? from : "");
}

void
app_pictures_take_meta (SdParams *params, const ImageMeta *meta, gboolean exact)
{
  take_text (&params->prompt, meta->prompt);
  take_text (&params->negative, meta->negative);
  if (meta->width > 0 && meta->height > 0 && exact)
    {
      params->width = ((guint) meta->width + 4) / 8 * 8;
      params->height = ((guint) meta->height + 4) / 8 * 8;
    }
  if (meta->steps > 0)
    params->steps = (guint) meta->steps;
  if (meta->cfg > 0)
    params->cfg = meta->cfg;
  if (meta->has_seed && exact)
    params->seed = meta->seed;
  if (meta->sampler != NULL)
    sampler_parse (meta->sampler, &params->sampler, &params->schedule, NULL);
  if (meta->schedule != NULL)
    sampler_schedule_parse (meta->schedule, &params->schedule, NULL);
  if (meta->rng != NULL)
    params->rng = g_str_equal (meta->rng, "cpu") ? BASE_RANDOM_CPU : BASE_RANDOM_NV;
}

void
app_pictures_fill (AppPicturesPage *self, const ImageMeta *meta)
{
  const SdParams *now = app_session_get_params (self->session);
  g_autoptr (SdParams) params = NULL;

  if (now == NULL)
    return;
  params = sd_params_copy (now);
  app_pictures_take_meta (params, meta, TRUE);
  params->batch = 1;
  g_autoptr (GError) error = NULL;
  if (!sd_params_check (params, &error))
    {
      app_window_toast (app_pictures_window (self), error->message, NULL, NULL);
      return;
    }
  app_session_edit (self->session, "fill", params);
  if (meta->has_seed)
    app_session_set_seed_locked (self->session, TRUE);
  app_window_toast (app_pictures_window (self), _ ("Settings filled in"), _ ("Undo"),
                    "win.undo-settings");
}

void
app_pictures_offer (AppPicturesPage *self, ImageMeta *meta)
{
  image_meta_free (self->offered);
  self->offered = meta;
  app_window_toast (app_pictures_window (self), _ ("This picture tells how it was made."),
                    _ ("Fill In All Settings"), "win.fill-settings");
}

/* ---- pictures dropped on the page ---- */

static void
read_thread (GTask *task, gpointer source, gpointer path, GCancellable *cancellable)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) texts = image_png_read_texts (path, &error);

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
  else if (meta != NULL)
    app_pictures_offer (self, meta);
  else
    app_window_toast (app_pictures_window (self),
                      error != NULL ? error->message
                                    : _ ("This picture does not tell how it was made."),
                      NULL, NULL);
}

gboolean
app_pictures_page_take_file (AppPicturesPage *self, const char *path)
{
  g_autofree char *small = g_ascii_strdown (path, -1);
  g_autoptr (GTask) task = NULL;

  if (!g_str_has_suffix (small, ".png"))
    return FALSE;
  task = g_task_new (self, NULL, on_texts, NULL);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, read_thread);
  return TRUE;
}

/* ---- the clipboard ---- */

static void
take_pasted (AppPicturesPage *self, GAsyncResult *result, gboolean asked)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self));
  g_autofree char *text = gdk_clipboard_read_text_finish (clipboard, result, NULL);
  ImageMeta *meta = text != NULL ? image_meta_from_a1111 (text) : NULL;

  if (app_pictures_window (self) == NULL)
    image_meta_free (meta);
  else if (meta != NULL)
    app_pictures_offer (self, meta);
  else if (asked)
    app_window_toast (app_pictures_window (self),
                      _ ("The clipboard holds no settings of a picture."), NULL, NULL);
}

static void
on_text_asked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppPicturesPage) self = data;

  take_pasted (self, result, TRUE);
}

static void
on_text_pasted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppPicturesPage) self = data;

  take_pasted (self, result, FALSE);
}

void
app_pictures_paste (AppPicturesPage *self, gboolean asked)
{
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (GTK_WIDGET (self)), NULL,
                                 asked ? on_text_asked : on_text_pasted,
                                 g_object_ref (self));
}
