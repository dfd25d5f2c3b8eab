/* test-image-meta.c: metadata written and read back, and that of other programs
 *
 * The texts are in the form that each program writes, after its source; none is copied.
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

/* ---- other programs ---- */

static ImageMeta *
read_text (const char *keyword, const char *text)
{
  g_autoptr (GPtrArray) texts = image_texts_new ();

  g_ptr_array_add (texts, image_text_new ("Software", "some program"));
  g_ptr_array_add (texts, image_text_new (keyword, text));
  return image_meta_from_texts (texts);
}

static void
test_calotype (void)
{
  g_autoptr (GPtrArray) texts = image_texts_new ();
  g_autoptr (ImageMeta) meta = NULL;

  g_ptr_array_add (texts,
                   image_text_new ("parameters", "p\nSteps: 1, Seed: 2, Size: 3x4"));
  g_ptr_array_add (
      texts,
      image_text_new ("calotype",
                      "{\"program\":\"Calotype\",\"version\":\"0.1.0\",\"prompt\":"
                      "\"Negative prompt: \\u0416\\n x\",\"negative\":\"\",\"steps\":31,"
                      "\"cfg\":7.1,\"seed\":18446744073709551615,\"width\":128,"
                      "\"height\":64,\"sampler\":\"ddim\",\"schedule\":\"ddim_uniform\","
                      "\"rng\":\"nv\",\"model\":\"m\",\"sigmas\":[1,0]}"));
  meta = image_meta_from_texts (texts);
  g_assert_cmpstr (meta->source, ==, "calotype");
  g_assert_cmpstr (meta->version, ==, "Calotype 0.1.0");
  g_assert_cmpstr (meta->prompt, ==, "Negative prompt: Ж\n x");
  g_assert_cmpstr (meta->negative, ==, "");
  g_assert_cmpint (meta->steps, ==, 31);
  assert_number (meta->cfg, 7.1);
  g_assert_cmpuint (meta->seed, ==, G_MAXUINT64);
  g_assert_cmpint (meta->width, ==, 128);
  g_assert_cmpint (meta->height, ==, 64);
  g_assert_cmpstr (meta->sampler, ==, "ddim");
  g_assert_cmpstr (meta->schedule, ==, "ddim_uniform");
  g_assert_cmpstr (meta->rng, ==, "nv");
}

#define COMFY_COMMON                                                                     \
  "\"4\":{\"class_type\":\"CheckpointLoaderSimple\",\"inputs\":{\"ckpt_name\":\"m."      \
  "safetensors"                                                                          \
  "\"}},\"5\":{\"class_type\":\"EmptyLatentImage\",\"inputs\":{\"width\":512,"           \
  "\"height\":768,"                                                                      \
  "\"batch_size\":1}},\"6\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":"    \
  "\"a cat\", "                                                                          \
  "\"clip\":[\"11\",0]}},\"7\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":" \
  "\"dog\","                                                                             \
  "\"clip\":[\"4\",1]}},\"11\":{\"class_type\":\"CLIPSetLastLayer\",\"inputs\":{"        \
  "\"stop_at_clip_layer\":-2,\"clip\":[\"4\",1]}}"

static void
assert_comfy (const char *graph)
{
  g_autoptr (ImageMeta) meta = read_text ("prompt", graph);

  g_assert_nonnull (meta);
  g_assert_cmpstr (meta->source, ==, "comfyui");
  g_assert_cmpstr (meta->prompt, ==, "a cat");
  g_assert_cmpstr (meta->negative, ==, "dog");
  g_assert_cmpint (meta->steps, ==, 25);
  g_assert_cmpstr (meta->sampler, ==, "dpmpp_2m");
  g_assert_cmpstr (meta->schedule, ==, "karras");
  assert_number (meta->cfg, 6.5);
  g_assert_cmpuint (meta->seed, ==, G_GUINT64_CONSTANT (0xfedcba9876543210));
  g_assert_cmpint (meta->width, ==, 512);
  g_assert_cmpint (meta->height, ==, 768);
  g_assert_cmpstr (meta->model, ==, "m.safetensors");
  g_assert_cmpint (meta->clip_skip, ==, 2);
  g_assert_cmpstr (meta->rng, ==, "cpu");
}

