/* cli-plan.c: the plan command: what a picture will need, before anything is allocated
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-json.h"
#include "cli/cli-library.h"
#include "cli/cli-private.h"
#include "sd/sd.h"

#include <math.h>

typedef struct
{
  char *model, *precision, *cfg;
  int width, height, steps, batch, device, memory;
  gboolean json;
} Options;

static const char *const rung_names[SD_N_RUNGS]
    = { "turns", "split", "bands", "tiles", "stream", "q8_0", "cpu" };

static void
json_uint (BaseJson *json, const char *key, guint64 value)
{
  base_json_key (json, key);
  base_json_uint (json, value);
}

static void
json_stages (BaseJson *json, const SdPlan *plan)
{
  base_json_key (json, "stages");
  base_json_begin_array (json);
  for (guint i = 0; i < SD_PLAN_STAGES; i++)
    {
      const SdPlanStage *stage = &plan->stages[i];

      if (i == SD_PLAN_STAGES - 1 && stage->arena == 0) /* no picture is encoded */
        continue;
      base_json_begin_object (json);
      base_json_key (json, "name");
      base_json_string (json, stage->name);
      json_uint (json, "resident_bytes", stage->resident);
      json_uint (json, "streamed_bytes", stage->streamed);
      json_uint (json, "arena_bytes", stage->arena);
      base_json_key (json, "flops");
      base_json_double (json, stage->flops);
      base_json_end_object (json);
    }
  base_json_end_array (json);
}

static void
print_json (const SdPlan *plan)
{
  g_autoptr (BaseJson) json = base_json_new (FALSE);
  gsize length;

  base_json_begin_object (json);
  base_json_key (json, "device");
  base_json_string (json, plan->device);
  base_json_key (json, "precision");
  base_json_string (json, plan->half ? "fp16" : "fp32");
  json_uint (json, "width", plan->width);
  json_uint (json, "height", plan->height);
  base_json_key (json, "fits");
  base_json_bool (json, plan->fits);
  base_json_key (json, "why_not");
  base_json_string (json, plan->why_not);
  base_json_key (json, "rungs");
  base_json_begin_array (json);
  for (guint i = 0; i < SD_N_RUNGS; i++)
    if (plan->rungs & 1u << i)
      base_json_string (json, rung_names[i]);
  base_json_end_array (json);
  json_uint (json, "budget_bytes", plan->budget);
  json_uint (json, "device_bytes", plan->device_bytes);
  json_uint (json, "host_bytes", plan->host_bytes);
  json_uint (json, "state_bytes", plan->states);
  json_stages (json, plan);
  base_json_key (json, "seconds");
  base_json_double (json, plan->seconds);
  base_json_end_object (json);
  g_autofree char *text = base_json_steal (json, &length);
  cli_print_n (text, length);
  cli_print ("\n");
}

static double
mib (guint64 bytes)
{
  return (double) bytes / (1 << 20);
}

static void
print_text (const SdPlan *plan)
{
  g_autofree char *rungs = sd_rung_text (plan->rungs);

  cli_print ("%s, %s, %u×%u: %s%s%s\n", plan->device, plan->half ? "fp16" : "fp32",
             plan->width, plan->height, plan->fits ? "fits" : "does not fit",
             *rungs != '\0' ? ": " : "", rungs);
  if (plan->why_not != NULL)
    cli_print ("%s\n", plan->why_not);
  cli_print ("\n%-10s %14s %14s %14s\n", "MiB", "weights", "streamed", "arena");
  for (guint i = 0; i < SD_PLAN_STAGES; i++)
    if (i < SD_PLAN_STAGES - 1 || plan->stages[i].arena > 0)
      cli_print ("%-10s %14.1f %14.1f %14.1f\n", plan->stages[i].name,
                 mib (plan->stages[i].resident), mib (plan->stages[i].streamed),
                 mib (plan->stages[i].arena));
  cli_print ("\nDevice memory at most %.1f of %.1f MiB; host memory about %.1f MiB\n",
             mib (plan->device_bytes), mib (plan->budget), mib (plan->host_bytes));
  if (plan->seconds > 0)
    cli_print ("About %.*f s by what this device did before\n", plan->seconds < 10,
               plan->seconds);
}

static void
fill (guint *to, int given)
{
  if (given != G_MININT)
    *to = given < 0 ? 0 : (guint) given;
}

static SdPlan *
make_plan (const Options *o, GError **error)
{
  g_autoptr (SdLibrary) library = cli_library_new (error);
  g_autofree char *path = NULL;
  g_autoptr (StModel) model = NULL;
  SdPrecision precision;
  guint64 memory;

  if (library == NULL)
    return NULL;
  path = o->model != NULL ? cli_library_find_model (library, o->model, NULL, error)
                          : sd_bundled_model_path ();
  if (path == NULL)
    return NULL;
  model = st_model_open (path, NULL, error);
  if (model == NULL)
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_autoptr (SdParams) params = sd_params_new_for (info);
  if (!cli_precision (o->precision, &precision, error)
      || !cli_memory_limit (o->memory, &memory, error))
    return NULL;
  fill (&params->width, o->width);
  fill (&params->height, o->height);
  fill (&params->steps, o->steps);
  fill (&params->batch, o->batch);
  if (o->cfg != NULL)
    params->cfg = g_ascii_strtod (o->cfg, NULL);
  return sd_plan_new (model, params, MAX (o->device, -1), precision, memory, error);
}

int
cli_plan (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Options o = { .width = G_MININT,
                .height = G_MININT,
                .steps = G_MININT,
                .batch = G_MININT,
                .device = -1,
                .memory = G_MININT };
  int status;
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
      "A .safetensors file, a diffusers folder, or a name that “models” lists; without: "
      "the sample model",
      "FILE" },
    CLI_MODELS_DIR_ENTRY,
    { "width", 'W', 0, G_OPTION_ARG_INT, &o.width, "In pixels; without: the model's",
      "N" },
    { "height", 'H', 0, G_OPTION_ARG_INT, &o.height, "In pixels; without: the model's",
      "N" },
    { "steps", 0, 0, G_OPTION_ARG_INT, &o.steps, "Denoising steps", "N" },
    { "cfg", 0, 0, G_OPTION_ARG_FILENAME, &o.cfg, "Guidance scale; 1: none", "X" },
    { "batch", 0, 0, G_OPTION_ARG_INT, &o.batch, "Pictures", "N" },
    { "device", 'd', 0, G_OPTION_ARG_INT, &o.device,
      "Number from calotype-cli devices; without: the best", "N" },
    { "precision", 0, 0, G_OPTION_ARG_FILENAME, &o.precision, "Of activations",
      "auto|fp32|fp16" },
    { "memory-limit", 0, 0, G_OPTION_ARG_INT, &o.memory,
      "Device memory to use at most; without: what there is", "MIB" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "As a JSON object", NULL },
    { NULL },
  };

  if (!cli_parse (&argc, &argv, entries, NULL,
                  "Tells what a picture needs of a device's memory, without computing or "
                  "allocating anything. Ends with 1 where it does not fit.",
                  &status))
    return status;
  g_autoptr (SdPlan) plan = make_plan (&o, &error);
  if (plan == NULL)
    return cli_fail (error);
  if (o.json)
    print_json (plan);
  else
    print_text (plan);
  return plan->fits ? CLI_OK : CLI_FAILED;
}
