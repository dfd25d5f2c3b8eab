/* app-window-actions.c: the window's own actions; the pages bring theirs
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-window-private.h"

#include <glib/gi18n.h>

#include "app/app-model-folders.h"
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
on_open_models_folder (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_model_folders_open_own (user_data);
}

static void
on_add_models_folder (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_model_folders_choose (user_data);
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

static void
on_show_damaged (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_window_open_damaged (user_data, g_variant_get_string (parameter, NULL));
}

static const GActionEntry entries[] = {
  { "open", on_open },
  { "open-folder", on_open_folder },
  { "open-models-folder", on_open_models_folder },
  { "add-models-folder", on_add_models_folder },
  { "use-model", on_use_model, "s" },
  { "reload", on_reload },
  { "show-damaged", on_show_damaged, "s" },
  { "close", on_close },
  { "show-page", on_show_page, "s" },
  { "model-menu", on_model_menu },
  { "next-pane", on_next_pane },
  { "dismiss-banner", on_dismiss_banner },
};

void
app_window_add_actions (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries),
                                   self);
  if (app_settings_testing ())
    app_window_add_test_actions (self);
}
