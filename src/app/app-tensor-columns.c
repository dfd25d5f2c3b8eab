/* app-tensor-columns.c: the columns of the tree of tensors
 *
 * The lists sort themselves (see app-tensor-list.c) and only need to know which header
 * was clicked. GTK 4.8 does not tell, so each column's sorter answers for two probe
 * objects that are no rows: the view asks the first column first, and turns the answer
 * around where it is descending.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensor-columns.h"

#include <glib/gi18n.h>

#include "app/app-format.h"
#include "app/app-row-chart.h"
#include "app/app-settings.h"

typedef struct
{
  AppSort sort;
  const char *title;
  const char *setting; /* NULL: always there */
  int chars;           /* width; 0: what is left */
  gboolean needs_stats, numeric;
} Column;

static const Column columns[] = {
  { APP_SORT_NAME, N_ ("Name"), NULL, 0, FALSE, FALSE },
  { APP_SORT_DISTRIBUTION, N_ ("Distribution"), "column-distribution", 11, TRUE, FALSE },
  { APP_SORT_TYPE, N_ ("Type"), "column-type", 6, FALSE, FALSE },
  { APP_SORT_SHAPE, N_ ("Shape"), "column-shape", 12, FALSE, FALSE },
  { APP_SORT_SIZE, N_ ("Size"), "column-size", 8, FALSE, TRUE },
  { APP_SORT_SIGMA, N_ ("σ"), "column-sigma", 10, TRUE, TRUE },
  { APP_SORT_MIN, N_ ("Minimum"), "column-min", 10, TRUE, TRUE },
  { APP_SORT_MAX, N_ ("Maximum"), "column-max", 10, TRUE, TRUE },
  { APP_SORT_NAN, N_ ("NaN, Inf"), "column-nan", 10, TRUE, TRUE },
};

/* What a view needs to know about its columns. */
typedef struct
{
  AppTensorBound bound;
  AppTensorTapped tapped;
  gpointer user_data;
  gboolean narrow;
  GObject *probe[2];
  AppSort probed;
  GtkColumnViewColumn *made[G_N_ELEMENTS (columns)];
  gboolean in_view[G_N_ELEMENTS (columns)];
} Columns;

static GQuark
columns_quark (void)
{
  return g_quark_from_static_string ("app-tensor-columns");
}

static Columns *
columns_of (gpointer view)
{
  return g_object_get_qdata (G_OBJECT (view), columns_quark ());
}

/* ---- text ---- */

static char *
stats_text (AppTensorRow *row, AppSort sort)
{
  const StatsSummary *summary = app_tensor_row_get_summary (row);

  if (summary == NULL)
    return g_strdup ("");
  if (sort == APP_SORT_NAN)
    return app_format_count (summary->nan + summary->pos_inf + summary->neg_inf);
  if (!summary->has_moments)
    return g_strdup ("–");
  if (sort == APP_SORT_MIN)
    return app_format_value (summary->min);
  if (sort == APP_SORT_MAX)
    return app_format_value (summary->max);
  return app_format_value (summary->std);
}

static char *
cell_text (AppTensorRow *row, AppSort sort)
{
  AppOutlineTotals totals;

  app_outline_totals (app_tensor_row_get_outline (row), app_tensor_row_get_id (row),
                      &totals);
  if (sort == APP_SORT_TYPE)
    return app_format_dtypes (totals.dtypes);
  if (sort == APP_SORT_SHAPE)
    return app_tensor_row_describe_shape (row);
  if (sort == APP_SORT_SIZE)
    return g_format_size (totals.bytes);
  return stats_text (row, sort);
}

/* ---- cells ---- */

static void
update_label (GtkLabel *label)
{
  AppTensorRow *row = g_object_get_data (G_OBJECT (label), "row");
  const Column *column = g_object_get_data (G_OBJECT (label), "column");
  g_autofree char *text = cell_text (row, column->sort);

  gtk_label_set_label (label, text);
  if (column->sort == APP_SORT_SIZE)
    {
      g_autofree char *exact = NULL;
      AppOutlineTotals totals;
      app_outline_totals (app_tensor_row_get_outline (row), app_tensor_row_get_id (row),
                          &totals);
      exact = g_format_size_full (totals.bytes, G_FORMAT_SIZE_LONG_FORMAT);
      gtk_widget_set_tooltip_text (GTK_WIDGET (label), exact);
    }
}

