/* test-app-window.c: the window in its process: pages, sizes, names for screen readers
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "app/app-histogram.h"
#include "app/app-row-chart.h"
#include "app/app-settings.h"
#include "display-util.h"

/* Asks again each time, by a pixel more or less: without a window manager a size that is
 * asked for while another is on its way is lost, which a slow build shows. */
static void
ask_for_width (GtkWindow *window, int width, int height)
{
  static int turn;

  gtk_window_set_default_size (window, width - turn++ % 2, height);
}

static gboolean
is_narrow (gpointer user_data)
{
  ask_for_width (user_data, 360, 640);
  return app_window_get_narrow (user_data);
}

static gboolean
is_wide (gpointer user_data)
{
  ask_for_width (user_data, 1000, 700);
  return !app_window_get_narrow (user_data);
}

static gboolean
has_no_chart (gpointer user_data)
{
  return test_find (user_data, APP_TYPE_HISTOGRAM) == NULL;
}

static void
test_browse (void)
{
  AppWindow *window = test_open (test_model_path ());
  const char *tensor = "model.diffusion_model.out.2.weight";

  test_wait_for_bars (window);
  g_assert_true (test_shows (GTK_WIDGET (window), "Stable Diffusion 1.x"));
  g_assert_true (test_shows (GTK_WIDGET (window), "UNet"));
  g_assert_nonnull (test_find (GTK_WIDGET (window), APP_TYPE_ROW_CHART));
  test_act (window, "expand-all", NULL);
  test_act (window, "select-tensor", tensor);
  test_wait_for_bars (window);
  g_assert_true (test_shows (GTK_WIDGET (window), tensor));
  test_act (window, "search", "dtype:f32");
  test_wait_to_see (window, "No Tensor Found");
  /* A search that hides what is asked for ends. */
  test_act (window, "select-tensor", "model.diffusion_model.out.0.weight");
  test_wait_to_see (window, "model.diffusion_model.out.0.weight");
  test_close (window);
}

/* Names are switched while the same tensor stays selected. */
static void
test_names (void)
{
  AppWindow *window = test_open (test_model_path ());
  const char *tensor = "model.diffusion_model.out.2.weight";

  test_wait_for_bars (window);
  test_act (window, "select-tensor", tensor);
  g_settings_set_boolean (app_settings_get (), "raw-names", TRUE);
  test_wait_to_see (window, "first_stage_model");
  test_wait_to_see (window, tensor);
  g_settings_set_boolean (app_settings_get (), "raw-names", FALSE);
  test_wait_to_see (window, "VAE");
  test_wait_to_see (window, tensor);
  test_close (window);
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
  window = test_open (path);
  test_wait_to_see (window, "Cannot Be Opened");
  g_assert_true (test_shows (GTK_WIDGET (window), "Download or copy the file again"));
  g_unlink (path);
  /* And a good file after a bad one. */
  app_window_open (window, test_model_path ());
  test_wait_for_bars (window);
  test_close (window);
}

static void
test_narrow (void)
{
  AppWindow *window = test_open (test_model_path ());

  test_wait_for_bars (window);
  test_wait_for (is_narrow, window, "the narrow layout");
  test_wait_for (has_no_chart, window, "the details to go");
  test_settle ();
  g_assert_cmpint (gtk_widget_get_width (GTK_WIDGET (window)), <=, 360);
  test_act (window, "select-tensor", "model.diffusion_model.out.2.weight");
  test_wait_for_bars (window);
  test_act (window, "show-tree", NULL);
  test_wait_for (has_no_chart, window, "the tree");
  test_wait_for (is_wide, window, "the wide layout");
  test_wait_for_bars (window);
  /* What was selected stays so. */
  test_settle ();
  test_wait_to_see (window, "model.diffusion_model.out.2.weight");
  test_close (window);
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
      && test_find (widget, GTK_TYPE_LABEL) == NULL)
    wants = TRUE;
  if (GTK_IS_MENU_BUTTON (widget) || GTK_IS_DROP_DOWN (widget)
      || GTK_IS_TEXT_VIEW (widget) || GTK_IS_SPIN_BUTTON (widget)
      || GTK_IS_ENTRY (widget))
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
  AppWindow *window = test_open (test_model_path ());

  test_wait_for_bars (window);
  test_settle ();
  g_assert_cmpuint (count_nameless (GTK_WIDGET (window)), ==, 0);
  test_act (window, "show-page", "pictures");
  test_settle ();
  gtk_expander_set_expanded (
      GTK_EXPANDER (test_find (GTK_WIDGET (window), GTK_TYPE_EXPANDER)), TRUE);
  test_settle ();
  g_assert_nonnull (test_find (GTK_WIDGET (window), GTK_TYPE_TEXT_VIEW));
  g_assert_cmpuint (count_nameless (GTK_WIDGET (window)), ==, 0);
  test_close (window);
}

int
main (int argc, char **argv)
{
  test_start (&argc, &argv);
  g_test_add_func ("/app/window/browse", test_browse);
  g_test_add_func ("/app/window/names", test_names);
  g_test_add_func ("/app/window/fault", test_fault);
  g_test_add_func ("/app/window/narrow", test_narrow);
  g_test_add_func ("/app/window/accessible-names", test_names_for_readers);
  return g_test_run ();
}
