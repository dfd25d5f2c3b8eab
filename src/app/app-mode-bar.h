/* app-mode-bar.h: what can be made from a picture, under it: one step away
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-picture.h"

#define APP_TYPE_MODE_BAR (app_mode_bar_get_type ())
G_DECLARE_FINAL_TYPE (AppModeBar, app_mode_bar, APP, MODE_BAR, GtkWidget)

/* Main thread. Buttons activate win.vary-picture, win.edit-picture, win.extend-picture,
 * win.instruct-picture. Signal "chosen" (AppPicture): parent or child. */
GtkWidget *app_mode_bar_new (void);
/** app_mode_bar_set_descent: @parent: (nullable): what the picture was made from;
 * @children: (element-type AppPicture): what was made from it */
void app_mode_bar_set_descent (AppModeBar *self, AppPicture *parent, GPtrArray *children);
