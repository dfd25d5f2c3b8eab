/* st-model-private.h: which files make a model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st-file-private.h"

/* A shard index: which file holds which tensor. Names of files are plain base names: an
 * index must not reach outside of its folder. */
typedef struct _StIndex StIndex;

StIndex *st_index_read (const char *path, const BaseTask *task, GError **error);
void st_index_free (StIndex *index);
guint st_index_n_shards (const StIndex *index);
const char *st_index_shard (const StIndex *index, guint i);
/** st_index_check: adds warnings for tensors that are not where @index says, for those it
 * does not name, and for a total size that is not theirs;
 * @files: one for each shard */
void st_index_check (const StIndex *index, StFile *const *files, GStrvBuilder *warnings);
/** st_index_check_folder: adds a warning for shards beside the index that it does not
 * name */
void st_index_check_folder (const StIndex *index, GStrvBuilder *warnings);

typedef struct
{
  char *path;
  char *prefix; /* what stands before its tensors' names: "" or "unet/" */
} StPart;

typedef struct
{
  StIndex *index;
  guint first; /* of its shards among the parts */
} StPartIndex;

typedef struct
{
  GPtrArray *parts; /* of StPart */
  GArray *indexes;  /* of StPartIndex */
  GStrvBuilder *warnings;
  char *folder;      /* (nullable): where further files of the model lie */
  gboolean is_named; /* a folder whose parts have names */
} StParts;

void st_parts_init (StParts *parts);
void st_parts_clear (StParts *parts);
/** st_parts_find: fills @parts with the files behind @path: a file, an index, a folder */
gboolean
st_parts_find (StParts *parts, const char *path, const BaseTask *task, GError **error);

/** st_hub_find_origin: whether @path lies in Hugging Face's cache; @repository
 * ("OWNER/NAME"), @revision: (transfer full), for the screen */
gboolean st_hub_find_origin (const char *path, char **repository, char **revision);
/** st_hub_find_snapshot: (transfer full) (nullable): where the files of the repository
 * are that @folder of the cache holds, in the revision fetched last */
char *st_hub_find_snapshot (const char *folder);

/** st_is_base_name: whether @name is a file's name without any way to another folder */
gboolean st_is_base_name (const char *name, gsize length);
