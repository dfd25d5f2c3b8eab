/* app-format.c: numbers, sizes and shapes as text for people
 *
 * Digits and signs have no direction of their own: in a right-to-left line a shape would
 * be drawn from its end. U+2066 … U+2069 keep it together.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-format.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#define MINUS "\u2212"
#define ISOLATE "\u2066"
#define POP "\u2069"

/* @text, digits with perhaps a point, with thousands set apart. printf's own grouping
 * does nothing in the languages whose C library has no sign for it, and in C itself. */
static char *
group_digits (const char *text)
{
  const struct lconv *conv = localeconv ();
  const char *sign = conv->thousands_sep;
  gsize first = text[0] == '-', n = strspn (text + first, "0123456789");
  GString *out = g_string_new_len (text, (gssize) first);

  if (sign[0] == '\0')
    sign = conv->decimal_point[0] == '.' ? "," : "\u202f";
  for (gsize i = 0; i < n; i++)
    {
      if (i > 0 && (n - i) % 3 == 0)
        g_string_append (out, sign);
      g_string_append_c (out, text[first + i]);
    }
  g_string_append (out, text + first + n);
  return g_string_free (out, FALSE);
}

char *
app_format_minus (const char *text)
{
  gboolean apart = strchr (text, '-') != NULL || strchr (text, 'e') != NULL;
  GString *out = g_string_new (apart ? ISOLATE : NULL);

  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == '-')
        g_string_append (out, MINUS);
      else
        g_string_append_c (out, *p);
    }
  if (apart)
    g_string_append (out, POP);
  return g_string_free (out, FALSE);
}

static char *
with_exponent (double value, int digits)
{
  static const char *const raised[]
      = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };
  /* printf's own rounding decides the exponent: 9.9999 becomes 1.000×10¹, not 10.00. */
  g_autofree char *text = g_strdup_printf ("%.*e", digits - 1, value);
  char *e = strchr (text, 'e');
  gint64 exponent = g_ascii_strtoll (e + 1, NULL, 10);
  g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, ABS (exponent));
  GString *out = g_string_new (ISOLATE);

  *e = '\0';
  g_string_append (out, text[0] == '-' ? MINUS : "");
  g_string_append (out, text + (text[0] == '-'));
  g_string_append (out, "×10");
  if (exponent < 0)
    g_string_append (out, "⁻");
  for (const char *p = number; *p != '\0'; p++)
    g_string_append (out, raised[*p - '0']);
  g_string_append (out, POP);
  return g_string_free (out, FALSE);
}

char *
app_format_digits (double value, int digits)
{
  double size = fabs (value);
  g_autofree char *text = NULL, *grouped = NULL;

  if (isnan (value))
    return g_strdup ("NaN");
  if (isinf (value))
    return g_strdup (value < 0 ? ISOLATE MINUS "∞" POP : "∞");
  if (size == 0)
    return g_strdup ("0");
  if (size < 9.9995e-4 || size >= 999950)
    return with_exponent (value, digits);
  text = g_strdup_printf (
      "%.*f", CLAMP (digits - 1 - (int) floor (log10 (size)), 0, digits + 3), value);
  grouped = group_digits (text);
  return app_format_minus (grouped);
}

char *
app_format_tick (double value)
{
  g_autofree char *text = NULL, *grouped = NULL;
  gsize length;

  if (value != 0 && (fabs (value) < 9.9995e-5 || fabs (value) >= 9999950))
    return with_exponent (value, 1);
  text = g_strdup_printf ("%.6f", value);
  length = strlen (text);
  while (text[length - 1] == '0')
    length--;
  /* The point, which is one byte in every language that has a C library. */
  if (!g_ascii_isdigit (text[length - 1]))
    length--;
  text[length] = '\0';
  grouped = group_digits (text);
  return app_format_minus (grouped);
}

char *
app_format_value (double value)
{
  return app_format_digits (value, 4);
}

char *
app_format_aligned (double value, double reach)
{
  int decimals;
  g_autofree char *text = NULL, *grouped = NULL;

  if (!isfinite (value) || !(reach >= 1e-3) || reach >= 999950)
    return app_format_value (value);
  decimals = CLAMP (3 - (int) floor (log10 (reach)), 0, 6);
  if (value != 0 && fabs (value) < 10 * pow (10, -decimals))
    return app_format_digits (value, 3);
  text = g_strdup_printf ("%.*f", decimals, value);
  grouped = group_digits (text);
  return app_format_minus (grouped);
}

char *
app_format_count (guint64 count)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, count);

  return group_digits (text);
}

char *
app_format_tensors (guint n)
{
  g_autofree char *count = app_format_count (n);

  return g_strdup_printf (ngettext ("%s tensor", "%s tensors", n), count);
}

char *
app_format_percent (guint64 part, guint64 whole)
{
  double percent = whole > 0 ? 100.0 * (double) part / (double) whole : 0;
  int decimals = percent >= 10 || percent == 0 ? 0 : percent >= 1 ? 1 : 2;

  if (percent > 0 && percent < 0.01)
    /* Translators: less than a hundredth of a per cent */
    return g_strdup (_ ("< 0.01 %"));
  /* Not "100 %" where something is missing. */
  if (part < whole && percent > 99.5)
    {
      percent = MIN (percent, 99.99);
      decimals = 2;
    }
  /* Translators: a number of per cent */
  return g_strdup_printf (_ ("%.*f %%"), decimals, percent);
}

char *
app_format_isolate (const char *text)
{
  return g_strconcat (ISOLATE, text, POP, NULL);
}

char *
app_format_range (const char *first, const char *last)
{
  return g_strconcat (ISOLATE, first, " … ", last, POP, NULL);
}

char *
app_format_shape (const guint64 *shape, guint rank)
{
  GString *out;

  if (rank == 0)
    /* Translators: the shape of a tensor that is a single number */
    return g_strdup (_ ("scalar"));
  out = g_string_new (ISOLATE);
  for (guint i = 0; i < rank; i++)
    g_string_append_printf (out, "%s%" G_GUINT64_FORMAT, i > 0 ? " × " : "", shape[i]);
  g_string_append (out, POP);
  return g_string_free (out, FALSE);
}

char *
app_format_dtypes (guint32 dtypes)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < ST_N_DTYPES; i++)
    {
      if ((dtypes & (1u << i)) != 0)
        g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "", st_dtype_name (i));
    }
  return g_string_free (out, FALSE);
}
