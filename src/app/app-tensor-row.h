/* app-tensor-row.h: what GTK's lists hold for one row of an outline
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-stats.h"

/* Made when GTK asks for the row. Property "stats" (boolean): whether statistics are
 * there; notified again when they, or the common scale, change. Property "expanded"
 * (boolean): whether what is below is unfolded. */
#define APP_TYPE_TENSOR_ROW (app_tensor_row_get_type ())
G_DECLARE_FINAL_TYPE (AppTensorRow, app_tensor_row, APP, TENSOR_ROW, GObject)

AppTensorRow *app_tensor_row_new (AppStats *stats, guint32 id);
guint32 app_tensor_row_get_id (AppTensorRow *self);
const AppOutlineNode *app_tensor_row_get_node (AppTensorRow *self);
AppOutline *app_tensor_row_get_outline (AppTensorRow *self);
/** app_tensor_row_get_depth: 0 for the root */
guint app_tensor_row_get_depth (AppTensorRow *self);
gboolean app_tensor_row_get_expanded (AppTensorRow *self);
/** app_tensor_row_set_expanded: for the list alone */
void app_tensor_row_set_expanded (AppTensorRow *self, gboolean expanded);
/** app_tensor_row_refresh: looks whether statistics have come */
void app_tensor_row_refresh (AppTensorRow *self);
/** app_tensor_row_get_summary: (nullable) */
const StatsSummary *app_tensor_row_get_summary (AppTensorRow *self);
/**
 * app_tensor_row_get_heights: (nullable): STATS_ROW_BINS numbers from 0 to 1
 * @common: on the scale of all rows; else on the row's own range
 */
const float *app_tensor_row_get_heights (AppTensorRow *self, gboolean common);
/** app_tensor_row_get_scale: half-width of the scale of all rows */
double app_tensor_row_get_scale (AppTensorRow *self);
/** app_tensor_row_describe_shape: (transfer full): "320 × 320", or "686 tensors" */
char *app_tensor_row_describe_shape (AppTensorRow *self);
