/* app-model-folders.c: see app-model-folders.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-model-folders.h"

#include <glib/gi18n.h>

#include "app/app-compat.h"
#include "app/app-format.h"
#include "app/app-library.h"
#include "app/app-tooltip.h"

struct _AppModelFolders
{
  GtkWidget parent_instance;
  GtkWidget *box;
  GtkListBox *list;
};

G_DEFINE_FINAL_TYPE (AppModelFolders, app_model_folders, GTK_TYPE_WIDGET)

static guint back_signal;

/* ---- opening and adding ---- */

static void
make_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, sd_library_own_folder (TRUE), g_free);
}

static void
on_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *path = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autofree char *uri = path != NULL ? g_filename_to_uri (path, NULL, NULL) : NULL;
  g_autoptr (GdkAppLaunchContext) context = NULL;

  if (uri == NULL)
    return;
  context = gdk_display_get_app_launch_context (gdk_display_get_default ());
  g_app_info_launch_default_for_uri_async (uri, G_APP_LAUNCH_CONTEXT (context), NULL,
                                           NULL, NULL);
  app_library_refresh (app_library_get ());
}

void
app_model_folders_open_own (GtkWidget *widget)
{
  g_autoptr (GTask) task = g_task_new (widget, NULL, on_made, NULL);

  g_task_run_in_thread (task, make_thread);
}

static void
on_chosen (GFile *file, gpointer user_data)
{
  g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

  if (path != NULL)
    app_library_add_folder (app_library_get (), path);
}

void
app_model_folders_choose (GtkWidget *widget)
{
  GtkRoot *root = gtk_widget_get_root (widget);

  app_compat_choose_file (GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
                          APP_COMPAT_OPEN_FOLDER, _ ("Add a Folder of Models"),
                          _ ("_Add"), NULL, NULL, NULL, on_chosen, NULL);
}

/* ---- the list ---- */

static void
on_remove (GtkButton *button, gpointer user_data)
{
  const SdFolder folder = {
    .path = g_object_get_data (G_OBJECT (button), "path"),
    .origin = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (button), "origin")),
  };

  app_library_remove_folder (app_library_get (), &folder);
}

static void
on_show_again (GtkButton *button, gpointer user_data)
{
  app_library_show_hidden (app_library_get (),
                           g_object_get_data (G_OBJECT (button), "path"));
}

static GtkWidget *
add_row (AppModelFolders *self, const char *title, const char *path, const char *detail)
{
  g_autofree char *shown = g_filename_display_name (path);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *name = gtk_label_new (title), *second = gtk_label_new (detail);

  gtk_label_set_xalign (GTK_LABEL (name), 0);
  gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_xalign (GTK_LABEL (second), 0);
  gtk_label_set_ellipsize (GTK_LABEL (second), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (second), 36);
  gtk_widget_add_css_class (second, "dim-label");
  gtk_widget_add_css_class (second, "caption");
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (texts), name);
  gtk_box_append (GTK_BOX (texts), second);
  gtk_box_append (GTK_BOX (row), texts);
  gtk_widget_add_css_class (row, "app-row");
  app_tooltip_set (row, shown);
  gtk_list_box_append (self->list, row);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (gtk_widget_get_parent (row)),
                                    FALSE);
  return row;
}

static void
add_button (GtkWidget *row,
            const char *icon,
            const char *words,
            const char *path,
            SdFolderOrigin origin,
            GCallback callback)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  words, -1);
  g_object_set_data_full (G_OBJECT (button), "path", g_strdup (path), g_free);
  g_object_set_data (G_OBJECT (button), "origin", GINT_TO_POINTER (origin));
  g_signal_connect (button, "clicked", callback, NULL);
  gtk_box_append (GTK_BOX (row), button);
}

