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
#define LABEL_KEY SD_NAMES_UNET "label_emb.0.0.weight"
#define TEXT_KEY SD_NAMES_TEXT "embeddings.token_embedding.weight"
#define TEXT_2_KEY SD_NAMES_TEXT_2 "embeddings.token_embedding.weight"

/* What one pass over the names finds. */
typedef struct
{
  SdNames *names;
  const char *not_float; /* a weight that cannot be used as it is */
  const char *edm;       /* a key of models trained with other noise levels */
  guint64 bytes[ST_N_DTYPES];
  gboolean inside[SD_N_PARTS]; /* of the file itself */
  char *found[SD_N_PARTS];     /* (nullable): path of a file of its own */
  char *fault;                 /* (nullable): of a file that was given */
  gboolean brief;
} Scan;

static void
scan_tensor (const char *name, const StModelTensor *t, gpointer user_data)
{
  Scan *scan = user_data;
  if (st_dtype_is_float (t->tensor->dtype))
    scan->bytes[t->tensor->dtype] += t->tensor->end - t->tensor->begin;
  else if (t->tensor->rank >= 2 && !g_str_has_suffix (name, ".position_ids")
           && (scan->not_float == NULL || strcmp (t->name, scan->not_float) < 0))
    scan->not_float = t->name;
}

static void
scan_model (Scan *scan, StModel *model)
{
  static const char *const edm[] = { "edm_mean", "edm_std", "edm_vpred.sigma_max" };
  *scan = (Scan){ .names = sd_names_new (model) };
  for (guint i = 0; scan->edm == NULL && i < G_N_ELEMENTS (edm); i++)
    if (st_model_find (model, edm[i]) != NULL)
      scan->edm = edm[i];
  for (SdPart part = 0; part < SD_N_PARTS; part++)
    scan->inside[part] = sd_names_has_part (scan->names, part);
  sd_names_foreach (scan->names, scan_tensor, scan);
}

static void
scan_clear (Scan *scan)
{
  for (guint i = 0; i < SD_N_PARTS; i++)
    g_free (scan->found[i]);
  g_free (scan->fault);
  sd_names_free (scan->names);
}

static const char *
name_in_model (const Scan *scan, const char *ldm_name)
{
  const StModelTensor *tensor = sd_names_find (scan->names, ldm_name);
  return tensor != NULL ? tensor->name : NULL;
}

/* Transformers stand at one of these places in every UNet. */
static const StModelTensor *
find_proj_in (const Scan *scan)
{
  static const char *const places[]
      = { "middle_block.1", "input_blocks.1.1", "input_blocks.4.1", "input_blocks.7.1" };
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *name
          = g_strconcat (SD_NAMES_UNET, places[i], ".proj_in.weight", NULL);
      if (sd_names_has (scan->names, name))
        return sd_names_find (scan->names, name);
    }
  return NULL;
}

