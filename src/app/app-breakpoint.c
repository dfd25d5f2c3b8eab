/* app-breakpoint.c: a container that may be narrower than its child and says so
 *
 * GTK never gives a window less room than its content's minimum, so a wide layout could
 * not be dragged narrow enough to become the narrow one. This container asks for little,
 * and when it gets less than 720 px (times the text scale) it notifies "narrow" from an
 * idle, after which the window rearranges itself. For the one frame between, the child
 * is clipped. The narrow layout's own minimum holds.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-breakpoint.h"

#define NARROW_WIDTH 720
#define SMALLEST_WIDTH 360
#define SMALLEST_HEIGHT 320

struct _AppBreakpoint
{
  GtkWidget parent_instance;
  GtkWidget *child;
  gboolean narrow, narrow_seen;
  guint idle;
};

enum
{
  PROP_0,
  PROP_CHILD,
  PROP_NARROW,
  N_PROPS
};
static GParamSpec *properties[N_PROPS];

static void app_breakpoint_buildable_init (GtkBuildableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppBreakpoint,
                               app_breakpoint,
                               GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_BUILDABLE,
                                                      app_breakpoint_buildable_init))

static gboolean
on_idle (gpointer user_data)
{
  AppBreakpoint *self = user_data;

  self->idle = 0;
  if (self->narrow != self->narrow_seen)
    {
      self->narrow = self->narrow_seen;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NARROW]);
    }
  return G_SOURCE_REMOVE;
}

static void
app_breakpoint_measure (GtkWidget *widget,
                        GtkOrientation orientation,
                        int for_size,
                        int *minimum,
                        int *natural,
                        int *minimum_baseline,
                        int *natural_baseline)
{
  AppBreakpoint *self = APP_BREAKPOINT (widget);

  *minimum = *natural = 0;
  if (self->child != NULL)
    {
      if (orientation == GTK_ORIENTATION_VERTICAL && for_size >= 0)
        {
          int needs;
          gtk_widget_measure (self->child, GTK_ORIENTATION_HORIZONTAL, -1, &needs, NULL,
                              NULL, NULL);
          for_size = MAX (for_size, needs);
        }
      gtk_widget_measure (self->child, orientation, for_size, minimum, natural, NULL,
                          NULL);
    }
  if (orientation == GTK_ORIENTATION_VERTICAL)
    *minimum = MIN (*minimum, SMALLEST_HEIGHT);
  else if (!self->narrow)
    *minimum = MIN (*minimum, SMALLEST_WIDTH);
}

double
app_breakpoint_text_scale (GtkWidget *widget)
{
  int dpi;

  g_object_get (gtk_widget_get_settings (widget), "gtk-xft-dpi", &dpi, NULL);
  return dpi > 0 ? dpi / 1024.0 / 96.0 : 1.0;
}

static void
app_breakpoint_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  AppBreakpoint *self = APP_BREAKPOINT (widget);
  int needs_width, needs_height;

  self->narrow_seen = width < NARROW_WIDTH * app_breakpoint_text_scale (widget);
  if (self->narrow_seen != self->narrow && self->idle == 0)
    self->idle = g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_idle, self, NULL);
  if (self->child == NULL)
    return;
  gtk_widget_measure (self->child, GTK_ORIENTATION_HORIZONTAL, -1, &needs_width, NULL,
                      NULL, NULL);
  width = MAX (width, needs_width);
  gtk_widget_measure (self->child, GTK_ORIENTATION_VERTICAL, width, &needs_height, NULL,
                      NULL, NULL);
  gtk_widget_allocate (self->child, width, MAX (height, needs_height), baseline, NULL);
}

static void
app_breakpoint_add_child (GtkBuildable *buildable,
                          GtkBuilder *builder,
                          GObject *child,
                          const char *type)
{
  g_object_set (buildable, "child", child, NULL);
}

static void
app_breakpoint_buildable_init (GtkBuildableIface *iface)
{
  iface->add_child = app_breakpoint_add_child;
}

static void
app_breakpoint_set_property (GObject *object,
                             guint id,
                             const GValue *value,
                             GParamSpec *pspec)
{
  AppBreakpoint *self = APP_BREAKPOINT (object);

  g_clear_pointer (&self->child, gtk_widget_unparent);
  self->child = g_value_get_object (value);
  if (self->child != NULL)
    gtk_widget_set_parent (self->child, GTK_WIDGET (self));
}

static void
app_breakpoint_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  AppBreakpoint *self = APP_BREAKPOINT (object);

  if (id == PROP_CHILD)
    g_value_set_object (value, self->child);
  else
    g_value_set_boolean (value, self->narrow);
}

static void
app_breakpoint_dispose (GObject *object)
{
  AppBreakpoint *self = APP_BREAKPOINT (object);

  g_clear_handle_id (&self->idle, g_source_remove);
  g_clear_pointer (&self->child, gtk_widget_unparent);
  G_OBJECT_CLASS (app_breakpoint_parent_class)->dispose (object);
}

static void
app_breakpoint_class_init (AppBreakpointClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_breakpoint_dispose;
  object_class->set_property = app_breakpoint_set_property;
  object_class->get_property = app_breakpoint_get_property;
  widget_class->measure = app_breakpoint_measure;
  widget_class->size_allocate = app_breakpoint_size_allocate;
  properties[PROP_CHILD] = g_param_spec_object (
      "child", NULL, NULL, GTK_TYPE_WIDGET, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_NARROW] = g_param_spec_boolean (
      "narrow", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
app_breakpoint_init (AppBreakpoint *self)
{
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

gboolean
app_breakpoint_get_narrow (AppBreakpoint *self)
{
  g_return_val_if_fail (APP_IS_BREAKPOINT (self), FALSE);
  return self->narrow;
}
