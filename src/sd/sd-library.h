/* sd-library.h: the models that lie in folders, found without being told
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

/* ---- what is found ---- */

typedef enum
{
  SD_FILE_OTHER,
  SD_FILE_CHECKPOINT, /* with a UNet in it: what pictures are made with */
  SD_FILE_LORA,
  SD_FILE_VAE,
  SD_FILE_EMBEDDING, /* textual inversion */
  SD_FILE_UPSCALER,
  SD_FILE_CONTROLNET,
  SD_FILE_TEXT_ENCODER,
  SD_FILE_TAESD,
  SD_N_FILE_KINDS
} SdFileKind;

/** sd_file_kind_name: "checkpoint", "lora" … */
const char *sd_file_kind_name (SdFileKind kind);
gboolean sd_file_kind_parse (const char *name, SdFileKind *kind);

/* A file or a folder that is one model. Immutable, reference counted. Thread: any. */
typedef struct
{
  char *path;  /* as the system has it: any bytes */
  char *where; /* whose folder it is in, for people: "ComfyUI › people" */
  char *name;  /* as in prompts: below the folder of its kind, "/" between, no suffix */
  char *title; /* for people: the last part of the name */
  SdFileKind kind;
  SdFamily family; /* SD_FAMILY_UNKNOWN also where it does not matter */
  guint64 bytes;
  char *sentence;      /* what it is */
  char *why_not;       /* (nullable): why it cannot be used, and what helps */
  gboolean copying;    /* bytes are missing, and it changed a moment ago */
  char *alias;         /* (nullable): what a LoRA calls itself */
  char *picture;       /* (nullable): file of a picture beside it */
  gboolean embedded;   /* there is a picture in its metadata */
  gint64 used;         /* seconds since 1970; 0: never */
  char *search_text;   /* in one case, for searching */
  char *sort_key;      /* titles in natural order */
  guint64 identity[4]; /* device, inode, bytes, nanoseconds of the last change */
  gatomicrefcount refs;
} SdItem;

SdItem *sd_item_ref (SdItem *item);
void sd_item_unref (SdItem *item);
/**
 * sd_item_read_picture: the bytes of its thumbnail's file, as PNG, JPEG or the like
 *
 * Errors: %G_IO_ERROR_NOT_FOUND where it has none, too large, unreadable. Blocks.
 */
GBytes *sd_item_read_picture (const SdItem *item, GError **error);

/* A folder that was looked through. */
typedef enum
{
  SD_FOLDER_OWN,
  SD_FOLDER_ADDED, /* by the user */
  SD_FOLDER_FOUND, /* another program's */
} SdFolderOrigin;

typedef struct
{
  char *path;
  SdFolderOrigin origin;
  const char *program; /* (nullable): "ComfyUI" …, not translated */
  guint n_items;
  char *fault; /* (nullable): why it could not be looked through */
} SdFolder;

/* What there is at a moment. Immutable, reference counted. Thread: any. */
typedef struct
{
  GPtrArray
      *items; /* (element-type SdItem): by kind, usable ones first, by family, title */
  GPtrArray *folders; /* (element-type SdFolder) */
  char **messages;    /* NULL-terminated: what was not understood on the way */
  gatomicrefcount refs;
} SdListing;

SdListing *sd_listing_ref (SdListing *listing);
void sd_listing_unref (SdListing *listing);
/**
 * sd_listing_find: (nullable): the item of @kind that a prompt calls @name
 *
 * In A1111's order: the name below its folder, the file's own name, what the file calls
 * itself; then the same without regard to case. A suffix is allowed.
 */
const SdItem *sd_listing_find (SdListing *listing, SdFileKind kind, const char *name);
/** sd_listing_find_path: (nullable) */
const SdItem *sd_listing_find_path (SdListing *listing, const char *path);
/** sd_listing_suggest: (transfer full) (nullable): "“ink”, “inky”": names of @kind that
 * are spelled nearly as @name */
char *sd_listing_suggest (SdListing *listing, SdFileKind kind, const char *name);

/* ---- the library ---- */

/* Knows the folders and keeps what it found in them, in memory and on disk. Thread: any.
 */
typedef struct _SdLibrary SdLibrary;

/** sd_library_new: @added: (nullable): the user's folders; @hidden: (nullable): found
 * ones that are not wanted */
SdLibrary *sd_library_new (const char *const *added, const char *const *hidden);
SdLibrary *sd_library_ref (SdLibrary *library);
void sd_library_unref (SdLibrary *library);
/** sd_library_set_folders: what is watched is looked through anew */
void sd_library_set_folders (SdLibrary *library,
                             const char *const *added,
                             const char *const *hidden);
/**
 * sd_library_scan: looks through all folders, headers only; told to @task: "models"
 * (files)
 *
 * Folders that cannot be read are no error: they say so themselves. Errors:
 * %G_IO_ERROR_CANCELLED. Blocks: not for the main thread.
 */
SdListing *sd_library_scan (SdLibrary *library, const BaseTask *task, GError **error);
/** sd_library_list: (transfer full): what was found so far; never waits */
SdListing *sd_library_list (SdLibrary *library);

/** SdLibraryFunc: @listing: what there is now */
typedef void (*SdLibraryFunc) (SdListing *listing, gpointer user_data);
/**
 * sd_library_watch: looks through the folders and goes on watching them, on a thread of
 * its own
 * @context: (nullable): where @changed is called; NULL: the default one
 * @changed: called after changes, some times a second at most, until sd_library_stop()
 *
 * At most once for a library; this, stopping and refreshing are for one thread.
 */
void sd_library_watch (SdLibrary *library,
                       GMainContext *context,
                       SdLibraryFunc changed,
                       gpointer user_data);
/** sd_library_stop: ends watching, which keeps the library; no more calls of `changed`.
 * On the thread of its context; does not wait */
void sd_library_stop (SdLibrary *library);
/** sd_library_refresh: looks again soon, where the system tells of no changes too */
void sd_library_refresh (SdLibrary *library);

/** sd_library_own_folder: (transfer full): where people put models for this program;
 * @create: with a folder for each kind in it */
char *sd_library_own_folder (gboolean create);
/** sd_library_shown_path: (transfer full): for people, the home folder as ~ */
char *sd_library_shown_path (const char *path);
/** sd_library_note_use: remembers that the model at @path is used now. Reads and writes a
 * small file */
void sd_library_note_use (SdLibrary *library, const char *path);
/**
 * sd_library_resolve: finds the files that @params name
 *
 * @params->loras gains those that the prompt names and it does not have yet; all get
 * their paths, as sd_listing_find() finds them. @params->embeddings gains the textual
 * inversions whose files' names are words of the prompts. Looks through the folders first
 * if that was not done yet. Errors: %SD_ERROR_PARAMETER: a name is not known, or its file
 * cannot be used; nothing is changed then. Blocks.
 */
gboolean sd_library_resolve (SdLibrary *library, SdParams *params, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdItem, sd_item_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdListing, sd_listing_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdLibrary, sd_library_unref)
