/* sd-library-folders.c: in which folders models lie
 *
 * Our own first, then the user's, then those that other programs made. The latter are
 * known by what lies in them, not by their names, which people change: the folders
 * directly in the home folder and in some that people keep programs in are asked whether
 * they hold `models/Stable-diffusion` or `models/checkpoints`.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#define MAX_CHILDREN 500 /* of a folder that may hold programs */

static const char *const kind_names[SD_N_FILE_KINDS]
    = { "other",    "checkpoint", "lora",         "vae",  "embedding",
        "upscaler", "controlnet", "text-encoder", "taesd" };

const char *
sd_file_kind_name (SdFileKind kind)
{
  return (guint) kind < SD_N_FILE_KINDS ? kind_names[kind] : NULL;
}

gboolean
sd_file_kind_parse (const char *name, SdFileKind *kind)
{
  for (guint i = 0; i < SD_N_FILE_KINDS; i++)
    if (g_ascii_strcasecmp (name, kind_names[i]) == 0)
      {
        *kind = (SdFileKind) i;
        return TRUE;
      }
  return FALSE;
}

/* What the programs call the folders, letters and digits only. */
SdFileKind
sd_library_kind_of_folder (const char *name)
{
  static const struct
  {
    const char *name;
    SdFileKind kind;
  } table[] = {
    { "stablediffusion", SD_FILE_CHECKPOINT },
    { "checkpoints", SD_FILE_CHECKPOINT },
    { "diffusionmodels", SD_FILE_CHECKPOINT },
    { "unet", SD_FILE_CHECKPOINT },
    { "diffusers", SD_FILE_CHECKPOINT },
    { "lora", SD_FILE_LORA },
    { "loras", SD_FILE_LORA },
    { "lycoris", SD_FILE_LORA },
    { "vae", SD_FILE_VAE },
    { "embedding", SD_FILE_EMBEDDING },
    { "embeddings", SD_FILE_EMBEDDING },
    { "textualinversion", SD_FILE_EMBEDDING },
    { "esrgan", SD_FILE_UPSCALER },
    { "realesrgan", SD_FILE_UPSCALER },
    { "swinir", SD_FILE_UPSCALER },
    { "dat", SD_FILE_UPSCALER },
    { "hat", SD_FILE_UPSCALER },
    { "upscalemodels", SD_FILE_UPSCALER },
    { "controlnet", SD_FILE_CONTROLNET },
    { "t2iadapter", SD_FILE_CONTROLNET },
    { "clip", SD_FILE_TEXT_ENCODER },
    { "textencoder", SD_FILE_TEXT_ENCODER },
    { "textencoders", SD_FILE_TEXT_ENCODER },
    { "vaeapprox", SD_FILE_TAESD },
    { "approxvae", SD_FILE_TAESD },
    { "taesd", SD_FILE_TAESD },
  };
  char folded[32];
  guint n = 0;

  for (const char *p = name; *p != '\0' && n < sizeof folded - 1; p++)
    if (g_ascii_isalnum (*p))
      folded[n++] = g_ascii_tolower (*p);
  folded[n] = '\0';
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (strcmp (folded, table[i].name) == 0)
      return table[i].kind;
  return SD_FILE_OTHER;
}

char *
sd_library_own_folder (gboolean create)
{
  static const char *const kinds[]
      = { "checkpoints",    "loras",         "vae",       "embeddings",
          "upscale_models", "text_encoders", "vae_approx" };
  char *own = g_build_filename (g_get_user_data_dir (), "calotype", "models", NULL);

  for (guint i = 0; create && i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *folder = g_build_filename (own, kinds[i], NULL);
      g_mkdir_with_parents (folder, 0755);
    }
  return own;
}

/* ---- places ---- */

static void
root_clear (gpointer data)
{
  g_free (((SdRoot *) data)->path);
}

void
sd_folder_free (SdFolder *folder)
{
  g_free (folder->path);
  g_free (folder->fault);
  g_free (folder);
}

void
sd_place_free (SdPlace *place)
{
  g_free (place->folder.path);
  g_free (place->folder.fault);
  g_array_unref (place->roots);
  g_free (place);
}

static SdPlace *
place_new (const char *path, SdFolderOrigin origin)
{
  SdPlace *place = g_new0 (SdPlace, 1);

  place->folder.path = g_strdup (path);
  place->folder.origin = origin;
  place->roots = g_array_new (FALSE, FALSE, sizeof (SdRoot));
  g_array_set_clear_func (place->roots, root_clear);
  return place;
}

void
sd_place_add_root (SdPlace *place, const char *path, SdFileKind kind, gboolean known_only)
{
  SdRoot root = { .path = g_strdup (path), .kind = kind, .known_only = known_only };

  g_array_append_val (place->roots, root);
}

static gboolean
is_listed (const char *const *paths, const char *path)
{
  for (; paths != NULL && *paths != NULL; paths++)
    if (strcmp (*paths, path) == 0)
      return TRUE;
  return FALSE;
}

static void
add_given (GPtrArray *places, const char *path, GStrvBuilder *messages)
{
  g_autoptr (SdPlace) place = place_new (path, SD_FOLDER_ADDED);
  GStatBuf status;

  if (g_stat (path, &status) != 0)
    place->folder.fault = g_strdup (g_strerror (errno));
  else if (!S_ISDIR (status.st_mode))
    place->folder.fault = g_strdup (g_strerror (ENOTDIR));
  else if (!sd_place_recognise (place, messages) && !sd_place_recognise_hub (place))
    sd_place_add_root (place, path, sd_library_kind_of_folder (path), FALSE);
  g_ptr_array_add (places, g_steal_pointer (&place));
}

/* ---- what other programs made ---- */

