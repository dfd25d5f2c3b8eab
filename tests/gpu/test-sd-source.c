/* test-sd-source.c: a picture that is begun from, where memory is short, the device is
 * lost, or the encoder is damaged; and pictures from words alone are as ever
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-fault.h"
#include "sd/sd-engine-private.h"
#include "../unit/sd/sd-test-model.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define SIDE 256
#define MIB ((guint64) 1 << 20)

static StModel *model;
static ImageBuffer *image; /* SIDE × SIDE */
static char *path;         /* for a copy of the model */

static SdEngine *
open_within (StModel *which, SdPrecision precision, guint64 memory)
{
  g_autoptr (GError) error = NULL;
  SdEngine *engine = sd_engine_new_within (which, -1, precision, memory, NULL, &error);
  g_assert_no_error (error);
  return engine;
}

static SdParams *
params_of (SdEngine *engine, gboolean from_picture)
{
  SdParams *params = sd_test_params (engine, SAMPLER_EULER, 3);
  if (!from_picture)
    return params;
  params->width = params->height = SIDE;
  params->source = sd_source_new (image_buffer_copy (image));
  params->source->strength = 0.5;
  return params;
}

static float *
make (SdEngine *engine, gboolean from_picture, gsize *n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = params_of (engine, from_picture);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_test_finish (run);
  const float *latents = sd_run_latents (run, n);
  return g_memdup2 (latents, *n * sizeof *latents);
}

static double
distance (const float *a, const float *b, gsize n)
{
  double error = 0, norm = 0;
  for (gsize i = 0; i < n; i++)
    {
      error += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      norm += (double) b[i] * b[i];
    }
  return sqrt (error / norm);
}

/* In less and less memory, as it was planned; what fits is not exceeded. */
static void
test_ladder (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) whole = open_within (model, SD_PRECISION_FP32, 0);
  g_autofree float *want = sd_engine_encode (whole, image, NULL, &error);
  g_autoptr (SdParams) params = params_of (whole, TRUE);
  gsize n = 4 * (SIDE / 8) * (SIDE / 8);
  guint last = G_MAXUINT;

  g_assert_no_error (error);
  for (guint64 memory = 400 * MIB; memory > 20 * MIB; memory -= memory / 12)
    {
      g_autoptr (SdPlan) plan
          = sd_plan_new (model, params, -1, SD_PRECISION_FP32, memory, &error);
      g_assert_no_error (error);
      if (!plan->fits)
        break;
      if (plan->rungs == last)
        continue;
      last = plan->rungs;
      g_autoptr (SdEngine) engine = open_within (model, SD_PRECISION_FP32, memory);
      g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
      g_assert_no_error (error);
      g_autofree float *got = sd_engine_encode (engine, image, NULL, &error);
      g_assert_no_error (error);
      double off = distance (got, want, n);
      g_autofree char *text = sd_rung_text (plan->rungs);
      g_test_message ("%u MiB: %s (tile %u): peak %.1f MiB, off by %.2e",
                      (guint) (memory / MIB), text, engine->fit.encode_tile,
                      (double) sd_engine_memory_peak (engine) / MIB, off);
      g_assert_cmpuint (sd_engine_rungs (engine), ==, plan->rungs);
      g_assert_cmpuint (sd_engine_memory_peak (engine), <=, memory);
      if (engine->fit.encode_tile == 0 && !engine->fit.quantized)
        g_assert_cmpmem (got, n * sizeof *got, want, n * sizeof *want);
      g_assert_cmpfloat (off, <, 0.2); /* tiles have statistics of their own */
    }
}

/* Tiles have statistics of their own, but join to nearly the same latents. */
static void
test_tiles (void)
{
  static const guint tiles[] = { 24, 16 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_within (model, SD_PRECISION_FP32, 0);
  g_autofree float *want = sd_engine_encode (engine, image, NULL, &error);
  gsize n = 4 * (SIDE / 8) * (SIDE / 8);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (tiles); i++)
    {
      SdFit fit = engine->fit;
      fit.encode_tile = tiles[i];
      sd_engine_set_fit (engine, &fit);
      g_autofree float *got = sd_engine_encode (engine, image, NULL, &error);
      g_assert_no_error (error);
      double off = distance (got, want, n);
      g_test_message ("tiles of %u: off by %.2e", tiles[i], off);
      g_assert_cmpfloat (off, >, 0);
      g_assert_cmpfloat (off, <, 0.2);
    }
}

