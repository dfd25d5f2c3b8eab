/* app-tensors-page.c: the page that looks into a model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensors-page.h"

#include <glib/gi18n.h>

#include "app/app-breakpoint.h"
#include "app/app-details.h"
#include "app/app-fault.h"
#include "app/app-settings.h"
#include "app/app-tensor-tree.h"
#include "app/app-window.h"

#define TREE_WIDTH 450
#define WIDE_TREE 660 /* from here on long shapes stand beside the names in full */

struct _AppTensorsPage
{
  GtkWidget parent_instance;
  GtkStack *stack;
  GtkLabel *loading_label;
  GtkProgressBar *loading_bar;
  AppFault *fault;
  GtkStack *panes; /* "both", or in the narrow layout "tree" and "details" */
  GtkPaned *paned;
  GtkBox *tree_page, *details_page;
  AppTensorTree *tree;
  AppDetails *details;

  AppModel *model;
  AppStats *stats;
  GCancellable *naming;
  char *loading_path;
  GCancellable *cancellable;
  gboolean narrow, told_error, placing;
  int paned_most;
};

G_DEFINE_FINAL_TYPE (AppTensorsPage, app_tensors_page, GTK_TYPE_WIDGET)

static void
on_cancel (AppTensorsPage *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
}

void
app_tensors_page_show_loading (AppTensorsPage *self,
                               const char *path,
                               GCancellable *cancellable)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_autofree char *text = g_strdup_printf (_ ("Opening %s"), name);

  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  g_free (self->loading_path);
  self->loading_path = g_strdup (path);
  g_set_object (&self->cancellable, cancellable);
  gtk_label_set_label (self->loading_label, text);
  gtk_progress_bar_set_fraction (self->loading_bar, 0);
  gtk_stack_set_visible_child_name (self->stack, "loading");
}

void
app_tensors_page_set_loading (AppTensorsPage *self, guint64 done, guint64 total)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  if (total > 0)
    gtk_progress_bar_set_fraction (self->loading_bar, (double) done / (double) total);
  else
    gtk_progress_bar_pulse (self->loading_bar);
}

void
app_tensors_page_show_previous (AppTensorsPage *self)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  gtk_stack_set_visible_child_name (self->stack,
                                    self->model != NULL ? "browse" : "empty");
}

void
app_tensors_page_show_fault (AppTensorsPage *self, const GError *error, gboolean tried)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  app_fault_set (self->fault, self->loading_path, error, tried);
  gtk_stack_set_visible_child_name (self->stack, "fault");
}

/* ---- what is shown ---- */

static void
show_details (AppTensorsPage *self, gboolean shown)
{
  if (self->narrow)
    gtk_stack_set_visible_child_name (self->panes, shown ? "details" : "tree");
}

static void
on_selected (AppTensorsPage *self, guint id)
{
  app_details_show (self->details, id);
}

static void
on_activated (AppTensorsPage *self, guint id)
{
  show_details (self, TRUE);
}

/* Reading failed: the file was changed or its disk is gone. What was computed stays. */
static void
on_updated (AppTensorsPage *self)
{
  const GError *error = app_stats_get_error (self->stats);
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (error == NULL || self->told_error || !APP_IS_WINDOW (root))
    return;
  self->told_error = TRUE;
  app_window_set_banner (APP_WINDOW (root), error->message, _ ("_Open Again"),
                         "win.reload");
}

/* Nobody waits for the statistics of a page that is not shown: at the start they would
 * only hold up the first picture. */
static void
want_all (AppTensorsPage *self)
{
  if (self->stats != NULL && gtk_widget_get_mapped (GTK_WIDGET (self)))
    app_stats_want_all (self->stats);
}

static void
app_tensors_page_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (app_tensors_page_parent_class)->map (widget);
  want_all (APP_TENSORS_PAGE (widget));
}

static void
set_outline (AppTensorsPage *self, AppOutline *outline)
{
  if (self->stats == NULL)
    {
      self->stats = app_stats_new (self->model, outline);
      g_signal_connect_object (self->stats, "updated", G_CALLBACK (on_updated), self,
                               G_CONNECT_SWAPPED);
      want_all (self);
    }
  else
    app_stats_set_outline (self->stats, outline);
  app_details_set_stats (self->details, self->stats);
  app_tensor_tree_set_stats (self->tree, self->stats);
}

/* The banner tells of the model that is shown: that it is damaged, or nothing yet. */
static void
tell_damage (AppTensorsPage *self)
{
  const GError *fault = st_model_fault (app_model_get_model (self->model));
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  g_autofree char *text = NULL;

  if (fault != NULL)
    text = g_strdup_printf (
        _ ("What can be read of a damaged file is shown. What is wrong: %s"),
        fault->message);
  if (APP_IS_WINDOW (root) && (fault != NULL || self->told_error))
    app_window_set_banner (APP_WINDOW (root), text, _ ("_Open Again"), "win.reload");
  self->told_error = fault != NULL;
}

