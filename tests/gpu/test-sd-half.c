/* test-sd-half.c: 16-bit storage: the same picture, and where it must not be used
 *
 * test-sd-half psnr MODEL: pictures of 16 and of 32 bits are alike to 45 dB; MODEL "" is
 * the bundled one.
 * test-sd-half xl MODEL: XL's VAE, whose activations outgrow 16 bits, decodes as with 32,
 * and the rest stays at 16.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-half.h"
#include "sd/sd-engine-private.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define SIDE 64
#define PIXELS (3 * SIDE * SIDE)

static const char *model_path;

static SdEngine *
open_engine (SdPrecision precision, SdExtras *extras)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path
      = *model_path != '\0' ? g_strdup (model_path) : sd_bundled_model_path ();
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  if (extras != NULL)
    sd_extras_attach (model, extras);
  SdEngine *engine = sd_engine_new (model, -1, precision, NULL, &error);
  g_assert_no_error (error);
  return engine;
}

static ImageBuffer *
picture (SdPrecision precision)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (precision, NULL);
  g_autoptr (SdParams) params = sd_params_new_for (sd_engine_info (engine));
  const char *example = sd_info_example (sd_engine_info (engine));
  g_free (params->prompt);
  params->prompt = g_strdup (example != NULL ? example : "a cat on a chair");
  params->width = params->height = SIDE;
  params->steps = 4;
  params->cfg = 4;
  params->sampler = SAMPLER_DPMPP_2M;
  params->seed = 3;
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  while (sd_run_step_index (run) < sd_run_n_steps (run))
    {
      sd_run_step (run, NULL, &error);
      g_assert_no_error (error);
    }
  ImageBuffer *image = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (sd_engine_precision_name (engine), ==,
                   precision == SD_PRECISION_FP16 ? "fp16" : "fp32");
  return image;
}

static void
test_psnr (void)
{
  g_autoptr (ImageBuffer) half = picture (SD_PRECISION_FP16);
  g_autoptr (ImageBuffer) full = picture (SD_PRECISION_FP32);
  double sum = 0;
  gsize n = (gsize) SIDE * SIDE * half->channels;
  for (gsize i = 0; i < n; i++)
    sum += ((double) half->pixels[i] - full->pixels[i])
           * ((double) half->pixels[i] - full->pixels[i]);
  double psnr = 10 * log10 (255.0 * 255.0 / MAX (sum / n, 1e-9));
  g_test_message ("%.1f dB", psnr);
  g_assert_cmpfloat (psnr, >=, 45);
}

/* ---- XL's VAE ---- */

/* The model's VAE with its first weights so large that all that follows, up to the last
 * norm, is beyond 65504: like the VAE that XL came with. */
static void
write_loud_vae (const char *path)
{
  static const char root[] = SD_NAMES_VAE;
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (model_path, NULL, &error);
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (StWriteTensor));
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);

  g_assert_no_error (error);
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const StModelTensor *t = st_model_tensor (model, i);
      gsize bytes = t->tensor->end - t->tensor->begin;
      if (!g_str_has_prefix (t->name, root))
        continue;
      guint16 *data = g_malloc (bytes);
      st_file_read (t->file, t->tensor->begin, bytes, data, &error);
      g_assert_no_error (error);
      gboolean loud = g_str_has_prefix (t->name + strlen (root), "decoder.conv_in.");
      for (gsize k = 0; loud && k < t->tensor->count; k++)
        data[k] = base_half_from_float (base_half_to_float (data[k]) * 60000);
      const StWriteTensor out
          = { t->name, t->tensor->dtype, t->tensor->rank, t->tensor->shape, data };
      g_array_append_val (tensors, out);
      g_ptr_array_add (memory, data);
    }
  st_write (path, (StWriteTensor *) tensors->data, tensors->len, NULL, &error);
  g_assert_no_error (error);
}

static void
decode_loud (const char *vae, SdPrecision precision, float *rgb)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (BaseRandom) random = base_random_new (BASE_RANDOM_CPU, 2);
  SdExtras *extras = g_new0 (SdExtras, 1);
  extras->parts[SD_PART_VAE] = g_strdup (vae);
  g_autoptr (SdEngine) engine = open_engine (precision, extras);
  float latents[SD_LATENT_CHANNELS * SIDE * SIDE / 64];

  base_random_normal (random, G_N_ELEMENTS (latents), latents);
  sd_engine_decode (engine, latents, SIDE / 8, SIDE / 8, rgb, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (sd_engine_precision_name (engine), ==,
                   precision == SD_PRECISION_FP16 ? "fp16" : "fp32");
}

static void
test_xl_vae (void)
{
  g_autofree char *folder = g_dir_make_tmp ("calotype-half-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "loud.safetensors", NULL);
  g_autofree float *half = g_new (float, PIXELS), *full = g_new (float, PIXELS);
  double difference = 0, size = 0;

  write_loud_vae (path);
  decode_loud (path, SD_PRECISION_FP16, half);
  decode_loud (path, SD_PRECISION_FP32, full);
  for (gsize i = 0; i < PIXELS; i++)
    {
      difference += ((double) half[i] - full[i]) * ((double) half[i] - full[i]);
      size += (double) full[i] * full[i];
    }
  g_test_message ("relative error %.2e", sqrt (difference / size));
  g_assert_cmpfloat (sqrt (difference / size), <=, 1e-4);
  g_unlink (path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  if (argc != 3)
    g_error ("usage: %s psnr|xl MODEL", argv[0]);
  model_path = argv[2];
  if (strcmp (argv[1], "xl") == 0)
    g_test_add_func ("/sd/half/xl-vae", test_xl_vae);
  else
    g_test_add_func ("/sd/half/psnr", test_psnr);
  return g_test_run ();
}
