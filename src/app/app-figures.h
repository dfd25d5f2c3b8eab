/* app-figures.h: the table of a tensor's statistics
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "stats/stats.h"

#define APP_TYPE_FIGURES (app_figures_get_type ())
G_DECLARE_FINAL_TYPE (AppFigures, app_figures, APP, FIGURES, GtkWidget)

GtkWidget *app_figures_new (void);
/** app_figures_set: (nullable): dashes without; exact values are in the tooltips */
void app_figures_set (AppFigures *self, StatsTensor *stats);
