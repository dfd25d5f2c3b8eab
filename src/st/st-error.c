/* st-error.c: the kinds of errors, and names made fit for a message
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-header-private.h"

G_DEFINE_QUARK (st_error_quark, st_error)

/* The spelling of the reference, so that verdicts can be compared. */
static const char *const kind_names[] = {
  [ST_ERROR_HEADER_TOO_SMALL] = "HeaderTooSmall",
  [ST_ERROR_HEADER_TOO_LARGE] = "HeaderTooLarge",
  [ST_ERROR_INVALID_HEADER_LENGTH] = "InvalidHeaderLength",
  [ST_ERROR_INVALID_HEADER] = "InvalidHeader",
  [ST_ERROR_INVALID_HEADER_DESERIALIZATION] = "InvalidHeaderDeserialization",
  [ST_ERROR_INVALID_OFFSET] = "InvalidOffset",
  [ST_ERROR_VALIDATION_OVERFLOW] = "ValidationOverflow",
  [ST_ERROR_MISALIGNED_SLICE] = "MisalignedSlice",
  [ST_ERROR_TENSOR_INVALID_INFO] = "TensorInvalidInfo",
  [ST_ERROR_METADATA_INCOMPLETE_BUFFER] = "MetadataIncompleteBuffer",
  [ST_ERROR_IO] = "IoError",
  [ST_ERROR_CHANGED] = "Changed",
  [ST_ERROR_INDEX] = "Index",
  [ST_ERROR_TOO_MANY_SLICES] = "TooManySlices",
  [ST_ERROR_SLICE_OUT_OF_RANGE] = "SliceOutOfRange",
};

const char *
st_error_kind_name (int code)
{
  g_return_val_if_fail (code >= 0 && code < (int) G_N_ELEMENTS (kind_names), "Unknown");
  return kind_names[code];
}

/* Characters that would draw nothing, break the line or turn the text around them. */
static gboolean
is_shown_as_code (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
st_name_is_plain (const char *name, gsize length)
{
  const char *const end = name + length;

  for (const char *p = name; p < end;)
    if ((guchar) *p < 0x80)
      {
        if ((guchar) *p < 0x20 || *p == 0x7f)
          return FALSE;
        p++;
      }
    else
      {
        if (is_shown_as_code (g_utf8_get_char (p)))
          return FALSE;
        p = g_utf8_next_char (p);
      }
  return TRUE;
}

char *
st_name_escape (const char *name, gsize length)
{
  enum
  {
    LONGEST = 256
  };
  GString *text = g_string_new (NULL);
  const char *const end = name + length;
  guint n = 0;

  for (const char *p = name; p < end; p = g_utf8_next_char (p), n++)
    {
      const gunichar c = g_utf8_get_char (p);

      if (n == LONGEST)
        {
          g_string_append (text, "…");
          break;
        }
      if (is_shown_as_code (c))
        g_string_append_printf (text, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
      else
        g_string_append_unichar (text, c);
    }
  return g_string_free (text, FALSE);
}
