/* st-write.c: writing a .safetensors file
 *
 * Bytes as the reference writes them: wider types first, then by name; {"__metadata__":
 * …} first; no white space but the padding of the header to eight bytes. Into a temporary
 * file beside the target that is renamed over it, so that a file that is open, or half of
 * a write that failed, is never seen. A symbolic link stays; what it leads to is
 * replaced.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-file-private.h"
#include "base/base-json.h"
#include "base/base-path.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
compare_tensors (gconstpointer a, gconstpointer b)
{
  const StWriteTensor *const x = *(const StWriteTensor *const *) a;
  const StWriteTensor *const y = *(const StWriteTensor *const *) b;

  if (x->dtype != y->dtype)
    return x->dtype > y->dtype ? -1 : 1;
  return strcmp (x->name, y->name);
}

static gboolean
tensor_bytes (const StWriteTensor *tensor, guint64 *bytes, GError **error)
{
  guint64 n = 1, bits = 0;
  gboolean fits = TRUE;

  for (guint i = 0; i < tensor->rank; i++)
    fits = fits && g_uint64_checked_mul (&n, n, tensor->shape[i]);
  fits = fits && g_uint64_checked_mul (&bits, n, st_dtype_bits (tensor->dtype));
  *bytes = bits / 8;
  if (!fits)
    g_set_error (error, ST_ERROR, ST_ERROR_VALIDATION_OVERFLOW,
                 _ ("tensor “%s”: its size is beyond 64 bits"), tensor->name);
  else if (bits % 8 != 0)
    g_set_error (error, ST_ERROR, ST_ERROR_MISALIGNED_SLICE,
                 _ ("tensor “%s”: %" PRIu64 " bits are not a whole number of bytes"),
                 tensor->name, bits);
  return fits && bits % 8 == 0;
}

void
st_tensor_write_json (const StTensor *tensor, gboolean offsets, BaseJson *json)
{
  base_json_key (json, "dtype");
  base_json_string (json, st_dtype_name (tensor->dtype));
  base_json_key (json, "shape");
  base_json_begin_array (json);
  for (guint32 i = 0; i < tensor->rank; i++)
    base_json_uint (json, tensor->shape[i]);
  base_json_end_array (json);
  if (!offsets)
    return;
  base_json_key (json, "data_offsets");
  base_json_begin_array (json);
  base_json_uint (json, tensor->begin);
  base_json_uint (json, tensor->end);
  base_json_end_array (json);
}

static void
append_tensor (BaseJson *json, const StWriteTensor *tensor, guint64 begin, guint64 end)
{
  const StTensor place = { .dtype = tensor->dtype,
                           .rank = tensor->rank,
                           .shape = tensor->shape,
                           .begin = begin,
                           .end = end };

  base_json_key (json, tensor->name);
  base_json_begin_object (json);
  st_tensor_write_json (&place, TRUE, json);
  base_json_end_object (json);
}

/* The length and the padded JSON; NULL when it would be too long to be read again. */
static GString *
make_header (const StWriteTensor *const *tensors,
             guint n_tensors,
             const char *const *metadata,
             GError **error)
{
  g_autoptr (BaseJson) json = base_json_new (FALSE);
  g_autofree char *text = NULL;
  GString *header;
  guint64 at = 0, length;
  gsize text_length;

  base_json_begin_object (json);
  if (metadata != NULL)
    {
      base_json_key (json, "__metadata__");
      base_json_begin_object (json);
      for (; metadata[0] != NULL; metadata += 2)
        {
          base_json_key (json, metadata[0]);
          base_json_string (json, metadata[1]);
        }
      base_json_end_object (json);
    }
  for (guint i = 0; i < n_tensors; i++)
    {
      guint64 bytes;

      if (!tensor_bytes (tensors[i], &bytes, error))
        return NULL;
      if (strcmp (tensors[i]->name, "__metadata__") == 0
          || (i > 0 && strcmp (tensors[i]->name, tensors[i - 1]->name) == 0)
          || !g_uint64_checked_add (&bytes, bytes, at))
        {
          g_set_error (error, ST_ERROR, ST_ERROR_INVALID_OFFSET,
                       _ ("tensor “%s” cannot be written: its name is taken, or the file "
                          "would be too large"),
                       tensors[i]->name);
          return NULL;
        }
      append_tensor (json, tensors[i], at, bytes);
      at = bytes;
    }
  base_json_end_object (json);
  text = base_json_steal (json, &text_length);
  length = (text_length + 7) / 8 * 8;
  if (length > ST_HEADER_MAX)
    {
      g_set_error (error, ST_ERROR, ST_ERROR_HEADER_TOO_LARGE,
                   _ ("the header would have %" PRIu64 " bytes, where %d is the most"),
                   length, ST_HEADER_MAX);
      return NULL;
    }
  header = g_string_sized_new (length + ST_LENGTH_BYTES + 1);
  length = GUINT64_TO_LE (length);
  g_string_append_len (header, (const char *) &length, sizeof length);
  g_string_append_len (header, text, text_length);
  while (header->len % 8 != 0)
    g_string_append_c (header, ' ');
  return header;
}

