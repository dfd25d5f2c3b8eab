/* app-tensor-name.h: the first cell of a row of the tree: indent, arrow, name
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-tensor-row.h"

#define APP_TYPE_TENSOR_NAME (app_tensor_name_get_type ())
G_DECLARE_FINAL_TYPE (AppTensorName, app_tensor_name, APP, TENSOR_NAME, GtkWidget)

GtkWidget *app_tensor_name_new (void);
/** app_tensor_name_set_row: (nullable)
 * @second: (nullable): a second line below the name */
void app_tensor_name_set_row (AppTensorName *self, AppTensorRow *row, const char *second);
/** app_tensor_name_is_arrow: whether the arrow is at @x of the cell */
gboolean app_tensor_name_is_arrow (AppTensorName *self, double x);
/** app_tensor_name_describe: (transfer full): the full name of @row */
char *app_tensor_name_describe (AppTensorRow *row);
