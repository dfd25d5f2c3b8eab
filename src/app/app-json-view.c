/* app-json-view.c: a tree of JSON as a list whose rows unfold
 *
 * Rows become objects when they are seen, so that ten thousand tags cost nothing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-json.h"

/* ---- a row, and the list of a node's children ---- */

#define APP_TYPE_JSON_LIST (app_json_list_get_type ())
G_DECLARE_FINAL_TYPE (AppJsonList, app_json_list, APP, JSON_LIST, GObject)

/* Both: a row is the list of its children. */
struct _AppJsonList
{
  GObject parent_instance;
  AppJsonTree *tree;
  const AppJsonNode *node;
};

static AppJsonList *
app_json_list_new (AppJsonTree *tree, const AppJsonNode *node)
{
  AppJsonList *self = g_object_new (APP_TYPE_JSON_LIST, NULL);

  self->tree = app_json_tree_ref (tree);
  self->node = node;
  return self;
}

static GType
get_item_type (GListModel *model)
{
  return APP_TYPE_JSON_LIST;
}

static guint
get_n_items (GListModel *model)
{
  return APP_JSON_LIST (model)->node->n_children;
}

static gpointer
get_item (GListModel *model, guint position)
{
  AppJsonList *self = APP_JSON_LIST (model);

  return position < self->node->n_children
             ? app_json_list_new (self->tree, &self->node->children[position])
             : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (AppJsonList,
                               app_json_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
app_json_list_finalize (GObject *object)
{
  app_json_tree_unref (APP_JSON_LIST (object)->tree);
  G_OBJECT_CLASS (app_json_list_parent_class)->finalize (object);
}

static void
app_json_list_class_init (AppJsonListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_json_list_finalize;
}

static void
app_json_list_init (AppJsonList *self)
{
}

static GListModel *
make_children (gpointer item, gpointer data)
{
  AppJsonList *row = item;

  return row->node->n_children > 0
             ? G_LIST_MODEL (app_json_list_new (row->tree, row->node))
             : NULL;
}

/* ---- the widgets ---- */

static GtkWidget *
append_label (GtkWidget *box, gboolean expand)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), expand ? 0 : 1);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (label, expand);
  gtk_box_append (GTK_BOX (box), label);
  return label;
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *expander = gtk_tree_expander_new (),
            *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *value;

  append_label (box, TRUE);
  value = append_label (box, FALSE);
  gtk_label_set_max_width_chars (GTK_LABEL (value), 40);
  gtk_widget_add_css_class (value, "dim-label");
  gtk_widget_add_css_class (value, "numeric");
  gtk_tree_expander_set_child (GTK_TREE_EXPANDER (expander), box);
  gtk_list_item_set_child (item, expander);
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkTreeListRow *row = GTK_TREE_LIST_ROW (gtk_list_item_get_item (item));
  GtkTreeExpander *expander = GTK_TREE_EXPANDER (gtk_list_item_get_child (item));
  GtkWidget *name = gtk_widget_get_first_child (gtk_tree_expander_get_child (expander));
  g_autoptr (AppJsonList) entry = gtk_tree_list_row_get_item (row);

  gtk_tree_expander_set_list_row (expander, row);
  gtk_label_set_label (GTK_LABEL (name), entry->node->name);
  gtk_label_set_label (GTK_LABEL (gtk_widget_get_next_sibling (name)),
                       entry->node->value);
}

GtkWidget *
app_json_view_new (AppJsonTree *tree, const char *label)
{
  GListModel *list = G_LIST_MODEL (app_json_list_new (tree, app_json_tree_root (tree)));
  GtkTreeListModel *rows
      = gtk_tree_list_model_new (list, FALSE, FALSE, make_children, NULL, NULL);
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkWidget *view, *scrolled = gtk_scrolled_window_new ();

  g_signal_connect (factory, "setup", G_CALLBACK (on_setup), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), NULL);
  view = gtk_list_view_new (
      GTK_SELECTION_MODEL (gtk_no_selection_new (G_LIST_MODEL (rows))), factory);
  gtk_widget_add_css_class (view, "app-json");
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  label, -1);
  gtk_scrolled_window_set_min_content_height (
      GTK_SCROLLED_WINDOW (scrolled),
      (int) MIN (28 * MAX (app_json_tree_root (tree)->n_children, 3), 320));
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  return scrolled;
}
