/* cli-common.c: options, output, progress and Ctrl+C for every command
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "nn/nn.h"

gboolean
cli_parse (int *argc,
           char ***argv,
           const GOptionEntry *entries,
           const char *operands,
           const char *summary,
           int *status)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (operands);

  g_option_context_set_summary (context, summary);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  g_autofree char *program = g_strdup_printf ("calotype-cli %s", (*argv)[0]);
  g_set_prgname (program);
  *status = CLI_USAGE;
  if (!g_option_context_parse (context, argc, argv, &error))
    {
      cli_fail (error);
      fprintf (stderr, "Try “%s --help”.\n", program);
      return FALSE;
    }
  if (operands == NULL && *argc > 1)
    {
      fprintf (stderr, "calotype-cli: “%s” is not expected here\n", (*argv)[1]);
      return FALSE;
    }
  return TRUE;
}

void
cli_print_n (const char *text, gsize length)
{
  fwrite (text, 1, length, stdout);
}

void
cli_print (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  cli_print_n (text, strlen (text));
}

static void
print_piece (const char *text, gsize length, gpointer user_data)
{
  cli_print_n (text, length);
}

BaseJson *
cli_json_new (void)
{
  BaseJson *json = base_json_new (FALSE);

  base_json_set_sink (json, print_piece, NULL);
  return json;
}

void
cli_json_end (BaseJson *json)
{
  base_json_flush (json);
  cli_print ("\n");
}

char *
cli_printable (const char *text, gsize length)
{
  GString *out = g_string_sized_new (length);

  for (const char *p = text; p < text + length;)
    {
      gunichar c = g_utf8_get_char_validated (p, text + length - p);
      gboolean valid = *p == '\0' || (gint32) c >= 0;

      if (*p == '\0') /* a tensor may be named so, though GLib refuses it */
        c = 0;
      if (!valid)
        g_string_append (out, "\357\277\275");
      else if (g_unichar_isprint (c))
        g_string_append_unichar (out, c);
      else
        g_string_append_printf (out, "\\u%04x", c);
      p = valid ? g_utf8_next_char (p) : p + 1;
    }
  return g_string_free (out, FALSE);
}

char *
cli_shape_text (const StTensor *tensor)
{
  GString *out = g_string_new ("[");

  for (guint i = 0; i < tensor->rank; i++)
    g_string_append_printf (out, i ? ", %" G_GUINT64_FORMAT : "%" G_GUINT64_FORMAT,
                            tensor->shape[i]);
  return g_string_free (g_string_append_c (out, ']'), FALSE);
}

int
cli_fail (const GError *error)
{
  g_autofree char *message = cli_printable (error->message, strlen (error->message));

  fprintf (stderr, "calotype-cli: %s\n", message);
  return CLI_FAILED;
}

int
cli_close_output (int status)
{
  gboolean had_fault = ferror (stdout) != 0;

  errno = 0;
  if (fclose (stdout) == 0 && !had_fault)
    return status;
  fprintf (stderr, "calotype-cli: the answer could not be written: %s\n",
           errno != 0 ? g_strerror (errno) : "the output failed");
  return CLI_FAILED;
}

gboolean
cli_precision (const char *text, SdPrecision *precision, GError **error)
{
  *precision = SD_PRECISION_AUTO;
  if (text == NULL || strcmp (text, "auto") == 0)
    return TRUE;
  if (strcmp (text, "fp32") == 0)
    *precision = SD_PRECISION_FP32;
  else if (strcmp (text, "fp16") == 0)
    *precision = SD_PRECISION_FP16;
  else
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "--precision is “%s”, but must be auto, fp32 or fp16", text);
  return *precision != SD_PRECISION_AUTO;
}

gboolean
cli_memory_limit (int mib, guint64 *bytes, GError **error)
{
  *bytes = mib > 0 ? (guint64) mib << 20 : 0;
  if (mib > 0 || mib == G_MININT)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "--memory-limit is %d, but must be a number of MiB above zero", mib);
  return FALSE;
}

void
cli_progress_init (CliProgress *progress, gboolean quiet)
{
  *progress = (CliProgress){ .quiet = quiet || !isatty (STDERR_FILENO) };
}

static const char *
stage_words (const char *stage)
{
  static const struct
  {
    const char *stage, *words;
  } table[] = {
    { "header", "Reading the header" },
    { "statistics", "Counting" },
    { "models", "Looking at models" },
    { "weights", "Loading the model" },
    { "kernels", "Compiling shaders" },
    { "lora", "Applying LoRAs" },
    { "text", "Encoding the prompt" },
    { "encode", "Encoding the picture" },
    { "step", "Step" },
    { "decode", "Decoding" },
    { "upscale", "Enlarging" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (strcmp (table[i].stage, stage) == 0)
      return table[i].words;
  return NULL; /* "compute" and other inner stages have nothing to say to a person */
}

void
cli_progress_told (const char *stage, guint64 done, guint64 total, gpointer data)
{
  CliProgress *progress = data;
  const char *words = stage_words (stage);
  gint64 now = g_get_monotonic_time ();

  if (progress->quiet || words == NULL || (now < progress->next && done != total))
    return;
  progress->next = now + G_USEC_PER_SEC / 20;
  progress->shown = TRUE;
  if (total > 10000)
    fprintf (stderr, "\r\033[K%s, %.0f %%", words,
             100.0 * (double) done / (double) total);
  else if (total > 0)
    fprintf (stderr, "\r\033[K%s %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, words,
             done, total);
  else
    fprintf (stderr, "\r\033[K%s…", words);
  fflush (stderr);
}

void
cli_progress_clear (CliProgress *progress)
{
  if (progress->shown)
    fputs ("\r\033[K", stderr);
  progress->shown = FALSE;
}

static gpointer
wait_for_signal (gpointer data)
{
  GCancellable *cancellable = data;
  sigset_t set;
  int number;

  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  sigwait (&set, &number);
  g_cancellable_cancel (cancellable);
  /* The second press ends at once. */
  pthread_sigmask (SIG_UNBLOCK, &set, NULL);
  return NULL;
}

GCancellable *
cli_cancellable (void)
{
  static GCancellable *cancellable;

  if (cancellable == NULL)
    {
      sigset_t set;

      sigemptyset (&set);
      sigaddset (&set, SIGINT);
      sigaddset (&set, SIGTERM);
      pthread_sigmask (SIG_BLOCK, &set, NULL);
      cancellable = g_cancellable_new ();
      g_thread_unref (g_thread_new ("signals", wait_for_signal, cancellable));
    }
  return cancellable;
}

gboolean
cli_take_kernels (const char *name, GError **error)
{
  NnFamily family = NN_FAMILY_AUTO;

  if (name != NULL && !nn_family_from_name (name, &family))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--kernels is “%s”, but must be auto, direct, staged or matrix", name);
      return FALSE;
    }
  nn_set_family (family);
  return TRUE;
}

gboolean
cli_check_output (const char *path, GError **error)
{
  g_autofree char *folder = path != NULL ? g_path_get_dirname (path) : NULL;

  if (folder != NULL && g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY,
                   "“%s” is a folder; the name of a file in it is needed", path);
      return FALSE;
    }
  if (folder == NULL || g_access (folder, W_OK) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
               "cannot write to the folder “%s”: %s", folder, g_strerror (errno));
  return FALSE;
}
