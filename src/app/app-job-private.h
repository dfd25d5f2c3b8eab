/* app-job-private.h: how the worker tells a job what happened; main thread
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-job.h"

void app_job_set_state (AppJob *job, AppJobState state);
void app_job_set_error (AppJob *job, const GError *error);
void app_job_set_stage (AppJob *job, const char *stage, guint64 done, guint64 total);
void app_job_set_warnings (AppJob *job, char **warnings);
void app_job_set_device (AppJob *job, const char *device);
void app_job_set_run_state (AppJob *job, GBytes *state);
/** app_job_add_step: @previews: GdkTexture for each picture; @latents:
 * [batch][4][h/8][w/8], denoised */
void app_job_add_step (
    AppJob *job, guint step, GPtrArray *previews, GBytes *latents, double seconds);
void app_job_sharpen (AppJob *job, guint step, GPtrArray *previews);
void
app_job_add_picture (AppJob *job, guint picture, GdkTexture *texture, const char *path);
/** app_job_next_to_sharpen: (transfer full) (nullable): latents of the last step whose
 * preview is missing or smaller than the picture */
GBytes *app_job_next_to_sharpen (AppJob *job, guint *step);
/** app_job_get_latents: (nullable): denoised ones kept of @step */
GBytes *app_job_get_latents (AppJob *job, guint step);
