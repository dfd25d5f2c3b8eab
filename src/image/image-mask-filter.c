/* image-mask-filter.c: what changes a whole mask: inverting, blurring, growing
 *
 * Growing asks for the distance to the nearest covered pixel, which is computed exactly
 * in two passes: up and down the columns, then along each row as the lower envelope of
 * parabolas. Sources: Meijster, Roerdink and Hesselink 2000; Felzenszwalb and
 * Huttenlocher 2012. Blurring: three boxes whose variances sum up to the wanted one's, by
 * sums that run along; Wells 1986.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-mask.h"

#include <math.h>
#include <string.h>

void
image_mask_invert (ImageMask *mask)
{
  for (gsize i = 0; i < (gsize) mask->width * mask->height; i++)
    mask->pixels[i] = 255 - mask->pixels[i];
}

/* The first pixel of @n that is not 0; @n where there is none. */
static guint
skip_zeros (const guint8 *pixels, guint n)
{
  guint i = 0;

  for (; i + 8 <= n; i += 8)
    {
      guint64 eight;

      memcpy (&eight, pixels + i, 8);
      if (eight != 0)
        break;
    }
  while (i < n && pixels[i] == 0)
    i++;
  return i;
}

gboolean
image_mask_is_empty (const ImageMask *mask)
{
  for (guint y = 0; y < mask->height; y++)
    if (skip_zeros (mask->pixels + (gsize) y * mask->width, mask->width) < mask->width)
      return FALSE;
  return TRUE;
}

gboolean
image_mask_bounds (const ImageMask *mask, ImageRect *rect)
{
  guint left = mask->width, right = 0, top = mask->height, bottom = 0;

  for (guint y = 0; y < mask->height; y++)
    {
      const guint8 *row = mask->pixels + (gsize) y * mask->width;
      guint first = skip_zeros (row, mask->width), last = mask->width;

      if (first == mask->width)
        continue;
      while (row[last - 1] == 0)
        last--;
      left = MIN (left, first);
      right = MAX (right, last);
      top = MIN (top, y);
      bottom = y + 1;
    }
  *rect = (ImageRect){ 0 };
  if (bottom == 0)
    return FALSE;
  *rect = (ImageRect){ left, top, right - left, bottom - top };
  return TRUE;
}

gboolean
image_rect_is_empty (const ImageRect *rect)
{
  return rect->width == 0 || rect->height == 0;
}

void
image_rect_add (ImageRect *rect, const ImageRect *other)
{
  guint right, bottom;

  if (image_rect_is_empty (other))
    return;
  if (image_rect_is_empty (rect))
    {
      *rect = *other;
      return;
    }
  right = MAX (rect->x + rect->width, other->x + other->width);
  bottom = MAX (rect->y + rect->height, other->y + other->height);
  rect->x = MIN (rect->x, other->x);
  rect->y = MIN (rect->y, other->y);
  rect->width = right - rect->x;
  rect->height = bottom - rect->y;
}

/* @rect with @by pixels more on each side, as far as the mask goes. */
static ImageRect
widen (const ImageMask *mask, const ImageRect *rect, guint by)
{
  guint left = rect->x - MIN (rect->x, by), top = rect->y - MIN (rect->y, by);
  guint right = MIN (rect->x + rect->width + by, mask->width);
  guint bottom = MIN (rect->y + rect->height + by, mask->height);

  return (ImageRect){ left, top, right - left, bottom - top };
}

ImageMask *
image_mask_from_alpha (const ImageBuffer *image)
{
  gsize n = (gsize) image->width * image->height, i = 0;
  ImageMask *mask;

  if (image->channels != 4)
    return NULL;
  while (i < n && image->pixels[4 * i + 3] == 255)
    i++;
  mask = i < n ? image_mask_new (image->width, image->height) : NULL;
  for (; mask != NULL && i < n; i++)
    mask->pixels[i] = 255 - image->pixels[4 * i + 3];
  return mask;
}

