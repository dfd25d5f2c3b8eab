/* app-row-chart.c: a row's distribution in small
 *
 * 72 × 16 px: 64 bars of a pixel each and room for a mark where values are NaN or
 * infinite. All rows have one scale unless the person chose otherwise, so that a glance
 * down the column compares. A constant tensor has a dot on the middle line, not a bar
 * that would look like a narrow distribution.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-row-chart.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-format.h"
#include "app/app-ink.h"
#include "app/app-settings.h"

#define WIDTH 72
#define HEIGHT 16

struct _AppRowChart
{
  GtkWidget parent_instance;
  AppTensorRow *row;
};

G_DEFINE_FINAL_TYPE (AppRowChart, app_row_chart, GTK_TYPE_WIDGET)

static void
app_row_chart_measure (GtkWidget *widget,
                       GtkOrientation orientation,
                       int for_size,
                       int *minimum,
                       int *natural,
                       int *minimum_baseline,
                       int *natural_baseline)
{
  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? WIDTH : HEIGHT;
}

static void
draw_bars (GtkWidget *widget, GtkSnapshot *snapshot, const float *heights, float y)
{
  GdkRGBA ink;

  app_ink_get (widget, APP_INK_DATA, &ink);
  for (guint i = 0; i < STATS_ROW_BINS; i++)
    {
      float height = heights[i] * HEIGHT;
      /* What is there is seen, however little. */
      if (height > 0 && height < 0.6f)
        height = 0.6f;
      if (height > 0)
        gtk_snapshot_append_color (
            snapshot, &ink, &GRAPHENE_RECT_INIT (i, y + HEIGHT - height, 1, height));
    }
}

/* Most of the row lies beyond the common scale: an arrow says to which side. */
static void
draw_beyond (GtkWidget *widget, GtkSnapshot *snapshot, float y, gboolean right)
{
  float tip = right ? STATS_ROW_BINS : 0, back = right ? tip - 5 : 5;
  cairo_t *cr = gtk_snapshot_append_cairo (
      snapshot, &GRAPHENE_RECT_INIT (0, y, STATS_ROW_BINS, HEIGHT));
  GdkRGBA ink;

  app_ink_get (widget, APP_INK_DATA, &ink);
  gdk_cairo_set_source_rgba (cr, &ink);
  cairo_move_to (cr, tip, y + HEIGHT / 2);
  cairo_line_to (cr, back, y + HEIGHT / 2 - 4);
  cairo_line_to (cr, back, y + HEIGHT / 2 + 4);
  cairo_fill (cr);
  cairo_destroy (cr);
}

static void
draw_mark (GtkWidget *widget, GtkSnapshot *snapshot, float y)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, "!");
  g_autoptr (PangoAttrList) bold = pango_attr_list_new ();
  PangoRectangle extents;
  GdkRGBA fault;

  app_ink_get (widget, APP_INK_FAULT, &fault);
  pango_attr_list_insert (bold, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  pango_layout_set_attributes (layout, bold);
  pango_layout_get_pixel_extents (layout, NULL, &extents);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot,
                          &GRAPHENE_POINT_INIT ((float) (WIDTH - extents.width - 1),
                                                y + (HEIGHT - extents.height) / 2.0f));
  gtk_snapshot_append_layout (snapshot, layout, &fault);
  gtk_snapshot_restore (snapshot);
}

static void
app_row_chart_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  AppRowChart *self = APP_ROW_CHART (widget);
  gboolean common = g_settings_get_boolean (app_settings_get (), "common-scale");
  const StatsSummary *summary
      = self->row != NULL ? app_tensor_row_get_summary (self->row) : NULL;
  float y = (float) (gtk_widget_get_height (widget) - HEIGHT) / 2;
  const float *heights;
  GdkRGBA color;

  if (summary == NULL)
    return;
  app_ink_get (widget, APP_INK_FAINT, &color);
  gtk_snapshot_append_color (snapshot, &color,
                             &GRAPHENE_RECT_INIT (0, y + HEIGHT - 1, STATS_ROW_BINS, 1));
  if (summary->has_moments && summary->min == summary->max)
    {
      app_ink_get (widget, APP_INK_DATA, &color);
      gtk_snapshot_append_color (
          snapshot, &color,
          &GRAPHENE_RECT_INIT (STATS_ROW_BINS / 2 - 2, y + HEIGHT / 2 - 2, 4, 4));
    }
  else
    {
      double scale = app_tensor_row_get_scale (self->row);
      double median
          = summary->has_moments ? summary->quantiles[STATS_N_QUANTILES / 2] : 0;
      heights = app_tensor_row_get_heights (self->row, common);
      if (common && fabs (median) > scale)
        draw_beyond (widget, snapshot, y, median > 0);
      else if (heights != NULL)
        draw_bars (widget, snapshot, heights, y);
    }
  if (summary->nan + summary->pos_inf + summary->neg_inf > 0)
    draw_mark (widget, snapshot, y);
}

char *
app_row_chart_describe (AppRowChart *self)
{
  const StatsSummary *summary
      = self->row != NULL ? app_tensor_row_get_summary (self->row) : NULL;

  if (summary == NULL)
    return g_strdup (_ ("Not computed yet"));
  if (summary->nan + summary->pos_inf + summary->neg_inf > 0)
    {
      g_autofree char *nan = app_format_count (summary->nan);
      g_autofree char *inf = app_format_count (summary->pos_inf + summary->neg_inf);
      return g_strdup_printf (_ ("%s values are NaN, %s infinite"), nan, inf);
    }
  if (!summary->has_moments)
    return g_strdup (_ ("No values"));
  g_autofree char *lo = app_format_value (summary->min);
  g_autofree char *hi = app_format_value (summary->max);
  return summary->min == summary->max ? g_strdup_printf (_ ("Constant: %s"), lo)
                                      : app_format_range (lo, hi);
}

static void
update (AppRowChart *self)
{
  g_autofree char *text = app_row_chart_describe (self);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  text, -1);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
app_row_chart_set_row (AppRowChart *self, AppTensorRow *row)
{
  g_return_if_fail (APP_IS_ROW_CHART (self));
  if (self->row != NULL)
    g_signal_handlers_disconnect_by_data (self->row, self);
  g_set_object (&self->row, row);
  if (row == NULL)
    return;
  g_signal_connect_swapped (row, "notify::stats", G_CALLBACK (update), self);
  update (self);
}

static void
app_row_chart_dispose (GObject *object)
{
  app_row_chart_set_row (APP_ROW_CHART (object), NULL);
  G_OBJECT_CLASS (app_row_chart_parent_class)->dispose (object);
}

static void
app_row_chart_class_init (AppRowChartClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_row_chart_dispose;
  widget_class->measure = app_row_chart_measure;
  widget_class->snapshot = app_row_chart_snapshot;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
app_row_chart_init (AppRowChart *self)
{
  gtk_widget_set_valign (GTK_WIDGET (self), GTK_ALIGN_CENTER);
  gtk_widget_set_halign (GTK_WIDGET (self), GTK_ALIGN_START);
  g_signal_connect_object (app_settings_get (), "changed::common-scale",
                           G_CALLBACK (gtk_widget_queue_draw), self, G_CONNECT_SWAPPED);
}

GtkWidget *
app_row_chart_new (void)
{
  return g_object_new (APP_TYPE_ROW_CHART, NULL);
}
