/* app-histogram-draw.c: the histogram's bars, outline and axis
 *
 * Bars are plain colour nodes, flat and without gaps: the shape is what is read, not the
 * single bar. Heights are shares of all values by the width on the axis, so that a pinned
 * tensor of another size can be laid over.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-histogram-private.h"

#include <math.h>

#include "app/app-format.h"
#include "app/app-ink.h"

#define TICK_ROOM 80 /* pixels for a tick's label */

/* The density of a bar: its share of the finite values by the share of the axis it takes;
 * 1 everywhere for values spread evenly over the axis. */
static double
density (const AppHistogram *self, const StatsHistogram *bins, guint i, double total)
{
  double width = app_axis_place (&self->axis, bins->edges[i + 1])
                 - app_axis_place (&self->axis, bins->edges[i]);

  return width > 0 && total > 0 ? (double) bins->counts[i] / total / width : 0;
}

static double
n_finite (const StatsTensor *stats)
{
  const StatsSummary *summary = stats_tensor_summary (stats);

  return (double) (summary->count - summary->nan - summary->pos_inf - summary->neg_inf);
}

static double
greatest (const AppHistogram *self, const StatsHistogram *bins, double total)
{
  double most = 0;

  for (guint i = 0; i < bins->n_bins; i++)
    most = MAX (most, density (self, bins, i, total));
  return most;
}

/* Height of a density between 0 and 1. Logarithmic: 0 is the density of a single value in
 * a bar of average width, drawn a little high so that it is seen. */
static double
height_of (const AppHistogram *self, double d, double most, double total)
{
  double one, decades;

  if (d <= 0 || most <= 0)
    return 0;
  if (!self->log_counts)
    return d / most;
  one = self->bins.n_bins / total;
  decades = log10 (most / one);
  return decades > 0 ? CLAMP ((log10 (d / one) + 0.3) / (decades + 0.3), 0.02, 1) : 1;
}

static void
draw_bars (AppHistogram *self, GtkSnapshot *snapshot, const AppPlot *plot, double most)
{
  double total = n_finite (self->stats);
  GdkRGBA ink, light;

  app_ink_get (GTK_WIDGET (self), APP_INK_DATA, &ink);
  light = ink;
  light.alpha = 0.6f;
  for (guint i = 0; i < self->bins.n_bins; i++)
    {
      float x0, x1, height;
      double d = density (self, &self->bins, i, total);

      app_histogram_bar_span (self, plot, (int) i + 1, &x0, &x1);
      height = (float) height_of (self, d, most, total) * plot->height;
      if (height > 0 && height < 1)
        height = 1;
      gtk_snapshot_append_color (
          snapshot, self->cursor >= 0 && self->cursor != (int) i + 1 ? &light : &ink,
          &GRAPHENE_RECT_INIT (x0, plot->y + plot->height - height, x1 - x0, height));
    }
}

