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
#include "app/app-tensor-name.h"

#define WIDE_SHAPE 20 /* characters: four dimensions, two of them of four digits */

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
  gboolean narrow, wide;
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
}

static AppTensorRow *
item_row (GtkListItem *item)
{
  return gtk_list_item_get_item (item);
}

/* Cells know their row: see app_tensor_columns_row_at (). */
static void
set_cell_row (GtkWidget *cell, AppTensorRow *row)
{
  g_object_set_data_full (G_OBJECT (cell), "row", row != NULL ? g_object_ref (row) : NULL,
                          g_object_unref);
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
  AppTensorRow *row = item_row (item);

  set_cell_row (label, row);
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
  set_cell_row (label, NULL);
}

static void
on_chart_setup (GtkListItemFactory *factory, GtkListItem *item, gpointer unused)
{
  gtk_list_item_set_child (item, app_row_chart_new ());
}

static void
on_chart_bind (GtkListItemFactory *factory, GtkListItem *item, gpointer unused)
{
  app_row_chart_set_row (APP_ROW_CHART (gtk_list_item_get_child (item)), item_row (item));
  set_cell_row (gtk_list_item_get_child (item), item_row (item));
}

static void
on_chart_unbind (GtkListItemFactory *factory, GtkListItem *item, gpointer unused)
{
  app_row_chart_set_row (APP_ROW_CHART (gtk_list_item_get_child (item)), NULL);
  set_cell_row (gtk_list_item_get_child (item), NULL);
}

static void
on_name_setup (GtkListItemFactory *factory, GtkListItem *item, gpointer unused)
{
  gtk_list_item_set_child (item, app_tensor_name_new ());
}

/* (transfer full): what the columns say that are not there. */
static char *
second_line (AppTensorRow *row)
{
  g_autofree char *type = cell_text (row, APP_SORT_TYPE);
  g_autofree char *shape = cell_text (row, APP_SORT_SHAPE);
  g_autofree char *size = cell_text (row, APP_SORT_SIZE);

  return g_strdup_printf ("%s · %s · %s", shape, type, size);
}

static void
on_name_bind (GtkListItemFactory *factory, GtkListItem *item, GtkColumnView *view)
{
  Columns *self = columns_of (view);
  AppTensorRow *row = item_row (item);
  g_autofree char *second = self->narrow ? second_line (row) : NULL;

  app_tensor_name_set_row (APP_TENSOR_NAME (gtk_list_item_get_child (item)), row, second);
  set_cell_row (gtk_list_item_get_child (item), row);
  self->bound (row, TRUE, self->user_data);
}

static void
on_name_unbind (GtkListItemFactory *factory, GtkListItem *item, GtkColumnView *view)
{
  Columns *self = columns_of (view);

  app_tensor_name_set_row (APP_TENSOR_NAME (gtk_list_item_get_child (item)), NULL, NULL);
  set_cell_row (gtk_list_item_get_child (item), NULL);
  if (self != NULL)
    self->bound (item_row (item), FALSE, self->user_data);
}

/* ---- pointer ---- */

/* What is at a place in the view is looked for when it is asked: a gesture and a tooltip
 * for each cell would make rows a third dearer, and to set a tooltip costs an answer of
 * the display's server. */

static AppTensorRow *
row_below (GtkWidget *widget, GtkWidget **cell)
{
  AppTensorRow *row = g_object_get_data (G_OBJECT (widget), "row");

  *cell = widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget);
       row == NULL && child != NULL; child = gtk_widget_get_next_sibling (child))
    row = row_below (child, cell);
  return row;
}

/* @cell: (out): the cell at the place, or where there is none the row's first */
static AppTensorRow *
find_row (GtkColumnView *view, double x, double y, GtkWidget **cell)
{
  GtkWidget *widget = gtk_widget_pick (GTK_WIDGET (view), x, y, GTK_PICK_DEFAULT);

  for (; widget != NULL && widget != GTK_WIDGET (view);
       widget = gtk_widget_get_parent (widget))
    {
      AppTensorRow *row = g_object_get_data (G_OBJECT (widget), "row");

      *cell = widget;
      if (row != NULL)
        return row;
      if (g_str_equal (gtk_widget_get_css_name (widget), "row"))
        return row_below (widget, cell);
    }
  return NULL;
}

