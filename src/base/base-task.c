/* base-task.c: see base-task.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-task.h"

gboolean
base_task_check (const BaseTask *task, GError **error)
{
  if (task == NULL || task->cancellable == NULL)
    return TRUE;
  return !g_cancellable_set_error_if_cancelled (task->cancellable, error);
}

void
base_task_progress (const BaseTask *task, const char *stage, guint64 done, guint64 total)
{
  if (task != NULL && task->progress != NULL)
    task->progress (stage, done, total, task->user_data);
}
