/* app-canvas-level.c: large pictures at the size in which they are seen
 *
 * The cairo renderer converts a texture whole each time any of it is drawn, and scaling
 * 4096 × 4096 pixels down takes longer than a frame. So a large picture's pixels are
 * halved again and again once, on a thread; what is drawn is the part that is seen, of
 * the level that has at least the screen's pixels. The levels stay with the texture and
 * go with it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-canvas-private.h"

#include "app/app-texture.h"

#include <math.h>

#define LARGE (700 * 700) /* pixels; below, a texture as it is costs 4 ms at most */
#define SMALLEST 512      /* pixels a side of the last level, about */
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
} Levels;

static void
levels_free (gpointer data)
{
  Levels *levels = data;

  for (guint i = 0; i < levels->n; i++)
    g_bytes_unref (levels->levels[i].bytes);
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

/* The level that has at least as many pixels as the screen shows. */
static const Level *
choose_level (const Levels *levels, double scale)
{
  guint i = 0;

  while (i + 1 < levels->n && scale * (2 << i) <= 1)
    i++;
  return &levels->levels[i];
}

gboolean
app_canvas_levels_append (AppCanvas *self,
                          GtkSnapshot *snapshot,
                          GdkTexture *texture,
                          const graphene_rect_t *rect,
                          gboolean nearest)
{
  int w = gdk_texture_get_width (texture), h = gdk_texture_get_height (texture);
  double device = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  graphene_rect_t part;
  int x, y, width, height;

  if ((gint64) w * h < LARGE)
    return FALSE;
  const Levels *levels = levels_of (self, texture);
  if (levels == NULL)
    return FALSE;
  const Level *level = choose_level (levels, rect->size.width * device / w);
  seen_pixels (0, gtk_widget_get_width (GTK_WIDGET (self)), rect->origin.x,
               rect->size.width, level->width, 2, &x, &width);
  seen_pixels (0, gtk_widget_get_height (GTK_WIDGET (self)), rect->origin.y,
               rect->size.height, level->height, 2, &y, &height);
  double ux = rect->size.width / level->width, uy = rect->size.height / level->height;
  graphene_rect_init (&part, (float) (rect->origin.x + x * ux),
                      (float) (rect->origin.y + y * uy), (float) (width * ux),
                      (float) (height * uy));
  /* Its rows lie where they were: nothing is copied. */
  g_autoptr (GBytes) bytes
      = g_bytes_new_from_bytes (level->bytes, ((gsize) y * level->width + x) * 4,
                                ((gsize) (height - 1) * level->width + width) * 4);
  g_autoptr (GskRenderNode) node
      = app_texture_node (bytes, width, height, (gsize) level->width * 4, &part, nearest,
                          app_texture_by_cairo (GTK_WIDGET (self)));
  gtk_snapshot_append_node (snapshot, node);
  return TRUE;
}
