/* app-toast.h: a short message over the window, with at most two buttons
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_TOAST (app_toast_get_type ())
G_DECLARE_FINAL_TYPE (AppToast, app_toast, APP, TOAST, GtkWidget)

/**
 * app_toast_show:
 * @button: (nullable): its label
 * @action: (nullable): detailed name of the action that the button activates
 *
 * Replaces the toast that is shown, stays for five seconds (with a button: eight), longer
 * while the pointer is over it. Main thread.
 */
void
app_toast_show (AppToast *self, const char *text, const char *button, const char *action);
/** app_toast_add_button: another way to go on, for the toast that was just shown */
void app_toast_add_button (AppToast *self, const char *button, const char *action);
void app_toast_hide (AppToast *self);
