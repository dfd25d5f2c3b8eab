/* app-window.c: a window: a picture session and an inspected file
 *
 * The window owns both models and decides which of them an opened file becomes: every
 * file is inspected, and one that can generate becomes the session's too. Opening a LoRA
 * or a VAE therefore leaves the picture session alone.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-window-private.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-compat.h"
#include "app/app-library.h"
#include "app/app-model-menu.h"
#include "app/app-settings.h"
#include "app/app-watch.h"

G_DEFINE_FINAL_TYPE (AppWindow, app_window, GTK_TYPE_APPLICATION_WINDOW)

static gboolean
shows_tensors (AppWindow *self)
{
  return g_strcmp0 (gtk_stack_get_visible_child_name (self->stack), "tensors") == 0;
}

static void
update_title (AppWindow *self)
{
  AppModel *model = shows_tensors (self) ? self->inspected : self->session;
  const char *name = model != NULL ? app_model_get_title (model) : "Calotype";
  g_autofree char *title = NULL;

  gtk_label_set_label (self->model_label,
                       model != NULL ? app_model_get_title (model) : _ ("Open…"));
  if (model != NULL)
    gtk_widget_set_tooltip_text (GTK_WIDGET (self->model_button),
                                 app_model_get_path (model));
  if (self->progress >= 0)
    /* Translators: title of the window during a run: per cent, then the model's name */
    title = g_strdup_printf (_ ("%d %% — %s"), (int) floor (self->progress * 100), name);
  if (gtk_menu_button_get_popover (self->model_button) != NULL)
    app_model_menu_set_current (
        APP_MODEL_MENU (gtk_menu_button_get_popover (self->model_button)),
        self->session != NULL ? app_model_get_path (self->session) : NULL);
  gtk_window_set_title (GTK_WINDOW (self), title != NULL ? title : name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->model_button),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, name, -1);
}

static void load_session (AppWindow *self, const char *path);

static void
on_session_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (AppWindow) self = user_data;
  g_autoptr (AppModel) model = app_model_load_finish (result, NULL);
  const SdInfo *info = model != NULL ? app_model_get_info (model) : NULL;
  g_autofree char *bundled = sd_bundled_model_path ();

  if (self->session != NULL || self->pictures == NULL)
    return;
  if (info != NULL && info->can_generate)
    {
      g_set_object (&self->session, model);
      app_pictures_page_set_model (self->pictures, model);
      update_title (self);
    }
  else if (!self->session_is_bundled)
    load_session (self, bundled);
}

static void
load_session (AppWindow *self, const char *path)
{
  g_autofree char *bundled = sd_bundled_model_path ();

  self->session_is_bundled = g_strcmp0 (path, bundled) == 0;
  if (path != NULL)
    app_model_load_async (path, NULL, NULL, on_session_loaded, g_object_ref (self));
}

/* (nullable) */
static char *
session_path (AppWindow *self)
{
  const char *remembered = app_pictures_page_remembered_model (self->pictures);

  return remembered != NULL && g_file_test (remembered, G_FILE_TEST_EXISTS)
             ? g_strdup (remembered)
             : sd_bundled_model_path ();
}

