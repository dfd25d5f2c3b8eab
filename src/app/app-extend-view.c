/* app-extend-view.c: see app-extend-view.h
 *
 * The picture stands on a table without end: around the frame there is always room to
 * drag it farther. While a side is dragged the view keeps still; afterwards it is fitted
 * again.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-extend-view.h"

#include <glib/gi18n.h>
#include <math.h>

#define STEP 8
#define LONGEST 4096u
#define GRIP 14.0 /* widget's units around a side in which it is taken */
#define BAR 22.0  /* length of a handle */

enum
{
  LEFT = 1 << 0,
  TOP = 1 << 1,
  RIGHT = 1 << 2,
  BOTTOM = 1 << 3
};

struct _AppExtendView
{
  GtkWidget parent_instance;

  AppCanvas *canvas;
  guint width, height, extend[4];
  guint sides; /* that are dragged */
  guint before[4];
  double pan_x, pan_y;
};

G_DEFINE_FINAL_TYPE (AppExtendView, app_extend_view, GTK_TYPE_WIDGET)

enum
{
  SIGNAL_CHANGED,
  SIGNAL_LEAVE,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

static double
unit_of (AppExtendView *self)
{
  return app_canvas_get_scale (self->canvas)
         / gtk_widget_get_scale_factor (GTK_WIDGET (self));
}

/* Where the frame is, in the widget's units. */
static void
frame_rect (AppExtendView *self, graphene_rect_t *frame)
{
  double unit = unit_of (self);
  graphene_rect_t rect;

  app_canvas_get_picture_rect (self->canvas, &rect);
  graphene_rect_init (
      frame, (float) (rect.origin.x - self->extend[0] * unit),
      (float) (rect.origin.y - self->extend[1] * unit),
      (float) (rect.size.width + (self->extend[0] + self->extend[2]) * unit),
      (float) (rect.size.height + (self->extend[1] + self->extend[3]) * unit));
}

/* ---- drawing ---- */

/* What is new, striped: nothing is there yet. */
static void
draw_new (AppExtendView *self, GtkSnapshot *snapshot, const graphene_rect_t *frame)
{
  graphene_rect_t rect, all;
  cairo_t *cr;

  app_canvas_get_picture_rect (self->canvas, &rect);
  graphene_rect_init (&all, 0, 0, (float) gtk_widget_get_width (GTK_WIDGET (self)),
                      (float) gtk_widget_get_height (GTK_WIDGET (self)));
  cr = gtk_snapshot_append_cairo (snapshot, &all);
  cairo_set_fill_rule (cr, CAIRO_FILL_RULE_EVEN_ODD);
  cairo_rectangle (cr, frame->origin.x, frame->origin.y, frame->size.width,
                   frame->size.height);
  cairo_rectangle (cr, rect.origin.x, rect.origin.y, rect.size.width, rect.size.height);
  cairo_clip (cr);
  cairo_set_source_rgba (cr, 1, 1, 1, 0.14);
  cairo_paint (cr);
  cairo_set_source_rgba (cr, 1, 1, 1, 0.14);
  cairo_set_line_width (cr, 4);
  for (double x = frame->origin.x - frame->size.height;
       x < frame->origin.x + frame->size.width; x += 14)
    {
      cairo_move_to (cr, x, frame->origin.y + frame->size.height);
      cairo_line_to (cr, x + frame->size.height, frame->origin.y);
    }
  cairo_stroke (cr);
  cairo_destroy (cr);
}

static void
draw_bar (GtkSnapshot *snapshot, double x, double y, double w, double h)
{
  static const GdkRGBA light = { 1, 1, 1, 1 }, dark = { 0, 0, 0, 0.6f };
  graphene_rect_t outer, inner;

  graphene_rect_init (&outer, (float) (x - w / 2 - 1), (float) (y - h / 2 - 1),
                      (float) (w + 2), (float) (h + 2));
  graphene_rect_init (&inner, (float) (x - w / 2), (float) (y - h / 2), (float) w,
                      (float) h);
  gtk_snapshot_append_color (snapshot, &dark, &outer);
  gtk_snapshot_append_color (snapshot, &light, &inner);
}

static void
draw_frame (GtkSnapshot *snapshot, const graphene_rect_t *frame)
{
  static const GdkRGBA light = { 1, 1, 1, 1 }, dark = { 0, 0, 0, 0.6f };
  double x = frame->origin.x, y = frame->origin.y;
  double w = frame->size.width, h = frame->size.height;
  GskRoundedRect outer, inner;

  gsk_rounded_rect_init_from_rect (
      &outer,
      &GRAPHENE_RECT_INIT ((float) x - 2, (float) y - 2, (float) w + 4, (float) h + 4),
      0);
  gsk_rounded_rect_init_from_rect (
      &inner,
      &GRAPHENE_RECT_INIT ((float) x - 1, (float) y - 1, (float) w + 2, (float) h + 2),
      0);
  gtk_snapshot_append_border (snapshot, &outer, (float[4]){ 1, 1, 1, 1 },
                              (GdkRGBA[4]){ dark, dark, dark, dark });
  gtk_snapshot_append_border (snapshot, &inner, (float[4]){ 1, 1, 1, 1 },
                              (GdkRGBA[4]){ light, light, light, light });
  for (guint i = 0; i < 2; i++)
    {
      draw_bar (snapshot, x + i * w, y + h / 2, 4, BAR);
      draw_bar (snapshot, x + w / 2, y + i * h, BAR, 4);
      for (guint j = 0; j < 2; j++)
        draw_bar (snapshot, x + i * w, y + j * h, 8, 8);
    }
}

static void
app_extend_view_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  AppExtendView *self = APP_EXTEND_VIEW (widget);
  graphene_rect_t frame;

