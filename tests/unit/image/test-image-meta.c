/* test-image-meta.c: metadata as A1111's text, written and read back
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <math.h>
#include <string.h>

static ImageMeta *
sample (void)
{
  ImageMeta *meta = image_meta_new ();

  meta->prompt = g_strdup ("a lighthouse");
  meta->negative = g_strdup ("fog");
  meta->steps = 20;
  meta->sampler = g_strdup ("dpmpp_2m");
  meta->schedule = g_strdup ("karras");
  meta->cfg = 7.5;
  meta->has_seed = TRUE;
  meta->seed = 42;
  meta->width = 512;
  meta->height = 768;
  meta->model = g_strdup ("calotype-sample");
  meta->model_hash = g_strdup ("0123456789");
  meta->clip_skip = 1;
  meta->rng = g_strdup ("cpu");
  meta->version = g_strdup ("Calotype 0.1.0");
  return meta;
}

static void
replace (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

static void
assert_same (const ImageMeta *a, const ImageMeta *b)
{
  g_assert_cmpstr (a->prompt, ==, b->prompt);
  g_assert_cmpstr (a->negative, ==, b->negative);
  g_assert_cmpint (a->steps, ==, b->steps);
  g_assert_cmpstr (a->sampler, ==, b->sampler);
  g_assert_cmpstr (a->schedule, ==, b->schedule);
  g_assert_true (a->cfg == b->cfg || (isnan (a->cfg) && isnan (b->cfg)));
  g_assert_cmpint (a->has_seed, ==, b->has_seed);
  g_assert_cmpuint (a->seed, ==, b->seed);
  g_assert_cmpint (a->width, ==, b->width);
  g_assert_cmpint (a->height, ==, b->height);
  g_assert_cmpstr (a->model, ==, b->model);
  g_assert_cmpstr (a->model_hash, ==, b->model_hash);
  g_assert_cmpint (a->clip_skip, ==, b->clip_skip);
  g_assert_cmpstr (a->rng, ==, b->rng);
  g_assert_cmpstr (a->version, ==, b->version);
  g_assert_cmpstr (a->emphasis, ==, b->emphasis);
  g_assert_cmpstr (a->words, ==, b->words);
}

static void
assert_round_trip (const ImageMeta *meta)
{
  g_autofree char *text = image_meta_to_a1111 (meta);
  g_autoptr (ImageMeta) back = image_meta_from_a1111 (text);

  g_test_message ("%s", text);
  g_assert_nonnull (back);
  assert_same (meta, back);
  g_assert_cmpstr (back->source, ==, "calotype");
}

/* ---- A1111's text ---- */

static void
test_written (void)
{
  g_autoptr (ImageMeta) meta = sample (), nothing = image_meta_new ();
  g_autofree char *text = image_meta_to_a1111 (meta),
                  *empty = image_meta_to_a1111 (nothing);

  g_assert_cmpstr (text, ==,
                   "a lighthouse\n"
                   "Negative prompt: fog\n"
                   "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, "
                   "Seed: 42, Size: 512x768, Model hash: 0123456789, "
                   "Model: calotype-sample, RNG: CPU, Version: Calotype 0.1.0");
  g_assert_cmpstr (empty, ==, "");
}