static void
on_page (AppWindow *self)
{
  g_autofree char *path = NULL;

  if (self->pictures == NULL)
    return;
  app_pictures_page_set_shown (self->pictures, !shows_tensors (self));
  /* On Pictures the lower edge has the time line and Generate. */
  gtk_widget_set_valign (GTK_WIDGET (self->toast),
                         shows_tensors (self) ? GTK_ALIGN_END : GTK_ALIGN_START);
  update_title (self);
  if (shows_tensors (self) || self->session != NULL || self->loading != NULL
      || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  /* A window that was opened on a LoRA, a VAE or a broken file makes pictures all the
   * same. */
  path = session_path (self);
  load_session (self, path);
}

static void
update_bars (AppWindow *self)
{
  gboolean narrow = app_breakpoint_get_narrow (self->breakpoint);

  gtk_widget_set_visible (self->header, self->bars_visible);
  gtk_widget_set_visible (self->switcher, !narrow);
  gtk_widget_set_visible (self->bottom, narrow && self->bars_visible);
}

static void
on_narrow (AppWindow *self)
{
  gboolean narrow = app_breakpoint_get_narrow (self->breakpoint);

  update_bars (self);
  app_pictures_page_set_narrow (self->pictures, narrow);
  app_tensors_page_set_narrow (self->tensors, narrow);
}

/* ---- opening ---- */

static void
remember (AppModel *model)
{
  g_autofree char *uri = g_filename_to_uri (app_model_get_path (model), NULL, NULL);
  g_autofree char *folder = g_path_get_dirname (app_model_get_path (model));
  GtkRecentData data = { NULL };

  if (uri == NULL || app_model_is_bundled (model)
      || st_model_fault (app_model_get_model (model)) != NULL)
    return;
  data.display_name = (char *) app_model_get_title (model);
  data.mime_type = (char *) "application/vnd.safetensors";
  data.app_name = (char *) "Calotype";
  data.app_exec = (char *) "calotype %f";
  gtk_recent_manager_add_full (gtk_recent_manager_get_default (), uri, &data);
  g_settings_set_string (app_settings_get (), "last-folder", folder);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (AppWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (AppModel) model = app_model_load_finish (result, &error);
  const SdInfo *info;

  if (g_task_get_cancellable (G_TASK (result)) != self->loading)
    return; /* another file was opened since, or the window closed */
  g_clear_object (&self->loading);
  if (model == NULL)
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        app_tensors_page_show_previous (self->tensors);
      else
        {
          app_tensors_page_show_fault (
              self->tensors, error,
              g_async_result_is_tagged (result, app_model_load_damaged_async));
          gtk_stack_set_visible_child_name (self->stack, "tensors");
        }
      return;
    }
  app_watch_mark ("model");
  g_set_object (&self->inspected, model);
  app_tensors_page_set_model (self->tensors, model);
  info = app_model_get_info (model);
  if (info != NULL && info->can_generate)
    {
      g_set_object (&self->session, model);
      app_pictures_page_set_model (self->pictures, model);
      if (!app_model_is_bundled (model))
        app_library_note_use (app_library_get (), app_model_get_path (model));
    }
  else if (!shows_tensors (self))
    {
      gtk_stack_set_visible_child_name (self->stack, "tensors");
    }
  remember (model);
  update_title (self);
}

static void
on_load_progress (const char *stage, guint64 done, guint64 total, gpointer user_data)
{
  AppWindow *self = user_data;

  app_tensors_page_set_loading (self->tensors, done, total);
}

static void
begin_loading (AppWindow *self, const char *path)
{
  app_watch_mark ("open");
  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  g_set_object (&self->loading, NULL);
  self->loading = g_cancellable_new ();
  self->fresh = FALSE;
  app_tensors_page_show_loading (self->tensors, path, self->loading);
}

void
app_window_use_model (AppWindow *self, const char *path)
{
  g_return_if_fail (APP_IS_WINDOW (self));
  begin_loading (self, path);
  app_model_load_async (path, self->loading, on_load_progress, on_loaded,
                        g_object_ref (self));
}

void
app_window_open_damaged (AppWindow *self, const char *path)
{
  g_return_if_fail (APP_IS_WINDOW (self));
  begin_loading (self, path);
  app_model_load_damaged_async (path, self->loading, on_load_progress, on_loaded,
                                g_object_ref (self));
}

void
app_window_open (AppWindow *self, const char *path)
{
  g_return_if_fail (APP_IS_WINDOW (self));
  gtk_stack_set_visible_child_name (self->stack, "tensors");
  app_window_use_model (self, path);
}

void
app_window_start (AppWindow *self)
{
  g_autofree char *path = session_path (self);

  if (path != NULL)
    app_window_use_model (self, path);
  self->fresh = TRUE;
}

gboolean
app_window_show_picture (AppWindow *self, const char *path)
{
  g_return_val_if_fail (APP_IS_WINDOW (self), FALSE);
  if (!app_pictures_page_show_path (self->pictures, path))
    return FALSE;
  gtk_stack_set_visible_child_name (self->stack, "pictures");
  return TRUE;
}

gboolean
app_window_is_fresh (AppWindow *self)
{
  g_return_val_if_fail (APP_IS_WINDOW (self), FALSE);
  return self->fresh;
}

static void
on_file_chosen (GFile *file, gpointer user_data)
{
  g_autoptr (AppWindow) self = user_data;
  g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

  if (path != NULL)
    app_window_use_model (self, path);
}

void
app_window_choose_file (AppWindow *self, gboolean folder)
{
  g_autoptr (GListStore) filters = g_list_store_new (GTK_TYPE_FILE_FILTER);
  g_autoptr (GtkFileFilter) models = gtk_file_filter_new ();
  g_autoptr (GtkFileFilter) all = gtk_file_filter_new ();
  g_autofree char *last = g_settings_get_string (app_settings_get (), "last-folder");
  g_autoptr (GFile) where = last[0] != '\0' ? g_file_new_for_path (last) : NULL;

  gtk_file_filter_set_name (models, _ ("Safetensors models"));
  gtk_file_filter_add_suffix (models, "safetensors");
  gtk_file_filter_add_pattern (models, "*.safetensors.index.json");
  gtk_file_filter_set_name (all, _ ("All files"));
  gtk_file_filter_add_pattern (all, "*");
  g_list_store_append (filters, models);
  g_list_store_append (filters, all);
  app_compat_choose_file (GTK_WINDOW (self),
                          folder ? APP_COMPAT_OPEN_FOLDER : APP_COMPAT_OPEN_FILE,
                          folder ? _ ("Open a Model Folder") : _ ("Open a Model"),
                          _ ("_Open"), folder ? NULL : G_LIST_MODEL (filters), where,
                          NULL, on_file_chosen, g_object_ref (self));
}

static gboolean
on_drop (AppWindow *self, const GValue *value, double x, double y, GtkDropTarget *target)
{
  GApplication *application
      = G_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));
  gboolean taken = FALSE; /* by this window; further models get windows of their own */

  for (GSList *l = g_value_get_boxed (value); l != NULL; l = l->next)
    {
      g_autofree char *path = g_file_get_path (l->data);

      if (path == NULL)
        continue;
      if (app_pictures_page_take_file (self->pictures, path))
        gtk_stack_set_visible_child_name (self->stack, "pictures");
      else if (taken)
        g_action_group_activate_action (G_ACTION_GROUP (application), "open-path",
                                        g_variant_new_string (path));
      else
        {
          app_window_use_model (self, path);
          taken = TRUE;
        }
    }
  return TRUE;
}

