/* app-model-row.h: a row of the list of models: a model, or the head of a group
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>
#include "sd/sd-library.h"

#define APP_TYPE_MODEL_ROW (app_model_row_get_type ())
G_DECLARE_FINAL_TYPE (AppModelRow, app_model_row, APP, MODEL_ROW, GObject)

/** app_model_row_new: of what lies in a folder */
AppModelRow *app_model_row_new (SdItem *item);
/** app_model_row_new_path: of a file of which nothing more is known; @seconds: last use,
 * since 1970, or 0 */
AppModelRow *app_model_row_new_path (const char *path, const char *title, gint64 seconds);
/** app_model_row_new_head: @text translated */
AppModelRow *app_model_row_new_head (const char *text);

/** app_model_row_get_head: (nullable): NULL: it is a model */
const char *app_model_row_get_head (AppModelRow *self);
SdItem *app_model_row_get_item (AppModelRow *self); /* (nullable) */
const char *app_model_row_get_path (AppModelRow *self);
const char *app_model_row_get_title (AppModelRow *self);
const char *app_model_row_get_why_not (AppModelRow *self); /* (nullable) */
gint64 app_model_row_get_used (AppModelRow *self);
/** app_model_row_get_detail: (transfer full): what stands under the title */
char *app_model_row_get_detail (AppModelRow *self);
/** app_model_row_equal: whether they look the same */
gboolean app_model_row_equal (AppModelRow *self, AppModelRow *other);
