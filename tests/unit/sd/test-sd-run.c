/* test-sd-run.c: runs of the bundled model on the plain C reference: same bits however
 * made
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "sd-test-model.h"
#include "sd/sd-engine-private.h"

static SdEngine *engine; /* loaded once: it is not changed by a run */

static SdRun *
start (const SdParams *params, const float *noise)
{
  g_autoptr (GError) error = NULL;
  SdRun *run = sd_run_new (engine, params, noise, NULL, &error);
  g_assert_no_error (error);
  return run;
}

static void
assert_same_bits (SdRun *a, SdRun *b)
{
  gsize n, m;
  const float *x = sd_run_latents (a, &n), *y = sd_run_latents (b, &m);
  g_assert_cmpmem (x, n * sizeof (float), y, m * sizeof (float));
}

/* Stopped, saved, loaded, continued: for every sampler, and with another run between,
 * which leaves its own prompt in the engine. */
static void
test_resume (gconstpointer data)
{
  SamplerKind kind = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, kind, 4);
  g_autoptr (SdParams) other = sd_test_params (engine, kind, 2);
  g_autoptr (SdRun) whole = start (params, NULL);
  g_autoptr (SdRun) first = start (params, NULL);

  g_free (other->prompt);
  other->prompt = g_strdup ("a blue square on yellow");
  other->seed = 5;
  sd_test_finish (whole);
  g_assert_true (sd_run_step (first, NULL, &error));
  g_assert_true (sd_run_step (first, NULL, &error));
  g_autoptr (GBytes) state = sd_run_save (first), denoised = NULL, nothing = NULL;
  gsize floats;
  g_assert_cmpuint (sd_run_state_step (state, &denoised), ==, 2);
  const float *seen = sd_run_denoised (first, &floats);
  g_assert_cmpmem (g_bytes_get_data (denoised, NULL), g_bytes_get_size (denoised), seen,
                   floats * sizeof (float));
  g_autoptr (GBytes) junk = g_bytes_new_static ("junk", 4);
  g_assert_cmpuint (sd_run_state_step (junk, &nothing), ==, 0);
  g_assert_null (nothing);
  g_autoptr (SdRun) between = start (other, NULL);
  sd_test_finish (between);
  g_autoptr (SdRun) second = sd_run_load (engine, state, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sd_run_step_index (second), ==, 2);
  sd_test_finish (second);
  assert_same_bits (whole, second);
  sd_test_finish (first);
  assert_same_bits (whole, first);

  gsize n;
  const float *x = sd_run_latents (between, &n);
  g_assert_cmpint (memcmp (x, sd_run_latents (whole, NULL), n * sizeof (float)), !=, 0);
}

static void
test_batch (void)
{
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER_ANCESTRAL, 3);
  g_autoptr (SdParams) alone = sd_params_copy (params);
  gsize n_per = 4 * 8 * 8, n;

  params->batch = 3;
  g_autoptr (SdRun) run = start (params, NULL);
  sd_test_finish (run);
  const float *x = sd_run_latents (run, &n);
  g_assert_cmpuint (n, ==, 3 * n_per);
  for (guint i = 0; i < 3; i++)
    {
      alone->seed = params->seed + i;
      g_autoptr (SdRun) one = start (alone, NULL);
      sd_test_finish (one);
      g_assert_cmpmem (x + i * n_per, n_per * sizeof (float), sd_run_latents (one, NULL),
                       n_per * sizeof (float));
    }
}

