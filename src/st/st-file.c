/* st-file.c: one open .safetensors file
 *
 * Read by pread. A page of a mapping that is not there any more (the file was truncated,
 * the network mount is gone) is a SIGBUS in whatever thread touches it; pread returns
 * short instead. What goes through whole tensors in the page cache may look at them by a
 * guarded mapping (st-view.c), which spares the copy.
 *
 * What it costs (tests/bench/bench-read, 1 GiB in the page cache, adding up words, one
 * core of an EPYC shared with other work): pread 6 to 9 GB/s with pieces from 64 KiB to
 * 16 MiB alike, a mapping 15 to 28. The difference is the copy. From a disk (0.5 to 7
 * GB/s) both wait for the disk.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-file-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (8u << 20)

struct _StFile
{
  gatomicrefcount refs;
  char *path;
  int fd;
  struct stat opened; /* as it was when the header was read */
  guint64 header_bytes, data_bytes;
  StHeader header;
  GError *fault; /* of a damaged file; else NULL */
};

int
st_fd_open (const char *path, guint64 *size, GError **error)
{
  struct stat info;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd >= 0 && fstat (fd, &info) == 0 && S_ISREG (info.st_mode))
    {
      *size = (guint64) info.st_size;
      return fd;
    }
  g_set_error (error, ST_ERROR, ST_ERROR_IO, "“%s”: %s", path,
               fd < 0                   ? g_strerror (errno)
               : S_ISDIR (info.st_mode) ? _ ("this is a folder")
                                        : _ ("this is not a regular file"));
  if (fd >= 0)
    close (fd);
  return -1;
}

gssize
st_fd_read (int fd, guint64 offset, gsize n, void *dst)
{
  gsize done = 0;

  while (done < n)
    {
      const gssize got = pread (fd, (char *) dst + done, MIN (n - done, G_MAXINT32 / 2),
                                (off_t) (offset + done));

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return -1;
      if (got == 0)
        break;
      done += (gsize) got;
    }
  return (gssize) done;
}

/* Two foreign files out of three fail at the length, so that is where their real nature
 * is asked for; the kind stays the reference's. */
static void
explain_foreign (StFile *file, guint64 size, GError **error)
{
  guint8 start[ST_FOREIGN_BYTES];
  const gssize n = st_fd_read (file->fd, 0, MIN (size, sizeof start), start);
  const StForeign *foreign = n >= 0 ? st_foreign_find (start, (gsize) n) : NULL;

  if (foreign != NULL && error != NULL && *error != NULL && (*error)->domain == ST_ERROR)
    {
      char *message = g_strdup_printf ("%s (%s)", _ (foreign->what), (*error)->message);

      g_free ((*error)->message);
      (*error)->message = message;
    }
}

static gboolean
set_read_error (StFile *file, GError **error)
{
  g_set_error (error, ST_ERROR, ST_ERROR_IO, _ ("“%s” could not be read: %s"), file->path,
               g_strerror (errno));
  return FALSE;
}

/* @how: a sentence with the file's name in it */
static gboolean
set_changed (StFile *file, const char *how, GError **error)
{
  g_set_error (error, ST_ERROR, ST_ERROR_CHANGED, how, file->path);
  return FALSE;
}

static gboolean
set_shorter (StFile *file, GError **error)
{
  return set_changed (
      file, _ ("“%s” has become shorter since it was opened: open it again"), error);
}

/* Asked after the bytes were read, so that a change before and during is noticed. A file
 * that another was renamed over keeps its content, but has no name any more. */
static gboolean
check_unchanged (StFile *file, GError **error)
{
  struct stat now;

  if (fstat (file->fd, &now) != 0)
    return set_read_error (file, error);
  if (now.st_size != file->opened.st_size)
    return set_changed (
        file, _ ("“%s” has another size since it was opened: open it again"), error);
  if (now.st_mtim.tv_sec != file->opened.st_mtim.tv_sec
      || now.st_mtim.tv_nsec != file->opened.st_mtim.tv_nsec)
    return set_changed (
        file, _ ("“%s” was written to since it was opened: open it again"), error);
  if (now.st_nlink == 0 && file->opened.st_nlink > 0)
    return set_changed (
        file, _ ("“%s” was replaced or deleted since it was opened: open it again"),
        error);
  return TRUE;
}

