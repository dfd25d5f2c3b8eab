/* sd-kind.c: what a file is for this program when it is no whole Stable Diffusion model
 *
 * What it is, the table of recognition says (st/st-verdict.h); here is what follows from
 * it: why it makes no pictures, and what does.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static const struct
{
  const char *verdicts; /* kinds of verdicts, between them "|" */
  SdFileKind kind;
  const char *remedy; /* (nullable): why it makes no pictures, and what does */
} kinds[] = {
  { "lora", SD_FILE_LORA,
    N_ ("A LoRA changes a model and is none itself: open the model it is for, and name "
        "the "
        "LoRA in the prompt.") },
  { "controlnet|t2i-adapter", SD_FILE_CONTROLNET,
    N_ ("It steers a model and is none itself: open the model it is for. Using it while "
        "making pictures is not in this version.") },
  { "ip-adapter|motion", SD_FILE_OTHER,
    N_ ("It steers a model and is none itself: open the model it is for. Using it while "
        "making pictures is not in this version.") },
  { "embedding", SD_FILE_EMBEDDING,
    N_ ("A textual inversion teaches a model a word and is no model itself: open the "
        "model it is for, and write the file’s name in the prompt.") },
  { "part", SD_FILE_CHECKPOINT,
    N_ ("The UNet needs a text encoder and a VAE beside it, and they are missing: open "
        "the whole diffusers folder it comes from, or a checkpoint in one file.") },
  { "image|image-other|video", SD_FILE_CHECKPOINT, NULL },
  { "vae", SD_FILE_VAE,
    N_ ("A VAE turns latents into pictures. The UNet and the text encoder, which make "
        "the latents, are missing: open a whole checkpoint or a diffusers folder.") },
  { "taesd", SD_FILE_TAESD,
    N_ ("A VAE turns latents into pictures. The UNet and the text encoder, which make "
        "the latents, are missing: open a whole checkpoint or a diffusers folder.") },
  { "text-encoder", SD_FILE_TEXT_ENCODER,
    N_ ("A text encoder reads the prompt. The UNet and the VAE, which make the picture, "
        "are missing: open a whole checkpoint or a diffusers folder.") },
  { "language|vision-language", SD_FILE_OTHER,
    N_ ("A language model writes text, and nothing in it makes pictures: open a Stable "
        "Diffusion model.") },
  { "upscaler", SD_FILE_UPSCALER, NULL },
};

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

SdFamily
sd_family_of_id (const char *id)
{
  return g_strcmp0 (id, "sd1") == 0    ? SD_FAMILY_SD1
         : g_strcmp0 (id, "sd2") == 0  ? SD_FAMILY_SD2
         : g_strcmp0 (id, "sdxl") == 0 ? SD_FAMILY_SDXL
                                       : SD_FAMILY_UNKNOWN;
}

const char *
sd_lora_target (StModel *model)
{
  g_autoptr (StVerdict) verdict = st_verdict_new (model);

  return verdict->base_name; /* static */
}

/* Other generators' VAEs have latents of another shape. */
static gboolean
is_foreign_vae (const StVerdict *verdict)
{
  return strcmp (verdict->kind, "vae") == 0 && verdict->name != NULL
         && g_strcmp0 (verdict->id, "vae-4") != 0;
}

SdKind
sd_kind_of (const StVerdict *verdict)
{
  SdKind kind = { .kind = SD_FILE_OTHER };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (st_verdict_is (verdict, kinds[i].verdicts))
      {
        kind.kind = kinds[i].kind;
        kind.remedy = kinds[i].remedy != NULL ? _ (kinds[i].remedy) : NULL;
      }
  if (is_foreign_vae (verdict))
    kind.kind = SD_FILE_OTHER;
  kind.family = sd_family_of_id (verdict->base_family);
  return kind;
}
