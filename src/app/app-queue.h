/* app-queue.h: the popover of what waits: reorder and remove
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-worker.h"

#define APP_TYPE_QUEUE (app_queue_get_type ())
G_DECLARE_FINAL_TYPE (AppQueue, app_queue, APP, QUEUE, GtkPopover)

GtkWidget *app_queue_new (void);
