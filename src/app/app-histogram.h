/* app-histogram.h: the histogram that tells the truth
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#include "stats/stats.h"

/* Properties: "symlog", "log-counts", "full-range" (booleans), "reading" (string, read
 * only): what the bar under the pointer or the cursor holds. */
#define APP_TYPE_HISTOGRAM (app_histogram_get_type ())
G_DECLARE_FINAL_TYPE (AppHistogram, app_histogram, APP, HISTOGRAM, GtkWidget)

/**
 * app_histogram_set:
 * @stats: (nullable): bars
 * @pinned: (nullable): outline, over the same range
 *
 * Takes a fraction of a millisecond.
 */
void app_histogram_set (AppHistogram *self, StatsTensor *stats, StatsTensor *pinned);
/** app_histogram_get_bins: (nullable): what is drawn; for tests */
const StatsHistogram *app_histogram_get_bins (AppHistogram *self);
/** app_histogram_describe: (transfer full): the chart in words */
char *app_histogram_describe (AppHistogram *self);
