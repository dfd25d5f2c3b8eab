/* base-elementary.c: log, exp, sine and cosine with the same bits on every machine
 *
 * The argument is reduced to a short interval by subtracting a multiple of ln 2 or π/2
 * that is held in two parts (Cody and Waite: the first part has so many zero bits at its
 * end that its product with the small multiple is exact), and on that interval the plain
 * Taylor series is summed by Horner's rule until its remainder is below half a unit in
 * the last place. A minimax polynomial would save two or three terms; with the series
 * the coefficients can be checked by eye and the remainder bounded by hand, and noise is
 * never a measurable part of making a picture.
 *
 * Only + - * / of IEEE doubles are used, each correctly rounded everywhere, in a fixed
 * order; the build forbids contraction to fused multiply-adds.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-elementary.h"

#include <float.h>
#include <string.h>

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "doubles must be evaluated as doubles (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif

/* ln 2 = LN2_HI + LN2_LO, the first with 32 significant bits. */
#define LN2_HI 0x1.62e42feep-1
#define LN2_LO 0x1.a39ef35793c76p-33
/* π/2 = PIO2_HI + PIO2_LO, the first with 33 significant bits. */
#define PIO2_HI 0x1.921fb544p+0
#define PIO2_LO 0x1.0b4611a626331p-34

/* Sum of c[0] + c[1] x + … + c[n-1] x^(n-1). */
static double
horner (const double *c, guint n, double x)
{
  double sum = c[n - 1];

  for (guint i = n - 1; i > 0; i--)
    sum = sum * x + c[i - 1];
  return sum;
}

/* @value × 2^@exponent where the result is a normal number. */
static double
scale (double value, int exponent)
{
  guint64 bits = (guint64) (exponent + 1023) << 52;
  double power;

  memcpy (&power, &bits, sizeof power);
  return value * power;
}

double
base_log (double x)
{
  /* log m = 2 artanh s = 2 s (1 + s²/3 + s⁴/5 + …) with s = (m - 1) / (m + 1). For m in
   * [√½, √2] s² <= 0.02944, and the first term left out is s²⁴/25 < 2e-20. */
  static const double c[]
      = { 1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
          1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23 };
  guint64 bits;
  int k = 0;
  double m, s;

  if (x < DBL_MIN)
    {
      x *= 0x1p54;
      k = -54;
    }
  memcpy (&bits, &x, sizeof bits);
  k += (int) (bits >> 52) - 1023;
  bits = (bits & G_GUINT64_CONSTANT (0xfffffffffffff))
         | G_GUINT64_CONSTANT (0x3ff0000000000000);
  memcpy (&m, &bits, sizeof m);
  if (m > 0x1.6a09e667f3bcdp+0)
    {
      m *= 0.5;
      k++;
    }
  s = (m - 1.0) / (m + 1.0);
  /* k × LN2_HI is exact, so for k = 0 the relative accuracy near 1 is kept. */
  return k * LN2_HI + (2.0 * s * horner (c, G_N_ELEMENTS (c), s * s) + k * LN2_LO);
}

double
base_exp (double x)
{
  /* 1/n!; |r| <= 0.3466, and the first term left out is r¹⁵/15! < 1e-19. */
  static const double c[] = { 1.0,
                              1.0,
                              1.0 / 2,
                              1.0 / 6,
                              1.0 / 24,
                              1.0 / 120,
                              1.0 / 720,
                              1.0 / 5040,
                              1.0 / 40320,
                              1.0 / 362880,
                              1.0 / 3628800,
                              1.0 / 39916800,
                              1.0 / 479001600,
                              1.0 / 6227020800.,
                              1.0 / 87178291200. };
  double q = x * 0x1.71547652b82fep+0; /* 1 / ln 2 */
  int k = (int) (q + (q < 0 ? -0.5 : 0.5));
  double r = (x - k * LN2_HI) - k * LN2_LO;

  return scale (horner (c, G_N_ELEMENTS (c), r), k);
}

void
base_sincos (double x, double *sine, double *cosine)
{
  /* ±1/n!; |r| <= 0.7854, and the terms left out are r¹⁹/19! < 1e-19, r²⁰/20! < 4e-21. */
  static const double cs[] = { 1.0,
                               -1.0 / 6,
                               1.0 / 120,
                               -1.0 / 5040,
                               1.0 / 362880,
                               -1.0 / 39916800,
                               1.0 / 6227020800.,
                               -1.0 / 1307674368000.,
                               1.0 / 355687428096000. };
  static const double cc[] = { 1.0,
                               -1.0 / 2,
                               1.0 / 24,
                               -1.0 / 720,
                               1.0 / 40320,
                               -1.0 / 3628800,
                               1.0 / 479001600,
                               -1.0 / 87178291200.,
                               1.0 / 20922789888000.,
                               -1.0 / 6402373705728000. };
  double q = x * 0x1.45f306dc9c883p-1; /* 2 / π */
  int k = (int) (q + (q < 0 ? -0.5 : 0.5));
  double r = (x - k * PIO2_HI) - k * PIO2_LO;
  double s = r * horner (cs, G_N_ELEMENTS (cs), r * r);
  double c = horner (cc, G_N_ELEMENTS (cc), r * r);

  *sine = (k & 1) ? c : s;
  *cosine = (k & 1) ? s : c;
  if (k & 2)
    *sine = -*sine;
  if ((k + 1) & 2)
    *cosine = -*cosine;
}
