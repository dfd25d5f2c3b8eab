/* sd-library.c: looking through the folders
 *
 * A scan lists names first, then looks at headers, of which the cache knows most. What is
 * told is a listing that never changes; items that are as before are the same objects, so
 * that who shows them can tell what changed by their addresses.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SAVE_EVERY 1000 /* files */
#define PART_EVERY_US 1000000
/* Who writes a file writes again within this time. */
#define SETTLE_US 800000
/* How long a file that ends too early counts as being copied. */
#define COPY_US (30 * G_USEC_PER_SEC)

typedef struct
{
  SdLibrary *library;
  SdLookCache *cache;
  GPtrArray *places, *items;
  GStrvBuilder *messages;
  GHashTable *before; /* path → SdItem of the listing before */
  GHashTable *uses;
  SdWalk walk;
  const SdScanManner *manner;
  gboolean unsettled;
  gint64 now;
  guint *counts; /* by place */
} Scan;

/* ---- from a candidate to an item ---- */

static char *
make_title (const char *name)
{
  const char *slash = strrchr (name, '/');
  const char *last = slash != NULL ? slash + 1 : name;

  return st_name_escape (last, strlen (last));
}

char *
sd_library_shown_path (const char *path)
{
  g_autofree char *shown = NULL;
  const char *home = g_get_home_dir ();
  const gsize n = strlen (home);

  if (strncmp (path, home, n) != 0 || (path[n] != '/' && path[n] != '\0'))
    return g_filename_display_name (path);
  shown = g_filename_display_name (path + n);
  return g_strconcat ("~", shown, NULL);
}

/* Whose folder it is, and which of the folders in it. */
static char *
make_where (const Scan *scan, const SdCandidate *candidate)
{
  const SdFolder *folder = &((SdPlace *) scan->places->pdata[candidate->place])->folder;
  g_autofree char *base = g_filename_display_basename (folder->path);
  g_autofree char *below = g_path_get_dirname (candidate->name);
  g_autofree char *all = g_strconcat (folder->program != NULL ? folder->program : base,
                                      " › ", below, NULL);

  if (strcmp (below, ".") == 0)
    all[strlen (all) - strlen (" › .")] = '\0';
  return st_name_escape (all, strlen (all));
}

static char *
make_search_text (const SdItem *item, const SdLook *look)
{
  g_autofree char *all
      = g_strjoin ("\n", item->name, item->title, item->where,
                   look->modelspec_title != NULL ? look->modelspec_title : "",
                   item->alias != NULL ? item->alias : "", NULL);

  return g_utf8_casefold (all, -1);
}

/* Files that change at this moment are looked at once they are left alone. */
static gint64
age_us (const Scan *scan, const SdCandidate *candidate)
{
  gint64 age = scan->now - (gint64) (candidate->identity[3] / 1000);

  return age < -2 * G_USEC_PER_SEC ? G_MAXINT64 : age; /* a clock that is wrong */
}

static void
mark_copying (Scan *scan, SdItem *item, const SdLook *look, const SdCandidate *candidate)
{
  const gint64 age = age_us (scan, candidate);
  g_autofree char *size = NULL;

  if (look->why_not == NULL || !look->incomplete || age > COPY_US)
    return;
  item->copying = TRUE;
  scan->unsettled = TRUE;
  size = g_format_size (item->bytes);
  g_free (item->why_not);
  item->why_not = g_strdup_printf (
      _ ("Still being copied: %s are there so far. It can be used when all of it is."),
      size);
}

static SdItem *
make_item (Scan *scan, const SdCandidate *candidate, const SdLook *look, gint64 used)
{
  SdItem *item = g_new0 (SdItem, 1);

  g_atomic_ref_count_init (&item->refs);
  item->path = g_strdup (candidate->path);
  item->where = make_where (scan, candidate);
  item->name = g_strdup (candidate->name);
  item->title = make_title (candidate->name);
  item->kind = look->kind;
  item->family = look->family;
  item->bytes = candidate->identity[2];
  item->sentence = g_strdup (look->sentence != NULL ? look->sentence : "");
  item->why_not = g_strdup (look->why_not);
  item->alias = g_strdup (look->alias);
  item->picture = g_strdup (candidate->picture);
  item->embedded = look->embedded;
  item->used = used;
  item->search_text = make_search_text (item, look);
  g_autofree char *folded = g_utf8_casefold (item->title, -1);
  item->sort_key = g_utf8_collate_key_for_filename (folded, -1);
  memcpy (item->identity, candidate->identity, sizeof item->identity);
  mark_copying (scan, item, look, candidate);
  return item;
}

