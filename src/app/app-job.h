/* app-job.h: one press of Generate, from waiting to its saved pictures
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>
#include "sd/sd.h"

typedef enum
{
  APP_JOB_WAITING,
  APP_JOB_RUNNING,
  APP_JOB_STOPPED, /* can go on */
  APP_JOB_DONE,
  APP_JOB_FAILED,
} AppJobState;

#define APP_TYPE_JOB (app_job_get_type ())
G_DECLARE_FINAL_TYPE (AppJob, app_job, APP, JOB, GObject)

/* Main thread only. The worker (app-worker.c) tells a job what happened there.
 * Signals: "state-changed"; "progress" (stage or its numbers); "step" (guint step: its
 * previews are there); "sharpened" (guint step); "picture" (guint picture: decoded and
 * saved); "warned"; "discarded". */

/** app_job_new: @state: (nullable): of a stopped job, to go on from */
AppJob *app_job_new (const char *model_path, const SdParams *params, GBytes *state);
/** app_job_restore_stopped: a new job from a journal stands as one that was stopped */
void app_job_restore_stopped (AppJob *job);
const char *app_job_get_model_path (AppJob *job);
const SdParams *app_job_get_params (AppJob *job);
AppJobState app_job_get_state (AppJob *job);
/** app_job_discard: nobody wants it any more: whoever keeps it forgets it ("discarded")
 */
void app_job_discard (AppJob *job);
/** app_job_get_error: (nullable): why it failed */
const GError *app_job_get_error (AppJob *job);
/** app_job_get_stage: what it does now: the engine's stage, "" when nothing */
const char *app_job_get_stage (AppJob *job, guint64 *done, guint64 *total);
guint app_job_get_n_steps (AppJob *job);
guint app_job_get_step (AppJob *job); /* finished */
/** app_job_get_seconds_per_step: 0 before two steps are made */
double app_job_get_seconds_per_step (AppJob *job);
const char *const *app_job_get_warnings (AppJob *job);
/** app_job_get_preview: (nullable): predicted clean picture after @step, 1 … step */
GdkTexture *app_job_get_preview (AppJob *job, guint picture, guint step);
/** app_job_get_picture: (nullable): the decoded one */
GdkTexture *app_job_get_picture (AppJob *job, guint picture);
const char *app_job_get_path (AppJob *job, guint picture);
/** app_job_get_run_state: (nullable): what app_job_new takes, when stopped */
GBytes *app_job_get_run_state (AppJob *job);
/** app_job_start_over: a job that ended forgets what was computed */
void app_job_start_over (AppJob *job);
const char *app_job_get_device (AppJob *job);
/** app_job_get_bytes: memory of its previews, latents and pictures */
gsize app_job_get_bytes (AppJob *job);
