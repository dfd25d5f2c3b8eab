/* sd-library-walk.c: the files in a folder that may be models
 *
 * Names and sizes only. A folder is read once, however many ways lead to it, so links
 * that lead in circles end; so is a file under one name, while links of other names are
 * models of their own. How deep, and how many entries, is bounded: somebody adds "/" one
 * day.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#include <dirent.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_DEPTH 12
#define MAX_ENTRIES 200000

typedef struct
{
  guint64 device, inode;
  guint32 name; /* hash; 0: of a folder */
} Key;

static guint
key_hash (gconstpointer data)
{
  const Key *key = data;

  return (guint) (key->inode * 2654435761u) ^ (guint) key->device ^ key->name;
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  const Key *x = a, *y = b;

  return x->device == y->device && x->inode == y->inode && x->name == y->name;
}

static void
candidate_free (gpointer data)
{
  SdCandidate *candidate = data;

  g_free (candidate->path);
  g_free (candidate->name);
  g_free (candidate->picture);
  g_free (candidate);
}

void
sd_walk_init (SdWalk *walk, GStrvBuilder *messages, const BaseTask *task)
{
  *walk = (SdWalk){ .candidates = g_ptr_array_new_with_free_func (candidate_free),
                    .dirs = g_ptr_array_new_with_free_func (g_free),
                    .seen = g_hash_table_new_full (key_hash, key_equal, g_free, NULL),
                    .messages = messages,
                    .task = task };
}

void
sd_walk_clear (SdWalk *walk)
{
  g_ptr_array_unref (walk->candidates);
  g_ptr_array_unref (walk->dirs);
  g_hash_table_unref (walk->seen);
}

static gboolean
is_new (SdWalk *walk, const struct stat *status, const char *name)
{
  Key *key = g_new (Key, 1);

  *key
      = (Key){ status->st_dev, status->st_ino, name != NULL ? g_str_hash (name) | 1 : 0 };
  return g_hash_table_add (walk->seen, key);
}

/* ---- one folder ---- */

/* A folder that is being read. */
typedef struct
{
  const SdRoot *root;
  const char *path, *prefix; /* of names: "" or "ink/" */
  SdFileKind kind;
  guint depth;
  GHashTable *pictures; /* (nullable): names of picture files in it */
} Level;

static gboolean walk_folder (SdWalk *walk,
                             const SdRoot *root,
                             const char *path,
                             const char *prefix,
                             SdFileKind kind,
                             guint depth,
                             GError **error);

static const char *
suffix_of (const char *name)
{
  static const char *const suffixes[] = { ".safetensors.index.json",
                                          ".safetensors",
                                          ".sft",
                                          ".ckpt",
                                          ".gguf",
                                          ".pt",
                                          ".pth",
                                          ".bin" };

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      gsize n = strlen (name), m = strlen (suffixes[i]);
      if (n > m && g_ascii_strcasecmp (name + n - m, suffixes[i]) == 0)
        return suffixes[i];
    }
  return NULL;
}

/* "-00001-of-00003" before the suffix: a part of what an index names. */
static gboolean
is_shard (const char *name, const char *suffix)
{
  const gsize n = strlen (name) - strlen (suffix);
  const char *end = name + n;

  if (n <= 15 || strncmp (end - 9, "-of-", 4) != 0 || end[-15] != '-')
    return FALSE;
  for (guint i = 1; i <= 5; i++)
    if (!g_ascii_isdigit (end[-(int) i]) || !g_ascii_isdigit (end[-(int) i - 9]))
      return FALSE;
  return TRUE;
}

/* Files that other programs make of all kinds of things are models only where models
 * lie. */
static gboolean
is_wanted (const char *name, const char *suffix, SdFileKind kind)
{
  if (strcmp (suffix, ".safetensors") == 0)
    return !is_shard (name, suffix);
  if (strcmp (suffix, ".pt") == 0 || strcmp (suffix, ".pth") == 0
      || strcmp (suffix, ".bin") == 0)
    return kind != SD_FILE_OTHER;
  return TRUE;
}

/* (nullable) (transfer full): the picture beside a model, as A1111 looks for one */
static char *
find_picture (const Level *level, const char *stem)
{
  static const char *const endings[]
      = { ".preview.png", ".png", ".preview.jpg", ".jpg", ".preview.jpeg", ".jpeg" };

  for (guint i = 0; level->pictures != NULL && i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *name = g_strconcat (stem, endings[i], NULL);
      if (g_hash_table_contains (level->pictures, name))
        return g_build_filename (level->path, name, NULL);
    }
  return NULL;
}