/* Whether @old says all that a new one would. */
static gboolean
still_true (const SdItem *old,
            const SdCandidate *candidate,
            const SdLook *look,
            gint64 used)
{
  return memcmp (old->identity, candidate->identity, sizeof old->identity) == 0
         && old->used == used && !old->copying && old->kind == look->kind
         && strcmp (old->name, candidate->name) == 0
         && g_strcmp0 (old->picture, candidate->picture) == 0
         && g_strcmp0 (old->why_not, look->why_not) == 0;
}

static gboolean
is_wanted (const SdCandidate *candidate, const SdLook *look)
{
  /* Other programs' folders, and what they download, hold much that is not for us. */
  return candidate->foreign_too
         || (look->kind != SD_FILE_OTHER
             && (look->kind != SD_FILE_TEXT_ENCODER || candidate->kind == look->kind));
}

static void
add_item (Scan *scan, const SdCandidate *candidate, const SdLook *look)
{
  gint64 *used = g_hash_table_lookup (scan->uses, candidate->path);
  SdItem *old
      = scan->before != NULL ? g_hash_table_lookup (scan->before, candidate->path) : NULL;

  if (!is_wanted (candidate, look))
    return;
  scan->counts[candidate->place]++;
  if (old != NULL && still_true (old, candidate, look, used != NULL ? *used : 0))
    g_ptr_array_add (scan->items, sd_item_ref (old));
  else
    g_ptr_array_add (scan->items,
                     make_item (scan, candidate, look, used != NULL ? *used : 0));
}

static gboolean
take (Scan *scan, const SdCandidate *candidate, const BaseTask *task, GError **error)
{
  SdLookCache *cache = scan->cache;
  const SdLook *known = sd_look_cache_find (cache, candidate);

  if (known == NULL && scan->manner->watching && age_us (scan, candidate) < SETTLE_US)
    {
      scan->unsettled = TRUE;
      return TRUE;
    }
  if (known != NULL)
    {
      add_item (scan, candidate, known);
      return TRUE;
    }
  SdLook *look = sd_library_look (candidate, task, error);
  if (look == NULL)
    return FALSE;
  add_item (scan, candidate, look);
  if (look->passing)
    sd_look_free (look);
  else
    sd_look_cache_add (cache, candidate, look);
  return TRUE;
}

/* ---- the listing ---- */

static int
compare_items (gconstpointer a, gconstpointer b)
{
  const SdItem *x = *(SdItem *const *) a, *y = *(SdItem *const *) b;
  int order;

  if (x->kind != y->kind)
    return x->kind < y->kind ? -1 : 1;
  if ((x->why_not == NULL) != (y->why_not == NULL))
    return x->why_not == NULL ? -1 : 1;
  if (x->family != y->family)
    return x->family < y->family ? -1 : 1;
  order = strcmp (x->sort_key, y->sort_key);
  return order != 0 ? order : strcmp (x->path, y->path);
}

static SdFolder *
copy_folder (const SdPlace *place, guint n_items)
{
  SdFolder *folder = g_new (SdFolder, 1);

  *folder = place->folder;
  folder->path = g_strdup (place->folder.path);
  folder->fault = g_strdup (place->folder.fault);
  folder->n_items = n_items;
  return folder;
}

