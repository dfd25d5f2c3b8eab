/* test-sd-golden.c: every network and whole runs against what diffusers computed
 *
 * test-sd-golden NAME MODEL DEVICE: tests/golden/NAME.safetensors and .json; MODEL "" is
 * the bundled one; DEVICE -2 is the plain C reference, as in sd_engine_new. Bounds are on
 * ‖a − b‖₂ / ‖b‖₂ in single precision: 1e-4 for one pass of a network, 1e-3 for 20 steps,
 * whose errors add up.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PASS_BOUND 1e-4
#define RUN_BOUND 1e-3
/* Where activations are stored in 16 bits: 2e-2 for 20 steps, and for a pass what
 * rounding of 2^-11 in some hundred layers adds up to. */
#define FP16_PASS_BOUND 5e-3
#define FP16_RUN_BOUND 2e-2
#define SKIPPED 77 /* as meson understands it */

static SdEngine *engine;
static double pass_bound = PASS_BOUND, run_bound = RUN_BOUND;
static StModel *golden;
static JsonObject *about; /* the JSON beside the tensors */

/* ---- golden values ---- */

static const StTensor *
find (const char *name)
{
  const StModelTensor *tensor = st_model_find (golden, name);
  return tensor != NULL ? tensor->tensor : NULL;
}

static float *
values (const char *name, gsize *n)
{
  g_autoptr (GError) error = NULL;
  const StModelTensor *t = st_model_find (golden, name);
  g_assert_nonnull (t);
  gsize bytes = t->tensor->end - t->tensor->begin;
  g_autofree guint8 *packed = g_malloc (bytes);
  float *out = g_new (float, t->tensor->count);
  st_file_read (t->file, t->tensor->begin, bytes, packed, &error);
  g_assert_no_error (error);
  st_dtype_to_float (t->tensor->dtype, packed, 0, t->tensor->count, out);
  if (n != NULL)
    *n = t->tensor->count;
  return out;
}

static JsonObject *
about_tensor (const char *name)
{
  return json_object_get_object_member (json_object_get_object_member (about, "tensors"),
                                        name);
}

static const char *
prompt_text (guint index)
{
  return json_array_get_string_element (json_object_get_array_member (about, "prompts"),
                                        index);
}

static void
compare (const char *what, const float *a, const float *b, gsize n, double bound)
{
  double error = 0, norm = 0;
  for (gsize i = 0; i < n; i++)
    {
      error += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      norm += (double) b[i] * b[i];
    }
  double relative = sqrt (error / norm);
  g_test_message ("%s: relative error %.2e", what, relative);
  g_assert_cmpfloat (norm, >, 0);
  g_assert_cmpfloat (relative, <=, bound);
}

/* ---- stages ---- */

static void
test_text (void)
{
  g_autoptr (GError) error = NULL;
  gsize n, n_context;
  g_autofree float *stored = values ("text.ids", &n);
  g_autofree float *expected = values ("text.context", &n_context);
  g_autofree float *expected_pooled
      = find ("text.pooled") != NULL ? values ("text.pooled", NULL) : NULL;
  guint encoders = sd_engine_n_texts (engine),
        pooled_width = sd_engine_pooled_width (engine);
  gsize each = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (engine);
  g_autofree float *context = g_new (float, each);
  g_autofree float *pooled = g_new (float, pooled_width + 1);
  guint ids[2 * SD_TEXT_TOKENS], prompts = n / SD_TEXT_TOKENS / encoders;

  g_assert_cmpuint (n_context, ==, prompts * each);
  g_assert_true ((expected_pooled != NULL) == (pooled_width > 0));
  for (guint p = 0; p < prompts; p++)
    {
      g_autofree char *what = g_strdup_printf ("context of prompt %u", p);
      for (guint i = 0; i < encoders * SD_TEXT_TOKENS; i++)
        ids[i] = (guint) stored[(i / SD_TEXT_TOKENS * prompts + p) * SD_TEXT_TOKENS
                                + i % SD_TEXT_TOKENS];
      sd_engine_encode_tokens (engine, ids, 1, context, pooled, NULL, &error);
      g_assert_no_error (error);
      compare (what, context, expected + p * each, each, pass_bound);
      if (pooled_width > 0)
        compare ("its one vector", pooled, expected_pooled + (gsize) p * pooled_width,
                 pooled_width, pass_bound);
    }
}

/* For the prompts of a pass, made from the golden vectors. */
static float *
labels_of (JsonArray *prompts, guint h, guint w)
{
  guint n = json_array_get_length (prompts), width = sd_engine_pooled_width (engine);
  if (width == 0)
    return NULL;
  g_autofree float *all = values ("text.pooled", NULL);
  g_autofree float *pooled = g_new (float, (gsize) n *width);
  float *labels = g_new (float, (gsize) n *sd_engine_label_width (engine));
  for (guint i = 0; i < n; i++)
    memcpy (pooled + (gsize) i * width,
            all + json_array_get_int_element (prompts, i) * width,
            width * sizeof (float));
  sd_engine_make_labels (engine, pooled, n, 8 * w, 8 * h, labels);
  return labels;
}

