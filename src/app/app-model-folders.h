/* app-model-folders.h: the folders in which models are looked for
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_MODEL_FOLDERS (app_model_folders_get_type ())
/* Signal "back". */
G_DECLARE_FINAL_TYPE (AppModelFolders, app_model_folders, APP, MODEL_FOLDERS, GtkWidget)

/** app_model_folders_open_own: our own folder in the file manager; it is made if it is
 * not there */
void app_model_folders_open_own (GtkWidget *widget);
/** app_model_folders_choose: the dialog, then app_library_add_folder() */
void app_model_folders_choose (GtkWidget *widget);