static void
add_folder (AppModelFolders *self, const SdFolder *folder)
{
  g_autofree char *shown = sd_library_shown_path (folder->path);
  g_autofree char *base = g_filename_display_basename (folder->path);
  g_autofree char *count = app_format_count (folder->n_items);
  g_autofree char *isolated = app_format_isolate (shown);
  g_autofree char *detail
      = folder->fault != NULL
            ? g_strdup_printf ("%s · %s", isolated, folder->fault)
            /* Translators: a folder's path · how many files of models are in it */
            : g_strdup_printf (
                ngettext ("%s · %s file", "%s · %s files", folder->n_items), isolated,
                count);
  GtkWidget *row = add_row (self, folder->program != NULL ? folder->program : base,
                            folder->path, detail);

  if (folder->origin != SD_FOLDER_OWN)
    add_button (row, "list-remove-symbolic",
                folder->origin == SD_FOLDER_ADDED
                    ? _ ("Remove this folder from the list; nothing in it is deleted")
                    : _ ("Do not list models of this folder"),
                folder->path, folder->origin, G_CALLBACK (on_remove));
}

static void
fill (AppModelFolders *self)
{
  SdListing *listing = app_library_get_listing (app_library_get ());
  g_auto (GStrv) hidden = app_library_get_hidden (app_library_get ());
  GtkWidget *row;

  while ((row = gtk_widget_get_first_child (GTK_WIDGET (self->list))) != NULL)
    gtk_list_box_remove (self->list, row);
  for (guint i = 0; i < listing->folders->len; i++)
    add_folder (self, listing->folders->pdata[i]);
  for (guint i = 0; hidden[i] != NULL; i++)
    {
      g_autofree char *base = g_filename_display_basename (hidden[i]);
      row = add_row (self, base, hidden[i], _ ("Not listed"));
      gtk_widget_add_css_class (gtk_widget_get_first_child (row), "dim-label");
      add_button (row, "list-add-symbolic", _ ("List models of this folder again"),
                  hidden[i], SD_FOLDER_FOUND, G_CALLBACK (on_show_again));
    }
}

/* ---- life ---- */

static void
on_changed (AppModelFolders *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    fill (self);
}

static void
app_model_folders_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (app_model_folders_parent_class)->map (widget);
  fill (APP_MODEL_FOLDERS (widget));
}

static void
on_back (AppModelFolders *self)
{
  g_signal_emit (self, back_signal, 0);
}

static void
on_add (AppModelFolders *self)
{
  GtkWidget *popover = gtk_widget_get_ancestor (GTK_WIDGET (self), GTK_TYPE_POPOVER);

  app_model_folders_choose (GTK_WIDGET (self));
  if (popover != NULL)
    gtk_popover_popdown (GTK_POPOVER (popover));
}

static GtkWidget *
make_head (AppModelFolders *self)
{
  GtkWidget *head = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *back = gtk_button_new_from_icon_name ("go-previous-symbolic");
  GtkWidget *title = gtk_label_new (_ ("Folders of Models"));

  gtk_widget_add_css_class (back, "flat");
  gtk_widget_set_tooltip_text (back, _ ("Back"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (back), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Back"), -1);
  gtk_widget_add_css_class (title, "heading");
  gtk_box_append (GTK_BOX (head), back);
  gtk_box_append (GTK_BOX (head), title);
  g_signal_connect_swapped (back, "clicked", G_CALLBACK (on_back), self);
  return head;
}

static void
app_model_folders_dispose (GObject *object)
{
  AppModelFolders *self = APP_MODEL_FOLDERS (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (app_model_folders_parent_class)->dispose (object);
}

static void
app_model_folders_class_init (AppModelFoldersClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_model_folders_dispose;
  widget_class->map = app_model_folders_map;
  back_signal = g_signal_new ("back", APP_TYPE_MODEL_FOLDERS, G_SIGNAL_RUN_LAST, 0, NULL,
                              NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static void
app_model_folders_init (AppModelFolders *self)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkWidget *add = gtk_button_new_with_mnemonic (_ ("_Add a Folder…"));

  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_selection_mode (self->list, GTK_SELECTION_NONE);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "app-menu-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Folders of Models"),
                                  -1);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 380);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (self->list));
  gtk_widget_set_vexpand (scroller, TRUE);
  gtk_box_append (GTK_BOX (self->box), make_head (self));
  gtk_box_append (GTK_BOX (self->box), scroller);
  gtk_box_append (GTK_BOX (self->box), add);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  g_signal_connect_swapped (add, "clicked", G_CALLBACK (on_add), self);
  g_signal_connect_object (app_library_get (), "changed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
}
