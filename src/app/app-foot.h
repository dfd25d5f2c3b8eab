/* app-foot.h: what stands under the picture: time line, status, Stop; how a run ended
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-job.h"
#include "app/app-scrubber.h"

#define APP_TYPE_FOOT (app_foot_get_type ())
G_DECLARE_FINAL_TYPE (AppFoot, app_foot, APP, FOOT, GtkWidget)

/* Main thread. Buttons activate win.stop, win.continue, win.start-over, win.smaller-size,
 * win.model-menu, win.keep-preview, win.discard. */
GtkWidget *app_foot_new (void);
AppScrubber *app_foot_get_scrubber (AppFoot *self);
/** app_foot_set_job: (nullable): whose steps the time line shows, of picture @index; what
 * is said of its end */
void app_foot_set_job (AppFoot *self, AppJob *job, guint index);
/** app_foot_set_run: (nullable): what is being made, which need not be what is looked at:
 * status and Stop are about it */
void app_foot_set_run (AppFoot *self, AppJob *run);
/** app_foot_set_line: (nullable): the line over the time line: what differs from the
 * pinned picture */
void app_foot_set_line (AppFoot *self, const char *text);
/** app_foot_set_menu: of the picture, for the button that stands where Stop was */
void app_foot_set_menu (AppFoot *self, GMenuModel *menu);
/** app_foot_show_menu: whether there is a picture for it */
void app_foot_show_menu (AppFoot *self, gboolean shown);