static SdCandidate *
add_candidate (SdWalk *walk, const Level *level, const char *path, const char *stem)
{
  SdCandidate *candidate = g_new0 (SdCandidate, 1);
  g_autofree char *name = g_strconcat (level->prefix, stem, NULL);

  candidate->path = g_strdup (path);
  candidate->name = g_filename_display_name (name);
  candidate->picture = find_picture (level, stem);
  candidate->kind = level->kind;
  candidate->place = walk->place;
  candidate->foreign_too = !level->root->hub && !level->root->known_only;
  g_ptr_array_add (walk->candidates, candidate);
  return candidate;
}

static void
set_identity (SdCandidate *candidate, const struct stat *status)
{
  candidate->identity[0] = status->st_dev;
  candidate->identity[1] = status->st_ino;
  candidate->identity[2] = (guint64) status->st_size;
  candidate->identity[3] = (guint64) status->st_mtim.tv_sec * 1000000000u
                           + (guint64) status->st_mtim.tv_nsec;
}

/* Of several files: the newest change, the sum of bytes. */
static void
add_identity (SdCandidate *candidate, const char *path, guint depth)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  struct stat status;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      if (stat (child, &status) != 0)
        continue;
      if (S_ISDIR (status.st_mode) && depth == 0)
        add_identity (candidate, child, 1);
      else if (S_ISREG (status.st_mode) && g_str_has_suffix (name, ".safetensors"))
        {
          candidate->identity[2] += (guint64) status.st_size;
          candidate->identity[3]
              = MAX (candidate->identity[3], (guint64) status.st_mtim.tv_sec * 1000000000u
                                                 + (guint64) status.st_mtim.tv_nsec);
        }
    }
}

static void
take_file (SdWalk *walk, const Level *level, const char *name, const struct stat *status)
{
  const char *suffix = suffix_of (name);

  if (suffix == NULL || !is_wanted (name, suffix, level->kind)
      || !is_new (walk, status, name))
    return;
  g_autofree char *path = g_build_filename (level->path, name, NULL);
  g_autofree char *stem = g_strndup (name, strlen (name) - strlen (suffix));
  SdCandidate *candidate = add_candidate (walk, level, path, stem);
  set_identity (candidate, status);
  if (g_str_has_suffix (suffix, ".json"))
    add_identity (candidate, level->path, 1);
}

static gboolean
take_folder (SdWalk *walk, const Level *level, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (level->path, name, NULL);
  SdFileKind kind = sd_library_kind_of_folder (name);
  g_autofree char *prefix = kind != SD_FILE_OTHER
                                ? g_strdup ("")
                                : g_strconcat (level->prefix, name, "/", NULL);

  if (level->root->known_only && level->depth == 0 && kind == SD_FILE_OTHER)
    return TRUE;
  return walk_folder (walk, level->root, path, prefix,
                      kind != SD_FILE_OTHER ? kind : level->kind, level->depth + 1,
                      error);
}

static gboolean
take_entry (SdWalk *walk, const Level *level, DIR *dir, const char *name, GError **error)
{
  struct stat status;

  if (fstatat (dirfd (dir), name, &status, 0) != 0)
    return TRUE; /* a link that leads nowhere, or gone since */
  if (S_ISDIR (status.st_mode))
    return take_folder (walk, level, name, error);
  if (S_ISREG (status.st_mode))
    take_file (walk, level, name, &status);
  return TRUE;
}

static gboolean
is_picture (const char *name)
{
  return g_str_has_suffix (name, ".png") || g_str_has_suffix (name, ".jpg")
         || g_str_has_suffix (name, ".jpeg");
}

/* (transfer full): entries worth a look, pictures apart */
static GPtrArray *
read_names (SdWalk *walk, DIR *dir, Level *level)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  struct dirent *entry;

  while (!walk->is_full && (entry = readdir (dir)) != NULL)
    {
      if (entry->d_name[0] == '.')
        continue;
      walk->is_full = ++walk->n_entries >= MAX_ENTRIES;
      if (is_picture (entry->d_name))
        g_hash_table_add (level->pictures, g_strdup (entry->d_name));
      else if (entry->d_type != DT_REG || suffix_of (entry->d_name) != NULL)
        g_ptr_array_add (names, g_strdup (entry->d_name));
    }
  return names;
}

static gboolean
take_diffusers (SdWalk *walk, const Level *level, DIR *dir, const struct stat *status)
{
  struct stat index;

  if (fstatat (dirfd (dir), "model_index.json", &index, 0) != 0)
    return FALSE;
  g_autofree char *stem = g_path_get_basename (level->path);
  Level above = *level;
  g_autofree char *prefix = g_strdup (level->prefix);
  if (g_str_has_suffix (prefix,
                        "/")) /* the folder is the model, not a part of its name */
    prefix[strlen (prefix) - 1] = '\0';
  above.prefix = "";
  SdCandidate *candidate
      = add_candidate (walk, &above, level->path, prefix[0] != '\0' ? prefix : stem);
  set_identity (candidate, &index);
  candidate->identity[0] = status->st_dev;
  candidate->identity[1] = status->st_ino;
  add_identity (candidate, level->path, 0);
  return TRUE;
}

