/* cli-main.c: calotype-cli, everything the window does without a window
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-private.h"
#include "gpu/gpu.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct
{
  const char *name;
  CliCommand run;
  const char *help;
} commands[] = {
  { "inspect", cli_inspect, "what is in safetensors files, and whether they are sound" },
  { "stats", cli_stats, "exact statistics of tensors" },
  { "generate", cli_generate, "a picture from words" },
  { "upscale", cli_upscale, "a picture made larger by a model for that" },
  { "models", cli_models, "which models lie in the folders of models" },
  { "plan", cli_plan, "what a picture needs of memory, and whether it fits" },
  { "devices", cli_devices, "what pictures can be computed on" },
  { "bench", cli_bench, "how fast a device is, and how near to it a model comes" },
  { "warm", cli_warm, "compile all shaders for a device now" },
};

static void
print_help (FILE *out)
{
  fputs ("Usage: calotype-cli COMMAND [OPTION…]\n\nCommands:\n", out);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (out, "  %-10s %s\n", commands[i].name, commands[i].help);
  fputs ("\nEvery command answers to --help. calotype-cli --version tells the version.\n",
         out);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  /* Answers and messages are English everywhere: scripts read them, and people look for
   * them on the web. */
  setlocale (LC_MESSAGES, "C");
  /* Numbers are read and written with a point in every language. */
  setlocale (LC_NUMERIC, "C");
  gpu_prepare_process ();

  if (argc > 1 && strcmp (argv[1], "--version") == 0)
    {
      cli_print ("calotype-cli %s\n", BASE_VERSION);
      return cli_close_output (CLI_OK);
    }
  if (argc < 2 || strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "help") == 0)
    {
      print_help (argc < 2 ? stderr : stdout);
      return argc < 2 ? CLI_USAGE : CLI_OK;
    }
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (argv[1], commands[i].name) == 0)
      return cli_close_output (commands[i].run (argc - 1, argv + 1));
  fprintf (stderr, "calotype-cli: there is no command “%s”\n", argv[1]);
  print_help (stderr);
  return CLI_USAGE;
}
