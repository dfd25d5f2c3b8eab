/* app-stage.h: the middle of the Pictures page: the picture, its time line, what goes on
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-canvas.h"
#include "app/app-job.h"
#include "app/app-foot.h"

#define APP_TYPE_STAGE (app_stage_get_type ())
G_DECLARE_FINAL_TYPE (AppStage, app_stage, APP, STAGE, GtkWidget)

/* Main thread. Signals: "sheet-chosen" (guint picture); "step-chosen" (guint step). */
GtkWidget *app_stage_new (void);
AppCanvas *app_stage_get_canvas (AppStage *self);
AppFoot *app_stage_get_foot (AppStage *self);
/** app_stage_show_picture: (nullable): one picture on the canvas */
void app_stage_show_picture (AppStage *self,
                             GdkTexture *texture,
                             guint width,
                             guint height,
                             AppCanvasChange change);
/** app_stage_show_sheet: all pictures of @job after @step, 0: as they are now */
void app_stage_show_sheet (AppStage *self, AppJob *job, guint step);
/** app_stage_set_empty: what stands where no picture is */
void app_stage_set_empty (AppStage *self, const char *title, const char *text);
/** app_stage_set_alone: TRUE: the picture without anything under it */
void app_stage_set_alone (AppStage *self, gboolean alone);
/** app_stage_focus_picture: FALSE: there is none */
gboolean app_stage_focus_picture (AppStage *self);
/** app_stage_add_over: @widget lies over the canvas, where it is visible */
void app_stage_add_over (AppStage *self, GtkWidget *widget);
/** app_stage_add_bar: one of the rows under the picture; the first is shown */
void app_stage_add_bar (AppStage *self, const char *name, GtkWidget *bar);
void app_stage_show_bar (AppStage *self, const char *name);
/** app_stage_set_menu: of the picture */
void app_stage_set_menu (AppStage *self, GMenuModel *menu);
