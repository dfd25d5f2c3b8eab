/* app-window-actions.c: the window's own actions; the pages bring theirs
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-window-private.h"

#include <glib/gi18n.h>

#include "app/app-settings.h"

static void
on_open (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_window_choose_file (user_data, FALSE);
}

static void
on_open_folder (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_window_choose_file (user_data, TRUE);
}

static void
on_use_model (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_window_use_model (user_data, g_variant_get_string (parameter, NULL));
}

static void
on_reload (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppWindow *self = user_data;
  g_autofree char *path = NULL;

  if (self->inspected == NULL)
    return;
  app_window_set_banner (self, NULL, NULL, NULL);
  path = g_strdup (app_model_get_path (self->inspected));
  app_window_open (self, path);
}

static void
on_close (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_window_close (user_data);
}

static void
on_show_page (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppWindow *self = user_data;
  const char *name = g_variant_get_string (parameter, NULL);

  if (gtk_stack_get_child_by_name (self->stack, name) != NULL)
    gtk_stack_set_visible_child_name (self->stack, name);
}

static void
on_model_menu (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppWindow *self = user_data;

  gtk_menu_button_popup (self->model_button);
}

static void
on_next_pane (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppWindow *self = user_data;
  const char *page = gtk_stack_get_visible_child_name (self->stack);
  gboolean moved = g_str_equal (page, "tensors")
                       ? app_tensors_page_next_pane (self->tensors)
                       : app_pictures_page_next_pane (self->pictures);

  if (!moved)
    gtk_widget_grab_focus (GTK_WIDGET (self->model_button));
}

static void
on_dismiss_banner (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_window_set_banner (user_data, NULL, NULL, NULL);
}

static const GActionEntry entries[] = {
  { "open", on_open },
  { "open-folder", on_open_folder },
  { "use-model", on_use_model, "s" },
  { "reload", on_reload },
  { "close", on_close },
  { "show-page", on_show_page, "s" },
  { "model-menu", on_model_menu },
  { "next-pane", on_next_pane },
  { "dismiss-banner", on_dismiss_banner },
};

/* The picture is taken inside the program, of what GTK draws: no window manager and no
 * screen take part, so that with GSK_RENDERER=cairo it is the same bits every time. */
static void
on_screenshot (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWidget *widget = user_data;
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (widget);
  g_autoptr (GtkSnapshot) snapshot = gtk_snapshot_new ();
  double width = gdk_paintable_get_intrinsic_width (paintable);
  double height = gdk_paintable_get_intrinsic_height (paintable);
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;

  gdk_paintable_snapshot (paintable, GDK_SNAPSHOT (snapshot), width, height);
  node = gtk_snapshot_to_node (snapshot);
  if (node == NULL)
    return;
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (GTK_NATIVE (widget)),
                                         node, &GRAPHENE_RECT_INIT (0, 0, width, height));
  gdk_texture_save_to_png (texture, g_variant_get_string (parameter, NULL));
}

static void
on_resize (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  int width, height;

  g_variant_get (parameter, "(ii)", &width, &height);
  gtk_window_set_default_size (user_data, width, height);
}

static void
collect_texts (GtkWidget *widget, GString *texts)
{
  if (!gtk_widget_get_mapped (widget))
    return;
  if (GTK_IS_LABEL (widget))
    g_string_append_printf (texts, "%s\n", gtk_label_get_text (GTK_LABEL (widget)));
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    collect_texts (child, texts);
}

/* What can be read in all windows: GTK 4.8 does not tell other programs what is shown. */
static void
on_write_texts (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_autoptr (GString) texts = g_string_new (NULL);
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);
      collect_texts (window, texts);
    }
  g_file_set_contents (g_variant_get_string (parameter, NULL), texts->str, -1, NULL);
}

static void
on_text_scale (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_object_set (gtk_widget_get_settings (user_data), "gtk-xft-dpi",
                (int) (96 * 1024 * g_variant_get_double (parameter)), NULL);
}

static const GActionEntry test_entries[] = {
  { "screenshot", on_screenshot, "s" },
  { "write-texts", on_write_texts, "s" },
  { "resize", on_resize, "(ii)" },
  { "text-scale", on_text_scale, "d" },
};

void
app_window_add_actions (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries),
                                   self);
  if (app_settings_testing ())
    g_action_map_add_action_entries (G_ACTION_MAP (self), test_entries,
                                     G_N_ELEMENTS (test_entries), self);
}
