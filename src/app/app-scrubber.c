/* app-scrubber.c: see app-scrubber.h

Drawn and not mirrored: time runs from left to right like a film's in every language, so
the arrow keys are not swapped either. Keys: ← → a step, Home End the ends; End goes on to
the parent too, which may have something newer to show than this picture's last step.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-scrubber.h"

#include "app/app-ink.h"

#include <glib/gi18n.h>

#define MARGIN 8
#define KNOB 7
#define THUMBNAIL 128

struct _AppScrubber
{
  GtkWidget parent_instance;

  guint total, done, position;
  GPtrArray *thumbnails; /* GdkTexture or NULL, by step − 1 */
  GtkWidget *popover, *picture, *caption;
};

G_DEFINE_TYPE (AppScrubber, app_scrubber, GTK_TYPE_WIDGET)

enum
{
  SIGNAL_POSITION_CHANGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

static double
step_x (AppScrubber *self, guint step)
{
  double w = gtk_widget_get_width (GTK_WIDGET (self)) - 2 * MARGIN;

  return MARGIN + (self->total > 1 ? w * (step - 1.0) / (self->total - 1.0) : w);
}

static guint
step_at (AppScrubber *self, double x)
{
  double w = gtk_widget_get_width (GTK_WIDGET (self)) - 2 * MARGIN;
  double at = self->total > 1 && w > 0 ? 1.5 + (x - MARGIN) / w * (self->total - 1.0) : 1;

  return (guint) CLAMP (at, 1.0, (double) MAX (self->done, 1));
}

static void
update_accessible (AppScrubber *self)
{
  g_autofree char *text
      = g_strdup_printf (_ ("Step %u of %u"), self->position, self->total);

  gtk_accessible_update_property (
      GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_VALUE_MIN,
      self->done > 0 ? 1.0 : 0.0, GTK_ACCESSIBLE_PROPERTY_VALUE_MAX, (double) self->total,
      GTK_ACCESSIBLE_PROPERTY_VALUE_NOW, (double) self->position,
      GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, text, -1);
}

void
app_scrubber_set_steps (AppScrubber *self, guint total, guint done)
{
  gboolean live = app_scrubber_is_live (self);

  self->total = total;
  self->done = MIN (done, total);
  g_ptr_array_set_size (self->thumbnails, (int) total);
  if (live || self->position > self->done)
    self->position = self->done;
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

guint
app_scrubber_get_position (AppScrubber *self)
{
  return self->position;
}

/* Of a run that was begun in another life the first steps are not there any more. */
static guint
first_step (AppScrubber *self)
{
  guint step = self->done;

  while (step > 1 && self->thumbnails->pdata[step - 2] != NULL)
    step--;
  return step;
}

void
app_scrubber_set_position (AppScrubber *self, guint position)
{
  position = self->done == 0 ? 0 : CLAMP (position, first_step (self), self->done);
  if (position == self->position)
    return;
  self->position = position;
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_POSITION_CHANGED], 0, position);
}

gboolean
app_scrubber_is_live (AppScrubber *self)
{
  return self->position == self->done;
}

void
app_scrubber_set_thumbnail (AppScrubber *self, guint step, GdkTexture *texture)
{
  g_return_if_fail (step >= 1);

  if (step > self->thumbnails->len)
    g_ptr_array_set_size (self->thumbnails, (int) step);
  if (self->thumbnails->pdata[step - 1] != NULL)
    g_object_unref (self->thumbnails->pdata[step - 1]);
  self->thumbnails->pdata[step - 1] = texture != NULL ? g_object_ref (texture) : NULL;
}

void
app_scrubber_clear (AppScrubber *self)
{
  g_ptr_array_set_size (self->thumbnails, 0);
  self->position = self->done = 0;
  app_scrubber_set_steps (self, 0, 0);
}

/* ---- drawing ---- */

static void
app_scrubber_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  AppScrubber *self = APP_SCRUBBER (widget);
  int h = gtk_widget_get_height (widget), w = gtk_widget_get_width (widget);
  GdkRGBA color, faint;

  app_ink_get (widget, APP_INK_DATA, &color);
  if (!gtk_widget_is_sensitive (widget))
    color.alpha *= 0.5f;
  faint = color;
  faint.alpha *= 0.25f;
  gtk_snapshot_append_color (
      snapshot, &faint,
      &GRAPHENE_RECT_INIT (MARGIN, h / 2.0f - 1.5f, w - 2.0f * MARGIN, 3));
  if (self->total == 0)
    return;
  if (self->done > 0)
    gtk_snapshot_append_color (
        snapshot, &color,
        &GRAPHENE_RECT_INIT (MARGIN, h / 2.0f - 1.5f,
                             (float) step_x (self, self->done) - MARGIN, 3));
  /* Ticks closer than 5 px would be a grey bar. */
  if ((w - 2 * MARGIN) / (double) self->total >= 5)
    for (guint step = 1; step <= self->total; step++)
      gtk_snapshot_append_color (
          snapshot, step <= self->done ? &color : &faint,
          &GRAPHENE_RECT_INIT ((float) step_x (self, step) - 0.5f, h / 2.0f - 5, 1, 10));
  if (self->position > 0)
    {
      GskRoundedRect knob;
      float x = (float) step_x (self, self->position);

      gsk_rounded_rect_init_from_rect (
          &knob, &GRAPHENE_RECT_INIT (x - KNOB, h / 2.0f - KNOB, 2 * KNOB, 2 * KNOB),
          KNOB);
      gtk_snapshot_push_rounded_clip (snapshot, &knob);
      gtk_snapshot_append_color (snapshot, &color, &knob.bounds);
      gtk_snapshot_pop (snapshot);
    }
}

