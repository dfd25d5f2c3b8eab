/* app-mode-bar.c: see app-mode-bar.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-mode-bar.h"

#include "app/app-wrap.h"

#include <glib/gi18n.h>

#define THUMB 20       /* in the button of the parent */
#define CHILD_THUMB 64 /* in the popover of the children */

struct _AppModeBar
{
  GtkWidget parent_instance;

  GtkWidget *row, *from, *from_picture, *made, *list;
  AppPicture *parent;
  GPtrArray *children; /* AppPicture */
};

G_DEFINE_FINAL_TYPE (AppModeBar, app_mode_bar, GTK_TYPE_WIDGET)

static guint chosen_signal;

/* ---- descent ---- */

static void
show_parent_picture (AppModeBar *self)
{
  gtk_image_set_from_paintable (
      GTK_IMAGE (self->from_picture),
      self->parent != NULL ? GDK_PAINTABLE (app_picture_get_thumbnail (self->parent))
                           : NULL);
}

static void
on_from (GtkButton *button, AppModeBar *self)
{
  if (self->parent != NULL)
    g_signal_emit (self, chosen_signal, 0, self->parent);
}

static void
on_child (GtkFlowBox *list, GtkFlowBoxChild *child, AppModeBar *self)
{
  guint i = (guint) gtk_flow_box_child_get_index (child);

  gtk_menu_button_popdown (GTK_MENU_BUTTON (self->made));
  if (self->children != NULL && i < self->children->len)
    g_signal_emit (self, chosen_signal, 0, self->children->pdata[i]);
}

static void
show_child_picture (AppPicture *picture, GtkWidget *widget)
{
  gtk_image_set_from_paintable (GTK_IMAGE (widget),
                                GDK_PAINTABLE (app_picture_get_thumbnail (picture)));
}

/* Their thumbnails are read when somebody looks. */
static void
fill_children (AppModeBar *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (self->list)) != NULL)
    gtk_flow_box_remove (GTK_FLOW_BOX (self->list), child);
  for (guint i = 0; self->children != NULL && i < self->children->len; i++)
    {
      AppPicture *picture = self->children->pdata[i];
      GtkWidget *widget = gtk_image_new ();
      g_autofree char *name
          = app_picture_get_path (picture) != NULL
                ? g_filename_display_basename (app_picture_get_path (picture))
                : g_strdup (_ ("live"));

      gtk_image_set_pixel_size (GTK_IMAGE (widget), CHILD_THUMB);
      gtk_widget_set_tooltip_text (widget, name);
      gtk_accessible_update_property (GTK_ACCESSIBLE (widget),
                                      GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
      g_signal_connect_object (picture, "changed", G_CALLBACK (show_child_picture),
                               widget, 0);
      show_child_picture (picture, widget);
      gtk_flow_box_append (GTK_FLOW_BOX (self->list), widget);
    }
}

void
app_mode_bar_set_descent (AppModeBar *self, AppPicture *parent, GPtrArray *children)
{
  guint n = children != NULL ? children->len : 0;
  g_autofree char *text = NULL;

  if (self->parent != NULL)
    g_signal_handlers_disconnect_by_func (self->parent, show_parent_picture, self);
  g_set_object (&self->parent, parent);
  if (parent != NULL)
    g_signal_connect_object (parent, "changed", G_CALLBACK (show_parent_picture), self,
                             G_CONNECT_SWAPPED);
  g_clear_pointer (&self->children, g_ptr_array_unref);
  self->children = children != NULL ? g_ptr_array_ref (children) : NULL;
  gtk_widget_set_visible (self->from, parent != NULL);
  show_parent_picture (self);
  gtk_widget_set_visible (self->made, n > 0);
  /* Translators: how many pictures were made from the one that is seen; short */
  text = g_strdup_printf (ngettext ("%u from it", "%u from it", n), n);
  gtk_menu_button_set_label (GTK_MENU_BUTTON (self->made), text);
}

/* ---- building ---- */

static GtkWidget *
make_mode (const char *label, const char *action, const char *tip)
{
  GtkWidget *button = gtk_button_new_with_label (label);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_widget_set_tooltip_text (button, tip);
  gtk_widget_add_css_class (button, "app-mode");
  return button;
}

