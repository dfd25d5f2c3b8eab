/* app-pictures-guest.c: a guest on the machine gives memory back and calls when done
 * when done
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

#define IDLE_SECONDS (10 * 60)

/* Device memory is given back when nobody has looked for ten minutes. */
static gboolean
on_idle (gpointer data)
{
  AppPicturesPage *self = data;

  self->idle_source = 0;
  if (app_worker_get_running (app_worker_get ()) == NULL)
    app_worker_free_memory (app_worker_get ());
  return G_SOURCE_REMOVE;
}

void
app_pictures_on_active (AppPicturesPage *self)
{
  AppWindow *window = app_pictures_window (self);

  g_clear_handle_id (&self->idle_source, g_source_remove);
  if (window == NULL)
    return;
  if (gtk_window_is_active (GTK_WINDOW (window)))
    {
      if (g_application_get_default () != NULL)
        g_application_withdraw_notification (g_application_get_default (), "picture");
    }
  else
    self->idle_source = g_timeout_add_seconds (IDLE_SECONDS, on_idle, self);
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
  g_application_send_notification (application, "picture", notification);
}