static void
test_comfyui (void)
{
  assert_comfy (
      "{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":18364758544493064720,"
      "\"steps\":25,\"cfg\":6.5,\"sampler_name\":\"dpmpp_2m\",\"scheduler\":"
      "\"karras\",\"denoise\":1,\"model\":[\"4\",0],\"positive\":[\"6\",0],"
      "\"negative\":[\"7\",0],\"latent_image\":[\"5\",0]},\"is_changed\":[NaN]}"
      "," COMFY_COMMON "}");
}

/* A second pass stands first in the file; a ControlNet and a LoRA lie between; the seed
 * and the text come from nodes of their own. */
static void
test_comfyui_walk (void)
{
  assert_comfy (
      "{\"1\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":1,\"steps\":9,\"cfg\":1,"
      "\"sampler_name\":\"lms\",\"scheduler\":\"simple\",\"model\":[\"4\",0],"
      "\"positive\":["
      "\"6\",0],\"negative\":[\"7\",0],\"latent_image\":[\"2\",0]}},"
      "\"2\":{\"class_type\":\"LatentUpscale\",\"inputs\":{\"samples\":[\"3\",0],"
      "\"width\":1024,"
      "\"height\":1536}},"
      "\"3\":{\"class_type\":\"KSamplerAdvanced\",\"inputs\":{\"noise_seed\":[\"20\",0],"
      "\"steps\":25,\"cfg\":6.5,\"sampler_name\":\"dpmpp_2m\",\"scheduler\":\"karras\","
      "\"model\":[\"21\",0],\"positive\":[\"22\",0],\"negative\":[\"22\",1],\"latent_"
      "image\":["
      "\"5\",0]}},"
      "\"20\":{\"class_type\":\"PrimitiveInt\",\"inputs\":{\"value\":"
      "18364758544493064720}},"
      "\"21\":{\"class_type\":\"LoraLoader\",\"inputs\":{\"lora_name\":\"l\",\"model\":["
      "\"4\",0]"
      "}},\"22\":{\"class_type\":\"ControlNetApplyAdvanced\",\"inputs\":{\"positive\":["
      "\"6\",0],"
      "\"negative\":[\"7\",0]}}," COMFY_COMMON "}");
  assert_comfy (
      "{\"3\":{\"class_type\":\"SamplerCustomAdvanced\",\"inputs\":{\"noise\":[\"30\",0],"
      "\"guider\":[\"31\",0],\"sampler\":[\"32\",0],\"sigmas\":[\"33\",0],\"latent_"
      "image\":["
      "\"5\",0]}},\"30\":{\"class_type\":\"RandomNoise\",\"inputs\":{\"noise_seed\":"
      "18364758544493064720}},\"31\":{\"class_type\":\"CFGGuider\",\"inputs\":{\"cfg\":6."
      "5,"
      "\"model\":[\"4\",0],\"positive\":[\"6\",0],\"negative\":[\"7\",0]}},\"32\":{"
      "\"class_type\":\"KSamplerSelect\",\"inputs\":{\"sampler_name\":\"dpmpp_2m\"}},"
      "\"33\":{"
      "\"class_type\":\"BasicScheduler\",\"inputs\":{\"scheduler\":\"karras\",\"steps\":"
      "25,"
      "\"model\":[\"4\",0]}}," COMFY_COMMON "}");
}

