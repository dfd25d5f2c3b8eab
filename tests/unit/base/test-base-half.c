/* test-base-half.c: every code of F16 and BF16, and the rounding back
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-half.h"

#include <math.h>

/* The definition, by arithmetic in double. */
static double
half_value (guint code)
{
  const guint exponent = code >> 10 & 31, mantissa = code & 1023;
  const double sign = code & 0x8000 ? -1 : 1;

  if (exponent == 31)
    return mantissa != 0 ? NAN : sign * INFINITY;
  if (exponent == 0)
    return sign * ldexp (mantissa, -24);
  return sign * ldexp (1024 + mantissa, (int) exponent - 25);
}

static void
test_half_codes (void)
{
  for (guint code = 0; code < 65536; code++)
    {
      const float value = base_half_to_float ((guint16) code);
      const double expected = half_value (code);

      if (isnan (expected))
        {
          g_assert_true (isnan (value));
          g_assert_true (isnan (base_half_to_float (base_half_from_float (value))));
          continue;
        }
      g_assert_cmpfloat (value, ==, expected);
      g_assert_cmpint (signbit (value) != 0, ==, code >> 15);
      g_assert_cmpuint (base_half_from_float (value), ==, code);
    }
}

/* Between two neighbours: just below, at, and just above the middle. */
static void
test_half_rounding (void)
{
  for (guint code = 0; code < 0x7bff; code++)
    {
      const double low = half_value (code), high = half_value (code + 1);
      const float middle = (float) ((low + high) / 2);
      const guint even = code + (code & 1);

      g_assert_cmpuint (base_half_from_float (middle), ==, even);
      g_assert_cmpuint (base_half_from_float (nextafterf (middle, 0)), ==, code);
      g_assert_cmpuint (base_half_from_float (nextafterf (middle, INFINITY)), ==,
                        code + 1);
      g_assert_cmpuint (base_half_from_float (-middle), ==, even | 0x8000);
    }
  g_assert_cmpuint (base_half_from_float (65519.99f), ==, 0x7bff);
  g_assert_cmpuint (base_half_from_float (65520), ==, 0x7c00);
  g_assert_cmpuint (base_half_from_float (-1e30f), ==, 0xfc00);
  g_assert_cmpuint (base_half_from_float (1e-45f), ==, 0);
}

static void
test_bf16 (void)
{
  for (guint code = 0; code < 65536; code++)
    {
      const float value = base_bf16_to_float ((guint16) code);

      g_assert_cmphex (base_bits_of_float (value), ==, code << 16);
      if (isnan (value))
        g_assert_true (isnan (base_bf16_to_float (base_bf16_from_float (value))));
      else
        g_assert_cmphex (base_bf16_from_float (value), ==, code);
      if ((code & 0x7fff) >= 0x7f7f)
        continue;
      g_assert_cmphex (base_bf16_from_float (base_float_of_bits (code << 16 | 0x7fff)),
                       ==, code);
      g_assert_cmphex (base_bf16_from_float (base_float_of_bits (code << 16 | 0x8000)),
                       ==, code + (code & 1));
      g_assert_cmphex (base_bf16_from_float (base_float_of_bits (code << 16 | 0x8001)),
                       ==, code + 1);
    }
  g_assert_cmphex (base_bf16_from_float (3.4e38f), ==, 0x7f80);
  /* A NaN whose payload is only in the low bits stays one. */
  g_assert_true (isnan (
      base_bf16_to_float (base_bf16_from_float (base_float_of_bits (0x7f800001)))));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/half/codes", test_half_codes);
  g_test_add_func ("/base/half/rounding", test_half_rounding);
  g_test_add_func ("/base/bf16", test_bf16);
  return g_test_run ();
}
