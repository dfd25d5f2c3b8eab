/* app-histogram-private.h: shared by the histogram's model and its drawing
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-axis.h"
#include "app/app-histogram.h"

#define APP_HISTOGRAM_END 18 /* width of the bins for what lies outside */
#define APP_HISTOGRAM_GAP 4  /* between them and the plot */

/* Bars are numbered from left to right: the end bin for what lies below, the bins of the
 * histogram, the end bin for what lies above. */
struct _AppHistogram
{
  GtkWidget parent_instance;
  StatsTensor *stats, *pinned;
  gboolean symlog, log_counts, full_range;
  gboolean has_bins;
  AppAxis axis;
  StatsHistogram bins, pinned_bins;
  int cursor; /* bar, −1: none */
  gboolean at_pointer;
  char *reading;
};

/* The rectangle of the plot without end bins and labels. */
typedef struct
{
  float x, y, width, height;
} AppPlot;

gboolean app_histogram_has_ends (AppHistogram *self);
AppPlot app_histogram_plot (AppHistogram *self);
/** app_histogram_bar_span: left and right edge of a bar in pixels */
void app_histogram_bar_span (
    AppHistogram *self, const AppPlot *plot, int bar, float *x0, float *x1);
void app_histogram_draw (AppHistogram *self, GtkSnapshot *snapshot);
