/* app-model-menu.h: the popover of the model button
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_MODEL_MENU (app_model_menu_get_type ())
G_DECLARE_FINAL_TYPE (AppModelMenu, app_model_menu, APP, MODEL_MENU, GtkPopover)

/** app_model_menu_new: recent models, models found in folders, the sample model, Open… */
GtkWidget *app_model_menu_new (void);
/** app_model_menu_set_current: (nullable) @path: of the model that pictures are made with
 */
void app_model_menu_set_current (AppModelMenu *self, const char *path);
