/* app-tensor-tree.h: search and tree of the tensors of a model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-stats.h"

/* Signals: "selected" (uint id), "activated" (uint id): Return, double click, or in the
 * narrow layout a single one. */
#define APP_TYPE_TENSOR_TREE (app_tensor_tree_get_type ())
G_DECLARE_FINAL_TYPE (AppTensorTree, app_tensor_tree, APP, TENSOR_TREE, GtkWidget)

/** app_tensor_tree_set_stats: shows another model, or the same by other names; selects
 * the root */
void app_tensor_tree_set_stats (AppTensorTree *self, AppStats *stats);
/** app_tensor_tree_select: unfolds what is above, scrolls there; the search must show it
 */
void app_tensor_tree_select (AppTensorTree *self, guint32 id);
guint32 app_tensor_tree_get_selected (AppTensorTree *self);
/** app_tensor_tree_expand_all: or folds all but the root */
void app_tensor_tree_expand_all (AppTensorTree *self, gboolean expanded);
void app_tensor_tree_set_search (AppTensorTree *self, const char *text);
void app_tensor_tree_focus_search (AppTensorTree *self);
gboolean app_tensor_tree_has_search_focus (AppTensorTree *self);
void app_tensor_tree_focus_rows (AppTensorTree *self);
void app_tensor_tree_set_narrow (AppTensorTree *self, gboolean narrow);
/** app_tensor_tree_set_wide: there is room for long shapes */
void app_tensor_tree_set_wide (AppTensorTree *self, gboolean wide);
