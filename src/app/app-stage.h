/* app-stage.h: the middle of the Pictures page: the picture, its time line, what goes on
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-canvas.h"
#include "app/app-job.h"
#include "app/app-scrubber.h"

#define APP_TYPE_STAGE (app_stage_get_type ())
G_DECLARE_FINAL_TYPE (AppStage, app_stage, APP, STAGE, GtkWidget)

/* Main thread. Signals: "sheet-chosen" (guint picture); "step-chosen" (guint step).
 * Buttons activate win.stop, win.continue, win.keep-preview, win.discard. */
GtkWidget *app_stage_new (void);
AppCanvas *app_stage_get_canvas (AppStage *self);
AppScrubber *app_stage_get_scrubber (AppStage *self);
/** app_stage_set_job: (nullable): what time line, status and buttons are about */
void app_stage_set_job (AppStage *self, AppJob *job);
/** app_stage_show_picture: (nullable): one picture on the canvas */
void app_stage_show_picture (AppStage *self,
                             GdkTexture *texture,
                             guint width,
                             guint height,
                             AppCanvasChange change);
/** app_stage_show_sheet: all pictures of @job after @step, 0: as they are now */
void app_stage_show_sheet (AppStage *self, AppJob *job, guint step);
/** app_stage_set_line: (nullable): the line over the time line: what differs from the
 * pinned picture */
void app_stage_set_line (AppStage *self, const char *text);
/** app_stage_set_empty: what stands where no picture is */
void app_stage_set_empty (AppStage *self, const char *title, const char *text);
/** app_stage_set_alone: TRUE: the picture without anything under it */
void app_stage_set_alone (AppStage *self, gboolean alone);
/** app_stage_status_text: (transfer full): what @job does now, for people */
char *app_stage_status_text (AppJob *job);
