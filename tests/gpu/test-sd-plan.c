/* test-sd-plan.c: real sizes by arithmetic: what Stable Diffusion 1.5 and XL need, and in
 * which way they fit
 *
 * Usage: test-sd-plan SD1.safetensors XL.safetensors, whose values may be a hole
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <string.h>

#define GIB ((guint64) 1 << 30)

static const char *paths[2];

typedef struct
{
  const char *name;
  guint model, side;
  double gib;
  SdPrecision precision;
  guint rungs; /* those that may be used */
} Case;

static const Case cases[] = {
  { "/sd/plan/sd1/3", 0, 512, 3, SD_PRECISION_FP32, 0 },
  { "/sd/plan/sd1/2", 0, 512, 2, SD_PRECISION_FP32, SD_RUNG_TURNS },
  { "/sd/plan/sd1/2-half", 0, 512, 2, SD_PRECISION_FP16, SD_RUNG_TURNS },
  { "/sd/plan/sd1/1", 0, 512, 1, SD_PRECISION_FP16,
    SD_RUNG_TURNS | SD_RUNG_SPLIT | SD_RUNG_STREAM },
  { "/sd/plan/xl/8", 1, 1024, 8, SD_PRECISION_FP16, SD_RUNG_TURNS },
  { "/sd/plan/xl/4", 1, 1024, 4, SD_PRECISION_FP16,
    SD_RUNG_TURNS | SD_RUNG_SPLIT | SD_RUNG_STREAM },
  { "/sd/plan/xl/3", 1, 1024, 3, SD_PRECISION_FP16,
    SD_RUNG_TURNS | SD_RUNG_SPLIT | SD_RUNG_STREAM | SD_RUNG_BANDS },
  { "/sd/plan/xl/2", 1, 2048, 2, SD_PRECISION_FP16,
    SD_RUNG_TURNS | SD_RUNG_SPLIT | SD_RUNG_STREAM | SD_RUNG_BANDS | SD_RUNG_TILES },
};

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  guint64 memory = (guint64) (c->gib * GIB);
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (paths[c->model], NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_autoptr (SdParams) params = sd_params_new_for (info);
  params->width = params->height = c->side;
  g_autoptr (SdPlan) plan = sd_plan_new (model, params, -1, c->precision, memory, &error);
  g_assert_no_error (error);
  g_autofree char *text = sd_rung_text (plan->rungs);

  g_test_message ("%u×%u in %g GiB: %.0f MiB: %s", c->side, c->side, c->gib,
                  (double) plan->device_bytes / (1 << 20), text);
  g_assert_true (plan->fits);
  g_assert_cmpuint (plan->device_bytes, <=, memory);
  g_assert_cmpuint (plan->rungs & ~c->rungs, ==, 0);
}

/* A small device gives way to the processor, by name. */
static void
test_search (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (paths[0], NULL, &error);
  g_assert_no_error (error);
  GpuInfo small;
  SdFit fit;

  g_assert_true (gpu_device_info_for (-1, &small, &error));
  small.kind = GPU_KIND_INTEGRATED; /* whose memory is the host's: nothing is streamed */
  g_strlcpy (small.name, "a small one", sizeof small.name);
  g_autoptr (SdEngine) planner = sd_engine_new_plan (model, &small, NN_F16, &error);
  g_assert_no_error (error);
  SdPlan plan = { .width = 512, .height = 512, .budget = GIB + GIB / 8 };
  g_strlcpy (plan.device, small.name, sizeof plan.device);
  g_assert_true (
      sd_fit_find (planner, &(SdTask){ .shape = { .n = 2 } }, &plan, &fit, &error));
  g_assert_no_error (error);
  g_assert_true (plan.fits);
  g_assert_true (fit.quantized);
  g_assert_cmpuint (fit.resident, ==, G_MAXUINT64);
  plan.budget = GIB / 4;
  g_assert_true (
      sd_fit_find (planner, &(SdTask){ .shape = { .n = 2 } }, &plan, &fit, &error));
  g_assert_false (plan.fits);
  g_test_message ("%s", plan.why_not);
  g_assert_nonnull (strstr (plan.why_not, "a small one"));
  g_assert_nonnull (strstr (plan.why_not, "256.0"));
  g_free (plan.why_not);
}

/* A picture is encoded first: the encoder is planned as the decoder is; without one
 * nothing is planned for it. */
static void
test_encoder (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (paths[0], NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_autoptr (SdParams) params = sd_params_new_for (info);
  guint tiled = 0;

  params->width = params->height = 1024;
  for (guint k = 0; k < 5; k++)
    {
      guint64 memory = (guint64) (0.7 * GIB) << k;
      g_autoptr (SdPlan) without
          = sd_plan_new (model, params, -1, SD_PRECISION_FP32, memory, &error);
      params->source = sd_source_new (image_buffer_new (100, 80, 3));
      g_autoptr (SdPlan) with
          = sd_plan_new (model, params, -1, SD_PRECISION_FP32, memory, &error);
      g_assert_no_error (error);
      g_clear_pointer (&params->source, sd_source_unref);
      const SdPlanStage *encoder = &with->stages[SD_PLAN_ENCODER];
      g_test_message ("%.1f GiB: %.0f MiB, encoder %.0f MiB, rungs %x",
                      (double) memory / GIB, (double) with->device_bytes / (1 << 20),
                      (double) encoder->arena / (1 << 20), with->rungs);
      g_assert_true (with->fits);
      g_assert_cmpuint (with->device_bytes, <=, memory);
      g_assert_cmpuint (encoder->arena, >, 0);
      g_assert_cmpuint (encoder->flops, >, 0);
      g_assert_cmpuint (without->stages[SD_PLAN_ENCODER].arena, ==, 0);
      tiled += (with->rungs & SD_RUNG_TILES) != 0;
    }
  g_assert_cmpuint (tiled, >, 0);
  g_assert_cmpuint (tiled, <, 5);
}

/* Long prompts take more: keys and values are as many as the tokens. */
static void
test_length (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (paths[1], NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_autoptr (SdParams) params = sd_params_new_for (info);
  g_autoptr (GString) text = g_string_new (NULL);
  guint64 before = 0;

  for (guint words = 70; words <= 7000; words *= 10)
    {
      while (text->len < 4 * words)
        g_string_append (text, "cat ");
      g_free (params->prompt);
      params->prompt = g_strdup (text->str);
      g_autoptr (SdPlan) plan
          = sd_plan_new (model, params, -1, SD_PRECISION_FP32, 0, &error);
      if (words == 7000)
        {
          g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
          g_assert_nonnull (strstr (error->message, "7000"));
          return;
        }
      g_assert_no_error (error);
      g_test_message ("%u words: states of %.0f MiB", words,
                      (double) plan->states / (1 << 20));
      g_assert_cmpuint (plan->states, >, 5 * before);
      before = plan->states;
    }
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 3);
  paths[0] = argv[1];
  paths[1] = argv[2];
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add_data_func (cases[i].name, &cases[i], test_case);
  g_test_add_func ("/sd/plan/search", test_search);
  g_test_add_func ("/sd/plan/encoder", test_encoder);
  g_test_add_func ("/sd/plan/length", test_length);
  return g_test_run ();
}
