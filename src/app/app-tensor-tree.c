/* app-tensor-tree.c: search and tree of the tensors of a model
 *
 * Which rows there are is app-tensor-list.c's; here are the selection, keys and menu of
 * the tree, and the search, which runs on a thread; a keystroke cancels the one before,
 * and one that only adds letters looks through the hits of the one before.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensor-tree.h"

#include <glib/gi18n.h>

#include "app/app-format.h"
#include "app/app-query.h"
#include "app/app-tensor-columns.h"
#include "app/app-watch.h"

#define MENU_INDENT 24 /* of the row's menu, opened by the keyboard */

struct _AppTensorTree
{
  GtkWidget parent_instance;
  GtkSearchEntry *entry;
  GtkStack *stack;
  GtkColumnView *view;
  GtkLabel *found;
  GtkPopover *menu;

  AppStats *stats;
  AppOutline *outline;
  gulong updated;
  GHashTable *bound; /* AppTensorRow → how often */
  guint want;
  guint32 selected;
  gboolean narrow;
  AppTensorList *list;
  GtkSingleSelection *selection;
  GCancellable *searching;
  char *found_text; /* the search whose hits are shown */
  GBytes *shown;    /* those; NULL: no search */
};

enum
{
  SELECTED,
  ACTIVATED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppTensorTree, app_tensor_tree, GTK_TYPE_WIDGET)

/* ---- rows ---- */

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
      app_tensor_row_refresh (row);
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
  if (self->want == 0)
    self->want = g_idle_add (want_visible, self);
}

/* ---- the model ---- */

static AppTensorRow *
selected_row (AppTensorTree *self)
{
  return gtk_single_selection_get_selected_item (self->selection);
}

/* The selection looks at every row that comes, to find the selected one again; without
 * one it looks at none. It is set anew when all rows are there. */
static void
before_change (AppTensorTree *self)
{
  gtk_single_selection_set_selected (self->selection, GTK_INVALID_LIST_POSITION);
}

static void
on_settled (AppTensorTree *self)
{
  guint position = GTK_INVALID_LIST_POSITION;

  if (self->outline != NULL && self->selected < app_outline_size (self->outline))
    position = app_tensor_list_position (self->list, self->selected);
  gtk_single_selection_set_selected (self->selection, position);
  /* gtk_column_view_scroll_to is of 4.12; the list inside has taken this action always.
   */
  if (position != GTK_INVALID_LIST_POSITION)
    gtk_widget_activate_action (gtk_widget_get_last_child (GTK_WIDGET (self->view)),
                                "list.scroll-to-item", "u", position);
}

static void
set_expanded (AppTensorTree *self, guint32 id, gboolean expanded)
{
  before_change (self);
  app_tensor_list_set_expanded (self->list, id, expanded);
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
show_hits (AppTensorTree *self, GBytes *shown, const char *text)
{
  if (shown == self->shown)
    return;
  g_clear_pointer (&self->shown, g_bytes_unref);
  self->shown = shown != NULL ? g_bytes_ref (shown) : NULL;
  g_free (self->found_text);
  self->found_text = g_strdup (text);
  before_change (self);
  app_tensor_list_set_shown (self->list, shown);
}

static void
clear_search (AppTensorTree *self)
{
  if (self->searching != NULL)
    g_cancellable_cancel (self->searching);
  g_clear_object (&self->searching);
  show_found (self, FALSE, 0);
  show_hits (self, NULL, NULL);
}

/* Selects @id where the search shows it. */
static void
select_shown (AppTensorTree *self, guint32 id)
{
  if (self->stats == NULL || id >= app_outline_size (self->outline)
      || !app_tensor_list_shows (self->list, id))
    return;
  if (self->selected != id)
    {
      self->selected = id;
      g_signal_emit (self, signals[SELECTED], 0, id);
    }
  before_change (self);
  app_tensor_list_reveal (self->list, id);
  if (app_tensor_list_is_settled (self->list))
    on_settled (self);
}

void
app_tensor_tree_select (AppTensorTree *self, guint32 id)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  if (self->stats == NULL || id >= app_outline_size (self->outline))
    return;
  if (!app_tensor_list_shows (self->list, id))
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
  AppTensorRow *row = selected_row (self);

  if (row == NULL || self->selected == app_tensor_row_get_id (row))
    return;
  self->selected = app_tensor_row_get_id (row);
  g_signal_emit (self, signals[SELECTED], 0, self->selected);
}

