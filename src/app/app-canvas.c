/* app-canvas.c: see app-canvas.h

The view is kept as a scale (device pixels a picture's pixel, 0 meaning fitted) and the
picture's point that stands in the middle of the widget, so that resizing and a new
picture of the same size change nothing. From 400 % on pixels are drawn as squares:
GTK 4.8 has no filter for textures, so the visible part goes through cairo there; below
that the texture is drawn by GTK, filtered. Nothing is mirrored in right-to-left
languages.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-canvas.h"

#include <glib/gi18n.h>
#include <math.h>

#define NEAREST_FROM 4.0
#define MAX_SCALE 64.0
#define HANDLE_HALF 12.0

struct _AppCanvas
{
  GtkWidget parent_instance;

  GdkTexture *texture, *previous, *reference;
  int width, height;
  double scale;              /* 0: fitted */
  double center_x, center_y; /* picture's pixels */
  double drag_x, drag_y, pointer_x, pointer_y, pinch_scale;
  double split_at; /* 0 … 1 of the picture's width */
  gboolean flipped, split, dragging_split;
  gint64 change_start, change_length; /* µs */
  guint tick;
  cairo_surface_t *surface; /* of the texture last drawn as squares */
  GdkTexture *surface_of;
};

G_DEFINE_TYPE (AppCanvas, app_canvas, GTK_TYPE_WIDGET)

enum
{
  SIGNAL_VIEW_CHANGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

static double
fit_scale (AppCanvas *self)
{
  double device = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double w = gtk_widget_get_width (GTK_WIDGET (self)) * device;
  double h = gtk_widget_get_height (GTK_WIDGET (self)) * device;

  if (self->width <= 0 || self->height <= 0 || w <= 0 || h <= 0)
    return 1;
  return MIN (w / self->width, h / self->height);
}

double
app_canvas_get_scale (AppCanvas *self)
{
  return self->scale > 0 ? self->scale : fit_scale (self);
}

/* Where the picture lies, in the widget's units. */
static void
picture_rect (AppCanvas *self, graphene_rect_t *rect)
{
  double unit
      = app_canvas_get_scale (self) / gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double w = gtk_widget_get_width (GTK_WIDGET (self)),
         h = gtk_widget_get_height (GTK_WIDGET (self));
  double cx = self->scale > 0 ? self->center_x : self->width / 2.0;
  double cy = self->scale > 0 ? self->center_y : self->height / 2.0;

  graphene_rect_init (rect, (float) (w / 2 - cx * unit), (float) (h / 2 - cy * unit),
                      (float) (self->width * unit), (float) (self->height * unit));
}

/* The picture never leaves the widget: where it is larger no gap opens at an edge, where
 * smaller it stands in the middle. */
static void
clamp_center (AppCanvas *self)
{
  double unit
      = app_canvas_get_scale (self) / gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double half_w = gtk_widget_get_width (GTK_WIDGET (self)) / unit / 2;
  double half_h = gtk_widget_get_height (GTK_WIDGET (self)) / unit / 2;

  self->center_x = half_w * 2 >= self->width
                       ? self->width / 2.0
                       : CLAMP (self->center_x, half_w, self->width - half_w);
  self->center_y = half_h * 2 >= self->height
                       ? self->height / 2.0
                       : CLAMP (self->center_y, half_h, self->height - half_h);
}

static void
view_changed (AppCanvas *self)
{
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_VIEW_CHANGED], 0);
}

/* Scales so that the picture's point under (x, y) stays there. */
static void
zoom_at (AppCanvas *self, double scale, double x, double y)
{
  double device = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double fit = fit_scale (self), unit;
  graphene_rect_t rect;

  if (self->width <= 0)
    return;
  picture_rect (self, &rect);
  unit = app_canvas_get_scale (self) / device;
  double px = (x - rect.origin.x) / unit, py = (y - rect.origin.y) / unit;
  self->scale = CLAMP (scale, MIN (fit, 1.0) / 4, MAX_SCALE);
  unit = self->scale / device;
  self->center_x = px + (gtk_widget_get_width (GTK_WIDGET (self)) / 2.0 - x) / unit;
  self->center_y = py + (gtk_widget_get_height (GTK_WIDGET (self)) / 2.0 - y) / unit;
  clamp_center (self);
  view_changed (self);
}

