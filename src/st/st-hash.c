/* st-hash.c: SHA-256 of a whole file, and of its tensors, in the background
 *
 * Other programs name a model by them. Reading gigabytes for a name must not delay
 * anything: one thread does it, which gives way to all others where the file is large,
 * and what it found is kept on disk by device, inode, size and time of change, so that it
 * is done once for a file. A small file is hashed at once, in a tenth of a second.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-file-private.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIECE (1u << 20)
#define SMALL (64u << 20) /* bytes, hashed without giving way */
#define MOST_KEPT 256     /* files in the cache */
#define DIGITS 64
#define AUTO_V1_AT 0x100000u
#define AUTO_V1_BYTES 0x10000u

struct _StHash
{
  StFile *file;
  char *cache, *key;
  GThread *thread; /* NULL: was in the cache */
  gint stopping;
  gboolean all; /* the tensors' too */
  StHashes found;
  gint done, ended;
  gint pieces; /* read so far */
};

/* "device inode size seconds nanoseconds ", as a line of the cache begins. */
static char *
make_key (StFile *file)
{
  struct stat info;

  if (fstat (st_file_fd (file), &info) != 0)
    return NULL;
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                          " %" G_GINT64_FORMAT " %ld ",
                          (guint64) info.st_dev, (guint64) info.st_ino,
                          (guint64) info.st_size, (gint64) info.st_mtim.tv_sec,
                          info.st_mtim.tv_nsec);
}

static gboolean
is_digest (const char *text, gsize length)
{
  return text != NULL && strlen (text) == length
         && strspn (text, "0123456789abcdef") == length;
}

/* Lines of the cache, newest last; an empty list where there is none. */
static char **
read_cache (const char *path)
{
  g_autofree char *text = NULL;

  if (path == NULL || !g_file_get_contents (path, &text, NULL, NULL))
    return g_new0 (char *, 1);
  return g_strsplit (text, "\n", -1);
}

/* Behind the key: the file's hash, and the tensors' and AutoV1 where they are known; "-"
 * for an AutoV1 that there is not. */
static gboolean
take_line (StHash *hash, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 3);
  const guint n = g_strv_length (words);

  if (!is_digest (words[0], DIGITS) || (hash->all && n < 3))
    return FALSE;
  g_strlcpy (hash->found.whole, words[0], sizeof hash->found.whole);
  if (n < 3)
    return TRUE;
  if (!is_digest (words[1], DIGITS)
      || (strcmp (words[2], "-") != 0 && !is_digest (words[2], 8)))
    return FALSE;
  g_strlcpy (hash->found.data, words[1], sizeof hash->found.data);
  if (words[2][0] != '-')
    g_strlcpy (hash->found.auto_v1, words[2], sizeof hash->found.auto_v1);
  return TRUE;
}

static gboolean
find_in_cache (StHash *hash)
{
  g_auto (GStrv) lines = read_cache (hash->cache);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], hash->key)
        && take_line (hash, lines[i] + strlen (hash->key)))
      return TRUE;
  return FALSE;
}

/* Two programs at once may lose one of their lines, which costs a hashing. */
static void
add_to_cache (StHash *hash)
{
  g_auto (GStrv) lines = read_cache (hash->cache);
  guint n = g_strv_length (lines);
  GString *text = g_string_new (NULL);

  for (guint i = n > MOST_KEPT ? n - MOST_KEPT : 0; i < n; i++)
    if (lines[i][0] != '\0' && !g_str_has_prefix (lines[i], hash->key))
      g_string_append_printf (text, "%s\n", lines[i]);
  g_string_append_printf (text, "%s%s", hash->key, hash->found.whole);
  if (hash->all)
    g_string_append_printf (text, " %s %s", hash->found.data,
                            hash->found.auto_v1[0] != '\0' ? hash->found.auto_v1 : "-");
  g_string_append_c (text, '\n');
  if (hash->cache != NULL)
    {
      g_autofree char *folder = g_path_get_dirname (hash->cache);
      g_mkdir_with_parents (folder, 0700);
      g_file_set_contents (hash->cache, text->str, (gssize) text->len, NULL);
    }
  g_string_free (text, TRUE);
}

/* Of 64 KiB at 1 MiB; files that end before have none. */
static void
find_auto_v1 (StHash *hash, guint64 size, guint8 *piece)
{
  g_autofree char *digits = NULL;

  if (size < AUTO_V1_AT + AUTO_V1_BYTES
      || st_fd_read (st_file_fd (hash->file), AUTO_V1_AT, AUTO_V1_BYTES, piece)
             != AUTO_V1_BYTES)
    return;
  digits = g_compute_checksum_for_data (G_CHECKSUM_SHA256, piece, AUTO_V1_BYTES);
  g_strlcpy (hash->found.auto_v1, digits, sizeof hash->found.auto_v1);
}