void
app_tensors_page_set_model (AppTensorsPage *self, AppModel *model)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  if (self->naming != NULL)
    g_cancellable_cancel (self->naming);
  if (self->stats != NULL)
    app_stats_stop (self->stats);
  g_clear_object (&self->stats);
  g_set_object (&self->model, model);
  tell_damage (self);
  set_outline (self, app_model_get_outline (model));
  show_details (self, FALSE);
  gtk_stack_set_visible_child_name (self->stack, "browse");
}

static void
name_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  AppModel *model = data;
  gboolean raw = g_settings_get_boolean (app_settings_get (), "raw-names");

  g_task_return_pointer (
      task,
      app_outline_new (st_tree_root (app_model_get_tree (model)),
                       app_model_get_title (model),
                       st_model_n_tensors (app_model_get_model (model)), !raw),
      (GDestroyNotify) app_outline_unref);
}

static void
on_named (GObject *source, GAsyncResult *result, gpointer user_data)
{
  AppTensorsPage *self = APP_TENSORS_PAGE (source);
  g_autoptr (AppOutline) outline = NULL;
  guint32 id = app_tensor_tree_get_selected (self->tree);
  const StNode *node;

  if (g_task_get_cancellable (G_TASK (result)) != self->naming || self->stats == NULL)
    return;
  outline = g_task_propagate_pointer (G_TASK (result), NULL);
  if (outline == NULL)
    return;
  node = id != APP_OUTLINE_NONE
             ? app_outline_get (app_stats_get_outline (self->stats), id)->node
             : NULL;
  set_outline (self, outline);
  if (node != NULL)
    {
      id = node->tensor != NULL ? app_outline_find (outline, node->index)
                                : app_outline_find_path (outline, node->path);
      if (id != APP_OUTLINE_NONE)
        app_tensor_tree_select (self->tree, id);
    }
}

static void
on_raw_names (AppTensorsPage *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->model == NULL)
    return;
  if (self->naming != NULL)
    g_cancellable_cancel (self->naming);
  g_clear_object (&self->naming);
  self->naming = g_cancellable_new ();
  task = g_task_new (self, self->naming, on_named, NULL);
  g_task_set_task_data (task, g_object_ref (self->model), g_object_unref);
  g_task_run_in_thread (task, name_thread);
}

/* ---- layout ---- */

/* The tree takes what its columns need and a share of what is beyond that. Where the
 * width changed, the handle moves to keep the share; where only the handle moved, a
 * person chose another. */
static void
on_position (AppTensorsPage *self)
{
  GSettings *settings = app_settings_get ();
  int most = 0,
      needs = (int) (TREE_WIDTH * app_breakpoint_text_scale (GTK_WIDGET (self)));

  g_object_get (self->paned, "max-position", &most, NULL);
  app_tensor_tree_set_wide (self->tree, gtk_paned_get_position (self->paned)
                                            >= needs + WIDE_TREE - TREE_WIDTH);
  if (most <= 1 || most == G_MAXINT || self->placing)
    return;
  if (most != self->paned_most)
    {
      double share = g_settings_get_double (settings, "tree-share");
      self->paned_most = most;
      self->placing = TRUE;
      gtk_paned_set_position (self->paned, needs + (int) (share * (most - needs)));
      self->placing = FALSE;
    }
  else if (most > needs)
    g_settings_set_double (settings, "tree-share",
                           (double) (gtk_paned_get_position (self->paned) - needs)
                               / (most - needs));
}

void
app_tensors_page_set_narrow (AppTensorsPage *self, gboolean narrow)
{
  g_autoptr (GtkWidget) tree = NULL;
  g_autoptr (GtkWidget) details = NULL;

  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  if (narrow == self->narrow)
    return;
  self->narrow = narrow;
  tree = g_object_ref (GTK_WIDGET (self->tree));
  details = g_object_ref (GTK_WIDGET (self->details));
  if (narrow)
    {
      gtk_paned_set_start_child (self->paned, NULL);
      gtk_paned_set_end_child (self->paned, NULL);
      gtk_box_append (self->tree_page, tree);
      gtk_box_append (self->details_page, details);
    }
  else
    {
      gtk_box_remove (self->tree_page, tree);
      gtk_box_remove (self->details_page, details);
      gtk_paned_set_start_child (self->paned, tree);
      gtk_paned_set_end_child (self->paned, details);
    }
  gtk_stack_set_visible_child_name (self->panes, narrow ? "tree" : "both");
  app_details_set_back_visible (self->details, narrow);
  app_tensor_tree_set_narrow (self->tree, narrow);
}

