/* app-wrap.c: a box whose children go on in the next line where there is no room
 *
 * GtkFlowBox keeps a grid, makes its children focusable, and asks for the wrong height
 * when it does not fill its parent.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-wrap.h"

struct _AppWrap
{
  GtkWidget parent_instance;
  int spacing, line_spacing;
  gboolean equal, centered;
};

enum
{
  PROP_0,
  PROP_SPACING,
  PROP_LINE_SPACING,
  PROP_EQUAL,
  PROP_CENTERED,
  N_PROPS
};
static GParamSpec *properties[N_PROPS];

static GtkBuildableIface *parent_buildable;
static void app_wrap_buildable_init (GtkBuildableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppWrap,
                               app_wrap,
                               GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_BUILDABLE,
                                                      app_wrap_buildable_init))

static GtkWidget *
next_visible (GtkWidget *child)
{
  while (child != NULL && !gtk_widget_should_layout (child))
    child = gtk_widget_get_next_sibling (child);
  return child;
}

static int
width_of (GtkWidget *child, int most)
{
  int minimum, natural;

  gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, &natural, NULL,
                      NULL);
  return MAX (minimum, MIN (natural, most));
}

/* With equal children: how wide each is. */
static int
equal_width (AppWrap *self, int width)
{
  int widest = 1, n = 0, columns;

  for (GtkWidget *child = next_visible (gtk_widget_get_first_child (GTK_WIDGET (self)));
       child != NULL; child = next_visible (gtk_widget_get_next_sibling (child)))
    {
      widest = MAX (widest, width_of (child, width));
      n++;
    }
  columns = CLAMP ((width + self->spacing) / (widest + self->spacing), 1, MAX (n, 1));
  return (width - (columns - 1) * self->spacing) / columns;
}

/* Lays out the children of one line from @child on; returns the first of the next. */
static GtkWidget *
lay_line (AppWrap *self,
          GtkWidget *child,
          int width,
          int equal,
          int y,
          int *height,
          gboolean place)
{
  GtkWidget *end = child, *next;
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  int x = 0, used = 0;

  *height = 0;
  for (; end != NULL; end = next_visible (gtk_widget_get_next_sibling (end)))
    {
      int child_width = equal > 0 ? equal : width_of (end, width), child_height;
      if (end != child && used + self->spacing + child_width > width)
        break;
      used += (end != child ? self->spacing : 0) + child_width;
      gtk_widget_measure (end, GTK_ORIENTATION_VERTICAL, child_width, NULL, &child_height,
                          NULL, NULL);
      *height = MAX (*height, child_height);
    }
  if (!place)
    return end;
  x = self->centered ? (width - used) / 2 : 0;
  for (; child != end; child = next)
    {
      int child_width = equal > 0 ? equal : width_of (child, width);
      GtkAllocation allocation
          = { rtl ? width - x - child_width : x, y, child_width, *height };
      gtk_widget_size_allocate (child, &allocation, -1);
      x += child_width + self->spacing;
      next = next_visible (gtk_widget_get_next_sibling (child));
    }
  return end;
}

static int
lay_out (AppWrap *self, int width, gboolean place)
{
  GtkWidget *child = next_visible (gtk_widget_get_first_child (GTK_WIDGET (self)));
  int equal = self->equal ? equal_width (self, width) : 0, y = 0, height;

  while (child != NULL)
    {
      child = lay_line (self, child, width, equal, y, &height, place);
      y += height + (child != NULL ? self->line_spacing : 0);
    }
  return y;
}

static GtkSizeRequestMode
app_wrap_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
app_wrap_measure (GtkWidget *widget,
                  GtkOrientation orientation,
                  int for_size,
                  int *minimum,
                  int *natural,
                  int *minimum_baseline,
                  int *natural_baseline)
{
  AppWrap *self = APP_WRAP (widget);
  int least = 0, all = 0, n = 0;

  for (GtkWidget *child = next_visible (gtk_widget_get_first_child (widget));
       child != NULL; child = next_visible (gtk_widget_get_next_sibling (child)))
    {
      int child_minimum, child_natural;
      gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &child_minimum,
                          &child_natural, NULL, NULL);
      least = MAX (least, child_minimum);
      all += child_natural + (n++ > 0 ? self->spacing : 0);
    }
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = least;
      *natural = all;
    }
  else
    *minimum = *natural
        = lay_out (self, for_size >= 0 ? MAX (for_size, least) : all, FALSE);
}

static void
app_wrap_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  lay_out (APP_WRAP (widget), width, TRUE);
}

void
app_wrap_append (AppWrap *self, GtkWidget *child)
{
  g_return_if_fail (APP_IS_WRAP (self));
  gtk_widget_set_parent (child, GTK_WIDGET (self));
}

void
app_wrap_remove_all (AppWrap *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
}

static void
app_wrap_add_child (GtkBuildable *buildable,
                    GtkBuilder *builder,
                    GObject *child,
                    const char *type)
{
  if (GTK_IS_WIDGET (child))
    app_wrap_append (APP_WRAP (buildable), GTK_WIDGET (child));
  else
    parent_buildable->add_child (buildable, builder, child, type);
}

static void
app_wrap_buildable_init (GtkBuildableIface *iface)
{
  parent_buildable = g_type_interface_peek_parent (iface);
  iface->add_child = app_wrap_add_child;
}

static void
app_wrap_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  AppWrap *self = APP_WRAP (object);

  if (id == PROP_SPACING)
    self->spacing = g_value_get_int (value);
  else if (id == PROP_LINE_SPACING)
    self->line_spacing = g_value_get_int (value);
  else if (id == PROP_EQUAL)
    self->equal = g_value_get_boolean (value);
  else
    self->centered = g_value_get_boolean (value);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
app_wrap_dispose (GObject *object)
{
  app_wrap_remove_all (APP_WRAP (object));
  G_OBJECT_CLASS (app_wrap_parent_class)->dispose (object);
}

static void
app_wrap_class_init (AppWrapClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS;

  G_OBJECT_CLASS (klass)->dispose = app_wrap_dispose;
  G_OBJECT_CLASS (klass)->set_property = app_wrap_set_property;
  widget_class->get_request_mode = app_wrap_get_request_mode;
  widget_class->measure = app_wrap_measure;
  widget_class->size_allocate = app_wrap_size_allocate;
  properties[PROP_SPACING] = g_param_spec_int ("spacing", NULL, NULL, 0, 1000, 0, flags);
  properties[PROP_LINE_SPACING]
      = g_param_spec_int ("line-spacing", NULL, NULL, 0, 1000, 0, flags);
  properties[PROP_EQUAL] = g_param_spec_boolean ("equal", NULL, NULL, FALSE, flags);
  properties[PROP_CENTERED] = g_param_spec_boolean ("centered", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, properties);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
app_wrap_init (AppWrap *self)
{
}

GtkWidget *
app_wrap_new (int spacing, int line_spacing, gboolean equal)
{
  return g_object_new (APP_TYPE_WRAP, "spacing", spacing, "line-spacing", line_spacing,
                       "equal", equal, NULL);
}