static SdListing *
make_listing (Scan *scan, char **messages)
{
  SdListing *listing = g_new0 (SdListing, 1);

  g_atomic_ref_count_init (&listing->refs);
  listing->items
      = g_ptr_array_new_full (scan->items->len, (GDestroyNotify) sd_item_unref);
  for (guint i = 0; i < scan->items->len; i++)
    g_ptr_array_add (listing->items, sd_item_ref (scan->items->pdata[i]));
  g_ptr_array_sort (listing->items, compare_items);
  listing->folders = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_folder_free);
  for (guint i = 0; i < scan->places->len; i++)
    g_ptr_array_add (listing->folders,
                     copy_folder (scan->places->pdata[i], scan->counts[i]));
  listing->messages = messages != NULL ? messages : g_new0 (char *, 1);
  return listing;
}

static void
keep_listing (SdLibrary *library, SdListing *listing, gboolean whole)
{
  SdListing *old;

  g_mutex_lock (&library->lock);
  old = library->listing;
  library->listing = sd_listing_ref (listing);
  library->scanned |= whole;
  g_mutex_unlock (&library->lock);
  sd_listing_unref (old);
}

/* ---- a scan ---- */

static void
scan_begin (Scan *scan,
            SdLibrary *library,
            const BaseTask *task,
            const SdScanManner *manner)
{
  g_autoptr (SdListing) listing = sd_library_list (library);
  g_auto (GStrv) added = NULL;
  g_auto (GStrv) hidden = NULL;

  *scan = (Scan){ .library = library, .manner = manner };
  if (manner->wanted != NULL)
    scan->cache = sd_look_cache_new ();
  else
    scan->cache = library->cache;
  if (manner->wanted == NULL && !library->cache_loaded)
    {
      sd_look_cache_load (library->cache);
      library->cache_loaded = TRUE;
    }
  scan->now = g_get_real_time ();
  scan->messages = g_strv_builder_new ();
  scan->uses = sd_library_read_uses ();
  scan->items = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_item_unref);
  scan->before = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                        (GDestroyNotify) sd_item_unref);
  for (guint i = 0; i < listing->items->len; i++)
    {
      SdItem *item = listing->items->pdata[i];
      g_hash_table_insert (scan->before, item->path, sd_item_ref (item));
    }
  g_mutex_lock (&library->lock);
  added = g_strdupv (library->added);
  hidden = g_strdupv (library->hidden);
  g_mutex_unlock (&library->lock);
  scan->places = sd_library_find_places ((const char *const *) added,
                                         (const char *const *) hidden, scan->messages);
  scan->counts = g_new0 (guint, scan->places->len);
  sd_walk_init (&scan->walk, scan->messages, task);
}

static void
scan_clear (Scan *scan)
{
  if (scan->cache != scan->library->cache)
    sd_look_cache_free (scan->cache);
  sd_walk_clear (&scan->walk);
  g_free (scan->counts);
  g_ptr_array_unref (scan->places);
  g_ptr_array_unref (scan->items);
  g_hash_table_unref (scan->before);
  g_hash_table_unref (scan->uses);
  g_strv_builder_unref (scan->messages);
}

static gboolean
scan_files (Scan *scan, const BaseTask *task, GError **error)
{
  const SdScanManner *manner = scan->manner;
  const GPtrArray *candidates = scan->walk.candidates;
  gint64 next = g_get_monotonic_time () + PART_EVERY_US;

  for (guint i = 0; i < candidates->len; i++)
    {
      const SdCandidate *candidate = candidates->pdata[i];
      if (manner->wanted != NULL && !manner->wanted (candidate->name, manner->user_data))
        continue;
      if (!base_task_check (task, error) || !take (scan, candidate, task, error))
        return FALSE;
      base_task_progress (task, "models", i + 1, candidates->len);
      if (i % SAVE_EVERY == SAVE_EVERY - 1
          && manner->wanted == NULL) /* a first scan may be broken off */
        sd_look_cache_save (scan->cache);
      if (manner->part == NULL || g_get_monotonic_time () < next)
        continue;
      g_autoptr (SdListing) listing = make_listing (scan, NULL);
      keep_listing (scan->library, listing, FALSE);
      manner->part (listing, manner->user_data);
      next = g_get_monotonic_time () + PART_EVERY_US;
    }
  return TRUE;
}

