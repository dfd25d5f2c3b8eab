/* app-model-menu.c: the popover of the model button
 *
 * Filled each time it opens: what the desktop remembers as opened with this program, what
 * lies in the folders of models (listed off the main thread, they may be on a network),
 * and the sample model. A row activates win.use-model with its path.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-model-menu.h"

#include <glib/gi18n.h>

#include "app/app-model.h"
#include "app/app-settings.h"

#define MAX_RECENT 6
#define MAX_FOUND 200

struct _AppModelMenu
{
  GtkPopover parent_instance;
  GtkListBox *list;
  GtkLabel *hint;
  GHashTable *listed; /* set of paths */
  GCancellable *scanning;
};

G_DEFINE_FINAL_TYPE (AppModelMenu, app_model_menu, GTK_TYPE_POPOVER)

/* Where a person puts models to have them found. */
static char *
models_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "calotype", "models", NULL);
}

static void
append_row (AppModelMenu *self, const char *path, const char *name, const char *section)
{
  GtkWidget *box, *label, *where, *row;
  g_autofree char *folder = g_path_get_dirname (path);

  if (!g_hash_table_add (self->listed, g_strdup (path)))
    return;
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  label = gtk_label_new (name);
  where = gtk_label_new (folder);
  row = gtk_list_box_row_new ();
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 40);
  gtk_label_set_xalign (GTK_LABEL (where), 0);
  gtk_label_set_ellipsize (GTK_LABEL (where), PANGO_ELLIPSIZE_START);
  gtk_label_set_max_width_chars (GTK_LABEL (where), 40);
  gtk_widget_add_css_class (where, "dim-label");
  gtk_widget_add_css_class (where, "caption");
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), where);
  gtk_widget_add_css_class (box, "app-row");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  g_object_set_data_full (G_OBJECT (row), "path", g_strdup (path), g_free);
  g_object_set_data (G_OBJECT (row), "section", (gpointer) section);
  gtk_list_box_append (self->list, row);
}

static void
make_header (GtkListBoxRow *row, GtkListBoxRow *before, gpointer user_data)
{
  const char *section = g_object_get_data (G_OBJECT (row), "section");
  GtkWidget *label;

  if (before != NULL && g_object_get_data (G_OBJECT (before), "section") == section)
    {
      gtk_list_box_row_set_header (row, NULL);
      return;
    }
  label = gtk_label_new (g_dpgettext2 (NULL, "models", section));
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, "heading");
  gtk_widget_add_css_class (label, "app-row");
  gtk_list_box_row_set_header (row, label);
}

static int
compare_newest (gconstpointer a, gconstpointer b)
{
  GDateTime *x = gtk_recent_info_get_visited (*(GtkRecentInfo **) a);
  GDateTime *y = gtk_recent_info_get_visited (*(GtkRecentInfo **) b);

  return g_date_time_compare (y, x);
}

static void
append_recent (AppModelMenu *self)
{
  g_autoptr (GPtrArray) infos
      = g_ptr_array_new_with_free_func ((GDestroyNotify) gtk_recent_info_unref);

  for (GList *l = gtk_recent_manager_get_items (gtk_recent_manager_get_default ());
       l != NULL; l = g_list_delete_link (l, l))
    {
      if (gtk_recent_info_has_application (l->data, "Calotype")
          && gtk_recent_info_is_local (l->data))
        g_ptr_array_add (infos, l->data);
      else
        gtk_recent_info_unref (l->data);
    }
  g_ptr_array_sort (infos, compare_newest);
  for (guint i = 0; i < infos->len && i < MAX_RECENT; i++)
    {
      g_autofree char *path
          = g_filename_from_uri (gtk_recent_info_get_uri (infos->pdata[i]), NULL, NULL);
      if (path != NULL)
        append_row (self, path, gtk_recent_info_get_display_name (infos->pdata[i]),
                    NC_ ("models", "Recent"));
    }
}

/* ---- folders of models ---- */

static gboolean
is_model (GFile *folder, GFileInfo *info)
{
  const char *name = g_file_info_get_name (info);

  if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
    {
      g_autoptr (GFile) index = g_file_resolve_relative_path (
          g_file_get_child (folder, name), "model_index.json");
      return g_file_query_exists (index, NULL);
    }
  return g_str_has_suffix (name, ".safetensors")
         || g_str_has_suffix (name, ".safetensors.index.json");
}