  if (self->width == 0)
    return;
  frame_rect (self, &frame);
  gtk_snapshot_push_clip (
      snapshot, &GRAPHENE_RECT_INIT (0, 0, (float) gtk_widget_get_width (widget),
                                     (float) gtk_widget_get_height (widget)));
  draw_new (self, snapshot, &frame);
  draw_frame (snapshot, &frame);
  gtk_snapshot_pop (snapshot);
}

/* ---- moving sides ---- */

/* Room to drag the frame farther: a quarter of the picture on each side. */
static void
make_room (AppExtendView *self)
{
  guint margins[4];

  for (guint i = 0; i < 4; i++)
    margins[i] = self->extend[i]
                 + MAX (48, MAX (self->width, self->height) / (i % 2 == 0 ? 5 : 6));
  app_canvas_set_margins (self->canvas, margins);
}

void
app_extend_view_set (AppExtendView *self,
                     guint width,
                     guint height,
                     const guint extend[4])
{
  gboolean same = width == self->width && height == self->height;

  for (guint i = 0; i < 4; i++)
    {
      same = same && extend[i] == self->extend[i];
      self->extend[i] = extend[i];
    }
  self->width = width;
  self->height = height;
  if (!same && self->sides == 0 && width > 0)
    {
      make_room (self);
      app_canvas_zoom_fit (self->canvas);
    }
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
app_extend_view_get (AppExtendView *self, guint extend[4])
{
  for (guint i = 0; i < 4; i++)
    extend[i] = self->extend[i];
}

static void
move_side (AppExtendView *self, guint side, double by)
{
  double to = self->before[side] + round (by / STEP) * STEP;

  self->extend[side] = (guint) CLAMP (to, 0, LONGEST);
}

static guint
sides_at (AppExtendView *self, double x, double y)
{
  graphene_rect_t f;
  guint sides = 0;

  frame_rect (self, &f);
  double right = f.origin.x + f.size.width, bottom = f.origin.y + f.size.height;
  if (x < f.origin.x - GRIP || x > right + GRIP || y < f.origin.y - GRIP
      || y > bottom + GRIP)
    return 0;
  if (fabs (x - f.origin.x) <= GRIP)
    sides |= LEFT;
  else if (fabs (x - right) <= GRIP)
    sides |= RIGHT;
  if (fabs (y - f.origin.y) <= GRIP)
    sides |= TOP;
  else if (fabs (y - bottom) <= GRIP)
    sides |= BOTTOM;
  return sides;
}

static const char *
cursor_for (guint sides)
{
  switch (sides)
    {
    case LEFT:
    case RIGHT:
      return "ew-resize";
    case TOP:
    case BOTTOM:
      return "ns-resize";
    case LEFT | TOP:
    case RIGHT | BOTTOM:
      return "nwse-resize";
    case LEFT | BOTTOM:
    case RIGHT | TOP:
      return "nesw-resize";
    default:
      return NULL;
    }
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, AppExtendView *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  self->sides = sides_at (self, x, y);
  self->pan_x = self->pan_y = 0;
  for (guint i = 0; i < 4; i++)
    self->before[i] = self->extend[i];
  if (self->sides != 0)
    app_canvas_hold (self->canvas);
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, AppExtendView *self)
{
  double unit = unit_of (self);

  if (self->sides == 0)
    {
      app_canvas_pan (self->canvas, dx - self->pan_x, dy - self->pan_y);
      self->pan_x = dx;
      self->pan_y = dy;
      return;
    }
  if ((self->sides & LEFT) != 0)
    move_side (self, 0, -dx / unit);
  if ((self->sides & TOP) != 0)
    move_side (self, 1, -dy / unit);
  if ((self->sides & RIGHT) != 0)
    move_side (self, 2, dx / unit);
  if ((self->sides & BOTTOM) != 0)
    move_side (self, 3, dy / unit);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
on_drag_end (GtkGesture *gesture, double dx, double dy, AppExtendView *self)
{
  if (self->sides == 0)
    return;
  self->sides = 0;
  make_room (self);
  app_canvas_zoom_fit (self->canvas);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, AppExtendView *self)
{
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), cursor_for (sides_at (self, x, y)));
}