AppTensorRow *
app_tensor_columns_row_at (GtkColumnView *view, double x, double y)
{
  GtkWidget *cell;

  return find_row (view, x, y, &cell);
}

static gboolean
is_on_arrow (GtkColumnView *view, GtkWidget *cell, double x, double y)
{
  double in_x, in_y;

  return APP_IS_TENSOR_NAME (cell)
         && gtk_widget_translate_coordinates (GTK_WIDGET (view), cell, x, y, &in_x, &in_y)
         && app_tensor_name_is_arrow (APP_TENSOR_NAME (cell), in_x);
}

static void
on_pressed (
    GtkGestureClick *gesture, int n_press, double x, double y, GtkColumnView *view)
{
  GtkWidget *cell;
  AppTensorRow *row = find_row (view, x, y, &cell);

  if (row == NULL || !is_on_arrow (view, cell, x, y))
    return;
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  gtk_widget_activate_action (GTK_WIDGET (view), "tree.toggle", "u",
                              app_tensor_row_get_id (row));
}

/* The view's own single-click-activate would also select whatever the pointer is over. */
static void
on_released (
    GtkGestureClick *gesture, int n_press, double x, double y, GtkColumnView *view)
{
  Columns *self = columns_of (view);
  GtkWidget *cell;
  AppTensorRow *row = self->narrow ? find_row (view, x, y, &cell) : NULL;

  if (row != NULL && !is_on_arrow (view, cell, x, y))
    self->tapped (row, self->user_data);
}

/* The whole of what may be cut off; of sizes, the exact bytes. */
static gboolean
on_tooltip (GtkWidget *view, int x, int y, gboolean keyboard, GtkTooltip *tooltip)
{
  GtkWidget *cell = NULL;
  AppTensorRow *row = keyboard ? NULL : find_row (GTK_COLUMN_VIEW (view), x, y, &cell);
  const Column *column
      = row != NULL ? g_object_get_data (G_OBJECT (cell), "column") : NULL;
  g_autofree char *text = NULL;
  AppOutlineTotals totals;

  if (row == NULL)
    return FALSE;
  if (APP_IS_ROW_CHART (cell))
    text = app_row_chart_describe (APP_ROW_CHART (cell));
  else if (column == NULL)
    text = app_tensor_name_describe (row);
  else if (column->sort == APP_SORT_SIZE)
    {
      app_outline_totals (app_tensor_row_get_outline (row), app_tensor_row_get_id (row),
                          &totals);
      text = g_format_size_full (totals.bytes, G_FORMAT_SIZE_LONG_FORMAT);
    }
  else
    text = cell_text (row, column->sort);
  gtk_tooltip_set_text (tooltip, text);
  return text[0] != '\0';
}

static void
add_pointer (GtkColumnView *view)
{
  GtkGesture *click = gtk_gesture_click_new ();

  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (click),
                                              GTK_PHASE_CAPTURE);
  g_signal_connect (click, "pressed", G_CALLBACK (on_pressed), view);
  g_signal_connect (click, "released", G_CALLBACK (on_released), view);
  gtk_widget_add_controller (GTK_WIDGET (view), GTK_EVENT_CONTROLLER (click));
  gtk_widget_set_has_tooltip (GTK_WIDGET (view), TRUE);
  g_signal_connect (view, "query-tooltip", G_CALLBACK (on_tooltip), NULL);
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
      int chars = columns[i].sort == APP_SORT_SHAPE && self->wide ? WIDE_SHAPE
                                                                  : columns[i].chars;
      if (chars > 0)
        gtk_column_view_column_set_fixed_width (
            self->made[i], chars_to_pixels (GTK_WIDGET (view), chars));
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
  add_pointer (view);
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

void
app_tensor_columns_set_wide (GtkColumnView *view, gboolean wide)
{
  if (columns_of (view)->wide == wide)
    return;
  columns_of (view)->wide = wide;
  update_widths (view);
}
