/* app-library.h: the models in folders, for all windows
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>
#include "sd/sd-library.h"

/* One for the program; main thread. Signal "changed": there is another listing. */
#define APP_TYPE_LIBRARY (app_library_get_type ())
G_DECLARE_FINAL_TYPE (AppLibrary, app_library, APP, LIBRARY, GObject)

/** app_library_get: (transfer none) */
AppLibrary *app_library_get (void);
/** app_library_get_listing: (transfer none): what was found so far; the first call begins
 * to look through the folders, on a thread */
SdListing *app_library_get_listing (AppLibrary *self);
/** app_library_get_library: (transfer none): for sd_library_resolve() on a worker */
SdLibrary *app_library_get_library (AppLibrary *self);
/** app_library_is_looking: whether the first look through the folders is not over */
gboolean app_library_is_looking (AppLibrary *self);
/** app_library_refresh: looks again, for folders whose changes nobody tells */
void app_library_refresh (AppLibrary *self);
/** app_library_note_use: the model at @path becomes the one used last */
void app_library_note_use (AppLibrary *self, const char *path);

/** app_library_add_folder: remembered for later runs */
void app_library_add_folder (AppLibrary *self, const char *path);
/** app_library_remove_folder: one of the user's is forgotten, another program's hidden */
void app_library_remove_folder (AppLibrary *self, const SdFolder *folder);
/** app_library_get_hidden: (transfer full): other programs' folders that are hidden */
char **app_library_get_hidden (AppLibrary *self);
void app_library_show_hidden (AppLibrary *self, const char *path);
