/* test-app-format.c: numbers, shapes and axes as people read them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>

#include "app/app-axis.h"
#include "app/app-format.h"

#define L "\u2066"
#define P "\u2069"
#define M "\u2212"

static void
check (char *text, const char *wanted)
{
  g_assert_cmpstr (text, ==, wanted);
  g_free (text);
}

static void
test_values (void)
{
  check (app_format_value (0), "0");
  check (app_format_value (-0.0), "0");
  check (app_format_value (0.0309876), "0.03099");
  check (app_format_value (-0.213), L M "0.2130" P);
  check (app_format_value (1234.5678), "1,235");
  check (app_format_value (99999.9), "100,000");
  check (app_format_value (1.2e-5), L "1.200×10⁻⁵" P);
  check (app_format_value (-3.5e12), L M "3.500×10¹²" P);
  check (app_format_value (9.99999e-5), L "1.000×10⁻⁴" P);
  check (app_format_value (NAN), "NaN");
  check (app_format_value (-INFINITY), L M "∞" P);
  check (app_format_aligned (0.0002, 0.213), L "2.00×10⁻⁴" P);
  check (app_format_aligned (0.031, 0.213), "0.0310");
  check (app_format_aligned (-0.213, 0.213), L M "0.2130" P);
  check (app_format_tick (-0.05), L M "0.05" P);
  check (app_format_tick (2500), "2,500");
  check (app_format_tick (0), "0");
  check (app_format_tick (1e-6), L "1×10⁻⁶" P);
}

static void
test_counts (void)
{
  const guint64 shape[] = { 320, 640, 3, 1 };

  check (app_format_count (0), "0");
  check (app_format_count (999), "999");
  check (app_format_count (102400), "102,400");
  check (app_format_count (G_MAXUINT64), "18,446,744,073,709,551,615");
  check (app_format_percent (1, 3), "33 %");
  check (app_format_percent (0, 3), "0 %");
  check (app_format_percent (3, 3), "100 %");
  check (app_format_percent (99999, 100000), "99.99 %");
  check (app_format_percent (1, 1000000), "< 0.01 %");
  check (app_format_shape (shape, 4), L "320 × 640 × 3 × 1" P);
  check (app_format_shape (shape, 0), "scalar");
  check (app_format_range ("1", "2"), L "1 … 2" P);
  check (app_format_dtypes ((1u << ST_DTYPE_F16) | (1u << ST_DTYPE_F32)), "F16, F32");
}

/* Two to eight ticks, in order, on the axis, zero among them where it is in range. */
static void
check_axis (StatsScale scale, double width, double lo, double hi, guint wished)
{
  AppAxis axis = { scale, width, lo, hi };
  double ticks[APP_AXIS_MAX_TICKS];
  guint n = app_axis_ticks (&axis, wished, ticks);
  gboolean zero = FALSE;

  g_assert_cmpuint (n, >=, 1);
  g_assert_cmpuint (n, <=, APP_AXIS_MAX_TICKS);
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpfloat (app_axis_place (&axis, ticks[i]), >=, -1e-6);
      g_assert_cmpfloat (app_axis_place (&axis, ticks[i]), <=, 1 + 1e-6);
      g_assert_true (i == 0 || ticks[i] > ticks[i - 1]);
      zero |= ticks[i] == 0;
    }
  if (lo < 0 && hi > 0)
    g_assert_true (zero);
}

static void
test_axis (void)
{
  AppAxis axis = { STATS_SCALE_SYMLOG, 0.01, -3, 5 };

  for (guint wished = 2; wished <= 5; wished++)
    {
      check_axis (STATS_SCALE_LINEAR, 0, -0.1, 0.1, wished);
      check_axis (STATS_SCALE_LINEAR, 0, -1e-7, 3e-7, wished);
      check_axis (STATS_SCALE_LINEAR, 0, 0.7, 1.3, wished);
      check_axis (STATS_SCALE_LINEAR, 0, -4e30, 4e30, wished);
      check_axis (STATS_SCALE_SYMLOG, 1e-4, -0.15, 0.14, wished);
      check_axis (STATS_SCALE_SYMLOG, 1e-8, -1e3, 1e6, wished);
      check_axis (STATS_SCALE_SYMLOG, 0.1, 0.2, 0.3, wished);
    }
  for (double place = 0; place <= 1; place += 0.125)
    g_assert_cmpfloat_with_epsilon (app_axis_place (&axis, app_axis_value (&axis, place)),
                                    place, 1e-9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/app/format/values", test_values);
  g_test_add_func ("/app/format/counts", test_counts);
  g_test_add_func ("/app/axis", test_axis);
  return g_test_run ();
}
