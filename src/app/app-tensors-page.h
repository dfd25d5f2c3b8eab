/* app-tensors-page.h: the page that looks into a model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-model.h"

#define APP_TYPE_TENSORS_PAGE (app_tensors_page_get_type ())
G_DECLARE_FINAL_TYPE (AppTensorsPage, app_tensors_page, APP, TENSORS_PAGE, GtkWidget)

void app_tensors_page_add_actions (AppTensorsPage *self, GActionMap *map);
/** app_tensors_page_show_loading: @cancellable is cancelled by the page's Cancel */
void app_tensors_page_show_loading (AppTensorsPage *self,
                                    const char *path,
                                    GCancellable *cancellable);
void app_tensors_page_set_loading (AppTensorsPage *self, guint64 done, guint64 total);
/** app_tensors_page_show_previous: back to the model that was there before loading */
void app_tensors_page_show_previous (AppTensorsPage *self);
/** app_tensors_page_show_fault: explains why the path being loaded cannot be shown;
 * @tried: not even as a damaged file */
void
app_tensors_page_show_fault (AppTensorsPage *self, const GError *error, gboolean tried);
void app_tensors_page_set_model (AppTensorsPage *self, AppModel *model);
void app_tensors_page_set_narrow (AppTensorsPage *self, gboolean narrow);
/** app_tensors_page_next_pane: F6: search → tree → details; FALSE after the last */
gboolean app_tensors_page_next_pane (AppTensorsPage *self);
