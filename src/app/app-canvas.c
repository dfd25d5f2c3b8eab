/* app-canvas.c: see app-canvas.h

The view is kept as a scale (device pixels a picture's pixel, 0 meaning fitted) and the
picture's point that stands in the middle of the widget, so that resizing and a new
picture of the same size change nothing. app-canvas-draw.c draws it, and large pictures
with the help of app-canvas-level.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-canvas-private.h"

#include <glib/gi18n.h>
#include <math.h>

#define MAX_SCALE 64.0

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
  return MIN (w / (self->width + self->margins[0] + self->margins[2]),
              h / (self->height + self->margins[1] + self->margins[3]));
}

double
app_canvas_get_scale (AppCanvas *self)
{
  return self->scale > 0 ? self->scale : fit_scale (self);
}

/* Where the picture lies, in the widget's units; it begins at a pixel of the device, or
 * at 100 % every pixel would be smeared over two. */
static void
picture_rect (AppCanvas *self, graphene_rect_t *rect)
{
  double mx = (double) self->margins[2] - self->margins[0],
         my = (double) self->margins[3] - self->margins[1];
  double device = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double unit = app_canvas_get_scale (self) / device;
  double w = gtk_widget_get_width (GTK_WIDGET (self)),
         h = gtk_widget_get_height (GTK_WIDGET (self));
  double cx = self->scale > 0 ? self->center_x : (self->width + mx) / 2;
  double cy = self->scale > 0 ? self->center_y : (self->height + my) / 2;

  graphene_rect_init (rect, (float) (round ((w / 2 - cx * unit) * device) / device),
                      (float) (round ((h / 2 - cy * unit) * device) / device),
                      (float) (self->width * unit), (float) (self->height * unit));
}

static double
clamp_one (double center, double half, double start, double end)
{
  return half * 2 >= end - start ? (start + end) / 2
                                 : CLAMP (center, start + half, end - half);
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

  self->center_x = clamp_one (self->center_x, half_w, -(double) self->margins[0],
                              (double) self->width + self->margins[2]);
  self->center_y = clamp_one (self->center_y, half_h, -(double) self->margins[1],
                              (double) self->height + self->margins[3]);
}

static void
view_changed (AppCanvas *self)
{
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_VIEW_CHANGED], 0);
}

void
app_canvas_zoom_at (AppCanvas *self, double scale, double x, double y)
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
app_canvas_get_picture_rect (AppCanvas *self, graphene_rect_t *rect)
{
  picture_rect (self, rect);
}

void
app_canvas_pan (AppCanvas *self, double dx, double dy)
{
  double unit
      = app_canvas_get_scale (self) / gtk_widget_get_scale_factor (GTK_WIDGET (self));

  if (self->scale <= 0)
    return;
  self->center_x -= dx / unit;
  self->center_y -= dy / unit;
  clamp_center (self);
  view_changed (self);
}

void
app_canvas_set_margins (AppCanvas *self, const guint margins[4])
{
  for (guint i = 0; i < 4; i++)
    self->margins[i] = margins != NULL ? margins[i] : 0;
  if (self->scale > 0)
    clamp_center (self);
  view_changed (self);
}

void
app_canvas_hold (AppCanvas *self)
{
  graphene_rect_t rect;
  double scale = app_canvas_get_scale (self);
  double unit = scale / gtk_widget_get_scale_factor (GTK_WIDGET (self));

  picture_rect (self, &rect);
  self->scale = scale;
  self->center_x
      = (gtk_widget_get_width (GTK_WIDGET (self)) / 2.0 - rect.origin.x) / unit;
  self->center_y
      = (gtk_widget_get_height (GTK_WIDGET (self)) / 2.0 - rect.origin.y) / unit;
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
  app_canvas_zoom_at (self, scale, gtk_widget_get_width (GTK_WIDGET (self)) / 2.0,
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

/* ---- as a widget ---- */

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
  app_canvas_draw (self, snapshot, &rect);
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

/* The pointer's shape says what a drag would do: move the handle, move the view, or (as
 * everywhere) carry the picture out. */
static void
on_motion (GtkEventControllerMotion *controller, double x, double y, AppCanvas *self)
{
  graphene_rect_t rect;
  const char *cursor = NULL;

  self->pointer_x = x;
  self->pointer_y = y;
  picture_rect (self, &rect);
  if (self->split && fabs (x - app_canvas_split_x (self, &rect)) <= APP_CANVAS_HANDLE)
    cursor = "col-resize";
  else if (self->scale > fit_scale (self))
    cursor = "grab";
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), cursor);
}

static void
on_pressed (GtkGestureClick *gesture, int n, double x, double y, AppCanvas *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
}

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, AppCanvas *self)
{
  if (self->texture == NULL || dy == 0)
    return GDK_EVENT_PROPAGATE;
  app_canvas_zoom_at (self, app_canvas_get_scale (self) * pow (2, -dy / 4),
                      self->pointer_x, self->pointer_y);
  return GDK_EVENT_STOP;
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, AppCanvas *self)
{
  graphene_rect_t rect;

  picture_rect (self, &rect);
  self->dragging_split
      = self->split && fabs (x - app_canvas_split_x (self, &rect)) <= APP_CANVAS_HANDLE;
  self->drag_x = self->scale > 0 ? self->center_x : self->width / 2.0;
  self->drag_y = self->scale > 0 ? self->center_y : self->height / 2.0;
  /* A picture that is wholly seen has nowhere to go: leave the drag to whoever carries
   * pictures out. */
  if ((self->scale <= 0 || self->scale <= fit_scale (self)) && !self->dragging_split)
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
    app_canvas_zoom_at (self, self->pinch_scale * factor, x, y);
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
  GtkGesture *drag = gtk_gesture_drag_new (), *pinch = gtk_gesture_zoom_new (),
             *click = gtk_gesture_click_new ();

  self->split_at = 0.5;
  gtk_widget_set_focusable (widget, TRUE);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_widget_set_vexpand (widget, TRUE);
  gtk_widget_set_overflow (widget, GTK_OVERFLOW_HIDDEN);
  g_signal_connect (motion, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect (scroll, "scroll", G_CALLBACK (on_scroll), self);
  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect (pinch, "begin", G_CALLBACK (on_pinch_begin), self);
  g_signal_connect (pinch, "scale-changed", G_CALLBACK (on_pinch), self);
  g_signal_connect (click, "pressed", G_CALLBACK (on_pressed), self);
  gtk_widget_add_controller (widget, motion);
  gtk_widget_add_controller (widget, scroll);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (click));
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
