/* app-breakpoint.h: a container that may be narrower than its child and says so
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_BREAKPOINT (app_breakpoint_get_type ())
/* Properties: "child" and "narrow" (read only, notified outside of layout). */
G_DECLARE_FINAL_TYPE (AppBreakpoint, app_breakpoint, APP, BREAKPOINT, GtkWidget)

gboolean app_breakpoint_get_narrow (AppBreakpoint *self);
/** app_breakpoint_text_scale: 1 for text of normal size, 2 for twice that */
double app_breakpoint_text_scale (GtkWidget *widget);