static gboolean
read_length (StFile *file, guint64 size, GError **error)
{
  guint64 length;

  if (size < ST_LENGTH_BYTES)
    {
      g_set_error (error, ST_ERROR, ST_ERROR_HEADER_TOO_SMALL,
                   _ ("the file has %" PRIu64 " bytes, its header's length alone %d"),
                   size, ST_LENGTH_BYTES);
      return FALSE;
    }
  switch (st_fd_read (file->fd, 0, sizeof length, &length))
    {
    case sizeof length:
      break;
    case -1:
      return set_read_error (file, error);
    default:
      return set_shorter (file, error);
    }
  length = GUINT64_FROM_LE (length);
  if (length > ST_HEADER_MAX)
    {
      g_set_error (
          error, ST_ERROR, ST_ERROR_HEADER_TOO_LARGE,
          _ ("the header's length would be %" PRIu64 " bytes, where %d is the most"),
          length, ST_HEADER_MAX);
      return FALSE;
    }
  if (length > size - ST_LENGTH_BYTES)
    {
      g_set_error (error, ST_ERROR, ST_ERROR_INVALID_HEADER_LENGTH,
                   _ ("the header should have %" PRIu64
                      " bytes, but the file ends after %" PRIu64 " of them"),
                   length, size - ST_LENGTH_BYTES);
      return FALSE;
    }
  file->header_bytes = length;
  file->data_bytes = size - ST_LENGTH_BYTES - length;
  return TRUE;
}

static gboolean
read_header_text (StFile *file, char *text, const BaseTask *task, GError **error)
{
  for (guint64 done = 0; done < file->header_bytes;)
    {
      const gsize n = MIN (file->header_bytes - done, PIECE);
      const gssize got = st_fd_read (file->fd, ST_LENGTH_BYTES + done, n, text + done);

      if (!base_task_check (task, error))
        return FALSE;
      if (got < 0)
        return set_read_error (file, error);
      if ((gsize) got < n)
        return set_shorter (file, error);
      done += n;
      base_task_progress (task, "read", done, file->header_bytes);
    }
  return TRUE;
}

/* Of a damaged file the end of the header may be missing, and with it all data. */
static gboolean
read_some_length (StFile *file, guint64 size)
{
  if (read_length (file, size, &file->fault))
    return TRUE;
  if (!g_error_matches (file->fault, ST_ERROR, ST_ERROR_INVALID_HEADER_LENGTH))
    return FALSE;
  file->header_bytes = size - ST_LENGTH_BYTES;
  file->data_bytes = 0;
  return TRUE;
}

static gboolean
salvage_header (StFile *file, const char *text, const BaseTask *task, GError **error)
{
  GError *fault = NULL;
  const gboolean ok = st_header_salvage (&file->header, text, file->header_bytes,
                                         file->data_bytes, task, &fault);

  if (ok && file->fault == NULL)
    file->fault = fault;
  else if (ok)
    g_clear_error (&fault); /* what a header lacks follows from its being cut */
  else
    g_propagate_error (error, fault);
  return ok;
}

static gboolean
read_header (
    StFile *file, guint64 size, gboolean damaged, const BaseTask *task, GError **error)
{
  g_autofree char *text = NULL;

  if (damaged ? !read_some_length (file, size) : !read_length (file, size, error))
    return FALSE;
  text = g_try_malloc (file->header_bytes + 1);
  if (text == NULL)
    {
      g_set_error (error, ST_ERROR, ST_ERROR_IO,
                   _ ("no memory for a header of %" PRIu64 " bytes"), file->header_bytes);
      return FALSE;
    }
  text[file->header_bytes] = 0;
  if (!read_header_text (file, text, task, error))
    return FALSE;
  if (damaged)
    return salvage_header (file, text, task, error);
  return st_header_parse (&file->header, text, file->header_bytes, file->data_bytes, task,
                          error);
}

