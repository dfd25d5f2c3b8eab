/* app-watch.h: tells tests what the main thread was busy with, and when things were seen
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/** app_watch_start: first thing in main; does nothing unless CALOTYPE_WATCH names a file
 */
void app_watch_start (void);
/** app_watch_mark: notes when @name happened, and when the next frame after it was drawn;
 * main thread; @name is static */
void app_watch_mark (const char *name);
