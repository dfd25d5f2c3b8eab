/* sd-kind.c: what a file is when it is no whole Stable Diffusion model
 *
 * People drop whatever ends in .safetensors on the window; each common kind gets a
 * sentence that names it. The rules are asked in order and the first that holds decides,
 * so special kinds stand before general ones. Only the first names are looked at: files
 * of these kinds show what they are early, and a file may hold a million.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_NAMES 4096

typedef enum
{
  STARTS,
  HOLDS
} Where;

typedef struct
{
  Where where;
  const char *text;
  const char *sentence; /* with %s: what for */
  const char *remedy;   /* (nullable): why it makes no pictures, and what does */
  SdFileKind kind;
} Rule;

static const char steers[] = N_ (
    "It steers a model and is none itself: open the model it is for. Using it while "
    "making pictures is not in this version.");
static const char teaches[]
    = N_ ("A textual inversion teaches a model a word and is no model itself: open the "
          "model it is for. Using it while making pictures is not in this version.");
static const char only_unet[]
    = N_ ("The UNet needs a text encoder and a VAE beside it, and they are missing: open "
          "the whole diffusers folder it comes from, or a checkpoint in one file.");
static const char only_vae[]
    = N_ ("A VAE turns latents into pictures. The UNet and the text encoder, which make "
          "the latents, are missing: open a whole checkpoint or a diffusers folder.");
static const char only_text[] = N_ (
    "A text encoder reads the prompt. The UNet and the VAE, which make the picture, "
    "are missing: open a whole checkpoint or a diffusers folder.");
static const char writes_text[]
    = N_ ("A language model writes text, and nothing in it makes pictures: open a Stable "
          "Diffusion model.");

