/* base-half.h: the small float formats, exactly
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/* Each converts every code exactly; from float rounds to nearest, ties to even.
 * base_half_from_float overflows to Inf as IEEE 754 says. Thread: any. */
float base_half_to_float (guint16 code);
guint16 base_half_from_float (float value);
float base_bf16_to_float (guint16 code);
guint16 base_bf16_from_float (float value);
