/* app-mask-view.c: see app-mask-view.h
 *
 * While a mask is painted its view lies over the canvas and takes the pointer: what is
 * not painting (zooming, panning) it hands on. Of a pen every movement counts, also those
 * that came between two frames.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-mask-view.h"

#include "app/app-mask-tiles.h"
#include "app/app-texture.h"

#include <glib/gi18n.h>
#include <math.h>

#define SMALL_BRUSH 3.0 /* widget's units across below which a cross shows the place */

struct _AppMaskView
{
  GtkWidget parent_instance;

  AppCanvas *canvas;
  AppMaskEditor *editor;
  AppMaskTiles *tiles;
  double x, y;     /* of the pointer */
  gboolean inside; /* the pointer is */
  gboolean space;  /* held: drags pan */
  gboolean panning;
  double pan_x, pan_y; /* how far the drag has panned */
  double pinch_scale;
};

G_DEFINE_FINAL_TYPE (AppMaskView, app_mask_view, GTK_TYPE_WIDGET)

static guint leave_signal;

/* ---- drawing ---- */

/* The widget's units for one pixel of the mask. */
static double
unit_of (AppMaskView *self)
{
  return app_canvas_get_scale (self->canvas)
         / gtk_widget_get_scale_factor (GTK_WIDGET (self));
}

static void
append_ring (
    GtkSnapshot *snapshot, double x, double y, double radius, const GdkRGBA *color)
{
  GskRoundedRect ring;
  graphene_rect_t bounds;

  graphene_rect_init (&bounds, (float) (x - radius), (float) (y - radius),
                      (float) (2 * radius), (float) (2 * radius));
  gsk_rounded_rect_init_from_rect (&ring, &bounds, (float) radius);
  gtk_snapshot_append_border (snapshot, &ring, (float[4]){ 1, 1, 1, 1 },
                              (GdkRGBA[4]){ *color, *color, *color, *color });
}

/* Light within dark: seen over any picture. */
static void
draw_brush (AppMaskView *self, GtkSnapshot *snapshot)
{
  static const GdkRGBA light = { 1, 1, 1, 0.95f }, dark = { 0, 0, 0, 0.7f };
  double radius = app_mask_editor_get_size (self->editor) / 2 * unit_of (self);
  AppMaskTool tool = app_mask_editor_get_tool (self->editor);

  if (!self->inside || self->space || self->panning || radius * 2 < SMALL_BRUSH
      || (tool != APP_MASK_BRUSH && tool != APP_MASK_ERASER))
    return;
  append_ring (snapshot, self->x, self->y, radius + 1, &dark);
  append_ring (snapshot, self->x, self->y, radius, &light);
  if (tool == APP_MASK_ERASER && radius > 8)
    {
      /* The sign of taking away. */
      gtk_snapshot_append_color (
          snapshot, &dark,
          &GRAPHENE_RECT_INIT ((float) self->x - 5, (float) self->y - 1.5f, 10, 3));
      gtk_snapshot_append_color (
          snapshot, &light,
          &GRAPHENE_RECT_INIT ((float) self->x - 4, (float) self->y - 0.5f, 8, 1));
    }
}

static void
draw_outline (AppMaskView *self, GtkSnapshot *snapshot, const graphene_rect_t *rect)
{
  GArray *outline = app_mask_editor_get_outline (self->editor);
  double unit = unit_of (self);
  cairo_t *cr;

  if (outline == NULL)
    return;
  cr = gtk_snapshot_append_cairo (
      snapshot,
      &GRAPHENE_RECT_INIT (0, 0, (float) gtk_widget_get_width (GTK_WIDGET (self)),
                           (float) gtk_widget_get_height (GTK_WIDGET (self))));
  for (guint i = 0; i + 1 < outline->len; i += 2)
    cairo_line_to (cr, rect->origin.x + g_array_index (outline, double, i) * unit,
                   rect->origin.y + g_array_index (outline, double, i + 1) * unit);
  cairo_close_path (cr);
  cairo_set_line_width (cr, 3);
  cairo_set_source_rgba (cr, 0, 0, 0, 0.6);
  cairo_stroke_preserve (cr);
  cairo_set_line_width (cr, 1);
  cairo_set_source_rgba (cr, 1, 1, 1, 1);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

static void
app_mask_view_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  AppMaskView *self = APP_MASK_VIEW (widget);
  const ImageMask *mask = app_mask_editor_get_mask (self->editor);
  int width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  graphene_rect_t rect;

  if (mask == NULL)
    return;
  app_canvas_get_picture_rect (self->canvas, &rect);
  gtk_snapshot_push_clip (snapshot,
                          &GRAPHENE_RECT_INIT (0, 0, (float) width, (float) height));
  app_mask_tiles_append (
      self->tiles, snapshot, mask, &rect, app_canvas_get_scale (self->canvas),
      gtk_widget_get_scale_factor (widget), app_texture_by_cairo (widget), width, height);
  draw_outline (self, snapshot, &rect);
  draw_brush (self, snapshot);
  gtk_snapshot_pop (snapshot);
}

