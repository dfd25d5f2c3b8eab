/* test-sd-source.c: runs of the bundled model that begin from a picture, on the plain C
 * reference: where they begin, what they keep, and the same bits however made
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd-test-model.h"
#include "sd/sd-run-private.h"

#include <math.h>
#include <string.h>

static SdEngine *engine;
static ImageBuffer *image; /* 64×64: a picture of the model's own */

static SdRun *
start (const SdParams *params)
{
  g_autoptr (GError) error = NULL;
  SdRun *run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  return run;
}

static SdParams *
params_from (SamplerKind kind, guint steps)
{
  SdParams *params = sd_test_params (engine, kind, steps);
  params->source = sd_source_new (image_buffer_copy (image));
  return params;
}

/* Columns 16 … 40 of the 64, all rows from 8 on. */
static ImageMask *
some_mask (void)
{
  ImageMask *mask = image_mask_new (64, 64);
  for (guint y = 8; y < 64; y++)
    memset (mask->pixels + y * 64 + 16, 255, 24);
  return mask;
}

static void
refused (const SdParams *params, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (sd_run_new (engine, params, NULL, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, word));
}

/* ---- how many steps, and from where ---- */

static void
test_steps (void)
{
  static const struct
  {
    guint steps;
    double strength;
    gboolean exact, denoise;
    guint n, levels; /* made; of a schedule of so many */
  } cases[] = {
    { 20, 0.75, FALSE, FALSE, 16, 20 }, { 20, 1.0, FALSE, FALSE, 20, 20 },
    { 20, 0.0, FALSE, FALSE, 1, 20 },   { 10, 0.55, FALSE, FALSE, 6, 10 },
    { 20, 0.75, TRUE, FALSE, 20, 26 },  { 20, 1.0, TRUE, FALSE, 20, 20 },
    { 20, 0.75, FALSE, TRUE, 20, 26 },  { 20, 1.0, FALSE, TRUE, 20, 20 },
    { 10, 0.3, FALSE, TRUE, 10, 33 },
  };
  const SdInfo *info = sd_engine_info (engine);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SdParams) params = params_from (SAMPLER_EULER, cases[i].steps);
      g_autofree double *sigmas = NULL;
      double all[64];
      guint n;

      params->schedule = SAMPLER_KARRAS;
      params->source->strength = cases[i].strength;
      params->source->exact_steps = cases[i].exact;
      params->source->denoise = cases[i].denoise;
      sampler_schedule_fill (params->schedule, &engine->levels, cases[i].levels, all,
                             NULL);
      g_assert_true (
          sd_source_schedule (params, info, &engine->levels, &sigmas, &n, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (n, ==, cases[i].n);
      g_assert_cmpuint (sd_params_n_steps (params, info), ==, n);
      g_assert_cmpmem (sigmas, (n + 1) * sizeof *sigmas, all + cases[i].levels - n,
                       (n + 1) * sizeof *sigmas);
    }
}

/* x = latent + noise·σ */
static void
test_begin (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = params_from (SAMPLER_EULER, 8);
  g_autofree float *latents = sd_engine_encode (engine, image, NULL, &error);
  g_autoptr (BaseRandom) random = base_random_new (params->rng, params->seed);
  float noise[256];

  params->source->strength = 0.5;
  base_random_normal (random, 256, noise);
  g_autoptr (SdRun) run = start (params);
  const float *x = sd_run_latents (run, NULL);
  g_assert_cmpuint (sd_run_n_steps (run), ==, 5);
  for (guint i = 0; i < 256; i++)
    g_assert_cmpfloat_with_epsilon (x[i], latents[i] + noise[i] * run->sigmas[0], 1e-5);
}

/* The less strength, the nearer to the picture. */
static void
test_strength (void)
{
  double last = -1;

  for (guint i = 0; i <= 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SdParams) params = params_from (SAMPLER_DPMPP_2M, 8);
      params->source->strength = 0.1 + 0.4 * i;
      g_free (params->prompt);
      params->prompt = g_strdup ("a blue square on a yellow background");
      params->seed = 99;
      g_autoptr (SdRun) run = start (params);
      g_autofree float *latents = sd_engine_encode (engine, image, NULL, &error);
      sd_test_finish (run);
      double sum = 0;
      for (guint k = 0; k < 256; k++)
        sum += fabs (sd_run_latents (run, NULL)[k] - latents[k]) / 256;
      g_test_message ("strength %.1f: mean difference %.3f", params->source->strength,
                      sum);
      g_assert_cmpfloat (sum, >, last);
      last = sum;
    }
}

