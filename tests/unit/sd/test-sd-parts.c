/* test-sd-parts.c: models in several files, found by their names or given; 8-bit weights;
 * what the user says of a model; what a UNet predicts
 *
 * Needs CALOTYPE_MAKE_CHECKPOINT: the program that writes checkpoints from a formula.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-half.h"
#include "sd/sd-engine-private.h"

#include <glib/gstdio.h>
#include <string.h>

#define UNET SD_NAMES_UNET
#define VAE SD_NAMES_VAE

static char *folder;    /* of the whole test */
static SdEngine *whole; /* the narrow 1.x in one file */

/* ---- files ---- */

static char *
path_of (const char *relative)
{
  char *path = g_build_filename (folder, relative, NULL);
  g_autofree char *above = g_path_get_dirname (path);
  g_assert_cmpint (g_mkdir_with_parents (above, 0700), ==, 0);
  return path;
}

/* A part of the narrow 1.x, or (NULL) all of it. */
static char *
make (const char *relative, const char *part)
{
  g_autoptr (GError) error = NULL;
  char *path = path_of (relative);
  const char *argv[] = { g_getenv ("CALOTYPE_MAKE_CHECKPOINT"), "--narrow", path,
                         part != NULL ? "--part" : NULL,        part,       NULL };
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, NULL,
                &error);
  g_assert_no_error (error);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  return path;
}

static void
drop (const char *relative)
{
  g_autofree char *path = path_of (relative);
  g_unlink (path);
}

static StModel *
open_model (const char *path)
{
  g_autoptr (GError) error = NULL;
  StModel *model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  return model;
}

static SdEngine *
open_engine (StModel *model)
{
  g_autoptr (GError) error = NULL;
  SdEngine *engine = sd_engine_new (model, -2, SD_PRECISION_AUTO, NULL, &error);
  g_assert_no_error (error);
  return engine;
}

/* How one tensor of @from is written: under another name, in another type. */
typedef struct
{
  gboolean plain; /* the numbers that the other type makes, as F32, without a scale */
  const char *from, *to; /* starts of names; others are left out */
  StDtype dtype;
  float scale; /* values are divided by it; 0: not scaled, and no scale is written */
} Copy;

/* The nearest of the 254 finite codes, for each of the half floats. */
static guint8
to_e4m3 (float value)
{
  static guint8 *codes;
  if (codes == NULL)
    {
      codes = g_malloc (1 << 16);
      for (guint half = 0; half < 1 << 16; half++)
        {
          float wanted = base_half_to_float ((guint16) half), nearest = G_MAXFLOAT, v;
          for (guint code = 0; code < 256; code++)
            {
              guint8 byte = (guint8) code;
              st_dtype_to_float (ST_DTYPE_F8_E4M3, &byte, 0, 1, &v);
              if (ABS (v - wanted) < nearest)
                {
                  nearest = ABS (v - wanted);
                  codes[half] = byte;
                }
            }
        }
    }
  return codes[base_half_from_float (value)];
}

static guint8
to_e5m2 (float value)
{
  return (guint8) ((base_half_from_float (value) + 0x80) >> 8);
}

static gpointer
copy_values (const StModelTensor *t, const Copy *copy, StDtype *dtype)
{
  gsize bytes = t->tensor->end - t->tensor->begin, n = t->tensor->count;
  guint8 *packed = g_malloc (bytes);
  g_assert_true (st_file_read (t->file, t->tensor->begin, bytes, packed, NULL));
  *dtype = t->tensor->dtype;
  if (t->tensor->rank < 2 || copy->dtype == t->tensor->dtype
      || !st_dtype_is_float (t->tensor->dtype))
    return packed;
  g_autofree guint8 *source = packed;
  g_autofree float *values = g_new (float, n);
  guint8 *out = g_malloc (n);
  st_dtype_to_float (t->tensor->dtype, source, 0, n, values);
  for (gsize i = 0; i < n; i++)
    {
      float v = copy->scale > 0 ? values[i] / copy->scale : values[i];
      out[i] = copy->dtype == ST_DTYPE_F8_E4M3 ? to_e4m3 (v) : to_e5m2 (v);
    }
  *dtype = copy->plain ? ST_DTYPE_F32 : copy->dtype;
  if (!copy->plain)
    return out;
  float *numbers = g_new (float, n);
  st_dtype_to_float (copy->dtype, out, 0, n, numbers);
  for (gsize i = 0; copy->scale > 0 && i < n; i++)
    numbers[i] *= copy->scale;
  g_free (out);
  return numbers;
}