static void
test_noise_given (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_DPMPP_2M, 2);
  g_autoptr (BaseRandom) random = base_random_new (params->rng, params->seed);
  float noise[4 * 8 * 8];

  base_random_normal (random, G_N_ELEMENTS (noise), noise);
  g_autoptr (SdRun) drawn = start (params, NULL);
  g_autoptr (SdRun) given = start (params, noise);
  sd_test_finish (drawn);
  sd_test_finish (given);
  assert_same_bits (drawn, given);

  noise[17] = NAN;
  g_assert_null (sd_run_new (engine, params, noise, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
}

static void
test_cancel (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_HEUN, 2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  BaseTask task = { .cancellable = cancellable };
  g_autoptr (SdRun) whole = start (params, NULL);
  g_autoptr (SdRun) stopped = start (params, NULL);

  sd_test_finish (whole);
  g_cancellable_cancel (cancellable);
  g_assert_false (sd_run_step (stopped, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (sd_run_step_index (stopped), ==, 0);
  sd_test_finish (stopped);
  assert_same_bits (whole, stopped);
}

/* Guidance 1 takes one prompt a pass; the latents are those of the formula at 1. */
static void
test_guidance_one (void)
{
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 2);
  gsize n;

  params->cfg = 1.0;
  g_autoptr (SdRun) one = start (params, NULL);
  params->cfg = 1.0 + 1e-9; /* two prompts, and no guidance to speak of */
  g_autoptr (SdRun) two = start (params, NULL);
  sd_test_finish (one);
  sd_test_finish (two);
  const float *x = sd_run_latents (one, &n), *y = sd_run_latents (two, NULL);
  double error = 0, norm = 0;
  for (gsize i = 0; i < n; i++)
    {
      error += (x[i] - y[i]) * (x[i] - y[i]);
      norm += x[i] * x[i];
    }
  g_assert_cmpfloat (sqrt (error / norm), <, 1e-5);
}

/* Latents of 9×7, which halve to 5×4 and 3×2: up-sampling meets skips of odd sizes. */
static void
test_odd_size (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 2);
  params->width = 72;
  params->height = 88;
  g_autoptr (SdRun) run = start (params, NULL);
  sd_test_finish (run);
  g_autoptr (ImageBuffer) image = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (image->width, ==, 72);
  g_assert_cmpuint (image->height, ==, 88);
}

static void
test_preview (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_DPMPP_2M, 4);
  g_autoptr (SdRun) run = start (params, NULL);
  g_autoptr (ImageBuffer) last = NULL;

  g_assert_null (sd_run_preview (run, 0, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_STATE);
  g_clear_error (&error);
  while (sd_run_step_index (run) < 4)
    {
      g_assert_true (sd_run_step (run, NULL, &error));
      g_autoptr (ImageBuffer) preview = sd_run_preview (run, 0, &error);
      g_assert_no_error (error);
      /* Whole by the decoder, half by colours: measured times decide. */
      g_assert_true (preview->width == 64 || preview->width == 32);
      g_assert_cmpuint (preview->height, ==, preview->width);
      g_autoptr (ImageBuffer) image = image_buffer_resize (preview, 64, 64);
      if (last != NULL)
        g_assert_cmpint (memcmp (image->pixels, last->pixels, 64 * 64 * 3), !=, 0);
      image_buffer_free (last);
      last = g_steal_pointer (&image);
    }
  /* The last preview is of the same latents as the picture: near it, however it was made.
   */
  g_autoptr (ImageBuffer) picture = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);
  double sum = 0;
  for (guint i = 0; i < 64 * 64 * 3; i++)
    sum += ABS (picture->pixels[i] - last->pixels[i]);
  g_assert_cmpfloat (sum / (64 * 64 * 3), <, 40);
}

/* Fitted once, read back with the same bits by the next process, fitted anew when the
 * file is not ours. */
static void
test_factors (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("preview-%.32s.txt", engine->fingerprint);
  g_autofree char *path
      = g_build_filename (g_get_user_cache_dir (), "calotype", name, NULL);
  const char *const contents[] = { NULL, "0.5 nan 1\n", "" };
  g_autoptr (SdEngine) first = sd_test_engine ();

  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (sd_engine_fit_factors (first, &error));
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      g_autoptr (SdEngine) next = sd_test_engine ();
      if (contents[i] != NULL)
        g_file_set_contents (path, contents[i], -1, &error);
      g_assert_no_error (error);
      g_assert_true (sd_engine_fit_factors (next, &error));
      g_assert_cmpmem (next->factors.matrix, sizeof next->factors.matrix,
                       first->factors.matrix, sizeof first->factors.matrix);
    }
}

static void
test_warnings (void)
{
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 1);
  g_autoptr (SdRun) plain = start (params, NULL);
  g_assert_null (sd_run_warnings (plain));
  g_free (params->prompt);
  params->prompt = g_strdup ("a (red:1.2) moon, <lora:ink:0.5> [dragon:wyvern:1]");
  params->steps = 2;
  g_autoptr (SdRun) run = start (params, NULL);
  const char *const *warnings = sd_run_warnings (run);
  g_assert_cmpuint (g_strv_length ((char **) warnings), ==, 2);
  g_assert_nonnull (strstr (warnings[0], "“ink”"));
  g_assert_nonnull (strstr (warnings[1], "“dragon”, “wyvern”"));
  g_assert_null (strstr (warnings[1], "moon"));
}

