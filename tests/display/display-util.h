/* display-util.h: what tests of the window share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "app/app-window.h"

/** test_start: GTK, the test frame and an application without a bus name */
void test_start (int *argc, char ***argv);
/** test_model_path: the sample model */
const char *test_model_path (void);
AppWindow *test_open (const char *path);
/** test_close: and fails if the window is not freed */
void test_close (AppWindow *window);

typedef gboolean (*TestCondition) (gpointer user_data);
/** test_wait_for: runs the main loop; fails after a minute */
void test_wait_for (TestCondition condition, gpointer user_data, const char *what);
/** test_wait_to_see: until a label that is shown has @text */
void test_wait_to_see (AppWindow *window, const char *text);
/** test_wait_for_bars: until a histogram is drawn */
void test_wait_for_bars (AppWindow *window);
/** test_settle: a quarter of a second, for layout and what follows it */
void test_settle (void);

/** test_find: (nullable): the first shown descendant of @type */
GtkWidget *test_find (GtkWidget *widget, GType type);
gboolean test_shows (GtkWidget *widget, const char *text);
/** test_act: @parameter: (nullable): a string */
void test_act (AppWindow *window, const char *name, const char *parameter);
