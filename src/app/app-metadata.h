/* app-metadata.h: the texts that a file carries about itself
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "st/st.h"

/**
 * app_metadata_new: of one file; NULL if it has none
 *
 * Rows come a few at a time; long values unfold, JSON in them as a tree, which is read on
 * a thread.
 */
GtkWidget *app_metadata_new (StFile *file, const char *title);

/** app_metadata_name: (nullable): what @key means, translated
 * @rank: (out): smaller for what stands before */
const char *app_metadata_name (const char *key, guint *rank);
/** app_metadata_value: (transfer full) (nullable): @value for people, where it is a
 * number that means something else: a time */
char *app_metadata_value (const char *key, const char *value);
