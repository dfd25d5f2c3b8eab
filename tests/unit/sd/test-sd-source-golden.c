/* test-sd-source-golden.c: runs that begin from a picture against diffusers' latents
 *
 *     test-sd-source-golden GOLDEN MODEL DEVICE
 *
 * GOLDEN: of tests/golden; MODEL: a file, or "" for the bundled one; DEVICE: -2 is the
 * plain C reference. Every "NAME.latents" of the golden file is a case.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu.h"
#include "sd/sd-engine-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define BOUND 1e-3

static StModel *golden;
static JsonObject *about;
static SdEngine *engine;

static const StModelTensor *
find (const char *name, const char *what)
{
  g_autofree char *full = g_strconcat (name, ".", what, NULL);
  return st_model_find (golden, full);
}

static gpointer
values (const StModelTensor *t)
{
  g_autoptr (GError) error = NULL;
  gsize n = t->tensor->end - t->tensor->begin;
  gpointer bytes = g_malloc (n);
  st_file_read (t->file, t->tensor->begin, n, bytes, &error);
  g_assert_no_error (error);
  return bytes;
}

static JsonObject *
about_latents (const char *name)
{
  g_autofree char *full = g_strconcat (name, ".latents", NULL);
  return json_object_get_object_member (json_object_get_object_member (about, "tensors"),
                                        full);
}

static void
set_mask (SdSource *source, const char *name)
{
  const StModelTensor *t = find (name, "mask");
  JsonObject *how = about_latents (name);
  static const char *const contents[] = { "original", "fill", "noise", "nothing", NULL };

  if (t == NULL)
    return;
  g_autofree guint8 *bytes = values (t);
  source->mask = image_mask_new (source->image->width, source->image->height);
  memcpy (source->mask->pixels, bytes, t->tensor->count);
  source->soft = json_object_get_boolean_member_with_default (how, "soft", FALSE);
  const char *content
      = json_object_get_string_member_with_default (how, "content", "original");
  while (!g_str_equal (contents[source->masked], content))
    source->masked++;
}

static SdParams *
params_of (const char *name)
{
  const StModelTensor *t = find (name, "picture");
  guint h = t->tensor->shape[2], w = t->tensor->shape[3];
  gsize area = (gsize) h * w;
  g_autofree guint8 *bytes = values (t);
  ImageBuffer *image = image_buffer_new (w, h, 3);
  JsonObject *how = about_latents (name);
  SdParams *params = sd_params_new_for (engine->info);

  for (gsize i = 0; i < area * 3; i++)
    image->pixels[i] = bytes[i % 3 * area + i / 3];
  params->source = sd_source_new (image);
  set_mask (params->source, name);
  params->source->strength
      = json_object_get_double_member_with_default (how, "strength", 1.0);
  params->source->image_cfg
      = json_object_get_double_member_with_default (how, "image_cfg", 1.5);
  params->source->instruct = g_str_has_prefix (name, "instruct.");
  params->width = w;
  params->height = h;
  g_free (params->prompt);
  g_free (params->negative);
  params->prompt = g_strdup (json_object_get_string_member (about, "prompt"));
  params->negative = g_strdup (json_object_get_string_member (about, "negative"));
  params->steps = json_object_get_int_member (about, "steps");
  params->cfg = json_object_get_double_member (about, "cfg");
  params->seed = json_object_get_int_member (about, "seed");
  params->sampler = SAMPLER_EULER;
  params->schedule = SAMPLER_KARRAS;
  return params;
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
  g_assert_cmpfloat (norm, >, 0);
  return sqrt (error / norm);
}

/* As it is, and with the prompts one by one, as where memory is short. */
static void
test_case (gconstpointer data)
{
  const char *name = data;
  const StModelTensor *t = find (name, "latents");
  g_autofree float *expected = values (t);

  for (guint split = 0; split < 2; split++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SdParams) params = params_of (name);
      SdFit fit = engine->fit;
      gsize n;

      if (split == 1 && engine->device != NULL)
        break;
      fit.split = split;
      sd_engine_set_fit (engine, &fit);
      g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
      g_assert_no_error (error);
      while (error == NULL && sd_run_step_index (run) < sd_run_n_steps (run))
        sd_run_step (run, NULL, &error);
      g_assert_no_error (error);
      const float *latents = sd_run_latents (run, &n);
      g_assert_cmpuint (n, ==, t->tensor->count);
      double relative = distance (latents, expected, n);
      g_test_message ("%s: relative error %.2e", name, relative);
      g_assert_cmpfloat (relative, <=, BOUND);
    }
}

