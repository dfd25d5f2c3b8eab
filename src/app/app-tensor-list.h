/* app-tensor-list.h: the rows of the tree that are unfolded, as one flat list model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-tensor-row.h"

typedef enum
{
  APP_SORT_NONE, /* the natural order of names */
  APP_SORT_NAME,
  APP_SORT_DISTRIBUTION, /* by standard deviation, as what a person sees */
  APP_SORT_TYPE,
  APP_SORT_SHAPE,
  APP_SORT_SIZE,
  APP_SORT_SIGMA,
  APP_SORT_MIN,
  APP_SORT_MAX,
  APP_SORT_NAN,
} AppSort;

/* Items are AppTensorRow, made when asked for. Main thread. Signal "settled": the rows
 * are those of the latest settings; large changes reach the model in slices. */
#define APP_TYPE_TENSOR_LIST (app_tensor_list_get_type ())
G_DECLARE_FINAL_TYPE (AppTensorList, app_tensor_list, APP, TENSOR_LIST, GObject)

AppTensorList *app_tensor_list_new (void);
/** app_tensor_list_set_stats: (nullable): rows of another outline; the root is unfolded
 */
void app_tensor_list_set_stats (AppTensorList *self, AppStats *stats);
/** app_tensor_list_set_shown: (nullable): as app_query_run gives it, a byte for each row;
 * what it shows is unfolded, and NULL brings back what was unfolded before */
void app_tensor_list_set_shown (AppTensorList *self, GBytes *shown);
gboolean app_tensor_list_shows (AppTensorList *self, guint32 id);
void app_tensor_list_set_sort (AppTensorList *self, AppSort sort, gboolean descending);
gboolean app_tensor_list_get_expanded (AppTensorList *self, guint32 id);
void app_tensor_list_set_expanded (AppTensorList *self, guint32 id, gboolean expanded);
/** app_tensor_list_set_expanded_below: @id and every group below it; the root stays
 * unfolded */
void
app_tensor_list_set_expanded_below (AppTensorList *self, guint32 id, gboolean expanded);
/** app_tensor_list_reveal: unfolds what is above @id */
void app_tensor_list_reveal (AppTensorList *self, guint32 id);
/** app_tensor_list_is_settled: no change is under way */
gboolean app_tensor_list_is_settled (AppTensorList *self);
/** app_tensor_list_position: where @id is, or GTK_INVALID_LIST_POSITION */
guint app_tensor_list_position (AppTensorList *self, guint32 id);
