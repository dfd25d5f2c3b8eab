/* cli-bench.c: the bench command: what a device can do, and how near to it the networks
 * come
 *
 * The floor of a network is the longer of two times: its arithmetic at the rate of a
 * large product, and its bytes (weights once, activations written once and read once) at
 * the rate of a copy, both measured beside it. A convolution by Winograd's way needs a
 * quarter of the multiplications, so it can come below its floor.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-private.h"

#include <string.h>
#include "sd/sd.h"

typedef struct
{
  char *model, *kernels, *only;
  int device, width, height;
  gboolean json, profile, unguided;
  int memory;
} Options;

static double
floor_of (const SdBenchRow *row, const NnDeviceRates *rates)
{
  double arithmetic = rates->flops > 0 ? row->facts.flops / rates->flops : 0;
  double traffic = rates->bytes > 0 ? row->facts.ideal_bytes / rates->bytes : 0;

  return MAX (arithmetic, traffic);
}

/* ---- which kernels, how often ---- */

typedef struct
{
  const GpuTiming *timing; /* the first of its kind */
  guint count;
  double flops;
} Choice;

static int
more_flops_first (gconstpointer a, gconstpointer b)
{
  double x = ((const Choice *) a)->flops, y = ((const Choice *) b)->flops;

  return (x < y) - (x > y);
}

static GArray *
choices_of (const SdBenchRow *row)
{
  GArray *choices = g_array_new (FALSE, FALSE, sizeof (Choice));

  for (guint i = 0; row->dispatches != NULL && i < row->dispatches->len; i++)
    {
      const GpuTiming *t = &g_array_index (row->dispatches, GpuTiming, i);
      guint k = 0;

      while (k < choices->len)
        {
          const GpuTiming *other = g_array_index (choices, Choice, k).timing;

          if (g_strcmp0 (t->kernel, other->kernel) == 0
              && g_strcmp0 (t->variant, other->variant) == 0)
            break;
          k++;
        }
      if (k == choices->len)
        g_array_append_val (choices, ((Choice){ t, 0, 0 }));
      g_array_index (choices, Choice, k).count++;
      g_array_index (choices, Choice, k).flops += t->flops;
    }
  g_array_sort (choices, more_flops_first);
  return choices;
}

/* ---- in words ---- */

static void
print_rates (SdEngine *engine, const NnDeviceRates *rates)
{
  cli_print ("device    %s\n", sd_engine_device_name (engine));
  cli_print ("product   %.1f GFLOP/s", rates->flops * 1e-9);
  if (rates->processor_flops > 0)
    cli_print (" (%.1f per second of processor time)", rates->processor_flops * 1e-9);
  cli_print ("\ncopy      %.1f GB/s\ndispatch  %.1f µs\n\n", rates->bytes * 1e-9,
             rates->dispatch_seconds * 1e6);
}

static void
print_row (const SdBenchRow *row, const NnDeviceRates *rates)
{
  const NnProgramFacts *f = &row->facts;
  double floor = floor_of (row, rates);
  g_autoptr (GArray) choices = choices_of (row);

  cli_print ("%s, batch of %u: best of %u %.3f s, processors %.3f s; the first %.3f s\n",
             row->name, row->batch, row->repeats, row->seconds, row->processor_seconds,
             row->first_seconds);
  cli_print ("  floor %.3f s: %.2f × the floor\n", floor,
             floor > 0 ? row->seconds / floor : 0);
  cli_print ("  %.1f GFLOP, %.1f GFLOP/s\n", f->flops * 1e-9,
             f->flops / row->seconds * 1e-9);
  cli_print (
      "  %.1f MB moved, %.2f × (weights once, activations written and read once)\n",
      f->bytes * 1e-6, f->ideal_bytes > 0 ? f->bytes / f->ideal_bytes : 0);
  cli_print ("  %u operators, %u dispatches, %u barriers, %u levels\n", f->operators,
             f->dispatches, f->barriers, f->levels);
  for (guint i = 0; i < choices->len; i++)
    {
      const Choice *c = &g_array_index (choices, Choice, i);

      cli_print ("  %6u × %s %s\n", c->count, c->timing->kernel, c->timing->variant);
    }
}

/* ---- as JSON ---- */

static void
put_double (BaseJson *json, const char *key, double value)
{
  base_json_key (json, key);
  base_json_double (json, value);
}

static void
put_uint (BaseJson *json, const char *key, guint64 value)
{
  base_json_key (json, key);
  base_json_uint (json, value);
}

static void
put_string (BaseJson *json, const char *key, const char *value)
{
  base_json_key (json, key);
  base_json_string (json, value);
}

static void
put_row (BaseJson *json, const SdBenchRow *row, const NnDeviceRates *rates)
{
  const NnProgramFacts *f = &row->facts;
  g_autoptr (GArray) choices = choices_of (row);

  base_json_begin_object (json);
  put_string (json, "name", row->name);
  put_uint (json, "batch", row->batch);
  put_uint (json, "repeats", row->repeats);
  put_double (json, "seconds", row->seconds);
  put_double (json, "processor_seconds", row->processor_seconds);
  put_double (json, "first_seconds", row->first_seconds);
  put_double (json, "floor_seconds", floor_of (row, rates));
  put_double (json, "flops", f->flops);
  put_double (json, "bytes", f->bytes);
  put_double (json, "ideal_bytes", f->ideal_bytes);
  put_uint (json, "operators", f->operators);
  put_uint (json, "dispatches", f->dispatches);
  put_uint (json, "barriers", f->barriers);
  put_uint (json, "levels", f->levels);
  base_json_key (json, "kernels");
  base_json_begin_array (json);
  for (guint i = 0; i < choices->len; i++)
    {
      const Choice *c = &g_array_index (choices, Choice, i);

      base_json_begin_object (json);
      put_string (json, "name", c->timing->kernel);
      put_string (json, "variant", c->timing->variant);
      put_uint (json, "count", c->count);
      put_double (json, "flops", c->flops);
      base_json_end_object (json);
    }
  base_json_end_array (json);
  base_json_end_object (json);
}

