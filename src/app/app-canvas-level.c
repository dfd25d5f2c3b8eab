/* app-canvas-level.c: large pictures at the size in which they are seen
 *
 * The cairo renderer copies a texture whole each time any of it is drawn, and scaling
 * 4096 × 4096 pixels down takes longer than a frame. So a large picture's pixels are
 * halved again and again once, on a thread; what is drawn is a texture of the part that
 * is seen, of the level that has at least the screen's pixels. It is made anew only when
 * the view leaves it. The levels stay with the texture and go with it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-canvas-private.h"

#include <math.h>

#define LARGE (1600 * 1600) /* pixels; below, a texture as it is costs 2 ms a frame */
#define SMALLEST 512        /* pixels a side of the last level, about */
#define MAX_LEVELS 8

typedef struct
{
  int width, height;
  GBytes *bytes; /* 4 a pixel, as cairo has them, no padding */
} Level;

typedef struct
{
  Level levels[MAX_LEVELS];
  guint n; /* 0: being made */
  GdkTexture *part;
  guint part_level;
  int x, y, width, height; /* of the part, in its level's pixels */
} Levels;

static void
levels_free (gpointer data)
{
  Levels *levels = data;

  for (guint i = 0; i < levels->n; i++)
    g_bytes_unref (levels->levels[i].bytes);
  g_clear_object (&levels->part);
  g_free (levels);
}

/* ---- on a thread ---- */

/* Each pixel is the mean of four; of an odd last row or column, of the two there are. */
static Level
halve (const Level *from)
{
  Level to = { (from->width + 1) / 2, (from->height + 1) / 2, NULL };
  const guint8 *pixels = g_bytes_get_data (from->bytes, NULL);
  gsize n = (gsize) to.width * to.height * 4;
  guint8 *out = g_malloc (n);

  for (int y = 0; y < to.height; y++)
    {
      const guint8 *a = pixels + (gsize) 2 * y * from->width * 4;
      const guint8 *b = 2 * y + 1 < from->height ? a + (gsize) from->width * 4 : a;
      guint8 *row = out + (gsize) y * to.width * 4;

      for (int x = 0; x < to.width; x++)
        {
          gsize i = (gsize) 8 * x, j = 2 * x + 1 < from->width ? i + 4 : i;

          for (guint c = 0; c < 4; c++)
            row[4 * x + c]
                = (guint8) ((a[i + c] + a[j + c] + b[i + c] + b[j + c] + 2) / 4);
        }
    }
  to.bytes = g_bytes_new_take (out, n);
  return to;
}

static void
make_levels (GTask *task, gpointer source, gpointer unused, GCancellable *cancellable)
{
  GdkTexture *texture = source;
  Levels *levels = g_new0 (Levels, 1);
  Level *first = &levels->levels[0];
  gsize stride;

  first->width = gdk_texture_get_width (texture);
  first->height = gdk_texture_get_height (texture);
  stride = (gsize) first->width * 4;
  guint8 *pixels = g_malloc (stride * first->height);
  gdk_texture_download (texture, pixels, stride);
  first->bytes = g_bytes_new_take (pixels, stride * first->height);
  for (levels->n = 1; levels->n < MAX_LEVELS; levels->n++)
    {
      const Level *last = &levels->levels[levels->n - 1];

      if (MAX (last->width, last->height) < 2 * SMALLEST)
        break;
      levels->levels[levels->n] = halve (last);
    }
  g_task_return_pointer (task, levels, levels_free);
}

/* ---- on the main thread ---- */

static void
on_made (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppCanvas) self = data;
  Levels *levels = g_task_propagate_pointer (G_TASK (result), NULL);

  g_object_set_data_full (source, "levels", levels, levels_free);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* (nullable): @texture's levels; begins to make them when first asked for. */
static Levels *
levels_of (AppCanvas *self, GdkTexture *texture)
{
  Levels *levels = g_object_get_data (G_OBJECT (texture), "levels");
  g_autoptr (GTask) task = NULL;

  if (levels != NULL)
    return levels->n > 0 ? levels : NULL;
  g_object_set_data_full (G_OBJECT (texture), "levels", g_new0 (Levels, 1), levels_free);
  task = g_task_new (texture, NULL, on_made, g_object_ref (self));
  g_task_run_in_thread (task, make_levels);
  return NULL;
}

/* From @from to @to in @n pixels that lie over @start and @length, with @more around. */
static void
seen_pixels (double from,
             double to,
             double start,
             double length,
             int n,
             double more,
             int *first,
             int *count)
{
  double a = floor ((from - start) * n / length - more);
  double b = ceil ((to - start) * n / length + more);

  *first = (int) CLAMP (a, 0, n - 1);
  *count = (int) CLAMP (b, *first + 1, n) - *first;
}

static void
cut (Levels *levels, guint index, int x, int y, int width, int height)
{
  const Level *level = &levels->levels[index];
  gsize start = ((gsize) y * level->width + x) * 4;
  gsize length = ((gsize) (height - 1) * level->width + width) * 4;
  g_autoptr (GBytes) bytes = g_bytes_new_from_bytes (level->bytes, start, length);

  /* Its rows lie where they were: nothing is copied. */
  g_clear_object (&levels->part);
  levels->part = gdk_memory_texture_new (width, height, GDK_MEMORY_DEFAULT, bytes,
                                         (gsize) level->width * 4);
  levels->part_level = index;
  levels->x = x;
  levels->y = y;
  levels->width = width;
  levels->height = height;
}

GdkTexture *
app_canvas_levels_get (AppCanvas *self,
                       GdkTexture *texture,
                       const graphene_rect_t *rect,
                       graphene_rect_t *part)
{
  int w = gdk_texture_get_width (texture), h = gdk_texture_get_height (texture);
  double device = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double scale = rect->size.width * device / w;
  int x, y, width, height;
  guint i = 0;

  if ((gint64) w * h < LARGE)
    return NULL;
  Levels *levels = levels_of (self, texture);
  if (levels == NULL)
    return NULL;
  while (i + 1 < levels->n && scale * (2 << i) <= 1)
    i++;
  const Level *level = &levels->levels[i];
  double wide = gtk_widget_get_width (GTK_WIDGET (self));
  double high = gtk_widget_get_height (GTK_WIDGET (self));
  seen_pixels (0, wide, rect->origin.x, rect->size.width, level->width, 1, &x, &width);
  seen_pixels (0, high, rect->origin.y, rect->size.height, level->height, 1, &y, &height);
  if (levels->part == NULL || levels->part_level != i || x < levels->x || y < levels->y
      || x + width > levels->x + levels->width || y + height > levels->y + levels->height)
    {
      /* A little more than is seen, so that panning does not cut at every frame. */
      seen_pixels (0, wide, rect->origin.x, rect->size.width, level->width, 128, &x,
                   &width);
      seen_pixels (0, high, rect->origin.y, rect->size.height, level->height, 128, &y,
                   &height);
      cut (levels, i, x, y, width, height);
    }
  double ux = rect->size.width / level->width, uy = rect->size.height / level->height;
  graphene_rect_init (part, (float) (rect->origin.x + levels->x * ux),
                      (float) (rect->origin.y + levels->y * uy),
                      (float) (levels->width * ux), (float) (levels->height * uy));
  return levels->part;
}
