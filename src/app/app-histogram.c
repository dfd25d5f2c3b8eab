/* app-histogram.c: the histogram that tells the truth
 *
 * It opens on the range from the 0.1st to the 99.9th percentile: one outlier would
 * squeeze everything else into a single bar. What lies outside is not hidden but counted
 * in two hatched bins at the ends. Height is density (count by width on the axis), as
 * bins that keep to the values a type can represent are not all of one width.
 *
 * The axis runs from left to right in every language.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-histogram-private.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-format.h"

#define N_BINS 128
#define LEAST_HEIGHT 198 /* of the plot */

enum
{
  PROP_0,
  PROP_SYMLOG,
  PROP_LOG_COUNTS,
  PROP_FULL_RANGE,
  PROP_READING,
  N_PROPS
};
static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (AppHistogram, app_histogram, GTK_TYPE_WIDGET)

/* ---- bins ---- */

static void
choose_range (AppHistogram *self, const StatsSummary *summary)
{
  double lo = summary->quantiles[0], hi = summary->quantiles[STATS_N_QUANTILES - 1];

  /* Of fewer than a thousand values the 99.9th percentile is not the greatest, and there
   * is no reason to leave one out. */
  if (self->full_range || !(lo < hi) || summary->count < 1000)
    {
      lo = summary->min;
      hi = summary->max;
    }
  if (!(lo < hi))
    {
      double room = lo != 0 ? fabs (lo) / 2 : 1;
      lo -= room;
      hi += room;
    }
  self->axis.lo = lo;
  self->axis.hi = hi;
}