static void
check_pass (guint index)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *x_name = g_strdup_printf ("unet.%u.x", index);
  g_autofree char *out_name = g_strdup_printf ("unet.%u.out", index);
  const StTensor *shape = find (x_name);
  guint n = shape->shape[0], h = shape->shape[2], w = shape->shape[3];
  gsize each = SD_LATENT_CHANNELS * (gsize) h * w;
  gsize text = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (engine);
  double t = json_object_get_double_member (about_tensor (x_name), "t");
  JsonArray *prompts = json_object_get_array_member (about_tensor (x_name), "prompts");
  g_autofree float *x = values (x_name, NULL), *expected = values (out_name, NULL);
  g_autofree float *all = values ("text.context", NULL);
  g_autofree float *context = g_new (float, n *text);
  g_autofree float *row = g_new (float, (gsize) n *sd_unet_emb_total (engine->unet));
  g_autofree float *labels = labels_of (prompts, h, w);
  g_autofree double *times = g_new (double, n);
  g_autofree float *out = g_new (float, n *each);

  for (guint i = 0; i < n; i++)
    memcpy (context + i * text, all + json_array_get_int_element (prompts, i) * text,
            text * sizeof (float));
  for (guint i = 0; i < n; i++)
    times[i] = t;
  sd_engine_embed_times (engine, times, labels, sd_engine_embed_rows (engine, n), row,
                         NULL, &error);
  g_assert_no_error (error);
  sd_engine_set_context (engine, context, n, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *what = g_strdup_printf (
          "pass at t = %g, latents %u×%u, prompt %u of %u", t, h, w, i + 1, n);
      sd_engine_pass (engine, &(SdInput){ x + i * each, h, w, NULL }, n, row, out, NULL,
                      &error);
      g_assert_no_error (error);
      compare (what, out + i * each, expected + i * each, each, pass_bound);
    }
}

static void
test_unet (void)
{
  for (guint i = 0;; i++)
    {
      g_autofree char *name = g_strdup_printf ("unet.%u.x", i);
      if (find (name) == NULL)
        {
          g_assert_cmpuint (i, >, 0);
          return;
        }
      check_pass (i);
    }
}

/* Each "vae.NAME.latents" or "encode.NAME.picture" that there is. */
static void
for_each (const char *prefix, const char *suffix, void (*check) (const char *name))
{
  guint n = 0;
  for (guint i = 0; i < st_model_n_tensors (golden); i++)
    {
      const char *full = st_model_tensor (golden, i)->name;
      if (!g_str_has_prefix (full, prefix) || !g_str_has_suffix (full, suffix))
        continue;
      g_autofree char *name = g_strndup (
          full + strlen (prefix), strlen (full) - strlen (prefix) - strlen (suffix));
      check (name);
      n++;
    }
  g_assert_cmpuint (n, >, 0);
}

static void
check_decoder (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *in = g_strconcat ("vae.", name, ".latents", NULL);
  g_autofree char *out = g_strconcat ("vae.", name, ".decoded", NULL);
  guint h = find (in)->shape[2], w = find (in)->shape[3];
  gsize n, area = 64 * (gsize) h * w;
  g_autofree float *latents = values (in, NULL), *first = values (out, &n);
  g_autofree float *expected = g_new (float, n), *rgb = g_new (float, n);

  g_assert_cmpuint (n, ==, area * 3);
  for (gsize i = 0; i < n; i++)
    expected[i] = first[i % 3 * area + i / 3];
  sd_engine_decode (engine, latents, h, w, rgb, NULL, &error);
  g_assert_no_error (error);
  compare (in, rgb, expected, n, pass_bound);
}

static void
check_encoder (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *in = g_strconcat ("encode.", name, ".picture", NULL);
  g_autofree char *out = g_strconcat ("encode.", name, ".moments", NULL);
  guint h = find (in)->shape[2], w = find (in)->shape[3];
  gsize area = (gsize) h * w, n = area / 64 * SD_LATENT_CHANNELS;
  g_autofree float *picture = values (in, NULL), *moments = values (out, NULL);
  g_autoptr (ImageBuffer) image = image_buffer_new (w, h, 3);

  for (gsize i = 0; i < area * 3; i++)
    image->pixels[i] = (guint8) picture[i % 3 * area + i / 3];
  g_autofree float *latents = sd_engine_encode (engine, image, NULL, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < n; i++)
    moments[i] *= (float) engine->info->latent_scale; /* the means come first */
  compare (in, latents, moments, n, pass_bound);
}

static void
test_decoder (void)
{
  for_each ("vae.", ".latents", check_decoder);
}

static void
test_encoder (void)
{
  for_each ("encode.", ".picture", check_encoder);
}

/* ---- runs ---- */

