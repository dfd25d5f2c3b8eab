/* app-axis.h: where values stand on an axis, and which of them get a tick
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "stats/stats.h"

#define APP_AXIS_MAX_TICKS 8

/* A horizontal axis: from lo to hi, straight or symmetric logarithmic. */
typedef struct
{
  StatsScale scale;
  double linear_width; /* of the symlog scale */
  double lo, hi;
} AppAxis;

/** app_axis_place: 0 at lo, 1 at hi; beyond for values beyond */
double app_axis_place (const AppAxis *axis, double value);
/** app_axis_value: what stands at @place */
double app_axis_value (const AppAxis *axis, double place);
/** app_axis_ticks: about @wished round values in ascending order; returns how many */
guint
app_axis_ticks (const AppAxis *axis, guint wished, double ticks[APP_AXIS_MAX_TICKS]);