void
app_canvas_zoom_fit (AppCanvas *self)
{
  self->scale = 0;
  view_changed (self);
}

static void
zoom_in_the_middle (AppCanvas *self, double scale)
{
  zoom_at (self, scale, gtk_widget_get_width (GTK_WIDGET (self)) / 2.0,
           gtk_widget_get_height (GTK_WIDGET (self)) / 2.0);
}

void
app_canvas_zoom_exact (AppCanvas *self)
{
  zoom_in_the_middle (self, 1);
}

void
app_canvas_zoom_step (AppCanvas *self, gboolean in)
{
  zoom_in_the_middle (self, app_canvas_get_scale (self) * (in ? M_SQRT2 : M_SQRT1_2));
}

static gboolean
on_tick (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  AppCanvas *self = APP_CANVAS (widget);

  gtk_widget_queue_draw (widget);
  if (gdk_frame_clock_get_frame_time (clock) - self->change_start < self->change_length)
    return G_SOURCE_CONTINUE;
  g_clear_object (&self->previous);
  self->tick = 0;
  return G_SOURCE_REMOVE;
}

static void
begin_change (AppCanvas *self, AppCanvasChange change)
{
  gboolean animate = TRUE;
  GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));

  g_object_get (gtk_widget_get_settings (GTK_WIDGET (self)), "gtk-enable-animations",
                &animate, NULL);
  if (change == APP_CANVAS_CUT || !animate || clock == NULL || self->previous == NULL)
    {
      g_clear_object (&self->previous);
      return;
    }
  self->change_start = gdk_frame_clock_get_frame_time (clock);
  self->change_length = (change == APP_CANVAS_FADE ? 120 : 200) * 1000;
  if (self->tick == 0)
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), on_tick, NULL, NULL);
}

void
app_canvas_set_picture (
    AppCanvas *self, GdkTexture *texture, int width, int height, AppCanvasChange change)
{
  g_return_if_fail (APP_IS_CANVAS (self));

  if (width != self->width || height != self->height)
    {
      self->scale = 0;
      change = APP_CANVAS_CUT;
    }
  self->width = width;
  self->height = height;
  if (texture != self->texture)
    {
      g_set_object (&self->previous, self->texture);
      g_set_object (&self->texture, texture);
      begin_change (self, change);
    }
  view_changed (self);
}

GdkTexture *
app_canvas_get_texture (AppCanvas *self)
{
  return self->texture;
}

void
app_canvas_set_reference (AppCanvas *self, GdkTexture *texture)
{
  g_set_object (&self->reference, texture);
  if (texture == NULL)
    self->flipped = self->split = FALSE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

gboolean
app_canvas_has_reference (AppCanvas *self)
{
  return self->reference != NULL;
}

void
app_canvas_set_flipped (AppCanvas *self, gboolean flipped)
{
  self->flipped = flipped && self->reference != NULL;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
app_canvas_set_split (AppCanvas *self, gboolean split)
{
  self->split = split && self->reference != NULL;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

gboolean
app_canvas_get_split (AppCanvas *self)
{
  return self->split;
}

/* ---- drawing ---- */

static void
keep_surface (AppCanvas *self, GdkTexture *texture)
{
  if (self->surface_of == texture && self->surface != NULL)
    return;
  g_clear_pointer (&self->surface, cairo_surface_destroy);
  g_set_object (&self->surface_of, texture);
  self->surface
      = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, gdk_texture_get_width (texture),
                                    gdk_texture_get_height (texture));
  gdk_texture_download (texture, cairo_image_surface_get_data (self->surface),
                        (gsize) cairo_image_surface_get_stride (self->surface));
  cairo_surface_mark_dirty (self->surface);
}

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
  keep_surface (self, texture);
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot, &visible);
  cairo_translate (cr, rect->origin.x, rect->origin.y);
  cairo_scale (cr, rect->size.width / gdk_texture_get_width (texture),
               rect->size.height / gdk_texture_get_height (texture));
  cairo_set_source_surface (cr, self->surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_NEAREST);
  cairo_paint (cr);
  cairo_destroy (cr);
}

