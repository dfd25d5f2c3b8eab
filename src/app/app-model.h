/* app-model.h: an opened model with its tree and what it is, loaded off the main thread
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-outline.h"
#include "sd/sd.h"
#include "st/st.h"

/* Immutable once loaded, reference counted, shared by the pages. Thread: any. */
#define APP_TYPE_MODEL (app_model_get_type ())
G_DECLARE_FINAL_TYPE (AppModel, app_model, APP, MODEL, GObject)

/** AppModelProgress: on the main thread; @total 0 when not known */
typedef void (*AppModelProgress) (const char *stage,
                                  guint64 done,
                                  guint64 total,
                                  gpointer user_data);

/** app_model_load_async: opens @path, builds the tree of names, decides what it is */
void app_model_load_async (const char *path,
                           GCancellable *cancellable,
                           AppModelProgress progress,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
/** app_model_load_damaged_async: what can be read of a file that is at fault; such a
 * model makes no pictures, and its title and `why_not` say so */
void app_model_load_damaged_async (const char *path,
                                   GCancellable *cancellable,
                                   AppModelProgress progress,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/** app_model_load_finish: (transfer full): NULL with an error of ST_ERROR or G_IO_ERROR
 */
AppModel *app_model_load_finish (GAsyncResult *result, GError **error);

StModel *app_model_get_model (AppModel *self);
StTree *app_model_get_tree (AppModel *self);
/** app_model_get_outline: the tree as it was to be shown when the model was opened */
AppOutline *app_model_get_outline (AppModel *self);
const SdInfo *app_model_get_info (AppModel *self);
/** app_model_get_dtype_bytes: ST_N_DTYPES sums, by StDtype */
const guint64 *app_model_get_dtype_bytes (AppModel *self);
const char *app_model_get_path (AppModel *self);
/** app_model_get_title: for people: "Sample Model" for the bundled one */
const char *app_model_get_title (AppModel *self);
gboolean app_model_is_bundled (AppModel *self);