/* Where a folder of which there is nothing yet would come to be. */
static void
add_missing (Scan *scan)
{
  for (guint i = 0; i < scan->places->len; i++)
    {
      const SdPlace *place = scan->places->pdata[i];
      g_autofree char *above = g_path_get_dirname (place->folder.path);

      if (place->roots->len > 0)
        continue;
      while (!g_file_test (above, G_FILE_TEST_IS_DIR) && strlen (above) > 1)
        {
          char *next = g_path_get_dirname (above);
          g_free (above);
          above = next;
        }
      g_ptr_array_add (scan->walk.dirs, g_steal_pointer (&above));
    }
}

SdListing *
sd_library_scan_full (SdLibrary *library,
                      const BaseTask *task,
                      const SdScanManner *manner,
                      SdScanned *scanned,
                      GError **error)
{
  const gint64 begin = g_get_monotonic_time ();
  SdListing *listing = NULL;
  gboolean good = TRUE;
  Scan scan;

  /* Who looks for some names alone does not wait for who looks for all. */
  if (manner->wanted == NULL)
    g_mutex_lock (&library->scanning);
  scan_begin (&scan, library, task, manner);
  for (guint i = 0; good && i < scan.places->len; i++)
    good = sd_walk_place (&scan.walk, scan.places->pdata[i], i, error);
  good = good && scan_files (&scan, task, error);
  add_missing (&scan);
  if (manner->wanted == NULL)
    sd_look_cache_save (library->cache);
  if (good)
    {
      listing = make_listing (&scan, g_strv_builder_end (scan.messages));
      if (manner->wanted == NULL)
        keep_listing (library, listing, TRUE);
    }
  if (scanned != NULL)
    *scanned = (SdScanned){ g_ptr_array_ref (scan.walk.dirs), scan.unsettled,
                            g_get_monotonic_time () - begin };
  scan_clear (&scan);
  if (manner->wanted == NULL)
    g_mutex_unlock (&library->scanning);
  return listing;
}

SdListing *
sd_library_scan (SdLibrary *library, const BaseTask *task, GError **error)
{
  const SdScanManner manner = { .watching = FALSE };

  return sd_library_scan_full (library, task, &manner, NULL, error);
}

/* ---- the library ---- */

SdLibrary *
sd_library_new (const char *const *added, const char *const *hidden)
{
  SdLibrary *library = g_new0 (SdLibrary, 1);

  g_atomic_ref_count_init (&library->refs);
  g_mutex_init (&library->lock);
  g_mutex_init (&library->scanning);
  library->added = g_strdupv ((char **) added);
  library->hidden = g_strdupv ((char **) hidden);
  library->cache = sd_look_cache_new ();
  library->listing = g_new0 (SdListing, 1);
  g_atomic_ref_count_init (&library->listing->refs);
  library->listing->items = g_ptr_array_new ();
  library->listing->folders = g_ptr_array_new ();
  library->listing->messages = g_new0 (char *, 1);
  return library;
}

SdLibrary *
sd_library_ref (SdLibrary *library)
{
  g_atomic_ref_count_inc (&library->refs);
  return library;
}

void
sd_library_unref (SdLibrary *library)
{
  if (library == NULL || !g_atomic_ref_count_dec (&library->refs))
    return;
  g_strfreev (library->added);
  g_strfreev (library->hidden);
  sd_listing_unref (library->listing);
  sd_look_cache_free (library->cache);
  g_mutex_clear (&library->lock);
  g_mutex_clear (&library->scanning);
  g_free (library);
}

void
sd_library_set_folders (SdLibrary *library,
                        const char *const *added,
                        const char *const *hidden)
{
  g_mutex_lock (&library->lock);
  g_strfreev (library->added);
  g_strfreev (library->hidden);
  library->added = g_strdupv ((char **) added);
  library->hidden = g_strdupv ((char **) hidden);
  g_mutex_unlock (&library->lock);
  sd_library_refresh (library);
}

SdListing *
sd_library_list (SdLibrary *library)
{
  SdListing *listing;

  g_mutex_lock (&library->lock);
  listing = sd_listing_ref (library->listing);
  g_mutex_unlock (&library->lock);
  return listing;
}
