/* app-tensor-list.h: the children of one row, filtered and sorted, as a list model
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

#define APP_TYPE_TENSOR_LIST (app_tensor_list_get_type ())
G_DECLARE_FINAL_TYPE (AppTensorList, app_tensor_list, APP, TENSOR_LIST, GObject)

/**
 * app_tensor_list_new:
 * @id: whose children; APP_OUTLINE_NONE: a list with the root alone
 * @shown: (nullable): as app_query_run gives it; read only now
 *
 * Fixed once made. Rows are made when asked for and live while somebody holds them.
 */
GListModel *app_tensor_list_new (
    AppStats *stats, guint32 id, const guint8 *shown, AppSort sort, gboolean descending);
/** app_tensor_list_position: where @id is, or GTK_INVALID_LIST_POSITION */
guint app_tensor_list_position (AppTensorList *self, guint32 id);