static AppTensorRow *
item_row (GtkListItem *item)
{
  return gtk_tree_list_row_get_item (gtk_list_item_get_item (item));
}

static void
on_label_setup (GtkListItemFactory *factory, GtkListItem *item, const Column *column)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), column->numeric ? 1 : 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (label, "numeric");
  gtk_widget_add_css_class (label, "app-cell");
  g_object_set_data (G_OBJECT (label), "column", (gpointer) column);
  gtk_list_item_set_child (item, label);
}

static void
on_label_bind (GtkListItemFactory *factory, GtkListItem *item, const Column *column)
{
  GtkWidget *label = gtk_list_item_get_child (item);
  g_autoptr (AppTensorRow) row = item_row (item);

  g_object_set_data_full (G_OBJECT (label), "row", g_object_ref (row), g_object_unref);
  if (column->needs_stats)
    g_signal_connect_swapped (row, "notify::stats", G_CALLBACK (update_label), label);
  update_label (GTK_LABEL (label));
}

static void
on_label_unbind (GtkListItemFactory *factory, GtkListItem *item, const Column *column)
{
  GtkWidget *label = gtk_list_item_get_child (item);
  AppTensorRow *row = g_object_get_data (G_OBJECT (label), "row");

  if (column->needs_stats)
    g_signal_handlers_disconnect_by_data (row, label);
  g_object_set_data (G_OBJECT (label), "row", NULL);
}

static void
on_chart_setup (GtkListItemFactory *factory, GtkListItem *item, gpointer unused)
{
  gtk_list_item_set_child (item, app_row_chart_new ());
}

static void
on_chart_bind (GtkListItemFactory *factory, GtkListItem *item, gpointer unused)
{
  g_autoptr (AppTensorRow) row = item_row (item);

  app_row_chart_set_row (APP_ROW_CHART (gtk_list_item_get_child (item)), row);
}

static void
on_chart_unbind (GtkListItemFactory *factory, GtkListItem *item, gpointer unused)
{
  app_row_chart_set_row (APP_ROW_CHART (gtk_list_item_get_child (item)), NULL);
}

/* The view's own single-click-activate would also select whatever the pointer is over. */
static void
on_tap (GtkGestureClick *gesture, int n_press, double x, double y, GtkListItem *item)
{
  GtkWidget *box = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (gesture));
  GtkWidget *view = gtk_widget_get_ancestor (box, GTK_TYPE_COLUMN_VIEW);
  Columns *self = view != NULL ? columns_of (view) : NULL;
  g_autoptr (AppTensorRow) row = NULL;

  if (self == NULL || !self->narrow || gtk_list_item_get_item (item) == NULL)
    return;
  row = item_row (item);
  self->tapped (row, self->user_data);
}

static void
on_name_setup (GtkListItemFactory *factory, GtkListItem *item, gpointer unused)
{
  GtkGesture *tap = gtk_gesture_click_new ();
  GtkWidget *expander = gtk_tree_expander_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *name = gtk_label_new (NULL), *second = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (name), 0);
  gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (second), 0);
  gtk_label_set_ellipsize (GTK_LABEL (second), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (second, "caption");
  gtk_widget_add_css_class (second, "dim-label");
  gtk_widget_add_css_class (second, "numeric");
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (box, TRUE);
  g_signal_connect (tap, "released", G_CALLBACK (on_tap), item);
  gtk_widget_add_controller (box, GTK_EVENT_CONTROLLER (tap));
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), second);
  gtk_tree_expander_set_child (GTK_TREE_EXPANDER (expander), box);
  gtk_list_item_set_child (item, expander);
}

