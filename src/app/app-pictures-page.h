/* app-pictures-page.h: the page on which pictures are made
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-model.h"

#define APP_TYPE_PICTURES_PAGE (app_pictures_page_get_type ())
G_DECLARE_FINAL_TYPE (AppPicturesPage, app_pictures_page, APP, PICTURES_PAGE, GtkWidget)

/** app_pictures_page_add_actions: "generate", "lock-seed" … of the table go into the
 * window's @map */
void app_pictures_page_add_actions (AppPicturesPage *self, GActionMap *map);
/** app_pictures_page_set_model: settings and history stay; the model is loaded when shown
 */
void app_pictures_page_set_model (AppPicturesPage *self, AppModel *model);
/** app_pictures_page_set_shown: whether the page is the visible one */
void app_pictures_page_set_shown (AppPicturesPage *self, gboolean shown);
/** app_pictures_page_show_path: the picture of the history saved at @path, if there is
 * one */
gboolean app_pictures_page_show_path (AppPicturesPage *self, const char *path);
/** app_pictures_page_take_file: FALSE: not a picture; otherwise its settings are offered,
 * and to begin from it */
gboolean app_pictures_page_take_file (AppPicturesPage *self, const char *path);
void app_pictures_page_set_narrow (AppPicturesPage *self, gboolean narrow);
/** app_pictures_page_next_pane: F6: moves the focus on; FALSE after the last part */
gboolean app_pictures_page_next_pane (AppPicturesPage *self);
/** app_pictures_page_close: the window is closing: save, stop */
void app_pictures_page_close (AppPicturesPage *self);
/** app_pictures_page_remembered_model: (nullable): what the restored session was made
 * with */
const char *app_pictures_page_remembered_model (AppPicturesPage *self);
