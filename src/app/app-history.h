/* app-history.h: the grid of pictures at the window's end
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-session.h"

#define APP_TYPE_HISTORY (app_history_get_type ())
G_DECLARE_FINAL_TYPE (AppHistory, app_history, APP, HISTORY, GtkWidget)

/* Main thread. Signal "selected" (AppPicture): by the user. The actions of a tile's menu
 * are the window's; they act on the selected picture. */
GtkWidget *app_history_new (void);
void app_history_set_session (AppHistory *self, AppSession *session);
/** app_history_select: (nullable): shows @picture as the chosen one; emits nothing */
void app_history_select (AppHistory *self, AppPicture *picture);
/** app_history_move: selects the picture @by places further (down is older), emitting */
void app_history_move (AppHistory *self, int by);
/** app_history_focus: the chosen tile, else any; FALSE where there is none */
gboolean app_history_focus (AppHistory *self);
/** app_history_menu: (transfer full): what can be done with a picture */
GMenuModel *app_history_menu (void);
/** app_history_set_drag_icon: a small picture under the pointer */
void app_history_set_drag_icon (GtkDragSource *source, AppPicture *picture);
/** app_history_content: (transfer full) (nullable): what a drag or a copy of @picture
 * gives */
GdkContentProvider *app_history_content (AppPicture *picture);
