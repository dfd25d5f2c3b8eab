/* test-sd-faults.c: spoiled models: the message names what is wrong, and no picture comes
 * out
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <string.h>

#include <glib/gstdio.h>

#include "sd-test-model.h"

#define TEXT "cond_stage_model.transformer.text_model."
#define UNET "model.diffusion_model."
#define VAE "first_stage_model."

static char *directory, *path;

static SdEngine *
open_spoiled (SdTestSpoil spoil, const char *name, GError **error)
{
  g_autoptr (StModel) model = sd_test_spoiled (path, spoil, name);
  return sd_engine_new (model, -2, SD_PRECISION_AUTO, NULL, error);
}

/* Loading is refused, naming @named. */
static void
refused (SdTestSpoil spoil, const char *name, const char *named)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_spoiled (spoil, name, &error);
  g_assert_null (engine);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, named));
}

static void
test_missing (void)
{
  refused (SD_TEST_DROP, TEXT "encoder.layers.0.mlp.fc1.weight",
           "encoder.layers.0.mlp.fc1.weight");
  refused (SD_TEST_DROP, UNET "input_blocks.1.0.in_layers.2.weight", "input_blocks.1.0");
  refused (SD_TEST_DROP, UNET "input_blocks.*.attn2.to_k.weight", "attn2");
  refused (SD_TEST_DROP, UNET "output_blocks.1.*", "output blocks");
  refused (SD_TEST_DROP, VAE "decoder.mid.attn_1.q.weight",
           "decoder.mid.attn_1.q.weight");
  refused (SD_TEST_DROP, VAE "decoder.up.3.*", "3 levels");
}

static void
test_misshapen (void)
{
  refused (SD_TEST_SHAPE, UNET "out.2.weight", "out.2");
  refused (SD_TEST_SHAPE, UNET "middle_block.1.norm.weight", "middle_block.1.norm");
  refused (SD_TEST_SHAPE, TEXT "encoder.layers.0.self_attn.q_proj.weight",
           "encoder.layers.0.self_attn");
  refused (SD_TEST_SHAPE, VAE "decoder.conv_in.bias", "decoder.conv_in");
}

static char *
run_to_end (SdEngine *engine)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 2);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_autoptr (ImageBuffer) image = NULL;

  while (error == NULL && sd_run_step_index (run) < 2)
    sd_run_step (run, NULL, &error);
  if (error == NULL)
    image = sd_run_decode (run, 0, NULL, &error);
  g_assert_null (image);
  g_assert_error (error, SD_ERROR, SD_ERROR_NOT_FINITE);
  g_test_message ("%s", error->message);
  return g_strdup (error->message);
}

static void
not_finite (SdTestSpoil spoil, const char *name, const char *stage)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_spoiled (spoil, name, &error);
  g_assert_no_error (error);
  g_autofree char *message = run_to_end (engine);
  g_assert_nonnull (strstr (message, stage));
}

static void
test_not_finite (void)
{
  not_finite (SD_TEST_NAN, TEXT "encoder.layers.0.mlp.fc2.weight", "text encoder");
  not_finite (SD_TEST_NAN, UNET "time_embed.0.weight", "time embedding");
  not_finite (SD_TEST_NAN, UNET "middle_block.0.out_layers.3.weight", "Step 1 of 2");
  not_finite (SD_TEST_NAN, UNET "output_blocks.*.attn2.to_v.weight", "UNet");
  not_finite (SD_TEST_NAN, VAE "decoder.up.1.block.0.conv1.weight", "decoder");
}

static void
test_blank (void)
{
  not_finite (SD_TEST_ZERO, VAE "decoder.conv_out.weight", "blank");
}

/* Distilled models leave out the middle: what is there is run. */
static void
test_no_middle (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine
      = open_spoiled (SD_TEST_DROP, UNET "middle_block.*", &error);
  g_assert_no_error (error);
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 1);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_test_finish (run);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  directory = g_dir_make_tmp ("calotype-XXXXXX", NULL);
  path = g_build_filename (directory, "spoiled.safetensors", NULL);
  g_test_add_func ("/sd/faults/missing", test_missing);
  g_test_add_func ("/sd/faults/misshapen", test_misshapen);
  g_test_add_func ("/sd/faults/not-finite", test_not_finite);
  g_test_add_func ("/sd/faults/blank", test_blank);
  g_test_add_func ("/sd/faults/no-middle", test_no_middle);
  int status = g_test_run ();
  g_unlink (path);
  g_rmdir (directory);
  g_free (path);
  g_free (directory);
  return status;
}
