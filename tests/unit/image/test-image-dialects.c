/* test-image-dialects.c: metadata that other programs write as JSON, and our own
 *
 * The texts are in the form that each program writes, after its source; none is copied.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image.h"

#include <string.h>

static void
assert_number (double value, double expected)
{
  g_assert_true (value == expected);
}

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
      image_text_new (
          "calotype",
          "{\"program\":\"Calotype\",\"version\":\"0.1.0\",\"prompt\":"
          "\"Negative prompt: \\u0416\\n x\",\"negative\":\"\",\"steps\":31,"
          "\"cfg\":7.1,\"seed\":18446744073709551615,\"width\":128,"
          "\"height\":64,\"sampler\":\"ddim\",\"schedule\":\"ddim_uniform\","
          "\"rng\":\"nv\",\"model\":\"m\",\"parent\":\"a.png\",\"sigmas\":[1,0]}"));
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
  g_assert_cmpstr (meta->parent, ==, "a.png");
}

/* A parent is a name beside the picture, never a way elsewhere. */
static void
test_calotype_parent (void)
{
  g_autoptr (ImageMeta) meta
      = read_text ("calotype", "{\"prompt\":\"p\",\"parent\":\"../../x.png\"}");

  g_assert_nonnull (meta);
  g_assert_null (meta->parent);
}

/* Half of a surrogate pair: json-glib lets it through as it is. */
static void
test_surrogates (void)
{
  g_autoptr (ImageMeta) meta
      = read_text ("calotype", "{\"prompt\":\"a\\ud800b\",\"seed\":1}");

  g_assert_true (g_utf8_validate (meta->prompt, -1, NULL));
  g_assert_true (g_str_has_prefix (meta->prompt, "a"));
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

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image/dialects/calotype", test_calotype);
  g_test_add_func ("/image/dialects/calotype-parent", test_calotype_parent);
  g_test_add_func ("/image/dialects/surrogates", test_surrogates);
  g_test_add_func ("/image/dialects/comfyui", test_comfyui);
  g_test_add_func ("/image/dialects/comfyui-walk", test_comfyui_walk);
  g_test_add_func ("/image/dialects/comfyui-hostile", test_comfyui_hostile);
  g_test_add_func ("/image/dialects/invokeai", test_invokeai);
  g_test_add_func ("/image/dialects/fooocus-and-others", test_fooocus_and_others);
  return g_test_run ();
}