static void
app_scrubber_measure (GtkWidget *widget,
                      GtkOrientation orientation,
                      int for_size,
                      int *minimum,
                      int *natural,
                      int *minimum_baseline,
                      int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 80 : 28;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 320 : 28;
  *minimum_baseline = *natural_baseline = -1;
}

static void
app_scrubber_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  gtk_popover_present (GTK_POPOVER (APP_SCRUBBER (widget)->popover));
}

/* ---- pointer and keys ---- */

static void
hover (AppScrubber *self, double x)
{
  guint step = step_at (self, x);
  GdkTexture *texture
      = step <= self->thumbnails->len ? self->thumbnails->pdata[step - 1] : NULL;

  if (self->done == 0 || texture == NULL)
    {
      gtk_popover_popdown (GTK_POPOVER (self->popover));
      return;
    }
  g_autofree char *text = g_strdup_printf (_ ("Step %u"), step);
  gtk_label_set_text (GTK_LABEL (self->caption), text);
  gtk_image_set_from_paintable (GTK_IMAGE (self->picture), GDK_PAINTABLE (texture));
  gtk_popover_set_pointing_to (GTK_POPOVER (self->popover),
                               &(GdkRectangle){ (int) step_x (self, step), 0, 1, 1 });
  gtk_popover_popup (GTK_POPOVER (self->popover));
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, AppScrubber *self)
{
  hover (self, x);
}

static void
on_leave (GtkEventControllerMotion *controller, AppScrubber *self)
{
  gtk_popover_popdown (GTK_POPOVER (self->popover));
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, AppScrubber *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
  app_scrubber_set_position (self, step_at (self, x));
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, AppScrubber *self)
{
  double x, y;

  if (gtk_gesture_drag_get_start_point (gesture, &x, &y))
    app_scrubber_set_position (self, step_at (self, x + dx));
}

static gboolean
on_key (GtkEventControllerKey *controller,
        guint key,
        guint code,
        GdkModifierType state,
        AppScrubber *self)
{
  if ((state & gtk_accelerator_get_default_mod_mask ()) != 0 || self->done == 0)
    return GDK_EVENT_PROPAGATE;
  switch (key)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      app_scrubber_set_position (self, MAX (self->position, 2) - 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      app_scrubber_set_position (self, self->position + 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Home:
      app_scrubber_set_position (self, 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_End:
      app_scrubber_set_position (self, self->done);
      return GDK_EVENT_PROPAGATE;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static void
app_scrubber_dispose (GObject *object)
{
  AppScrubber *self = APP_SCRUBBER (object);

  g_clear_pointer (&self->popover, gtk_widget_unparent);
  g_clear_pointer (&self->thumbnails, g_ptr_array_unref);
  G_OBJECT_CLASS (app_scrubber_parent_class)->dispose (object);
}

static void
app_scrubber_class_init (AppScrubberClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = app_scrubber_dispose;
  widget_class->snapshot = app_scrubber_snapshot;
  widget_class->measure = app_scrubber_measure;
  widget_class->size_allocate = app_scrubber_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "scrubber");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_SLIDER);
  signals[SIGNAL_POSITION_CHANGED]
      = g_signal_new ("position-changed", APP_TYPE_SCRUBBER, G_SIGNAL_RUN_LAST, 0, NULL,
                      NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
}

static void
unref_if_any (gpointer object)
{
  if (object != NULL)
    g_object_unref (object);
}

static void
make_popover (AppScrubber *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 4);

  self->popover = gtk_popover_new ();
  gtk_widget_set_parent (self->popover, GTK_WIDGET (self));
  gtk_popover_set_autohide (GTK_POPOVER (self->popover), FALSE);
  gtk_popover_set_position (GTK_POPOVER (self->popover), GTK_POS_TOP);
  gtk_widget_set_can_target (self->popover, FALSE);
  self->picture = gtk_image_new ();
  gtk_image_set_pixel_size (GTK_IMAGE (self->picture), THUMBNAIL);
  self->caption = gtk_label_new (NULL);
  gtk_widget_add_css_class (self->caption, "numeric");
  gtk_box_append (GTK_BOX (box), self->picture);
  gtk_box_append (GTK_BOX (box), self->caption);
  gtk_popover_set_child (GTK_POPOVER (self->popover), box);
}

static void
app_scrubber_init (AppScrubber *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkGesture *drag = gtk_gesture_drag_new ();

  self->thumbnails = g_ptr_array_new_with_free_func (unref_if_any);
  gtk_widget_set_focusable (widget, TRUE);
  gtk_widget_set_hexpand (widget, TRUE);
  g_signal_connect (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect (motion, "leave", G_CALLBACK (on_leave), self);
  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (widget, motion);
  gtk_widget_add_controller (widget, keys);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (drag));
  make_popover (self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Steps of the picture"), -1);
  update_accessible (self);
}

GtkWidget *
app_scrubber_new (void)
{
  return g_object_new (APP_TYPE_SCRUBBER, NULL);
}