/* Returns: (nullable): the name that decided */
static const char *
find_family (SdInfo *info, const Scan *scan)
{
  const char *text = name_in_model (scan, TEXT_KEY);
  const char *text_2 = name_in_model (scan, TEXT_2_KEY);
  const char *label = name_in_model (scan, LABEL_KEY);
  const StModelTensor *proj_in = find_proj_in (scan);
  if (text_2 != NULL || label != NULL)
    {
      info->family = SD_FAMILY_SDXL;
      return text_2 != NULL ? text_2 : label;
    }
  if (text != NULL && sd_names_is_open_clip (scan->names, 0))
    {
      info->family = SD_FAMILY_SD2;
      return text;
    }
  if (text != NULL && !info->diffusers_names)
    {
      info->family = SD_FAMILY_SD1;
      return text;
    }
  if (proj_in != NULL)
    {
      info->family = proj_in->tensor->rank == 2 ? SD_FAMILY_SD2 : SD_FAMILY_SD1;
      return proj_in->name;
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
  static const char *const phrases[16] = {
    NULL,
    N_ ("text encoder inside"),
    N_ ("UNet inside"),
    N_ ("text encoder and UNet inside"),
    N_ ("VAE inside"),
    N_ ("text encoder and VAE inside"),
    N_ ("UNet and VAE inside"),
    N_ ("text encoder, UNet and VAE inside"),
    NULL,
    N_ ("text encoders inside"),
    NULL,
    N_ ("text encoders and UNet inside"),
    NULL,
    N_ ("text encoders and VAE inside"),
    NULL,
    N_ ("text encoders, UNet and VAE inside"),
  };
  const gboolean several = st_verdict_count_parts (info->verdict, "text") > 1;
  guint which = (info->has_text ? 1 : 0) | (info->has_unet ? 2 : 0)
                | (info->has_vae ? 4 : 0) | (info->has_text && several ? 8 : 0);
  return _ (phrases[which]);
}

/* The refiner's label has five numbers where the base model's has six. */
static gboolean
is_refiner (const Scan *scan)
{
  const StModelTensor *label = sd_names_find (scan->names, LABEL_KEY);
  return label != NULL && label->tensor->rank == 2
         && label->tensor->shape[1] == 1280 + 5 * 256;
}

/* Returns: (nullable) (transfer full): the first reason against making pictures with it
 */
static char *
find_obstacle (const SdInfo *info, const Scan *scan)
{
  if (is_refiner (scan))
    return g_strdup (_ ("This is the refiner of Stable Diffusion XL, which only finishes "
                        "what the base model begins. Open the base model instead."));
  if (scan->edm != NULL)
    return g_strdup_printf (
        _ ("This model was trained with noise levels of its own (“%s”), which this "
           "version does not have. Open another model."),
        scan->edm);
  if (!info->has_unet)
    return g_strdup (
        _ ("The UNet is not in this file. Open a whole checkpoint, with text "
           "encoder, UNet and VAE in one file, or a diffusers folder."));
  if (scan->fault != NULL)
    return g_strdup (scan->fault);
  for (SdPart part = 0; part < SD_N_PARTS; part++)
    if (sd_part_needed (part, info->family) && !sd_names_has_part (scan->names, part))
      return sd_part_remedy (part, info->family);
  if (info->unet_in_channels != SD_LATENT_CHANNELS
      && info->unet_in_channels != SD_INPAINT_CHANNELS
      && info->unet_in_channels != SD_INSTRUCT_CHANNELS)
    return g_strdup_printf (
        _ ("The UNet of this model takes %u channels; those of models that can be used "
           "take 4, or 9 for in-painting, or 8 for instructions. Open the plain version "
           "of the model."),
        info->unet_in_channels);
  if (scan->not_float != NULL)
    return g_strdup_printf (
        _ ("The weight “%s” is stored as whole numbers, which this version "
           "cannot use. Open the F16 version of the model."),
        scan->not_float);
  return NULL;
}

static void
describe_foreign (SdInfo *info)
{
  SdKind kind = sd_kind_of (info->verdict);
  info->sentence = g_strdup (info->verdict->title);
  info->deciding_key = g_strdup (info->verdict->keys[0]);
  info->why_not = g_strdup (
      kind.remedy != NULL ? kind.remedy
                          : _ ("Pictures need a whole Stable Diffusion model: one "
                               "file of 2 to 7 gigabytes as a rule, or a diffusers "
                               "folder. Everything in this file can be looked at."));
}

/* "Stable Diffusion XL base" where the table knows it so exactly; what begins from a
 * picture is told behind. */
static const char *
family_title (const SdInfo *info)
{
  const StVerdict *verdict = info->verdict;
  if (info->family != SD_FAMILY_UNKNOWN
      && sd_family_of_id (verdict->family) == info->family
      && g_strcmp0 (verdict->variant, "inpainting") != 0
      && g_strcmp0 (verdict->variant, "instruction") != 0)
    return verdict->title;
  return sd_family_name (info->family);
}

/* "…, the VAE from “x”": what was found or given beside the file. */
static char *
borrowed_phrase (const SdInfo *info, const Scan *scan)
{
  GString *text = g_string_new (NULL);
  for (SdPart part = 0; part < SD_N_PARTS; part++)
    if (scan->found[part] != NULL)
      {
        g_autofree char *file = g_path_get_basename (scan->found[part]);
        g_string_append_printf (text, _ (", %s from “%s”"),
                                sd_part_name (part, info->family), file);
      }
  return g_string_free (text, FALSE);
}

static void
describe_sd (SdInfo *info, Scan *scan, StModel *model)
{
  g_autoptr (GError) fault = NULL;
  const StModelTensor *conv_in = sd_names_find (scan->names, UNET_KEY);
  const char *key = find_family (info, scan);
  if (conv_in != NULL && conv_in->tensor->rank == 4)
    info->unet_in_channels = (guint) MIN (conv_in->tensor->shape[1], G_MAXUINT);
  const char *family = family_title (info);
  info->deciding_key = g_strdup (key != NULL       ? key
                                 : conv_in != NULL ? conv_in->name
                                                   : NULL);
  if (info->has_unet
      && !sd_parts_add (scan->names, model, info->family, !scan->brief, scan->found,
                        &fault))
    scan->fault = g_strdup (fault->message);
  g_autofree char *borrowed = borrowed_phrase (info, scan);
  info->sentence = g_strdup_printf (
      "%s, %s, %s%s", family != NULL ? family : _ ("A relative of Stable Diffusion"),
      most_bytes (scan), parts_phrase (info), borrowed);
  info->why_not = find_obstacle (info, scan);
  info->can_generate = info->why_not == NULL;
}

/* What changes how it is used, behind the sentence. */
static void
add_manner (SdInfo *info, StModel *model)
{
  const SdExtras *extras = sd_extras_of (model);
  GString *text = g_string_new (info->sentence);
  gboolean in_doubt = info->v_prediction || info->family == SD_FAMILY_SD2
                      || (extras != NULL && extras->prediction != SD_PREDICTION_AUTO);
  if (info->prediction_key != NULL && in_doubt)
    g_string_append_printf (
        text, info->v_prediction ? _ (", predicts v (%s)") : _ (", predicts noise (%s)"),
        info->prediction_key);
  if (info->zero_snr)
    g_string_append (text, _ (", noise without any signal at the end"));
  if (info->few_steps)
    g_string_append (text, _ (", made for few steps"));
  if (info->unet_in_channels == SD_INPAINT_CHANNELS)
    g_string_append (text, _ (", made for in-painting"));
  if (info->unet_in_channels == SD_INSTRUCT_CHANNELS)
    g_string_append (text, _ (", made for instructions on pictures"));
  g_free (info->sentence);
  info->sentence = g_string_free (text, FALSE);
}

static void
override_prediction (SdInfo *info, StModel *model)
{
  const SdExtras *extras = sd_extras_of (model);
  if (extras == NULL || extras->prediction == SD_PREDICTION_AUTO)
    return;
  g_free (info->prediction_key);
  info->prediction_key = g_strdup (_ ("chosen by you"));
  info->v_prediction = extras->prediction == SD_PREDICTION_V;
}

static SdInfo *
make_info (StModel *model, gboolean brief)
{
  SdInfo *info = g_new0 (SdInfo, 1);
  Scan scan;
  scan_model (&scan, model);
  scan.brief = brief;
  info->verdict = st_verdict_new (model);
  info->has_unet = sd_names_has (scan.names, UNET_KEY);
  info->has_vae = scan.inside[SD_PART_VAE];
  info->has_text = scan.inside[SD_PART_TEXT] || scan.inside[SD_PART_TEXT_2];
  info->diffusers_names = st_model_is_folder (model) && info->has_unet;
  if (info->has_unet || (info->has_text && info->has_vae))
    describe_sd (info, &scan, model);
  else
    describe_foreign (info);
  info->latent_scale = info->family == SD_FAMILY_SDXL ? 0.13025 : 0.18215;
  sd_info_decide_prediction (info, model, scan.names);
  override_prediction (info, model);
  sd_info_read_defaults (info, model);
  add_manner (info, model);
  scan_clear (&scan);
  return info;
}

SdInfo *
sd_info_new (StModel *model)
{
  return make_info (model, FALSE);
}

SdInfo *
sd_info_new_brief (StModel *model)
{
  return make_info (model, TRUE);
}

char *
sd_info_line (const SdInfo *info)
{
  /* Of what this program makes pictures with it knows more than names tell. */
  return info->has_unet || (info->has_text && info->has_vae)
             ? g_strdup (info->sentence)
             : st_verdict_sentence (info->verdict);
}

void
sd_info_free (SdInfo *info)
{
  if (info == NULL)
    return;
  st_verdict_free (info->verdict);
  g_free (info->sentence);
  g_free (info->deciding_key);
  g_free (info->why_not);
  g_free (info->prediction_key);
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