static void
add_copy (GArray *tensors, GPtrArray *memory, const StModelTensor *t, const Copy *copy)
{
  static const guint64 one[] = { 1 };
  if (!g_str_has_prefix (t->name, copy->from))
    return;
  char *name = g_strconcat (copy->to, t->name + strlen (copy->from), NULL);
  StWriteTensor out
      = { .name = name, .rank = t->tensor->rank, .shape = t->tensor->shape };
  out.data = copy_values (t, copy, &out.dtype);
  g_ptr_array_add (memory, name);
  g_ptr_array_add (memory, (gpointer) out.data);
  g_array_append_val (tensors, out);
  if (copy->scale == 0 || copy->plain || out.dtype == t->tensor->dtype)
    return;
  float *scale = g_memdup2 (&copy->scale, sizeof copy->scale);
  StWriteTensor own = { .dtype = ST_DTYPE_F32, .rank = 1, .shape = one, .data = scale };
  own.name = g_strdup_printf ("%.*sscale_weight",
                              (int) (strlen (name) - strlen ("weight")), name);
  g_ptr_array_add (memory, (gpointer) own.name);
  g_ptr_array_add (memory, scale);
  g_array_append_val (tensors, own);
}

static char *
write_copies (const char *source, const char *relative, const Copy *copies, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = open_model (source);
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (StWriteTensor));
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  char *path = path_of (relative);
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    for (guint k = 0; k < n; k++)
      add_copy (tensors, memory, st_model_tensor (model, i), &copies[k]);
  st_write (path, (StWriteTensor *) tensors->data, tensors->len, NULL, &error);
  g_assert_no_error (error);
  return path;
}

/* ---- comparing ---- */

#define SIDE 8
#define LATENTS (SD_LATENT_CHANNELS * SIDE * SIDE)

/* A pass with the context of some tokens, and its decoded picture. */
static void
compute (SdEngine *engine, float *latents, float *rgb)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (BaseRandom) random = base_random_new (BASE_RANDOM_CPU, 5);
  const guint tokens[] = { 320, 1125, 539 };
  g_autofree float *context
      = g_new (float, (gsize) SD_TEXT_TOKENS *sd_engine_context_width (engine));
  g_autofree float *row = g_new (float, sd_unet_emb_total (engine->unet));
  guint ids[SD_TEXT_TOKENS];
  float x[LATENTS];
  double t = 500;

  base_random_normal (random, LATENTS, x);
  sd_text_fill (engine->texts[0], tokens, G_N_ELEMENTS (tokens), ids);
  sd_engine_encode_tokens (engine, ids, 1, context, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_engine_embed_times (engine, &t, NULL, 1, row, NULL, &error);
  g_assert_no_error (error);
  sd_engine_set_context (engine, context, 1, NULL, &error);
  g_assert_no_error (error);
  sd_engine_pass (engine, &(SdInput){ x, SIDE, SIDE, NULL }, 1, row, latents, NULL,
                  &error);
  g_assert_no_error (error);
  sd_engine_decode (engine, latents, SIDE, SIDE, rgb, NULL, &error);
  g_assert_no_error (error);
}

static double
difference (const float *a, const float *b, gsize n)
{
  double error = 0, norm = 0;
  for (gsize i = 0; i < n; i++)
    {
      error += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      norm += (double) b[i] * b[i];
    }
  return error / norm;
}

/* The same bits as from the whole file. */
static void
against_whole (SdEngine *engine)
{
  float latents[2][LATENTS];
  g_autofree float *rgb = g_new (float, 2 * 3 * 64 * SIDE * SIDE);
  compute (engine, latents[0], rgb);
  compute (whole, latents[1], rgb + 3 * 64 * SIDE * SIDE);
  g_assert_cmpmem (latents[0], sizeof latents[0], latents[1], sizeof latents[1]);
  g_assert_cmpmem (rgb, 3 * 64 * SIDE * SIDE * sizeof (float), rgb + 3 * 64 * SIDE * SIDE,
                   3 * 64 * SIDE * SIDE * sizeof (float));
}

static void
assert_says (const char *text, const char *word)
{
  if (text == NULL || strstr (text, word) == NULL)
    g_error ("“%s” does not say “%s”", text, word);
}

/* ---- tests ---- */