static const Rule rules[] = {
  { HOLDS, "lora_controlnet", N_ ("A ControlNet"), steers, .kind = SD_FILE_CONTROLNET },
  { HOLDS, ".lora_up.", N_ ("A LoRA%s"), .kind = SD_FILE_LORA },
  { HOLDS, ".lora_down.", N_ ("A LoRA%s"), .kind = SD_FILE_LORA },
  { HOLDS, ".lora_A.", N_ ("A LoRA%s"), .kind = SD_FILE_LORA },
  { HOLDS, ".lora.up.", N_ ("A LoRA%s"), .kind = SD_FILE_LORA },
  { HOLDS, ".hada_w1_a", N_ ("A LoRA (LoHa)%s"), .kind = SD_FILE_LORA },
  { HOLDS, ".lokr_w1", N_ ("A LoRA (LoKr)%s"), .kind = SD_FILE_LORA },
  { STARTS, "control_model.", N_ ("A ControlNet"), steers, .kind = SD_FILE_CONTROLNET },
  { STARTS, "controlnet_cond_embedding.", N_ ("A ControlNet"), steers,
    .kind = SD_FILE_CONTROLNET },
  { STARTS, "adapter.body.", N_ ("A T2I-Adapter"), steers, .kind = SD_FILE_CONTROLNET },
  { STARTS, "image_proj.", N_ ("An IP-Adapter"), steers },
  { STARTS, "ip_adapter.", N_ ("An IP-Adapter"), steers },
  { HOLDS, "joint_blocks.0.", N_ ("The image generator Stable Diffusion 3"),
    .kind = SD_FILE_CHECKPOINT },
  { HOLDS, "double_blocks.0.", N_ ("The image generator Flux or a relative of it"),
    .kind = SD_FILE_CHECKPOINT },
  { HOLDS, "single_transformer_blocks.0.",
    N_ ("The image generator Flux or a relative of it"), .kind = SD_FILE_CHECKPOINT },
  { STARTS, "emb_params", N_ ("A textual inversion"), teaches,
    .kind = SD_FILE_EMBEDDING },
  { STARTS, "clip_l", N_ ("A textual inversion"), teaches, .kind = SD_FILE_EMBEDDING },
  { STARTS, "clip_g", N_ ("A textual inversion"), teaches, .kind = SD_FILE_EMBEDDING },
  { STARTS, "down_blocks.0.resnets.", N_ ("The UNet of a diffusers folder, alone"),
    only_unet, .kind = SD_FILE_CHECKPOINT },
  { STARTS, "down_blocks.0.attentions.", N_ ("The UNet of a diffusers folder, alone"),
    only_unet, .kind = SD_FILE_CHECKPOINT },
  { STARTS, "first_stage_model.", N_ ("A VAE alone"), only_vae, .kind = SD_FILE_VAE },
  { STARTS, "cond_stage_model.", N_ ("The text encoder of Stable Diffusion, alone"),
    only_text, .kind = SD_FILE_TEXT_ENCODER },
  { STARTS, "conditioner.", N_ ("The text encoder of Stable Diffusion, alone"), only_text,
    .kind = SD_FILE_TEXT_ENCODER },
  { STARTS, "decoder.up.0.", N_ ("A VAE alone"), only_vae, .kind = SD_FILE_VAE },
  { STARTS, "decoder.up_blocks.", N_ ("A VAE alone"), only_vae, .kind = SD_FILE_VAE },
  { HOLDS, "encoder.block.0.layer.0.SelfAttention.", N_ ("The text encoder T5"),
    only_text, .kind = SD_FILE_TEXT_ENCODER },
  { STARTS, "model.encoder.conv1.", N_ ("A speech recognition model") },
  { STARTS, "vision_model.", N_ ("A CLIP model that reads pictures") },
  { STARTS, "visual.", N_ ("A CLIP model that reads pictures") },
  { STARTS, "text_model.", N_ ("A CLIP text encoder alone"), only_text,
    .kind = SD_FILE_TEXT_ENCODER },
  { STARTS, "embeddings.word_embeddings.",
    N_ ("A model that reads text, of BERT's kind") },
  { HOLDS, "bert.encoder.layer.0.", N_ ("A model that reads text, of BERT's kind") },
  { HOLDS, "patch_embed", N_ ("A model that reads pictures") },
  { STARTS, "transformer.h.0.", N_ ("The weights of a language model"), writes_text },
  { STARTS, "h.0.attn.", N_ ("The weights of a language model"), writes_text },
  { STARTS, "gpt_neox.", N_ ("The weights of a language model"), writes_text },
  { STARTS, "lm_head.", N_ ("The weights of a language model"), writes_text },
  { HOLDS, "embed_tokens.", N_ ("The weights of a language model"), writes_text },
  { HOLDS, ".self_attn.q_proj.", N_ ("The weights of a language model"), writes_text },
  { HOLDS, ".rdb1.", N_ ("An upscaler, of ESRGAN's kind"), .kind = SD_FILE_UPSCALER },
  { HOLDS, ".RDB1.", N_ ("An upscaler, of ESRGAN's kind"), .kind = SD_FILE_UPSCALER },
  { STARTS, "layer1.0.conv1.", N_ ("A model that reads pictures") },
  { HOLDS, "transformer_blocks.0.", N_ ("An image generator of a kind not known here"),
    .kind = SD_FILE_CHECKPOINT },
  { STARTS, "model.diffusion_model.", N_ ("An image generator of a kind not known here"),
    .kind = SD_FILE_CHECKPOINT },
};

static gboolean
rule_holds (const Rule *rule, const char *name)
{
  return rule->where == STARTS ? g_str_has_prefix (name, rule->text)
                               : strstr (name, rule->text) != NULL;
}

static const char *
find_name (StModel *model, const Rule *rule)
{
  guint n = MIN (st_model_n_tensors (model), MAX_NAMES);
  for (guint i = 0; i < n; i++)
    if (rule_holds (rule, st_model_tensor (model, i)->name))
      return st_model_tensor (model, i)->name;
  return NULL;
}

const char *
sd_family_name (SdFamily family)
{
  switch (family)
    {
    case SD_FAMILY_SD1:
      return "Stable Diffusion 1.x";
    case SD_FAMILY_SD2:
      return "Stable Diffusion 2.x";
    case SD_FAMILY_SDXL:
      return "Stable Diffusion XL";
    case SD_FAMILY_UNKNOWN:
    default:
      return NULL;
    }
}

