/* test-sd-precision.c: what does not hold in 16 bits is tried again with 32
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"
#include "../unit/sd/sd-test-model.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define UNET "model.diffusion_model."

static char *path;

static SdEngine *
open_half (StModel *model)
{
  g_autoptr (GError) error = NULL;
  SdEngine *engine = sd_engine_new (model, -1, SD_PRECISION_FP16, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (sd_engine_precision_name (engine), ==, "fp16");
  return engine;
}

/* A NaN in the weights is one at either precision: the step is tried twice, then refused.
 */
static void
test_hopeless (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model
      = sd_test_spoiled (path, SD_TEST_NAN, UNET "middle_block.0.out_layers.3.weight");
  g_autoptr (SdEngine) engine = open_half (model);
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 2);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (sd_run_warnings (run));
  g_assert_false (sd_run_step (run, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_NOT_FINITE);
  g_assert_cmpstr (sd_engine_precision_name (engine), ==, "fp32");
  g_assert_nonnull (strstr (sd_run_warnings (run)[0], "32"));
  g_assert_cmpuint (sd_run_step_index (run), ==, 0);
}

/* A scale of 60000 carries one activation over what 16 bits hold, and the next norm
 * brings it back: the picture is that of 32 bits, not one with a clipped middle. */
static void
test_overflow (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model
      = sd_test_spoiled (path, SD_TEST_HUGE, UNET "middle_block.0.in_layers.0.weight");
  g_autoptr (SdEngine) half = open_half (model);
  g_autoptr (SdEngine) exact = sd_engine_new (model, -1, SD_PRECISION_FP32, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdParams) params = sd_test_params (half, SAMPLER_EULER, 2);
  g_autoptr (SdRun) one = sd_run_new (half, params, NULL, NULL, &error);
  g_autoptr (SdRun) other = sd_run_new (exact, params, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_test_finish (one);
  sd_test_finish (other);
  g_assert_cmpstr (sd_engine_precision_name (half), ==, "fp32");
  gsize n;
  const float *x = sd_run_latents (one, &n);
  const float *y = sd_run_latents (other, NULL);
  double difference = 0, size = 0;
  for (gsize i = 0; i < n; i++)
    {
      difference += (double) (x[i] - y[i]) * (x[i] - y[i]);
      size += (double) y[i] * y[i];
    }
  /* The text was encoded in 16 bits before the precision was raised. */
  g_assert_cmpfloat (sqrt (difference / size), <=, 1e-2);
}

/* After a change in the middle of a run all stages work, and give what 32 bits give. */
static void
test_raised (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = sd_test_model ();
  g_autoptr (SdEngine) engine = open_half (model);
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_DPMPP_2M, 3);
  g_autoptr (SdRun) half = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sd_run_step (half, NULL, &error));
  g_assert_true (sd_engine_raise_precision (engine));
  g_assert_false (sd_engine_raise_precision (engine));
  sd_test_finish (half);
  g_autoptr (ImageBuffer) image = sd_run_decode (half, 0, NULL, &error);
  g_assert_no_error (error);

  g_autoptr (SdEngine) exact = sd_engine_new (model, -1, SD_PRECISION_FP32, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdRun) one = sd_run_new (engine, params, NULL, NULL, &error);
  g_autoptr (SdRun) other = sd_run_new (exact, params, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_test_finish (one);
  sd_test_finish (other);
  gsize n;
  const float *x = sd_run_latents (one, &n);
  g_assert_cmpmem (x, n * sizeof (float), sd_run_latents (other, NULL),
                   n * sizeof (float));
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  g_autofree char *folder = g_dir_make_tmp ("calotype-XXXXXX", NULL);
  path = g_build_filename (folder, "spoiled.safetensors", NULL);
  g_test_add_func ("/sd/precision/hopeless", test_hopeless);
  g_test_add_func ("/sd/precision/overflow", test_overflow);
  g_test_add_func ("/sd/precision/raised", test_raised);
  int status = g_test_run ();
  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  return status;
}
