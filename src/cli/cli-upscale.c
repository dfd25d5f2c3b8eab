/* cli-upscale.c: the upscale command
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-library.h"
#include "cli/cli-private.h"
#include "image/image.h"
#include "sd/sd-upscale.h"

#include <stdio.h>
#include <string.h>

typedef struct
{
  char *model, *output, *precision, *kernels;
  int tile, device, memory;
  gboolean quiet;
} Options;

static gboolean
check_numbers (const Options *o, GError **error)
{
  if (o->tile != G_MININT && (o->tile < 96 || o->tile > 4096))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "--tile is %d, but must be from 96 to 4096 pixels", o->tile);
  else if (o->device != G_MININT && o->device < 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "--device is %d, but must be a number that “devices” lists", o->device);
  else
    return TRUE;
  return FALSE;
}

static SdUpscaler *
open_upscaler (const Options *o, char **path, const BaseTask *task, GError **error)
{
  g_autoptr (SdLibrary) library = NULL;
  g_autoptr (StModel) model = NULL;
  SdPrecision precision;
  guint64 memory;

  if (!check_numbers (o, error) || !cli_take_kernels (o->kernels, error)
      || !cli_precision (o->precision, &precision, error)
      || !cli_memory_limit (o->memory, &memory, error)
      || (library = cli_library_new (error)) == NULL)
    return NULL;
  *path = cli_library_find_upscaler (library, o->model, task, error);
  if (*path == NULL)
    return NULL;
  model = st_model_open (*path, task, error);
  if (model == NULL)
    {
      g_prefix_error (error, "%s: ", *path);
      return NULL;
    }
  SdUpscaler *upscaler
      = sd_upscaler_new (model, MAX (o->device, -1), precision, memory, task, error);
  if (upscaler != NULL)
    sd_library_note_use (library, *path);
  return upscaler;
}

/* As A1111 notes it beside the parameters, which stay as they were. */
static ImageText *
note_new (const char *path, guint scale)
{
  g_autofree char *name = g_path_get_basename (path);
  char *dot = strrchr (name, '.');

  if (dot != NULL && g_ascii_strcasecmp (dot, ".safetensors") == 0)
    *dot = '\0';
  g_autofree char *plain = g_utf8_make_valid (name, -1);
  const char *quote = strpbrk (plain, ",:\"\n") != NULL ? "\"" : "";
  g_strdelimit (plain, "\"\n", ' ');
  g_autofree char *text
      = g_strdup_printf ("Postprocess upscale by: %u, Postprocess upscaler: %s%s%s",
                         scale, quote, plain, quote);
  return image_text_new ("postprocessing", text);
}

static gboolean
upscale (const Options *o, const char *input, const BaseTask *task, GError **error)
{
  g_autoptr (GPtrArray) texts = NULL;
  g_autoptr (ImageBuffer) image = image_png_load (input, &texts, error);
  g_autoptr (ImageBuffer) larger = NULL;
  g_autoptr (SdUpscaler) upscaler = NULL;
  g_autofree char *path = NULL;

  if (image == NULL)
    return FALSE;
  upscaler = open_upscaler (o, &path, task, error);
  if (upscaler == NULL)
    return FALSE;
  if (o->tile != G_MININT)
    sd_upscaler_set_tile (upscaler, (guint) o->tile);
  larger = sd_upscaler_run (upscaler, image, task, error);
  if (larger == NULL)
    return FALSE;
  if (texts == NULL)
    texts = image_texts_new ();
  g_ptr_array_add (texts, note_new (path, sd_upscaler_scale (upscaler)));
  return image_png_save (larger, o->output, texts, error);
}

static gboolean
parse_options (int *argc, char ***argv, Options *o, int *status)
{
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model,
      "A .safetensors file of ESRGAN's kind or a compact one, or a name that “models” "
      "lists",
      "FILE" },
    CLI_MODELS_DIR_ENTRY,
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output, "Where to save", "FILE.png" },
    { "tile", 0, 0, G_OPTION_ARG_INT, &o->tile,
      "Pieces of this many pixels a side; without: by the memory", "N" },
    { "device", 'd', 0, G_OPTION_ARG_INT, &o->device,
      "Number from calotype-cli devices; without: the best", "N" },
    { "precision", 0, 0, G_OPTION_ARG_FILENAME, &o->precision,
      "Of activations; auto is fp32 on processors", "auto|fp32|fp16" },
    CLI_KERNELS_OPTION (&o->kernels),
    { "memory-limit", 0, 0, G_OPTION_ARG_INT, &o->memory,
      "Device memory to use at most; smaller pieces are taken", "MIB" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "No progress", NULL },
    { NULL },
  };

  return cli_parse (argc, argv, entries, "INPUT.png",
                    "Makes a picture larger by a model made for that; what is written "
                    "in it is kept.",
                    status);
}

int
cli_upscale (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  CliProgress progress;
  Options o = { .tile = G_MININT, .device = G_MININT, .memory = G_MININT };
  int status;

  if (!parse_options (&argc, &argv, &o, &status))
    return status;
  if (argc != 2 || o.model == NULL || o.output == NULL)
    {
      fputs ("calotype-cli: one picture, --model and --output are needed; see "
             "calotype-cli upscale --help\n",
             stderr);
      return CLI_USAGE;
    }
  cli_progress_init (&progress, o.quiet);
  const BaseTask task = { cli_cancellable (), cli_progress_told, &progress };
  gboolean good
      = cli_check_output (o.output, &error) && upscale (&o, argv[1], &task, &error);
  cli_progress_clear (&progress);
  if (!good)
    return cli_fail (error);
  g_autofree char *shown = cli_printable (o.output, strlen (o.output));
  cli_print ("%s\n", shown);
  return CLI_OK;
}