/* As ComfyUI's folders have it; one part after the other, each missing one named. */
static void
test_found (void)
{
  g_autofree char *unet = make ("models/checkpoints/m.safetensors", "unet");
  {
    g_autoptr (StModel) model = open_model (unet);
    g_autoptr (SdInfo) info = sd_info_new (model);
    g_assert_false (info->can_generate);
    g_assert_cmpint (info->family, ==, SD_FAMILY_SD1);
    assert_says (info->why_not, "CLIP-L is not in this file");
    assert_says (info->why_not, "clip_l.safetensors");
    assert_says (info->why_not, "text_encoders");
  }
  g_autofree char *text = make ("models/text_encoders/clip_l.safetensors", "text");
  g_autofree char *other = make ("models/vae/sdxl_vae.safetensors", "vae");
  {
    g_autoptr (StModel) model = open_model (unet);
    g_autoptr (SdInfo) info = sd_info_new (model);
    g_assert_false (info->can_generate);
    assert_says (info->why_not, "VAE is not in this file");
  }
  g_autofree char *vae = make ("models/vae/some-vae.safetensors", "vae");
  g_autoptr (StModel) model = open_model (unet);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_assert_cmpstr (info->why_not, ==, NULL);
  assert_says (info->sentence, "“clip_l.safetensors”");
  assert_says (info->sentence, "“some-vae.safetensors”");
  g_assert_false (info->has_text || info->has_vae);
  g_autoptr (SdEngine) engine = open_engine (model);
  against_whole (engine);
  drop ("models/text_encoders/clip_l.safetensors");
  drop ("models/vae/sdxl_vae.safetensors");
  drop ("models/vae/some-vae.safetensors");
  drop ("models/checkpoints/m.safetensors");
}

/* Names without what stands in front of them in a checkpoint. */
static void
test_given_bare (void)
{
  const Copy copies[3] = {
    { FALSE, UNET, "", ST_DTYPE_F16 },
    { FALSE, "cond_stage_model.transformer.", "", ST_DTYPE_F16 },
    { FALSE, VAE, "", ST_DTYPE_F16 },
  };
  g_autofree char *source = make ("source.safetensors", NULL);
  g_autofree char *unet = write_copies (source, "bare/u.safetensors", &copies[0], 1);
  g_autofree char *text = write_copies (source, "bare/t.safetensors", &copies[1], 1);
  g_autofree char *vae = write_copies (source, "bare/v.safetensors", &copies[2], 1);
  g_autoptr (StModel) model = open_model (unet);
  {
    g_autoptr (SdInfo) info = sd_info_new (model);
    g_assert_false (info->can_generate);
    assert_says (info->sentence, "Stable Diffusion 1.x, F16, UNet inside");
  }
  SdExtras *extras = g_new0 (SdExtras, 1);
  extras->parts[SD_PART_TEXT] = g_strdup (text);
  extras->parts[SD_PART_VAE] = g_strdup (vae);
  sd_extras_attach (model, extras);
  g_autoptr (SdEngine) engine = open_engine (model);
  against_whole (engine);

  g_autoptr (StModel) again = open_model (unet);
  extras = g_new0 (SdExtras, 1);
  extras->parts[SD_PART_TEXT] = g_strdup (vae);
  sd_extras_attach (again, extras);
  g_autoptr (SdInfo) wrong = sd_info_new (again);
  g_assert_false (wrong->can_generate);
  assert_says (wrong->why_not, "v.safetensors");
  assert_says (wrong->why_not, "not in it");
}

/* A VAE that is given goes before the one inside. */
static void
test_given_instead (void)
{
  g_autofree char *source = path_of ("source.safetensors");
  const Copy copies[] = { { FALSE, VAE, "", ST_DTYPE_F8_E5M2 } };
  g_autofree char *vae = write_copies (source, "rough.safetensors", copies, 1);
  g_autoptr (StModel) model = open_model (source);
  SdExtras *extras = g_new0 (SdExtras, 1);
  extras->parts[SD_PART_VAE] = g_strdup (vae);
  sd_extras_attach (model, extras);
  g_autoptr (SdEngine) engine = open_engine (model);
  g_autofree float *rgb = g_new (float, 3 * 64 * SIDE * SIDE);
  g_autofree float *exact = g_new (float, 3 * 64 * SIDE * SIDE);
  float latents[LATENTS];
  compute (whole, latents, exact);
  compute (engine, latents, rgb);
  double error = difference (rgb, exact, 3 * 64 * SIDE * SIDE);
  g_assert_cmpfloat (error, >, 1e-5);
  g_assert_cmpfloat (error, <, 0.2);
  g_assert_cmpstr (engine->fingerprint, !=, whole->fingerprint);
}

