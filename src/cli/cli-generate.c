/* cli-generate.c: the generate and warm commands
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-extras.h"
#include "cli/cli-library.h"
#include "cli/cli-lora.h"
#include "cli/cli-pictures.h"
#include "cli/cli-private.h"
#include "cli/cli-prompt.h"
#include "cli/cli-source.h"
#include "sd/sd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Options as given; numbers below zero and NULLs mean: the model's default. */
typedef struct
{
  char *model, *prompt, *negative, *sampler, *schedule, *rng, *precision, *seed, *kernels;
  char *output, *noise_in, *latents_out;
  int width, height, steps, batch, device, memory;
  double cfg;
  gboolean profile, quiet;
} Options;

static gboolean
option_error (GError **error, const char *option, const char *value, const char *wanted)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s is “%s”, but must be %s", option, value, wanted);
  return FALSE;
}

static gboolean
check_texts (const Options *options, GError **error)
{
  if (options->prompt != NULL && cli_source.instruct != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--prompt and --instruct: an instruction stands in for the prompt; "
                   "give one of them");
      return FALSE;
    }
  if (options->prompt != NULL && !g_utf8_validate (options->prompt, -1, NULL))
    return option_error (error, "--prompt", "not UTF-8", "text in UTF-8");
  if (options->negative != NULL && !g_utf8_validate (options->negative, -1, NULL))
    return option_error (error, "--negative", "not UTF-8", "text in UTF-8");
  return TRUE;
}

static gboolean
fill_names (const Options *options, SdParams *params, GError **error)
{
  if (options->sampler != NULL
      && !sampler_parse (options->sampler, &params->sampler, &params->schedule, error))
    return FALSE;
  /* A1111's word for what each sampler has there by itself */
  if (options->schedule != NULL
      && g_ascii_strcasecmp (options->schedule, "automatic") == 0)
    params->schedule = params->sampler == SAMPLER_DPMPP_2M       ? SAMPLER_KARRAS
                       : params->sampler == SAMPLER_DPMPP_2M_SDE ? SAMPLER_EXPONENTIAL
                       : params->sampler == SAMPLER_DDIM         ? SAMPLER_DDIM_UNIFORM
                                                                 : SAMPLER_NORMAL;
  else if (options->schedule != NULL
           && !sampler_schedule_parse (options->schedule, &params->schedule, error))
    return FALSE;
  if (options->rng != NULL)
    {
      if (strcmp (options->rng, "cpu") == 0)
        params->rng = BASE_RANDOM_CPU;
      else if (strcmp (options->rng, "nv") == 0)
        params->rng = BASE_RANDOM_NV;
      else
        return option_error (error, "--rng", options->rng, "cpu or nv");
    }
  return TRUE;
}

/* A number that was typed: the defaults are G_MININT. How large it may be is checked with
 * the rest. */
static gboolean
fill_number (const char *option, int value, guint *to, GError **error)
{
  g_autofree char *typed = g_strdup_printf ("%d", value);

  if (value == G_MININT)
    return TRUE;
  if (value < 0)
    return option_error (error, option, typed, "above zero");
  *to = (guint) value;
  return TRUE;
}

/* What was said on the command line over what the model wishes. */
static SdParams *
make_params (const Options *options, const SdInfo *info, GError **error)
{
  g_autoptr (SdParams) params = sd_params_new_for (info);

  if (!check_texts (options, error) || !fill_names (options, params, error))
    return NULL;
  if (options->prompt != NULL)
    {
      g_free (params->prompt);
      params->prompt = g_strdup (options->prompt);
    }
  else if (sd_info_example (info) != NULL)
    {
      g_free (params->prompt);
      params->prompt = g_strdup (sd_info_example (info));
    }
  if (options->negative != NULL)
    {
      g_free (params->negative);
      params->negative = g_strdup (options->negative);
    }
  if (options->seed != NULL
      && !g_ascii_string_to_unsigned (options->seed, 10, 0, G_MAXUINT64, &params->seed,
                                      NULL))
    {
      option_error (error, "--seed", options->seed,
                    "a whole number from 0 to 18446744073709551615");
      return NULL;
    }
  if (options->seed == NULL)
    params->seed = g_random_int ();
  if (!fill_number ("--width", options->width, &params->width, error)
      || !fill_number ("--height", options->height, &params->height, error)
      || !fill_number ("--steps", options->steps, &params->steps, error)
      || !fill_number ("--batch", options->batch, &params->batch, error))
    return NULL;
  if (!isnan (options->cfg))
    params->cfg = options->cfg;
  if (!cli_source_fill (params, info, options->width, options->height, options->quiet,
                        error)
      || !cli_prompt_fill (params, error))
    return NULL;
  return sd_params_check_for (params, info, error) ? g_steal_pointer (&params) : NULL;
}

