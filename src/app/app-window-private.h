/* app-window-private.h: shared between the files of the window
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-breakpoint.h"
#include "app/app-pictures-page.h"
#include "app/app-tensors-page.h"
#include "app/app-toast.h"
#include "app/app-window.h"

struct _AppWindow
{
  GtkApplicationWindow parent_instance;

  AppBreakpoint *breakpoint;
  GtkWidget *header;
  GtkMenuButton *model_button;
  GtkLabel *model_label;
  GtkWidget *switcher, *bottom_switcher, *bottom;
  GtkRevealer *banner;
  GtkLabel *banner_label;
  GtkButton *banner_button;
  GtkStack *stack;
  AppPicturesPage *pictures;
  AppTensorsPage *tensors;
  AppToast *toast;

  AppModel *session;   /* what pictures are made with */
  AppModel *inspected; /* what the Tensors page shows */
  GCancellable *loading;
  gboolean fresh, bars_visible, session_is_bundled;
  double progress;
};

void app_window_add_actions (AppWindow *self);
void app_window_add_test_actions (AppWindow *self);
/** app_window_choose_file: the dialog, then app_window_use_model */
void app_window_choose_file (AppWindow *self, gboolean folder);