typedef struct
{
  GPtrArray *places;
  const char *const *hidden;
  GHashTable *known; /* paths */
  GStrvBuilder *messages;
} Search;

static void
try_folder (Search *search, const char *path)
{
  g_autoptr (SdPlace) place = NULL;

  if (is_listed (search->hidden, path) || g_hash_table_contains (search->known, path))
    return;
  place = place_new (path, SD_FOLDER_FOUND);
  if (!sd_place_recognise (place, search->messages))
    return;
  g_hash_table_add (search->known, g_strdup (path));
  g_ptr_array_add (search->places, g_steal_pointer (&place));
}

/* The folders directly in @path. */
static void
try_children (Search *search, const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  for (guint n = 0; dir != NULL && n < MAX_CHILDREN; n++)
    {
      if ((name = g_dir_read_name (dir)) == NULL)
        return;
      if (name[0] == '.')
        continue;
      g_autofree char *child = g_build_filename (path, name, NULL);
      try_folder (search, child);
    }
}

/* Packages of launchers lie one or two deeper. */
static void
try_launchers (Search *search, const char *base)
{
  static const char *const launchers[]
      = { "StabilityMatrix/Packages", "StabilityMatrix/Data/Packages", "pinokio/api",
          "comfy" };
  static const char *const shared[]
      = { "StabilityMatrix/Models", "StabilityMatrix/Data/Models", "SwarmUI/Models" };

  for (guint i = 0; i < G_N_ELEMENTS (launchers); i++)
    {
      g_autofree char *folder = g_build_filename (base, launchers[i], NULL);
      g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
      const char *name;

      for (guint n = 0;
           dir != NULL && n < MAX_CHILDREN && (name = g_dir_read_name (dir)) != NULL; n++)
        {
          g_autofree char *child = g_build_filename (folder, name, NULL);
          g_autofree char *app = g_build_filename (child, "app", NULL);
          try_folder (search, child);
          try_folder (search, app);
        }
    }
  for (guint i = 0; i < G_N_ELEMENTS (shared); i++)
    {
      g_autofree char *folder = g_build_filename (base, shared[i], NULL);
      try_folder (search, folder);
    }
}

static void
try_hub (Search *search)
{
  const char *given = g_getenv ("HF_HUB_CACHE");
  const char *home = g_getenv ("HF_HOME");
  g_autofree char *path
      = given != NULL && *given != '\0' ? g_strdup (given)
        : home != NULL && *home != '\0'
            ? g_build_filename (home, "hub", NULL)
            : g_build_filename (g_get_user_cache_dir (), "huggingface", "hub", NULL);

  g_autoptr (SdPlace) place = place_new (path, SD_FOLDER_FOUND);
  if (!is_listed (search->hidden, path) && !g_hash_table_contains (search->known, path)
      && sd_place_recognise_hub (place))
    g_ptr_array_add (search->places, g_steal_pointer (&place));
}

static void
try_bases (Search *search)
{
  static const char *const below[]
      = { "Documents", "Downloads", "git",    "src",      "code",   "dev",   "Projects",
          "projects",  "apps",      "Apps",   "AI",       "ai",     "opt",   "Software",
          "software",  "tools",     "github", "programs", "Models", "models" };
  const char *home = g_get_home_dir ();
  const GUserDirectory special[]
      = { G_USER_DIRECTORY_DOCUMENTS, G_USER_DIRECTORY_DOWNLOAD };

  try_children (search, home);
  try_launchers (search, home);
  for (guint i = 0; i < G_N_ELEMENTS (below); i++)
    {
      g_autofree char *base = g_build_filename (home, below[i], NULL);
      try_children (search, base);
      try_launchers (search, base);
    }
  for (guint i = 0; i < G_N_ELEMENTS (special); i++)
    if (g_get_user_special_dir (special[i]) != NULL)
      try_children (search, g_get_user_special_dir (special[i]));
  try_launchers (search, g_get_user_data_dir ());
  try_children (search, "/opt");
}

/* ComfyUI's desktop program keeps its paths among the user's settings. */
static void
try_comfyui_desktop (Search *search)
{
  g_autofree char *folder = g_build_filename (g_get_user_config_dir (), "ComfyUI", NULL);
  g_autofree char *yaml = g_build_filename (folder, "extra_models_config.yaml", NULL);
  g_autoptr (SdPlace) place = NULL;

  if (is_listed (search->hidden, folder) || !g_file_test (yaml, G_FILE_TEST_EXISTS))
    return;
  place = place_new (folder, SD_FOLDER_FOUND);
  place->folder.program = "ComfyUI";
  sd_place_read_comfyui (place, yaml, search->messages);
  if (place->roots->len > 0)
    g_ptr_array_add (search->places, g_steal_pointer (&place));
}

GPtrArray *
sd_library_find_places (const char *const *added,
                        const char *const *hidden,
                        GStrvBuilder *messages)
{
  GPtrArray *places = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_place_free);
  g_autoptr (GHashTable) known
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Search search = { places, hidden, known, messages };
  g_autofree char *own = sd_library_own_folder (FALSE);
  SdPlace *place = place_new (own, SD_FOLDER_OWN);

  place->folder.program = "Calotype";
  if (g_file_test (own, G_FILE_TEST_IS_DIR))
    sd_place_add_root (place, own, SD_FILE_OTHER, FALSE);
  g_ptr_array_add (places, place);
  g_hash_table_add (known, g_strdup (own));
  for (guint i = 0; added != NULL && added[i] != NULL; i++)
    if (g_hash_table_add (known, g_strdup (added[i])))
      add_given (places, added[i], messages);
  try_bases (&search);
  try_hub (&search);
  try_comfyui_desktop (&search);
  return places;
}