static void
update_bins (AppHistogram *self)
{
  const StatsSummary *summary
      = self->stats != NULL ? stats_tensor_summary (self->stats) : NULL;

  self->has_bins = summary != NULL && summary->has_moments && isfinite (summary->min)
                   && isfinite (summary->max - summary->min);
  self->cursor = -1;
  if (self->has_bins)
    {
      choose_range (self, summary);
      self->axis.scale = self->symlog ? STATS_SCALE_SYMLOG : STATS_SCALE_LINEAR;
      self->axis.linear_width = stats_tensor_linear_width (self->stats);
      stats_tensor_histogram (self->stats, self->axis.scale, self->axis.lo, self->axis.hi,
                              N_BINS, &self->bins);
      /* The outer edges lie just outside of the range: they are the axis. */
      self->axis.lo = self->bins.edges[0];
      self->axis.hi = self->bins.edges[self->bins.n_bins];
      if (self->pinned != NULL)
        stats_tensor_histogram (self->pinned, self->axis.scale, self->axis.lo,
                                self->axis.hi, N_BINS, &self->pinned_bins);
    }
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

char *
app_histogram_describe (AppHistogram *self)
{
  const StatsSummary *summary
      = self->stats != NULL ? stats_tensor_summary (self->stats) : NULL;
  g_autofree char *count = NULL, *lo = NULL, *hi = NULL, *first = NULL, *third = NULL;
  g_autofree char *all = NULL, *half = NULL;

  if (summary == NULL)
    return g_strdup (_ ("Not computed yet"));
  count = app_format_count (summary->count);
  if (!summary->has_moments)
    return g_strdup_printf (_ ("%s values, none of them finite"), count);
  lo = app_format_value (summary->min);
  hi = app_format_value (summary->max);
  first = app_format_value (summary->quantiles[3]);
  third = app_format_value (summary->quantiles[5]);
  all = app_format_range (lo, hi);
  half = app_format_range (first, third);
  /* Translators: a count, then two ranges of values */
  return g_strdup_printf (_ ("%s values in %s, the middle half of them in %s"), count,
                          all, half);
}

void
app_histogram_set (AppHistogram *self, StatsTensor *stats, StatsTensor *pinned)
{
  g_autofree char *words = NULL;

  g_return_if_fail (APP_IS_HISTOGRAM (self));
  if (stats != NULL)
    stats_tensor_ref (stats);
  if (pinned != NULL)
    stats_tensor_ref (pinned);
  stats_tensor_unref (self->stats);
  stats_tensor_unref (self->pinned);
  self->stats = stats;
  self->pinned = pinned;
  update_bins (self);
  words = app_histogram_describe (self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, words, -1);
}

const StatsHistogram *
app_histogram_get_bins (AppHistogram *self)
{
  g_return_val_if_fail (APP_IS_HISTOGRAM (self), NULL);
  return self->has_bins ? &self->bins : NULL;
}

/* ---- places ---- */

gboolean
app_histogram_has_ends (AppHistogram *self)
{
  return self->bins.below > 0 || self->bins.above > 0;
}

/* Room for a tick and its label below the plot. */
static int
label_room (AppHistogram *self)
{
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (GTK_WIDGET (self), "0");
  int height;

  pango_layout_get_pixel_size (layout, NULL, &height);
  return height + 6;
}

AppPlot
app_histogram_plot (AppHistogram *self)
{
  float width = (float) gtk_widget_get_width (GTK_WIDGET (self));
  float height = (float) gtk_widget_get_height (GTK_WIDGET (self));
  float ends = app_histogram_has_ends (self) ? APP_HISTOGRAM_END + APP_HISTOGRAM_GAP : 0;

  return (AppPlot){ ends, 2, MAX (width - 2 * ends, 1),
                    MAX (height - (float) label_room (self) - 2, 1) };
}

void
app_histogram_bar_span (
    AppHistogram *self, const AppPlot *plot, int bar, float *x0, float *x1)
{
  if (bar == 0)
    {
      *x0 = 0;
      *x1 = APP_HISTOGRAM_END;
    }
  else if (bar > (int) self->bins.n_bins)
    {
      *x0 = plot->x + plot->width + APP_HISTOGRAM_GAP;
      *x1 = *x0 + APP_HISTOGRAM_END;
    }
  else
    {
      /* On whole pixels: neighbours that share one would show a seam. */
      *x0 = plot->x
            + roundf (plot->width
                      * (float) app_axis_place (&self->axis, self->bins.edges[bar - 1]));
      *x1 = plot->x
            + roundf (plot->width
                      * (float) app_axis_place (&self->axis, self->bins.edges[bar]));
    }
}

static int
bar_at (AppHistogram *self, double x)
{
  AppPlot plot = app_histogram_plot (self);
  int last = (int) self->bins.n_bins + (app_histogram_has_ends (self) ? 1 : 0);

  for (int bar = app_histogram_has_ends (self) ? 0 : 1; bar <= last; bar++)
    {
      float x0, x1;
      app_histogram_bar_span (self, &plot, bar, &x0, &x1);
      if (x >= x0 && x < x1)
        return bar;
    }
  return -1;
}

/* ---- reading ---- */

static char *
make_reading (AppHistogram *self)
{
  const StatsSummary *summary = stats_tensor_summary (self->stats);
  int bar = self->cursor, n = (int) self->bins.n_bins;
  guint64 count = bar == 0  ? self->bins.below
                  : bar > n ? self->bins.above
                            : self->bins.counts[bar - 1];
  g_autofree char *number = app_format_count (count);
  g_autofree char *share = app_format_percent (count, summary->count);
  g_autofree char *lo = app_format_digits (self->bins.edges[CLAMP (bar - 1, 0, n)], 5);
  g_autofree char *hi = app_format_digits (self->bins.edges[CLAMP (bar, 0, n)], 5);
  g_autofree char *range = app_format_range (lo, hi);
  gulong plural = (gulong) MIN (count, G_MAXINT);

  if (bar == 0)
    /* Translators: a count, its share, a value */
    return g_strdup_printf (
        ngettext ("%s value (%s) below %s", "%s values (%s) below %s", plural), number,
        share, hi);
  if (bar > n)
    return g_strdup_printf (
        ngettext ("%s value (%s) above %s", "%s values (%s) above %s", plural), number,
        share, hi);
  /* Translators: a count, its share, a range of values */
  return g_strdup_printf (
      ngettext ("%s value (%s) in %s", "%s values (%s) in %s", plural), number, share,
      range);
}

static void
set_cursor (AppHistogram *self, int bar, gboolean at_pointer)
{
  if (!self->has_bins)
    bar = -1;
  self->at_pointer = at_pointer;
  if (bar == self->cursor && (bar < 0) == (self->reading == NULL))
    return;
  self->cursor = bar;
  g_free (self->reading);
  self->reading = bar >= 0 ? make_reading (self) : NULL;
  if (self->reading != NULL && !at_pointer)
    gtk_accessible_update_property (
        GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, self->reading, -1);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_READING]);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_motion (AppHistogram *self, double x, double y)
{
  set_cursor (self, self->has_bins ? bar_at (self, x) : -1, TRUE);
}

