/* app-tensor-tree.c: search and tree of the tensors of a model
 *
 * Every change of search, order or names makes a new GtkTreeListModel: cheap, since rows
 * are made when they are looked at, and simpler than telling GTK what changed. What was
 * unfolded without a search is remembered and unfolded again.
 *
 * The search runs on a thread; a keystroke cancels the one before.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensor-tree.h"

#include <glib/gi18n.h>

#include "app/app-format.h"
#include "app/app-query.h"
#include "app/app-tensor-columns.h"

#define MAX_ROWS 20000      /* unfolded by "unfold all" */
#define MAX_SEARCH_ROWS 400 /* unfolded to show hits */

struct _AppTensorTree
{
  GtkWidget parent_instance;
  GtkSearchEntry *entry;
  GtkStack *stack;
  GtkColumnView *view;
  GtkLabel *found;

  AppStats *stats;
  AppOutline *outline;
  gulong updated;
  GBytes *shown; /* NULL: no search */
  AppSort sort;
  gboolean descending, narrow, rebuilding;
  GHashTable *expanded; /* ids unfolded while nothing is searched */
  GHashTable *bound;    /* AppTensorRow → how often */
  guint want;
  guint32 selected;
  GtkTreeListModel *tree;
  GtkSingleSelection *selection;
  GCancellable *searching;
};

enum
{
  SELECTED,
  ACTIVATED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppTensorTree, app_tensor_tree, GTK_TYPE_WIDGET)

static void select_shown (AppTensorTree *self, guint32 id);

/* ---- rows ---- */

static guint32
row_id (GtkTreeListRow *row)
{
  g_autoptr (AppTensorRow) item = gtk_tree_list_row_get_item (row);

  return app_tensor_row_get_id (item);
}

static GListModel *
create_children (gpointer item, gpointer user_data)
{
  AppTensorTree *self = user_data;
  guint32 id = app_tensor_row_get_id (item);
  const AppOutlineNode *node = app_outline_get (self->outline, id);

  if (node->n_children == 0)
    return NULL;
  return app_tensor_list_new (
      self->stats, id, self->shown != NULL ? g_bytes_get_data (self->shown, NULL) : NULL,
      self->sort, self->descending);
}

static gboolean
want_visible (gpointer user_data)
{
  AppTensorTree *self = user_data;
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  GHashTableIter iter;
  gpointer row;

  self->want = 0;
  g_hash_table_iter_init (&iter, self->bound);
  while (g_hash_table_iter_next (&iter, &row, NULL))
    {
      guint32 id = app_tensor_row_get_id (row);
      if (app_tensor_row_get_outline (row) == self->outline)
        g_array_append_val (ids, id);
    }
  if (self->stats != NULL)
    app_stats_want (self->stats, (const guint32 *) ids->data, ids->len);
  return G_SOURCE_REMOVE;
}

static void
on_bound (AppTensorRow *row, gboolean bound, gpointer user_data)
{
  AppTensorTree *self = user_data;
  guint n;

  if (self->bound == NULL)
    return;
  n = GPOINTER_TO_UINT (g_hash_table_lookup (self->bound, row));
  if (bound)
    {
      g_hash_table_insert (self->bound, g_object_ref (row), GUINT_TO_POINTER (n + 1));
      app_tensor_row_refresh (row);
      if (self->want == 0)
        self->want = g_idle_add (want_visible, self);
    }
  else if (n > 1)
    g_hash_table_insert (self->bound, g_object_ref (row), GUINT_TO_POINTER (n - 1));
  else
    g_hash_table_remove (self->bound, row);
}

static void
on_updated (AppTensorTree *self)
{
  guint n;
  g_autofree gpointer *rows = g_hash_table_get_keys_as_array (self->bound, &n);

  for (guint i = 0; i < n; i++)
    app_tensor_row_refresh (rows[i]);
}

/* ---- the model ---- */

static void
remember_expanded (AppTensorTree *self)
{
  g_hash_table_remove_all (self->expanded);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->tree)); i++)
    {
      g_autoptr (GtkTreeListRow) row = gtk_tree_list_model_get_row (self->tree, i);
      if (gtk_tree_list_row_get_expanded (row))
        g_hash_table_add (self->expanded, GUINT_TO_POINTER (row_id (row)));
    }
}

static void
expand_again (AppTensorTree *self)
{
  GListModel *model = G_LIST_MODEL (self->tree);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (GtkTreeListRow) row = gtk_tree_list_model_get_row (self->tree, i);
      gboolean expand
          = self->shown != NULL
                ? g_list_model_get_n_items (model) < MAX_SEARCH_ROWS
                : g_hash_table_contains (self->expanded, GUINT_TO_POINTER (row_id (row)));
      if (expand)
        gtk_tree_list_row_set_expanded (row, TRUE);
    }
}

