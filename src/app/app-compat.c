/* app-compat.c: what changed between GTK 4.8 and the newest, behind one face
 *
 * The only file compiled without an upper limit on the GTK interface: on a new GTK it
 * uses the new calls, on an old one those that were deprecated since. Everything else
 * is written for 4.8 and warns when it reaches beyond.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-compat.h"

#include <glib/gi18n.h>

typedef struct
{
  AppCompatDialog kind;
  AppCompatFileFunc done;
  gpointer user_data;
} Choice;

#if GTK_CHECK_VERSION(4, 10, 0)

static void
on_chosen (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Choice *choice = user_data;
  GtkFileDialog *dialog = GTK_FILE_DIALOG (source);
  g_autoptr (GFile) file = NULL;

  if (choice->kind == APP_COMPAT_OPEN_FILE)
    file = gtk_file_dialog_open_finish (dialog, result, NULL);
  else if (choice->kind == APP_COMPAT_OPEN_FOLDER)
    file = gtk_file_dialog_select_folder_finish (dialog, result, NULL);
  else
    file = gtk_file_dialog_save_finish (dialog, result, NULL);
  choice->done (file, choice->user_data);
}

void
app_compat_choose_file (GtkWindow *parent,
                        AppCompatDialog kind,
                        const char *title,
                        const char *accept,
                        GListModel *filters,
                        GFile *folder,
                        const char *name,
                        AppCompatFileFunc done,
                        gpointer user_data)
{
  g_autoptr (GtkFileDialog) dialog = gtk_file_dialog_new ();
  Choice *choice = g_new0 (Choice, 1);

  choice->kind = kind;
  choice->done = done;
  choice->user_data = user_data;
  gtk_file_dialog_set_title (dialog, title);
  gtk_file_dialog_set_accept_label (dialog, accept);
  gtk_file_dialog_set_filters (dialog, filters);
  if (folder != NULL)
    gtk_file_dialog_set_initial_folder (dialog, folder);
  if (name != NULL)
    gtk_file_dialog_set_initial_name (dialog, name);
  if (kind == APP_COMPAT_OPEN_FILE)
    gtk_file_dialog_open (dialog, parent, NULL, on_chosen, choice);
  else if (kind == APP_COMPAT_OPEN_FOLDER)
    gtk_file_dialog_select_folder (dialog, parent, NULL, on_chosen, choice);
  else
    gtk_file_dialog_save (dialog, parent, NULL, on_chosen, choice);
}

#else

static void
on_response (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  g_autofree Choice *choice = user_data;
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  g_object_unref (dialog);
  choice->done (file, choice->user_data);
}

void
app_compat_choose_file (GtkWindow *parent,
                        AppCompatDialog kind,
                        const char *title,
                        const char *accept,
                        GListModel *filters,
                        GFile *folder,
                        const char *name,
                        AppCompatFileFunc done,
                        gpointer user_data)
{
  static const GtkFileChooserAction actions[] = {
    GTK_FILE_CHOOSER_ACTION_OPEN,
    GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER,
    GTK_FILE_CHOOSER_ACTION_SAVE,
  };
  GtkFileChooserNative *dialog;
  Choice *choice = g_new0 (Choice, 1);

  choice->kind = kind;
  choice->done = done;
  choice->user_data = user_data;
  dialog
      = gtk_file_chooser_native_new (title, parent, actions[kind], accept, _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  for (guint i = 0; filters != NULL && i < g_list_model_get_n_items (filters); i++)
    {
      g_autoptr (GtkFileFilter) filter = g_list_model_get_item (filters, i);
      gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filter);
    }
  if (folder != NULL)
    gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), folder, NULL);
  if (name != NULL)
    gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), name);
  g_signal_connect (dialog, "response", G_CALLBACK (on_response), choice);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

#endif

void
app_compat_get_color (GtkWidget *widget, GdkRGBA *color)
{
#if GTK_CHECK_VERSION(4, 10, 0)
  gtk_widget_get_color (widget, color);
#else
  gtk_style_context_get_color (gtk_widget_get_style_context (widget), color);
#endif
}

#if !GTK_CHECK_VERSION(4, 10, 0)
/* The texture's pixels as cairo reads them; kept with it, for a picture is drawn again
 * with every move of the pointer. */
static cairo_surface_t *
surface_of (GdkTexture *texture)
{
  cairo_surface_t *surface = g_object_get_data (G_OBJECT (texture), "surface");

  if (surface != NULL)
    return surface;
  surface
      = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, gdk_texture_get_width (texture),
                                    gdk_texture_get_height (texture));
  gdk_texture_download (texture, cairo_image_surface_get_data (surface),
                        cairo_image_surface_get_stride (surface));
  cairo_surface_mark_dirty (surface);
  g_object_set_data_full (G_OBJECT (texture), "surface", surface,
                          (GDestroyNotify) cairo_surface_destroy);
  return surface;
}
#endif

void
app_compat_append_nearest (GtkSnapshot *snapshot,
                           GdkTexture *texture,
                           const graphene_rect_t *bounds,
                           const graphene_rect_t *seen)
{
#if GTK_CHECK_VERSION(4, 10, 0)
  gtk_snapshot_push_clip (snapshot, seen);
  gtk_snapshot_append_scaled_texture (snapshot, texture, GSK_SCALING_FILTER_NEAREST,
                                      bounds);
  gtk_snapshot_pop (snapshot);
#else
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot, seen);

  cairo_translate (cr, bounds->origin.x, bounds->origin.y);
  cairo_scale (cr, bounds->size.width / gdk_texture_get_width (texture),
               bounds->size.height / gdk_texture_get_height (texture));
  cairo_set_source_surface (cr, surface_of (texture), 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_NEAREST);
  cairo_paint (cr);
  cairo_destroy (cr);
#endif
}

void
app_compat_announce (GtkWidget *widget, const char *text)
{
#if GTK_CHECK_VERSION(4, 14, 0)
  gtk_accessible_announce (GTK_ACCESSIBLE (widget), text,
                           GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_MEDIUM);
#endif
}
