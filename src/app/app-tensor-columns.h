/* app-tensor-columns.h: the columns of the tree of tensors
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-tensor-list.h"

/** AppTensorBound: a row came into view, or (@bound FALSE) went out of it */
typedef void (*AppTensorBound) (AppTensorRow *row, gboolean bound, gpointer user_data);

/** AppTensorTapped: a row was clicked once in the narrow layout, not on its arrow */
typedef void (*AppTensorTapped) (AppTensorRow *row, gpointer user_data);

/** app_tensor_columns_add: to @view, each shown as its setting says */
void app_tensor_columns_add (GtkColumnView *view,
                             AppTensorBound bound,
                             AppTensorTapped tapped,
                             gpointer user_data);
/** app_tensor_columns_set_narrow: name and distribution only; the rest is a second line
 */
void app_tensor_columns_set_narrow (GtkColumnView *view, gboolean narrow);
/** app_tensor_columns_get_sort: which header was clicked last */
AppSort app_tensor_columns_get_sort (GtkColumnView *view, gboolean *descending);
/** app_tensor_columns_set_wide: there is room for the longest shapes */
void app_tensor_columns_set_wide (GtkColumnView *view, gboolean wide);
/** app_tensor_columns_row_at: (nullable) (transfer none): the row at a place in @view */
AppTensorRow *app_tensor_columns_row_at (GtkColumnView *view, double x, double y);
