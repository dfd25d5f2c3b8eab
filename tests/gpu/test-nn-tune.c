/* test-nn-tune.c: the fastest kernel is found once and kept
 *
 * With staged kernels asked for, since the direct form is the only one that a CPU device
 * is offered by itself. The suite gives it a cache folder of its own.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn.h"

#include <glib/gstdio.h>
#include <string.h>

#define SHAPES 2u

static GpuDevice *device;

static char *
cache_path (void)
{
  const GpuInfo *info = gpu_device_info (device);
  g_autofree char *name = g_strdup_printf ("tune-%s-%08x-%s", info->uuid,
                                           info->driver_version, BASE_VERSION);

  return g_build_filename (g_get_user_cache_dir (), "calotype", name, NULL);
}

static gboolean
read_small (gpointer source, void *dst, gsize n, GError **error)
{
  guint16 *codes = dst;

  for (gsize i = 0; i < n / 2; i++)
    codes[i] = 0x2800 + i * 7919 % 1024;
  return TRUE;
}

static NnWeight *
weight (NnContext *context, NnWeightKind kind, guint out, guint in)
{
  NnWeightPart part = { .read = read_small, .type = NN_F16, .out = out };

  return nn_weight_new (context, "weight", kind, &part, 1, in);
}

/* Two convolutions of one shape and a linear layer. */
static NnProgram *
make (NnContext *context, NnState *in, NnState *out)
{
  g_autoptr (NnGraph) graph = nn_graph_new (context, "tuned");
  g_autoptr (GError) error = NULL;
  NnTensor *x = nn_load (graph, in);

  x = nn_act (graph, x, NN_ACT_SILU, "act");
  for (guint i = 0; i < 2; i++)
    x = nn_conv3 (
        graph, &(NnConv3){ .x = x, .weight = weight (context, NN_WEIGHT_CONV3, 40, 40) },
        "conv");
  x = nn_linear (
      graph, &(NnLinear){ .x = x, .weight = weight (context, NN_WEIGHT_MATRIX, 24, 40) },
      "linear");
  nn_store (graph, nn_act (graph, x, NN_ACT_SILU, "act"), out);
  NnProgram *program = nn_program_new (graph, FALSE, &error);
  g_assert_no_error (error);
  return program;
}

static void
fill (NnState *state)
{
  g_autofree float *values = g_new (float, nn_state_count (state));
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < nn_state_count (state); i++)
    values[i] = (float) (i * 7919 % 97) / 97 - 0.5f;
  nn_state_write (state, values, &error);
  g_assert_no_error (error);
}

static float *
compute (NnContext *context, guint *n_tuned)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NnState) in = nn_state_new (context, 1, 9, 11, 40, "in", &error);
  g_autoptr (NnState) out = nn_state_new (context, 1, 9, 11, 24, "out", &error);
  g_autoptr (NnProgram) program = make (context, in, out);
  g_autofree float *values = g_new (float, nn_state_count (out));

  fill (in);
  if (n_tuned != NULL)
    {
      g_assert_true (nn_program_tune (program, n_tuned, NULL, &error));
      g_assert_no_error (error);
      g_clear_pointer (&program, nn_program_free);
      program = make (context, in, out);
    }
  nn_program_run (program, NULL, &error);
  g_assert_no_error (error);
  nn_state_read (out, values, &error);
  g_assert_no_error (error);
  g_clear_pointer (&program, nn_program_free);
  nn_context_clear_weights (context);
  return g_steal_pointer (&values);
}

/* How many lines of the file are about this program's shapes; garbage is gone. */
static guint
count_lines (void)
{
  g_autofree char *path = cache_path ();
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    n += strstr (lines[i], "×") != NULL;
  g_assert_null (strstr (text, "nonsense"));
  return n;
}

static void
test_tune (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
  g_autoptr (NnContext) reference = nn_context_new (NULL, NN_F32);
  g_autofree float *got = NULL, *again = NULL, *want = NULL;
  guint n_tuned;

  nn_context_set_family (context, NN_FAMILY_STAGED);
  got = compute (context, &n_tuned);
  g_assert_cmpuint (n_tuned, ==, SHAPES);
  g_assert_cmpuint (count_lines (), ==, SHAPES);
  again = compute (context, &n_tuned);
  g_assert_cmpuint (n_tuned, ==, 0);
  want = compute (reference, NULL);
  for (guint i = 0; i < 9 * 11 * 24; i++)
    {
      g_assert_cmpfloat_with_epsilon (got[i], want[i], 1e-4);
      g_assert_cmpfloat (got[i], ==, again[i]);
    }
}

static void
test_cancel (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F16);
  g_autoptr (GError) error = NULL;
  g_autoptr (NnState) in = nn_state_new (context, 1, 9, 11, 40, "in", &error);
  g_autoptr (NnState) out = nn_state_new (context, 1, 9, 11, 24, "out", &error);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  BaseTask task = { .cancellable = cancellable };
  NnProgram *program;
  guint n_tuned;

  nn_context_set_family (context, NN_FAMILY_STAGED);
  program = make (context, in, out);
  g_cancellable_cancel (cancellable);
  g_assert_false (nn_program_tune (program, &n_tuned, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (n_tuned, ==, 0);
  nn_program_free (program);
}

/* A CPU device by itself has one form for everything. */
static void
test_one_form (void)
{
  g_autoptr (NnContext) context = nn_context_new (device, NN_F32);
  g_autofree float *values = NULL;
  guint n_tuned;

  if (gpu_device_info (device)->kind != GPU_KIND_CPU)
    {
      g_test_skip ("not a CPU device");
      return;
    }
  values = compute (context, &n_tuned);
  g_assert_cmpuint (n_tuned, ==, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL, *folder = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  gpu_prepare_process ();
  device = gpu_device_new (-1, &error);
  if (device == NULL)
    g_error ("%s", error->message);
  path = cache_path ();
  folder = g_path_get_dirname (path);
  g_mkdir_with_parents (folder, 0700);
  g_file_set_contents (path, "nonsense\n1 2\n\n", -1, NULL);
  g_test_add_func ("/nn/tune/kept", test_tune);
  g_test_add_func ("/nn/tune/cancel", test_cancel);
  g_test_add_func ("/nn/tune/one-form", test_one_form);
  status = g_test_run ();
  gpu_device_unref (device);
  g_unlink (path);
  return status;
}