static void
test_round_trip (void)
{
  static const char *const prompts[] = {
    "",
    "one",
    "several\nlines\n\nwith one empty",
    "a, (b:1.2), [c], <lora:d:0.5>, \"quoted\", back\\slash",
    "Steps: 20, Sampler: Euler, CFG scale: 7", /* looks like a parameter line */
    "חתול 猫 🐈",
    "  indented\n\tand tabs",
  };
  static const char *const models[] = { "plain",        "with, comma",      "with: colon",
                                        "a \"quoted\"", "\"all quoted\"",   " space ",
                                        "line\nbreak",  "back\\slash, too", "猫" };
  static const guint64 seeds[] = { 0, 1, G_MAXUINT32, G_MAXINT64, G_MAXUINT64 };
  static const double scales[] = { 0, 1, 7, 7.1, 0.1 + 0.2, 1e-7, 12345.678 };
  g_autoptr (ImageMeta) meta = sample ();

  assert_round_trip (meta);
  for (guint i = 0; i < G_N_ELEMENTS (prompts); i++)
    for (guint j = 0; j < G_N_ELEMENTS (prompts); j++)
      {
        replace (&meta->prompt, prompts[i]);
        replace (&meta->negative, prompts[j]);
        g_strstrip (meta->prompt);
        g_strstrip (meta->negative);
        assert_round_trip (meta);
      }
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      replace (&meta->model, models[i]);
      assert_round_trip (meta);
    }
  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++)
    {
      meta->seed = seeds[i];
      assert_round_trip (meta);
    }
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++)
    {
      meta->cfg = scales[i];
      assert_round_trip (meta);
    }
  meta->clip_skip = 2;
  replace (&meta->emphasis, "No norm");
  replace (&meta->words, "ring, ring: style");
  replace (&meta->rng, "nv");
  replace (&meta->sampler, "dpmpp_2s_ancestral");
  replace (&meta->schedule, "sgm_uniform");
  assert_round_trip (meta);
  replace (&meta->sampler, "a sampler of tomorrow");
  assert_round_trip (meta);
}

static void
assert_number (double value, double expected)
{
  g_assert_true (value == expected);
}

static void
test_a1111 (void)
{
  g_autoptr (ImageMeta) meta = image_meta_from_a1111 (
      "masterpiece, (best quality:1.2),\r\nsecond line\r\n"
      "Negative prompt: lowres, bad\r\nmore of it\r\n"
      "Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 3735928559, "
      "Size: 640x896, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, "
      "VAE: mse.safetensors, "
      "Denoising strength: 0.5, Clip skip: 2, RNG: NV, "
      "Hires prompt: \"a, b\\nSeed: 5, Steps: 9, \\\"x\\\"\", Hires steps: 12, "
      "Lora hashes: \"one: 1234, two: 5678\", Version: v1.6.0");

  g_assert_cmpstr (meta->prompt, ==, "masterpiece, (best quality:1.2),\nsecond line");
  g_assert_cmpstr (meta->negative, ==, "lowres, bad\nmore of it");
  g_assert_cmpint (meta->steps, ==, 28);
  g_assert_cmpstr (meta->sampler, ==, "dpmpp_2m");
  g_assert_cmpstr (meta->schedule, ==, "karras");
  assert_number (meta->cfg, 7);
  g_assert_true (meta->has_seed);
  g_assert_cmpuint (meta->seed, ==, 3735928559u);
  g_assert_cmpint (meta->width, ==, 640);
  g_assert_cmpint (meta->height, ==, 896);
  g_assert_cmpstr (meta->model, ==, "v1-5-pruned-emaonly");
  g_assert_cmpstr (meta->model_hash, ==, "6ce0161689");
  g_assert_cmpint (meta->clip_skip, ==, 2);
  g_assert_cmpstr (meta->rng, ==, "nv");
  g_assert_cmpstr (meta->version, ==, "v1.6.0");
  g_assert_cmpstr (meta->source, ==, "a1111");
  g_assert_cmpstr (meta->vae, ==, "mse.safetensors");
  g_assert_cmpstr (meta->lora_hashes, ==, "one: 1234, two: 5678");
  g_autofree char *written = image_meta_to_a1111 (meta);
  g_autoptr (ImageMeta) back = image_meta_from_a1111 (written);
  g_assert_cmpstr (back->vae, ==, meta->vae);
  g_assert_cmpstr (back->lora_hashes, ==, meta->lora_hashes);
}