/* Rings, a net in which every node links to all, links to nothing, wrong types. */
static void
test_comfyui_hostile (void)
{
  static const char *const graphs[] = {
    "{}",
    "[]",
    "{\"1\":5}",
    "{\"1\":{\"class_type\":5,\"inputs\":[]}}",
    "{\"1\":{\"class_type\":\"SaveImage\",\"inputs\":{}}}",
    "{\"1\":",
  };
  static const char *const rings[] = {
    "{\"1\":{\"class_type\":\"KSampler\",\"inputs\":{\"latent_image\":[\"1\",0],\"seed\":"
    "[\"1\","
    "0],\"value\":[\"1\",0],\"samples\":[\"1\",0],\"model\":[\"1\",0],\"positive\":["
    "\"1\",0],"
    "\"conditioning\":[\"1\",0],\"clip\":[\"1\",0],\"text\":[\"1\",0]}}}",
    "{\"1\":{\"class_type\":\"KSampler\",\"inputs\":{\"latent_image\":[\"9\",0],"
    "\"positive\":"
    "[7,0],\"negative\":[],\"model\":[null,0],\"seed\":{},\"steps\":null,\"cfg\":\"x\","
    "\"sampler_name\":5,\"scheduler\":[\"1\"]}}}",
  };
  g_autoptr (GString) net
      = g_string_new ("{\"n0\":{\"class_type\":\"KSampler\",\"inputs\":{"
                      "\"latent_image\":[\"n1\",0],\"positive\":[\"n1\",0]}}");
  g_autoptr (GString) deep = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (graphs); i++)
    g_assert_null (read_text ("prompt", graphs[i]));
  for (guint i = 0; i < G_N_ELEMENTS (rings); i++)
    {
      g_autoptr (ImageMeta) meta = read_text ("prompt", rings[i]);

      g_assert_null (meta->prompt);
      g_assert_cmpint (meta->steps, ==, -1);
    }
  for (guint i = 1; i < 60; i++)
    g_string_append_printf (
        net,
        ",\"n%u\":{\"class_type\":\"x\",\"inputs\":{\"positive\":[\"n%u\","
        "0],\"conditioning\":[\"n%u\",0],\"cond\":[\"n%u\",0]}}",
        i, i + 1, i + 1, i + 1);
  g_string_append (net, "}");
  image_meta_free (read_text ("prompt", net->str));
  for (guint i = 0; i < 1000000; i++)
    g_string_append (deep, i % 2 ? "{\"a\":" : "[");
  g_assert_null (read_text ("prompt", deep->str));
  g_assert_null (read_text ("calotype", deep->str));
}

static void
test_invokeai (void)
{
  g_autoptr (ImageMeta) meta = read_text (
      "invokeai_metadata", "{\"generation_mode\":\"txt2img\",\"positive_prompt\":\"a "
                           "cat\",\"negative_prompt\":\"\","
                           "\"width\":512,\"height\":640,\"seed\":4294967295,\"rand_"
                           "device\":\"cpu\",\"cfg_scale\":"
                           "7.5,\"steps\":30,\"scheduler\":\"dpmpp_2m_k\",\"clip_skip\":"
                           "1,\"model\":{\"key\":\"k\","
                           "\"hash\":\"blake3:12\",\"name\":\"sd-1\",\"base\":\"sd-1\"},"
                           "\"app_version\":\"4.2.7\"}");
  g_autoptr (ImageMeta) old = read_text (
      "sd-metadata",
      "{\"model\":\"stable diffusion\",\"model_weights\":\"sd-1.4\",\"app_version"
      "\":\"2.2.0\",\"image\":{\"prompt\":[{\"prompt\":\"a cat\",\"weight\":1.0}],"
      "\"steps\":50,\"cfg_scale\":7.5,\"sampler\":\"k_euler_a\",\"seed\":9,"
      "\"width\":512,\"height\":512}}");
  g_autoptr (ImageMeta) oldest
      = read_text ("Dream", "\"a \"cat\"\" -s50 -S 42 -W 512 -H 640 -C 7.5 -A k_lms");

  g_assert_cmpstr (meta->source, ==, "invokeai");
  g_assert_cmpstr (meta->prompt, ==, "a cat");
  g_assert_cmpstr (meta->sampler, ==, "dpmpp_2m");
  g_assert_cmpstr (meta->schedule, ==, "karras");
  g_assert_cmpstr (meta->model, ==, "sd-1");
  g_assert_cmpstr (meta->model_hash, ==, "blake3:12");
  g_assert_cmpstr (meta->version, ==, "InvokeAI 4.2.7");
  g_assert_cmpint (meta->clip_skip, ==, 2);
  g_assert_cmpuint (meta->seed, ==, G_MAXUINT32);
  g_assert_cmpint (meta->height, ==, 640);
  g_assert_cmpstr (old->prompt, ==, "a cat");
  g_assert_cmpstr (old->sampler, ==, "euler_ancestral");
  g_assert_cmpstr (old->model, ==, "sd-1.4");
  g_assert_cmpint (old->steps, ==, 50);
  g_assert_cmpstr (oldest->prompt, ==, "a \"cat\"");
  g_assert_cmpint (oldest->steps, ==, 50);
  g_assert_cmpuint (oldest->seed, ==, 42);
  g_assert_cmpint (oldest->height, ==, 640);
  assert_number (oldest->cfg, 7.5);
  g_assert_cmpstr (oldest->sampler, ==, "lms");
  g_assert_null (read_text ("Dream", "no quote"));
  g_assert_null (read_text ("Dream", "\"one quote"));
}

