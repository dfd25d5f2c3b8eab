/* st-hash.c: SHA-256 of a whole file, in the background
 *
 * Other programs name a model by it. Reading gigabytes for a name must not delay
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

struct _StHash
{
  StFile *file;
  char *cache, *key;
  GThread *thread; /* NULL: was in the cache */
  gint stopping;
  char digits[DIGITS + 1];
  gint done;
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
is_digest (const char *text)
{
  return strlen (text) == DIGITS && strspn (text, "0123456789abcdef") == DIGITS;
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

static gboolean
find_in_cache (StHash *hash)
{
  g_auto (GStrv) lines = read_cache (hash->cache);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], hash->key)
        && is_digest (lines[i] + strlen (hash->key)))
      {
        memcpy (hash->digits, lines[i] + strlen (hash->key), DIGITS);
        return TRUE;
      }
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
  g_string_append_printf (text, "%s%s\n", hash->key, hash->digits);
  if (hash->cache != NULL)
    {
      g_autofree char *folder = g_path_get_dirname (hash->cache);
      g_mkdir_with_parents (folder, 0700);
      g_file_set_contents (hash->cache, text->str, (gssize) text->len, NULL);
    }
  g_string_free (text, TRUE);
}

static gpointer
work (gpointer data)
{
  StHash *hash = data;
  const guint64 size = st_file_data_start (hash->file) + st_file_data_bytes (hash->file);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guint8 *piece = g_malloc (PIECE);

  if (size > SMALL) /* of this thread alone */
    setpriority (PRIO_PROCESS, (id_t) syscall (SYS_gettid), 19);
  for (guint64 at = 0; at < size; at += PIECE)
    {
      const gsize n = MIN (PIECE, size - at);

      if (g_atomic_int_get (&hash->stopping)
          || st_fd_read (st_file_fd (hash->file), at, n, piece) != (gssize) n)
        return NULL;
      g_checksum_update (sum, piece, (gssize) n);
    }
  /* What changed meanwhile has no hash. */
  g_autofree char *key = make_key (hash->file);
  if (g_strcmp0 (key, hash->key) != 0)
    return NULL;
  memcpy (hash->digits, g_checksum_get_string (sum), DIGITS);
  g_atomic_int_set (&hash->done, 1);
  add_to_cache (hash);
  return NULL;
}

StHash *
st_hash_new (StFile *file, const char *cache)
{
  StHash *hash = g_new0 (StHash, 1);

  hash->file = st_file_ref (file);
  hash->cache = g_strdup (cache);
  hash->key = make_key (file);
  if (hash->key == NULL)
    return hash;
  if (find_in_cache (hash))
    g_atomic_int_set (&hash->done, 1);
  else
    hash->thread = g_thread_new ("hash", work, hash);
  return hash;
}

const char *
st_hash_peek (StHash *hash)
{
  return hash != NULL && g_atomic_int_get (&hash->done) ? hash->digits : NULL;
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