/* ---- the same bits ---- */

static void
set_way (SdParams *params, guint way)
{
  SdSource *source = params->source;
  if (way == 0)
    return;
  source->mask = some_mask ();
  source->masked = way == 2   ? SD_MASKED_NOISE
                   : way == 3 ? SD_MASKED_FILL
                              : SD_MASKED_ORIGINAL;
  source->soft = way == 3;
}

static void
test_resume (gconstpointer data)
{
  SamplerKind kind = GPOINTER_TO_UINT (data);

  for (guint way = 0; way < 4; way++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SdParams) params = params_from (kind, 4);
      set_way (params, way);
      params->batch = way == 2 ? 2 : 1;
      g_autoptr (SdRun) whole = start (params);
      g_autoptr (SdRun) first = start (params);
      gsize n, m;

      sd_test_finish (whole);
      g_assert_true (sd_run_step (first, NULL, &error));
      g_autoptr (GBytes) state = sd_run_save (first);
      g_autoptr (SdRun) second = sd_run_load (engine, state, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (sd_run_step_index (second), ==, 1);
      sd_test_finish (second);
      const float *x = sd_run_latents (whole, &n), *y = sd_run_latents (second, &m);
      g_assert_cmpmem (x, n * sizeof *x, y, m * sizeof *y);
      g_autoptr (ImageBuffer) a = sd_run_decode (whole, params->batch - 1, NULL, &error);
      g_autoptr (ImageBuffer) b = sd_run_decode (second, params->batch - 1, NULL, &error);
      g_assert_cmpmem (a->pixels, 64 * 64 * 3, b->pixels, 64 * 64 * 3);
      g_autoptr (GBytes) done = sd_run_save (whole);
      g_autoptr (SdRun) finished = sd_run_load (engine, done, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpmem (sd_run_latents (finished, NULL), n * sizeof *x, x, n * sizeof *x);
    }
}

static void
test_batch (void)
{
  for (guint way = 0; way < 3; way++)
    {
      g_autoptr (SdParams) params = params_from (SAMPLER_EULER_ANCESTRAL, 3);
      g_autoptr (SdParams) alone = sd_params_copy (params);
      set_way (params, way);
      params->batch = 2;
      g_autoptr (SdRun) run = start (params);
      sd_test_finish (run);
      alone->seed++;
      g_autoptr (SdRun) one = start (alone);
      sd_test_finish (one);
      g_assert_cmpmem (sd_run_latents (run, NULL) + 256, 256 * sizeof (float),
                       sd_run_latents (one, NULL), 256 * sizeof (float));
    }
}

/* ---- masks ---- */

static void
test_mask (void)
{
  for (SdMasked masked = SD_MASKED_ORIGINAL; masked <= SD_MASKED_NOTHING; masked++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SdParams) params = params_from (SAMPLER_EULER, 4);
      g_autofree float *latents = NULL;
      gsize changed = 0;

      params->source->mask = some_mask ();
      params->source->masked = masked;
      g_autoptr (SdRun) run = start (params);
      if (masked != SD_MASKED_FILL) /* filling reaches beyond the mask by the encoder */
        latents = sd_engine_encode (engine, image, NULL, NULL);
      while (sd_run_step_index (run) < sd_run_n_steps (run))
        {
          g_assert_true (sd_run_step (run, NULL, &error));
          const float *clean = sd_run_denoised (run, NULL);
          for (guint i = 0; latents != NULL && i < 256; i++)
            if (run->begin.mask[i % 64] == 0)
              g_assert_cmpfloat (clean[i], ==, latents[i]);
          g_autoptr (ImageBuffer) preview = sd_run_preview (run, 0, &error);
          g_assert_no_error (error);
          g_assert_true (preview->width == 64 || preview->width == 32);
          if (preview->width == 64)
            g_assert_cmpmem (preview->pixels, 8 * 64 * 3, image->pixels, 8 * 64 * 3);
        }
      g_autoptr (ImageBuffer) out = sd_run_decode (run, 0, NULL, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < 64 * 64; i++)
        if (params->source->mask->pixels[i] == 0)
          g_assert_cmpmem (out->pixels + 3 * i, 3, image->pixels + 3 * i, 3);
        else
          changed += memcmp (out->pixels + 3 * i, image->pixels + 3 * i, 3) != 0;
      g_assert_cmpuint (changed, >, 24 * 56 / 2);
    }
}