static void
test_fooocus_and_others (void)
{
  g_autoptr (ImageMeta) fooocus = read_text (
      "parameters",
      "{\"adm_guidance\":\"(1.5, 0.8, 0.3)\",\"base_model\":\"juggernautXL\","
      "\"base_model_hash\":\"aeb7e9e689\",\"guidance_scale\":4,\"negative_prompt\":"
      "\"\",\"prompt\":\"a cat\",\"resolution\":\"(896, 1152)\",\"sampler\":"
      "\"dpmpp_2m_sde_gpu\",\"scheduler\":\"karras\",\"seed\":\"123\",\"steps\":30,"
      "\"version\":\"Fooocus v2.5.5\"}");
  g_autoptr (ImageMeta) swarm = read_text (
      "parameters",
      "{\"sui_image_params\":{\"prompt\":\"a cat\",\"negativeprompt\":\"dog\","
      "\"model\":\"m\",\"seed\":7,\"steps\":20,\"cfgscale\":7.0,\"width\":512,"
      "\"height\":640,\"sampler\":\"euler\",\"scheduler\":\"normal\"}}");
  g_autoptr (ImageMeta) novelai = read_text (
      "Comment",
      "{\"steps\":28,\"sampler\":\"k_euler_ancestral\",\"seed\":77,\"scale\":11.0,"
      "\"uc\":\"lowres\",\"prompt\":\"a cat\",\"width\":512,\"height\":768}");
  g_autoptr (ImageMeta) braces
      = read_text ("parameters", "{a|b} cat\nSteps: 5, Seed: 6, Size: 8x8");

  g_assert_cmpstr (fooocus->source, ==, "fooocus");
  g_assert_cmpint (fooocus->width, ==, 896);
  g_assert_cmpint (fooocus->height, ==, 1152);
  g_assert_cmpuint (fooocus->seed, ==, 123);
  g_assert_cmpstr (fooocus->sampler, ==, "dpmpp_2m_sde");
  assert_number (fooocus->cfg, 4);
  g_assert_cmpstr (swarm->source, ==, "swarmui");
  g_assert_cmpstr (swarm->negative, ==, "dog");
  g_assert_cmpint (swarm->height, ==, 640);
  g_assert_cmpstr (novelai->source, ==, "novelai");
  g_assert_cmpstr (novelai->sampler, ==, "euler_ancestral");
  g_assert_cmpstr (novelai->negative, ==, "lowres");
  g_assert_cmpint (novelai->clip_skip, ==, 2);
  g_assert_cmpstr (braces->prompt, ==, "{a|b} cat");
  g_assert_null (read_text ("Comment", "Created with GIMP"));
  g_assert_null (read_text ("Comment", "{\"seed\":1}"));
  g_assert_null (read_text ("parameters", "{}"));
  g_assert_null (read_text ("Title", "nothing"));
  g_assert_null (image_meta_from_texts (NULL));
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

/* A comma as decimal point must not get into files. The locale is compiled here, as no
 * machine need have it. */
static void
test_locale (void)
{
  g_autofree char *folder = g_dir_make_tmp ("calotype-locale-XXXXXX", NULL);
  g_autofree char *target = g_build_filename (folder, "fi_FI.UTF-8", NULL);
  const char *argv[] = { "localedef", "-i", "fi_FI", "-f", "UTF-8", target, NULL };
  const char *remove[] = { "rm", "-r", folder, NULL };
  g_autofree char *half = NULL;

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
  test_calotype ();
  test_comfyui ();
  test_invokeai ();
  test_fooocus_and_others ();
  setlocale (LC_ALL, "C.UTF-8");
  g_spawn_sync (NULL, (char **) remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                NULL, NULL);
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
  g_test_add_func ("/image/meta/calotype", test_calotype);
  g_test_add_func ("/image/meta/comfyui", test_comfyui);
  g_test_add_func ("/image/meta/comfyui-walk", test_comfyui_walk);
  g_test_add_func ("/image/meta/comfyui-hostile", test_comfyui_hostile);
  g_test_add_func ("/image/meta/invokeai", test_invokeai);
  g_test_add_func ("/image/meta/fooocus-and-others", test_fooocus_and_others);
  g_test_add_func ("/image/meta/through-file", test_through_file);
  g_test_add_func ("/image/meta/copy", test_copy);
  g_test_add_func ("/image/meta/locale", test_locale);
  return g_test_run ();
}
