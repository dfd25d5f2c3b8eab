/* app-pictures-guest.c: a guest on the machine gives memory back and calls when done
 * when done
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

#include "app/app-settings.h"

#define IDLE_SECONDS (10 * 60)

static guint
idle_seconds (void)
{
  const char *sooner = app_settings_testing () ? g_getenv ("CALOTYPE_TEST_IDLE") : NULL;

  return sooner != NULL ? (guint) g_ascii_strtoull (sooner, NULL, 10) : IDLE_SECONDS;
}

static gboolean
somebody_looks (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);

      if (gtk_window_is_active (window))
        return TRUE;
    }
  return FALSE;
}

/* Device memory is given back when nobody has looked for ten minutes and nothing runs:
 * then as long again is waited. */
static gboolean
on_idle (gpointer data)
{
  AppPicturesPage *self = data;
  AppWorker *worker = app_worker_get ();
  g_autoptr (GPtrArray) waiting = app_worker_get_waiting (worker);

  if (somebody_looks () || app_worker_get_running (worker) != NULL || waiting->len > 0)
    return G_SOURCE_CONTINUE;
  self->idle_source = 0;
  app_worker_free_memory (worker);
  return G_SOURCE_REMOVE;
}

void
app_pictures_on_active (AppPicturesPage *self)
{
  AppWindow *window = app_pictures_window (self);

  g_clear_handle_id (&self->idle_source, g_source_remove);
  if (window == NULL)
    return;
  if (!gtk_window_is_active (GTK_WINDOW (window)))
    self->idle_source = g_timeout_add_seconds (idle_seconds (), on_idle, self);
  else if (g_application_get_default () != NULL)
    g_application_withdraw_notification (g_application_get_default (), "picture");
}

void
app_pictures_set_inhibited (AppPicturesPage *self, gboolean running)
{
  GApplication *application = g_application_get_default ();
  AppWindow *window = app_pictures_window (self);

  if (application == NULL || window == NULL)
    return;
  if (running && self->inhibit_cookie == 0)
    self->inhibit_cookie = gtk_application_inhibit (
        GTK_APPLICATION (application), GTK_WINDOW (window),
        GTK_APPLICATION_INHIBIT_SUSPEND, _ ("A picture is being made"));
  if (!running && self->inhibit_cookie != 0)
    {
      gtk_application_uninhibit (GTK_APPLICATION (application), self->inhibit_cookie);
      self->inhibit_cookie = 0;
    }
}

void
app_pictures_notify (AppPicturesPage *self, AppJob *job)
{
  AppWindow *window = app_pictures_window (self);
  GApplication *application = g_application_get_default ();
  const char *path = app_job_get_path (job, 0);

  if (window == NULL || gtk_window_is_active (GTK_WINDOW (window)) || application == NULL
      || path == NULL)
    return;
  g_autoptr (GNotification) notification = g_notification_new (_ ("Picture finished"));
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GIcon) icon = g_file_icon_new (file);
  g_notification_set_body (notification, app_job_get_params (job)->prompt);
  g_notification_set_icon (notification, icon);
  g_notification_set_default_action_and_target (notification, "app.show-picture", "s",
                                                path);
  g_application_send_notification (application, "picture", notification);
}
