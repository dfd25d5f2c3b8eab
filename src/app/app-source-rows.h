/* app-source-rows.h: what the form gains where a picture is made from another
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-session.h"

/* What a picture is made from another for. */
typedef enum
{
  APP_MODE_NEW, /* from words alone */
  APP_MODE_VARY,
  APP_MODE_EDIT,
  APP_MODE_EXTEND,
  APP_MODE_INSTRUCT,
} AppMode;

/** app_mode_of: what @params are for */
AppMode app_mode_of (const SdParams *params);

#define APP_TYPE_SOURCE_ROWS (app_source_rows_get_type ())
G_DECLARE_FINAL_TYPE (AppSourceRows, app_source_rows, APP, SOURCE_ROWS, GtkWidget)

/* Main thread. Shows nothing where nothing is made from a picture. Buttons activate
 * win.remove-source, win.edit-mask, win.edit-extent. */
GtkWidget *app_source_rows_new (void);
void app_source_rows_set_session (AppSourceRows *self, AppSession *session);
/** app_source_rows_get_names: (element-type GtkWidget) (transfer container): labels that
 * stand before values, to be aligned with others */
GPtrArray *app_source_rows_get_names (AppSourceRows *self);