static void
check_run (const char *sampler)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("run.%s.latents", sampler);
  JsonObject *how = about_tensor (name);
  g_autoptr (SdParams) params = sd_params_new_for (engine->info);
  gsize n, m;
  g_autofree float *expected = values (name, &n);

  g_free (params->prompt);
  g_free (params->negative);
  params->prompt = g_strdup (json_object_get_string_member (how, "prompt"));
  params->negative = g_strdup (json_object_get_string_member (how, "negative"));
  params->height = 8 * find (name)->shape[2];
  params->width = 8 * find (name)->shape[3];
  params->steps = json_object_get_int_member (how, "steps");
  params->cfg = json_object_get_double_member (how, "cfg");
  params->seed = json_object_get_int_member (about, "seed");
  sampler_parse (json_object_get_string_member (how, "sampler"), &params->sampler, NULL,
                 &error);
  g_assert_no_error (error);
  sampler_schedule_parse (json_object_get_string_member (how, "schedule"),
                          &params->schedule, &error);
  g_assert_no_error (error);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  while (error == NULL && sd_run_step_index (run) < sd_run_n_steps (run))
    sd_run_step (run, NULL, &error);
  g_assert_no_error (error);
  const float *latents = sd_run_latents (run, &m);
  g_assert_cmpuint (n, ==, m);
  compare (name, latents, expected, n, run_bound);
}

static void
test_runs (void)
{
  for_each ("run.", ".latents", check_run);
}

/* The tokens of the goldens are those of our own tokenizer, filled up as each encoder
 * wants: runs begin with the same ids. */
static void
test_tokens (void)
{
  gsize n;
  g_autofree float *stored = values ("text.ids", &n);
  guint encoders = sd_engine_n_texts (engine), prompts = n / SD_TEXT_TOKENS / encoders;
  for (guint i = 0; i < encoders * prompts; i++)
    {
      guint ids[SD_TEXT_TOKENS];
      g_autoptr (GArray) tokens
          = sd_tokenizer_encode (engine->tokenizer, prompt_text (i % prompts), NULL);
      sd_text_fill (engine->texts[i / prompts], (const guint *) tokens->data, tokens->len,
                    ids);
      for (guint k = 0; k < SD_TEXT_TOKENS; k++)
        g_assert_cmpuint (ids[k], ==, (guint) stored[i * SD_TEXT_TOKENS + k]);
    }
}

static void
load (const char *name, const char *model_path, int device, SdPrecision precision)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *tensors = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *json = g_strconcat (name, ".json", NULL);
  g_autofree char *golden_path
      = g_test_build_filename (G_TEST_DIST, "golden", tensors, NULL);
  g_autofree char *json_path = g_test_build_filename (G_TEST_DIST, "golden", json, NULL);
  g_autofree char *path
      = *model_path != '\0' ? g_strdup (model_path) : sd_bundled_model_path ();
  JsonParser *parser = json_parser_new ();

  golden = st_model_open (golden_path, NULL, &error);
  g_assert_no_error (error);
  json_parser_load_from_file (parser, json_path, &error);
  g_assert_no_error (error);
  about = json_object_ref (json_node_get_object (json_parser_get_root (parser)));
  g_object_unref (parser);
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  engine = sd_engine_new (model, device, precision, NULL, &error);
  g_assert_no_error (error);
  g_test_message ("%s on %s", path, sd_engine_device_name (engine));
}

/* CALOTYPE_KERNELS=staged or matrix: with kernels of this family; FALSE where the device
 * has none */
static gboolean
take_family (int device)
{
  const char *name = g_getenv ("CALOTYPE_KERNELS");
  NnFamily family = NN_FAMILY_AUTO;
  GpuInfo info;

  if (name != NULL && !nn_family_from_name (name, &family))
    g_error ("CALOTYPE_KERNELS=%s: there is no such family", name);
  nn_set_family (family);
  return family != NN_FAMILY_MATRIX
         || (gpu_device_info_for (device, &info, NULL) && info.matrix_m > 0);
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  gboolean half = argc == 5 && strcmp (argv[4], "fp16") == 0;
  if (argc != 4 && !half)
    g_error ("usage: %s GOLDEN MODEL DEVICE [fp16]", argv[0]);
  if (half)
    {
      pass_bound = FP16_PASS_BOUND;
      run_bound = FP16_RUN_BOUND;
    }
  if (!take_family ((int) g_ascii_strtoll (argv[3], NULL, 10)))
    return SKIPPED;
  load (argv[1], argv[2], (int) g_ascii_strtoll (argv[3], NULL, 10),
        half ? SD_PRECISION_FP16 : SD_PRECISION_FP32);
  g_test_add_func ("/sd/golden/tokens", test_tokens);
  g_test_add_func ("/sd/golden/text", test_text);
  g_test_add_func ("/sd/golden/unet", test_unet);
  g_test_add_func ("/sd/golden/decoder", test_decoder);
  g_test_add_func ("/sd/golden/encoder", test_encoder);
  if (find ("run.noise") != NULL)
    g_test_add_func ("/sd/golden/runs", test_runs);
  int status = g_test_run ();
  sd_engine_free (engine);
  st_model_unref (golden);
  json_object_unref (about);
  return status;
}
