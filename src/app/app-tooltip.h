/* app-tooltip.h: a tooltip that costs nothing until somebody rests on the widget
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

/** app_tooltip_set: (nullable) @text: for texts that change often */
void app_tooltip_set (GtkWidget *widget, const char *text);
