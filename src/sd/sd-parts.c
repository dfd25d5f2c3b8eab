/* sd-parts.c: parts of a model that lie in files of their own: given by name, or found
 *
 * People share UNets alone, with text encoders and VAEs that many of them have in common,
 * in the folders that other programs made usual:
 *
 *     models/checkpoints/MODEL.safetensors        ComfyUI: beside it
 *     models/text_encoders/clip_l.safetensors         (older: models/clip)
 *     models/vae/NAME.safetensors
 *     models/vae_approx/taesd_decoder.safetensors
 *     models/Stable-diffusion/MODEL.safetensors   A1111
 *     models/VAE/NAME.safetensors, MODEL.vae.safetensors beside the model
 *     NAME/unet/…, NAME/text_encoder/…, NAME/vae/…   a diffusers folder, its UNet opened
 *
 * Only files whose names say what they are get opened, headers only, in alphabetical
 * order; the first that holds the part is taken, and the caller says which it was.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Where to look, from the folder of the model's file. */
static const char *const text_folders[]
    = { ".", "text_encoders", "../text_encoders", "../clip", NULL };
static const char *const vae_folders[] = { ".", "vae", "../vae", "../VAE", NULL };
static const char *const taesd_folders[]
    = { ".", "vae_approx", "../vae_approx", "../VAE-approx", "../taesd", NULL };

static const char *const *
folders_of (SdPart part)
{
  switch (part)
    {
    case SD_PART_VAE:
      return vae_folders;
    case SD_PART_TAESD:
      return taesd_folders;
    case SD_PART_TEXT:
    case SD_PART_TEXT_2:
    case SD_N_PARTS:
      break;
    }
  return text_folders;
}

/* Lower case, and one sign for all that separates. */
static char *
fold (const char *name)
{
  char *folded = g_ascii_strdown (name, -1);
  return g_strdelimit (folded, "-. ", '_');
}

static gboolean
holds_one (const char *name, const char *const *words)
{
  for (; *words != NULL; words++)
    if (strstr (name, *words) != NULL)
      return TRUE;
  return FALSE;
}

/* Whether a file's name says that it holds @part for @family. */
static gboolean
name_fits (SdPart part, SdFamily family, const char *file)
{
  static const char *const clip_l[] = { "clip_l", "clip_vit_l", NULL };
  static const char *const clip_h[] = { "clip_h", "clip_vit_h", NULL };
  static const char *const clip_g[] = { "clip_g", "clip_vit_g", "bigg", NULL };
  g_autofree char *name = fold (file);
  gboolean xl = strstr (name, "xl") != NULL;

  if (!g_str_has_suffix (name, "_safetensors"))
    return FALSE;
  switch (part)
    {
    case SD_PART_TEXT:
      return holds_one (name, family == SD_FAMILY_SD2 ? clip_h : clip_l);
    case SD_PART_TEXT_2:
      return holds_one (name, clip_g);
    case SD_PART_VAE: /* the files of 1.x and XL differ in nothing but their values */
      return strstr (name, "vae") != NULL && xl == (family == SD_FAMILY_SDXL);
    case SD_PART_TAESD:
      return strstr (name, "taesd") != NULL && xl == (family == SD_FAMILY_SDXL);
    case SD_N_PARTS:
      break;
    }
  return FALSE;
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* (nullable) (transfer full): names in @folder that fit, in order */
static GPtrArray *
list_fitting (const char *folder, SdPart part, SdFamily family)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  if (dir == NULL)
    return NULL;
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  for (const char *name = g_dir_read_name (dir); name != NULL;
       name = g_dir_read_name (dir))
    if (name_fits (part, family, name))
      g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (paths, compare_paths);
  return paths;
}

static gboolean
try_path (SdNames *names, SdPart part, const char *path, char **found)
{
  g_autoptr (StModel) model = st_model_open (path, NULL, NULL);
  if (model == NULL || !sd_names_add_part (names, model, part))
    return FALSE;
  *found = g_canonicalize_filename (path, NULL);
  return TRUE;
}

/* The part's sibling where the UNet of a diffusers folder was opened alone. */
static gboolean
try_sibling (SdNames *names, SdPart part, const char *folder, char **found)
{
  static const char *const siblings[SD_N_PARTS]
      = { "text_encoder", "text_encoder_2", "vae", NULL };
  g_autofree char *own = g_path_get_basename (folder);
  g_autofree char *above = g_path_get_dirname (folder);
  if (strcmp (own, "unet") != 0 || siblings[part] == NULL)
    return FALSE;
  g_autofree char *path = g_build_filename (above, siblings[part], NULL);
  return try_path (names, part, path, found);
}

