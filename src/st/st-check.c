/* st-check.c: whether the tensors of a header fit each other and the file
 *
 * The order of the rules is the reference's; the first fault in offset order is told.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-header-private.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

#define CHECK_EVERY 65536

static void set_tensor_error (const StTensor *tensor,
                              GError **error,
                              StError code,
                              const char *format,
                              ...) G_GNUC_PRINTF (4, 5);

static void
set_tensor_error (
    const StTensor *tensor, GError **error, StError code, const char *format, ...)
{
  g_autofree char *name = st_name_escape (tensor->name, tensor->name_length);
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ST_ERROR, code, _ ("tensor “%s”: %s"), name, what);
}

/* "[2, 3]", of a long shape its beginning. */
static char *
shape_text (const StTensor *tensor)
{
  GString *text = g_string_new ("[");

  for (guint32 i = 0; i < tensor->rank && i < 8; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "",
                            tensor->shape[i]);
  g_string_append (text, tensor->rank > 8 ? ", …]" : "]");
  return g_string_free (text, FALSE);
}

gboolean
st_tensor_check (StTensor *tensor, GError **error)
{
  const guint64 bits_each = st_dtype_bits (tensor->dtype);
  const char *const dtype = st_dtype_name (tensor->dtype);
  guint64 count = 1, bits = 0;
  gboolean fits = TRUE;

  for (guint32 i = 0; i < tensor->rank && fits; i++)
    fits = g_uint64_checked_mul (&count, count, tensor->shape[i]);
  fits = fits && g_uint64_checked_mul (&bits, count, bits_each);
  if (!fits || bits % 8 != 0 || bits / 8 != tensor->end - tensor->begin)
    {
      g_autofree char *shape = shape_text (tensor);

      if (!fits)
        set_tensor_error (tensor, error, ST_ERROR_VALIDATION_OVERFLOW,
                          _ ("the size of %s %s is beyond 64 bits"), dtype, shape);
      else if (bits % 8 != 0)
        set_tensor_error (tensor, error, ST_ERROR_MISALIGNED_SLICE,
                          _ ("%s %s is %" PRIu64 " bits, not a whole number of bytes"),
                          dtype, shape, bits);
      else
        set_tensor_error (tensor, error, ST_ERROR_TENSOR_INVALID_INFO,
                          _ ("%s %s needs %" PRIu64 " bytes, its offsets %" PRIu64
                             " to %" PRIu64 " hold %" PRIu64),
                          dtype, shape, bits / 8, tensor->begin, tensor->end,
                          tensor->end - tensor->begin);
      return FALSE;
    }
  tensor->count = count;
  return TRUE;
}

gboolean
st_header_check (StTensor *tensors,
                 guint n_tensors,
                 guint64 data_bytes,
                 const BaseTask *task,
                 GError **error)
{
  guint64 start = 0;

  for (guint i = 0; i < n_tensors; i++)
    {
      StTensor *tensor = &tensors[i];

      if (i % CHECK_EVERY == 0 && !base_task_check (task, error))
        return FALSE;
      if (tensor->begin != start || tensor->end < tensor->begin)
        {
          set_tensor_error (tensor, error, ST_ERROR_INVALID_OFFSET,
                            _ ("its offsets are %" PRIu64 " to %" PRIu64
                               ", where the tensor before it ends at %" PRIu64),
                            tensor->begin, tensor->end, start);
          return FALSE;
        }
      start = tensor->end;
      if (!st_tensor_check (tensor, error))
        return FALSE;
    }
  if (start > data_bytes)
    g_set_error (error, ST_ERROR, ST_ERROR_METADATA_INCOMPLETE_BUFFER,
                 _ ("the file is cut off: its tensors need %" PRIu64 " bytes, %" PRIu64
                    " of them are missing"),
                 start, start - data_bytes);
  else if (start < data_bytes)
    g_set_error (error, ST_ERROR, ST_ERROR_METADATA_INCOMPLETE_BUFFER,
                 _ ("%" PRIu64 " bytes follow the last tensor, which ends at %" PRIu64
                    " of the %" PRIu64 " bytes of data"),
                 data_bytes - start, start, data_bytes);
  return start == data_bytes;
}