static void
on_leave (AppHistogram *self)
{
  if (self->at_pointer)
    set_cursor (self, -1, TRUE);
}

static gboolean
on_key (AppHistogram *self, guint key, guint code, GdkModifierType state)
{
  gboolean ends = app_histogram_has_ends (self);
  int first = ends ? 0 : 1, last = (int) self->bins.n_bins + (ends ? 1 : 0);
  int bar = self->cursor;

  if (!self->has_bins)
    return FALSE;
  if (key == GDK_KEY_Left || key == GDK_KEY_KP_Left)
    bar = bar < 0 ? last : MAX (bar - 1, first);
  else if (key == GDK_KEY_Right || key == GDK_KEY_KP_Right)
    bar = bar < 0 ? first : MIN (bar + 1, last);
  else if (key == GDK_KEY_Home)
    bar = first;
  else if (key == GDK_KEY_End)
    bar = last;
  else if (key == GDK_KEY_Escape && bar >= 0)
    bar = -1;
  else
    return FALSE;
  set_cursor (self, bar, FALSE);
  return TRUE;
}

static void
on_focus_out (AppHistogram *self)
{
  set_cursor (self, -1, FALSE);
}

/* ---- the widget ---- */

static void
app_histogram_measure (GtkWidget *widget,
                       GtkOrientation orientation,
                       int for_size,
                       int *minimum,
                       int *natural,
                       int *minimum_baseline,
                       int *natural_baseline)
{
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = 160;
      *natural = 480;
    }
  else
    *minimum = *natural = LEAST_HEIGHT + label_room (APP_HISTOGRAM (widget));
}

static void
app_histogram_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  AppHistogram *self = APP_HISTOGRAM (widget);

  if (self->has_bins)
    app_histogram_draw (self, snapshot);
}

static void
app_histogram_set_property (GObject *object,
                            guint id,
                            const GValue *value,
                            GParamSpec *pspec)
{
  AppHistogram *self = APP_HISTOGRAM (object);
  gboolean *field = id == PROP_SYMLOG       ? &self->symlog
                    : id == PROP_LOG_COUNTS ? &self->log_counts
                                            : &self->full_range;

  *field = g_value_get_boolean (value);
  update_bins (self);
  set_cursor (self, -1, FALSE);
}

static void
app_histogram_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  AppHistogram *self = APP_HISTOGRAM (object);

  if (id == PROP_READING)
    g_value_set_string (value, self->reading);
  else
    g_value_set_boolean (value, id == PROP_SYMLOG       ? self->symlog
                                : id == PROP_LOG_COUNTS ? self->log_counts
                                                        : self->full_range);
}

static void
app_histogram_finalize (GObject *object)
{
  AppHistogram *self = APP_HISTOGRAM (object);

  stats_tensor_unref (self->stats);
  stats_tensor_unref (self->pinned);
  g_free (self->reading);
  G_OBJECT_CLASS (app_histogram_parent_class)->finalize (object);
}

static void
app_histogram_class_init (AppHistogramClass *klass)
{
  static const char *const names[] = { NULL, "symlog", "log-counts", "full-range" };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->set_property = app_histogram_set_property;
  object_class->get_property = app_histogram_get_property;
  object_class->finalize = app_histogram_finalize;
  widget_class->measure = app_histogram_measure;
  widget_class->snapshot = app_histogram_snapshot;
  for (guint i = PROP_SYMLOG; i <= PROP_FULL_RANGE; i++)
    properties[i] = g_param_spec_boolean (names[i], NULL, NULL, FALSE,
                                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_READING] = g_param_spec_string (
      "reading", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  gtk_widget_class_set_css_name (widget_class, "histogram");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
app_histogram_init (AppHistogram *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();

  self->cursor = -1;
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Histogram"), -1);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (on_leave), self);
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (on_key), self);
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (on_focus_out), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  gtk_widget_add_controller (GTK_WIDGET (self), focus);
}
