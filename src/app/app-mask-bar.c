/* app-mask-bar.c: see app-mask-bar.h
 *
 * No button takes the focus when it is clicked: the keys stay with the picture.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-mask-bar.h"

#include "app/app-wrap.h"

#include <glib/gi18n.h>
#include <math.h>

struct _AppMaskBar
{
  GtkWidget parent_instance;

  GtkWidget *row, *size_label;
  GtkRange *size, *hardness;
  AppMaskEditor *editor;
  gboolean filling;
};

G_DEFINE_FINAL_TYPE (AppMaskBar, app_mask_bar, GTK_TYPE_WIDGET)

static void
name_widget (GtkWidget *widget, const char *name, const char *tip)
{
  gtk_widget_set_tooltip_text (widget, tip);
  gtk_widget_set_focus_on_click (widget, FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
}

static GtkWidget *
make_tools (void)
{
  static const struct
  {
    const char *icon, *tool, *name;
    const char *key;
  } tools[] = {
    { "app-brush-symbolic", "brush", N_ ("Brush"), "B" },
    { "app-eraser-symbolic", "eraser", N_ ("Eraser"), "E" },
    { "app-lasso-symbolic", "lasso", N_ ("Lasso"), "L" },
    { "app-rectangle-symbolic", "rectangle", N_ ("Rectangle"), "R" },
  };
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  gtk_widget_add_css_class (box, "linked");
  for (guint i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      GtkWidget *button = gtk_toggle_button_new ();
      g_autofree char *tip = g_strdup_printf ("%s (%s)", _ (tools[i].name), tools[i].key);

      gtk_button_set_icon_name (GTK_BUTTON (button), tools[i].icon);
      gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.mask-tool");
      gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", tools[i].tool);
      name_widget (button, _ (tools[i].name), tip);
      gtk_box_append (GTK_BOX (box), button);
    }
  return box;
}

/* ---- size and hardness ---- */

static void
show_brush (AppMaskBar *self)
{
  double size = app_mask_editor_get_size (self->editor);
  g_autofree char *text = g_strdup_printf ("%.0f", size);

  self->filling = TRUE;
  gtk_label_set_text (GTK_LABEL (self->size_label), text);
  gtk_range_set_value (self->size, log2 (size));
  gtk_range_set_value (self->hardness, app_mask_editor_get_hardness (self->editor));
  self->filling = FALSE;
}

static void
on_size (GtkRange *range, AppMaskBar *self)
{
  if (!self->filling)
    app_mask_editor_set_size (self->editor, round (exp2 (gtk_range_get_value (range))));
}

static void
on_hardness (GtkRange *range, AppMaskBar *self)
{
  if (!self->filling)
    app_mask_editor_set_hardness (self->editor, gtk_range_get_value (range));
}

/* Each doubling of the size takes the same way. */
static GtkWidget *
make_size (AppMaskBar *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 3);
  GtkWidget *scale = gtk_scale_new_with_range (GTK_ORIENTATION_HORIZONTAL, 0,
                                               log2 (APP_MASK_MAX_SIZE), 0.25);

  self->size = GTK_RANGE (scale);
  gtk_scale_set_draw_value (GTK_SCALE (scale), FALSE);
  gtk_widget_set_size_request (scale, 96, -1);
  name_widget (scale, _ ("Brush size"), _ ("Brush size: [ and ]"));
  g_signal_connect (scale, "value-changed", G_CALLBACK (on_size), self);
  self->size_label = gtk_label_new ("");
  gtk_label_set_width_chars (GTK_LABEL (self->size_label), 4);
  gtk_label_set_xalign (GTK_LABEL (self->size_label), 0);
  gtk_widget_add_css_class (self->size_label, "numeric");
  gtk_widget_add_css_class (self->size_label, "dim-label");
  gtk_box_append (GTK_BOX (box), scale);
  gtk_box_append (GTK_BOX (box), self->size_label);
  return box;
}

static GtkWidget *
make_hardness (AppMaskBar *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *scale = gtk_scale_new_with_range (GTK_ORIENTATION_HORIZONTAL, 0, 1, 0.1);
  /* Translators: of the brush: how sharp its edge is */
  GtkWidget *label = gtk_label_new (_ ("Hardness"));

  self->hardness = GTK_RANGE (scale);
  gtk_scale_set_draw_value (GTK_SCALE (scale), FALSE);
  gtk_widget_set_size_request (scale, 120, -1);
  gtk_widget_set_hexpand (scale, TRUE);
  name_widget (scale, _ ("Brush hardness"), _ ("Brush hardness: { and }"));
  g_signal_connect (scale, "value-changed", G_CALLBACK (on_hardness), self);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), scale);
  gtk_widget_add_css_class (box, "app-hint");
  return box;
}