static void
on_activate (AppTensorTree *self, guint position)
{
  g_autoptr (AppTensorRow) row
      = g_list_model_get_item (G_LIST_MODEL (self->list), position);
  guint32 id;

  if (row == NULL)
    return;
  id = app_tensor_row_get_id (row);
  if (app_tensor_row_get_node (row)->n_children > 0 && !self->narrow)
    set_expanded (self, id, !app_tensor_row_get_expanded (row));
  g_signal_emit (self, signals[ACTIVATED], 0, id);
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
  gboolean descending;
  AppSort sort = app_tensor_columns_get_sort (self->view, &descending);

  before_change (self);
  app_tensor_list_set_sort (self->list, sort, descending);
}

void
app_tensor_tree_expand_all (AppTensorTree *self, gboolean expanded)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  if (self->stats == NULL)
    return;
  before_change (self);
  app_tensor_list_set_expanded_below (self->list, 0, expanded);
}

/* ---- menu ---- */

static void
on_toggle (GtkWidget *widget, const char *name, GVariant *parameter)
{
  AppTensorTree *self = APP_TENSOR_TREE (widget);
  guint32 id = g_variant_get_uint32 (parameter);

  if (self->outline != NULL && id < app_outline_size (self->outline))
    set_expanded (self, id, !app_tensor_list_get_expanded (self->list, id));
}

static void
on_unfold_below (GtkWidget *widget, const char *name, GVariant *parameter)
{
  AppTensorTree *self = APP_TENSOR_TREE (widget);

  if (self->outline == NULL || self->selected >= app_outline_size (self->outline))
    return;
  before_change (self);
  app_tensor_list_set_expanded_below (self->list, self->selected,
                                      g_str_equal (name, "tree.unfold-below"));
}

static void
show_menu (AppTensorTree *self, GtkWidget *widget, double x, double y)
{
  GdkRectangle at = { 0, 0, 1, 1 };
  gboolean group = self->outline != NULL
                   && self->selected < app_outline_size (self->outline)
                   && app_outline_get (self->outline, self->selected)->n_children > 0;

  gtk_widget_translate_coordinates (widget, GTK_WIDGET (self), x, y, &x, &y);
  at.x = (int) x;
  at.y = (int) y;
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "tree.unfold-below", group);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "tree.fold-below", group);
  gtk_popover_set_pointing_to (self->menu, &at);
  gtk_popover_popup (self->menu);
}

static void
on_secondary (
    GtkGestureClick *gesture, int n_press, double x, double y, AppTensorTree *self)
{
  AppTensorRow *row = app_tensor_columns_row_at (self->view, x, y);

  if (row == NULL)
    return;
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  select_shown (self, app_tensor_row_get_id (row));
  show_menu (self, GTK_WIDGET (self->view), x, y);
}

/* By the keyboard: at the row that has the focus, which is the selected one. */
static void
show_menu_at_focus (AppTensorTree *self)
{
  GtkWidget *focus = gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self)));

  if (focus != NULL && selected_row (self) != NULL)
    show_menu (self, focus, MENU_INDENT, gtk_widget_get_height (focus));
}

/* ---- search ---- */

typedef struct
{
  AppQuery *query;
  AppOutline *outline;
  char *text;
  GBytes *within; /* hits of a wider search, or NULL */
  guint n_hits;
} Search;

static void
search_free (gpointer data)
{
  Search *search = data;

  app_query_free (search->query);
  app_outline_unref (search->outline);
  g_clear_pointer (&search->within, g_bytes_unref);
  g_free (search->text);
  g_free (search);
}

static void
search_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Search *search = data;

  g_task_return_pointer (task,
                         app_query_run (search->query, search->outline,
                                        search->within != NULL
                                            ? g_bytes_get_data (search->within, NULL)
                                            : NULL,
                                        cancellable, &search->n_hits),
                         g_free);
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  AppTensorTree *self = APP_TENSOR_TREE (source);
  Search *search = g_task_get_task_data (G_TASK (result));
  g_autoptr (GBytes) shown = NULL;
  guint8 *bytes;

  if (g_task_get_cancellable (G_TASK (result)) != self->searching)
    return;
  bytes = g_task_propagate_pointer (G_TASK (result), NULL);
  if (bytes == NULL)
    return;
  shown = g_bytes_new_take (bytes, app_outline_size (self->outline));
  show_found (self, TRUE, search->n_hits);
  show_hits (self, shown, search->text);
  app_watch_mark ("search");
}

static void
start_search (AppTensorTree *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->entry));
  g_autoptr (AppQuery) query = app_query_new (text);
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
  search->text = g_strdup (text);
  if (self->shown != NULL && app_query_narrows (text, self->found_text))
    search->within = g_bytes_ref (self->shown);
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
  AppTensorRow *row = selected_row (self);
  const AppOutlineNode *node;

  if (row == NULL)
    return FALSE;
  node = app_tensor_row_get_node (row);
  if (node->n_children > 0 && app_tensor_row_get_expanded (row) != unfold)
    set_expanded (self, app_tensor_row_get_id (row), unfold);
  else if (unfold && node->n_children > 0)
    {
      guint position = gtk_single_selection_get_selected (self->selection);
      g_autoptr (AppTensorRow) child
          = g_list_model_get_item (G_LIST_MODEL (self->list), position + 1);
      if (child != NULL)
        select_shown (self, app_tensor_row_get_id (child));
    }
  else if (!unfold && node->parent != APP_OUTLINE_NONE)
    select_shown (self, node->parent);
  return TRUE;
}

