/* sd-library-cache.c: what headers told, kept by the identity of their files
 *
 * One GVariant, which loads without being parsed, for each language, since reasons are
 * sentences. A file is known by device, inode, size, time of change and name; a verdict
 * of another version of the program counts for nothing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

/* To be raised whenever a file that can be used could be judged otherwise than before. */
#define FORMAT "2 " BASE_VERSION
#define MAX_KEPT 20000

/* identity, hash of the name; kind, family; sentence, why not, alias, title; flags */
#define ENTRY_TYPE "(ttttuuumsmsmsmsbb)"

typedef struct
{
  guint64 identity[4];
  guint32 name;
} Key;

typedef struct
{
  Key key; /* first: the entry is its own key */
  SdLook *look;
  gboolean used;
} Entry;

struct _SdLookCache
{
  GHashTable *entries; /* Entry */
  gboolean changed;
};

static guint
key_hash (gconstpointer data)
{
  const Key *key = data;

  return (guint) (key->identity[1] * 2654435761u) ^ (guint) key->identity[3] ^ key->name;
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  const Key *x = a, *y = b;

  return memcmp (x->identity, y->identity, sizeof x->identity) == 0 && x->name == y->name;
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  sd_look_free (entry->look);
  g_free (entry);
}

SdLookCache *
sd_look_cache_new (void)
{
  SdLookCache *cache = g_new0 (SdLookCache, 1);

  cache->entries = g_hash_table_new_full (key_hash, key_equal, NULL, entry_free);
  return cache;
}

void
sd_look_cache_free (SdLookCache *cache)
{
  g_hash_table_unref (cache->entries);
  g_free (cache);
}

static Key
key_of (const SdCandidate *candidate)
{
  Key key;

  memcpy (key.identity, candidate->identity, sizeof key.identity);
  key.name = g_str_hash (candidate->name) ^ ((guint32) candidate->kind << 28);
  return key;
}

const SdLook *
sd_look_cache_find (SdLookCache *cache, const SdCandidate *candidate)
{
  const Key key = key_of (candidate);
  Entry *entry = g_hash_table_lookup (cache->entries, &key);

  if (entry == NULL)
    return NULL;
  entry->used = TRUE;
  return entry->look;
}

static void
add (SdLookCache *cache, Key key, SdLook *look, gboolean used)
{
  Entry *entry = g_new (Entry, 1);

  *entry = (Entry){ .key = key, .look = look, .used = used };
  g_hash_table_replace (cache->entries, entry, entry);
}

void
sd_look_cache_add (SdLookCache *cache, const SdCandidate *candidate, SdLook *look)
{
  add (cache, key_of (candidate), look, TRUE);
  cache->changed |= !look->unsaved;
}

/* ---- on disk ---- */

static char *
cache_path (void)
{
  const char *locale = setlocale (LC_MESSAGES, NULL);
  const char *language
      = locale == NULL || strcmp (locale, "C") == 0 ? "C" : g_get_language_names ()[0];
  g_autofree char *name = g_strdup_printf ("models-%s.cache", language);

  g_strdelimit (name, "/", '_');
  return g_build_filename (g_get_user_cache_dir (), "calotype", name, NULL);
}

void
sd_look_cache_load (SdLookCache *cache)
{
  g_autofree char *path = cache_path ();
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariantIter) entries = NULL;
  const char *format;
  guint32 kind, family;
  Key key;

  if (file == NULL)
    return;
  /* Copied: another process may be replacing it. */
  bytes
      = g_bytes_new (g_mapped_file_get_contents (file), g_mapped_file_get_length (file));
  all = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE ("(sa" ENTRY_TYPE ")"), bytes, FALSE));
  g_variant_get (all, "(&sa" ENTRY_TYPE ")", &format, &entries);
  if (strcmp (format, FORMAT) != 0)
    return;
  SdLook look = { 0 };
  while (g_variant_iter_next (entries, ENTRY_TYPE, &key.identity[0], &key.identity[1],
                              &key.identity[2], &key.identity[3], &key.name, &kind,
                              &family, &look.sentence, &look.why_not, &look.alias,
                              &look.modelspec_title, &look.embedded, &look.incomplete))
    {
      look.kind = kind < SD_N_FILE_KINDS ? (SdFileKind) kind : SD_FILE_OTHER;
      look.family = family <= SD_FAMILY_SDXL ? (SdFamily) family : SD_FAMILY_UNKNOWN;
      add (cache, key, g_memdup2 (&look, sizeof look), FALSE);
      look = (SdLook){ 0 };
    }
}

static void
write_entry (GVariantBuilder *builder, const Entry *entry)
{
  const SdLook *look = entry->look;

  g_variant_builder_add (
      builder, ENTRY_TYPE, entry->key.identity[0], entry->key.identity[1],
      entry->key.identity[2], entry->key.identity[3], entry->key.name,
      (guint32) look->kind, (guint32) look->family, look->sentence, look->why_not,
      look->alias, look->modelspec_title, look->embedded, look->incomplete);
}

void
sd_look_cache_save (SdLookCache *cache)
{
  g_autofree char *path = cache_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GVariant) all = NULL;
  GVariantBuilder builder;
  GHashTableIter iter;
  gpointer value;
  /* What was not seen lies on a disk that may come back. */
  const gboolean keep = g_hash_table_size (cache->entries) <= MAX_KEPT;

  if (!cache->changed)
    return;
  cache->changed = FALSE;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a" ENTRY_TYPE));
  g_hash_table_iter_init (&iter, cache->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!((Entry *) value)->look->unsaved && (keep || ((Entry *) value)->used))
      write_entry (&builder, value);
  all = g_variant_ref_sink (
      g_variant_new ("(s@a" ENTRY_TYPE ")", FORMAT, g_variant_builder_end (&builder)));
  /* Without it the next scan takes longer, that is all. */
  if (g_mkdir_with_parents (folder, 0700) == 0)
    g_file_set_contents (path, g_variant_get_data (all),
                         (gssize) g_variant_get_size (all), NULL);
}
