/* app-shortcuts.h: the window that lists all keys
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

/** app_shortcuts_present: made from the table of actions; modal to @parent */
void app_shortcuts_present (GtkWindow *parent);