static void
update_cursor (AppMaskView *self)
{
  AppMaskTool tool = app_mask_editor_get_tool (self->editor);
  gboolean ring
      = (tool == APP_MASK_BRUSH || tool == APP_MASK_ERASER)
        && app_mask_editor_get_size (self->editor) * unit_of (self) >= SMALL_BRUSH;

  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), self->panning ? "grabbing"
                                                      : self->space ? "grab"
                                                      : ring        ? "none"
                                                                    : "crosshair");
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_changed (AppMaskEditor *editor, const ImageRect *rect, AppMaskView *self)
{
  app_mask_tiles_change (self->tiles, rect);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* ---- the pointer ---- */

/* A mouse has no pressure, though GTK tells of an axis that is always 0. */
static gboolean
has_pressure (GdkEvent *event)
{
  GdkDeviceTool *tool = event != NULL ? gdk_event_get_device_tool (event) : NULL;

  return tool != NULL && (gdk_device_tool_get_axes (tool) & GDK_AXIS_FLAG_PRESSURE) != 0;
}

/* Where (x, y) of the widget is in the mask, as hard as the pen of @event is pressed. */
static ImageBrushPoint
point_at (AppMaskView *self, GdkEvent *event, double x, double y)
{
  ImageBrushPoint point = { .pressure = 1 };
  double unit = unit_of (self), pressure;
  graphene_rect_t rect;

  app_canvas_get_picture_rect (self->canvas, &rect);
  point.x = (x - rect.origin.x) / unit;
  point.y = (y - rect.origin.y) / unit;
  if (has_pressure (event) && gdk_event_get_axis (event, GDK_AXIS_PRESSURE, &pressure))
    point.pressure = pressure;
  return point;
}

static void
add_history (AppMaskView *self, GdkEvent *event)
{
  guint n = 0;
  g_autofree GdkTimeCoord *history
      = event != NULL ? gdk_event_get_history (event, &n) : NULL;
  GtkWidget *native = GTK_WIDGET (gtk_widget_get_native (GTK_WIDGET (self)));
  graphene_point_t start;
  double dx, dy;

  if (n == 0
      || !gtk_widget_compute_point (GTK_WIDGET (self), native,
                                    &GRAPHENE_POINT_INIT (0, 0), &start))
    return;
  gtk_native_get_surface_transform (GTK_NATIVE (native), &dx, &dy);
  for (guint i = 0; i < n; i++)
    {
      const GdkTimeCoord *coord = &history[i];

      if ((coord->flags & GDK_AXIS_FLAG_X) == 0 || (coord->flags & GDK_AXIS_FLAG_Y) == 0)
        continue;
      ImageBrushPoint point
          = point_at (self, NULL, coord->axes[GDK_AXIS_X] - dx - start.x,
                      coord->axes[GDK_AXIS_Y] - dy - start.y);
      if (has_pressure (event) && (coord->flags & GDK_AXIS_FLAG_PRESSURE) != 0)
        point.pressure = coord->axes[GDK_AXIS_PRESSURE];
      app_mask_editor_move (self->editor, &point);
    }
}

static gboolean
is_eraser (GdkEvent *event)
{
  GdkDeviceTool *tool = event != NULL ? gdk_event_get_device_tool (event) : NULL;

  return tool != NULL
         && gdk_device_tool_get_tool_type (tool) == GDK_DEVICE_TOOL_TYPE_ERASER;
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, AppMaskView *self)
{
  GdkEvent *event
      = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (gesture));
  guint button = gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture));
  GdkModifierType state
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (gesture));

  gtk_widget_grab_focus (GTK_WIDGET (self));
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  self->panning = self->space || button == GDK_BUTTON_MIDDLE;
  self->pan_x = self->pan_y = 0;
  if (self->panning)
    update_cursor (self);
  else
    {
      ImageBrushPoint point = point_at (self, event, x, y);
      gboolean opposite = (state & GDK_CONTROL_MASK) != 0;

      if (is_eraser (event) && !app_mask_editor_takes_away (self->editor))
        opposite = TRUE;
      app_mask_editor_begin (self->editor, &point, opposite);
    }
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, AppMaskView *self)
{
  GdkEvent *event
      = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (gesture));
  double x, y;

  gtk_gesture_drag_get_start_point (gesture, &x, &y);
  self->x = x + dx;
  self->y = y + dy;
  if (self->panning)
    {
      app_canvas_pan (self->canvas, dx - self->pan_x, dy - self->pan_y);
      self->pan_x = dx;
      self->pan_y = dy;
      return;
    }
  add_history (self, event);
  ImageBrushPoint point = point_at (self, event, x + dx, y + dy);
  app_mask_editor_move (self->editor, &point);
}