/* ---- for the pages ---- */

gboolean
app_window_get_narrow (AppWindow *self)
{
  g_return_val_if_fail (APP_IS_WINDOW (self), FALSE);
  return app_breakpoint_get_narrow (self->breakpoint);
}

void
app_window_toast (AppWindow *self,
                  const char *text,
                  const char *button,
                  const char *action)
{
  g_return_if_fail (APP_IS_WINDOW (self));
  app_toast_show (self->toast, text, button, action);
}

void
app_window_toast_also (AppWindow *self, const char *button, const char *action)
{
  g_return_if_fail (APP_IS_WINDOW (self));
  app_toast_add_button (self->toast, button, action);
}

void
app_window_set_banner (AppWindow *self,
                       const char *text,
                       const char *button,
                       const char *action)
{
  g_return_if_fail (APP_IS_WINDOW (self));
  gtk_revealer_set_reveal_child (self->banner, text != NULL);
  if (text == NULL)
    return;
  gtk_label_set_label (self->banner_label, text);
  gtk_widget_set_visible (GTK_WIDGET (self->banner_button), button != NULL);
  if (button == NULL)
    return;
  gtk_button_set_label (self->banner_button, button);
  gtk_actionable_set_detailed_action_name (GTK_ACTIONABLE (self->banner_button), action);
}

