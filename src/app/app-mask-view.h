/* app-mask-view.h: a mask over the picture of a canvas, to be painted
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-canvas.h"
#include "app/app-mask-editor.h"

#define APP_TYPE_MASK_VIEW (app_mask_view_get_type ())
G_DECLARE_FINAL_TYPE (AppMaskView, app_mask_view, APP, MASK_VIEW, GtkWidget)

/* Main thread. Lies over @canvas, with the same size and place. Signal "leave": Escape.
 */
GtkWidget *app_mask_view_new (AppCanvas *canvas, AppMaskEditor *editor);
