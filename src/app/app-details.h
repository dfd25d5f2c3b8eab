/* app-details.h: everything about the selected tensor, group or model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-stats.h"

#define APP_TYPE_DETAILS (app_details_get_type ())
G_DECLARE_FINAL_TYPE (AppDetails, app_details, APP, DETAILS, GtkWidget)

/** app_details_set_stats: another model, or the same by other names; nothing stays pinned
 * of another model */
void app_details_set_stats (AppDetails *self, AppStats *stats);
/** app_details_show: @id of the outline */
void app_details_show (AppDetails *self, guint32 id);
/** app_details_set_back_visible: the narrow layout's way back to the tree */
void app_details_set_back_visible (AppDetails *self, gboolean visible);
void app_details_focus (AppDetails *self);

typedef enum
{
  APP_COPY_NAME,
  APP_COPY_TSV,
  APP_COPY_JSON,
  APP_COPY_PYTHON
} AppCopyKind;
/** app_details_copy: of what is shown, to the clipboard, with a toast */
void app_details_copy (AppDetails *self, AppCopyKind kind);
/** app_details_toggle_pin: keeps what is shown as an outline behind the next ones */
void app_details_toggle_pin (AppDetails *self);