static void
on_drag_end (GtkGestureDrag *gesture, double dx, double dy, AppMaskView *self)
{
  if (self->panning)
    {
      self->panning = FALSE;
      update_cursor (self);
      return;
    }
  app_mask_editor_end (self->editor);
}

static void
on_drag_cancel (GtkGesture *gesture, GdkEventSequence *sequence, AppMaskView *self)
{
  self->panning = FALSE;
  app_mask_editor_cancel (self->editor);
  update_cursor (self);
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, AppMaskView *self)
{
  gboolean entered = !self->inside;

  self->x = x;
  self->y = y;
  self->inside = TRUE;
  if (entered)
    update_cursor (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_pointer_left (GtkEventControllerMotion *controller, AppMaskView *self)
{
  self->inside = FALSE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
resize (AppMaskView *self, double by)
{
  double size = app_mask_editor_get_size (self->editor) * by;

  /* By a whole pixel at least: or small brushes would stay as they are. */
  app_mask_editor_set_size (self->editor, by > 1 ? ceil (size) : floor (size));
}

static gboolean
on_scroll (GtkEventControllerScroll *scroll, double dx, double dy, AppMaskView *self)
{
  GdkModifierType state
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (scroll));

  if (dy == 0)
    return GDK_EVENT_PROPAGATE;
  if ((state & GDK_CONTROL_MASK) != 0)
    resize (self, dy < 0 ? 1.15 : 1 / 1.15);
  else
    app_canvas_zoom_at (self->canvas,
                        app_canvas_get_scale (self->canvas) * pow (2, -dy / 4), self->x,
                        self->y);
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, AppMaskView *self)
{
  /* Two fingers never paint. */
  app_mask_editor_cancel (self->editor);
  self->pinch_scale = app_canvas_get_scale (self->canvas);
}

static void
on_pinch (GtkGestureZoom *gesture, double factor, AppMaskView *self)
{
  double x, y;

  if (gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y))
    app_canvas_zoom_at (self->canvas, self->pinch_scale * factor, x, y);
}

/* ---- keys ---- */

static gboolean
is_letter (GtkEventControllerKey *controller, guint key, guint letter)
{
  GdkEvent *event
      = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (controller));

  return gdk_keyval_to_lower (key) == letter
         || (event != NULL
             && gdk_key_event_matches (event, letter, 0) != GDK_KEY_MATCH_NONE);
}

static gboolean
tool_key (AppMaskView *self, GtkEventControllerKey *controller, guint key)
{
  static const guint letters[APP_N_MASK_TOOLS]
      = { GDK_KEY_b, GDK_KEY_e, GDK_KEY_l, GDK_KEY_r };

  for (guint i = 0; i < APP_N_MASK_TOOLS; i++)
    if (is_letter (controller, key, letters[i]))
      {
        app_mask_editor_set_tool (self->editor, i);
        return TRUE;
      }
  if (!is_letter (controller, key, GDK_KEY_x))
    return FALSE;
  app_mask_editor_swap (self->editor);
  return TRUE;
}

static gboolean
plain_key (AppMaskView *self, GtkEventControllerKey *controller, guint key)
{
  double hardness = app_mask_editor_get_hardness (self->editor);

  switch (key)
    {
    case GDK_KEY_bracketleft:
      resize (self, 1 / 1.15);
      return TRUE;
    case GDK_KEY_bracketright:
      resize (self, 1.15);
      return TRUE;
    case GDK_KEY_braceleft:
      app_mask_editor_set_hardness (self->editor, hardness - 0.1);
      return TRUE;
    case GDK_KEY_braceright:
      app_mask_editor_set_hardness (self->editor, hardness + 0.1);
      return TRUE;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      app_canvas_zoom_step (self->canvas, TRUE);
      return TRUE;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      app_canvas_zoom_step (self->canvas, FALSE);
      return TRUE;
    case GDK_KEY_Delete:
    case GDK_KEY_KP_Delete:
      app_mask_editor_clear (self->editor);
      return TRUE;
    case GDK_KEY_space:
      self->space = TRUE;
      update_cursor (self);
      return TRUE;
    default:
      return tool_key (self, controller, key);
    }
}

