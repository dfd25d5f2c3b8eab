/* app-axis.c: where values stand on an axis, and which of them get a tick
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-axis.h"

#include <math.h>

double
app_axis_place (const AppAxis *axis, double value)
{
  double lo = stats_scale_map (axis->scale, axis->linear_width, axis->lo);
  double hi = stats_scale_map (axis->scale, axis->linear_width, axis->hi);

  return (stats_scale_map (axis->scale, axis->linear_width, value) - lo) / (hi - lo);
}

double
app_axis_value (const AppAxis *axis, double place)
{
  double lo = stats_scale_map (axis->scale, axis->linear_width, axis->lo);
  double hi = stats_scale_map (axis->scale, axis->linear_width, axis->hi);

  return stats_scale_unmap (axis->scale, axis->linear_width, lo + place * (hi - lo));
}

/* The round step (1, 2, 2.5 or 5 times a power of ten) that comes nearest to the wish. */
static guint
linear_ticks (const AppAxis *axis, guint wished, double ticks[APP_AXIS_MAX_TICKS])
{
  static const double steps[] = { 1, 2, 2.5, 5, 10 };
  double wish = (axis->hi - axis->lo) / wished, power = pow (10, floor (log10 (wish)));
  double step = power, first;
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      if (fabs (steps[i] * power - wish) < fabs (step - wish))
        step = steps[i] * power;
    }
  first = ceil (axis->lo / step - 1e-9);
  for (double i = first; i * step <= axis->hi + step * 1e-9 && n < APP_AXIS_MAX_TICKS;
       i++)
    ticks[n++] = i == 0 ? 0 : i * step;
  return n;
}

/* Whether a tick at @value would stand clear of the one at zero. */
static gboolean
is_clear (const AppAxis *axis, guint wished, double value)
{
  double place = app_axis_place (axis, value);

  return value >= axis->lo && value <= axis->hi
         && (axis->lo > 0 || axis->hi < 0
             || fabs (place - app_axis_place (axis, 0)) > 0.6 / wished);
}

/* Zero and powers of ten, with a stride so that they do not crowd. */
static guint
symlog_ticks (const AppAxis *axis, guint wished, double ticks[APP_AXIS_MAX_TICKS])
{
  double reach = MAX (fabs (axis->lo), fabs (axis->hi));
  int last = (int) floor (log10 (reach)), first = (int) ceil (log10 (axis->linear_width));
  gboolean both = axis->lo < 0 && axis->hi > 0;
  int side = MAX (1, (int) (both ? (wished - 1) / 2 : wished));
  int stride = MAX (1, (last - first + side) / side);
  guint n = 0;

  for (int e = last; e >= first && n < APP_AXIS_MAX_TICKS / 2; e -= stride)
    {
      if (is_clear (axis, wished, -pow (10, e)))
        ticks[n++] = -pow (10, e);
    }
  if (axis->lo <= 0 && axis->hi >= 0)
    ticks[n++] = 0;
  for (int e = last - MAX (last - first, 0) / stride * stride;
       e <= last && n < APP_AXIS_MAX_TICKS; e += stride)
    {
      if (is_clear (axis, wished, pow (10, e)))
        ticks[n++] = pow (10, e);
    }
  return n;
}

guint
app_axis_ticks (const AppAxis *axis, guint wished, double ticks[APP_AXIS_MAX_TICKS])
{
  guint n = 0;

  if (axis->scale == STATS_SCALE_SYMLOG)
    n = symlog_ticks (axis, wished, ticks);
  /* A short stretch of a logarithmic axis may hold no power of ten. */
  return n >= 2 ? n : linear_ticks (axis, wished, ticks);
}