static gboolean
make_pictures (const Options *options,
               SdEngine *engine,
               const SdParams *params,
               const BaseTask *task,
               GError **error)
{
  g_autofree float *noise = NULL;
  g_autoptr (SdRun) run = NULL;

  if (options->noise_in != NULL
      && (noise = cli_read_noise (options->noise_in, params, error)) == NULL)
    return FALSE;
  run = cli_run (engine, params, noise, task, error);
  if (run == NULL)
    return FALSE;
  if (options->latents_out != NULL
      && !cli_write_latents (options->latents_out, run, params, error))
    return FALSE;
  return cli_save_pictures (options->output, engine, run, params, task, error);
}

/* With the files that it names. Before the weights are loaded: a typing error must not
 * cost a minute. */
static SdParams *
make_resolved (const Options *options,
               const SdInfo *info,
               SdLibrary *library,
               GError **error)
{
  g_autoptr (SdParams) wanted = make_params (options, info, error);

  if (wanted == NULL || !cli_loras_add (wanted, error)
      || !sd_library_resolve (library, wanted, error))
    return NULL;
  return g_steal_pointer (&wanted);
}

static SdEngine *
open_engine (const Options *options,
             const BaseTask *task,
             SdParams **params,
             GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (SdLibrary) library = NULL;
  g_autoptr (StModel) model = NULL;
  g_autoptr (SdInfo) info = NULL;
  g_autoptr (SdParams) wanted = NULL;
  SdPrecision precision;

  if (!cli_take_kernels (options->kernels, error))
    return NULL;
  if (options->device != G_MININT && options->device < 0)
    {
      g_autofree char *typed = g_strdup_printf ("%d", options->device);

      option_error (error, "--device", typed, "a number that “devices” lists");
      return NULL;
    }
  guint64 memory;
  if (!cli_precision (options->precision, &precision, error)
      || !cli_memory_limit (options->memory, &memory, error)
      || !cli_check_output (options->output, error)
      || !cli_check_output (options->latents_out, error))
    return NULL;
  library = cli_library_new (error);
  if (library == NULL)
    return NULL;
  path = options->model != NULL
             ? cli_library_find_model (library, options->model, task, error)
             : sd_bundled_model_path ();
  if (path == NULL)
    return NULL;
  model = st_model_open (path, task, error);
  if (model == NULL)
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  if (!cli_extras_attach (model, error))
    return NULL;
  info = sd_info_new (model);
  if (!info->can_generate)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_NOT_A_MODEL, "%s: %s. %s", path,
                   info->sentence, info->why_not);
      return NULL;
    }
  wanted = make_resolved (options, info, library, error);
  if (wanted == NULL)
    return NULL;
  SdEngine *engine = sd_engine_new_within (model, MAX (options->device, -1), precision,
                                           memory, task, error);
  if (engine != NULL)
    {
      *params = g_steal_pointer (&wanted);
      if (options->model != NULL)
        sd_library_note_use (library, path);
    }
  else if (error != NULL && *error != NULL && (*error)->domain == SD_ERROR)
    g_prefix_error (error, "%s: ", path);
  return engine;
}

static int
finish (const Options *options, SdEngine *engine, gboolean good, const GError *error)
{
  if (good && options->memory != G_MININT && !options->quiet)
    {
      g_autofree char *rungs = sd_rung_text (sd_engine_rungs (engine));

      fprintf (stderr, "calotype-cli: %.0f MiB of device memory at most%s%s\n",
               (double) sd_engine_memory_peak (engine) / (1 << 20),
               *rungs != '\0' ? "; " : "", rungs);
    }
  if (good && options->profile)
    {
      g_autofree char *table = sd_engine_profile_table (engine);

      fputs (table, stderr);
    }
  return good ? CLI_OK : cli_fail (error);
}

/* What no option said; --cfg stays text, since GOption reads numbers by the locale. */
static void
options_init (Options *o)
{
  *o = (Options){ .width = G_MININT,
                  .height = G_MININT,
                  .steps = G_MININT,
                  .batch = G_MININT,
                  .device = G_MININT,
                  .memory = G_MININT,
                  .cfg = NAN };
}

