/* cli-stats.c: the stats command: exact statistics of some or all tensors
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-json.h"
#include "cli/cli-private.h"
#include "stats/stats.h"

#include <string.h>

static void
json_head (BaseJson *json, const StModelTensor *entry)
{
  base_json_key (json, "name");
  base_json_string_n (json, entry->name, entry->name_length);
  st_tensor_write_json (entry->tensor, FALSE, json);
}

static void
print_human (const StModelTensor *entry, const StatsTensor *stats)
{
  const StatsSummary *summary = stats_tensor_summary (stats);

  g_autofree char *name = cli_printable (entry->name, entry->name_length);

  cli_print ("%s  %s  %" G_GUINT64_FORMAT " values\n", name,
             st_dtype_name (entry->tensor->dtype), summary->count);
  if (summary->has_moments)
    {
      g_autofree char *min = stats_tensor_format_value (stats, STATS_VALUE_MIN, 0);
      g_autofree char *max = stats_tensor_format_value (stats, STATS_VALUE_MAX, 0);

      cli_print ("  min %s  max %s  mean %.6g  std %.6g\n ", min, max, summary->mean,
                 summary->std);
      for (guint i = 0; i < STATS_N_QUANTILES; i++)
        cli_print (" %g%%: %.6g", 100 * stats_quantile_levels[i], summary->quantiles[i]);
      cli_print ("\n");
    }
  cli_print ("  NaN %" G_GUINT64_FORMAT "  +Inf %" G_GUINT64_FORMAT
             "  -Inf %" G_GUINT64_FORMAT "  zero %" G_GUINT64_FORMAT
             "  subnormal %" G_GUINT64_FORMAT,
             summary->nan, summary->pos_inf, summary->neg_inf, summary->zero,
             summary->subnormal);
  if (summary->has_distinct)
    cli_print ("  distinct %" G_GUINT64_FORMAT "  entropy %.4g bits", summary->distinct,
               summary->entropy_bits);
  cli_print ("\n");
}

/* The tensors that the operands name, or all; NULL with a fault that names the missing
 * one. */
static GPtrArray *
choose (StModel *model, char **names, int n, GError **error)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();

  if (n == 0)
    for (guint i = 0; i < st_model_n_tensors (model); i++)
      g_ptr_array_add (chosen, (gpointer) st_model_tensor (model, i));
  for (int i = 0; i < n; i++)
    {
      const StModelTensor *entry = st_model_find (model, names[i]);

      if (entry == NULL)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                       "there is no tensor “%s” in %s", names[i], st_model_path (model));
          return NULL;
        }
      g_ptr_array_add (chosen, (gpointer) entry);
    }
  return g_steal_pointer (&chosen);
}

static gboolean
answer (const char *path,
        GPtrArray *chosen,
        BaseJson *json,
        CliProgress *progress,
        GError **error)
{
  BaseTask task = { cli_cancellable (), cli_progress_told, progress };

  if (json != NULL)
    {
      base_json_begin_object (json);
      base_json_key (json, "file");
      base_json_string (json, path);
      base_json_key (json, "tensors");
      base_json_begin_array (json);
    }
  for (guint i = 0; i < chosen->len; i++)
    {
      const StModelTensor *entry = chosen->pdata[i];
      g_autoptr (StatsTensor) stats
          = stats_tensor_compute (entry->file, entry->tensor, &task, error);

      if (stats == NULL)
        {
          g_prefix_error (error, "%s: ", entry->name);
          return FALSE;
        }
      if (json != NULL)
        {
          base_json_begin_object (json);
          json_head (json, entry);
          stats_tensor_write_json (stats, json);
          base_json_end_object (json);
        }
      else
        {
          cli_progress_clear (progress);
          print_human (entry, stats);
        }
    }
  if (json != NULL)
    {
      base_json_end_array (json);
      base_json_end_object (json);
    }
  return TRUE;
}

int
cli_stats (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean as_json = FALSE, quiet = FALSE;
  CliProgress progress;
  int status;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One line of JSON", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "No progress", NULL },
    { NULL },
  };

  if (!cli_parse (&argc, &argv, entries, "FILE [TENSOR…]",
                  "Exact statistics over every value of the named tensors, or of all.",
                  &status))
    return status;
  if (argc < 2)
    {
      g_printerr ("calotype-cli: stats needs a file\n");
      return CLI_USAGE;
    }
  cli_progress_init (&progress, quiet);
  BaseTask task = { .cancellable = cli_cancellable () };
  g_autoptr (StModel) model = st_model_open (argv[1], &task, &error);
  if (model == NULL)
    {
      g_prefix_error (&error, "%s: ", argv[1]);
      return cli_fail (error);
    }
  g_autoptr (GPtrArray) chosen = choose (model, argv + 2, argc - 2, &error);
  if (chosen == NULL)
    return cli_fail (error);
  g_autoptr (BaseJson) json = as_json ? cli_json_new () : NULL;
  gboolean good = answer (argv[1], chosen, json, &progress, &error);
  cli_progress_clear (&progress);
  if (!good)
    return cli_fail (error);
  if (as_json)
    cli_json_end (json);
  return CLI_OK;
}
