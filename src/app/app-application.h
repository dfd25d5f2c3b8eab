/* app-application.h: the one process, its windows and its actions
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_APPLICATION (app_application_get_type ())
G_DECLARE_FINAL_TYPE (AppApplication, app_application, APP, APPLICATION, GtkApplication)

/** app_application_new: @alone: started without a file: the window will show Pictures */
AppApplication *app_application_new (gboolean alone);