/* A part of a larger picture, and a larger canvas. */
static void
test_sizes (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = params_from (SAMPLER_EULER, 2);
  SdSource *source = sd_source_new (image_buffer_resize (image, 150, 130));
  g_autoptr (ImageBuffer) large = image_buffer_copy (source->image);
  gsize changed = 0;

  sd_source_unref (params->source);
  params->source = source;
  source->mask = image_mask_new (150, 130);
  for (guint y = 50; y < 70; y++)
    memset (source->mask->pixels + y * 150 + 60, 255, 30);
  source->only_masked = TRUE;
  g_autoptr (SdRun) run = start (params);
  sd_test_finish (run);
  g_autoptr (ImageBuffer) out = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (out->width, ==, 150);
  g_assert_cmpuint (out->height, ==, 130);
  for (guint i = 0; i < 150 * 130; i++)
    if (source->mask->pixels[i] == 0)
      g_assert_cmpmem (out->pixels + 3 * i, 3, large->pixels + 3 * i, 3);
    else
      changed += memcmp (out->pixels + 3 * i, large->pixels + 3 * i, 3) != 0;
  g_assert_cmpuint (changed, >, 300);

  g_autoptr (SdParams) more = params_from (SAMPLER_EULER, 2);
  more->source->extend[2] = 16;
  more->width = 80;
  g_autoptr (SdRun) grown = start (more);
  sd_test_finish (grown);
  g_autoptr (ImageBuffer) wide = sd_run_decode (grown, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (wide->width, ==, 80);
  for (guint y = 0; y < 64; y++)
    g_assert_cmpmem (wide->pixels + y * 80 * 3, 48 * 3, image->pixels + y * 64 * 3,
                     48 * 3);
}

/* ---- what is refused ---- */

static void
test_refused (void)
{
  g_autoptr (SdParams) params = params_from (SAMPLER_EULER, 20);
  SdSource *source = params->source;

  source->strength = 1.5;
  refused (params, "1.5");
  source->strength = NAN;
  refused (params, "nan");
  source->strength = 0.001;
  source->exact_steps = TRUE;
  refused (params, "0.001");
  source->strength = 0.5;
  source->mask = image_mask_new (64, 64);
  refused (params, "Nothing is masked");
  source->mask->pixels[64 * 20 + 20] = 255;
  refused (params, "too thin");
  image_mask_free (source->mask);
  source->mask = image_mask_new (32, 64);
  refused (params, "32×64");
  g_clear_pointer (&source->mask, image_mask_free);
  source->extend[1] = 12;
  refused (params, "12");
  source->extend[1] = 1u << 20;
  refused (params, "too large");
  source->extend[1] = 0;
  source->instruct = TRUE;
  refused (params, "instruction");
  source->instruct = FALSE;
  source->image_cfg = -1;
  refused (params, "-1");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  engine = sd_test_engine ();
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_DPMPP_2M, 8);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_test_finish (run);
  image = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);

  g_test_add_func ("/sd/source/steps", test_steps);
  g_test_add_func ("/sd/source/begin", test_begin);
  g_test_add_func ("/sd/source/strength", test_strength);
  for (SamplerKind kind = 0; kind < SAMPLER_N_KINDS; kind++)
    {
      g_autofree char *name
          = g_strdup_printf ("/sd/source/resume/%s", sampler_kind_name (kind));
      g_test_add_data_func (name, GUINT_TO_POINTER (kind), test_resume);
    }
  g_test_add_func ("/sd/source/batch", test_batch);
  g_test_add_func ("/sd/source/mask", test_mask);
  g_test_add_func ("/sd/source/sizes", test_sizes);
  g_test_add_func ("/sd/source/refused", test_refused);
  status = g_test_run ();
  image_buffer_free (image);
  sd_engine_free (engine);
  return status;
}
