/* base-task.h: what every long job takes: a way to be cancelled and a way to tell how far
 * it is
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>

/**
 * BaseProgressFunc:
 * @stage: what is being done, an untranslated stable identifier such as "read" or "step"
 * @done: units finished
 * @total: units in all, or 0 when not known
 * @user_data: from the #BaseTask
 *
 * Thread: called on the thread that does the work; must return within a millisecond.
 */
typedef void (*BaseProgressFunc) (const char *stage,
                                  guint64 done,
                                  guint64 total,
                                  gpointer user_data);

/**
 * BaseTask:
 * @cancellable: (nullable): asked between units of work
 * @progress: (nullable): told after units of work
 *
 * Passed by pointer, NULL meaning neither. Lives on the caller's stack.
 */
typedef struct
{
  GCancellable *cancellable;
  BaseProgressFunc progress;
  gpointer user_data;
} BaseTask;

/**
 * base_task_check:
 *
 * Returns: FALSE with G_IO_ERROR_CANCELLED set when @task was cancelled.
 * Thread: any.
 */
gboolean base_task_check (const BaseTask *task, GError **error);

/** base_task_progress: tells @task's listener, if there is one. Thread: any. */
void
base_task_progress (const BaseTask *task, const char *stage, guint64 done, guint64 total);
