/* test-sd-info.c: what a file is, from a few names; defaults from metadata, sensible ones
 * only
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd.h"

#include <glib/gstdio.h>
#include <string.h>

#define UNET "model.diffusion_model."
#define VAE "first_stage_model."
#define TEXT "cond_stage_model.transformer.text_model."

/* "NAME DTYPE A,B,…" */
static void
parse_spec (const char *spec, StWriteTensor *tensor, guint64 *shape, gpointer zeros)
{
  g_auto (GStrv) parts = g_strsplit (spec, " ", 3);
  g_auto (GStrv) sides = g_strsplit (parts[2], ",", 4);
  *tensor = (StWriteTensor){ .name = g_strdup (parts[0]), .shape = shape, .data = zeros };
  g_assert_true (st_dtype_from_name (parts[1], strlen (parts[1]), &tensor->dtype));
  for (; sides[tensor->rank] != NULL; tensor->rank++)
    shape[tensor->rank] = g_ascii_strtoull (sides[tensor->rank], NULL, 10);
}

/* What sd_info_new says of a file of these tensors. */
static SdInfo *
info_of (const char *const *specs, const char *const *metadata)
{
  static guint64 zeros[1 << 16];
  StWriteTensor tensors[32];
  guint64 shapes[32][4];
  guint n = g_strv_length ((char **) specs);
  g_autoptr (GError) error = NULL;
  g_assert_cmpuint (n, <=, G_N_ELEMENTS (tensors));
  for (guint i = 0; i < n; i++)
    parse_spec (specs[i], &tensors[i], shapes[i], zeros);
  g_autofree char *folder = g_dir_make_tmp ("calotype-info-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  st_write (path, tensors, n, metadata, &error);
  g_assert_no_error (error);
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  SdInfo *info = sd_info_new (model);
  for (guint i = 0; i < n; i++)
    g_free ((char *) tensors[i].name);
  g_unlink (path);
  g_rmdir (folder);
  return info;
}

#define SD1_UNET                                                                         \
  UNET "input_blocks.0.0.weight F16 32,4,3,3",                                           \
      UNET "middle_block.1.proj_in.weight F16 32,32,1,1"
#define SD1_VAE VAE "decoder.conv_in.weight F16 32,4,3,3"
#define SD1_TEXT TEXT "embeddings.token_embedding.weight F16 100,32"

static void
test_whole (void)
{
  const char *specs[]
      = { SD1_UNET, SD1_VAE, SD1_TEXT, TEXT "embeddings.position_ids I64 1,77", NULL };
  g_autoptr (SdInfo) info = info_of (specs, NULL);
  g_assert_cmpint (info->family, ==, SD_FAMILY_SD1);
  g_assert_cmpstr (info->sentence, ==,
                   "Stable Diffusion 1.x, F16, text encoder, UNet and VAE inside");
  g_assert_cmpstr (info->deciding_key, ==, TEXT "embeddings.token_embedding.weight");
  g_assert_cmpstr (info->why_not, ==, NULL);
  g_assert_true (info->can_generate);
  g_assert_true (info->has_text && info->has_unet && info->has_vae);
  g_assert_false (info->diffusers_names || info->v_prediction);
  g_assert_cmpuint (info->unet_in_channels, ==, 4);
  g_assert_cmpuint (info->width, ==, 512);
  g_assert_cmpuint (info->height, ==, 512);
  g_assert_cmpuint (info->steps, ==, 20);
  g_assert_cmpfloat (info->cfg, ==, 7.0);
  g_assert_cmpint (info->sampler, ==, SAMPLER_DPMPP_2M);
  g_assert_cmpint (info->schedule, ==, SAMPLER_KARRAS);
  g_assert_null (info->words);
  g_assert_null (info->prompts);
}

/* Averages kept while training are as large as the model; they are no part of it. */
static void
test_averages (void)
{
  const char *specs[] = { SD1_UNET,
                          SD1_VAE,
                          SD1_TEXT,
                          "model_ema.diffusion_modeloutput F32 100,100",
                          "model_ema.decay F32 1",
                          NULL };
  g_autoptr (SdInfo) info = info_of (specs, NULL);
  g_assert_true (info->can_generate);
  g_assert_cmpstr (info->sentence, ==,
                   "Stable Diffusion 1.x, F16, text encoder, UNet and VAE inside");
}

static void
test_older_text_names (void)
{
  const char *specs[]
      = { SD1_UNET, SD1_VAE,
          "cond_stage_model.transformer.embeddings.token_embedding.weight "
          "F16 100,32",
          NULL };
  g_autoptr (SdInfo) info = info_of (specs, NULL);
  g_assert_true (info->can_generate);
}

static void
assert_cannot (const char *const *specs,
               SdFamily family,
               const char *sentence,
               const char *word)
{
  g_autoptr (SdInfo) info = info_of (specs, NULL);
  g_assert_cmpstr (info->sentence, ==, sentence);
  g_assert_cmpint (info->family, ==, family);
  g_assert_false (info->can_generate);
  g_assert_nonnull (info->why_not);
  if (strstr (info->why_not, word) == NULL)
    g_error ("“%s” does not say “%s”", info->why_not, word);
}

static void
test_missing_parts (void)
{
  const char *no_text[] = { SD1_UNET, SD1_VAE, NULL };
  assert_cannot (no_text, SD_FAMILY_SD1, "Stable Diffusion 1.x, F16, UNet and VAE inside",
                 "text encoder CLIP-L is not in this file");
  const char *no_vae[] = { SD1_UNET, SD1_TEXT, NULL };
  assert_cannot (no_vae, SD_FAMILY_SD1,
                 "Stable Diffusion 1.x, F16, text encoder and UNet inside",
                 "VAE is not in this file");
  const char *no_unet[] = { SD1_VAE, SD1_TEXT, NULL };
  assert_cannot (no_unet, SD_FAMILY_SD1,
                 "Stable Diffusion 1.x, F16, text encoder and VAE inside",
                 "UNet is not in this file");
  const char *unet[] = { SD1_UNET, NULL };
  assert_cannot (unet, SD_FAMILY_SD1, "Stable Diffusion 1.x, F16, UNet inside",
                 "text encoder CLIP-L is not in this file");
}

static void
test_other_families (void)
{
  const char *sd2[]
      = { UNET "input_blocks.0.0.weight F16 32,4,3,3",
          UNET "middle_block.1.proj_in.weight F16 32,32", SD1_VAE,
          "cond_stage_model.model.token_embedding.weight F32 100,64", NULL };
  g_autoptr (SdInfo) two = info_of (sd2, NULL);
  g_assert_cmpint (two->family, ==, SD_FAMILY_SD2);
  g_assert_cmpstr (two->sentence, ==,
                   "Stable Diffusion 2.x, F32, text encoder, UNet and VAE inside");
  g_assert_true (two->can_generate);
  g_assert_cmpuint (two->width, ==, 512);
  const char *xl[]
      = { SD1_UNET, SD1_VAE,
          "conditioner.embedders.0.transformer.text_model.embeddings.token_"
          "embedding.weight BF16 1000,32",
          "conditioner.embedders.1.model.token_embedding.weight BF16 1000,32", NULL };
  g_autoptr (SdInfo) info = info_of (xl, NULL);
  g_assert_cmpint (info->family, ==, SD_FAMILY_SDXL);
  g_assert_cmpstr (info->sentence, ==,
                   "Stable Diffusion XL, BF16, text encoders, UNet and VAE inside");
  g_assert_true (info->can_generate);
  g_assert_cmpuint (info->width, ==, 1024);
  g_assert_cmpfloat (info->latent_scale, ==, 0.13025);
  const char *refiner[] = { SD1_UNET, SD1_VAE, UNET "label_emb.0.0.weight F16 8,2560",
                            "conditioner.embedders.0.model.token_embedding.weight F16 "
                            "100,32",
                            NULL };
  assert_cannot (refiner, SD_FAMILY_SDXL,
                 "Stable Diffusion XL refiner, F16, text encoder, UNet and VAE inside",
                 "refiner");
}

/* Models that begin from a picture are told apart by the channels of their UNet. */
static void
test_channels (void)
{
  const char *inpaint[]
      = { UNET "input_blocks.0.0.weight F16 32,9,3,3", SD1_VAE, SD1_TEXT, NULL };
  g_autoptr (SdInfo) nine = info_of (inpaint, NULL);
  g_assert_true (nine->can_generate);
  g_assert_cmpuint (nine->unet_in_channels, ==, SD_INPAINT_CHANNELS);
  g_assert_nonnull (strstr (nine->sentence, "made for in-painting"));
  const char *edit[]
      = { UNET "input_blocks.0.0.weight F16 32,8,3,3", SD1_VAE, SD1_TEXT, NULL };
  g_autoptr (SdInfo) eight = info_of (edit, NULL);
  g_assert_true (eight->can_generate);
  g_assert_cmpuint (eight->unet_in_channels, ==, SD_INSTRUCT_CHANNELS);
  g_assert_nonnull (strstr (eight->sentence, "made for instructions on pictures"));
}

static void
test_unusable (void)
{
  const char *odd[]
      = { UNET "input_blocks.0.0.weight F16 32,7,3,3", SD1_VAE, SD1_TEXT, NULL };
  assert_cannot (odd, SD_FAMILY_SD1,
                 "Stable Diffusion 1.x, F16, text encoder, UNet and VAE inside",
                 "7 channels");
  const char *edm[] = { SD1_UNET, SD1_VAE, SD1_TEXT, "edm_mean F32 4", NULL };
  assert_cannot (edm, SD_FAMILY_SD1,
                 "Stable Diffusion 1.x, F16, text encoder, UNet and VAE inside",
                 "edm_mean");
  const char *whole[] = { SD1_UNET, SD1_VAE, SD1_TEXT, UNET "out.2.weight I8 4,4", NULL };
  assert_cannot (whole, SD_FAMILY_SD1,
                 "Stable Diffusion 1.x, F16, text encoder, UNet and VAE inside",
                 "whole numbers");
}

static void
test_foreign (void)
{
  static const struct
  {
    const char *spec, *sentence;
  } cases[] = {
    { "model.layers.0.self_attn.q_proj.weight BF16 8,8",
      "The weights of a language model" },
    { "h.0.attn.c_attn.weight F32 8,8", "The language model GPT-2" },
    { "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down."
      "weight "
      "F16 4,768",
      "A LoRA for Stable Diffusion 1.x" },
    { "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight F16 "
      "4,2048",
      "A LoRA for Stable Diffusion XL" },
    { "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight F16 4,8",
      "A LoRA for Stable Diffusion XL" },
    { "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight F32 4,8",
      "A LoRA for a language model" },
    { "x.lora_up.weight F32 4,8", "A LoRA" },
    { "first_stage_model.encoder.conv_in.weight F32 4,3,3,3", "A VAE alone" },
    { "decoder.up_blocks.0.resnets.0.conv1.weight F32 4,4,3,3", "A VAE alone" },
    { "control_model.input_blocks.0.0.weight F16 4,4,3,3", "A ControlNet" },
    { "text_model.encoder.layers.0.mlp.fc1.weight F16 4,4",
      "The text encoder CLIP, alone" },
    { "model.diffusion_model.double_blocks.0.img_attn.qkv.weight BF16 4,4",
      "Flux or a relative of it" },
    { "emb_params F32 4,768", "A textual inversion for Stable Diffusion 1.x" },
    { "bert.encoder.layer.0.attention.self.query.weight F32 4,4",
      "BERT, a model that reads text" },
    { "weight F32 4,4", "Tensors of a kind not known here" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *specs[] = { cases[i].spec, NULL };
      assert_cannot (specs, SD_FAMILY_UNKNOWN, cases[i].sentence, "");
    }
  const char *none[] = { NULL };
  assert_cannot (none, SD_FAMILY_UNKNOWN, "A file without tensors", "");
  const char *lora[] = { "lora_te_x.lora_up.weight F16 4,8", NULL };
  const char *metadata[] = { "ss_base_model_version", "sd_v1", NULL };
  g_autoptr (SdInfo) info = info_of (lora, metadata);
  g_assert_cmpstr (info->sentence, ==, "A LoRA for Stable Diffusion 1.x");
  g_assert_cmpstr (info->deciding_key, ==, "lora_te_x.lora_up.weight");
}

static SdInfo *
info_with (const char *const *metadata)
{
  const char *specs[] = { SD1_UNET, SD1_VAE, SD1_TEXT, NULL };
  return info_of (specs, metadata);
}

static void
test_metadata (void)
{
  const char *good[] = { "modelspec.resolution",
                         "256x384",
                         "modelspec.prediction_type",
                         "v",
                         "calotype.words",
                         "[\"cat\", 3, \"dog\"]",
                         "calotype.prompts",
                         "[\"a cat\"]",
                         "calotype.defaults",
                         "{\"steps\": 30, \"cfg\": 4.5, \"sampler\": \"euler\", "
                         "\"schedule\": \"normal\"}",
                         NULL };
  g_autoptr (SdInfo) info = info_with (good);
  g_assert_cmpuint (info->width, ==, 256);
  g_assert_cmpuint (info->height, ==, 384);
  g_assert_true (info->v_prediction);
  g_assert_cmpuint (g_strv_length (info->words), ==, 2);
  g_assert_cmpstr (info->words[1], ==, "dog");
  g_assert_cmpstr (info->prompts[0], ==, "a cat");
  g_assert_cmpuint (info->steps, ==, 30);
  g_assert_cmpfloat (info->cfg, ==, 4.5);
  g_assert_cmpint (info->sampler, ==, SAMPLER_EULER);
  g_assert_cmpint (info->schedule, ==, SAMPLER_NORMAL);
}

/* What says so, in order: a key, metadata, the spread of a bias; the user before all. */
static void
test_prediction (void)
{
  const char *plain[] = { SD1_UNET, SD1_VAE, SD1_TEXT, NULL };
  const char *key[]
      = { SD1_UNET, SD1_VAE, SD1_TEXT, "v_pred F32 0", "ztsnr F32 0", NULL };
  const char *epsilon[] = { "modelspec.prediction_type", "epsilon", NULL };
  const char *kohya[]
      = { "modelspec.prediction_type", "v", "ss_zero_terminal_snr", "True", NULL };
  g_autoptr (SdInfo) none = info_of (plain, NULL);
  g_assert_false (none->v_prediction || none->zero_snr);
  g_assert_null (none->prediction_key);
  g_autoptr (SdInfo) by_key = info_of (key, epsilon);
  g_assert_true (by_key->v_prediction && by_key->zero_snr);
  g_assert_cmpstr (by_key->prediction_key, ==, "v_pred");
  g_assert_nonnull (strstr (by_key->sentence, "predicts v (v_pred)"));
  g_autoptr (SdInfo) by_metadata = info_of (plain, kohya);
  g_assert_true (by_metadata->v_prediction && by_metadata->zero_snr);
  g_assert_cmpstr (by_metadata->prediction_key, ==, "modelspec.prediction_type");
  const char *sd2[] = { UNET "input_blocks.0.0.weight F16 32,4,3,3",
                        UNET "middle_block.1.proj_in.weight F16 32,32",
                        SD1_VAE,
                        "cond_stage_model.model.token_embedding.weight F32 100,64",
                        UNET "output_blocks.11.1.transformer_blocks.0.norm1.bias F32 32",
                        NULL };
  g_autoptr (SdInfo) by_spread = info_of (sd2, NULL);
  g_assert_false (by_spread->v_prediction); /* zeros */
  g_assert_nonnull (strstr (by_spread->prediction_key, "norm1.bias (0.000)"));
}

static void
test_few_steps (void)
{
  static const struct
  {
    const char *title;
    guint steps, width;
    SamplerKind sampler;
    SamplerSchedule schedule;
  } rows[] = {
    { "sd_xl_turbo_1.0_fp16", 4, 512, SAMPLER_EULER_ANCESTRAL, SAMPLER_TURBO },
    { "sdxl_lightning_8step", 8, 512, SAMPLER_EULER, SAMPLER_SGM_UNIFORM },
    { "Dreams LCM", 6, 512, SAMPLER_LCM, SAMPLER_SGM_UNIFORM },
    { "Hyper-SD 1-step", 1, 512, SAMPLER_DDIM, SAMPLER_TURBO },
    { "turbocharged", 20, 512, SAMPLER_DPMPP_2M, SAMPLER_KARRAS },
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *metadata[] = { "modelspec.title", rows[i].title, NULL };
      g_autoptr (SdInfo) info = info_with (metadata);
      g_test_message ("%s", rows[i].title);
      g_assert_cmpuint (info->steps, ==, rows[i].steps);
      g_assert_cmpuint (info->width, ==, rows[i].width);
      g_assert_cmpint (info->sampler, ==, rows[i].sampler);
      g_assert_cmpint (info->schedule, ==, rows[i].schedule);
      g_assert_true (info->few_steps == (rows[i].steps != 20));
      g_assert_cmpfloat (info->cfg, ==, info->few_steps ? 1.0 : 7.0);
    }
}

static void
test_nonsense_metadata (void)
{
  static const char *const sizes[] = { "",
                                       "x",
                                       "512x",
                                       "500x500",
                                       "0x0",
                                       "8x8",
                                       "99999999999999999999",
                                       "512x512x512",
                                       "-512x512",
                                       "512 pixels" };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      const char *metadata[]
          = { "modelspec.resolution",
              sizes[i],
              "calotype.words",
              "{\"a\": 1}",
              "calotype.prompts",
              "[1, 2",
              "calotype.defaults",
              "{\"steps\": 1e9, \"cfg\": \"7\", \"sampler\": \"nonesuch\", "
              "\"schedule\": 3}",
              NULL };
      g_autoptr (SdInfo) info = info_with (metadata);
      g_assert_cmpuint (info->width, ==, 512);
      g_assert_cmpuint (info->height, ==, 512);
      g_assert_cmpuint (info->steps, ==, 20);
      g_assert_cmpfloat (info->cfg, ==, 7.0);
      g_assert_cmpint (info->sampler, ==, SAMPLER_DPMPP_2M);
      g_assert_cmpint (info->schedule, ==, SAMPLER_KARRAS);
      g_assert_null (info->words);
      g_assert_null (info->prompts);
    }
}

static void
test_bundled (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sd_bundled_model_path ();
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_assert_true (info->can_generate);
  g_assert_cmpuint (g_strv_length (info->prompts), >, 3);
  /* every example is made of words it was taught */
  for (char **prompt = info->prompts; *prompt != NULL; prompt++)
    g_assert_null (sd_unknown_words (info, *prompt, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sd/info/whole", test_whole);
  g_test_add_func ("/sd/info/averages", test_averages);
  g_test_add_func ("/sd/info/older-text-names", test_older_text_names);
  g_test_add_func ("/sd/info/missing-parts", test_missing_parts);
  g_test_add_func ("/sd/info/other-families", test_other_families);
  g_test_add_func ("/sd/info/channels", test_channels);
  g_test_add_func ("/sd/info/unusable", test_unusable);
  g_test_add_func ("/sd/info/foreign", test_foreign);
  g_test_add_func ("/sd/info/metadata", test_metadata);
  g_test_add_func ("/sd/info/prediction", test_prediction);
  g_test_add_func ("/sd/info/few-steps", test_few_steps);
  g_test_add_func ("/sd/info/nonsense-metadata", test_nonsense_metadata);
  g_test_add_func ("/sd/info/bundled", test_bundled);
  return g_test_run ();
}
