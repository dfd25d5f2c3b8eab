/* app-format.h: numbers, sizes and shapes as text for people
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st.h"

/* All results are (transfer full), for showing only: in the words and digits of the
 * language, with a real minus, kept left to right where they have a sign. Copies and
 * files take base_double_to_string instead. */

/** app_format_value: four significant digits, 1.2×10⁻⁵ outside of 10⁻³ … 10⁶ */
char *app_format_value (double value);
/** app_format_digits: as app_format_value with another number of significant digits */
char *app_format_digits (double value, int digits);
/** app_format_tick: a round value of an axis, without superfluous digits */
char *app_format_tick (double value);
/** app_format_aligned: with the decimals that four digits of @reach need, so that a
 * column of values up to @reach stands with its points in a line; tiny values
 * as 1.23×10⁻⁹ */
char *app_format_aligned (double value, double reach);
/** app_format_minus: @text with every - a real minus, kept left to right */
char *app_format_minus (const char *text);
/** app_format_count: 102,400 */
char *app_format_count (guint64 count);
/** app_format_tensors: "1 tensor", "686 tensors" */
char *app_format_tensors (guint n);
/** app_format_percent: of @part in @whole: "0.02 %" */
char *app_format_percent (guint64 part, guint64 whole);
/** app_format_isolate: @text kept left to right whatever stands around it */
char *app_format_isolate (const char *text);
/** app_format_range: "a … b", kept left to right */
char *app_format_range (const char *first, const char *last);
/** app_format_shape: "320 × 320", "scalar"; kept left to right */
char *app_format_shape (const guint64 *shape, guint rank);
/** app_format_dtypes: "F16", "F16, F32" from bits (1 << StDtype) */
char *app_format_dtypes (guint32 dtypes);