static void
print_json (SdEngine *engine, const Options *o, const NnDeviceRates *rates, GArray *rows)
{
  g_autoptr (BaseJson) json = cli_json_new ();

  base_json_begin_object (json);
  put_string (json, "device", sd_engine_device_name (engine));
  put_double (json, "flops_per_second", rates->flops);
  put_double (json, "flops_per_processor_second", rates->processor_flops);
  put_double (json, "copy_bytes_per_second", rates->bytes);
  put_double (json, "dispatch_seconds", rates->dispatch_seconds);
  put_uint (json, "width", o->width);
  put_uint (json, "height", o->height);
  base_json_key (json, "networks");
  base_json_begin_array (json);
  for (guint i = 0; i < rows->len; i++)
    put_row (json, &g_array_index (rows, SdBenchRow, i), rates);
  base_json_end_array (json);
  base_json_end_object (json);
  cli_json_end (json);
}

/* ---- the command ---- */

static gboolean
run (const Options *o, SdEngine *engine, const BaseTask *task, GError **error)
{
  NnDeviceRates rates;
  g_autoptr (GArray) rows = NULL;
  const SdBenchParams params = { .width = (guint) o->width,
                                 .height = (guint) o->height,
                                 .unguided = o->unguided,
                                 .no_steps = g_strcmp0 (o->only, "decode") == 0,
                                 .no_decodes = g_strcmp0 (o->only, "step") == 0 };

  if (o->profile)
    sd_engine_set_profile (engine, TRUE);
  if (!sd_engine_rates (engine, &rates, task, error))
    return FALSE;
  rows = sd_engine_bench (engine, &params, task, error);
  if (rows == NULL)
    return FALSE;
  if (o->json)
    {
      print_json (engine, o, &rates, rows);
      return TRUE;
    }
  print_rates (engine, &rates);
  for (guint i = 0; i < rows->len; i++)
    print_row (&g_array_index (rows, SdBenchRow, i), &rates);
  if (o->profile)
    {
      g_autofree char *table = sd_engine_profile_table (engine);

      cli_print ("\n%s", table);
    }
  return TRUE;
}

static gboolean
take_words (const Options *o, GError **error)
{
  if (o->only != NULL && strcmp (o->only, "step") != 0 && strcmp (o->only, "decode") != 0)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--only is “%s”, but must be step or decode", o->only);
      return FALSE;
    }
  return cli_take_kernels (o->kernels, error);
}

int
cli_bench (int argc, char **argv)
{
  Options o = { .device = -1, .memory = G_MININT };
  guint64 memory = 0;
  int status;
  g_autoptr (GError) error = NULL;
  CliProgress progress;
  BaseTask task = { cli_cancellable (), cli_progress_told, &progress };
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model, "The model; else the bundled one",
      "FILE" },
    { "device", 0, 0, G_OPTION_ARG_INT, &o.device, "As `devices` counts them", "N" },
    { "width", 0, 0, G_OPTION_ARG_INT, &o.width, "Else the model's own", "PIXELS" },
    { "height", 0, 0, G_OPTION_ARG_INT, &o.height, "Else the model's own", "PIXELS" },
    { "memory-limit", 0, 0, G_OPTION_ARG_INT, &o.memory,
      "Device memory to use at most; without: what there is", "MIB" },
    { "profile", 0, 0, G_OPTION_ARG_NONE, &o.profile,
      "Each operator's share too; makes the whole slower", NULL },
    { "only", 0, 0, G_OPTION_ARG_STRING, &o.only, "One of the two", "step|decode" },
    { "unguided", 0, 0, G_OPTION_ARG_NONE, &o.unguided,
      "Steps without the negative prompt: half the batch", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "As JSON", NULL },
    CLI_KERNELS_OPTION (&o.kernels),
    { NULL },
  };

  if (!cli_parse (&argc, &argv, entries, NULL,
                  "Measures a device, then a model's step and decode on it, and prints "
                  "each beside the least time that the device could need. Where there "
                  "are several kernels for the same work the fastest is found first, "
                  "and kept for later.",
                  &status))
    {
      g_free (o.model);
      return status;
    }
  g_autofree char *kernels = o.kernels;
  g_autofree char *only = o.only;
  g_autofree char *model_path = o.model != NULL ? o.model : sd_bundled_model_path ();
  if (!take_words (&o, &error))
    return cli_fail (error);
  cli_progress_init (&progress, FALSE);
  g_autoptr (StModel) model = cli_memory_limit (o.memory, &memory, &error)
                                  ? st_model_open (model_path, NULL, &error)
                                  : NULL;
  g_autoptr (SdEngine) engine
      = model != NULL ? sd_engine_new_within (model, o.device, SD_PRECISION_AUTO, memory,
                                              &task, &error)
                      : NULL;
  if (engine == NULL)
    {
      cli_progress_clear (&progress);
      return cli_fail (error);
    }
  g_autoptr (SdParams) params = sd_params_new_for (sd_engine_info (engine));
  o.width = o.width != 0 ? o.width : (int) params->width;
  o.height = o.height != 0 ? o.height : (int) params->height;
  gboolean good = run (&o, engine, &task, &error);
  cli_progress_clear (&progress);
  return good ? CLI_OK : cli_fail (error);
}