static GtkWidget *
make_modes (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  gtk_widget_add_css_class (box, "linked");
  gtk_box_append (GTK_BOX (box), make_mode (_ ("Vary"), "win.vary-picture",
                                            _ ("Make pictures like this one")));
  gtk_box_append (GTK_BOX (box), make_mode (_ ("Edit Here"), "win.edit-picture",
                                            _ ("Paint over a part and make it anew")));
  gtk_box_append (GTK_BOX (box), make_mode (_ ("Extend"), "win.extend-picture",
                                            _ ("Go on beyond the picture’s edges")));
  /* Translators: short for “Change by Instruction”, a button */
  gtk_box_append (GTK_BOX (box), make_mode (_ ("Instruct"), "win.instruct-picture",
                                            _ ("Change by Instruction")));
  return box;
}

static GtkWidget *
make_from (AppModeBar *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  /* Translators: before a small picture: what the shown one was made from */
  GtkWidget *label = gtk_label_new (_ ("from"));

  self->from = gtk_button_new ();
  self->from_picture = gtk_image_new ();
  gtk_image_set_pixel_size (GTK_IMAGE (self->from_picture), THUMB);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), self->from_picture);
  gtk_button_set_child (GTK_BUTTON (self->from), box);
  gtk_widget_add_css_class (self->from, "flat");
  gtk_widget_add_css_class (self->from, "app-mode");
  gtk_widget_set_tooltip_text (self->from, _ ("Go to the picture that it was made from"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->from),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Go to the picture that it was made from"), -1);
  g_signal_connect (self->from, "clicked", G_CALLBACK (on_from), self);
  return self->from;
}

static GtkWidget *
make_made (AppModeBar *self)
{
  GtkWidget *popover = gtk_popover_new ();

  self->made = gtk_menu_button_new ();
  self->list = gtk_flow_box_new ();
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (self->list), 4);
  gtk_flow_box_set_activate_on_single_click (GTK_FLOW_BOX (self->list), TRUE);
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (self->list), GTK_SELECTION_NONE);
  g_signal_connect (self->list, "child-activated", G_CALLBACK (on_child), self);
  g_signal_connect_swapped (popover, "show", G_CALLBACK (fill_children), self);
  gtk_popover_set_child (GTK_POPOVER (popover), self->list);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->made), popover);
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (self->made), GTK_ARROW_UP);
  gtk_widget_add_css_class (self->made, "flat");
  gtk_widget_add_css_class (self->made, "app-mode");
  gtk_widget_set_tooltip_text (self->made, _ ("Pictures that were made from this one"));
  return self->made;
}

/* ---- life ---- */

static void
app_mode_bar_dispose (GObject *object)
{
  AppModeBar *self = APP_MODE_BAR (object);

  g_clear_pointer (&self->row, gtk_widget_unparent);
  g_clear_object (&self->parent);
  g_clear_pointer (&self->children, g_ptr_array_unref);
  G_OBJECT_CLASS (app_mode_bar_parent_class)->dispose (object);
}

static void
app_mode_bar_class_init (AppModeBarClass *class)
{
  G_OBJECT_CLASS (class)->dispose = app_mode_bar_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (class),
                                            GTK_TYPE_BIN_LAYOUT);
  chosen_signal = g_signal_new ("chosen", APP_TYPE_MODE_BAR, G_SIGNAL_RUN_LAST, 0, NULL,
                                NULL, NULL, G_TYPE_NONE, 1, APP_TYPE_PICTURE);
}

static void
app_mode_bar_init (AppModeBar *self)
{
  self->row = app_wrap_new (9, 6, FALSE);
  g_object_set (self->row, "centered", TRUE, NULL);
  app_wrap_append (APP_WRAP (self->row), make_from (self));
  app_wrap_append (APP_WRAP (self->row), make_modes ());
  app_wrap_append (APP_WRAP (self->row), make_made (self));
  for (GtkWidget *child = gtk_widget_get_first_child (self->row); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    gtk_widget_set_valign (child, GTK_ALIGN_CENTER);
  gtk_widget_set_parent (self->row, GTK_WIDGET (self));
  app_mode_bar_set_descent (self, NULL, NULL);
}

GtkWidget *
app_mode_bar_new (void)
{
  return g_object_new (APP_TYPE_MODE_BAR, NULL);
}