static gboolean
on_key (AppTensorTree *self, guint key, guint code, GdkModifierType state)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;

  if ((state & gtk_accelerator_get_default_mod_mask ()) == GDK_CONTROL_MASK
      && (key == GDK_KEY_c || key == GDK_KEY_C))
    return gtk_widget_activate_action (GTK_WIDGET (self), "win.copy-name", NULL);
  if (key == GDK_KEY_Menu
      || (key == GDK_KEY_F10
          && (state & gtk_accelerator_get_default_mod_mask ()) == GDK_SHIFT_MASK))
    {
      show_menu_at_focus (self);
      return TRUE;
    }
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
  /* Each row is made anew, with a second line or without. */
  gtk_column_view_set_model (self->view, NULL);
  gtk_column_view_set_model (self->view, GTK_SELECTION_MODEL (self->selection));
}

void
app_tensor_tree_set_wide (AppTensorTree *self, gboolean wide)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  app_tensor_columns_set_wide (self->view, wide);
}

void
app_tensor_tree_set_stats (AppTensorTree *self, AppStats *stats)
{
  g_return_if_fail (APP_IS_TENSOR_TREE (self));
  if (self->stats != NULL)
    g_clear_signal_handler (&self->updated, self->stats);
  g_set_object (&self->stats, stats);
  g_clear_pointer (&self->outline, app_outline_unref);
  g_clear_pointer (&self->shown, g_bytes_unref);
  g_clear_pointer (&self->found_text, g_free);
  self->outline = app_outline_ref (app_stats_get_outline (stats));
  self->updated
      = g_signal_connect_swapped (stats, "updated", G_CALLBACK (on_updated), self);
  self->selected = APP_OUTLINE_NONE;
  before_change (self);
  app_tensor_list_set_stats (self->list, stats);
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
  if (self->list != NULL)
    g_signal_handlers_disconnect_by_data (self->list, self);
  if (self->menu != NULL)
    gtk_widget_unparent (GTK_WIDGET (self->menu));
  self->menu = NULL;
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_TENSOR_TREE);
  /* GTK 4.8 leaves the template's own root where it is. */
  while (gtk_widget_get_first_child (GTK_WIDGET (self)) != NULL)
    gtk_widget_unparent (gtk_widget_get_first_child (GTK_WIDGET (self)));
  g_clear_pointer (&self->bound, g_hash_table_unref);
  g_clear_object (&self->selection);
  g_clear_object (&self->list);
  g_clear_object (&self->stats);
  g_clear_pointer (&self->shown, g_bytes_unref);
  g_clear_pointer (&self->found_text, g_free);
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
  gtk_widget_class_bind_template_child (widget_class, AppTensorTree, menu);
  gtk_widget_class_bind_template_callback (widget_class, start_search);
  gtk_widget_class_bind_template_callback (widget_class, on_stop_search);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
  gtk_widget_class_bind_template_callback (widget_class, on_key);
  gtk_widget_class_bind_template_callback (widget_class, on_secondary);
  gtk_widget_class_bind_template_callback (widget_class, app_tensor_tree_focus_rows);
  gtk_widget_class_install_action (widget_class, "tree.toggle", "u", on_toggle);
  gtk_widget_class_install_action (widget_class, "tree.unfold-below", NULL,
                                   on_unfold_below);
  gtk_widget_class_install_action (widget_class, "tree.fold-below", NULL,
                                   on_unfold_below);
}

static void
app_tensor_tree_init (AppTensorTree *self)
{
  self->bound = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->selected = APP_OUTLINE_NONE;
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_set_parent (GTK_WIDGET (self->menu), GTK_WIDGET (self));
  self->list = app_tensor_list_new ();
  g_signal_connect_swapped (self->list, "settled", G_CALLBACK (on_settled), self);
  self->selection = gtk_single_selection_new (NULL);
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  gtk_single_selection_set_model (self->selection, G_LIST_MODEL (self->list));
  g_signal_connect_swapped (self->selection, "notify::selected-item",
                            G_CALLBACK (on_selected), self);
  gtk_column_view_set_model (self->view, GTK_SELECTION_MODEL (self->selection));
  app_tensor_columns_add (self->view, on_bound, on_tapped, self);
  g_signal_connect_object (gtk_column_view_get_sorter (self->view), "changed",
                           G_CALLBACK (on_sort), self, G_CONNECT_SWAPPED);
}