static gboolean
search (SdNames *names, SdPart part, SdFamily family, const char *model, char **found)
{
  g_autofree char *path = g_canonicalize_filename (model, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  const char *dot = strrchr (path, '.');

  if (try_sibling (names, part, folder, found))
    return TRUE;
  if (part == SD_PART_VAE && dot != NULL)
    {
      g_autofree char *own
          = g_strdup_printf ("%.*s.vae.safetensors", (int) (dot - path), path);
      if (try_path (names, part, own, found))
        return TRUE;
    }
  for (const char *const *at = folders_of (part); *at != NULL; at++)
    {
      g_autofree char *where = g_build_filename (folder, *at, NULL);
      g_autoptr (GPtrArray) paths = list_fitting (where, part, family);
      for (guint i = 0; paths != NULL && i < paths->len; i++)
        if (strcmp (paths->pdata[i], path) != 0
            && try_path (names, part, paths->pdata[i], found))
          return TRUE;
    }
  return FALSE;
}

/* ---- names for people ---- */

const char *
sd_part_name (SdPart part, SdFamily family)
{
  switch (part)
    {
    case SD_PART_TEXT:
      return family == SD_FAMILY_SD2 ? _ ("text encoder CLIP-H")
                                     : _ ("text encoder CLIP-L");
    case SD_PART_TEXT_2:
      return _ ("text encoder CLIP-G");
    case SD_PART_VAE:
      return _ ("VAE");
    case SD_PART_TAESD:
      return "TAESD";
    case SD_N_PARTS:
      break;
    }
  return "";
}

char *
sd_part_remedy (SdPart part, SdFamily family)
{
  const char *file = part == SD_PART_VAE ? (family == SD_FAMILY_SDXL ? "sdxl_vae" : "vae")
                     : part == SD_PART_TEXT_2  ? "clip_g"
                     : family == SD_FAMILY_SD2 ? "clip_h"
                                               : "clip_l";
  return g_strdup_printf (
      _ ("The %s is not in this file. Put it beside the file as “%s.safetensors”, or "
         "into a folder “%s” beside the file's folder; or open a whole checkpoint, with "
         "text encoder, UNet and VAE in one file, or a diffusers folder."),
      sd_part_name (part, family), file, part == SD_PART_VAE ? "vae" : "text_encoders");
}

/* ---- all together ---- */

gboolean
sd_part_needed (SdPart part, SdFamily family)
{
  return part == SD_PART_TEXT || part == SD_PART_VAE
         || (part == SD_PART_TEXT_2 && family == SD_FAMILY_SDXL);
}

static gboolean
add_given (SdNames *names, SdPart part, const char *path, GError **error)
{
  g_autoptr (StModel) model = st_model_open (path, NULL, error);
  if (model == NULL)
    {
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }
  if (sd_names_add_part (names, model, part))
    return TRUE;
  g_set_error (error, SD_ERROR, SD_ERROR_MISSING_PART,
               _ ("%s: the %s that it was given for is not in it"), path,
               sd_part_name (part, SD_FAMILY_UNKNOWN));
  return FALSE;
}

/* What is said of a part; @own: (nullable): of @instead of what the model's extras say.
 */
static gboolean
add_parts (SdNames *names,
           StModel *model,
           SdFamily family,
           gboolean previews,
           SdPart instead,
           const char *own,
           char *found[SD_N_PARTS],
           GError **error)
{
  const SdExtras *extras = sd_extras_of (model);
  for (SdPart part = 0; part < SD_N_PARTS; part++)
    found[part] = NULL;
  for (SdPart part = 0; part < SD_N_PARTS; part++)
    {
      const char *given = part == instead  ? own
                          : extras != NULL ? extras->parts[part]
                                           : NULL;
      if (given != NULL)
        {
          if (!add_given (names, part, given, error))
            return FALSE;
          found[part] = g_strdup (given);
        }
      else if (!sd_names_has_part (names, part)
               && (sd_part_needed (part, family) || (previews && part == SD_PART_TAESD)))
        search (names, part, family, st_model_path (model), &found[part]);
    }
  return TRUE;
}

gboolean
sd_parts_add (SdNames *names,
              StModel *model,
              SdFamily family,
              gboolean previews,
              char *found[SD_N_PARTS],
              GError **error)
{
  return add_parts (names, model, family, previews, SD_N_PARTS, NULL, found, error);
}

SdNames *
sd_names_open (StModel *model, SdFamily family, GError **error)
{
  g_autoptr (SdNames) names = sd_names_new (model);
  char *found[SD_N_PARTS];
  gboolean good = sd_parts_add (names, model, family, TRUE, found, error);
  for (guint i = 0; i < SD_N_PARTS; i++)
    g_free (found[i]);
  return good ? g_steal_pointer (&names) : NULL;
}

SdNames *
sd_names_open_with (
    StModel *model, SdFamily family, SdPart part, const char *path, GError **error)
{
  g_autoptr (SdNames) names = sd_names_new (model);
  char *found[SD_N_PARTS];
  gboolean good = add_parts (names, model, family, TRUE, part, path, found, error);
  for (guint i = 0; i < SD_N_PARTS; i++)
    g_free (found[i]);
  return good ? g_steal_pointer (&names) : NULL;
}

/* ---- what the user says of a model ---- */

void
sd_extras_free (SdExtras *extras)
{
  if (extras == NULL)
    return;
  for (guint i = 0; i < SD_N_PARTS; i++)
    g_free (extras->parts[i]);
  g_free (extras);
}

void
sd_extras_attach (StModel *model, SdExtras *extras)
{
  st_model_attach (model, extras, (GDestroyNotify) sd_extras_free);
}

const SdExtras *
sd_extras_of (StModel *model)
{
  return st_model_attached (model);
}
