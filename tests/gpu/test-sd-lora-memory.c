/* test-sd-lora-memory.c: LoRAs where weights lie in other places and forms
 *
 * A weight with what LoRAs add to it is the same whether it stays on the device, is
 * streamed or read in turns, after the device was opened anew, and in 8 bits; and so is
 * what is there once they are gone.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"
#include "../unit/sd/sd-test-model.h"

#include <string.h>

#define SIDE 64
#define STEPS 2
#define MIB ((guint64) 1 << 20)

static StModel *model;
static gsize n;

static SdParams *
params_of (const SdInfo *info, double strength)
{
  static const char *const names[]
      = { "sample-linear", "sample-locon", "sample-text", "sample-mixed" };
  SdParams *params = sd_params_new_for (info);

  params->width = params->height = SIDE;
  params->steps = STEPS;
  params->sampler = SAMPLER_EULER;
  params->seed = 11;
  if (strength == 0)
    return params;
  params->loras = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      SdLora *lora = g_new0 (SdLora, 1);
      g_autofree char *file = g_strconcat (names[i], ".safetensors", NULL);

      lora->name = g_strdup (names[i]);
      lora->path = g_test_build_filename (G_TEST_DIST, "golden", "lora", file, NULL);
      lora->model = lora->text = strength;
      g_ptr_array_add (params->loras, lora);
    }
  return params;
}

/* (transfer full): latents; without LoRA at @strength 0 */
static float *
draw (SdEngine *engine, double strength)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = params_of (sd_engine_info (engine), strength);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);

  g_assert_no_error (error);
  sd_test_finish (run);
  const float *latents = sd_run_latents (run, &n);
  return g_memdup2 (latents, n * sizeof *latents);
}

static void
assert_same (const float *a, const float *b, gboolean same)
{
  g_assert_true ((memcmp (a, b, n * sizeof *a) == 0) == same);
}

static SdEngine *
open_within (guint64 memory)
{
  g_autoptr (GError) error = NULL;
  SdEngine *engine
      = sd_engine_new_within (model, -1, SD_PRECISION_FP32, memory, NULL, &error);
  g_assert_no_error (error);
  return engine;
}

/* The most memory in which rungs of @wanted are taken, and no others than @allowed. */
static guint64
budget_for (guint wanted, guint allowed)
{
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_autoptr (SdParams) params = params_of (info, 0);

  for (guint64 memory = 64 * MIB; memory > 4 * MIB; memory -= MIB / 2)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SdPlan) plan
          = sd_plan_new (model, params, -1, SD_PRECISION_FP32, memory, &error);
      g_assert_no_error (error);
      if (plan->fits && (plan->rungs & wanted) == wanted && (plan->rungs & ~allowed) == 0)
        return memory;
    }
  g_assert_not_reached ();
}

static void
check_budget (
    guint64 memory, guint rungs, const float *with, const float *half, const float *plain)
{
  g_autoptr (SdEngine) engine = open_within (memory);
  g_autofree float *a = draw (engine, 1), *b = draw (engine, 0), *c = draw (engine, 0.5),
                   *d = draw (engine, 1);

  g_assert_cmpuint (sd_engine_rungs (engine) & rungs, ==, rungs);
  g_assert_cmpuint (sd_engine_memory_peak (engine), <=, memory);
  assert_same (a, with, TRUE);
  assert_same (b, plain, TRUE);
  assert_same (c, half, TRUE);
  assert_same (d, with, TRUE);
}

static void
test_budgets (void)
{
  const guint exact = SD_RUNG_TURNS | SD_RUNG_BANDS | SD_RUNG_STREAM;
  g_autoptr (SdEngine) engine = open_within (0);
  g_autofree float *plain = draw (engine, 0), *with = draw (engine, 1),
                   *half = draw (engine, 0.5), *again = draw (engine, 0);

  assert_same (plain, with, FALSE);
  assert_same (half, with, FALSE);
  assert_same (plain, again, TRUE);
  check_budget (budget_for (SD_RUNG_TURNS, exact), SD_RUNG_TURNS, with, half, plain);
  guint64 least = budget_for (SD_RUNG_STREAM, exact | SD_RUNG_SPLIT);
  g_autoptr (SdEngine) split = open_within (least);
  /* one prompt at a time is another way of the same products: compared with itself */
  g_autofree float *split_plain = draw (split, 0), *split_with = draw (split, 1),
                   *split_half = draw (split, 0.5);
  check_budget (least, SD_RUNG_STREAM, split_with, split_half, split_plain);
}

/* In the middle of a picture all that lay on the device goes. */
static void
test_anew (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_within (0);
  g_autofree float *want = draw (engine, 1);
  g_autoptr (SdParams) params = params_of (sd_engine_info (engine), 1);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (sd_run_step (run, NULL, &error));
  sd_engine_reset_context (engine);
  sd_test_finish (run);
  assert_same (sd_run_latents (run, NULL), want, TRUE);
}

static void
test_quantized (void)
{
  g_autoptr (SdEngine) engine = open_within (0);
  SdFit fit = engine->fit;
  g_autofree float *exact = draw (engine, 1);

  fit.quantized = TRUE;
  sd_engine_set_fit (engine, &fit);
  g_autofree float *plain = draw (engine, 0), *with = draw (engine, 1),
                   *again = draw (engine, 0);
  assert_same (plain, again, TRUE);
  double error = 0, norm = 0;
  for (gsize i = 0; i < n; i++)
    {
      error += ((double) with[i] - exact[i]) * (with[i] - exact[i]);
      norm += (double) exact[i] * exact[i];
    }
  g_test_message ("8 bits against 16: %.3f", error / norm);
  g_assert_cmpfloat (error / norm, <, 0.05);
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  model = sd_test_model ();
  g_test_add_func ("/sd/lora/memory/budgets", test_budgets);
  g_test_add_func ("/sd/lora/memory/anew", test_anew);
  g_test_add_func ("/sd/lora/memory/quantized", test_quantized);
  int status = g_test_run ();
  st_model_unref (model);
  return status;
}