static void
draw_texture (AppCanvas *self,
              GtkSnapshot *snapshot,
              GdkTexture *texture,
              const graphene_rect_t *rect)
{
  /* A preview smaller than its picture is always smoothed: its squares say nothing. */
  gboolean own_size = gdk_texture_get_width (texture) == self->width;

  if (own_size && app_canvas_get_scale (self) >= NEAREST_FROM)
    draw_squares (self, snapshot, texture, rect);
  else
    gtk_snapshot_append_texture (snapshot, texture, rect);
}

static void
draw_handle (AppCanvas *self,
             GtkSnapshot *snapshot,
             const graphene_rect_t *rect,
             double x)
{
  const GdkRGBA light = { 1, 1, 1, 0.95f }, dark = { 0, 0, 0, 0.6f };
  double y = rect->origin.y + rect->size.height / 2;

  gtk_snapshot_append_color (
      snapshot, &dark,
      &GRAPHENE_RECT_INIT ((float) x - 2, rect->origin.y, 4, rect->size.height));
  gtk_snapshot_append_color (
      snapshot, &light,
      &GRAPHENE_RECT_INIT ((float) x - 1, rect->origin.y, 2, rect->size.height));
  gtk_snapshot_append_color (
      snapshot, &light,
      &GRAPHENE_RECT_INIT ((float) x - 4, (float) y - HANDLE_HALF, 8, HANDLE_HALF * 2));
}

static double
split_x (AppCanvas *self, const graphene_rect_t *rect)
{
  return rect->origin.x + self->split_at * rect->size.width;
}

static void
draw_content (AppCanvas *self, GtkSnapshot *snapshot, const graphene_rect_t *rect)
{
  GdkTexture *front = self->flipped ? self->reference : self->texture;
  double progress = 1;

  if (self->previous != NULL && !self->flipped)
    {
      GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));

      progress
          = CLAMP ((double) (gdk_frame_clock_get_frame_time (clock) - self->change_start)
                       / (double) self->change_length,
                   0, 1);
      draw_texture (self, snapshot, self->previous, rect);
    }
  gtk_snapshot_push_opacity (snapshot, progress);
  draw_texture (self, snapshot, front, rect);
  gtk_snapshot_pop (snapshot);
  if (self->split && !self->flipped)
    {
      double x = split_x (self, rect);

      gtk_snapshot_push_clip (snapshot,
                              &GRAPHENE_RECT_INIT (rect->origin.x, rect->origin.y,
                                                   (float) (x - rect->origin.x),
                                                   rect->size.height));
      draw_texture (self, snapshot, self->reference, rect);
      gtk_snapshot_pop (snapshot);
      draw_handle (self, snapshot, rect, x);
    }
}

static void
app_canvas_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  AppCanvas *self = APP_CANVAS (widget);
  graphene_rect_t rect;

  if (self->texture == NULL || self->width <= 0 || self->height <= 0)
    return;
  picture_rect (self, &rect);
  gtk_snapshot_push_clip (
      snapshot, &GRAPHENE_RECT_INIT (0, 0, (float) gtk_widget_get_width (widget),
                                     (float) gtk_widget_get_height (widget)));
  draw_content (self, snapshot, &rect);
  gtk_snapshot_pop (snapshot);
}

static void
app_canvas_measure (GtkWidget *widget,
                    GtkOrientation orientation,
                    int for_size,
                    int *minimum,
                    int *natural,
                    int *minimum_baseline,
                    int *natural_baseline)
{
  AppCanvas *self = APP_CANVAS (widget);

  *minimum = 96;
  *natural
      = MAX (96, orientation == GTK_ORIENTATION_HORIZONTAL ? self->width : self->height);
  *minimum_baseline = *natural_baseline = -1;
}

