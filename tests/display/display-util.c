/* display-util.c: what tests of the window share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "display-util.h"

#include <string.h>

#include "app/app-application.h"
#include "app/app-histogram.h"

static AppApplication *application;
static char *model_path;

static gboolean
on_time_out (gpointer user_data)
{
  g_error ("waited too long for %s", (const char *) user_data);
  return G_SOURCE_REMOVE;
}

void
test_wait_for (TestCondition condition, gpointer user_data, const char *what)
{
  guint source = g_timeout_add_seconds (60, on_time_out, (gpointer) what);

  while (!condition (user_data))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
}

static gboolean
on_quarter (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
is_true (gpointer user_data)
{
  return *(gboolean *) user_data;
}

void
test_settle (void)
{
  gboolean done = FALSE;

  g_timeout_add (250, on_quarter, &done);
  test_wait_for (is_true, &done, "a quarter of a second");
}

/* The first visible descendant of a type. */
GtkWidget *
test_find (GtkWidget *widget, GType type)
{
  if (g_type_is_a (G_OBJECT_TYPE (widget), type) && gtk_widget_get_mapped (widget))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = test_find (child, type);
      if (found != NULL)
        return found;
    }
  return NULL;
}

/* Whether a label that is seen holds @text. */
gboolean
test_shows (GtkWidget *widget, const char *text)
{
  if (GTK_IS_LABEL (widget) && gtk_widget_get_mapped (widget)
      && strstr (gtk_label_get_label (GTK_LABEL (widget)), text) != NULL)
    return TRUE;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (test_shows (child, text))
        return TRUE;
    }
  return FALSE;
}

void
test_act (AppWindow *window, const char *name, const char *parameter)
{
  g_action_group_activate_action (G_ACTION_GROUP (window), name,
                                  parameter != NULL ? g_variant_new_string (parameter)
                                                    : NULL);
}

static gboolean
has_bars (gpointer user_data)
{
  GtkWidget *histogram = test_find (user_data, APP_TYPE_HISTOGRAM);

  return histogram != NULL && app_histogram_get_bins (APP_HISTOGRAM (histogram)) != NULL;
}

typedef struct
{
  AppWindow *window;
  const char *text;
} Sight;

static gboolean
is_seen (gpointer user_data)
{
  Sight *sight = user_data;

  return test_shows (GTK_WIDGET (sight->window), sight->text);
}

void
test_wait_to_see (AppWindow *window, const char *text)
{
  Sight sight = { window, text };

  test_wait_for (is_seen, &sight, text);
}

void
test_wait_for_bars (AppWindow *window)
{
  test_wait_for (has_bars, window, "a histogram");
}

static gboolean
is_gone (gpointer user_data)
{
  return *(gpointer *) user_data == NULL;
}

AppWindow *
test_open (const char *path)
{
  AppWindow *window = app_window_new (GTK_APPLICATION (application));

  app_window_open (window, path);
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

void
test_close (AppWindow *window)
{
  gpointer weak = window;

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_close (GTK_WINDOW (window));
  test_wait_for (is_gone, &weak, "the window to be freed");
}

const char *
test_model_path (void)
{
  return model_path;
}

void
test_start (int *argc, char ***argv)
{
  gtk_init ();
  g_test_init (argc, argv, NULL);
  model_path = g_build_filename (g_getenv ("CALOTYPE_DATADIR"), "models",
                                 "calotype-sample.safetensors", NULL);
  application = app_application_new (FALSE);
  g_application_set_flags (G_APPLICATION (application), G_APPLICATION_NON_UNIQUE);
  g_assert_true (g_application_register (G_APPLICATION (application), NULL, NULL));
  g_application_hold (G_APPLICATION (application));
}