static void
scan_folder (const char *path, GPtrArray *found, GCancellable *cancellable)
{
  g_autoptr (GFile) folder = g_file_new_for_path (path);
  g_autoptr (GFileEnumerator) files = g_file_enumerate_children (
      folder, G_FILE_ATTRIBUTE_STANDARD_NAME "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
      G_FILE_QUERY_INFO_NONE, cancellable, NULL);
  GFileInfo *info;

  while (files != NULL && found->len < MAX_FOUND
         && g_file_enumerator_iterate (files, &info, NULL, cancellable, NULL)
         && info != NULL)
    {
      if (is_model (folder, info))
        g_ptr_array_add (found,
                         g_build_filename (path, g_file_info_get_name (info), NULL));
    }
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(char **) a, *(char **) b);
}

static void
scan_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);

  for (char **folder = data; *folder != NULL; folder++)
    scan_folder (*folder, found, cancellable);
  g_ptr_array_sort (found, compare_paths);
  g_task_return_pointer (task, found, (GDestroyNotify) g_ptr_array_unref);
}

static void
on_scanned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  AppModelMenu *self = APP_MODEL_MENU (source);
  g_autoptr (GPtrArray) found = g_task_propagate_pointer (G_TASK (result), NULL);

  if (found == NULL || g_task_get_cancellable (G_TASK (result)) != self->scanning)
    return;
  for (guint i = 0; i < found->len; i++)
    {
      g_autofree char *name = g_path_get_basename (found->pdata[i]);
      if (g_str_has_suffix (name, ".safetensors"))
        name[strlen (name) - strlen (".safetensors")] = '\0';
      append_row (self, found->pdata[i], name, NC_ ("models", "Found"));
    }
}

static void
start_scan (AppModelMenu *self)
{
  g_auto (GStrv) chosen = g_settings_get_strv (app_settings_get (), "model-folders");
  g_autoptr (GStrvBuilder) folders = g_strv_builder_new ();
  g_autofree char *own = models_folder ();
  g_autoptr (GTask) task = NULL;

  g_strv_builder_add (folders, own);
  g_strv_builder_addv (folders, (const char **) chosen);
  if (self->scanning != NULL)
    g_cancellable_cancel (self->scanning);
  g_clear_object (&self->scanning);
  self->scanning = g_cancellable_new ();
  task = g_task_new (self, self->scanning, on_scanned, NULL);
  g_task_set_task_data (task, g_strv_builder_end (folders), (GDestroyNotify) g_strfreev);
  g_task_run_in_thread (task, scan_thread);
}

static void
on_show (AppModelMenu *self)
{
  g_autofree char *bundled = sd_bundled_model_path ();
  g_autofree char *folder = models_folder ();
  g_autofree char *hint = NULL;
  GtkWidget *row;

  while ((row = gtk_widget_get_first_child (GTK_WIDGET (self->list))) != NULL)
    gtk_list_box_remove (self->list, row);
  g_hash_table_remove_all (self->listed);
  append_recent (self);
  if (bundled != NULL)
    append_row (self, bundled, _ ("Sample Model"), NC_ ("models", "Came with Calotype"));
  start_scan (self);
  hint = g_strdup_printf (
      /* Translators: %s is a folder */
      _ ("Put a Stable Diffusion model (.safetensors) into \u2066%s\u2069, and it is "
         "listed here."),
      folder);
  gtk_label_set_label (self->hint, hint);
}

static void
on_row (AppModelMenu *self, GtkListBoxRow *row)
{
  const char *path = g_object_get_data (G_OBJECT (row), "path");

  gtk_popover_popdown (GTK_POPOVER (self));
  gtk_widget_activate_action (GTK_WIDGET (self), "win.use-model", "s", path);
}

static void
app_model_menu_dispose (GObject *object)
{
  AppModelMenu *self = APP_MODEL_MENU (object);

  if (self->scanning != NULL)
    g_cancellable_cancel (self->scanning);
  g_clear_object (&self->scanning);
  g_clear_pointer (&self->listed, g_hash_table_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_MODEL_MENU);
  G_OBJECT_CLASS (app_model_menu_parent_class)->dispose (object);
}

static void
app_model_menu_class_init (AppModelMenuClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_model_menu_dispose;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-model-menu.ui");
  gtk_widget_class_bind_template_child (widget_class, AppModelMenu, list);
  gtk_widget_class_bind_template_child (widget_class, AppModelMenu, hint);
  gtk_widget_class_bind_template_callback (widget_class, on_show);
  gtk_widget_class_bind_template_callback (widget_class, on_row);
}

static void
app_model_menu_init (AppModelMenu *self)
{
  self->listed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_list_box_set_header_func (self->list, make_header, NULL, NULL);
}

GtkWidget *
app_model_menu_new (void)
{
  return g_object_new (APP_TYPE_MODEL_MENU, NULL);
}
