/* app-wrap.h: a box whose children go on in the next line where there is no room
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_WRAP (app_wrap_get_type ())
/* Properties: "spacing" between children, "line-spacing"; "equal": all children of a line
 * have one width and fill it; "centered". */
G_DECLARE_FINAL_TYPE (AppWrap, app_wrap, APP, WRAP, GtkWidget)

GtkWidget *app_wrap_new (int spacing, int line_spacing, gboolean equal);
void app_wrap_append (AppWrap *self, GtkWidget *child);
void app_wrap_remove_all (AppWrap *self);