static void
set_second_line (GtkWidget *label, AppTensorRow *row, gboolean shown)
{
  g_autofree char *type = NULL, *shape = NULL, *size = NULL, *text = NULL;

  gtk_widget_set_visible (label, shown);
  if (!shown)
    return;
  type = cell_text (row, APP_SORT_TYPE);
  shape = cell_text (row, APP_SORT_SHAPE);
  size = cell_text (row, APP_SORT_SIZE);
  text = g_strdup_printf ("%s · %s · %s", shape, type, size);
  gtk_label_set_label (GTK_LABEL (label), text);
}

static void
on_name_bind (GtkListItemFactory *factory, GtkListItem *item, GtkColumnView *view)
{
  Columns *self = columns_of (view);
  GtkWidget *expander = gtk_list_item_get_child (item);
  GtkWidget *box = gtk_tree_expander_get_child (GTK_TREE_EXPANDER (expander));
  GtkWidget *name = gtk_widget_get_first_child (box);
  g_autoptr (AppTensorRow) row = item_row (item);
  const AppOutlineNode *node = app_tensor_row_get_node (row);
  gboolean plain = node->parent == APP_OUTLINE_NONE
                   || app_outline_is_human (app_tensor_row_get_outline (row),
                                            app_tensor_row_get_id (row));

  gtk_tree_expander_set_list_row (GTK_TREE_EXPANDER (expander),
                                  gtk_list_item_get_item (item));
  gtk_label_set_label (GTK_LABEL (name), node->label);
  if (plain)
    gtk_widget_remove_css_class (name, "monospace");
  else
    gtk_widget_add_css_class (name, "monospace");
  gtk_widget_set_tooltip_text (name, node->node != NULL && node->node->path[0] != '\0'
                                         ? node->node->path
                                         : node->label);
  set_second_line (gtk_widget_get_last_child (box), row, self->narrow);
  self->bound (row, TRUE, self->user_data);
}

static void
on_name_unbind (GtkListItemFactory *factory, GtkListItem *item, GtkColumnView *view)
{
  Columns *self = columns_of (view);
  g_autoptr (AppTensorRow) row = item_row (item);

  gtk_tree_expander_set_list_row (GTK_TREE_EXPANDER (gtk_list_item_get_child (item)),
                                  NULL);
  if (self != NULL)
    self->bound (row, FALSE, self->user_data);
}

/* ---- sorting ---- */

typedef struct
{
  Columns *columns;
  AppSort sort;
} Probe;

static int
compare_probe (gconstpointer a, gconstpointer b, gpointer user_data)
{
  Probe *probe = user_data;

  if (a != probe->columns->probe[0] || b != probe->columns->probe[1])
    return 0;
  probe->columns->probed = probe->sort;
  return -1;
}

AppSort
app_tensor_columns_get_sort (GtkColumnView *view, gboolean *descending)
{
  Columns *self = columns_of (view);
  GtkOrdering order;

  self->probed = APP_SORT_NONE;
  order = gtk_sorter_compare (gtk_column_view_get_sorter (view), self->probe[0],
                              self->probe[1]);
  *descending = order == GTK_ORDERING_LARGER;
  return self->probed;
}

/* ---- making ---- */

static GtkListItemFactory *
make_factory (GtkColumnView *view, const Column *column)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  if (column->sort == APP_SORT_NAME)
    {
      g_signal_connect (factory, "setup", G_CALLBACK (on_name_setup), view);
      g_signal_connect (factory, "bind", G_CALLBACK (on_name_bind), view);
      g_signal_connect (factory, "unbind", G_CALLBACK (on_name_unbind), view);
    }
  else if (column->sort == APP_SORT_DISTRIBUTION)
    {
      g_signal_connect (factory, "setup", G_CALLBACK (on_chart_setup), NULL);
      g_signal_connect (factory, "bind", G_CALLBACK (on_chart_bind), NULL);
      g_signal_connect (factory, "unbind", G_CALLBACK (on_chart_unbind), NULL);
    }
  else
    {
      g_signal_connect (factory, "setup", G_CALLBACK (on_label_setup), (gpointer) column);
      g_signal_connect (factory, "bind", G_CALLBACK (on_label_bind), (gpointer) column);
      g_signal_connect (factory, "unbind", G_CALLBACK (on_label_unbind),
                        (gpointer) column);
    }
  return factory;
}

