/* app-window-test.c: actions that only tests have: where things are, what they look like
 *
 * They are there when CALOTYPE_TEST is set.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-window-private.h"

/* The picture is taken inside the program, of what GTK draws: no window manager and no
 * screen take part, so that with GSK_RENDERER=cairo it is the same bits every time. */
static void
take_picture (GtkWidget *widget, const char *path)
{
  GtkNative *native = gtk_widget_get_native (widget);
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (widget);
  g_autoptr (GtkSnapshot) snapshot = gtk_snapshot_new ();
  double width = gdk_paintable_get_intrinsic_width (paintable);
  double height = gdk_paintable_get_intrinsic_height (paintable);
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;

  gdk_paintable_snapshot (paintable, GDK_SNAPSHOT (snapshot), width, height);
  node = gtk_snapshot_to_node (snapshot);
  if (node == NULL)
    return;
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (native), node,
                                         &GRAPHENE_RECT_INIT (0, 0, width, height));
  gdk_texture_save_to_png (texture, path);
}

static void
on_screenshot (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  take_picture (user_data, g_variant_get_string (parameter, NULL));
}

/* (nullable): the first shown descendant of the type called @type */
static GtkWidget *
find_shown (GtkWidget *widget, const char *type)
{
  GtkWidget *found = NULL;

  if (!gtk_widget_get_mapped (widget))
    return NULL;
  if (g_str_equal (G_OBJECT_TYPE_NAME (widget), type))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget);
       child != NULL && found == NULL; child = gtk_widget_get_next_sibling (child))
    found = find_shown (child, type);
  return found;
}

/* One widget alone: "AppCanvas" and where to write it. */
static void
on_screenshot_of (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  const char *type, *path;
  GtkWidget *widget;

  g_variant_get (parameter, "(&s&s)", &type, &path);
  widget = find_shown (user_data, type);
  if (widget != NULL)
    take_picture (widget, path);
}

static void
on_resize (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  int width, height;

  g_variant_get (parameter, "(ii)", &width, &height);
  gtk_window_set_default_size (user_data, width, height);
}

static void
collect_texts (GtkWidget *widget, GString *texts)
{
  if (!gtk_widget_get_mapped (widget))
    return;
  if (GTK_IS_LABEL (widget))
    g_string_append_printf (texts, "%s\n", gtk_label_get_text (GTK_LABEL (widget)));
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    collect_texts (child, texts);
}

/* What can be read in all windows: GTK 4.8 does not tell other programs what is shown. */
static void
on_write_texts (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_autoptr (GString) texts = g_string_new (NULL);
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);
      collect_texts (window, texts);
    }
  g_file_set_contents (g_variant_get_string (parameter, NULL), texts->str, -1, NULL);
}

/* One line for a widget: type, id in its template, words, tool tip, place in the window,
 * whether it can be used and whether it has the focus. */
static void
describe (GtkWidget *widget, double x, double y, GString *places)
{
  GtkWidget *root = GTK_WIDGET (gtk_widget_get_native (widget));
  graphene_rect_t bounds;
  const char *id = gtk_buildable_get_buildable_id (GTK_BUILDABLE (widget));
  const char *tip = gtk_widget_get_tooltip_text (widget), *words = NULL;
  g_autofree char *own = NULL, *escaped = NULL;

  if (!gtk_widget_compute_bounds (widget, root, &bounds))
    return;
  if (GTK_IS_LABEL (widget))
    words = gtk_label_get_text (GTK_LABEL (widget));
  else if (GTK_IS_EDITABLE (widget))
    words = gtk_editable_get_text (GTK_EDITABLE (widget));
  else if (GTK_IS_IMAGE (widget))
    words = gtk_image_get_icon_name (GTK_IMAGE (widget));
  else if (GTK_IS_TEXT_VIEW (widget))
    {
      g_object_get (gtk_text_view_get_buffer (GTK_TEXT_VIEW (widget)), "text", &own,
                    NULL);
      words = own;
    }
  escaped = g_strdelimit (g_strdup (words != NULL ? words : ""), "\t\n", ' ');
  g_string_append_printf (
      places, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", G_OBJECT_TYPE_NAME (widget),
      id != NULL ? id : "", escaped, tip != NULL ? tip : "", (int) (x + bounds.origin.x),
      (int) (y + bounds.origin.y), (int) bounds.size.width, (int) bounds.size.height,
      gtk_widget_is_sensitive (widget), gtk_widget_is_focus (widget));
}

static void
collect_places (GtkWidget *widget, double x, double y, GString *places)
{
  if (!gtk_widget_get_mapped (widget))
    return;
  if (GTK_IS_NATIVE (widget))
    {
      GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (widget));
      double dx, dy;

      gtk_native_get_surface_transform (GTK_NATIVE (widget), &dx, &dy);
      if (GDK_IS_POPUP (surface))
        {
          double px, py;

          /* Of its own surface, of which the popup's place is told. */
          gtk_native_get_surface_transform (
              gtk_widget_get_native (gtk_widget_get_parent (widget)), &px, &py);
          dx += gdk_popup_get_position_x (GDK_POPUP (surface)) - px;
          dy += gdk_popup_get_position_y (GDK_POPUP (surface)) - py;
        }
      x += dx;
      y += dy;
    }
  describe (widget, x, y, places);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    collect_places (child, x, y, places);
}

/* Where everything of this window is, for a mouse that is not in the program. */
static void
on_write_places (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_autoptr (GString) places = g_string_new (NULL);

  collect_places (user_data, 0, 0, places);
  g_file_set_contents (g_variant_get_string (parameter, NULL), places->str, -1, NULL);
}

static void
on_text_scale (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_object_set (gtk_widget_get_settings (user_data), "gtk-xft-dpi",
                (int) (96 * 1024 * g_variant_get_double (parameter)), NULL);
}

static const GActionEntry test_entries[] = {
  { "screenshot", on_screenshot, "s" },
  { "write-texts", on_write_texts, "s" },
  { "screenshot-of", on_screenshot_of, "(ss)" },
  { "write-places", on_write_places, "s" },
  { "resize", on_resize, "(ii)" },
  { "text-scale", on_text_scale, "d" },
};

void
app_window_add_test_actions (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), test_entries,
                                   G_N_ELEMENTS (test_entries), self);
}
