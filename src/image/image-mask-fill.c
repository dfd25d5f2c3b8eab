/* image-mask-fill.c: polygons and rectangles
 *
 * A row of pixels is crossed by 16 lines; on each the crossings of the outline are sorted
 * and the rule says which stretches are inside. A stretch counts exactly, in 256ths of a
 * pixel. Edges that a line can meet are kept in a list as the lines go down, so that a
 * lasso of thousands of points costs what its outline is long.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-mask.h"

#include <math.h>
#include <string.h>

#define LINES 16 /* a row */

typedef struct
{
  double top, bottom; /* y; top < bottom */
  double x, slope;    /* x at y = 0 of the line through it: x + slope·y */
  int winding;        /* +1: the outline goes down here */
} Edge;

typedef struct
{
  double x;
  int winding;
} Crossing;

typedef struct
{
  ImageMask *mask;
  ImageFillRule rule;
  gboolean erase;
  GArray *edges;  /* Edge, by top */
  GArray *active; /* Edge */
  GArray *crossings;
  guint next; /* first edge that no line has met */
  /* of a row, in 256ths of a pixel of a line: parts of single pixels, and changes from
   * one pixel to all that follow */
  gint32 *parts, *changes;
} Fill;

static int
by_top (gconstpointer a, gconstpointer b)
{
  const Edge *first = a, *second = b;

  return first->top < second->top ? -1 : first->top > second->top;
}

static GArray *
make_edges (const double *points, guint n)
{
  GArray *edges = g_array_sized_new (FALSE, FALSE, sizeof (Edge), n);

  for (guint i = 0; i < n; i++)
    {
      const double *a = points + 2 * i, *b = points + 2 * ((i + 1) % n);
      Edge edge = { .winding = a[1] < b[1] ? 1 : -1 };

      if (!isfinite (a[0] + a[1] + b[0] + b[1]) || a[1] == b[1])
        continue;
      edge.top = MIN (a[1], b[1]);
      edge.bottom = MAX (a[1], b[1]);
      edge.slope = (b[0] - a[0]) / (b[1] - a[1]);
      edge.x = a[0] - edge.slope * a[1];
      g_array_append_val (edges, edge);
    }
  g_array_sort (edges, by_top);
  return edges;
}

static void
add_stretch (Fill *fill, double from, double to)
{
  double width = fill->mask->width;
  gint32 a = (gint32) lrint (CLAMP (from, 0, width) * 256);
  gint32 b = (gint32) lrint (CLAMP (to, 0, width) * 256);

  if (a >= b)
    return;
  if (a >> 8 == b >> 8)
    {
      fill->parts[a >> 8] += b - a;
      return;
    }
  fill->parts[a >> 8] += 256 - (a & 255);
  fill->changes[(a >> 8) + 1] += 256;
  fill->changes[b >> 8] -= 256;
  fill->parts[b >> 8] += b & 255;
}

static void
update_active (Fill *fill, double y)
{
  for (guint i = fill->active->len; i-- > 0;)
    if (g_array_index (fill->active, Edge, i).bottom <= y)
      g_array_remove_index_fast (fill->active, i);
  for (; fill->next < fill->edges->len; fill->next++)
    {
      Edge *edge = &g_array_index (fill->edges, Edge, fill->next);

      if (edge->top > y)
        break;
      if (edge->bottom > y)
        g_array_append_val (fill->active, *edge);
    }
}

/* Few and nearly in order from the line before: by insertion. */
static void
cross (Fill *fill, double y)
{
  GArray *found = fill->crossings;

  g_array_set_size (found, 0);
  for (guint i = 0; i < fill->active->len; i++)
    {
      Edge *edge = &g_array_index (fill->active, Edge, i);
      Crossing crossing = { edge->x + edge->slope * y, edge->winding };
      guint at = found->len;

      while (at > 0 && g_array_index (found, Crossing, at - 1).x > crossing.x)
        at--;
      g_array_insert_val (found, at, crossing);
    }
}

static void
add_line (Fill *fill, double y)
{
  int winding = 0;

  update_active (fill, y);
  cross (fill, y);
  for (guint i = 0; i + 1 < fill->crossings->len; i++)
    {
      Crossing *crossing = &g_array_index (fill->crossings, Crossing, i);

      winding += crossing->winding;
      if (fill->rule == IMAGE_FILL_EVEN_ODD ? i % 2 == 0 : winding != 0)
        add_stretch (fill, crossing[0].x, crossing[1].x);
    }
}

static void
put_row (Fill *fill, guint y)
{
  guint8 *row = fill->mask->pixels + (gsize) y * fill->mask->width;
  gint32 sum = 0;

  for (guint x = 0; x < fill->mask->width; x++)
    {
      sum += fill->changes[x];
      gint32 part = ((sum + fill->parts[x]) * 255 + LINES * 128) / (LINES * 256);
      part = CLAMP (part, 0, 255);
      row[x] = fill->erase ? MIN (row[x], 255 - part) : MAX (row[x], part);
    }
}

void
image_mask_fill_polygon (
    ImageMask *mask, const double *points, guint n, ImageFillRule rule, gboolean erase)
{
  Fill fill = { .mask = mask, .rule = rule, .erase = erase };
  g_autoptr (GArray) edges = make_edges (points, n);
  g_autoptr (GArray) active = g_array_new (FALSE, FALSE, sizeof (Edge));
  g_autoptr (GArray) crossings = g_array_new (FALSE, FALSE, sizeof (Crossing));
  g_autofree gint32 *parts = g_new (gint32, mask->width + 2);
  g_autofree gint32 *changes = g_new (gint32, mask->width + 2);
  double top = mask->height, bottom = 0;

  for (guint i = 0; i < edges->len; i++)
    {
      top = MIN (top, g_array_index (edges, Edge, i).top);
      bottom = MAX (bottom, g_array_index (edges, Edge, i).bottom);
    }
  fill.edges = edges;
  fill.active = active;
  fill.crossings = crossings;
  fill.parts = parts;
  fill.changes = changes;
  guint end = (guint) CLAMP (ceil (bottom), 0, mask->height);
  for (guint y = (guint) CLAMP (floor (top), 0, mask->height); y < end; y++)
    {
      memset (parts, 0, (mask->width + 2) * sizeof *parts);
      memset (changes, 0, (mask->width + 2) * sizeof *changes);
      for (guint i = 0; i < LINES; i++)
        add_line (&fill, y + (i + 0.5) / LINES);
      put_row (&fill, y);
    }
}

void
image_mask_fill_rect (ImageMask *mask, const ImageRect *rect, guint8 value)
{
  guint right = MIN (rect->x + rect->width, mask->width);
  guint bottom = MIN (rect->y + rect->height, mask->height);

  for (guint y = rect->y; rect->x < right && y < bottom; y++)
    memset (mask->pixels + (gsize) y * mask->width + rect->x, value, right - rect->x);
}
