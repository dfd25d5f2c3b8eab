/* app-canvas-draw.c: the canvas's picture, drawn
 *
 * Whoever zooms to 400 % or more wants to see pixels, and they are drawn as squares; a
 * fitted picture is to be looked at as a picture and is filtered at any scale. Nothing is
 * mirrored in right-to-left languages.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-canvas-private.h"

#include "app/app-compat.h"

#define NEAREST_FROM 4.0

static void
draw_squares (AppCanvas *self,
              GtkSnapshot *snapshot,
              GdkTexture *texture,
              const graphene_rect_t *rect)
{
  graphene_rect_t visible, widget;

  graphene_rect_init (&widget, 0, 0, (float) gtk_widget_get_width (GTK_WIDGET (self)),
                      (float) gtk_widget_get_height (GTK_WIDGET (self)));
  if (!graphene_rect_intersection (rect, &widget, &visible))
    return;
  app_compat_append_nearest (snapshot, texture, rect, &visible);
}

static void
draw_texture (AppCanvas *self,
              GtkSnapshot *snapshot,
              GdkTexture *texture,
              const graphene_rect_t *rect)
{
  /* A preview smaller than its picture is always smoothed: its squares say nothing. */
  gboolean own_size = gdk_texture_get_width (texture) >= self->width;
  gboolean squares = own_size && self->scale >= NEAREST_FROM;

  if (app_canvas_levels_append (self, snapshot, texture, rect, squares))
    return;
  if (squares)
    draw_squares (self, snapshot, texture, rect);
  else
    gtk_snapshot_append_texture (snapshot, texture, rect);
}

/* A pinned picture of other proportions keeps them: it stands inside the shown one's
 * place instead of being stretched over it. */
static void
draw_reference (AppCanvas *self, GtkSnapshot *snapshot, const graphene_rect_t *rect)
{
  float w = (float) gdk_texture_get_width (self->reference);
  float h = (float) gdk_texture_get_height (self->reference);
  float scale = MIN (rect->size.width / w, rect->size.height / h);
  graphene_rect_t inside;

  graphene_rect_init (&inside, rect->origin.x + (rect->size.width - w * scale) / 2,
                      rect->origin.y + (rect->size.height - h * scale) / 2, w * scale,
                      h * scale);
  draw_texture (self, snapshot, self->reference, &inside);
}

static void
draw_handle (AppCanvas *self,
             GtkSnapshot *snapshot,
             const graphene_rect_t *rect,
             double x)
{
  const GdkRGBA light = { 1, 1, 1, 0.95f }, dark = { 0, 0, 0, 0.6f };
  /* On the part that can be seen: zoomed in, the picture's middle may be far outside. */
  double top = MAX (0, rect->origin.y);
  double bottom = MIN ((double) gtk_widget_get_height (GTK_WIDGET (self)),
                       rect->origin.y + rect->size.height);
  GskRoundedRect grip;

  gtk_snapshot_append_color (
      snapshot, &dark,
      &GRAPHENE_RECT_INIT ((float) x - 2, (float) top, 4, (float) (bottom - top)));
  gtk_snapshot_append_color (
      snapshot, &light,
      &GRAPHENE_RECT_INIT ((float) x - 1, (float) top, 2, (float) (bottom - top)));
  gsk_rounded_rect_init_from_rect (
      &grip,
      &GRAPHENE_RECT_INIT ((float) x - 5,
                           (float) ((top + bottom) / 2 - APP_CANVAS_HANDLE), 10,
                           (float) (2 * APP_CANVAS_HANDLE)),
      5);
  gtk_snapshot_push_rounded_clip (snapshot, &grip);
  gtk_snapshot_append_color (snapshot, &light, &grip.bounds);
  gtk_snapshot_pop (snapshot);
  gtk_snapshot_append_border (snapshot, &grip, (float[4]){ 1, 1, 1, 1 },
                              (GdkRGBA[4]){ dark, dark, dark, dark });
}

double
app_canvas_split_x (AppCanvas *self, const graphene_rect_t *rect)
{
  return rect->origin.x + self->split_at * rect->size.width;
}

static void
draw_change (AppCanvas *self, GtkSnapshot *snapshot, const graphene_rect_t *rect)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));
  double progress
      = CLAMP ((double) (gdk_frame_clock_get_frame_time (clock) - self->change_start)
                   / (double) self->change_length,
               0, 1);

  draw_texture (self, snapshot, self->previous, rect);
  gtk_snapshot_push_opacity (snapshot, progress);
  draw_texture (self, snapshot, self->texture, rect);
  gtk_snapshot_pop (snapshot);
}

void
app_canvas_draw (AppCanvas *self, GtkSnapshot *snapshot, const graphene_rect_t *rect)
{
  double x = app_canvas_split_x (self, rect);

  if (self->flipped)
    {
      draw_reference (self, snapshot, rect);
      return;
    }
  if (self->previous != NULL)
    draw_change (self, snapshot, rect);
  else
    draw_texture (self, snapshot, self->texture, rect);
  if (!self->split)
    return;
  gtk_snapshot_push_clip (snapshot, &GRAPHENE_RECT_INIT (rect->origin.x, rect->origin.y,
                                                         (float) (x - rect->origin.x),
                                                         rect->size.height));
  draw_reference (self, snapshot, rect);
  gtk_snapshot_pop (snapshot);
  draw_handle (self, snapshot, rect, x);
}
