/* app-mask-bar.h: the tools of a mask, under the picture
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-mask-editor.h"

#define APP_TYPE_MASK_BAR (app_mask_bar_get_type ())
G_DECLARE_FINAL_TYPE (AppMaskBar, app_mask_bar, APP, MASK_BAR, GtkWidget)

/* Main thread. Buttons activate win.mask-tool and the other win.mask- actions. */
GtkWidget *app_mask_bar_new (AppMaskEditor *editor);