static void
eight_bits (
    const char *source, StDtype dtype, float scale, gboolean plain, float *latents)
{
  const Copy copies[] = {
    { plain, UNET, UNET, dtype, scale },
    { FALSE, VAE, VAE, ST_DTYPE_F16 },
    { FALSE, SD_NAMES_TEXT, SD_NAMES_TEXT, ST_DTYPE_F16 },
  };
  g_autofree char *path = write_copies (source, "eight.safetensors", copies, 3);
  g_autoptr (StModel) model = open_model (path);
  g_autoptr (SdEngine) engine = open_engine (model);
  g_autofree float *rgb = g_new (float, 3 * 64 * SIDE * SIDE);
  compute (engine, latents, rgb);
}

/* Against the same numbers as F32: 8 bits alone are exact; with a scale, which is no
 * power of two, so that a forgotten one shows, each weight is rounded to F16. */
static void
test_eight_bits (void)
{
  static const struct
  {
    StDtype dtype;
    float scale;
    double bound; /* on the squared relative error */
  } rows[] = {
    { ST_DTYPE_F8_E4M3, 0, 1e-10 },
    { ST_DTYPE_F8_E5M2, 0, 1e-10 },
    { ST_DTYPE_F8_E4M3, 0.0013f, 1e-6 },
    { ST_DTYPE_F8_E5M2, 0.0013f, 1e-6 },
  };
  g_autofree char *source = path_of ("source.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      float eight[LATENTS], plain[LATENTS];
      eight_bits (source, rows[i].dtype, rows[i].scale, FALSE, eight);
      eight_bits (source, rows[i].dtype, rows[i].scale, TRUE, plain);
      double error = difference (eight, plain, LATENTS);
      g_test_message ("%s, scale %g: %.2e", st_dtype_name (rows[i].dtype), rows[i].scale,
                      error);
      g_assert_cmpfloat (error, <, rows[i].bound);
    }
}

/* The user's word goes before the file's, and makes another picture of it. */
static void
test_prediction (void)
{
  g_autofree char *source = path_of ("source.safetensors");
  g_autoptr (StModel) model = open_model (source);
  SdExtras *extras = g_new0 (SdExtras, 1);
  extras->prediction = SD_PREDICTION_V;
  sd_extras_attach (model, extras);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_assert_true (info->v_prediction);
  assert_says (info->sentence, "chosen by you");
  g_autoptr (SdEngine) engine = open_engine (model);
  g_assert_cmpstr (engine->fingerprint, !=, whole->fingerprint);
  g_assert_true (sd_engine_info (engine)->v_prediction);
}

/* A file of the first programs beside the model. */
static void
test_yaml (void)
{
  g_autofree char *source = path_of ("source.safetensors");
  g_autofree char *yaml = path_of ("source.yaml");
  g_assert_true (g_file_set_contents (
      yaml, "model:\n  params:\n    parameterization: \"v\"\n    x: 1\n", -1, NULL));
  g_autoptr (StModel) model = open_model (source);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_assert_true (info->v_prediction);
  g_assert_cmpstr (info->prediction_key, ==, "source.yaml: parameterization");
  g_unlink (yaml);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  folder = g_dir_make_tmp ("calotype-parts-XXXXXX", NULL);
  g_autofree char *path = make ("whole.safetensors", NULL);
  g_autoptr (StModel) model = open_model (path);
  whole = open_engine (model);
  g_test_add_func ("/sd/parts/found", test_found);
  g_test_add_func ("/sd/parts/given-bare", test_given_bare);
  g_test_add_func ("/sd/parts/given-instead", test_given_instead);
  g_test_add_func ("/sd/parts/eight-bits", test_eight_bits);
  g_test_add_func ("/sd/parts/prediction", test_prediction);
  g_test_add_func ("/sd/parts/yaml", test_yaml);
  int status = g_test_run ();
  sd_engine_free (whole);
  static const char *const left[] = { "whole.safetensors",
                                      "source.safetensors",
                                      "eight.safetensors",
                                      "rough.safetensors",
                                      "bare/u.safetensors",
                                      "bare/t.safetensors",
                                      "bare/v.safetensors",
                                      "bare",
                                      "models/checkpoints",
                                      "models/text_encoders",
                                      "models/vae",
                                      "models",
                                      "" };
  for (guint i = 0; i < G_N_ELEMENTS (left); i++)
    {
      g_autofree char *name = g_build_filename (folder, left[i], NULL);
      g_remove (name);
    }
  g_free (folder);
  return status;
}
