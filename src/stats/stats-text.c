/* stats-text.c: exact values as text and as JSON
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-json.h"
#include "stats/stats-private.h"

/* An integer type's value as it is, which a double may not hold. */
static gboolean
integer_value (const StatsTensor *stats, guint64 key, gint64 *number, guint64 *natural)
{
  const StatsSpace *space = stats_space (stats->dtype);

  if (!space->integer)
    return FALSE;
  guint64 code = stats_code_from_key (space, key);
  guint unused = 64 - space->bits;
  *natural = stats->dtype == ST_DTYPE_BOOL ? code != 0 : code;
  *number = (gint64) (code << unused) >> unused;
  return TRUE;
}

char *
stats_tensor_format_value (const StatsTensor *stats, StatsValue which, guint index)
{
  gint64 number;
  guint64 natural;

  if (!stats->summary.has_moments)
    return NULL;
  guint64 key = which == STATS_VALUE_MIN   ? stats->min_key
                : which == STATS_VALUE_MAX ? stats->max_key
                                           : stats->quantile_keys[index];
  if (!integer_value (stats, key, &number, &natural))
    return base_double_to_string (stats_key_value (stats->dtype, key) + 0.0);
  if (stats_space (stats->dtype)->order == STATS_ORDER_TWOS)
    return g_strdup_printf ("%" G_GINT64_FORMAT, number);
  return g_strdup_printf ("%" G_GUINT64_FORMAT, natural);
}

static void
write_value (const StatsTensor *stats, BaseJson *json, const char *name, guint64 key)
{
  gint64 number;
  guint64 natural;

  base_json_key (json, name);
  if (!stats->summary.has_moments)
    base_json_null (json);
  else if (!integer_value (stats, key, &number, &natural))
    base_json_double (json, stats_key_value (stats->dtype, key) + 0.0);
  else if (stats_space (stats->dtype)->order == STATS_ORDER_TWOS)
    base_json_int (json, number);
  else
    base_json_uint (json, natural);
}

static void
write_optional (BaseJson *json, const char *name, gboolean there, double value)
{
  base_json_key (json, name);
  if (there)
    base_json_double (json, value);
  else
    base_json_null (json);
}

static void
write_count (BaseJson *json, const char *name, guint64 count)
{
  base_json_key (json, name);
  base_json_uint (json, count);
}

void
stats_tensor_write_json (const StatsTensor *stats, BaseJson *json)
{
  /* The members of "quantiles" are a fixed part of the command line's answer. */
  static const struct
  {
    const char *name;
    guint index;
  } quantiles[] = { { "0.01", 1 }, { "0.05", 2 }, { "0.25", 3 }, { "0.5", 4 },
                    { "0.75", 5 }, { "0.95", 6 }, { "0.99", 7 } };
  const StatsSummary *summary = &stats->summary;

  write_count (json, "count", summary->count);
  write_count (json, "nan", summary->nan);
  write_count (json, "pos_inf", summary->pos_inf);
  write_count (json, "neg_inf", summary->neg_inf);
  write_count (json, "zero", summary->zero);
  write_count (json, "subnormal", summary->subnormal);
  if (summary->has_distinct)
    write_count (json, "distinct", summary->distinct);
  else
    write_optional (json, "distinct", FALSE, 0);
  write_optional (json, "entropy_bits", summary->has_distinct, summary->entropy_bits);
  write_value (stats, json, "min", stats->min_key);
  write_value (stats, json, "max", stats->max_key);
  write_optional (json, "mean", summary->has_moments, summary->mean);
  write_optional (json, "std", summary->has_moments, summary->std);
  base_json_key (json, "quantiles");
  base_json_begin_object (json);
  for (guint i = 0; i < G_N_ELEMENTS (quantiles); i++)
    write_value (stats, json, quantiles[i].name,
                 stats->quantile_keys[quantiles[i].index]);
  base_json_end_object (json);
}
