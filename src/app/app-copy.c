/* app-copy.c: statistics and tensors as text for other programs
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-copy.h"

#include <math.h>
#include <string.h>

/* ---- a table ---- */

static void
append_cell (GString *names, GString *values, const char *name, const char *value)
{
  g_string_append_printf (names, "%s%s", names->len > 0 ? "\t" : "", name);
  g_string_append_printf (values, "%s%s", values->len > 0 ? "\t" : "", value);
}

static void
append_count (GString *names, GString *values, const char *name, guint64 count)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, count);

  append_cell (names, values, name, text);
}

static void
append_number (GString *names, GString *values, const char *name, double value)
{
  g_autofree char *text = isnan (value) ? g_strdup ("") : base_double_to_string (value);

  append_cell (names, values, name, text);
}

static void
append_exact (GString *names,
              GString *values,
              const char *name,
              const StatsTensor *stats,
              StatsValue which,
              guint index)
{
  g_autofree char *text = stats_tensor_format_value (stats, which, index);

  append_cell (names, values, name, text != NULL ? text : "");
}

char *
app_copy_tsv (const char *name, const StatsTensor *stats)
{
  const StatsSummary *summary = stats_tensor_summary (stats);
  g_autoptr (GString) names = g_string_new (NULL), values = g_string_new (NULL);
  g_autofree char *plain = g_strdelimit (g_strdup (name), "\t\n\r", ' ');

  append_cell (names, values, "name", plain);
  append_count (names, values, "count", summary->count);
  append_count (names, values, "nan", summary->nan);
  append_count (names, values, "pos_inf", summary->pos_inf);
  append_count (names, values, "neg_inf", summary->neg_inf);
  append_count (names, values, "zero", summary->zero);
  append_count (names, values, "subnormal", summary->subnormal);
  append_exact (names, values, "min", stats, STATS_VALUE_MIN, 0);
  append_exact (names, values, "max", stats, STATS_VALUE_MAX, 0);
  append_number (names, values, "mean", summary->has_moments ? summary->mean : NAN);
  append_number (names, values, "std", summary->has_moments ? summary->std : NAN);
  for (guint i = 0; i < STATS_N_QUANTILES; i++)
    {
      g_autofree char *level = base_double_to_string (stats_quantile_levels[i]);
      append_exact (names, values, level, stats, STATS_VALUE_QUANTILE, i);
    }
  return g_strdup_printf ("%s\n%s\n", names->str, values->str);
}

/* ---- JSON ---- */

char *
app_copy_json (const char *name, const StTensor *tensor, const StatsTensor *stats)
{
  g_autoptr (BaseJson) json = base_json_new (TRUE);

  base_json_begin_object (json);
  base_json_key (json, "name");
  base_json_string (json, name);
  if (tensor != NULL)
    {
      base_json_key (json, "dtype");
      base_json_string (json, st_dtype_name (tensor->dtype));
      base_json_key (json, "shape");
      base_json_begin_array (json);
      for (guint i = 0; i < tensor->rank; i++)
        base_json_uint (json, tensor->shape[i]);
      base_json_end_array (json);
    }
  stats_tensor_write_json (stats, json);
  base_json_end_object (json);
  return base_json_steal (json, NULL);
}

/* ---- Python ---- */

/* A Python string literal; JSON's escapes are all Python's too. */
static char *
quote (const char *text, gsize length)
{
  g_autoptr (BaseJson) json = base_json_new (FALSE);

  base_json_string_n (json, text, length);
  return base_json_steal (json, NULL);
}

char *
app_copy_python (AppModel *model, const StNode *node)
{
  StFile *file = st_model_file (app_model_get_model (model), 0);
  g_autofree char *path = NULL, *name = NULL, *prefix = NULL;

  if (node->tensor != NULL)
    {
      path = quote (st_file_path (node->tensor->file),
                    strlen (st_file_path (node->tensor->file)));
      name = quote (node->tensor->tensor->name, node->tensor->tensor->name_length);
      return g_strdup_printf ("import safetensors; tensor = safetensors.safe_open(%s, "
                              "framework=\"np\").get_tensor(%s)\n",
                              path, name);
    }
  path = quote (st_file_path (file), strlen (st_file_path (file)));
  prefix = quote (node->path, strlen (node->path));
  return g_strdup_printf ("import safetensors; f = safetensors.safe_open(%s, "
                          "framework=\"np\"); tensors = {k: f.get_tensor(k) for k in "
                          "f.keys() if k.startswith(%s)}\n",
                          path, prefix);
}