static void
test_save_picture (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_DPMPP_2M, 2);
  g_autofree char *directory = g_dir_make_tmp ("calotype-XXXXXX", &error);
  g_autofree char *path = g_build_filename (directory, "picture.png", NULL);
  g_autoptr (GPtrArray) texts = NULL;
  const char *exact = NULL;

  params->batch = 2;
  g_autoptr (SdRun) run = start (params, NULL);
  sd_test_finish (run);
  g_autoptr (ImageBuffer) image = sd_run_decode (run, 1, NULL, &error);
  g_assert_no_error (error);
  sd_run_save_picture (run, 1, image, path, &error);
  g_assert_no_error (error);

  g_autoptr (ImageBuffer) back = image_png_load (path, &texts, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (back->pixels, 64 * 64 * 3, image->pixels, 64 * 64 * 3);
  g_autoptr (ImageMeta) meta = image_meta_from_texts (texts);
  g_assert_cmpstr (meta->prompt, ==, params->prompt);
  g_assert_cmpuint (meta->seed, ==, 12);
  g_assert_cmpint (meta->steps, ==, 2);
  g_assert_cmpint (meta->width, ==, 64);
  for (guint i = 0; i < texts->len; i++)
    if (g_str_equal (((ImageText *) texts->pdata[i])->keyword, "calotype"))
      exact = ((ImageText *) texts->pdata[i])->text;
  g_assert_nonnull (exact);
  g_assert_nonnull (strstr (exact, "\"seed\":12"));
  g_assert_nonnull (strstr (exact, "\"sigmas\":["));
  g_unlink (path);
  g_rmdir (directory);
}

static void
test_foreign_state (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 2);
  g_autoptr (SdRun) run = start (params, NULL);
  g_autoptr (GBytes) state = sd_run_save (run);
  gsize n;
  const guint8 *data = g_bytes_get_data (state, &n);

  for (gsize length = 0; length < n; length += 1 + n / 40)
    {
      g_autoptr (GBytes) cut = g_bytes_new (data, length);
      g_assert_null (sd_run_load (engine, cut, NULL, &error));
      g_assert_nonnull (error);
      g_clear_error (&error);
    }
  g_autofree guint8 *other = g_memdup2 (data, n);
  char *model = memmem (other, n, "model", 6);
  g_assert_nonnull (model);
  for (gsize i = 0; i + 64 < n; i++) /* the fingerprint: 64 hexadecimal digits */
    if (strspn ((char *) other + i, "0123456789abcdef") == 64)
      other[i] = other[i] == '0' ? '1' : '0';
  g_autoptr (GBytes) foreign = g_bytes_new (other, n);
  g_assert_null (sd_run_load (engine, foreign, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "another model"));
}

/* What the VAE makes of its own picture: encoder and decoder fit together. */
static void
test_encode (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_DPMPP_2M, 8);
  g_autoptr (SdRun) run = start (params, NULL);
  sd_test_finish (run);
  g_autoptr (ImageBuffer) image = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);
  g_autofree float *latents = sd_engine_encode (engine, image, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (ImageBuffer) again
      = sd_engine_decode_latents (engine, latents, 8, 8, NULL, &error);
  g_assert_no_error (error);
  double sum = 0;
  for (guint i = 0; i < 64 * 64 * 3; i++)
    sum += (image->pixels[i] - again->pixels[i]) * (image->pixels[i] - again->pixels[i]);
  double psnr = 10 * log10 (255.0 * 255.0 / (sum / (64 * 64 * 3)));
  g_test_message ("round trip: %.1f dB", psnr);
  g_assert_cmpfloat (psnr, >, 18);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  engine = sd_test_engine ();
  for (guint kind = 0; kind < SAMPLER_N_KINDS; kind++)
    {
      g_autofree char *path
          = g_strdup_printf ("/sd/run/resume/%s", sampler_kind_name (kind));
      g_test_add_data_func (path, GUINT_TO_POINTER (kind), test_resume);
    }
  g_test_add_func ("/sd/run/batch", test_batch);
  g_test_add_func ("/sd/run/noise-given", test_noise_given);
  g_test_add_func ("/sd/run/cancel", test_cancel);
  g_test_add_func ("/sd/run/guidance-one", test_guidance_one);
  g_test_add_func ("/sd/run/odd-size", test_odd_size);
  g_test_add_func ("/sd/run/preview", test_preview);
  g_test_add_func ("/sd/run/factors", test_factors);
  g_test_add_func ("/sd/run/warnings", test_warnings);
  g_test_add_func ("/sd/run/save-picture", test_save_picture);
  g_test_add_func ("/sd/run/foreign-state", test_foreign_state);
  g_test_add_func ("/sd/run/encode", test_encode);
  int status = g_test_run ();
  sd_engine_free (engine);
  return status;
}