static gboolean
on_scroll (GtkEventControllerScroll *scroll, double dx, double dy, AppExtendView *self)
{
  app_canvas_zoom_step (self->canvas, dy < 0);
  return GDK_EVENT_STOP;
}

/* Arrows push a side out, with Shift they pull it in. */
static gboolean
on_key (GtkEventControllerKey *controller,
        guint key,
        guint code,
        GdkModifierType state,
        AppExtendView *self)
{
  static const guint keys[4] = { GDK_KEY_Left, GDK_KEY_Up, GDK_KEY_Right, GDK_KEY_Down };

  state &= gtk_accelerator_get_default_mod_mask ();
  if (key == GDK_KEY_Escape && state == 0)
    {
      g_signal_emit (self, signals[SIGNAL_LEAVE], 0);
      return GDK_EVENT_STOP;
    }
  if ((state & ~GDK_SHIFT_MASK) != 0)
    return GDK_EVENT_PROPAGATE;
  for (guint i = 0; i < 4; i++)
    if (key == keys[i])
      {
        self->before[i] = self->extend[i];
        move_side (self, i, state == 0 ? STEP : -STEP);
        make_room (self);
        g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
        gtk_widget_queue_draw (GTK_WIDGET (self));
        return GDK_EVENT_STOP;
      }
  return key == GDK_KEY_Delete ? GDK_EVENT_STOP : GDK_EVENT_PROPAGATE;
}

/* ---- life ---- */

static void
app_extend_view_dispose (GObject *object)
{
  g_clear_object (&APP_EXTEND_VIEW (object)->canvas);
  G_OBJECT_CLASS (app_extend_view_parent_class)->dispose (object);
}

static void
app_extend_view_class_init (AppExtendViewClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = app_extend_view_dispose;
  widget_class->snapshot = app_extend_view_snapshot;
  gtk_widget_class_set_css_name (widget_class, "canvas");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
  signals[SIGNAL_CHANGED]
      = g_signal_new ("changed", APP_TYPE_EXTEND_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_LEAVE] = g_signal_new ("leave", APP_TYPE_EXTEND_VIEW, G_SIGNAL_RUN_LAST,
                                        0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_extend_view_init (AppExtendView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkGesture *drag = gtk_gesture_drag_new ();
  GtkEventController *motion = gtk_event_controller_motion_new (),
                     *keys = gtk_event_controller_key_new ();
  GtkEventController *scroll
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);

  gtk_widget_set_focusable (widget, TRUE);
  gtk_widget_set_overflow (widget, GTK_OVERFLOW_HIDDEN);
  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect (drag, "drag-end", G_CALLBACK (on_drag_end), self);
  g_signal_connect (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect (scroll, "scroll", G_CALLBACK (on_scroll), self);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (drag));
  gtk_widget_add_controller (widget, motion);
  gtk_widget_add_controller (widget, scroll);
  gtk_widget_add_controller (widget, keys);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Frame of the extended picture"),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  _ ("Arrow keys push its sides out, with Shift in"), -1);
}

GtkWidget *
app_extend_view_new (AppCanvas *canvas)
{
  AppExtendView *self = g_object_new (APP_TYPE_EXTEND_VIEW, NULL);

  self->canvas = g_object_ref (canvas);
  g_signal_connect_object (canvas, "view-changed", G_CALLBACK (gtk_widget_queue_draw),
                           self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
