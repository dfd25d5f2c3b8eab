/* sd-info.c: what a model is, from its names, shapes and metadata; no value is read
 *
 * The family comes from the names of the text encoder, never from a width: widths are the
 * model's own affair. Where no text encoder is inside, the UNet's proj_in tells 1.x
 * from 2.x: a convolution there, a matrix here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"
#include "sd/sd-names.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define UNET_KEY SD_NAMES_UNET "input_blocks.0.0.weight"
#define VAE_KEY SD_NAMES_VAE "decoder.conv_in.weight"
#define TEXT_KEY SD_NAMES_TEXT "embeddings.token_embedding.weight"

/* What one pass over the names finds. */
typedef struct
{
  SdNames *names;
  const char *text_sd2, *text_sdxl; /* first name that only they have */
  const char *scaled, *not_float;   /* weights that cannot be used as they are */
  const StModelTensor *proj_in;
  guint64 bytes[ST_N_DTYPES]; /* of the parts of Stable Diffusion */
} Scan;

static gboolean
is_part (const char *name)
{
  static const char *const starts[]
      = { SD_NAMES_UNET, SD_NAMES_VAE, "cond_stage_model.", "conditioner.",
          "unet/",       "vae/",       "text_encoder/",     "text_encoder_2/" };
  for (guint i = 0; i < G_N_ELEMENTS (starts); i++)
    if (g_str_has_prefix (name, starts[i]))
      return TRUE;
  return FALSE;
}

static void
scan_tensor (Scan *scan, const StModelTensor *t)
{
  if (scan->text_sd2 == NULL && g_str_has_prefix (t->name, "cond_stage_model.model."))
    scan->text_sd2 = t->name;
  if (scan->text_sdxl == NULL
      && (g_str_has_prefix (t->name, "conditioner.embedders.")
          || g_str_has_prefix (t->name, "text_encoder_2/")))
    scan->text_sdxl = t->name;
  if (scan->proj_in == NULL && g_str_has_suffix (t->name, ".proj_in.weight"))
    scan->proj_in = t;
  if (scan->scaled == NULL
      && (g_str_has_suffix (t->name, ".scale_weight")
          || strcmp (t->name, "scaled_fp8") == 0))
    scan->scaled = t->name;
  if (!st_dtype_is_float (t->tensor->dtype))
    {
      if (scan->not_float == NULL && t->tensor->rank >= 2
          && !g_str_has_suffix (t->name, ".position_ids"))
        scan->not_float = t->name;
      return;
    }
  scan->bytes[t->tensor->dtype] += t->tensor->end - t->tensor->begin;
}

static void
scan_model (Scan *scan, StModel *model)
{
  *scan = (Scan){ .names = sd_names_new (model) };
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    if (is_part (st_model_tensor (model, i)->name))
      scan_tensor (scan, st_model_tensor (model, i));
  if (scan->scaled == NULL && st_model_find (model, "scaled_fp8") != NULL)
    scan->scaled = "scaled_fp8";
}

static const char *
name_in_model (const Scan *scan, const char *ldm_name)
{
  const StModelTensor *tensor = sd_names_find (scan->names, ldm_name);
  return tensor != NULL ? tensor->name : NULL;
}

/* Returns: (nullable): the name that decided */
static const char *
find_family (SdInfo *info, const Scan *scan)
{
  const char *text = name_in_model (scan, TEXT_KEY);
  const char *label = name_in_model (scan, SD_NAMES_UNET "label_emb.0.0.weight");
  if (scan->text_sdxl != NULL || label != NULL)
    {
      info->family = SD_FAMILY_SDXL;
      return scan->text_sdxl != NULL ? scan->text_sdxl : label;
    }
  if (scan->text_sd2 != NULL)
    {
      info->family = SD_FAMILY_SD2;
      return scan->text_sd2;
    }
  if (text != NULL && !info->diffusers_names)
    {
      info->family = SD_FAMILY_SD1;
      return text;
    }
  if (scan->proj_in != NULL)
    {
      info->family = scan->proj_in->tensor->rank == 2 ? SD_FAMILY_SD2 : SD_FAMILY_SD1;
      return scan->proj_in->name;
    }
  return NULL;
}

static const char *
most_bytes (const Scan *scan)
{
  guint best = 0;
  for (guint i = 1; i < ST_N_DTYPES; i++)
    if (scan->bytes[i] > scan->bytes[best])
      best = i;
  return st_dtype_name ((StDtype) best);
}

static const char *
parts_phrase (const SdInfo *info)
{
  static const char *const phrases[8] = {
    NULL,
    N_ ("text encoder inside"),
    N_ ("UNet inside"),
    N_ ("text encoder and UNet inside"),
    N_ ("VAE inside"),
    N_ ("text encoder and VAE inside"),
    N_ ("UNet and VAE inside"),
    N_ ("text encoder, UNet and VAE inside"),
  };
  guint which
      = (info->has_text ? 1 : 0) | (info->has_unet ? 2 : 0) | (info->has_vae ? 4 : 0);
  return _ (phrases[which]);
}

/* Returns: (nullable) (transfer full): the first reason against making pictures with it
 */