static void
rebuild (AppTensorTree *self)
{
  if (self->stats == NULL)
    return;
  self->rebuilding = TRUE;
  g_clear_object (&self->tree);
  self->tree = gtk_tree_list_model_new (
      app_tensor_list_new (self->stats, APP_OUTLINE_NONE, NULL, APP_SORT_NONE, FALSE),
      FALSE, FALSE, create_children, self, NULL);
  expand_again (self);
  gtk_single_selection_set_model (self->selection, G_LIST_MODEL (self->tree));
  self->rebuilding = FALSE;
  select_shown (self, self->selected);
}

static void
show_found (AppTensorTree *self, gboolean searching, guint n_hits)
{
  g_autofree char *text = NULL, *hits = NULL, *all = NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->found), searching && n_hits > 0);
  gtk_stack_set_visible_child_name (self->stack,
                                    searching && n_hits == 0 ? "nothing" : "rows");
  hits = app_format_count (n_hits);
  all = app_format_tensors (app_outline_n_tensors (self->outline));
  /* Translators: a number, then for example "686 tensors" */
  text = g_strdup_printf (_ ("%s of %s"), hits, all);
  gtk_label_set_label (self->found, text);
}

static void
clear_search (AppTensorTree *self)
{
  if (self->searching != NULL)
    g_cancellable_cancel (self->searching);
  g_clear_object (&self->searching);
  show_found (self, FALSE, 0);
  if (self->shown == NULL)
    return;
  g_clear_pointer (&self->shown, g_bytes_unref);
  rebuild (self);
}

static GtkTreeListRow *
find_row (AppTensorTree *self, guint32 id)
{
  const AppOutlineNode *node = app_outline_get (self->outline, id);
  g_autoptr (GtkTreeListRow) parent = NULL;
  GListModel *children;
  guint position;

  if (node->parent == APP_OUTLINE_NONE)
    return gtk_tree_list_model_get_child_row (self->tree, 0);
  parent = find_row (self, node->parent);
  if (parent == NULL)
    return NULL;
  gtk_tree_list_row_set_expanded (parent, TRUE);
  children = gtk_tree_list_row_get_children (parent);
  if (children == NULL)
    return NULL;
  position = app_tensor_list_position (APP_TENSOR_LIST (children), id);
  return position != GTK_INVALID_LIST_POSITION
             ? gtk_tree_list_row_get_child_row (parent, position)
             : NULL;
}

static gboolean
is_shown (AppTensorTree *self, guint32 id)
{
  return self->shown == NULL
         || ((const guint8 *) g_bytes_get_data (self->shown, NULL))[id];
}

/* Selects @id where the search shows it. */
static void
select_shown (AppTensorTree *self, guint32 id)
{
  g_autoptr (GtkTreeListRow) row = NULL;
  guint position;

  if (self->tree == NULL || id >= app_outline_size (self->outline)
      || !is_shown (self, id))
    return;
  row = find_row (self, id);
  if (row == NULL)
    return;
  position = gtk_tree_list_row_get_position (row);
  gtk_single_selection_set_selected (self->selection, position);
  /* gtk_column_view_scroll_to is of 4.12; the list inside has taken this action always.
   */
  gtk_widget_activate_action (gtk_widget_get_last_child (GTK_WIDGET (self->view)),
                              "list.scroll-to-item", "u", position);
}

void
app_tensor_tree_select (AppTensorTree *self, guint32 id)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  if (self->stats == NULL || id >= app_outline_size (self->outline))
    return;
  if (!is_shown (self, id))
    {
      gtk_editable_set_text (GTK_EDITABLE (self->entry), "");
      clear_search (self);
    }
  select_shown (self, id);
}

guint32
app_tensor_tree_get_selected (AppTensorTree *self)
{
  return self->selected;
}

static void
on_selected (AppTensorTree *self)
{
  GtkTreeListRow *row = gtk_single_selection_get_selected_item (self->selection);

  if (self->rebuilding || row == NULL || self->selected == row_id (row))
    return;
  self->selected = row_id (row);
  g_signal_emit (self, signals[SELECTED], 0, self->selected);
}

static void
on_activate (AppTensorTree *self, guint position)
{
  g_autoptr (GtkTreeListRow) row = gtk_tree_list_model_get_row (self->tree, position);

  if (row == NULL)
    return;
  if (gtk_tree_list_row_is_expandable (row) && !self->narrow)
    gtk_tree_list_row_set_expanded (row, !gtk_tree_list_row_get_expanded (row));
  g_signal_emit (self, signals[ACTIVATED], 0, row_id (row));
}

static void
on_tapped (AppTensorRow *row, gpointer user_data)
{
  AppTensorTree *self = user_data;
  guint32 id = app_tensor_row_get_id (row);

  select_shown (self, id);
  g_signal_emit (self, signals[ACTIVATED], 0, id);
}