static gboolean
on_key (GtkEventControllerKey *controller,
        guint key,
        guint code,
        GdkModifierType state,
        AppMaskView *self)
{
  state &= gtk_accelerator_get_default_mod_mask ();
  if (state == GDK_CONTROL_MASK && is_letter (controller, key, GDK_KEY_i))
    {
      app_mask_editor_invert (self->editor);
      return GDK_EVENT_STOP;
    }
  if (key == GDK_KEY_Escape && state == 0)
    {
      g_signal_emit (self, leave_signal, 0);
      return GDK_EVENT_STOP;
    }
  if ((state & ~GDK_SHIFT_MASK) != 0)
    return GDK_EVENT_PROPAGATE;
  return plain_key (self, controller, key) ? GDK_EVENT_STOP : GDK_EVENT_PROPAGATE;
}

static void
release_space (AppMaskView *self)
{
  self->space = FALSE;
  update_cursor (self);
}

static void
on_key_up (GtkEventControllerKey *controller,
           guint key,
           guint code,
           GdkModifierType state,
           AppMaskView *self)
{
  if (key == GDK_KEY_space)
    release_space (self);
}

/* ---- life ---- */

static void
app_mask_view_dispose (GObject *object)
{
  AppMaskView *self = APP_MASK_VIEW (object);

  g_clear_object (&self->canvas);
  g_clear_object (&self->editor);
  g_clear_pointer (&self->tiles, app_mask_tiles_free);
  G_OBJECT_CLASS (app_mask_view_parent_class)->dispose (object);
}

static void
app_mask_view_class_init (AppMaskViewClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = app_mask_view_dispose;
  widget_class->snapshot = app_mask_view_snapshot;
  gtk_widget_class_set_css_name (widget_class, "canvas");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
  leave_signal = g_signal_new ("leave", APP_TYPE_MASK_VIEW, G_SIGNAL_RUN_LAST, 0, NULL,
                               NULL, NULL, G_TYPE_NONE, 0);
}

static void
add_drag (AppMaskView *self, guint button)
{
  GtkGesture *drag = gtk_gesture_drag_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (drag), button);
  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect (drag, "drag-end", G_CALLBACK (on_drag_end), self);
  g_signal_connect (drag, "cancel", G_CALLBACK (on_drag_cancel), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drag));
}

static void
app_mask_view_init (AppMaskView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *scroll
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
  GtkEventController *keys = gtk_event_controller_key_new (),
                     *focus = gtk_event_controller_focus_new ();
  GtkGesture *pinch = gtk_gesture_zoom_new ();

  self->tiles = app_mask_tiles_new ();
  gtk_widget_set_focusable (widget, TRUE);
  gtk_widget_set_overflow (widget, GTK_OVERFLOW_HIDDEN);
  g_signal_connect (motion, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect (motion, "leave", G_CALLBACK (on_pointer_left), self);
  g_signal_connect (scroll, "scroll", G_CALLBACK (on_scroll), self);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  g_signal_connect (keys, "key-released", G_CALLBACK (on_key_up), self);
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (release_space), self);
  g_signal_connect (pinch, "begin", G_CALLBACK (on_pinch_begin), self);
  g_signal_connect (pinch, "scale-changed", G_CALLBACK (on_pinch), self);
  gtk_widget_add_controller (widget, motion);
  gtk_widget_add_controller (widget, scroll);
  gtk_widget_add_controller (widget, keys);
  gtk_widget_add_controller (widget, focus);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (pinch));
  add_drag (self, GDK_BUTTON_PRIMARY);
  add_drag (self, GDK_BUTTON_MIDDLE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Mask: what is made anew"), -1);
}

GtkWidget *
app_mask_view_new (AppCanvas *canvas, AppMaskEditor *editor)
{
  AppMaskView *self = g_object_new (APP_TYPE_MASK_VIEW, NULL);

  self->canvas = g_object_ref (canvas);
  self->editor = g_object_ref (editor);
  g_signal_connect_object (editor, "changed", G_CALLBACK (on_changed), self, 0);
  g_signal_connect_object (editor, "edited", G_CALLBACK (gtk_widget_queue_draw), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (editor, "tool-changed", G_CALLBACK (update_cursor), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (canvas, "view-changed", G_CALLBACK (update_cursor), self,
                           G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