/* What is meant by a key that is missing or odd. */
static void
test_a1111_defaults (void)
{
  static const struct
  {
    const char *line, *sampler, *schedule, *rng;
    int clip_skip, steps;
  } rows[] = {
    { "Steps: 9, Sampler: Euler a, CFG scale: 1", "euler_ancestral", "normal", "gpu", 1,
      9 },
    { "Steps: 9, Sampler: DPM++ 2M, CFG scale: 1", "dpmpp_2m", "karras", "gpu", 1, 9 },
    { "Steps: 9, Sampler: DPM++ 2M, Schedule type: Automatic, Seed: 1", "dpmpp_2m",
      "karras", "gpu", 1, 9 },
    { "Steps: 9, Schedule type: Uniform, Sampler: DPM++ 2M", "dpmpp_2m", "normal", "gpu",
      1, 9 },
    { "Steps: 9, Sampler: DPM++ 3M SDE Exponential, Seed: 1", "dpmpp_3m_sde",
      "exponential", "gpu", 1, 9 },
    { "Steps: 9, Sampler: Undefined, Clip skip: 0", NULL, NULL, "gpu", 1, 9 },
    { "Steps: nine, Sampler: New One, RNG: CPU", "New One", NULL, "cpu", 1, -1 },
    { "Steps: 30, Sampler: DDIM, Schedule type: DDIM", "ddim", "ddim_uniform", "gpu", 1,
      31 },
    { "Steps: 9, Sampler: euler_a, RNG: cuda, Version: stable-diffusion.cpp master",
      "euler_ancestral", "normal", "nv", 1, 9 },
    { "Steps: 9, Sampler: dpm++2m karras, RNG: std_default, Version: "
      "stable-diffusion.cpp",
      "dpmpp_2m", "karras", "nv", 1, 9 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strconcat ("p\n", rows[i].line, NULL);
      g_autoptr (ImageMeta) meta = image_meta_from_a1111 (text);

      g_test_message ("%s", rows[i].line);
      g_assert_cmpstr (meta->prompt, ==, "p");
      g_assert_cmpstr (meta->sampler, ==, rows[i].sampler);
      g_assert_cmpstr (meta->schedule, ==, rows[i].schedule);
      g_assert_cmpstr (meta->rng, ==, rows[i].rng);
      g_assert_cmpint (meta->clip_skip, ==, rows[i].clip_skip);
      g_assert_cmpint (meta->steps, ==, rows[i].steps);
    }
}

static void
test_a1111_odd (void)
{
  static const char *const refused[] = {
    "",
    "\n\n",
    "only a prompt",
    "two: pairs, are: too few",
    "a prompt\nSteps: 20, Sampler: Euler",
    "a: b\nc: d\ne: f", /* not on one line */
    "Steps: 20, Sampler: Euler, Seed: 5\na last line of another kind",
    "x: 1, y: 2, z: 3", /* keys of one letter are none */
  };
  static const struct
  {
    const char *text, *prompt, *negative;
    guint64 seed;
  } rows[] = {
    { "Steps: 20, Sampler: Euler, Seed: 5", "", "", 5 },
    { "Negative prompt: n\nSteps: 20, Sampler: Euler, Seed: 5", "", "n", 5 },
    { "p\nNegative prompt:\nn\nSteps: 20, Sampler: Euler, Seed: 5\n\n", "p", "n", 5 },
    { "p\nNegative prompt: a\nNegative prompt: b\nSteps: 1, Seed: 6, Size: 1x1", "p",
      "a\nNegative prompt: b", 6 },
    { "in line Negative prompt: no\nSteps: 1, Seed: 6, Size: 1x1",
      "in line Negative prompt: no", "", 6 },
    { "p\nSteps: 1, Seed: 7, Seed: 8, Extra: \"unclosed, Size: 1x1", "p", "", 7 },
    { "p\nSteps: 1,, ,Seed:7,:, \"\": x, Sampler: \"\", Size: 1x1", "p", "", 7 },
    { "p\nSteps: 1, Seed: 18446744073709551615, Size: 1x1", "p", "", G_MAXUINT64 },
    { "p\nSteps: 1, Seed: 18446744073709551616, Size: 1x1", "p", "", 0 },
    { "p\nSteps: 1, Seed: -1, Size: axb", "p", "", 0 },
    { "p\nSteps: 1, Seed: 9, SDCPP: {\"Seed\": 1, \"a: b, Size: 5x5\": 3}", "p", "", 9 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    g_assert_null (image_meta_from_a1111 (refused[i]));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ImageMeta) meta = image_meta_from_a1111 (rows[i].text);

      g_test_message ("%s", rows[i].text);
      g_assert_nonnull (meta);
      g_assert_cmpstr (meta->prompt, ==, rows[i].prompt);
      g_assert_cmpstr (meta->negative, ==, rows[i].negative);
      g_assert_cmpuint (meta->has_seed ? meta->seed : 0, ==, rows[i].seed);
    }
}

/* Lines that a reader which goes back would spend minutes on. */
static void
test_a1111_long (void)
{
  static const char *const pieces[] = { "a", "ab:\"", "ab: \"\\", "a b-/", "a:", "\"," };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GString) text = g_string_new ("p\n");
      gint64 start = g_get_monotonic_time ();

      while (text->len < (2 << 20))
        g_string_append (text, pieces[i]);
      image_meta_free (image_meta_from_a1111 (text->str));
      g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_TIME_SPAN_SECOND);
    }
}