/* Put down after the second step and taken up again: the same bits. */
static void
test_resume (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = params_of (data);
  gsize n, m;

  params->steps = 5;
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sd_run_step (run, NULL, &error) && sd_run_step (run, NULL, &error));
  g_autoptr (GBytes) state = sd_run_save (run);
  g_autoptr (SdRun) again = sd_run_load (engine, state, NULL, &error);
  g_assert_no_error (error);
  while (sd_run_step_index (run) < sd_run_n_steps (run))
    g_assert_true (sd_run_step (run, NULL, NULL) && sd_run_step (again, NULL, NULL));
  const float *a = sd_run_latents (run, &n), *b = sd_run_latents (again, &m);
  g_assert_cmpmem (a, n * sizeof *a, b, m * sizeof *b);
}

/* Guidance by the picture of 1 takes two prompts a pass, both of 1 take one; the latents
 * are those of three, whose formula has nothing special there. */
static void
test_guidances (gconstpointer data)
{
  static const double cfgs[] = { 4.0, 1.0 };

  for (guint i = 0; i < G_N_ELEMENTS (cfgs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SdParams) params = params_of (data);
      g_autofree float *few = NULL;
      gsize n;

      params->steps = 3;
      params->cfg = cfgs[i];
      for (guint k = 0; k < 2; k++)
        {
          params->source->image_cfg = k == 0 ? 1.0 : 1.0 + 1e-9;
          g_assert_cmpuint (sd_params_passes (params, engine->info), ==,
                            k == 1 ? 3 : 2 - i);
          g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
          g_assert_no_error (error);
          while (sd_run_step_index (run) < sd_run_n_steps (run))
            g_assert_true (sd_run_step (run, NULL, NULL));
          const float *latents = sd_run_latents (run, &n);
          if (k == 0)
            few = g_memdup2 (latents, n * sizeof *latents);
          else
            g_assert_cmpfloat (distance (few, latents, n), <, 1e-4);
        }
    }
}

/* From words alone: a model for in-painting makes all of the picture; one for
 * instructions says what it wants. */
static void
test_words (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_params_new_for (engine->info);

  params->width = params->height = 64;
  params->steps = 2;
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  if (engine->info->unet_in_channels == SD_INSTRUCT_CHANNELS)
    {
      g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
      g_assert_nonnull (strstr (error->message, "picture"));
      return;
    }
  g_assert_no_error (error);
  g_assert_true (sd_run_step (run, NULL, &error) && sd_run_step (run, NULL, &error));
}

static void
load (const char *name, const char *model_path, int device)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *tensors = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *json = g_strconcat (name, ".json", NULL);
  g_autofree char *golden_path
      = g_test_build_filename (G_TEST_DIST, "golden", tensors, NULL);
  g_autofree char *json_path = g_test_build_filename (G_TEST_DIST, "golden", json, NULL);
  g_autofree char *path
      = *model_path != '\0' ? g_strdup (model_path) : sd_bundled_model_path ();
  g_autoptr (JsonParser) parser = json_parser_new ();

  golden = st_model_open (golden_path, NULL, &error);
  g_assert_no_error (error);
  json_parser_load_from_file (parser, json_path, &error);
  g_assert_no_error (error);
  about = json_object_ref (json_node_get_object (json_parser_get_root (parser)));
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  engine = sd_engine_new (model, device, SD_PRECISION_FP32, NULL, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  if (argc != 4)
    g_error ("usage: %s GOLDEN MODEL DEVICE", argv[0]);
  load (argv[1], argv[2], (int) g_ascii_strtoll (argv[3], NULL, 10));
  for (guint i = 0; i < st_model_n_tensors (golden); i++)
    {
      const char *full = st_model_tensor (golden, i)->name;
      if (!g_str_has_suffix (full, ".latents"))
        continue;
      char *name = g_strndup (full, strlen (full) - strlen (".latents"));
      g_autofree char *path = g_strconcat ("/sd/source-golden/", name, NULL);
      g_test_add_data_func_full (path, name, test_case, g_free);
      if (!g_str_has_suffix (name, ".odd"))
        continue;
      g_autofree char *resume = g_strconcat (path, "/resume", NULL);
      g_test_add_data_func_full (resume, g_strdup (name), test_resume, g_free);
      g_autofree char *guidances = g_strconcat (path, "/guidances", NULL);
      if (engine->info->unet_in_channels == SD_INSTRUCT_CHANNELS)
        g_test_add_data_func_full (guidances, g_strdup (name), test_guidances, g_free);
    }
  g_test_add_func ("/sd/source-golden/words", test_words);
  int status = g_test_run ();
  sd_engine_free (engine);
  st_model_unref (golden);
  json_object_unref (about);
  return status;
}
