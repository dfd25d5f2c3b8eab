/* app-window.h: a window: a picture session and an inspected file
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-model.h"

#define APP_TYPE_WINDOW (app_window_get_type ())
G_DECLARE_FINAL_TYPE (AppWindow, app_window, APP, WINDOW, GtkApplicationWindow)

AppWindow *app_window_new (GtkApplication *application);
/** app_window_start: a window from the launcher: Pictures, with the last or the bundled
 * model */
void app_window_start (AppWindow *self);
/** app_window_open: inspects @path and shows Tensors; a model that can generate becomes
 * the session's */
void app_window_open (AppWindow *self, const char *path);
/** app_window_use_model: as open, without changing the page: what the model button does
 */
void app_window_use_model (AppWindow *self, const char *path);
/** app_window_open_damaged: inspects what can be read of a file that is at fault */
void app_window_open_damaged (AppWindow *self, const char *path);
/** app_window_show_picture: FALSE: its history has none at @path */
gboolean app_window_show_picture (AppWindow *window, const char *path);
/** app_window_is_fresh: whether nothing was opened in it yet */
gboolean app_window_is_fresh (AppWindow *self);
/** app_window_get_narrow: whether the narrow layout is on (pages are told as well) */
gboolean app_window_get_narrow (AppWindow *self);

/* For the pages, which find their window by gtk_widget_get_root. */

/** app_window_toast: a one-off message; @button and @action (detailed) may be NULL */
void app_window_toast (AppWindow *self,
                       const char *text,
                       const char *button,
                       const char *action);
/** app_window_toast_also: a second button for the message that was just shown */
void app_window_toast_also (AppWindow *self, const char *button, const char *action);
/** app_window_set_banner: a lasting condition under the header; NULL takes it away */
void app_window_set_banner (AppWindow *self,
                            const char *text,
                            const char *button,
                            const char *action);
/** app_window_set_progress: 0…1 puts "35 % — " before the title; negative: no run */
void app_window_set_progress (AppWindow *self, double fraction);
/** app_window_set_bars_visible: FALSE: the page alone, as F11 wants it */
void app_window_set_bars_visible (AppWindow *self, gboolean visible);
