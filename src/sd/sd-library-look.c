/* sd-library-look.c: what a file is, from its header alone
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"
#include "sd/sd-library-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

void
sd_look_free (SdLook *look)
{
  if (look == NULL)
    return;
  g_free (look->sentence);
  g_free (look->why_not);
  g_free (look->alias);
  g_free (look->modelspec_title);
  g_free (look);
}

/* Other programs' formats, which this one does not read. */
static const char *
foreign_reason (const char *path)
{
  g_autofree char *lower = g_ascii_strdown (path, -1);

  if (g_str_has_suffix (lower, ".gguf"))
    return N_ ("GGUF files are not read here. Get the model as a .safetensors file.");
  if (g_str_has_suffix (lower, ".ckpt") || g_str_has_suffix (lower, ".pt")
      || g_str_has_suffix (lower, ".pth") || g_str_has_suffix (lower, ".bin"))
    return N_ ("Files of this kind (pickle) can run programs when they are opened, so "
               "they are not read here. Get the model as a .safetensors file.");
  return NULL;
}

/* Of what the table does not know: parts in the program's own spellings. */
static SdFileKind
guess_kind (StModel *model, const StVerdict *verdict, SdFileKind hint)
{
  g_autoptr (SdNames) names = sd_names_new (model);

  if (verdict->id != NULL)
    return SD_FILE_OTHER;
  if (sd_names_has_part (names, SD_PART_TAESD))
    return SD_FILE_TAESD;
  if (sd_names_has_part (names, SD_PART_VAE))
    return SD_FILE_VAE;
  if (sd_names_has_part (names, SD_PART_TEXT)
      || sd_names_has_part (names, SD_PART_TEXT_2))
    return SD_FILE_TEXT_ENCODER;
  return hint == SD_FILE_UPSCALER && st_model_n_tensors (model) > 0 ? hint
                                                                    : SD_FILE_OTHER;
}

static void
decide_family (SdLook *look, const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  if (look->kind == SD_FILE_VAE || look->kind == SD_FILE_TAESD)
    /* The files of 1.x, 2.x and XL differ in nothing but their values. */
    look->family = strstr (lower, "xl") != NULL ? SD_FAMILY_SDXL : SD_FAMILY_UNKNOWN;
}

static void
describe (SdLook *look, const SdCandidate *candidate, StModel *model)
{
  g_autoptr (SdInfo) info = sd_info_new_brief (model);
  const char *thumbnail = st_model_metadata_value (model, "modelspec.thumbnail");
  const char *alias = st_model_metadata_value (model, "ss_output_name");
  const char *title = st_model_metadata_value (model, "modelspec.title");

  if (info->has_unet || (info->has_text && info->has_vae))
    {
      look->kind = SD_FILE_CHECKPOINT;
      look->family = info->family;
      /* Parts are looked for beside it, and may come and go. */
      look->passing = !info->has_text || !info->has_vae;
    }
  else
    {
      SdKind kind = sd_kind_of (info->verdict);
      look->kind = kind.kind;
      look->family = kind.family;
      if (look->kind == SD_FILE_OTHER)
        look->kind = guess_kind (model, info->verdict, candidate->kind);
      decide_family (look, candidate->name);
    }
  look->sentence = g_strdup (info->sentence);
  if (look->kind == SD_FILE_CHECKPOINT || look->kind == SD_FILE_OTHER
      || look->kind == SD_FILE_CONTROLNET)
    look->why_not = g_strdup (info->why_not);
  look->unsaved = look->why_not != NULL;
  look->embedded = thumbnail != NULL && g_str_has_prefix (thumbnail, "data:image/");
  look->alias = alias != NULL && alias[0] != '\0' ? g_strdup (alias) : NULL;
  look->modelspec_title = title != NULL && title[0] != '\0' ? g_strdup (title) : NULL;
}

/* Fewer bytes than there should be, as while a file is copied. */
static gboolean
is_short (const GError *error)
{
  return g_error_matches (error, ST_ERROR, ST_ERROR_METADATA_INCOMPLETE_BUFFER)
         || g_error_matches (error, ST_ERROR, ST_ERROR_INVALID_HEADER_LENGTH)
         || g_error_matches (error, ST_ERROR, ST_ERROR_HEADER_TOO_SMALL);
}

static void
describe_fault (SdLook *look, const SdCandidate *candidate, const GError *error)
{
  g_autoptr (StModel) model = st_model_open_damaged (candidate->path, NULL, NULL);

  if (model != NULL)
    describe (look, candidate, model);
  else
    look->kind = candidate->kind;
  look->incomplete = is_short (error);
  look->passing = look->passing || error->domain != ST_ERROR
                  || g_error_matches (error, ST_ERROR, ST_ERROR_IO)
                  || g_error_matches (error, ST_ERROR, ST_ERROR_CHANGED);
  look->unsaved = FALSE;
  g_free (look->why_not);
  look->why_not = g_strdup_printf (_ ("This file is damaged: %s"), error->message);
}

SdLook *
sd_library_look (const SdCandidate *candidate, const BaseTask *task, GError **error)
{
  g_autoptr (SdLook) look = g_new0 (SdLook, 1);
  g_autoptr (GError) fault = NULL;
  g_autoptr (StModel) model = NULL;
  const char *foreign = foreign_reason (candidate->path);

  if (foreign != NULL)
    {
      look->kind
          = candidate->kind != SD_FILE_OTHER ? candidate->kind : SD_FILE_CHECKPOINT;
      look->why_not = g_strdup (_ (foreign));
      return g_steal_pointer (&look);
    }
  model = st_model_open (candidate->path, task, &fault);
  if (g_error_matches (fault, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&fault));
      return NULL;
    }
  if (model != NULL)
    describe (look, candidate, model);
  else
    describe_fault (look, candidate, fault);
  return g_steal_pointer (&look);
}