static gboolean
write_all (int fd, const void *data, guint64 n)
{
  const char *p = data;

  while (n > 0)
    {
      const gssize done = write (fd, p, MIN (n, G_MAXINT32 / 2));

      if (done < 0 && errno == EINTR)
        continue;
      if (done < 0)
        return FALSE;
      p += done;
      n -= (guint64) done;
    }
  return TRUE;
}

static gboolean
write_file (int fd,
            const GString *header,
            const StWriteTensor *const *tensors,
            guint n_tensors)
{
  if (!write_all (fd, header->str, header->len))
    return FALSE;
  for (guint i = 0; i < n_tensors; i++)
    {
      guint64 bytes = 0;

      tensor_bytes (tensors[i], &bytes, NULL);
      if (!write_all (fd, tensors[i]->data, bytes))
        return FALSE;
    }
  return fsync (fd) == 0 || errno == EINVAL; /* a pipe cannot be brought onto a disk */
}

/* A device or pipe is written to as it is: renaming would put a file in its place. */
static gboolean
is_special (const char *path)
{
  struct stat old;

  return stat (path, &old) == 0 && !S_ISREG (old.st_mode) && !S_ISDIR (old.st_mode);
}

/* mkstemp gives the owner alone any rights; a file that is replaced keeps its own, a new
 * one gets what the user's mask leaves. */
static void
set_mode (int fd, const char *path)
{
  struct stat old;
  mode_t mask;

  if (stat (path, &old) == 0)
    {
      fchmod (fd, old.st_mode & 0777);
      return;
    }
  mask = umask (0);
  umask (mask);
  fchmod (fd, 0666 & ~mask);
}

/* Beside @path, then renamed over it. Returns an errno, or 0. */
static int
write_beside (const char *path,
              const GString *header,
              const StWriteTensor *const *tensors,
              guint n_tensors)
{
  g_autofree char *temporary = g_strdup_printf ("%s.XXXXXX", path);
  const int fd = g_mkstemp_full (temporary, O_RDWR | O_CLOEXEC, 0600);
  int fault = 0;

  if (fd < 0)
    return errno;
  if (!write_file (fd, header, tensors, n_tensors))
    fault = errno;
  else
    set_mode (fd, path);
  /* A full disk may only be told at the end, so closing counts. */
  if (close (fd) != 0 && fault == 0)
    fault = errno;
  if (fault == 0 && g_rename (temporary, path) != 0)
    fault = errno;
  if (fault != 0)
    g_unlink (temporary);
  return fault;
}

static int
write_special (const char *path,
               const GString *header,
               const StWriteTensor *const *tensors,
               guint n_tensors)
{
  const int fd = open (path, O_WRONLY | O_CLOEXEC);
  int fault = 0;

  if (fd < 0)
    return errno;
  if (!write_file (fd, header, tensors, n_tensors))
    fault = errno;
  if (close (fd) != 0 && fault == 0)
    fault = errno;
  return fault;
}

gboolean
st_write (const char *path,
          const StWriteTensor *tensors,
          guint n_tensors,
          const char *const *metadata,
          GError **error)
{
  g_autofree const StWriteTensor **order = g_new (const StWriteTensor *, n_tensors + 1);
  g_autofree char *target = base_path_follow (path);
  int fault = target == NULL ? errno : 0;
  GString *header;

  for (guint i = 0; i < n_tensors; i++)
    order[i] = &tensors[i];
  qsort (order, n_tensors, sizeof *order, compare_tensors);
  header = make_header (order, n_tensors, metadata, error);
  if (header == NULL)
    return FALSE;
  if (fault == 0)
    fault = is_special (target) ? write_special (target, header, order, n_tensors)
                                : write_beside (target, header, order, n_tensors);
  g_string_free (header, TRUE);
  if (fault != 0)
    g_set_error (error, ST_ERROR, ST_ERROR_IO, _ ("“%s” could not be written: %s"), path,
                 g_strerror (fault));
  return fault == 0;
}
