/* st-index.c: a shard index (*.safetensors.index.json)
 *
 * {"metadata": {…}, "weight_map": {tensor: file}}: a convention of the Hugging Face
 * libraries. Read by the header's own JSON reader: json-glib takes seconds and a gigabyte
 * for one of half a million entries. Of "metadata" only total_size is taken, the bytes of
 * all tensors together, where it is a number.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-model-private.h"
#include "st/st-json-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define MAX_BYTES (256u << 20)
#define MAX_SHARDS 10000
#define CHECK_EVERY 4096

typedef struct
{
  const char *name;
  guint32 name_length;
  guint32 shard;
} Entry;

struct _StIndex
{
  char *path;
  StArena *arena;
  GArray *entries;   /* of Entry */
  GPtrArray *shards; /* of names in the arena */
  StNames *shard_names;
  guint64 total_size; /* 0: not told */
};

gboolean
st_is_base_name (const char *name, gsize length)
{
  return length > 0 && length < 256 && memchr (name, 0, length) == NULL
         && memchr (name, '/', length) == NULL && memchr (name, '\\', length) == NULL
         && !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

static const char *
shard_name (gconstpointer items, guint index, gsize *length)
{
  const char *name = g_ptr_array_index ((GPtrArray *) items, index);

  *length = strlen (name);
  return name;
}

static gboolean
read_shard (StIndex *index, StJson *json, guint32 *shard)
{
  StJsonString name;
  g_autofree char *shown = NULL;
  guint32 hash;
  gssize found;

  if (!st_json_string (json, &name))
    return FALSE;
  shown = st_name_escape (name.text, name.length);
  if (!st_is_base_name (name.text, name.length))
    return st_json_fail (json, _ ("“%s” is not the plain name of a file"), shown);
  found
      = st_names_find (index->shard_names, index->shards, name.text, name.length, &hash);
  if (found < 0)
    {
      if (!g_str_has_suffix (shown, ".safetensors"))
        return st_json_fail (json, _ ("“%s” is no .safetensors file"), shown);
      if (index->shards->len == MAX_SHARDS)
        return st_json_fail (json, _ ("more than %d files"), MAX_SHARDS);
      found = index->shards->len;
      g_ptr_array_add (index->shards,
                       st_arena_copy (index->arena, name.text, name.length));
      st_names_add (index->shard_names, hash, (guint) found);
    }
  *shard = (guint32) found;
  return TRUE;
}

static gboolean
read_map (StIndex *index, StJson *json, const BaseTask *task, GError **cancelled)
{
  if (!st_json_open (json, '{'))
    return FALSE;
  for (gsize i = 0; st_json_next (json, '}', i); i++)
    {
      StJsonString key;
      Entry entry;

      if (i % CHECK_EVERY == 0)
        {
          if (!base_task_check (task, cancelled))
            return st_json_fail (json, "cancelled");
          base_task_progress (task, "index", json->at - json->start,
                              json->end - json->start);
        }
      if (!st_json_key (json, &key))
        return FALSE;
      entry.name = st_arena_copy (index->arena, key.text, key.length);
      entry.name_length = (guint32) key.length;
      if (!read_shard (index, json, &entry.shard))
        return FALSE;
      g_array_append_val (index->entries, entry);
    }
  return json->fault == NULL;
}

/* "metadata": {"total_size": 123, …}; of another form it is not told. */
static gboolean
read_total (StIndex *index, StJson *json)
{
  if (st_json_peek (json) != '{')
    return st_json_skip (json);
  if (!st_json_open (json, '{'))
    return FALSE;
  for (gsize i = 0; st_json_next (json, '}', i); i++)
    {
      StJsonString key;
      const char *start;

      if (!st_json_key (json, &key))
        return FALSE;
      st_json_peek (json); /* goes to the value */
      start = json->at;
      if (!st_json_skip (json))
        return FALSE;
      if (st_json_equal (&key, "total_size") && g_ascii_isdigit (*start)
          && json->at - start < 20)
        index->total_size = g_ascii_strtoull (start, NULL, 10);
    }
  return json->fault == NULL;
}

static gboolean
read_index (StIndex *index, StJson *json, const BaseTask *task, GError **cancelled)
{
  gboolean found = FALSE;

  if (!st_json_open (json, '{'))
    return FALSE;
  for (gsize i = 0; st_json_next (json, '}', i); i++)
    {
      StJsonString key;

      if (!st_json_key (json, &key))
        return FALSE;
      if (!st_json_equal (&key, "weight_map"))
        {
          if (!(st_json_equal (&key, "metadata") ? read_total (index, json)
                                                 : st_json_skip (json)))
            return FALSE;
          continue;
        }
      if (found)
        return st_json_fail (json, _ ("“%s” comes twice"), "weight_map");
      found = TRUE;
      if (!read_map (index, json, task, cancelled))
        return FALSE;
    }
  if (json->fault != NULL || !st_json_finish (json))
    return FALSE;
  if (!found)
    return st_json_fail (json,
                         _ ("“weight_map” is missing: this is no index of a model"));
  if (index->shards->len == 0)
    return st_json_fail (json, _ ("it names no file"));
  return TRUE;
}

static char *
read_text (const char *path, gsize *length, GError **error)
{
  guint64 size;
  const int fd = st_fd_open (path, &size, error);
  char *text = NULL;
  gssize got;

  if (fd < 0)
    return NULL;
  if (size > MAX_BYTES)
    g_set_error (error, ST_ERROR, ST_ERROR_INDEX,
                 _ ("“%s” has %" PRIu64 " bytes, where %u is the most for an index"),
                 path, size, MAX_BYTES);
  else
    {
      text = g_malloc (size + 1);
      got = st_fd_read (fd, 0, size, text);
      if (got < 0)
        {
          g_set_error (error, ST_ERROR, ST_ERROR_IO, _ ("“%s” could not be read: %s"),
                       path, g_strerror (errno));
          g_clear_pointer (&text, g_free);
        }
      *length = (gsize) got;
    }
  close (fd);
  return text;
}

StIndex *
st_index_read (const char *path, const BaseTask *task, GError **error)
{
  gsize length = 0;
  g_autofree char *text = read_text (path, &length, error);
  GError *cancelled = NULL;
  StIndex *index;
  StJson json;
  gboolean ok;

  if (text == NULL)
    return NULL;
  index = g_new0 (StIndex, 1);
  index->path = g_strdup (path);
  index->arena = st_arena_new ();
  index->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  index->shards = g_ptr_array_new ();
  index->shard_names = st_names_new (shard_name);
  st_json_init (&json, text, length);
  ok = st_json_find_bad_utf8 (text, length) < 0
           ? read_index (index, &json, task, &cancelled)
           : st_json_fail (&json, _ ("it is not UTF-8 text"));
  if (!ok && cancelled != NULL)
    g_propagate_error (error, cancelled);
  else if (!ok)
    g_set_error (error, ST_ERROR, ST_ERROR_INDEX,
                 _ ("“%s” is not a usable index, at byte %zu: %s"), path,
                 json.fault_offset, json.fault);
  st_json_clear (&json);
  if (!ok)
    g_clear_pointer (&index, st_index_free);
  return index;
}

void
st_index_free (StIndex *index)
{
  if (index == NULL)
    return;
  g_array_unref (index->entries);
  g_ptr_array_unref (index->shards);
  st_names_free (index->shard_names);
  st_arena_free (index->arena);
  g_free (index->path);
  g_free (index);
}

guint
st_index_n_shards (const StIndex *index)
{
  return index->shards->len;
}

const char *
st_index_shard (const StIndex *index, guint i)
{
  return g_ptr_array_index (index->shards, i);
}

/* Tensors in the shards that @index does not name at all: entries are as many as names.
 */
static void
check_extra (const StIndex *index,
             StFile *const *files,
             const char *base,
             guint n_found,
             GStrvBuilder *warnings)
{
  guint64 n = 0, bytes = 0;

  for (guint i = 0; i < index->shards->len; i++)
    {
      n += st_file_n_tensors (files[i]);
      bytes += st_file_data_bytes (files[i]);
    }
  if (n > n_found)
    {
      g_autofree char *line = g_strdup_printf (
          ngettext ("“%s” does not name %u tensor that is in its files",
                    "“%s” does not name %u tensors that are in its files",
                    (gulong) (n - n_found)),
          base, (guint) (n - n_found));

      g_strv_builder_add (warnings, line);
    }
  if (index->total_size > 0 && index->total_size != bytes)
    {
      g_autofree char *line = g_strdup_printf (
          _ ("“%s” tells of %" PRIu64 " bytes in all (total_size), the tensors have "
             "%" PRIu64),
          base, index->total_size, bytes);

      g_strv_builder_add (warnings, line);
    }
}

/* "model-00001-of-00003.safetensors" gives "model-"; NULL where there is no number. */
static char *
stem_of (const char *shard)
{
  const char *of = strstr (shard, "-of-");

  return of != NULL && of - shard > 6 ? g_strndup (shard, (gsize) (of - shard) - 5)
                                      : NULL;
}

void
st_index_check_folder (const StIndex *index, GStrvBuilder *warnings)
{
  g_autofree char *folder = g_path_get_dirname (index->path);
  g_autofree char *stem = stem_of (g_ptr_array_index (index->shards, 0));
  g_autofree char *base = g_path_get_basename (index->path);
  g_autoptr (GDir) dir = stem != NULL ? g_dir_open (folder, 0, NULL) : NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, stem) && strstr (name, "-of-") != NULL
        && g_str_has_suffix (name, ".safetensors")
        && st_names_find (index->shard_names, index->shards, name, strlen (name), NULL)
               < 0)
      {
        g_autofree char *valid = g_filename_display_name (name);
        g_autofree char *shown = st_name_escape (valid, strlen (valid));
        g_autofree char *line = g_strdup_printf (
            /* Translators: the name of a file, and of the index beside it */
            _ ("“%s” lies beside “%s”, which does not name it"), shown, base);

        g_strv_builder_add (warnings, line);
      }
}

void
st_index_check (const StIndex *index, StFile *const *files, GStrvBuilder *warnings)
{
  g_autofree char *base = g_path_get_basename (index->path);
  const Entry *first = NULL;
  guint n_missing = 0;

  for (guint i = 0; i < index->entries->len; i++)
    {
      const Entry *entry = &g_array_index (index->entries, Entry, i);

      if (st_file_find (files[entry->shard], entry->name, entry->name_length) != NULL)
        continue;
      if (n_missing++ == 0)
        first = entry;
    }
  if (first != NULL)
    {
      g_autofree char *name = st_name_escape (first->name, first->name_length);
      g_autofree char *line = g_strdup_printf (
          _ ("“%s” names %u tensors that are not in their file, the first “%s”"), base,
          n_missing, name);

      g_strv_builder_add (warnings, line);
    }
  check_extra (index, files, base, index->entries->len - n_missing, warnings);
}
