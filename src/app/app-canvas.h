/* app-canvas.h: shows one picture: fitted or zoomed, compared with another by flip or
 * split
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

#define APP_TYPE_CANVAS (app_canvas_get_type ())
G_DECLARE_FINAL_TYPE (AppCanvas, app_canvas, APP, CANVAS, GtkWidget)

typedef enum
{
  APP_CANVAS_CUT,     /* the new pixels stand at once */
  APP_CANVAS_FADE,    /* 120 ms */
  APP_CANVAS_DEVELOP, /* 200 ms: the finished picture over its last preview */
} AppCanvasChange;

GtkWidget *app_canvas_new (void);

/**
 * app_canvas_set_picture:
 * @texture: (nullable): pixels; drawn over @width × @height whatever its own size, so
 * that a small preview stands where the picture will
 * @width, @height: of the picture, in its pixels
 *
 * The view (zoom and place) stays as it is unless the picture's size differs.
 */
void app_canvas_set_picture (AppCanvas *canvas,
                             GdkTexture *texture,
                             int width,
                             int height,
                             AppCanvasChange change);
GdkTexture *app_canvas_get_texture (AppCanvas *canvas);
/** app_canvas_set_reference: (nullable): what flip and split compare with */
void app_canvas_set_reference (AppCanvas *canvas, GdkTexture *texture);
gboolean app_canvas_has_reference (AppCanvas *canvas);
/** app_canvas_set_flipped: shows the reference instead, at the same zoom and place */
void app_canvas_set_flipped (AppCanvas *canvas, gboolean flipped);
/** app_canvas_set_split: the reference on one side of a handle that can be dragged */
void app_canvas_set_split (AppCanvas *canvas, gboolean split);
gboolean app_canvas_get_split (AppCanvas *canvas);

/** app_canvas_set_margins: (nullable): room around the picture that belongs to it: left,
 * top, right, bottom, in its pixels; NULL: none */
void app_canvas_set_margins (AppCanvas *canvas, const guint margins[4]);
/** app_canvas_get_picture_rect: where the picture lies, in the widget's units; signal
 * "view-changed" when that changes */
void app_canvas_get_picture_rect (AppCanvas *canvas, graphene_rect_t *rect);
/** app_canvas_pan: as if dragged by that much, in the widget's units */
void app_canvas_pan (AppCanvas *canvas, double dx, double dy);
/** app_canvas_zoom_at: the picture's point under (x, y) stays there */
void app_canvas_zoom_at (AppCanvas *canvas, double scale, double x, double y);
/** app_canvas_hold: a fitted picture stays as it is, whatever its margins become, until
 * it is fitted again */
void app_canvas_hold (AppCanvas *canvas);
void app_canvas_zoom_fit (AppCanvas *canvas);
/** app_canvas_zoom_exact: one picture's pixel to one of the device's */
void app_canvas_zoom_exact (AppCanvas *canvas);
void app_canvas_zoom_step (AppCanvas *canvas, gboolean in);
/** app_canvas_get_scale: device pixels for one of the picture's */
double app_canvas_get_scale (AppCanvas *canvas);