/* ---- blurring ---- */

#define BOXES 3

/* Odd widths, which differ by 2 at most, with Σ (w² − 1)/12 as near to sigma² as can be;
 * as pixels on each side of the middle. */
static void
box_radii (double sigma, guint radii[BOXES])
{
  int small = (int) floor (sqrt (12 * sigma * sigma / BOXES + 1));

  small -= small % 2 == 0;
  double n = (12 * sigma * sigma - BOXES * small * small - 4 * BOXES * small - 3 * BOXES)
             / (-4.0 * small - 4);
  for (int i = 0; i < BOXES; i++)
    radii[i] = (guint) ((i < lround (n) ? small : small + 2) - 1) / 2;
}

static void
box_row (const guint16 *from, guint16 *to, guint n, guint radius)
{
  guint64 sum = (guint64) from[0] * (radius + 1), width = 2 * radius + 1;

  for (guint i = 0; i < radius; i++)
    sum += from[MIN (i + 1, n - 1)];
  for (guint i = 0; i < n; i++)
    {
      to[i] = (guint16) ((sum + width / 2) / width);
      sum += from[MIN (i + radius + 1, n - 1)];
      sum -= from[i >= radius ? i - radius : 0];
    }
}

/* All columns side by side: rows are what lies together in memory. */
static void
box_columns (
    const guint16 *from, guint16 *to, guint64 *sums, guint w, guint h, guint radius)
{
  guint64 width = 2 * radius + 1;

  for (guint x = 0; x < w; x++)
    sums[x] = (guint64) from[x] * (radius + 1);
  for (guint i = 0; i < radius; i++)
    for (guint x = 0; x < w; x++)
      sums[x] += from[(gsize) MIN (i + 1, h - 1) * w + x];
  for (guint y = 0; y < h; y++)
    {
      const guint16 *in = from + (gsize) MIN (y + radius + 1, h - 1) * w;
      const guint16 *out = from + (gsize) (y >= radius ? y - radius : 0) * w;
      guint16 *row = to + (gsize) y * w;

      for (guint x = 0; x < w; x++)
        {
          row[x] = (guint16) ((sums[x] + width / 2) / width);
          sums[x] += (guint64) in[x] - out[x];
        }
    }
}

/* [h][w] of 16 bits in @a, with @b as room; the result is in @a. */
static void
blur (guint16 *a, guint16 *b, guint w, guint h, const guint radii[BOXES])
{
  g_autofree guint64 *sums = g_new (guint64, w);

  for (guint i = 0; i < BOXES; i++)
    {
      for (guint y = 0; y < h; y++)
        box_row (a + (gsize) y * w, b + (gsize) y * w, w, radii[i]);
      box_columns (b, a, sums, w, h, radii[i]);
    }
}

gboolean
image_mask_blur (ImageMask *mask, double sigma)
{
  guint radii[BOXES];
  ImageRect rect;

  if (!image_mask_bounds (mask, &rect) || !(sigma > 0))
    return TRUE;
  box_radii (MIN (sigma, 4096), radii);
  rect = widen (mask, &rect, radii[0] + radii[1] + radii[2]);
  g_autofree guint16 *a = g_try_new (guint16, (gsize) rect.width * rect.height);
  g_autofree guint16 *b = g_try_new (guint16, (gsize) rect.width * rect.height);
  if (a == NULL || b == NULL)
    return FALSE;
  for (guint y = 0; y < rect.height; y++)
    for (guint x = 0; x < rect.width; x++)
      a[(gsize) y * rect.width + x]
          = mask->pixels[(gsize) (rect.y + y) * mask->width + rect.x + x] * 257;
  blur (a, b, rect.width, rect.height, radii);
  for (guint y = 0; y < rect.height; y++)
    for (guint x = 0; x < rect.width; x++)
      mask->pixels[(gsize) (rect.y + y) * mask->width + rect.x + x]
          = (guint8) ((a[(gsize) y * rect.width + x] + 128) / 257);
  return TRUE;
}