static gboolean
walk_open_folder (
    SdWalk *walk, Level *level, DIR *dir, const struct stat *status, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;

  g_ptr_array_add (walk->dirs, g_strdup (level->path));
  if (take_diffusers (walk, level, dir, status))
    return TRUE;
  level->pictures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  names = read_names (walk, dir, level);
  gboolean good = TRUE;
  for (guint i = 0; good && i < names->len; i++)
    good = (i % 64 != 0 || base_task_check (walk->task, error))
           && take_entry (walk, level, dir, names->pdata[i], error);
  g_hash_table_unref (level->pictures);
  return good;
}

static gboolean
walk_folder (SdWalk *walk,
             const SdRoot *root,
             const char *path,
             const char *prefix,
             SdFileKind kind,
             guint depth,
             GError **error)
{
  Level level
      = { .root = root, .path = path, .prefix = prefix, .kind = kind, .depth = depth };
  struct stat status;
  DIR *dir;

  if (depth > MAX_DEPTH || walk->is_full || stat (path, &status) != 0
      || !is_new (walk, &status, NULL))
    return base_task_check (walk->task, error);
  dir = opendir (path);
  if (dir == NULL)
    {
      g_autofree char *shown = g_filename_display_name (path);
      g_autofree char *message = g_strdup_printf (
          _ ("The folder “%s” cannot be read: %s"), shown, g_strerror (errno));
      g_strv_builder_add (walk->messages, message);
      return TRUE;
    }
  gboolean good = walk_open_folder (walk, &level, dir, &status, error);
  closedir (dir);
  return good;
}

/* ---- the cache of Hugging Face ---- */

/* (nullable) (transfer full): what refs/main says, else what was changed last */
static char *
find_snapshot (const char *repository)
{
  g_autofree char *ref = g_build_filename (repository, "refs", "main", NULL);
  g_autofree char *folder = g_build_filename (repository, "snapshots", NULL);
  g_autofree char *commit = NULL;
  g_autofree char *best = NULL;
  gint64 newest = G_MININT64;
  struct stat status;

  if (g_file_get_contents (ref, &commit, NULL, NULL)
      && strchr (g_strstrip (commit), '/') == NULL && commit[0] != '\0')
    {
      g_autofree char *path = g_build_filename (folder, commit, NULL);
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        return g_steal_pointer (&path);
    }
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (stat (path, &status) != 0 || !S_ISDIR (status.st_mode)
          || status.st_mtim.tv_sec <= newest)
        continue;
      newest = status.st_mtim.tv_sec;
      g_free (best);
      best = g_steal_pointer (&path);
    }
  return g_steal_pointer (&best);
}

/* models--org--name: "org/name/" */
static char *
repository_prefix (const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name + strlen ("models--"), "--", -1);
  g_autofree char *joined = g_strjoinv ("/", parts);

  return g_strconcat (joined, "/", NULL);
}

static gboolean
walk_hub (SdWalk *walk, const SdRoot *root, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (root->path, 0, NULL);
  const char *name;

  g_ptr_array_add (walk->dirs, g_strdup (root->path));
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_has_prefix (name, "models--"))
        continue;
      g_autofree char *repository = g_build_filename (root->path, name, NULL);
      g_autofree char *snapshot = find_snapshot (repository);
      g_autofree char *prefix = repository_prefix (name);
      if (snapshot != NULL
          && !walk_folder (walk, root, snapshot, prefix, SD_FILE_OTHER, 1, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
sd_walk_place (SdWalk *walk, SdPlace *place, guint index, GError **error)
{
  walk->place = index;
  for (guint i = 0; i < place->roots->len; i++)
    {
      const SdRoot *root = &g_array_index (place->roots, SdRoot, i);
      DIR *dir = opendir (root->path);

      if (dir == NULL && place->folder.fault == NULL)
        place->folder.fault = g_strdup (g_strerror (errno));
      if (dir == NULL)
        continue;
      closedir (dir);
      if (!(root->hub ? walk_hub (walk, root, error)
                      : walk_folder (walk, root, root->path, "", root->kind, 0, error)))
        return FALSE;
    }
  if (walk->is_full && place->folder.fault == NULL)
    place->folder.fault = g_strdup_printf (
        _ ("more than %u files and folders; what comes after them was left out"),
        (guint) MAX_ENTRIES);
  return TRUE;
}