static char *
find_obstacle (const SdInfo *info, const Scan *scan)
{
  const char *family = sd_family_name (info->family);
  const char *missing = !info->has_unet   ? _ ("UNet")
                        : !info->has_text ? _ ("text encoder")
                        : !info->has_vae  ? _ ("VAE")
                                          : NULL;
  if (info->family != SD_FAMILY_SD1 && info->has_unet)
    return g_strdup_printf (
        _ ("This version makes pictures with Stable Diffusion 1.x only, "
           "and this is %s. Open a 1.x model instead."),
        family != NULL ? family : _ ("another kind"));
  if (missing != NULL)
    return g_strdup_printf (
        _ ("The %s is not in this file. Open a whole checkpoint, with text "
           "encoder, UNet and VAE in one file, or a diffusers folder."),
        missing);
  if (info->unet_in_channels == 9)
    return g_strdup (
        _ ("This is an inpainting model: it needs a picture and a mask to begin "
           "with, which this version cannot give it. Open the plain version of "
           "the model."));
  if (info->unet_in_channels != 4)
    return g_strdup_printf (
        _ ("The UNet of this model takes %u channels where a plain one "
           "takes 4: it needs a picture to begin with, which this version "
           "cannot give it. Open the plain version of the model."),
        info->unet_in_channels);
  if (scan->scaled != NULL)
    return g_strdup_printf (
        _ ("The weights are stored with separate scales (“%s”), which this "
           "version cannot read. Open the F16 version of the model."),
        scan->scaled);
  if (scan->not_float != NULL)
    return g_strdup_printf (
        _ ("The weight “%s” is stored as whole numbers, which this version "
           "cannot use. Open the F16 version of the model."),
        scan->not_float);
  return NULL;
}

static void
describe_foreign (SdInfo *info, StModel *model)
{
  SdKind kind = sd_kind_of (model);
  info->sentence = g_steal_pointer (&kind.sentence);
  info->deciding_key = g_strdup (kind.deciding_key);
  info->why_not
      = kind.remedy != NULL
            ? g_steal_pointer (&kind.remedy)
            : g_strdup (_ ("Pictures need a whole Stable Diffusion 1.x model: one "
                           "file of 2 to 7 gigabytes as a rule, or a diffusers "
                           "folder. Everything in this file can be looked at."));
  sd_kind_clear (&kind);
}

static void
describe_sd (SdInfo *info, const Scan *scan)
{
  const StModelTensor *conv_in = sd_names_find (scan->names, UNET_KEY);
  const char *key = find_family (info, scan);
  if (conv_in != NULL && conv_in->tensor->rank == 4)
    info->unet_in_channels = (guint) MIN (conv_in->tensor->shape[1], G_MAXUINT);
  const char *family = sd_family_name (info->family);
  info->deciding_key = g_strdup (key != NULL       ? key
                                 : conv_in != NULL ? conv_in->name
                                                   : NULL);
  info->sentence = g_strdup_printf (
      "%s, %s, %s", family != NULL ? family : _ ("A relative of Stable Diffusion"),
      most_bytes (scan), parts_phrase (info));
  info->why_not = find_obstacle (info, scan);
  info->can_generate = info->why_not == NULL;
}

SdInfo *
sd_info_new (StModel *model)
{
  SdInfo *info = g_new0 (SdInfo, 1);
  Scan scan;
  scan_model (&scan, model);
  info->has_unet = sd_names_has (scan.names, UNET_KEY);
  info->has_vae = sd_names_has (scan.names, VAE_KEY);
  info->has_text = sd_names_has (scan.names, TEXT_KEY) || scan.text_sd2 != NULL
                   || scan.text_sdxl != NULL;
  info->diffusers_names = st_model_find (model, UNET_KEY) == NULL
                          && st_model_find (model, "unet/conv_in.weight") != NULL;
  if (info->has_unet || (info->has_text && info->has_vae))
    describe_sd (info, &scan);
  else
    describe_foreign (info, model);
  sd_info_read_defaults (info, model);
  sd_names_free (scan.names);
  return info;
}

void
sd_info_free (SdInfo *info)
{
  if (info == NULL)
    return;
  g_free (info->sentence);
  g_free (info->deciding_key);
  g_free (info->why_not);
  g_strfreev (info->words);
  g_strfreev (info->prompts);
  g_free (info);
}

/* Beside the program while it runs from its build folder, else where it is installed. */
char *
sd_bundled_model_path (void)
{
  static const char model[] = "models/calotype-sample.safetensors";
  const char *given = g_getenv ("CALOTYPE_DATADIR");
  if (given != NULL && *given != '\0')
    return g_build_filename (given, model, NULL);
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  gboolean in_build = program != NULL && g_str_has_prefix (program, BASE_BUILD_DIR "/");
  g_autofree char *installed = g_build_filename (BASE_DATADIR, model, NULL);
  if (!in_build && g_file_test (installed, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&installed);
  g_autofree char *source = g_build_filename (BASE_BUILD_DATADIR, model, NULL);
  if (g_file_test (source, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&source);
  return g_steal_pointer (&installed);
}

const char *
sd_info_example (const SdInfo *info)
{
  const char *longest = NULL;

  for (guint i = 0; info->prompts != NULL && info->prompts[i] != NULL; i++)
    if (longest == NULL || strlen (info->prompts[i]) > strlen (longest))
      longest = info->prompts[i];
  return longest;
}