static gboolean
parse_options (int *argc, char ***argv, Options *o, char **cfg, int *status)
{
  /* Texts are taken as FILENAME, raw bytes: STRING would want them in the locale's
   * charset. */
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model,
      "A .safetensors file, a diffusers folder, or a name that “models” lists; without: "
      "the sample model",
      "FILE" },
    CLI_MODELS_DIR_ENTRY,
    CLI_EXTRAS_ENTRIES,
    CLI_LORA_ENTRY,
    { "prompt", 'p', 0, G_OPTION_ARG_FILENAME, &o->prompt,
      "What to show; without: an example of the model's", "TEXT" },
    { "negative", 'n', 0, G_OPTION_ARG_FILENAME, &o->negative, "What to avoid", "TEXT" },
    CLI_PROMPT_ENTRIES,
    { "width", 'W', 0, G_OPTION_ARG_INT, &o->width,
      "In pixels, a multiple of 8; without: the model's", "N" },
    { "height", 'H', 0, G_OPTION_ARG_INT, &o->height,
      "In pixels, a multiple of 8; without: the model's", "N" },
    { "steps", 0, 0, G_OPTION_ARG_INT, &o->steps, "Denoising steps", "N" },
    { "cfg", 0, 0, G_OPTION_ARG_FILENAME, cfg, "Guidance scale", "X" },
    { "seed", 's', 0, G_OPTION_ARG_FILENAME, &o->seed, "Seed; without: a new one", "N" },
    { "rng", 0, 0, G_OPTION_ARG_FILENAME, &o->rng,
      "Noise as torch makes it on the CPU, or as CUDA does", "cpu|nv" },
    { "sampler", 0, 0, G_OPTION_ARG_FILENAME, &o->sampler,
      "euler, euler_ancestral, heun, dpmpp_2m, ddim, lcm, dpmpp_2m_sde, or A1111's names",
      "NAME" },
    { "schedule", 0, 0, G_OPTION_ARG_FILENAME, &o->schedule,
      "normal, karras, exponential, sgm_uniform, simple, ddim_uniform, turbo", "NAME" },
    { "batch", 0, 0, G_OPTION_ARG_INT, &o->batch,
      "Pictures; number i has seed + i and is saved as NAME-i.png", "N" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output,
      "Where to save; without: calotype-SEED.png here", "FILE.png" },
    { "noise-in", 0, 0, G_OPTION_ARG_FILENAME, &o->noise_in,
      "Start from the tensor “noise” [N,4,h,w] of this file", "FILE" },
    { "latents-out", 0, 0, G_OPTION_ARG_FILENAME, &o->latents_out,
      "Save the final latents as tensor “latents”", "FILE" },
    { "device", 'd', 0, G_OPTION_ARG_INT, &o->device,
      "Number from calotype-cli devices; without: the best", "N" },
    { "precision", 0, 0, G_OPTION_ARG_FILENAME, &o->precision,
      "Of activations; auto is fp32 on processors", "auto|fp32|fp16" },
    CLI_KERNELS_OPTION (&o->kernels),
    { "profile", 0, 0, G_OPTION_ARG_NONE, &o->profile,
      "Tell the time of every operator at the end", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "No progress", NULL },
    { "memory-limit", 0, 0, G_OPTION_ARG_INT, &o->memory,
      "Device memory to use at most; slower ways that need less are taken", "MIB" },
    { NULL },
  };

  g_autofree GOptionEntry *all = cli_source_join (entries);
  return cli_parse (
      argc, argv, all, NULL,
      "Makes a picture from words, or from another picture, and tells where it "
      "was saved.",
      status);
}

static gboolean
parse_cfg (const char *text, double *cfg, GError **error)
{
  char *end;

  if (text == NULL)
    return TRUE;
  *cfg = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || !isfinite (*cfg))
    return option_error (error, "--cfg", text, "a number");
  return TRUE;
}

int
cli_generate (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = NULL;
  g_autoptr (SdParams) params = NULL;
  g_autofree char *cfg = NULL;
  CliProgress progress;
  Options o;
  int status;

  options_init (&o);
  if (!parse_options (&argc, &argv, &o, &cfg, &status))
    return status;
  cli_progress_init (&progress, o.quiet);
  BaseTask task = { cli_cancellable (), cli_progress_told, &progress };
  gboolean good = parse_cfg (cfg, &o.cfg, &error)
                  && (engine = open_engine (&o, &task, &params, &error)) != NULL;
  if (good && o.profile)
    sd_engine_set_profile (engine, TRUE);
  good = good && make_pictures (&o, engine, params, &task, &error);
  cli_progress_clear (&progress);
  return finish (&o, engine, good, error);
}

int
cli_warm (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = NULL;
  g_autoptr (SdParams) params = NULL;
  CliProgress progress;
  Options o;
  int status;
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
      "Whose shaders; without: the sample model's", "FILE" },
    { "device", 'd', 0, G_OPTION_ARG_INT, &o.device,
      "Number from calotype-cli devices; without: the best", "N" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o.quiet, "No progress", NULL },
    { NULL },
  };

  options_init (&o);
  if (!cli_parse (&argc, &argv, entries, NULL,
                  "Compiles every shader that a picture needs, so that the first one "
                  "does not wait.",
                  &status))
    return status;
  cli_progress_init (&progress, o.quiet);
  BaseTask task = { cli_cancellable (), cli_progress_told, &progress };
  gboolean good = (engine = open_engine (&o, &task, &params, &error)) != NULL
                  && sd_engine_warm (engine, params, &task, &error);
  cli_progress_clear (&progress);
  return good ? CLI_OK : cli_fail (error);
}
