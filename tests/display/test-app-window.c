/* test-app-window.c: the window in its process: pages, sizes, names for screen readers
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <glib/gstdio.h>
#include <gtk/gtk.h>
#include <string.h>

#include "app/app-application.h"
#include "app/app-histogram.h"
#include "app/app-row-chart.h"
#include "app/app-settings.h"
#include "app/app-window.h"

static AppApplication *application;
static char *model_path;

static gboolean
on_time_out (gpointer user_data)
{
  g_error ("waited too long for %s", (const char *) user_data);
  return G_SOURCE_REMOVE;
}

typedef gboolean (*Condition) (gpointer user_data);

static void
wait_for (Condition condition, gpointer user_data, const char *what)
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

static void
settle (void)
{
  gboolean done = FALSE;

  g_timeout_add (250, on_quarter, &done);
  wait_for (is_true, &done, "a quarter of a second");
}

/* The first visible descendant of a type. */
static GtkWidget *
find (GtkWidget *widget, GType type)
{
  if (g_type_is_a (G_OBJECT_TYPE (widget), type) && gtk_widget_get_mapped (widget))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find (child, type);
      if (found != NULL)
        return found;
    }
  return NULL;
}

/* Whether a label that is seen holds @text. */
static gboolean
shows (GtkWidget *widget, const char *text)
{
  if (GTK_IS_LABEL (widget) && gtk_widget_get_mapped (widget)
      && strstr (gtk_label_get_label (GTK_LABEL (widget)), text) != NULL)
    return TRUE;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (shows (child, text))
        return TRUE;
    }
  return FALSE;
}

static void
act (AppWindow *window, const char *name, const char *parameter)
{
  g_action_group_activate_action (G_ACTION_GROUP (window), name,
                                  parameter != NULL ? g_variant_new_string (parameter)
                                                    : NULL);
}

static gboolean
has_bars (gpointer user_data)
{
  GtkWidget *histogram = find (user_data, APP_TYPE_HISTOGRAM);

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

  return shows (GTK_WIDGET (sight->window), sight->text);
}

static void
wait_to_see (AppWindow *window, const char *text)
{
  Sight sight = { window, text };

  wait_for (is_seen, &sight, text);
}

static gboolean
is_narrow (gpointer user_data)
{
  return app_window_get_narrow (user_data);
}

static gboolean
is_wide (gpointer user_data)
{
  return !app_window_get_narrow (user_data);
}

static gboolean
has_no_chart (gpointer user_data)
{
  return find (user_data, APP_TYPE_HISTOGRAM) == NULL;
}

static gboolean
is_gone (gpointer user_data)
{
  return *(gpointer *) user_data == NULL;
}

