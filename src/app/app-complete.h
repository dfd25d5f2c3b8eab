/* app-complete.h: names that a prompt may go on with, in a list under the cursor
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

/* (transfer full) (nullable): names of LoRA, or of textual inversions; main thread */
typedef char **(*AppNamesFunc) (gboolean networks, gpointer user_data);

typedef struct _AppComplete AppComplete;

/* Main thread. */
/** app_complete_new: for @view, which must be inside a GtkOverlay */
AppComplete *app_complete_new (GtkTextView *view);
void app_complete_free (AppComplete *self);
/** app_complete_set_names: @names: (nullable): where names are had from */
void app_complete_set_names (AppComplete *self, AppNamesFunc names, gpointer user_data);
/** app_complete_update: after the user typed: shows what fits, or nothing */
void app_complete_update (AppComplete *self);
/** app_complete_names_changed: there may be names now that what was typed waits for; a
 * list that was left is not shown again */
void app_complete_names_changed (AppComplete *self);
void app_complete_hide (AppComplete *self);
/** app_complete_key: whether the list took the key */
gboolean app_complete_key (AppComplete *self, guint key);
