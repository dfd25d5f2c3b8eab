/* app-tensor-name.c: the first cell of a row of the tree: indent, arrow, name
 *
 * GtkTreeExpander wants a GtkTreeListModel; the tree has a flat list (app-tensor-list.c).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensor-name.h"

#define INDENT 12
#define ARROW 16

struct _AppTensorName
{
  GtkWidget parent_instance;
  GtkWidget *arrow, *box, *name;
  GtkWidget *second; /* NULL until it is wanted */
  AppTensorRow *row;
};

G_DEFINE_FINAL_TYPE (AppTensorName, app_tensor_name, GTK_TYPE_WIDGET)

static gboolean
is_group (AppTensorName *self)
{
  return self->row != NULL && app_tensor_row_get_node (self->row)->n_children > 0;
}

static void
update_arrow (AppTensorName *self)
{
  gboolean expanded = self->row != NULL && app_tensor_row_get_expanded (self->row);

  gtk_image_set_from_icon_name (GTK_IMAGE (self->arrow), !is_group (self) ? NULL
                                                         : expanded ? "pan-down-symbolic"
                                                                    : "pan-end-symbolic");
  if (is_group (self))
    gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_EXPANDED,
                                 expanded, -1);
  else
    gtk_accessible_reset_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_EXPANDED);
}

gboolean
app_tensor_name_is_arrow (AppTensorName *self, double x)
{
  graphene_rect_t arrow;

  return is_group (self)
         && gtk_widget_compute_bounds (self->arrow, GTK_WIDGET (self), &arrow)
         && x >= arrow.origin.x && x < arrow.origin.x + arrow.size.width;
}

char *
app_tensor_name_describe (AppTensorRow *row)
{
  const AppOutlineNode *node = app_tensor_row_get_node (row);

  return g_strdup (node->node != NULL && node->node->path[0] != '\0' ? node->node->path
                                                                     : node->label);
}

static GtkWidget *
make_label (void)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  return label;
}

static void
show_second (AppTensorName *self, const char *text)
{
  if (text != NULL && self->second == NULL)
    {
      self->second = make_label ();
      gtk_widget_add_css_class (self->second, "caption");
      gtk_widget_add_css_class (self->second, "dim-label");
      gtk_widget_add_css_class (self->second, "numeric");
      gtk_box_append (GTK_BOX (self->box), self->second);
    }
  if (self->second == NULL)
    return;
  gtk_widget_set_visible (self->second, text != NULL);
  gtk_label_set_label (GTK_LABEL (self->second), text != NULL ? text : "");
}

void
app_tensor_name_set_row (AppTensorName *self, AppTensorRow *row, const char *second)
{
  const AppOutlineNode *node;
  guint depth;

  g_return_if_fail (APP_IS_TENSOR_NAME (self));
  if (self->row != NULL)
    g_signal_handlers_disconnect_by_data (self->row, self);
  g_set_object (&self->row, row);
  if (row == NULL)
    return;
  g_signal_connect_swapped (row, "notify::expanded", G_CALLBACK (update_arrow), self);
  node = app_tensor_row_get_node (row);
  depth = app_tensor_row_get_depth (row);
  gtk_label_set_label (GTK_LABEL (self->name), node->label);
  if (node->parent == APP_OUTLINE_NONE
      || app_outline_is_human (app_tensor_row_get_outline (row),
                               app_tensor_row_get_id (row)))
    gtk_widget_remove_css_class (self->name, "monospace");
  else
    gtk_widget_add_css_class (self->name, "monospace");
  show_second (self, second);
  gtk_widget_set_margin_start (self->arrow, (int) depth * INDENT);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  node->label, GTK_ACCESSIBLE_PROPERTY_LEVEL,
                                  (int) depth + 1, -1);
  update_arrow (self);
}

static void
app_tensor_name_dispose (GObject *object)
{
  AppTensorName *self = APP_TENSOR_NAME (object);

  app_tensor_name_set_row (self, NULL, NULL);
  g_clear_pointer (&self->arrow, gtk_widget_unparent);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (app_tensor_name_parent_class)->dispose (object);
}

static void
app_tensor_name_class_init (AppTensorNameClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_tensor_name_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "treeexpander");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_TREE_ITEM);
}

static void
app_tensor_name_init (AppTensorName *self)
{
  self->arrow = gtk_image_new ();
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->name = make_label ();
  gtk_widget_set_size_request (self->arrow, ARROW, ARROW);
  gtk_widget_set_valign (self->box, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (self->box, TRUE);
  gtk_box_append (GTK_BOX (self->box), self->name);
  gtk_widget_set_parent (self->arrow, GTK_WIDGET (self));
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

GtkWidget *
app_tensor_name_new (void)
{
  return g_object_new (APP_TYPE_TENSOR_NAME, NULL);
}