static AppWindow *
open_window (const char *path)
{
  AppWindow *window = app_window_new (GTK_APPLICATION (application));

  app_window_open (window, path);
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

static void
close_window (AppWindow *window)
{
  gpointer weak = window;

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_close (GTK_WINDOW (window));
  wait_for (is_gone, &weak, "the window to be freed");
}

static void
test_browse (void)
{
  AppWindow *window = open_window (model_path);
  const char *tensor = "model.diffusion_model.out.2.weight";

  wait_for (has_bars, window, "the root's histogram");
  g_assert_true (shows (GTK_WIDGET (window), "Stable Diffusion 1.x"));
  g_assert_true (shows (GTK_WIDGET (window), "UNet"));
  g_assert_nonnull (find (GTK_WIDGET (window), APP_TYPE_ROW_CHART));
  act (window, "expand-all", NULL);
  act (window, "select-tensor", tensor);
  wait_for (has_bars, window, "the tensor's histogram");
  g_assert_true (shows (GTK_WIDGET (window), tensor));
  act (window, "search", "dtype:f32");
  wait_to_see (window, "No Tensor Found");
  /* A search that hides what is asked for ends. */
  act (window, "select-tensor", "model.diffusion_model.out.0.weight");
  wait_to_see (window, "model.diffusion_model.out.0.weight");
  close_window (window);
}

/* Names are switched while the same tensor stays selected. */
static void
test_names (void)
{
  AppWindow *window = open_window (model_path);
  const char *tensor = "model.diffusion_model.out.2.weight";

  wait_for (has_bars, window, "the histogram");
  act (window, "select-tensor", tensor);
  g_settings_set_boolean (app_settings_get (), "raw-names", TRUE);
  wait_to_see (window, "first_stage_model");
  wait_to_see (window, tensor);
  g_settings_set_boolean (app_settings_get (), "raw-names", FALSE);
  wait_to_see (window, "VAE");
  wait_to_see (window, tensor);
  close_window (window);
}

static void
test_fault (void)
{
  /* A header that promises 400 bytes of data, and a file that ends before. */
  static const char header[]
      = "{\"x\":{\"dtype\":\"F32\",\"shape\":[100],\"data_offsets\":[0,400]}}";
  g_autofree char *path = NULL;
  char data[8 + sizeof header + 100] = { sizeof header - 1 };
  AppWindow *window;
  int fd = g_file_open_tmp ("calotype-fault-XXXXXX.safetensors", &path, NULL);

  g_close (fd, NULL);
  memcpy (data + 8, header, sizeof header);
  g_assert_true (g_file_set_contents (path, data, sizeof data, NULL));
  window = open_window (path);
  wait_to_see (window, "Cannot Be Opened");
  g_assert_true (shows (GTK_WIDGET (window), "Download or copy the file again"));
  g_unlink (path);
  /* And a good file after a bad one. */
  app_window_open (window, model_path);
  wait_for (has_bars, window, "the good file");
  close_window (window);
}

static void
test_narrow (void)
{
  AppWindow *window = open_window (model_path);

  wait_for (has_bars, window, "the histogram");
  gtk_window_set_default_size (GTK_WINDOW (window), 360, 640);
  wait_for (is_narrow, window, "the narrow layout");
  wait_for (has_no_chart, window, "the details to go");
  settle ();
  g_assert_cmpint (gtk_widget_get_width (GTK_WIDGET (window)), <=, 360);
  act (window, "select-tensor", "model.diffusion_model.out.2.weight");
  wait_for (has_bars, window, "the details");
  act (window, "show-tree", NULL);
  wait_for (has_no_chart, window, "the tree");
  gtk_window_set_default_size (GTK_WINDOW (window), 1000, 700);
  wait_for (is_wide, window, "the wide layout");
  wait_for (has_bars, window, "tree and details");
  close_window (window);
}

/* Every button that shows no text says its name, and so do entries and lists. */
static guint
count_nameless (GtkWidget *widget)
{
  GtkAccessibleRole role = gtk_accessible_get_accessible_role (GTK_ACCESSIBLE (widget));
  gboolean wants
      = role == GTK_ACCESSIBLE_ROLE_SEARCH_BOX || role == GTK_ACCESSIBLE_ROLE_IMG;
  guint n = 0;

  if (GTK_IS_BUTTON (widget) && gtk_button_get_label (GTK_BUTTON (widget)) == NULL
      && !GTK_IS_MENU_BUTTON (gtk_widget_get_parent (widget))
      && find (widget, GTK_TYPE_LABEL) == NULL)
    wants = TRUE;
  if (GTK_IS_MENU_BUTTON (widget))
    wants = TRUE;
  if (!gtk_widget_get_mapped (widget) || GTK_IS_WINDOW_CONTROLS (widget)
      || GTK_IS_IMAGE (widget))
    wants = FALSE;
  if (wants
      && !gtk_test_accessible_has_property (GTK_ACCESSIBLE (widget),
                                            GTK_ACCESSIBLE_PROPERTY_LABEL))
    {
      g_test_message ("%s has no name", G_OBJECT_TYPE_NAME (widget));
      n++;
    }
  if (GTK_IS_WINDOW_CONTROLS (widget) || GTK_IS_EDITABLE (widget))
    return n;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    n += count_nameless (child);
  return n;
}

static void
test_names_for_readers (void)
{
  AppWindow *window = open_window (model_path);

  wait_for (has_bars, window, "the histogram");
  settle ();
  g_assert_cmpuint (count_nameless (GTK_WIDGET (window)), ==, 0);
  close_window (window);
}

int
main (int argc, char **argv)
{
  gtk_init ();
  g_test_init (&argc, &argv, NULL);
  model_path = g_build_filename (g_getenv ("CALOTYPE_DATADIR"), "models",
                                 "calotype-sample.safetensors", NULL);
  application = app_application_new ();
  g_application_set_flags (G_APPLICATION (application), G_APPLICATION_NON_UNIQUE);
  g_assert_true (g_application_register (G_APPLICATION (application), NULL, NULL));
  g_application_hold (G_APPLICATION (application));
  g_test_add_func ("/app/window/browse", test_browse);
  g_test_add_func ("/app/window/names", test_names);
  g_test_add_func ("/app/window/fault", test_fault);
  g_test_add_func ("/app/window/narrow", test_narrow);
  g_test_add_func ("/app/window/accessible-names", test_names_for_readers);
  return g_test_run ();
}
