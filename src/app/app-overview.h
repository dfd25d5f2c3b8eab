/* app-overview.h: what a model is: the answer at the root of the tree
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-stats.h"

#define APP_TYPE_OVERVIEW (app_overview_get_type ())
G_DECLARE_FINAL_TYPE (AppOverview, app_overview, APP, OVERVIEW, GtkWidget)

GtkWidget *app_overview_new (void);
/** app_overview_set: says what @stats' model is and how its bytes are shared out */
void app_overview_set (AppOverview *self, AppStats *stats);
/** app_overview_refresh: the progress of the statistics */
void app_overview_refresh (AppOverview *self);