static int
chars_to_pixels (GtkWidget *widget, int chars)
{
  PangoContext *context = gtk_widget_get_pango_context (widget);
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);
  int width = pango_font_metrics_get_approximate_digit_width (metrics);

  pango_font_metrics_unref (metrics);
  return PANGO_PIXELS (chars * width) + 16;
}

/* Again when the person changes the size of text. */
static void
update_widths (GtkColumnView *view)
{
  Columns *self = columns_of (view);

  for (guint i = 0; self != NULL && i < G_N_ELEMENTS (columns); i++)
    {
      if (columns[i].chars > 0)
        gtk_column_view_column_set_fixed_width (
            self->made[i], chars_to_pixels (GTK_WIDGET (view), columns[i].chars));
    }
}

/* A hidden column is taken out: GTK 4.8 counts the width of one that is only invisible,
 * and the name would lack it. */
static void
update_visible (GtkColumnView *view)
{
  Columns *self = columns_of (view);
  guint place = 0;

  for (guint i = 0; self != NULL && i < G_N_ELEMENTS (columns); i++)
    {
      gboolean wanted
          = columns[i].setting == NULL
            || g_settings_get_boolean (app_settings_get (), columns[i].setting);
      if (self->narrow && i > 1)
        wanted = FALSE;
      if (wanted && !self->in_view[i])
        gtk_column_view_insert_column (view, place, self->made[i]);
      else if (!wanted && self->in_view[i])
        gtk_column_view_remove_column (view, self->made[i]);
      self->in_view[i] = wanted;
      place += wanted;
    }
}

static void
columns_free (gpointer data)
{
  Columns *self = data;

  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    g_object_unref (self->made[i]);
  g_object_unref (self->probe[0]);
  g_object_unref (self->probe[1]);
  g_free (self);
}

void
app_tensor_columns_add (GtkColumnView *view,
                        AppTensorBound bound,
                        AppTensorTapped tapped,
                        gpointer user_data)
{
  Columns *self = g_new0 (Columns, 1);

  self->bound = bound;
  self->tapped = tapped;
  self->user_data = user_data;
  self->probe[0] = g_object_new (G_TYPE_OBJECT, NULL);
  self->probe[1] = g_object_new (G_TYPE_OBJECT, NULL);
  g_object_set_qdata_full (G_OBJECT (view), columns_quark (), self, columns_free);
  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    {
      GtkColumnViewColumn *column = gtk_column_view_column_new (
          _ (columns[i].title), make_factory (view, &columns[i]));
      g_autoptr (GtkSorter) sorter = NULL;
      Probe *probe = g_new (Probe, 1);

      *probe = (Probe){ self, columns[i].sort };
      sorter = GTK_SORTER (gtk_custom_sorter_new (compare_probe, probe, g_free));
      gtk_column_view_column_set_sorter (column, sorter);
      gtk_column_view_column_set_resizable (column, TRUE);
      gtk_column_view_column_set_expand (column, columns[i].chars == 0);
      self->made[i] = column;
      if (columns[i].setting != NULL)
        {
          g_autofree char *signal = g_strconcat ("changed::", columns[i].setting, NULL);
          g_signal_connect_object (app_settings_get (), signal,
                                   G_CALLBACK (update_visible), view, G_CONNECT_SWAPPED);
        }
    }
  update_widths (view);
  g_signal_connect_object (gtk_widget_get_settings (GTK_WIDGET (view)),
                           "notify::gtk-xft-dpi", G_CALLBACK (update_widths), view,
                           G_CONNECT_SWAPPED);
  update_visible (view);
}

void
app_tensor_columns_set_narrow (GtkColumnView *view, gboolean narrow)
{
  columns_of (view)->narrow = narrow;
  update_visible (view);
}
