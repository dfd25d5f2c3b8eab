/* app-canvas-private.h: the canvas's insides, for the file that draws it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-canvas.h"

#define APP_CANVAS_HANDLE 12.0 /* half the split handle's width for the pointer */

struct _AppCanvas
{
  GtkWidget parent_instance;

  GdkTexture *texture, *previous, *reference;
  int width, height;
  guint margins[4];          /* left, top, right, bottom: picture's pixels */
  double scale;              /* 0: fitted */
  double center_x, center_y; /* picture's pixels */
  double drag_x, drag_y, pointer_x, pointer_y, pinch_scale;
  double split_at; /* 0 … 1 of the picture's width */
  gboolean flipped, split, dragging_split;
  gint64 change_start, change_length; /* µs */
  guint tick;
};

/** app_canvas_split_x: where the handle stands over @rect, in the widget's units */
double app_canvas_split_x (AppCanvas *self, const graphene_rect_t *rect);
/** app_canvas_levels_append: a large @texture over @rect, as much as is seen; FALSE: it
 * is not large, or not ready */
gboolean app_canvas_levels_append (AppCanvas *self,
                                   GtkSnapshot *snapshot,
                                   GdkTexture *texture,
                                   const graphene_rect_t *rect,
                                   gboolean nearest);
/** app_canvas_draw: everything, the picture over @rect */
void
app_canvas_draw (AppCanvas *self, GtkSnapshot *snapshot, const graphene_rect_t *rect);