static gboolean
read_all (StHash *hash, guint64 size, guint8 *piece)
{
  const guint64 start = st_file_data_start (hash->file);
  g_autoptr (GChecksum) whole = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (GChecksum) data = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint64 at = 0; at < size; at += PIECE)
    {
      const gsize n = MIN (PIECE, size - at);
      const gsize skip = start > at ? MIN (start - at, n) : 0;

      if (g_atomic_int_get (&hash->stopping)
          || st_fd_read (st_file_fd (hash->file), at, n, piece) != (gssize) n)
        return FALSE;
      g_checksum_update (whole, piece, (gssize) n);
      if (hash->all)
        g_checksum_update (data, piece + skip, (gssize) (n - skip));
      g_atomic_int_inc (&hash->pieces);
    }
  g_strlcpy (hash->found.whole, g_checksum_get_string (whole), sizeof hash->found.whole);
  if (hash->all)
    g_strlcpy (hash->found.data, g_checksum_get_string (data), sizeof hash->found.data);
  if (hash->all)
    find_auto_v1 (hash, size, piece);
  return TRUE;
}

static gpointer
work (gpointer user_data)
{
  StHash *hash = user_data;
  const guint64 size = st_file_data_start (hash->file) + st_file_data_bytes (hash->file);
  g_autofree guint8 *piece = g_malloc (PIECE);
  g_autofree char *key = NULL;

  if (size > SMALL) /* of this thread alone */
    setpriority (PRIO_PROCESS, (id_t) syscall (SYS_gettid), 19);
  if (read_all (hash, size, piece))
    key = make_key (hash->file);
  /* What changed meanwhile has no hash. */
  if (g_strcmp0 (key, hash->key) == 0)
    {
      g_atomic_int_set (&hash->done, 1);
      add_to_cache (hash);
    }
  g_atomic_int_set (&hash->ended, 1);
  return NULL;
}

static StHash *
hash_new (StFile *file, const char *cache, gboolean all, gboolean only_cached)
{
  StHash *hash = g_new0 (StHash, 1);

  hash->file = st_file_ref (file);
  hash->cache = g_strdup (cache);
  hash->key = make_key (file);
  hash->all = all;
  if (hash->key != NULL && find_in_cache (hash))
    g_atomic_int_set (&hash->done, 1);
  else if (hash->key != NULL && !only_cached)
    {
      hash->thread = g_thread_new ("hash", work, hash);
      return hash;
    }
  hash->ended = 1;
  return hash;
}

StHash *
st_hash_new (StFile *file, const char *cache)
{
  return hash_new (file, cache, FALSE, FALSE);
}

StHash *
st_hash_new_all (StFile *file, const char *cache, gboolean only_cached)
{
  return hash_new (file, cache, TRUE, only_cached);
}

const char *
st_hash_peek (StHash *hash)
{
  return hash != NULL && g_atomic_int_get (&hash->done) ? hash->found.whole : NULL;
}

const StHashes *
st_hash_peek_all (StHash *hash)
{
  return hash->all && g_atomic_int_get (&hash->done) ? &hash->found : NULL;
}

gboolean
st_hash_ended (StHash *hash)
{
  return g_atomic_int_get (&hash->ended) != 0;
}

void
st_hash_progress (StHash *hash, guint64 *done, guint64 *total)
{
  *total = st_file_data_start (hash->file) + st_file_data_bytes (hash->file);
  *done = MIN (*total, (guint64) g_atomic_int_get (&hash->pieces) * PIECE);
}

void
st_hash_free (StHash *hash)
{
  if (hash == NULL)
    return;
  g_atomic_int_set (&hash->stopping, 1);
  if (hash->thread != NULL)
    g_thread_join (hash->thread);
  st_file_unref (hash->file);
  g_free (hash->cache);
  g_free (hash->key);
  g_free (hash);
}

StHashAgreement
st_hashes_check (const StHashes *hashes, StFile *file, const char *key)
{
  const char *told = st_file_metadata_value (file, key);
  g_autofree char *lower = told != NULL ? g_ascii_strdown (told, -1) : NULL;
  const char *digits = lower;

  if (lower == NULL || lower[0] == '\0')
    return ST_HASH_NOT_TOLD;
  if (g_str_has_prefix (digits, "0x"))
    digits += 2;
  return strcmp (digits, hashes->data) == 0 ? ST_HASH_AGREES : ST_HASH_DIFFERS;
}
