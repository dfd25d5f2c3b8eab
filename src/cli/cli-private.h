/* cli-private.h: what the commands of calotype-cli share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>
#include "base/base-json.h"
#include "base/base-task.h"
#include "sd/sd.h"

/* Exit statuses: 0 done; 1 refused, failed or cancelled; 2 the command line makes no
 * sense. */
enum
{
  CLI_OK = 0,
  CLI_FAILED = 1,
  CLI_USAGE = 2,
};

/** CliCommand: @argv[0] is the command's name */
typedef int (*CliCommand) (int argc, char **argv);

int cli_inspect (int argc, char **argv);
int cli_stats (int argc, char **argv);
int cli_devices (int argc, char **argv);
int cli_generate (int argc, char **argv);
int cli_warm (int argc, char **argv);
int cli_bench (int argc, char **argv);
int cli_plan (int argc, char **argv);
int cli_models (int argc, char **argv);
int cli_upscale (int argc, char **argv);

/**
 * cli_parse: options into their places; what remains are operands
 * @operands: what to call them in the help, or NULL for none allowed
 *
 * Returns: FALSE when the program must end with *@status: after --help or a fault, which
 * has been said.
 */
gboolean cli_parse (int *argc,
                    char ***argv,
                    const GOptionEntry *entries,
                    const char *operands,
                    const char *summary,
                    int *status);

/* To standard output, in UTF-8 whatever the locale says. */
void cli_print (const char *format, ...) G_GNUC_PRINTF (1, 2);
void cli_print_n (const char *text, gsize length);
/**
 * cli_json_new: writes to standard output while the answer is made, which may be long
 *
 * An answer that is broken off stays without its end, so that no part of it can be taken
 * for the whole; cli_json_end() ends it with the line.
 */
BaseJson *cli_json_new (void);
void cli_json_end (BaseJson *json);
/** cli_printable: (transfer full): control characters as \\u001b: a name from a file must
 * not steer the terminal; bytes that are not UTF-8 as U+FFFD */
char *cli_printable (const char *text, gsize length);
/** cli_shape_text: (transfer full): "[2, 3]" */
char *cli_shape_text (const StTensor *tensor);
/** cli_close_output: @status, or CLI_FAILED when standard output could not be written */
int cli_close_output (int status);
/** cli_take_kernels: (nullable) @name: which family of kernels computes in this process
 */
gboolean cli_take_kernels (const char *name, GError **error);
#define CLI_KERNELS_OPTION(place)                                                        \
  {                                                                                      \
    "kernels", 0, 0, G_OPTION_ARG_FILENAME, place,                                       \
        "Which kernels compute, for diagnosis; auto takes the best that the device has", \
        "auto|direct|staged|matrix"                                                      \
  }
/** cli_fail: "calotype-cli: message" to standard error; returns CLI_FAILED */
int cli_fail (const GError *error);

/** cli_check_output: before anything is loaded: a folder that is not there must not cost
 * a picture; @path: (nullable): where to save */
gboolean cli_check_output (const char *path, GError **error);
/** cli_precision: @text: (nullable): of --precision */
gboolean cli_precision (const char *text, SdPrecision *precision, GError **error);
/** cli_memory_limit: @mib: of --memory-limit, G_MININT: not given → bytes, 0: none */
gboolean cli_memory_limit (int mib, guint64 *bytes, GError **error);

/* A line on the terminal that says how far a job is; quiet when standard error is none.
 */
typedef struct
{
  gboolean shown, quiet;
  gint64 next;      /* monotonic time before which nothing is redrawn */
  guint step_total; /* not 0: "step" is told by us, not by the engine's units */
} CliProgress;

void cli_progress_init (CliProgress *progress, gboolean quiet);
void
cli_progress_told (const char *stage, guint64 done, guint64 total, gpointer progress);
void cli_progress_clear (CliProgress *progress);

/** cli_cancellable: cancelled by Ctrl+C or a polite kill. The first call must come before
 * any thread is started. */
GCancellable *cli_cancellable (void);
