/* app-row-chart.h: a row's distribution in small
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-tensor-row.h"

#define APP_TYPE_ROW_CHART (app_row_chart_get_type ())
G_DECLARE_FINAL_TYPE (AppRowChart, app_row_chart, APP, ROW_CHART, GtkWidget)

GtkWidget *app_row_chart_new (void);
/** app_row_chart_set_row: (nullable): drawn again whenever the row's statistics change */
void app_row_chart_set_row (AppRowChart *self, AppTensorRow *row);
/** app_row_chart_describe: (transfer full): what a person who does not see the bars, or
 * rests on them, is told */
char *app_row_chart_describe (AppRowChart *self);