gboolean
app_tensors_page_next_pane (AppTensorsPage *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = gtk_root_get_focus (root);

  g_return_val_if_fail (APP_IS_TENSORS_PAGE (self), FALSE);
  if (g_strcmp0 (gtk_stack_get_visible_child_name (self->stack), "browse") != 0)
    return FALSE;
  if (focus == NULL || !gtk_widget_is_ancestor (focus, GTK_WIDGET (self)))
    {
      show_details (self, FALSE);
      app_tensor_tree_focus_search (self->tree);
    }
  else if (app_tensor_tree_has_search_focus (self->tree))
    app_tensor_tree_focus_rows (self->tree);
  else if (gtk_widget_is_ancestor (focus, GTK_WIDGET (self->tree)))
    {
      show_details (self, TRUE);
      app_details_focus (self->details);
    }
  else
    return FALSE;
  return TRUE;
}

/* ---- actions ---- */

static void
on_find (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppTensorsPage *self = user_data;

  gtk_widget_activate_action (GTK_WIDGET (self), "win.show-page", "s", "tensors");
  show_details (self, FALSE);
  app_tensor_tree_focus_search (self->tree);
}

static void
on_search (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppTensorsPage *self = user_data;

  app_tensor_tree_set_search (self->tree, g_variant_get_string (parameter, NULL));
}

static void
on_select_tensor (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppTensorsPage *self = user_data;
  const char *path = g_variant_get_string (parameter, NULL);
  guint32 id;

  if (self->stats == NULL)
    return;
  id = app_outline_find_path (app_stats_get_outline (self->stats), path);
  if (id == APP_OUTLINE_NONE)
    return;
  app_tensor_tree_select (self->tree, id);
  show_details (self, TRUE);
}

static void
on_expand_all (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_tensor_tree_expand_all (((AppTensorsPage *) user_data)->tree, TRUE);
}

static void
on_collapse_all (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_tensor_tree_expand_all (((AppTensorsPage *) user_data)->tree, FALSE);
}

static void
on_show_tree (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  AppTensorsPage *self = user_data;

  show_details (self, FALSE);
  app_tensor_tree_focus_rows (self->tree);
}

static void
on_pin (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  app_details_toggle_pin (((AppTensorsPage *) user_data)->details);
}

static void
on_copy (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  static const char *const names[]
      = { "copy-name", "copy-tsv", "copy-json", "copy-python" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_str_equal (g_action_get_name (G_ACTION (action)), names[i]))
        app_details_copy (((AppTensorsPage *) user_data)->details, i);
    }
}

static const GActionEntry entries[] = {
  { "find", on_find },
  { "search", on_search, "s" },
  { "select-tensor", on_select_tensor, "s" },
  { "expand-all", on_expand_all },
  { "collapse-all", on_collapse_all },
  { "show-tree", on_show_tree },
  { "pin-tensor", on_pin },
  { "copy-name", on_copy },
  { "copy-tsv", on_copy },
  { "copy-json", on_copy },
  { "copy-python", on_copy },
};

void
app_tensors_page_add_actions (AppTensorsPage *self, GActionMap *map)
{
  static const char *const settings[]
      = { "raw-names",    "common-scale", "column-distribution", "column-type",
          "column-shape", "column-size",  "column-sigma",        "column-min",
          "column-max",   "column-nan",   "histogram-symlog",    "histogram-log-counts" };

  g_action_map_add_action_entries (map, entries, G_N_ELEMENTS (entries), self);
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (GAction) action
          = g_settings_create_action (app_settings_get (), settings[i]);
      g_action_map_add_action (map, action);
    }
}

/* ---- life ---- */

static void
app_tensors_page_dispose (GObject *object)
{
  AppTensorsPage *self = APP_TENSORS_PAGE (object);

  if (self->naming != NULL)
    g_cancellable_cancel (self->naming);
  g_clear_object (&self->naming);
  if (self->stats != NULL)
    app_stats_stop (self->stats);
  g_clear_object (&self->stats);
  g_clear_object (&self->model);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->loading_path, g_free);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_TENSORS_PAGE);
  G_OBJECT_CLASS (app_tensors_page_parent_class)->dispose (object);
}

static void
app_tensors_page_class_init (AppTensorsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_tensors_page_dispose;
  widget_class->map = app_tensors_page_map;
  g_type_ensure (APP_TYPE_FAULT);
  g_type_ensure (APP_TYPE_TENSOR_TREE);
  g_type_ensure (APP_TYPE_DETAILS);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-tensors-page.ui");
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, stack);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, loading_label);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, loading_bar);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, fault);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, panes);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, paned);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, tree_page);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, details_page);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, tree);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, details);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_position);
  gtk_widget_class_bind_template_callback (widget_class, on_selected);
  gtk_widget_class_bind_template_callback (widget_class, on_activated);
}

static void
app_tensors_page_init (AppTensorsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (app_settings_get (), "changed::raw-names",
                           G_CALLBACK (on_raw_names), self, G_CONNECT_SWAPPED);
}
