/* sd-library-private.h: between the files of the library
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-library.h"

/* ---- which folders (sd-library-folders.c, sd-library-programs.c) ---- */

typedef struct
{
  char *path;
  SdFileKind kind;     /* what lies in it as a rule; SD_FILE_OTHER: anything */
  gboolean known_only; /* of its folders only those whose names say a kind */
  gboolean hub;        /* laid out as the cache of Hugging Face */
} SdRoot;

/* A folder with all the places that it leads to. */
typedef struct
{
  SdFolder folder;
  GArray *roots; /* SdRoot */
} SdPlace;

void sd_folder_free (SdFolder *folder);

/* SD_FILE_OTHER where the name says nothing */
SdFileKind sd_library_kind_of_folder (const char *name);
/** sd_library_find_places: (element-type SdPlace) (transfer full): own, added, found */
GPtrArray *sd_library_find_places (const char *const *added,
                                   const char *const *hidden,
                                   GStrvBuilder *messages);
void sd_place_free (SdPlace *place);
void sd_place_add_root (SdPlace *place,
                        const char *path,
                        SdFileKind kind,
                        gboolean known_only);
/** sd_place_recognise: what kind of folder it is, by what lies in it; FALSE: none that
 * another program made */
gboolean sd_place_recognise (SdPlace *place, GStrvBuilder *messages);
/** sd_place_recognise_hub: whether it is the cache of Hugging Face */
gboolean sd_place_recognise_hub (SdPlace *place);
/** sd_place_read_settings: the paths that the program's own settings lead to */
void sd_place_read_settings (SdPlace *place, GStrvBuilder *messages);
/** sd_place_read_comfyui: those of an extra_model_paths.yaml */
void sd_place_read_comfyui (SdPlace *place, const char *yaml, GStrvBuilder *messages);

/* ---- extra_model_paths.yaml (sd-library-yaml.c) ---- */

typedef struct
{
  char *section, *key;
  GPtrArray *values; /* (element-type utf8) */
  guint line;
} SdYamlEntry;

/**
 * sd_library_parse_yaml: (element-type SdYamlEntry) (transfer full)
 * @name: how messages call the file
 *
 * Two levels of names with texts: sections, and in them texts, blocks of lines (`|`) and
 * lists. What is beyond that is told in @messages and left out.
 */
GPtrArray *
sd_library_parse_yaml (const char *text, const char *name, GStrvBuilder *messages);

/* ---- which files (sd-library-walk.c) ---- */

typedef struct
{
  char *path, *name;
  char *picture; /* (nullable) */
  SdFileKind kind;
  guint place;
  gboolean foreign_too; /* FALSE: what is no model of ours is not listed */
  guint64 identity[4];
} SdCandidate;

typedef struct
{
  GPtrArray *candidates; /* SdCandidate */
  GPtrArray *dirs;       /* paths of all folders that were read */
  GHashTable *seen;      /* Key: folders, and files with their names */
  GStrvBuilder *messages;
  const BaseTask *task;
  guint n_entries; /* read so far */
  guint place;
  gboolean is_full;
} SdWalk;

void sd_walk_init (SdWalk *walk, GStrvBuilder *messages, const BaseTask *task);
void sd_walk_clear (SdWalk *walk);
/** sd_walk_place: all candidates of a place; its fault where a root cannot be read.
 * Errors: cancelled */
gboolean sd_walk_place (SdWalk *walk, SdPlace *place, guint index, GError **error);

/* ---- what a file is (sd-library-look.c) ---- */

typedef struct
{
  SdFileKind kind;
  SdFamily family;
  char *sentence, *why_not, *alias, *modelspec_title;
  gboolean embedded;
  gboolean incomplete; /* fewer bytes than the header says */
  gboolean passing;    /* depends on other files: not to be kept */
  gboolean unsaved;    /* what another version may judge otherwise: kept in memory only */
} SdLook;

/** sd_library_look: NULL where cancelled; what cannot be read says so */
SdLook *
sd_library_look (const SdCandidate *candidate, const BaseTask *task, GError **error);
void sd_look_free (SdLook *look);

/* ---- what was seen before (sd-library-cache.c) ---- */

typedef struct _SdLookCache SdLookCache;
SdLookCache *sd_look_cache_new (void);
void sd_look_cache_free (SdLookCache *cache);
/** sd_look_cache_load: from disk; what does not fit is forgotten */
void sd_look_cache_load (SdLookCache *cache);
/** sd_look_cache_save: to disk, if anything was added */
void sd_look_cache_save (SdLookCache *cache);
const SdLook *sd_look_cache_find (SdLookCache *cache, const SdCandidate *candidate);
/** sd_look_cache_add: @look is taken */
void sd_look_cache_add (SdLookCache *cache, const SdCandidate *candidate, SdLook *look);

/* ---- last use (sd-library-uses.c) ---- */

/** sd_library_read_uses: path → gint64 *; seconds */
GHashTable *sd_library_read_uses (void);

/* ---- the library itself ---- */

struct _SdLibrary
{
  gatomicrefcount refs;
  GMutex lock; /* of what follows */
  char **added, **hidden;
  SdListing *listing;
  gboolean scanned;

  GMutex scanning; /* one scan at a time; owns what follows */
  SdLookCache *cache;
  gboolean cache_loaded;

  struct _SdWatch *watch; /* (nullable): of the thread that watches it */
};

/* What a scan leaves for watching. */
typedef struct
{
  GPtrArray *dirs;    /* folders to be watched */
  gboolean unsettled; /* some file is still being written */
  gint64 took;        /* microseconds */
} SdScanned;

/* How to scan. */
typedef struct
{
  gboolean watching; /* what changes at this moment is left for later */
  void (*part) (SdListing *listing, gpointer user_data); /* (nullable): told what there is
                                                            while it is being found */
  gboolean (*wanted) (const char *name,
                      gpointer user_data); /* (nullable): of no others the headers are
                                              read; the listing is not kept */
  gpointer user_data;
} SdScanManner;

/** sd_library_scan_full: @scanned: (out) (optional) */
SdListing *sd_library_scan_full (SdLibrary *library,
                                 const BaseTask *task,
                                 const SdScanManner *manner,
                                 SdScanned *scanned,
                                 GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdLook, sd_look_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdPlace, sd_place_free)