/* A run from a picture leaves nothing behind: words alone give the same bits after it. */
static void
test_plain (void)
{
  g_autoptr (SdEngine) engine = open_within (model, SD_PRECISION_FP32, 0);
  gsize n, m;
  g_autofree float *before = make (engine, FALSE, &n);
  g_autofree float *between = make (engine, TRUE, &m);
  g_autofree float *after = make (engine, FALSE, &n);
  g_autofree float *again = make (engine, TRUE, &m);

  g_assert_cmpmem (before, n * sizeof *before, after, n * sizeof *after);
  g_assert_cmpmem (between, m * sizeof *between, again, m * sizeof *again);
  g_assert_cmpuint (sd_engine_rungs (engine), ==, 0);
}

/* The device is lost while the picture is encoded, and before and after that. */
static void
test_lost (void)
{
  g_autoptr (SdEngine) engine = open_within (model, SD_PRECISION_FP32, 0);
  gsize n;
  g_autofree float *want = NULL;

  gpu_fault_set (GPU_FAULT_SUBMIT, 0, 0);
  want = make (engine, TRUE, &n);
  guint calls = gpu_fault_calls (GPU_FAULT_SUBMIT);
  for (guint i = 0; i < 6; i++)
    {
      gpu_fault_set (GPU_FAULT_SUBMIT, i * (calls - 1) / 5, 1);
      g_autofree float *got = make (engine, TRUE, &n);
      g_assert_cmpmem (got, n * sizeof *got, want, n * sizeof *want);
    }
  gpu_fault_set (GPU_FAULT_SUBMIT, 0, 0);
}

/* NaN in the encoder's weights: the message names the stage and the layer, after 32 bits
 * were tried; pictures from words do not need it. */
static void
test_not_finite (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) spoiled = sd_test_spoiled (
      path, SD_TEST_NAN, "first_stage_model.encoder.down.1.block.0.conv1.weight");
  g_autoptr (SdEngine) engine = open_within (spoiled, SD_PRECISION_FP16, 0);
  g_autoptr (SdParams) params = params_of (engine, TRUE);
  gsize n;

  g_assert_null (sd_run_new (engine, params, NULL, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_NOT_FINITE);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "encoder"));
  g_assert_nonnull (strstr (error->message, "encoder.down.1.block.0.conv1"));
  g_assert_cmpstr (sd_engine_precision_name (engine), ==, "fp32");
  g_autofree float *plain = make (engine, FALSE, &n);
  g_assert_cmpuint (n, ==, 256);
}

/* Stopped while encoding. */
static void
test_cancel (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_within (model, SD_PRECISION_FP32, 0);
  g_autoptr (SdParams) params = params_of (engine, TRUE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  BaseTask task = { .cancellable = cancellable };

  g_cancellable_cancel (cancellable);
  g_assert_null (sd_run_new (engine, params, NULL, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  g_autofree char *name
      = g_strdup_printf ("test-sd-source-%d.safetensors", (int) getpid ());
  path = g_build_filename (g_get_tmp_dir (), name, NULL);
  model = sd_test_model ();
  image = image_buffer_new (SIDE, SIDE, 3);
  for (guint i = 0; i < SIDE * SIDE * 3; i++)
    {
      guint x = i / 3 % SIDE, y = i / 3 / SIDE;
      image->pixels[i] = (guint8) (((x / 32 + y / 48) % 2 != 0 ? 60 : 170)
                                   + (i % 3 == 0 ? x / 4 : y / 4));
    }
  g_test_add_func ("/sd/source/ladder", test_ladder);
  g_test_add_func ("/sd/source/tiles", test_tiles);
  g_test_add_func ("/sd/source/plain", test_plain);
  g_test_add_func ("/sd/source/lost", test_lost);
  g_test_add_func ("/sd/source/not-finite", test_not_finite);
  g_test_add_func ("/sd/source/cancel", test_cancel);
  int status = g_test_run ();
  g_unlink (path);
  g_free (path);
  image_buffer_free (image);
  st_model_unref (model);
  return status;
}