/* ---- growing ---- */

/* Squares of distances along a row: @up[x] is the distance within column x, @far where
 * there is nothing; @at and @from are room for the envelope. */
static void
row_distances (
    const guint32 *up, guint32 far, guint n, guint64 *square, guint *at, double *from)
{
  guint top = 0, k = 0;
  gboolean any = FALSE;

  for (guint x = 0; x < n; x++)
    {
      double own = (double) up[x] * up[x], start = -INFINITY;

      if (up[x] >= far)
        continue;
      /* Where the new parabola gets under the last one; the first is never passed. */
      for (; any; top--)
        {
          guint v = at[top];

          start = (own + (double) x * x - (double) up[v] * up[v] - (double) v * v)
                  / (2.0 * ((double) x - v));
          if (start > from[top])
            break;
        }
      top = any ? top + 1 : 0;
      any = TRUE;
      at[top] = x;
      from[top] = start;
    }
  for (guint x = 0; x < n; x++)
    {
      while (any && k < top && from[k + 1] < x)
        k++;
      gint64 dx = any ? (gint64) x - at[k] : 0;
      square[x]
          = any ? (guint64) (dx * dx) + (guint64) up[at[k]] * up[at[k]] : G_MAXUINT64;
    }
}

/* [h][w]: how far above or below the nearest covered pixel of the column is. */
static void
column_distances (const ImageMask *mask, const ImageRect *rect, guint32 *up, guint32 far)
{
  guint w = rect->width;

  for (guint y = 0; y < rect->height; y++)
    for (guint x = 0; x < w; x++)
      {
        gsize i = (gsize) y * w + x;
        gboolean in
            = mask->pixels[(gsize) (rect->y + y) * mask->width + rect->x + x] >= 128;

        up[i] = in ? 0 : y > 0 ? MIN (far, up[i - w] + 1) : far;
      }
  for (guint y = rect->height - 1; y-- > 0;)
    for (guint x = 0; x < w; x++)
      {
        gsize i = (gsize) y * w + x;

        up[i] = MIN (up[i], up[i + w] + 1);
      }
}

static gboolean
grow (ImageMask *mask, double radius)
{
  ImageRect rect;

  if (!image_mask_bounds (mask, &rect))
    return TRUE;
  rect = widen (mask, &rect, (guint) ceil (radius) + 1);
  guint w = rect.width;
  g_autofree guint32 *up = g_try_new (guint32, (gsize) w * rect.height);
  g_autofree guint64 *square = g_try_new (guint64, w);
  g_autofree guint *at = g_try_new (guint, w);
  g_autofree double *from = g_try_new (double, w);
  if (up == NULL || square == NULL || at == NULL || from == NULL)
    return FALSE;
  column_distances (mask, &rect, up, IMAGE_MAX_SIDE * 2);
  for (guint y = 0; y < rect.height; y++)
    {
      guint8 *row = mask->pixels + (gsize) (rect.y + y) * mask->width + rect.x;

      row_distances (up + (gsize) y * w, IMAGE_MAX_SIDE * 2, w, square, at, from);
      for (guint x = 0; x < w; x++)
        {
          double part = square[x] == G_MAXUINT64
                            ? 0
                            : CLAMP (radius + 1 - sqrt ((double) square[x]), 0, 1);
          guint8 value = (guint8) (part * 255 + 0.5);

          row[x] = MAX (row[x], value);
        }
    }
  return TRUE;
}

gboolean
image_mask_grow (ImageMask *mask, double radius)
{
  gboolean done;

  if (radius >= 0)
    return grow (mask, MIN (radius, IMAGE_MAX_SIDE));
  image_mask_invert (mask);
  done = grow (mask, MIN (-radius, IMAGE_MAX_SIDE));
  image_mask_invert (mask);
  return done;
}
