/* app-model-list.h: the rows of the menu of models
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-model-row.h"

/* A GListModel of AppModelRow that changes in steps of a few milliseconds. Main thread.
 */
#define APP_TYPE_MODEL_LIST (app_model_list_get_type ())
G_DECLARE_FINAL_TYPE (AppModelList, app_model_list, APP, MODEL_LIST, GObject)

AppModelList *app_model_list_new (void);
/**
 * app_model_list_fill: what is to be shown of @listing
 * @recent: (element-type AppModelRow): opened lately, the last first
 * @bundled: (nullable): the model that came with the program
 * @search: (nullable): words; what has them all in its text is shown
 * @anew: the beginning is shown; otherwise as many rows as before
 *
 * Recent ones first, then checkpoints by family, then what cannot be used.
 */
void app_model_list_fill (AppModelList *self,
                          SdListing *listing,
                          GPtrArray *recent,
                          AppModelRow *bundled,
                          const char *search,
                          gboolean anew);
/** app_model_list_show_more: somebody sees the end of the rows that there are */
void app_model_list_show_more (AppModelList *self);
/** app_model_list_n_models: rows that are no heads, once all steps are made */
guint app_model_list_n_models (AppModelList *self);
/** app_model_list_find: (nullable) (transfer none): the first that can be used */
AppModelRow *app_model_list_find (AppModelList *self);