/* ---- together ---- */

static void
test_through_file (void)
{
  g_autoptr (ImageMeta) meta = sample (), back = NULL;
  g_autoptr (ImageBuffer) image = image_buffer_new (8, 8, 3);
  g_autoptr (GPtrArray) texts = image_texts_new (), read = NULL;
  g_autofree char *folder = g_dir_make_tmp ("calotype-meta-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "x.png", NULL);
  g_autofree char *text = NULL;

  replace (&meta->prompt, "crème 猫,\nnext");
  text = image_meta_to_a1111 (meta);
  g_ptr_array_add (texts, image_text_new ("parameters", text));
  g_assert_true (image_png_save (image, path, texts, NULL));
  read = image_png_read_texts (path, NULL);
  back = image_meta_from_texts (read);
  assert_same (meta, back);
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_copy (void)
{
  g_autoptr (ImageMeta) meta = sample (), copy = image_meta_copy (meta);

  assert_same (meta, copy);
  g_assert_true (meta->prompt != copy->prompt);
  g_assert_null (image_meta_copy (NULL));
  image_meta_free (NULL);
}

/* How the prompts of a picture were read, as it says or as its program does. */
static void
test_grammar (void)
{
  static const struct
  {
    const char *keyword, *text, *grammar;
  } cases[] = {
    { "calotype", "{\"prompt\":\"(a)\",\"grammar\":\"comfyui\"}", "comfyui" },
    { "calotype", "{\"prompt\":\"(a)\",\"steps\":1}", "plain" },
    { "calotype", "{\"prompt\":\"a\",\"steps\":1}", "a1111" },
    { "parameters", "(a)\nSteps: 1, Seed: 2, Size: 8x8, Version: v1.6.0", "a1111" },
    { "prompt",
      "{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":5,\"steps\":2,"
      "\"cfg\":1,\"sampler_name\":\"euler\",\"scheduler\":\"normal\",\"model\":[\"4\","
      "0],\"positive\":[\"6\",0],\"negative\":[\"6\",0],\"latent_image\":[\"5\",0]}},"
      "\"5\":{\"class_type\":\"EmptyLatentImage\",\"inputs\":{\"width\":64,"
      "\"height\":64}},\"6\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":"
      "\"a\"}}}",
      "comfyui" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) texts = image_texts_new ();
      g_ptr_array_add (texts, image_text_new (cases[i].keyword, cases[i].text));
      g_autoptr (ImageMeta) meta = image_meta_from_texts (texts);
      g_assert_nonnull (meta);
      g_assert_cmpstr (meta->grammar, ==, cases[i].grammar);
    }
}

/* A comma as decimal point must not get into files. The locale is compiled here, as no
 * machine need have it. */
static void
test_locale (void)
{
  g_autofree char *folder = g_dir_make_tmp ("calotype-locale-XXXXXX", NULL);
  g_autofree char *target = g_build_filename (folder, "fi_FI.UTF-8", NULL);
  const char *argv[] = { "localedef", "-i", "fi_FI", "-f", "UTF-8", target, NULL };
  const char *remove[] = { "rm", "-r", folder, NULL };
  g_autoptr (GPtrArray) texts = image_texts_new ();
  g_autoptr (ImageMeta) json = NULL;
  g_autofree char *half = NULL;

  g_ptr_array_add (texts, image_text_new ("calotype", "{\"steps\":1,\"cfg\":\"7.5\"}"));
  g_setenv ("LOCPATH", folder, TRUE);
  if (!g_spawn_sync (NULL, (char **) argv, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL
                         | G_SPAWN_STDERR_TO_DEV_NULL,
                     NULL, NULL, NULL, NULL, NULL, NULL)
      || setlocale (LC_ALL, "fi_FI.UTF-8") == NULL)
    {
      g_test_skip ("localedef or the Finnish locale's source is missing");
      return;
    }
  half = g_strdup_printf ("%.1f", 0.5);
  g_assert_cmpstr (half, ==, "0,5");
  test_written ();
  test_round_trip ();
  test_a1111 ();
  json = image_meta_from_texts (texts);
  assert_number (json->cfg, 7.5);
  setlocale (LC_ALL, "C.UTF-8");
  g_spawn_sync (NULL, (char **) remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                NULL, NULL);
}

/* As A1111 spells what a picture was made from, and back; nothing is said of nothing. */
static void
test_from (void)
{
  g_autoptr (ImageMeta) meta = image_meta_from_a1111 (
      "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Image CFG scale: 1.5, Seed: 1, "
      "Size: "
      "512x512, Denoising strength: 0.75, Mask blur: 4, Inpaint area: Only masked, "
      "Masked "
      "area padding: 48, Masked content: latent noise, Version: v1.10.1");
  g_assert_cmpfloat (meta->from.denoising, ==, 0.75);
  g_assert_cmpfloat (meta->from.image_cfg, ==, 1.5);
  g_assert_cmpint (meta->from.mask_blur, ==, 4);
  g_assert_cmpint (meta->from.padding, ==, 48);
  g_assert_true (meta->from.only_masked);
  g_assert_cmpstr (meta->from.masked_content, ==, "noise");
  g_autofree char *text = image_meta_to_a1111 (meta);
  g_assert_nonnull (strstr (text, "CFG scale: 7, Image CFG scale: 1.5, Seed: 1"));
  g_assert_nonnull (strstr (text, "Denoising strength: 0.75, "));
  g_assert_nonnull (strstr (text, "Mask blur: 4, Inpaint area: Only masked, Masked area "
                                  "padding: 48, Masked content: latent noise, Version"));
  g_autoptr (ImageMeta) again = image_meta_from_a1111 (text);
  g_assert_cmpmem (&again->from, sizeof again->from, &meta->from, sizeof meta->from);
  g_autoptr (ImageMeta) plain
      = image_meta_from_a1111 ("a cat\nSteps: 20, Sampler: Euler, Seed: 1, Mask blur: x, "
                               "Denoising strength: , Masked content: sand");
  g_assert_true (isnan (plain->from.denoising));
  g_assert_cmpint (plain->from.mask_blur, ==, -1);
  g_assert_null (plain->from.masked_content);
  g_autofree char *short_text = image_meta_to_a1111 (plain);
  g_assert_null (strstr (short_text, "ask"));
}

/* Our own chunk, whole and with nonsense in it. */
static void
test_init (void)
{
  g_autoptr (GPtrArray) texts = image_texts_new ();
  g_ptr_array_add (texts,
                   image_text_new ("calotype",
                                   "{\"prompt\":\"a\",\"init\":{\"strength\":0.5,"
                                   "\"only_masked\":true,\"padding\":16,"
                                   "\"masked_content\":\"fill\",\"mask_blur\":[]}}"));
  g_autoptr (ImageMeta) meta = image_meta_from_texts (texts);
  g_assert_cmpfloat (meta->from.denoising, ==, 0.5);
  g_assert_true (meta->from.only_masked);
  g_assert_cmpint (meta->from.padding, ==, 16);
  g_assert_cmpint (meta->from.mask_blur, ==, -1);
  g_assert_cmpstr (meta->from.masked_content, ==, "fill");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image/meta/written", test_written);
  g_test_add_func ("/image/meta/round-trip", test_round_trip);
  g_test_add_func ("/image/meta/a1111", test_a1111);
  g_test_add_func ("/image/meta/a1111-defaults", test_a1111_defaults);
  g_test_add_func ("/image/meta/a1111-odd", test_a1111_odd);
  g_test_add_func ("/image/meta/a1111-long", test_a1111_long);
  g_test_add_func ("/image/meta/through-file", test_through_file);
  g_test_add_func ("/image/meta/copy", test_copy);
  g_test_add_func ("/image/meta/grammar", test_grammar);
  g_test_add_func ("/image/meta/locale", test_locale);
  g_test_add_func ("/image/meta/from", test_from);
  g_test_add_func ("/image/meta/init", test_init);
  return g_test_run ();
}
