/* test-app-tensors-states.c: every state of the Tensors page in every size, to look at
 *
 * Draws each to a picture in the build folder (tests/display/states) and checks what can
 * be checked without eyes: the window is as small as it was asked to be, no button's
 * label is cut, nothing stands outside of the window.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <glib/gstdio.h>

#include "display-util.h"

#define TENSOR "model.diffusion_model.out.2.weight"

static const struct
{
  int width, height;
} sizes[] = { { 360, 640 }, { 1000, 700 }, { 1600, 1000 } };

/* Labels of buttons have to be read whole; the model's name may be long. */
static void
check_labels (GtkWidget *widget, gboolean in_button)
{
  if (!gtk_widget_get_mapped (widget))
    return;
  in_button |= GTK_IS_BUTTON (widget);
  if (GTK_IS_LABEL (widget) && in_button)
    {
      PangoLayout *layout = gtk_label_get_layout (GTK_LABEL (widget));
      int width, minimum;
      pango_layout_get_pixel_size (layout, &width, NULL);
      gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL,
                          NULL);
      if (gtk_label_get_ellipsize (GTK_LABEL (widget)) == PANGO_ELLIPSIZE_NONE
          && gtk_widget_get_width (widget) < width)
        g_error ("the label '%s' is cut: %d of %d px",
                 gtk_label_get_label (GTK_LABEL (widget)), gtk_widget_get_width (widget),
                 width);
    }
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    check_labels (child, in_button);
}

/* What is in a window, but not in something that scrolls, lies inside of it. */
static void
check_inside (GtkWidget *widget, GtkWidget *window)
{
  graphene_rect_t bounds;

  if (!gtk_widget_get_mapped (widget) || GTK_IS_NATIVE (widget))
    return;
  if (gtk_widget_compute_bounds (widget, window, &bounds)
      && bounds.origin.x + bounds.size.width > gtk_widget_get_width (window) + 1)
    g_error ("%s ends at %g px, the window at %d", G_OBJECT_TYPE_NAME (widget),
             bounds.origin.x + bounds.size.width, gtk_widget_get_width (window));
  if (GTK_IS_SCROLLED_WINDOW (widget) || GTK_IS_REVEALER (widget))
    return;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    check_inside (child, window);
}

static void
draw (AppWindow *window, const char *state, const char *look)
{
  g_autofree char *folder
      = g_build_filename (g_getenv ("G_TEST_BUILDDIR"), "states", NULL);

  g_mkdir_with_parents (folder, 0755);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *name = g_strdup_printf ("tensors-%s-%s-%dx%d.png", state, look,
                                               sizes[i].width, sizes[i].height);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *content = NULL;
      gsize length;

      gtk_window_set_default_size (GTK_WINDOW (window), sizes[i].width, sizes[i].height);
      test_settle ();
      test_settle ();
      g_unlink (path);
      /* Nothing comes before the window's first frame. */
      for (guint turn = 0; turn < 40 && !g_file_test (path, G_FILE_TEST_EXISTS); turn++)
        {
          test_act (window, "screenshot", path);
          test_settle ();
        }
      g_assert_true (g_file_get_contents (path, &content, &length, NULL));
      g_assert_cmpuint (length, >, 1000);
      if (gtk_widget_get_width (GTK_WIDGET (window)) > sizes[i].width)
        {
          /* Only large text may need more. */
          g_assert_cmpstr (look, ==, "large");
          g_assert_cmpint (gtk_widget_get_width (GTK_WIDGET (window)), <=,
                           2 * sizes[i].width);
        }
      for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (window));
           child != NULL; child = gtk_widget_get_next_sibling (child))
        check_inside (child, GTK_WIDGET (window));
      check_labels (GTK_WIDGET (window), FALSE);
    }
}

static void
draw_states (const char *look)
{
  g_autofree char *path
      = g_build_filename (g_get_tmp_dir (), "calotype-states.txt", NULL);
  AppWindow *window = app_window_new (GTK_APPLICATION (g_application_get_default ()));

  gtk_window_present (GTK_WINDOW (window));
  test_act (window, "show-page", "tensors");
  draw (window, "empty", look);
  app_window_open (window, test_model_path ());
  test_wait_for_bars (window);
  draw (window, "model", look);
  test_act (window, "select-tensor", "model.diffusion_model");
  test_act (window, "pin-tensor", NULL);
  test_act (window, "select-tensor", TENSOR);
  draw (window, "tensor", look);
  test_act (window, "search", "attn1 weight");
  draw (window, "search", look);
  g_assert_true (g_file_set_contents (path, "<!DOCTYPE html><html></html>", -1, NULL));
  app_window_open (window, path);
  test_settle ();
  draw (window, "fault", look);
  g_unlink (path);
  test_close (window);
}

static void
test_plain (void)
{
  draw_states ("plain");
}

static void
test_mirrored (void)
{
  gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  draw_states ("mirrored");
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
}

static void
test_large (void)
{
  GtkSettings *settings = gtk_settings_get_default ();
  int dpi;

  g_object_get (settings, "gtk-xft-dpi", &dpi, NULL);
  g_object_set (settings, "gtk-xft-dpi", 2 * 96 * PANGO_SCALE, NULL);
  draw_states ("large");
  g_object_set (settings, "gtk-xft-dpi", dpi, NULL);
}

int
main (int argc, char **argv)
{
  test_start (&argc, &argv);
  g_test_add_func ("/app/tensors/states/plain", test_plain);
  g_test_add_func ("/app/tensors/states/mirrored", test_mirrored);
  g_test_add_func ("/app/tensors/states/large", test_large);
  return g_test_run ();
}
