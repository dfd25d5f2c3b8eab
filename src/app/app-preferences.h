/* app-preferences.h: the window of preferences
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

/** app_preferences_present: over @parent, which may be NULL; what is changed holds at
 * once
 */
void app_preferences_present (GtkWindow *parent);