static StFile *
open_file (const char *path, gboolean damaged, const BaseTask *task, GError **error)
{
  g_autoptr (StFile) file = g_new0 (StFile, 1);
  GError *local = NULL;
  guint64 size = 0;

  g_atomic_ref_count_init (&file->refs);
  file->path = g_strdup (path);
  file->fd = st_fd_open (path, &size, error);
  if (file->fd < 0)
    return NULL;
  if (fstat (file->fd, &file->opened) != 0)
    {
      set_read_error (file, error);
      return NULL;
    }
  if (read_header (file, size, damaged, task, &local) && check_unchanged (file, &local)
      && (file->fault == NULL || file->header.n_tensors > 0))
    return g_steal_pointer (&file);
  if (local == NULL)
    local = g_steal_pointer (&file->fault);
  explain_foreign (file, size, &local);
  g_propagate_error (error, local);
  return NULL;
}

StFile *
st_file_open (const char *path, const BaseTask *task, GError **error)
{
  return open_file (path, FALSE, task, error);
}

StFile *
st_file_open_damaged (const char *path, const BaseTask *task, GError **error)
{
  return open_file (path, TRUE, task, error);
}

const GError *
st_file_fault (StFile *file)
{
  return file->fault;
}

StFile *
st_file_ref (StFile *file)
{
  g_atomic_ref_count_inc (&file->refs);
  return file;
}

void
st_file_unref (StFile *file)
{
  if (file == NULL || !g_atomic_ref_count_dec (&file->refs))
    return;
  if (file->fd >= 0)
    close (file->fd);
  st_header_clear (&file->header);
  g_clear_error (&file->fault);
  g_free (file->path);
  g_free (file);
}

const char *
st_file_path (StFile *file)
{
  return file->path;
}

guint64
st_file_header_bytes (StFile *file)
{
  return file->header_bytes;
}

guint64
st_file_data_bytes (StFile *file)
{
  return file->data_bytes;
}

guint
st_file_n_tensors (StFile *file)
{
  return file->header.n_tensors;
}

const StTensor *
st_file_tensor (StFile *file, guint index)
{
  g_return_val_if_fail (index < file->header.n_tensors, NULL);
  return &file->header.tensors[index];
}

const StTensor *
st_file_find (StFile *file, const char *name, gssize length)
{
  const gssize index = st_names_find (file->header.names, file->header.tensors, name,
                                      length < 0 ? strlen (name) : (gsize) length, NULL);

  return index < 0 ? NULL : &file->header.tensors[index];
}

guint
st_file_n_metadata (StFile *file)
{
  return file->header.n_metadata;
}

const StMetadata *
st_file_metadata (StFile *file, guint index)
{
  g_return_val_if_fail (index < file->header.n_metadata, NULL);
  return &file->header.metadata[index];
}

const char *
st_file_metadata_value (StFile *file, const char *key)
{
  const gsize length = strlen (key);

  for (guint i = 0; i < file->header.n_metadata; i++)
    {
      const StMetadata *entry = &file->header.metadata[i];

      if (entry->key_length == length && memcmp (entry->key, key, length) == 0)
        return entry->value;
    }
  return NULL;
}

const char *const *
st_file_warnings (StFile *file)
{
  return (const char *const *) file->header.warnings;
}

gboolean
st_file_has (StFile *file, guint64 offset, guint64 n, GError **error)
{
  if (offset <= file->data_bytes && n <= file->data_bytes - offset)
    return TRUE;
  g_set_error (error, ST_ERROR, ST_ERROR_METADATA_INCOMPLETE_BUFFER,
               _ ("the bytes are not there: “%s” ends before them"), file->path);
  return FALSE;
}

gboolean
st_file_read (StFile *file, guint64 offset, gsize n, void *dst, GError **error)
{
  gssize got;

  if (!st_file_has (file, offset, n, error))
    return FALSE;
  got = st_fd_read (file->fd, st_file_data_start (file) + offset, n, dst);
  if (got < 0)
    return set_read_error (file, error);
  if ((gsize) got < n)
    return set_shorter (file, error);
  return check_unchanged (file, error);
}

int
st_file_fd (StFile *file)
{
  return file->fd;
}

guint64
st_file_data_start (StFile *file)
{
  return ST_LENGTH_BYTES + file->header_bytes;
}

const StForeign *
st_file_find_foreign (const char *path)
{
  guint8 start[ST_FOREIGN_BYTES];
  guint64 size;
  const int fd = st_fd_open (path, &size, NULL);
  gssize n;

  if (fd < 0)
    return NULL;
  n = st_fd_read (fd, 0, sizeof start, start);
  close (fd);
  return n < 0 ? NULL : st_foreign_find (start, (gsize) n);
}
