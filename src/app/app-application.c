/* app-application.c: the one process, its windows and its actions
 *
 * A window is a session. Starting the program without a file shows Pictures; a file
 * opened from outside gets a window of its own that shows Tensors, unless the active
 * window has not been used yet.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-application.h"

#include <glib/gi18n.h>
#if HAVE_ADWAITA
#include <adwaita.h>
#endif

#include "app/app-actions.h"
#include "app/app-preferences.h"
#include "app/app-session.h"
#include "app/app-settings.h"
#include "app/app-shortcuts.h"
#include "app/app-window.h"
#include "app/app-worker.h"

struct _AppApplication
{
  GtkApplication parent_instance;
  gboolean alone;
};

G_DEFINE_FINAL_TYPE (AppApplication, app_application, GTK_TYPE_APPLICATION)

static AppWindow *
active_window (AppApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  for (; window != NULL && !APP_IS_WINDOW (window);)
    window = gtk_window_get_transient_for (window);
  return (AppWindow *) window;
}

static void
open_path (AppApplication *self, const char *path)
{
  AppWindow *window = active_window (self);

  if (window == NULL || !app_window_is_fresh (window))
    window = app_window_new (GTK_APPLICATION (self));
  app_window_open (window, path);
  gtk_window_present (GTK_WINDOW (window));
}

static void
app_application_open (GApplication *application,
                      GFile **files,
                      int n_files,
                      const char *hint)
{
  for (int i = 0; i < n_files; i++)
    {
      g_autofree char *path = g_file_get_path (files[i]);
      g_autofree char *uri = g_file_get_uri (files[i]);
      open_path (APP_APPLICATION (application), path != NULL ? path : uri);
    }
}

static void
app_application_activate (GApplication *application)
{
  AppWindow *window = active_window (APP_APPLICATION (application));

  if (window == NULL)
    {
      window = app_window_new (GTK_APPLICATION (application));
      app_window_start (window);
    }
  gtk_window_present (GTK_WINDOW (window));
}

static void
on_new_window (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppWindow *window = app_window_new (user_data);

  app_window_start (window);
  gtk_window_present (GTK_WINDOW (window));
}

static void
on_open_path (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  open_path (user_data, g_variant_get_string (parameter, NULL));
}

/* A notification was clicked: the window that has the picture comes forward with it. */
static void
on_show_picture (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  for (GList *l = gtk_application_get_windows (user_data); l != NULL; l = l->next)
    if (APP_IS_WINDOW (l->data)
        && app_window_show_picture (l->data, g_variant_get_string (parameter, NULL)))
      {
        gtk_window_present (l->data);
        return;
      }
  g_application_activate (user_data);
}

static void
on_quit (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkApplication *application = user_data;

  /* Through each window's own closing, so that it saves what it must. */
  for (GList *l = g_list_copy (gtk_application_get_windows (application)); l != NULL;
       l = g_list_delete_link (l, l))
    gtk_window_close (l->data);
}

static void
on_preferences (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_preferences_present (gtk_application_get_active_window (user_data));
}

static void
on_shortcuts (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_shortcuts_present (gtk_application_get_active_window (user_data));
}

static void
on_about (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  static const char *authors[] = { "The Calotype contributors", NULL };

  gtk_show_about_dialog (
      gtk_application_get_active_window (user_data), "program-name", "Calotype",
      "version", BASE_VERSION, "logo-icon-name", BASE_APP_ID, "comments",
      _ ("Looks into safetensors models and makes pictures with them"), "license-type",
      GTK_LICENSE_GPL_3_0, "authors", authors, "translator-credits",
      /* Translators: your names, one a line */
      _ ("translator-credits"), NULL);
}

static const GActionEntry entries[] = {
  { "new-window", on_new_window },
  { "open-path", on_open_path, "s" },
  { "show-picture", on_show_picture, "s" },
  { "quit", on_quit },
  { "preferences", on_preferences },
  { "shortcuts", on_shortcuts },
  { "about", on_about },
};

static void
load_style (void)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();
  GdkDisplay *display = gdk_display_get_default ();

  gtk_css_provider_load_from_resource (provider,
                                       "/io/github/calotype/Calotype/style.css");
  gtk_style_context_add_provider_for_display (display, GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  if (app_settings_running_from_build ())
    gtk_icon_theme_add_search_path (gtk_icon_theme_get_for_display (display),
                                    BASE_BUILD_DATADIR "/icons");
  gtk_window_set_default_icon_name (BASE_APP_ID);
}

static void
app_application_startup (GApplication *application)
{
  /* The first picture needs the device and the model, which take as long as GTK does. */
  if (APP_APPLICATION (application)->alone)
    {
      g_autofree char *journal = app_session_next_path ();
      app_worker_prepare_session (app_worker_get (), journal);
    }
  G_APPLICATION_CLASS (app_application_parent_class)->startup (application);
#if HAVE_ADWAITA
  /* Style only: plain GTK widgets take Adwaita's looks and the system's dark setting. */
  adw_init ();
#endif
  load_style ();
  g_action_map_add_action_entries (G_ACTION_MAP (application), entries,
                                   G_N_ELEMENTS (entries), application);
  app_actions_install (GTK_APPLICATION (application));
}

static void
app_application_class_init (AppApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  application_class->startup = app_application_startup;
  application_class->activate = app_application_activate;
  application_class->open = app_application_open;
}

static void
app_application_init (AppApplication *self)
{
}

AppApplication *
app_application_new (gboolean alone)
{
  AppApplication *self;

  g_set_application_name ("Calotype");
  self = g_object_new (APP_TYPE_APPLICATION, "application-id", BASE_APP_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN, "resource-base-path",
                       "/io/github/calotype/Calotype", NULL);
  self->alone = alone;
  return self;
}
