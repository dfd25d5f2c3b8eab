/* base-half.c: see base-half.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-half.h"

guint16
base_half_from_float (float value)
{
  const guint32 bits = base_bits_of_float (value);
  const guint16 sign = (guint16) (bits >> 16 & 0x8000);
  const guint32 magnitude = bits & 0x7fffffff;

  if (magnitude > 0x7f800000) /* NaN: the high payload bits, made quiet */
    return sign | 0x7e00 | (guint16) (magnitude >> 13 & 0x1ff);
  if (magnitude >= 0x477ff000) /* 65520 and above round to 65536, which is Inf */
    return sign | 0x7c00;
  if (magnitude < 0x38800000) /* below 2^-14: units of 2^-24, rounded by the addition */
    return sign
           | (guint16) (base_bits_of_float (base_float_of_bits (magnitude)
                                            + base_float_of_bits (126u << 23))
                        - (126u << 23));
  return sign
         | (guint16) ((magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

guint16
base_bf16_from_float (float value)
{
  const guint32 bits = base_bits_of_float (value);

  if ((bits & 0x7fffffff) > 0x7f800000)
    return (guint16) (bits >> 16 | 0x40);
  return (guint16) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