static void
app_canvas_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  AppCanvas *self = APP_CANVAS (widget);

  if (self->scale > 0)
    clamp_center (self);
}

/* ---- pointer ---- */

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, AppCanvas *self)
{
  self->pointer_x = x;
  self->pointer_y = y;
}

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, AppCanvas *self)
{
  if (self->texture == NULL || dy == 0)
    return GDK_EVENT_PROPAGATE;
  zoom_at (self, app_canvas_get_scale (self) * pow (2, -dy / 4), self->pointer_x,
           self->pointer_y);
  return GDK_EVENT_STOP;
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, AppCanvas *self)
{
  graphene_rect_t rect;

  picture_rect (self, &rect);
  self->dragging_split = self->split && fabs (x - split_x (self, &rect)) <= HANDLE_HALF;
  self->drag_x = self->scale > 0 ? self->center_x : self->width / 2.0;
  self->drag_y = self->scale > 0 ? self->center_y : self->height / 2.0;
  /* A fitted picture has nowhere to go: leave the drag to whoever carries pictures out.
   */
  if (self->scale <= 0 && !self->dragging_split)
    gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_DENIED);
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, AppCanvas *self)
{
  double unit
      = app_canvas_get_scale (self) / gtk_widget_get_scale_factor (GTK_WIDGET (self));
  graphene_rect_t rect;
  double x, y;

  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  if (self->dragging_split)
    {
      picture_rect (self, &rect);
      gtk_gesture_drag_get_start_point (gesture, &x, &y);
      self->split_at = CLAMP ((x + dx - rect.origin.x) / rect.size.width, 0, 1);
      gtk_widget_queue_draw (GTK_WIDGET (self));
      return;
    }
  self->center_x = self->drag_x - dx / unit;
  self->center_y = self->drag_y - dy / unit;
  clamp_center (self);
  view_changed (self);
}

static void
on_pinch (GtkGestureZoom *gesture, double factor, AppCanvas *self)
{
  double x, y;

  if (gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y))
    zoom_at (self, self->pinch_scale * factor, x, y);
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, AppCanvas *self)
{
  self->pinch_scale = app_canvas_get_scale (self);
}

static void
app_canvas_dispose (GObject *object)
{
  AppCanvas *self = APP_CANVAS (object);

  g_clear_object (&self->texture);
  g_clear_object (&self->previous);
  g_clear_object (&self->reference);
  g_clear_object (&self->surface_of);
  g_clear_pointer (&self->surface, cairo_surface_destroy);
  G_OBJECT_CLASS (app_canvas_parent_class)->dispose (object);
}

static void
app_canvas_class_init (AppCanvasClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = app_canvas_dispose;
  widget_class->snapshot = app_canvas_snapshot;
  widget_class->measure = app_canvas_measure;
  widget_class->size_allocate = app_canvas_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "canvas");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
  signals[SIGNAL_VIEW_CHANGED]
      = g_signal_new ("view-changed", APP_TYPE_CANVAS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
}

static void
app_canvas_init (AppCanvas *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *scroll
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
  GtkGesture *drag = gtk_gesture_drag_new (), *pinch = gtk_gesture_zoom_new ();

  self->split_at = 0.5;
  gtk_widget_set_focusable (widget, TRUE);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_widget_set_vexpand (widget, TRUE);
  gtk_widget_set_overflow (widget, GTK_OVERFLOW_HIDDEN);
  g_signal_connect (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect (scroll, "scroll", G_CALLBACK (on_scroll), self);
  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect (pinch, "begin", G_CALLBACK (on_pinch_begin), self);
  g_signal_connect (pinch, "scale-changed", G_CALLBACK (on_pinch), self);
  gtk_widget_add_controller (widget, motion);
  gtk_widget_add_controller (widget, scroll);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (drag));
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (pinch));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Picture"), -1);
}

GtkWidget *
app_canvas_new (void)
{
  return g_object_new (APP_TYPE_CANVAS, NULL);
}
