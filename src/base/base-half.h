/* base-half.h: the small float formats, exactly
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>
#include <string.h>

/* Each converts every code exactly; from float rounds to nearest, ties to even.
 * base_half_from_float overflows to Inf as IEEE 754 says. Thread: any.
 *
 * The widening ones are inline shifts and one exact subtraction, not a table of 65,536
 * floats: GCC makes vector code of the loops around them, and the cache stays free. */

static inline guint32
base_bits_of_float (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static inline float
base_float_of_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static inline float
base_half_to_float (guint16 code)
{
  const guint32 sign = (guint32) (code & 0x8000) << 16;
  const guint32 body = (guint32) (code & 0x7fff) << 13; /* in float's places */
  const guint32 exponent = body & 0x0f800000;
  /* All bits or none: a condition would keep GCC from making vector code. */
  const guint32 is_tiny = -(guint32) (exponent == 0);
  const guint32 is_not_finite = -(guint32) (exponent == 0x0f800000);
  /* The difference of the two biases; twice, so that Inf and NaN stay so. */
  const guint32 normal = body + (112u << 23) + (is_not_finite & 112u << 23);
  /* F16's subnormals as (2^-14 + x) - 2^-14, which meets no subnormal float: x86 handles
   * those a hundred times slower. */
  const guint32 tiny
      = base_bits_of_float (base_float_of_bits (normal + (is_tiny & 1u << 23))
                            - base_float_of_bits (is_tiny & 113u << 23));

  return base_float_of_bits ((tiny & is_tiny) | (normal & ~is_tiny) | sign);
}

static inline float
base_bf16_to_float (guint16 code)
{
  return base_float_of_bits ((guint32) code << 16);
}

guint16 base_half_from_float (float value);
guint16 base_bf16_from_float (float value);