/* What a LoRA says of itself (kohya's and ModelSpec's keys). */
static const char *
lora_target_told (StModel *model)
{
  static const struct
  {
    const char *text, *target;
  } known[] = {
    { "stable-diffusion-xl", "Stable Diffusion XL" },
    { "sdxl", "Stable Diffusion XL" },
    { "stable-diffusion-v1", "Stable Diffusion 1.x" },
    { "sd_v1", "Stable Diffusion 1.x" },
    { "stable-diffusion-v2", "Stable Diffusion 2.x" },
    { "sd_v2", "Stable Diffusion 2.x" },
    { "stable-diffusion-3", "Stable Diffusion 3" },
    { "flux", "Flux" },
  };
  const char *told[] = { st_model_metadata_value (model, "modelspec.architecture"),
                         st_model_metadata_value (model, "ss_base_model_version") };
  for (guint i = 0; i < G_N_ELEMENTS (told); i++)
    for (guint k = 0; told[i] != NULL && k < G_N_ELEMENTS (known); k++)
      if (g_str_has_prefix (told[i], known[k].text))
        return known[k].target;
  return NULL;
}

/* The width of the text that its cross-attention reads, else names only one family has.
 */
static const char *
lora_target_seen (StModel *model)
{
  guint n = MIN (st_model_n_tensors (model), MAX_NAMES);
  for (guint i = 0; i < n; i++)
    {
      const StModelTensor *t = st_model_tensor (model, i);
      gboolean down = strstr (t->name, "lora_down.") != NULL
                      || strstr (t->name, "lora_A.") != NULL
                      || strstr (t->name, "lora.down.") != NULL;
      if (g_str_has_prefix (t->name, "lora_te2_"))
        return "Stable Diffusion XL";
      if (strstr (t->name, "double_blocks") != NULL
          || strstr (t->name, "single_transformer_blocks") != NULL)
        return "Flux";
      if (down && t->tensor->rank >= 2
          && (strstr (t->name, "attn2_to_k") != NULL
              || strstr (t->name, "attn2.to_k") != NULL))
        return t->tensor->shape[1] == 768    ? "Stable Diffusion 1.x"
               : t->tensor->shape[1] == 1024 ? "Stable Diffusion 2.x"
               : t->tensor->shape[1] == 2048 ? "Stable Diffusion XL"
                                             : NULL;
    }
  const Rule language = { HOLDS, "model.layers.", NULL };
  return find_name (model, &language) != NULL ? _ ("a language model") : NULL;
}

static SdFamily
family_of_name (const char *name)
{
  for (SdFamily family = SD_FAMILY_SD1; family <= SD_FAMILY_SDXL; family++)
    if (g_strcmp0 (name, sd_family_name (family)) == 0)
      return family;
  return SD_FAMILY_UNKNOWN;
}

static SdKind
kind_of_lora (StModel *model, const char *sentence, const char *key)
{
  const char *target = lora_target_told (model);
  if (target == NULL)
    target = lora_target_seen (model);
  g_autofree char *what
      = target == NULL ? g_strdup ("") : g_strdup_printf (_ (" for %s"), target);
  SdKind kind = { .sentence = g_strdup_printf (sentence, what),
                  .deciding_key = key,
                  .kind = SD_FILE_LORA,
                  .family = family_of_name (target) };
  kind.remedy = g_strdup (_ (
      "A LoRA changes a model and is none itself: open the model it is for. Using LoRAs "
      "while making pictures is not in this version."));
  return kind;
}

SdKind
sd_kind_of (StModel *model)
{
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      const char *key = find_name (model, &rules[i]);
      if (key == NULL)
        continue;
      if (strstr (rules[i].sentence, "%s") != NULL)
        return kind_of_lora (model, _ (rules[i].sentence), key);
      const char *remedy = rules[i].remedy;
      return (SdKind){ .sentence = g_strdup (_ (rules[i].sentence)),
                       .remedy = g_strdup (remedy != NULL ? _ (remedy) : NULL),
                       .deciding_key = key,
                       .kind = rules[i].kind };
    }
  guint n = st_model_n_tensors (model);
  return (SdKind){ .sentence = n == 0
                                   ? g_strdup (_ ("A file without tensors"))
                                   : g_strdup (_ ("Tensors of a kind not known here")) };
}

void
sd_kind_clear (SdKind *kind)
{
  g_free (kind->sentence);
  g_free (kind->remedy);
  *kind = (SdKind){ 0 };
}