/* The bins at the ends: hatched, as high as a bar of their width would be. */
static void
draw_end (AppHistogram *self,
          GtkSnapshot *snapshot,
          const AppPlot *plot,
          int bar,
          guint64 count,
          double most)
{
  double total = n_finite (self->stats);
  double share = APP_HISTOGRAM_END / plot->width;
  float x0, x1, height;
  graphene_rect_t bounds;
  GdkRGBA ink;
  cairo_t *cr;

  if (count == 0)
    return;
  app_histogram_bar_span (self, plot, bar, &x0, &x1);
  height = (float) MIN (height_of (self, (double) count / total / share, most, total), 1)
           * plot->height;
  height = MAX (height, 6);
  bounds = GRAPHENE_RECT_INIT (x0, plot->y + plot->height - height, x1 - x0, height);
  app_ink_get (GTK_WIDGET (self), APP_INK_DATA, &ink);
  cr = gtk_snapshot_append_cairo (snapshot, &bounds);
  cairo_rectangle (cr, bounds.origin.x + 0.5, bounds.origin.y + 0.5,
                   bounds.size.width - 1, bounds.size.height - 1);
  gdk_cairo_set_source_rgba (cr, &ink);
  cairo_set_line_width (cr, 1);
  cairo_stroke_preserve (cr);
  cairo_clip (cr);
  for (float x = x0 - height; x < x1; x += 5)
    {
      cairo_move_to (cr, x, bounds.origin.y + height);
      cairo_line_to (cr, x + height, bounds.origin.y);
    }
  cairo_set_line_width (cr, self->cursor == bar ? 2.5 : 1.2);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

static void
draw_pinned (AppHistogram *self, GtkSnapshot *snapshot, const AppPlot *plot, double most)
{
  const StatsHistogram *bins = &self->pinned_bins;
  double total = n_finite (self->pinned);
  float bottom = plot->y + plot->height;
  GdkRGBA ink;
  cairo_t *cr;

  app_ink_get (GTK_WIDGET (self), APP_INK_SECOND, &ink);
  cr = gtk_snapshot_append_cairo (
      snapshot, &GRAPHENE_RECT_INIT (plot->x - 1, 0, plot->width + 2, bottom + 1));
  cairo_move_to (cr, plot->x, bottom);
  for (guint i = 0; i < bins->n_bins; i++)
    {
      float x0
          = plot->x
            + plot->width
                  * (float) CLAMP (app_axis_place (&self->axis, bins->edges[i]), 0, 1);
      float x1 = plot->x
                 + plot->width
                       * (float) CLAMP (app_axis_place (&self->axis, bins->edges[i + 1]),
                                        0, 1);
      float y = bottom
                - (float) height_of (self, density (self, bins, i, total), most,
                                     n_finite (self->stats))
                      * plot->height;
      cairo_line_to (cr, x0, y);
      cairo_line_to (cr, x1, y);
    }
  cairo_line_to (cr, plot->x + plot->width, bottom);
  gdk_cairo_set_source_rgba (cr, &ink);
  cairo_set_line_width (cr, 2);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

static void
draw_tick (AppHistogram *self,
           GtkSnapshot *snapshot,
           const AppPlot *plot,
           double value,
           float *free_from)
{
  g_autofree char *text = app_format_tick (value);
  g_autofree char *isolated = app_format_isolate (text);
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (GTK_WIDGET (self), isolated);
  float x = plot->x + plot->width * (float) app_axis_place (&self->axis, value);
  float bottom = plot->y + plot->height, left;
  PangoRectangle extents;
  GdkRGBA ink, faint;

  if (x < plot->x - 1 || x > plot->x + plot->width + 1)
    return;
  app_ink_get (GTK_WIDGET (self), APP_INK_TEXT, &ink);
  app_ink_get (GTK_WIDGET (self), APP_INK_FAINT, &faint);
  pango_layout_get_pixel_extents (layout, NULL, &extents);
  left = CLAMP (x - (float) extents.width / 2, 0,
                (float) (gtk_widget_get_width (GTK_WIDGET (self)) - extents.width));
  gtk_snapshot_append_color (snapshot, &faint,
                             &GRAPHENE_RECT_INIT (x - 0.5f, bottom, 1, 5));
  if (left < *free_from)
    return;
  *free_from = left + (float) extents.width + 12;
  ink.alpha *= 0.7f;
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (left, bottom + 5));
  gtk_snapshot_append_layout (snapshot, layout, &ink);
  gtk_snapshot_restore (snapshot);
}

static void
draw_axis (AppHistogram *self, GtkSnapshot *snapshot, const AppPlot *plot)
{
  double ticks[APP_AXIS_MAX_TICKS];
  guint wished = (guint) CLAMP (plot->width / TICK_ROOM, 2, 5);
  guint n = app_axis_ticks (&self->axis, wished, ticks);
  float bottom = plot->y + plot->height, free_from = 0;
  double zero = app_axis_place (&self->axis, 0);
  GdkRGBA faint;

  app_ink_get (GTK_WIDGET (self), APP_INK_FAINT, &faint);
  gtk_snapshot_append_color (snapshot, &faint,
                             &GRAPHENE_RECT_INIT (plot->x, bottom, plot->width, 1));
  if (zero > 0 && zero < 1)
    gtk_snapshot_append_color (
        snapshot, &faint,
        &GRAPHENE_RECT_INIT (roundf (plot->x + plot->width * (float) zero), plot->y, 1,
                             plot->height));
  for (guint i = 0; i < n; i++)
    draw_tick (self, snapshot, plot, ticks[i], &free_from);
}

void
app_histogram_draw (AppHistogram *self, GtkSnapshot *snapshot)
{
  AppPlot plot = app_histogram_plot (self);
  double most = greatest (self, &self->bins, n_finite (self->stats));

  if (self->pinned != NULL)
    most = MAX (most, greatest (self, &self->pinned_bins, n_finite (self->pinned)));
  draw_bars (self, snapshot, &plot, most);
  draw_end (self, snapshot, &plot, 0, self->bins.below, most);
  draw_end (self, snapshot, &plot, (int) self->bins.n_bins + 1, self->bins.above, most);
  if (self->pinned != NULL)
    draw_pinned (self, snapshot, &plot, most);
  draw_axis (self, snapshot, &plot);
}
