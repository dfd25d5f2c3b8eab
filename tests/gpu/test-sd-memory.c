/* test-sd-memory.c: the same picture in less and less memory
 *
 * Budgets go down from what the bundled model takes when all of it is on the device to
 * the least that fits; wherever the ladder takes another way, the picture is made and
 * compared.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"
#include "../unit/sd/sd-test-model.h"

#include <math.h>
#include <string.h>

#define SIDE 192
#define MIB ((guint64) 1 << 20)

static StModel *model;
static ImageBuffer *want; /* with all there is */

static SdParams *
params_of (const SdInfo *info)
{
  SdParams *params = sd_params_new_for (info);

  g_free (params->prompt);
  params->prompt = g_strdup (sd_info_example (info));
  params->width = params->height = SIDE;
  params->steps = 6; /* fewer leave latents that no decoder was made for */
  params->sampler = SAMPLER_EULER;
  params->seed = 11;
  return params;
}

static ImageBuffer *
draw (SdEngine *engine)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = params_of (sd_engine_info (engine));
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_test_finish (run);
  ImageBuffer *image = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);
  return image;
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

static double
psnr (const ImageBuffer *a, const ImageBuffer *b)
{
  gsize n = (gsize) a->width * a->height * a->channels;
  double sum = 0;

  g_assert_cmpuint (b->width * b->height * b->channels, ==, n);
  for (gsize i = 0; i < n; i++)
    sum += ((double) a->pixels[i] - b->pixels[i])
           * ((double) a->pixels[i] - b->pixels[i]);
  return sum == 0 ? INFINITY : 10 * log10 (255.0 * 255.0 * n / sum);
}

static void
same (const ImageBuffer *got)
{
  g_assert_cmpmem (got->pixels, (gsize) got->width * got->height * got->channels,
                   want->pixels, (gsize) want->width * want->height * want->channels);
}

static SdPlan *
plan_within (guint64 memory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_autoptr (SdParams) params = params_of (info);
  SdPlan *plan = sd_plan_new (model, params, -1, SD_PRECISION_FP32, memory, &error);
  g_assert_no_error (error);
  return plan;
}

/* Rungs that leave every bit as it is on this device; tiles and 8 bits never do. */
#define EXACT (SD_RUNG_TURNS | SD_RUNG_BANDS | SD_RUNG_STREAM)

static void
check_rung (guint64 memory, guint rungs)
{
  g_autoptr (SdEngine) engine = open_within (memory);
  g_autoptr (ImageBuffer) got = draw (engine);
  g_autofree char *text = sd_rung_text (rungs);
  double likeness = psnr (got, want);

  g_test_message ("%" G_GUINT64_FORMAT " MiB: %s: peak %.1f MiB, PSNR %.1f dB",
                  memory / MIB, text, (double) sd_engine_memory_peak (engine) / MIB,
                  likeness);
  g_assert_cmpuint (sd_engine_rungs (engine), ==, rungs);
  g_assert_cmpuint (sd_engine_memory_peak (engine), <=, memory);
  if ((rungs & ~EXACT) == 0)
    same (got);
  /* one prompt at a time: other tiles of the same products; tiles: other statistics */
  g_assert_cmpfloat (likeness, >, rungs & (SD_RUNG_TILES | SD_RUNG_QUANTIZED) ? 30 : 50);
  /* once more with what lies there now */
  g_autoptr (ImageBuffer) again = draw (engine);
  g_assert_cmpmem (again->pixels, (gsize) SIDE * SIDE * again->channels, got->pixels,
                   (gsize) SIDE * SIDE * got->channels);
}

static void
test_ladder (void)
{
  g_autoptr (SdPlan) whole = plan_within (4096 * MIB);
  guint seen = 0, last = 0;
  gboolean ended = FALSE;

  g_assert_true (whole->fits);
  g_assert_cmpuint (whole->rungs, ==, 0);
  for (guint64 memory = whole->device_bytes / MIB * MIB; memory > 8 * MIB; memory -= MIB)
    {
      g_autoptr (SdPlan) plan = plan_within (memory);

      if (!plan->fits)
        {
          g_assert_nonnull (plan->why_not);
          ended = TRUE;
          break;
        }
      g_assert_cmpuint (plan->device_bytes, <=, memory);
      if (plan->rungs == last)
        continue;
      last = plan->rungs;
      seen |= last;
      check_rung (memory, last);
    }
  g_assert_true (ended);
  g_assert_cmpuint (seen, ==,
                    SD_RUNG_TURNS | SD_RUNG_SPLIT | SD_RUNG_BANDS | SD_RUNG_TILES
                        | SD_RUNG_STREAM);
}

/* Weights of 8 bits, on a device that has room for more. */
static void
test_quantized (void)
{
  g_autoptr (SdEngine) engine = open_within (0);
  g_autoptr (ImageBuffer) before = draw (engine);
  SdFit fit = engine->fit;

  same (before);
  fit.quantized = TRUE;
  sd_engine_set_fit (engine, &fit);
  g_autoptr (ImageBuffer) got = draw (engine);
  g_assert_cmpuint (sd_engine_rungs (engine), ==, SD_RUNG_QUANTIZED);
  g_test_message ("PSNR %.1f dB", psnr (got, want));
  g_assert_cmpfloat (psnr (got, want), >, 30);
}

/* In the middle of a picture to the processor, which here is what it was made on before.
 */
static void
test_processor (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_within (0);
  g_autoptr (SdParams) params = params_of (sd_engine_info (engine));
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_run_step (run, NULL, &error);
  g_assert_no_error (error);
  if (!sd_engine_move_to_cpu (engine))
    {
      g_test_skip ("no processor among the devices");
      return;
    }
  sd_test_finish (run);
  g_autoptr (ImageBuffer) got = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);
  same (got);
  g_assert_cmpuint (sd_engine_rungs (engine), ==, SD_RUNG_CPU);
}

/* What fits nowhere is said before anything is loaded. */
static void
test_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_within (4 * MIB);
  g_autoptr (SdParams) params = params_of (sd_engine_info (engine));
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);

  g_assert_null (run);
  g_assert_error (error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "192"));
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  model = sd_test_model ();
  SdEngine *engine = open_within (0);
  want = draw (engine);
  sd_engine_free (engine);
  g_test_add_func ("/sd/memory/ladder", test_ladder);
  g_test_add_func ("/sd/memory/quantized", test_quantized);
  g_test_add_func ("/sd/memory/processor", test_processor);
  g_test_add_func ("/sd/memory/refused", test_refused);
  int status = g_test_run ();
  g_assert_cmpuint (gpu_device_validation_messages (NULL), ==, 0);
  image_buffer_free (want);
  st_model_unref (model);
  return status;
}