static void
on_sort (AppTensorTree *self)
{
  if (self->tree != NULL && self->shown == NULL)
    remember_expanded (self);
  self->sort = app_tensor_columns_get_sort (self->view, &self->descending);
  rebuild (self);
}

gboolean
app_tensor_tree_expand_all (AppTensorTree *self)
{
  GListModel *model = G_LIST_MODEL (self->tree);

  g_return_val_if_fail (APP_IS_TENSOR_TREE (self), FALSE);
  for (guint i = 0; self->tree != NULL && i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (GtkTreeListRow) row = gtk_tree_list_model_get_row (self->tree, i);
      if (g_list_model_get_n_items (model) > MAX_ROWS)
        return FALSE;
      gtk_tree_list_row_set_expanded (row, TRUE);
    }
  return TRUE;
}

void
app_tensor_tree_collapse_all (AppTensorTree *self)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  if (self->tree == NULL)
    return;
  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->tree)); i-- > 1;)
    {
      g_autoptr (GtkTreeListRow) row = gtk_tree_list_model_get_row (self->tree, i);
      if (row != NULL)
        gtk_tree_list_row_set_expanded (row, FALSE);
    }
}

/* ---- search ---- */

typedef struct
{
  AppQuery *query;
  AppOutline *outline;
  guint n_hits;
} Search;

static void
search_free (gpointer data)
{
  Search *search = data;

  app_query_free (search->query);
  app_outline_unref (search->outline);
  g_free (search);
}

static void
search_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Search *search = data;

  g_task_return_pointer (
      task, app_query_run (search->query, search->outline, cancellable, &search->n_hits),
      g_free);
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  AppTensorTree *self = APP_TENSOR_TREE (source);
  Search *search = g_task_get_task_data (G_TASK (result));
  guint8 *shown;

  if (g_task_get_cancellable (G_TASK (result)) != self->searching)
    return;
  shown = g_task_propagate_pointer (G_TASK (result), NULL);
  if (shown == NULL)
    return;
  if (self->shown == NULL && self->tree != NULL)
    remember_expanded (self);
  g_clear_pointer (&self->shown, g_bytes_unref);
  self->shown = g_bytes_new_take (shown, app_outline_size (self->outline));
  show_found (self, TRUE, search->n_hits);
  rebuild (self);
}

static void
start_search (AppTensorTree *self)
{
  g_autoptr (AppQuery) query
      = app_query_new (gtk_editable_get_text (GTK_EDITABLE (self->entry)));
  g_autoptr (GTask) task = NULL;
  Search *search;

  if (self->searching != NULL)
    g_cancellable_cancel (self->searching);
  g_clear_object (&self->searching);
  if (self->stats == NULL)
    return;
  if (app_query_is_empty (query))
    {
      clear_search (self);
      return;
    }
  search = g_new0 (Search, 1);
  search->query = g_steal_pointer (&query);
  search->outline = app_outline_ref (self->outline);
  self->searching = g_cancellable_new ();
  task = g_task_new (self, self->searching, on_found, NULL);
  g_task_set_task_data (task, search, search_free);
  g_task_run_in_thread (task, search_thread);
}

static void
on_stop_search (AppTensorTree *self)
{
  gtk_editable_set_text (GTK_EDITABLE (self->entry), "");
  app_tensor_tree_focus_rows (self);
}

/* ---- keys ---- */

static gboolean
fold (AppTensorTree *self, gboolean unfold)
{
  GtkTreeListRow *row = gtk_single_selection_get_selected_item (self->selection);
  const AppOutlineNode *node;

  if (row == NULL)
    return FALSE;
  node = app_outline_get (self->outline, row_id (row));
  if (gtk_tree_list_row_is_expandable (row)
      && gtk_tree_list_row_get_expanded (row) != unfold)
    {
      gtk_tree_list_row_set_expanded (row, unfold);
      return TRUE;
    }
  if (unfold && gtk_tree_list_row_get_expanded (row))
    {
      g_autoptr (GtkTreeListRow) child = gtk_tree_list_row_get_child_row (row, 0);
      if (child != NULL)
        app_tensor_tree_select (self, row_id (child));
    }
  else if (!unfold && node->parent != APP_OUTLINE_NONE)
    app_tensor_tree_select (self, node->parent);
  return TRUE;
}

static gboolean
on_key (AppTensorTree *self, guint key, guint code, GdkModifierType state)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;

  if ((state & gtk_accelerator_get_default_mod_mask ()) == GDK_CONTROL_MASK
      && (key == GDK_KEY_c || key == GDK_KEY_C))
    return gtk_widget_activate_action (GTK_WIDGET (self), "win.copy-name", NULL);
  if ((state & gtk_accelerator_get_default_mod_mask ()) != 0)
    return FALSE;
  if (key == GDK_KEY_Left || key == GDK_KEY_KP_Left)
    return fold (self, rtl);
  if (key == GDK_KEY_Right || key == GDK_KEY_KP_Right)
    return fold (self, !rtl);
  return FALSE;
}

