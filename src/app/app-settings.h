/* app-settings.h: what is remembered between runs, and where an uninstalled build looks
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>

/**
 * app_settings_prepare:
 *
 * To be called at the start of main, before the first thread: run from its build
 * folder, the program uses the schema and catalogues of that folder.
 */
void app_settings_prepare (void);
/** app_settings_running_from_build: whether this process was started from the build
 * folder */
gboolean app_settings_running_from_build (void);
/** app_settings_get: (transfer none): the one GSettings of the program. Main thread */
GSettings *app_settings_get (void);
/** app_settings_testing: whether CALOTYPE_TEST is set: actions for test programs exist */
gboolean app_settings_testing (void);
