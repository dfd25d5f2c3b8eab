/* st-slice.c: whether a part of a tensor can be cut out of its bytes
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

static gboolean
fail (const StTensor *tensor, GError **error, StError code, const char *what)
{
  g_autofree char *name = st_name_escape (tensor->name, tensor->name_length);

  g_set_error (error, ST_ERROR, code, _ ("tensor “%s”: %s"), name, what);
  return FALSE;
}

static gboolean
check_range (const StTensor *tensor, guint dim, const StRange *range, GError **error)
{
  const guint64 size = tensor->shape[dim];
  g_autofree char *what = NULL;
  guint64 asked;

  if (range->start < size && range->stop <= size && range->start <= range->stop)
    return TRUE;
  asked = range->start >= size ? range->start : range->stop > 0 ? range->stop - 1 : 0;
  what = g_strdup_printf (
      _ ("index %" PRIu64 " was asked of dimension %u, which has %" PRIu64), asked, dim,
      size);
  return fail (tensor, error, ST_ERROR_SLICE_OUT_OF_RANGE, what);
}

/* Dimensions from the last to the first. @span is the bits of one step in the dimension
 * at hand; it cannot overflow, for the header's check multiplied the same numbers. Once
 * an inner dimension is cut, every step of an outer one begins a new run of bytes. */
gboolean
st_tensor_check_slice (const StTensor *tensor,
                       const StRange *ranges,
                       guint n_ranges,
                       GError **error)
{
  guint64 span = st_dtype_bits (tensor->dtype);
  gboolean is_cut = FALSE;

  if (n_ranges > tensor->rank)
    {
      g_autofree char *what = g_strdup_printf (_ ("%u indices for %u dimensions"),
                                               n_ranges, (guint) tensor->rank);

      return fail (tensor, error, ST_ERROR_TOO_MANY_SLICES, what);
    }
  for (guint dim = tensor->rank; dim-- > 0; span *= tensor->shape[dim])
    {
      StRange range;
      gboolean aligned = TRUE;

      if (dim >= n_ranges)
        continue;
      range = ranges[dim];
      if (!check_range (tensor, dim, &range, error))
        return FALSE;
      if (is_cut)
        aligned = range.start * span % 8 == 0
                  && (range.stop - range.start < 2 || span % 8 == 0);
      else if (range.start > 0 || range.stop < tensor->shape[dim])
        {
          aligned = range.start * span % 8 == 0 && range.stop * span % 8 == 0;
          is_cut = TRUE;
        }
      if (!aligned)
        return fail (tensor, error, ST_ERROR_MISALIGNED_SLICE,
                     _ ("the part asked for does not begin and end at whole bytes"));
    }
  return TRUE;
}