void
app_tensor_tree_set_search (AppTensorTree *self, const char *text)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  gtk_editable_set_text (GTK_EDITABLE (self->entry), text);
}

void
app_tensor_tree_focus_search (AppTensorTree *self)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
}

gboolean
app_tensor_tree_has_search_focus (AppTensorTree *self)
{
  GtkWidget *focus = gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self)));

  return focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->entry));
}

void
app_tensor_tree_focus_rows (AppTensorTree *self)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
}

void
app_tensor_tree_set_narrow (AppTensorTree *self, gboolean narrow)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  self->narrow = narrow;
  app_tensor_columns_set_narrow (self->view, narrow);
  if (self->tree != NULL && self->shown == NULL)
    remember_expanded (self);
  rebuild (self);
}

void
app_tensor_tree_set_stats (AppTensorTree *self, AppStats *stats)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  g_clear_signal_handler (&self->updated, self->stats);
  g_set_object (&self->stats, stats);
  g_clear_pointer (&self->outline, app_outline_unref);
  g_clear_pointer (&self->shown, g_bytes_unref);
  self->outline = app_outline_ref (app_stats_get_outline (stats));
  self->updated
      = g_signal_connect_swapped (stats, "updated", G_CALLBACK (on_updated), self);
  g_hash_table_remove_all (self->expanded);
  g_hash_table_add (self->expanded, GUINT_TO_POINTER (0));
  self->selected = APP_OUTLINE_NONE;
  rebuild (self);
  app_tensor_tree_select (self, 0);
  start_search (self);
}

/* ---- life ---- */

static void
app_tensor_tree_dispose (GObject *object)
{
  AppTensorTree *self = APP_TENSOR_TREE (object);

  if (self->searching != NULL)
    g_cancellable_cancel (self->searching);
  g_clear_object (&self->searching);
  g_clear_handle_id (&self->want, g_source_remove);
  if (self->stats != NULL)
    g_clear_signal_handler (&self->updated, self->stats);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_TENSOR_TREE);
  /* GTK 4.8 leaves the template's own root where it is. */
  while (gtk_widget_get_first_child (GTK_WIDGET (self)) != NULL)
    gtk_widget_unparent (gtk_widget_get_first_child (GTK_WIDGET (self)));
  g_clear_pointer (&self->bound, g_hash_table_unref);
  g_clear_pointer (&self->expanded, g_hash_table_unref);
  g_clear_object (&self->selection);
  g_clear_object (&self->tree);
  g_clear_object (&self->stats);
  g_clear_pointer (&self->shown, g_bytes_unref);
  g_clear_pointer (&self->outline, app_outline_unref);
  G_OBJECT_CLASS (app_tensor_tree_parent_class)->dispose (object);
}

static void
app_tensor_tree_class_init (AppTensorTreeClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_tensor_tree_dispose;
  signals[SELECTED] = g_signal_new ("selected", APP_TYPE_TENSOR_TREE, G_SIGNAL_RUN_LAST,
                                    0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[ACTIVATED] = g_signal_new ("activated", APP_TYPE_TENSOR_TREE, G_SIGNAL_RUN_LAST,
                                     0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-tensor-tree.ui");
  gtk_widget_class_bind_template_child (widget_class, AppTensorTree, entry);
  gtk_widget_class_bind_template_child (widget_class, AppTensorTree, stack);
  gtk_widget_class_bind_template_child (widget_class, AppTensorTree, view);
  gtk_widget_class_bind_template_child (widget_class, AppTensorTree, found);
  gtk_widget_class_bind_template_callback (widget_class, start_search);
  gtk_widget_class_bind_template_callback (widget_class, on_stop_search);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
  gtk_widget_class_bind_template_callback (widget_class, on_key);
}

static void
app_tensor_tree_init (AppTensorTree *self)
{
  self->expanded = g_hash_table_new (NULL, NULL);
  self->bound = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->selected = APP_OUTLINE_NONE;
  gtk_widget_init_template (GTK_WIDGET (self));
  self->selection = gtk_single_selection_new (NULL);
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  g_signal_connect_swapped (self->selection, "notify::selected-item",
                            G_CALLBACK (on_selected), self);
  gtk_column_view_set_model (self->view, GTK_SELECTION_MODEL (self->selection));
  app_tensor_columns_add (self->view, on_bound, on_tapped, self);
  g_signal_connect_object (gtk_column_view_get_sorter (self->view), "changed",
                           G_CALLBACK (on_sort), self, G_CONNECT_SWAPPED);
}
