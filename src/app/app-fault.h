/* app-fault.h: the page that explains why a file cannot be opened
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_FAULT (app_fault_get_type ())
G_DECLARE_FINAL_TYPE (AppFault, app_fault, APP, FAULT, GtkWidget)

/**
 * app_fault_set: what was wrong with @path; the file's first bytes are read here (≤ 4
 * KiB)
 * @tried: whether it was to be shown as a damaged file: nothing but text remains to show
 */
void
app_fault_set (AppFault *self, const char *path, const GError *error, gboolean tried);
