/* app-hashes.h: by what hashes other programs know a model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "st/st.h"

#define APP_TYPE_HASHES (app_hashes_get_type ())
G_DECLARE_FINAL_TYPE (AppHashes, app_hashes, APP, HASHES, GtkWidget)

GtkWidget *app_hashes_new (void);
/** app_hashes_set: @file: (nullable): NULL hides it. Hashes of small files, and those
 * that are known, are shown by themselves; a large one is read when it is asked for */
void app_hashes_set (AppHashes *self, StFile *file);