static GMenuModel *
make_model (void)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenu) brush = g_menu_new (), change = g_menu_new (), files = g_menu_new ();
  g_autoptr (GMenuItem) item = g_menu_item_new (NULL, NULL);

  g_menu_item_set_attribute (item, "custom", "s", "hardness");
  g_menu_append_item (brush, item);
  g_menu_append (change, _ ("_Invert"), "win.mask-invert");
  g_menu_append (change, _ ("_Blur"), "win.mask-blur");
  g_menu_append (change, _ ("_Grow"), "win.mask-grow");
  g_menu_append (change, _ ("_Shrink"), "win.mask-shrink");
  g_menu_append (change, _ ("_Clear"), "win.mask-clear");
  g_menu_append (files, _ ("I_mport Mask…"), "win.mask-import");
  g_menu_append (files, _ ("E_xport Mask…"), "win.mask-export");
  g_menu_append_section (menu, NULL, G_MENU_MODEL (brush));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (change));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (files));
  return G_MENU_MODEL (menu);
}

static GtkWidget *
make_menu (AppMaskBar *self)
{
  GtkWidget *button = gtk_menu_button_new ();
  g_autoptr (GMenuModel) model = make_model ();
  GtkWidget *popover = gtk_popover_menu_new_from_model (model);

  gtk_popover_menu_add_child (GTK_POPOVER_MENU (popover), make_hardness (self),
                              "hardness");
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (button), "view-more-symbolic");
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (button), GTK_ARROW_UP);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), popover);
  gtk_widget_add_css_class (button, "flat");
  name_widget (button, _ ("Mask menu"), _ ("Mask menu"));
  return button;
}

static GtkWidget *
make_undo (const char *icon, const char *action, const char *name)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_widget_add_css_class (button, "flat");
  name_widget (button, name, name);
  return button;
}

/* ---- life ---- */

static void
app_mask_bar_dispose (GObject *object)
{
  AppMaskBar *self = APP_MASK_BAR (object);

  g_clear_pointer (&self->row, gtk_widget_unparent);
  g_clear_object (&self->editor);
  G_OBJECT_CLASS (app_mask_bar_parent_class)->dispose (object);
}

static void
app_mask_bar_class_init (AppMaskBarClass *class)
{
  G_OBJECT_CLASS (class)->dispose = app_mask_bar_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (class),
                                            GTK_TYPE_BIN_LAYOUT);
}

static void
app_mask_bar_init (AppMaskBar *self)
{
}

GtkWidget *
app_mask_bar_new (AppMaskEditor *editor)
{
  AppMaskBar *self = g_object_new (APP_TYPE_MASK_BAR, NULL);
  GtkWidget *undo = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  GtkWidget *done = gtk_button_new_with_mnemonic (_ ("_Done"));

  self->editor = g_object_ref (editor);
  self->row = app_wrap_new (9, 6, FALSE);
  g_object_set (self->row, "centered", TRUE, NULL);
  gtk_box_append (GTK_BOX (undo),
                  make_undo ("edit-undo-symbolic", "win.mask-undo", _ ("Undo a stroke")));
  gtk_box_append (GTK_BOX (undo),
                  make_undo ("edit-redo-symbolic", "win.mask-redo", _ ("Redo a stroke")));
  gtk_box_append (GTK_BOX (undo), make_menu (self));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (done), "win.mask-done");
  name_widget (done, _ ("Done"), _ ("Leave the mask (Escape)"));
  app_wrap_append (APP_WRAP (self->row), make_tools ());
  app_wrap_append (APP_WRAP (self->row), make_size (self));
  app_wrap_append (APP_WRAP (self->row), undo);
  app_wrap_append (APP_WRAP (self->row), done);
  gtk_widget_set_parent (self->row, GTK_WIDGET (self));
  g_signal_connect_object (editor, "tool-changed", G_CALLBACK (show_brush), self,
                           G_CONNECT_SWAPPED);
  show_brush (self);
  return GTK_WIDGET (self);
}
