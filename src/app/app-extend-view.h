/* app-extend-view.h: a frame around the picture of a canvas, whose sides can be dragged
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-canvas.h"

#define APP_TYPE_EXTEND_VIEW (app_extend_view_get_type ())
G_DECLARE_FINAL_TYPE (AppExtendView, app_extend_view, APP, EXTEND_VIEW, GtkWidget)

/* Main thread. Lies over @canvas. Signals: "changed": a side was moved; "leave": Escape.
 */
GtkWidget *app_extend_view_new (AppCanvas *canvas);
/** app_extend_view_set: pixels that are added on the left, above, on the right, below */
void app_extend_view_set (AppExtendView *self,
                          guint width,
                          guint height,
                          const guint extend[4]);
void app_extend_view_get (AppExtendView *self, guint extend[4]);
