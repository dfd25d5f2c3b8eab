/* sd-fill.c: what is not known of a picture, from what lies around it
 *
 * Pull and push (Gortler et al. 1996, the Lumigraph's third step): each level of a
 * pyramid is the mean of what is known of the one below, at half its size; then, from the
 * top, what a level does not know comes from the level above, between whose pixels is
 * interpolated. Linear in the number of pixels; the result continues colours without
 * edges of its own.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-fill.h"

#define N 4 /* values of a pixel */

/* @up: of half the size, rounded up. A tent over 4×4 pixels: with a box, whether an edge
 * falls between cells would decide how far colours are carried. */
static void
pull_pixel (const float *from, guint w, guint h, guint x, guint y, float *to)
{
  static const float tent[4] = { 0.25f, 0.75f, 0.75f, 0.25f };
  float sum[N] = { 0 };

  for (guint k = 0; k < 16; k++)
    {
      guint fx = 2 * x + k % 4 - 1, fy = 2 * y + k / 4 - 1;
      if (fx >= w || fy >= h) /* those before 0 too */
        continue;
      const float *p = from + ((gsize) fy * w + fx) * N;
      float share = tent[k % 4] * tent[k / 4] * p[3];
      for (guint c = 0; c < 3; c++)
        sum[c] += p[c] * share;
      sum[3] += share;
    }
  for (guint c = 0; c < 3; c++)
    to[c] = sum[3] > 0 ? sum[c] / sum[3] : 0;
  to[3] = MIN (sum[3], 1.0f);
}

static void
pull (const float *from, guint w, guint h, float *up)
{
  guint uw = (w + 1) / 2, uh = (h + 1) / 2;

  for (guint y = 0; y < uh; y++)
    for (guint x = 0; x < uw; x++)
      pull_pixel (from, w, h, x, y, up + ((gsize) y * uw + x) * N);
}

/* Between the four pixels of @up around pixel (x, y) of the level below. */
static void
sample (const float *up, guint uw, guint uh, guint x, guint y, float out[3])
{
  /* Centres of pixels 2i and 2i + 1 lie a quarter before and behind that of pixel i. */
  guint ux = x / 2, uy = y / 2;
  guint nx = x % 2 == 0 ? ux - (ux > 0) : MIN (ux + 1, uw - 1);
  guint ny = y % 2 == 0 ? uy - (uy > 0) : MIN (uy + 1, uh - 1);

  for (guint c = 0; c < 3; c++)
    {
      float near = 0.75f * up[((gsize) uy * uw + ux) * N + c]
                   + 0.25f * up[((gsize) uy * uw + nx) * N + c];
      float far = 0.75f * up[((gsize) ny * uw + ux) * N + c]
                  + 0.25f * up[((gsize) ny * uw + nx) * N + c];
      out[c] = 0.75f * near + 0.25f * far;
    }
}

static void
push (const float *up, guint w, guint h, float *to)
{
  guint uw = (w + 1) / 2, uh = (h + 1) / 2;

  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        float *p = to + ((gsize) y * w + x) * N, above[3];

        if (p[3] >= 1.0f)
          continue;
        sample (up, uw, uh, x, y, above);
        for (guint c = 0; c < 3; c++)
          p[c] = p[3] * p[c] + (1.0f - p[3]) * above[c];
      }
}

void
sd_fill (float *pixels, guint width, guint height)
{
  guint uw = (width + 1) / 2, uh = (height + 1) / 2;

  if (width == 1 && height == 1)
    {
      for (guint c = 0; c < 3 && pixels[3] <= 0; c++)
        pixels[c] = 0;
      return;
    }
  g_autofree float *up = g_new (float, (gsize) uw *uh *N);
  pull (pixels, width, height, up);
  sd_fill (up, uw, uh);
  push (up, width, height, pixels);
}