void
app_window_set_progress (AppWindow *self, double fraction)
{
  g_return_if_fail (APP_IS_WINDOW (self));
  self->progress = fraction;
  update_title (self);
}

void
app_window_set_bars_visible (AppWindow *self, gboolean visible)
{
  g_return_if_fail (APP_IS_WINDOW (self));
  self->bars_visible = visible;
  update_bars (self);
}

/* ---- life ---- */

static gboolean
app_window_close_request (GtkWindow *window)
{
  AppWindow *self = APP_WINDOW (window);
  GSettings *settings = app_settings_get ();
  int width, height;

  gtk_window_get_default_size (window, &width, &height);
  g_settings_set_boolean (settings, "window-maximized", gtk_window_is_maximized (window));
  g_settings_set (settings, "window-size", "(ii)", width, height);
  app_pictures_page_close (self->pictures);
  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  return GTK_WINDOW_CLASS (app_window_parent_class)->close_request (window);
}

static void
app_window_dispose (GObject *object)
{
  AppWindow *self = APP_WINDOW (object);

  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
  g_clear_object (&self->session);
  g_clear_object (&self->inspected);
  /* No gtk_widget_dispose_template: it takes the title bar from under GtkWindow, whose
   * own dispose then unparents what is gone. */
  self->pictures = NULL;
  G_OBJECT_CLASS (app_window_parent_class)->dispose (object);
}

static void
app_window_class_init (AppWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_window_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = app_window_close_request;
  g_type_ensure (APP_TYPE_BREAKPOINT);
  g_type_ensure (APP_TYPE_TOAST);
  g_type_ensure (APP_TYPE_PICTURES_PAGE);
  g_type_ensure (APP_TYPE_TENSORS_PAGE);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-window.ui");
  gtk_widget_class_bind_template_child (widget_class, AppWindow, breakpoint);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, header);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, model_button);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, model_label);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, switcher);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, bottom_switcher);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, bottom);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, banner);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, banner_label);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, banner_button);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, pictures);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, tensors);
  gtk_widget_class_bind_template_child (widget_class, AppWindow, toast);
  gtk_widget_class_bind_template_callback (widget_class, on_narrow);
  gtk_widget_class_bind_template_callback (widget_class, on_page);
}

static void
app_window_init (AppWindow *self)
{
  GSettings *settings = app_settings_get ();
  GtkDropTarget *drop = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);
  int width, height;

  self->fresh = TRUE;
  self->bars_visible = TRUE;
  self->progress = -1;
  gtk_widget_init_template (GTK_WIDGET (self));
  g_settings_get (settings, "window-size", "(ii)", &width, &height);
  gtk_window_set_default_size (GTK_WINDOW (self), width, height);
  if (g_settings_get_boolean (settings, "window-maximized"))
    gtk_window_maximize (GTK_WINDOW (self));
  gtk_menu_button_set_popover (self->model_button, app_model_menu_new ());
  /* Before the text fields, which would write the file's name into the prompt. */
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (drop),
                                              GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (drop, "drop", G_CALLBACK (on_drop), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drop));
  app_window_add_actions (self);
  app_pictures_page_add_actions (self->pictures, G_ACTION_MAP (self));
  app_tensors_page_add_actions (self->tensors, G_ACTION_MAP (self));
  on_page (self);
}

AppWindow *
app_window_new (GtkApplication *application)
{
  return g_object_new (APP_TYPE_WINDOW, "application", application, NULL);
}
