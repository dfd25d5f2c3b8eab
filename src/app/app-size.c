/* app-size.c: see app-size.h

Proportions are buttons with their outline drawn, each of about the area that the model
was made for, since models draw doubled things far above it. Typed numbers are mended to
multiples of 8, and a caption says so.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-size.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-compat.h"

#define SMALLEST 64
#define LARGEST 2048
#define OUTLINE 28

struct _AppSize
{
  GtkPopover parent_instance;

  GtkWidget *grid, *width, *height, *caption;
  GtkWidget *buttons[7];
  guint shown_width, shown_height, base_width, base_height;
  gboolean filling;
};

G_DEFINE_FINAL_TYPE (AppSize, app_size, GTK_TYPE_POPOVER)

static const struct
{
  guint w, h;
} proportions[7]
    = { { 1, 1 }, { 4, 3 }, { 3, 2 }, { 16, 9 }, { 3, 4 }, { 2, 3 }, { 9, 16 } };

static guint chosen_signal;

char *
app_size_text (guint width, guint height)
{
  return g_strdup_printf ("\u2066%u × %u\u2069", width, height);
}

guint
app_size_snap (double pixels)
{
  return (guint) CLAMP (8 * floor (pixels / 8 + 0.5), SMALLEST, LARGEST);
}

static void
proportioned (AppSize *self, guint i, guint *width, guint *height)
{
  double area = (double) self->base_width * self->base_height;
  double ratio = (double) proportions[i].w / proportions[i].h;

  *width = app_size_snap (sqrt (area * ratio));
  *height = app_size_snap (sqrt (area / ratio));
}

static void
choose (AppSize *self, guint width, guint height)
{
  if (width == self->shown_width && height == self->shown_height)
    return;
  gtk_label_set_text (GTK_LABEL (self->caption), ""); /* it is about what was typed */
  g_signal_emit (self, chosen_signal, 0, width, height);
}

static void
on_proportion (GtkButton *button, AppSize *self)
{
  guint width, height;

  for (guint i = 0; i < G_N_ELEMENTS (proportions); i++)
    if (self->buttons[i] == GTK_WIDGET (button))
      {
        proportioned (self, i, &width, &height);
        choose (self, width, height);
      }
}

static void
on_swap (GtkButton *button, AppSize *self)
{
  choose (self, self->shown_height, self->shown_width);
}

/* What was typed, mended, with a word about the mending. */
static void
take_typed (AppSize *self, GtkSpinButton *spin)
{
  double typed = gtk_spin_button_get_value (spin);
  guint snapped = app_size_snap (typed);

  if (self->filling)
    return;
  choose (self, app_size_snap (gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->width))),
          app_size_snap (gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->height))));
  if (fabs (typed - snapped) > 0.5)
    {
      g_autofree char *text = g_strdup_printf ("\u2066%.0f → %u\u2069", typed, snapped);

      gtk_label_set_text (GTK_LABEL (self->caption), text);
      app_compat_announce (GTK_WIDGET (self), text);
    }
  self->filling = TRUE;
  gtk_spin_button_set_value (spin, snapped);
  self->filling = FALSE;
}

static void
draw_outline (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  double ratio = (double) proportions[i].w / proportions[i].h;
  double w = ratio >= 1 ? OUTLINE - 2 : (OUTLINE - 2) * ratio, h = w / ratio;
  GdkRGBA color;

  app_compat_get_color (GTK_WIDGET (area), &color);
  gdk_cairo_set_source_rgba (cr, &color);
  cairo_set_line_width (cr, 1.5);
  cairo_rectangle (cr, round ((width - w) / 2) + 0.5, round ((height - h) / 2) + 0.5,
                   round (w) - 1, round (h) - 1);
  cairo_stroke (cr);
}

static GtkWidget *
make_proportion (AppSize *self, guint i)
{
  GtkWidget *button = gtk_button_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 4);
  GtkWidget *outline = gtk_drawing_area_new ();
  g_autofree char *text
      = g_strdup_printf ("\u2066%u:%u\u2069", proportions[i].w, proportions[i].h);
  GtkWidget *label = gtk_label_new (text);

  gtk_drawing_area_set_content_width (GTK_DRAWING_AREA (outline), OUTLINE);
  gtk_drawing_area_set_content_height (GTK_DRAWING_AREA (outline), OUTLINE);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (outline), draw_outline,
                                  GUINT_TO_POINTER (i), NULL);
  gtk_widget_add_css_class (label, "caption");
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (box), outline);
  gtk_box_append (GTK_BOX (box), label);
  gtk_button_set_child (GTK_BUTTON (button), box);
  gtk_widget_add_css_class (button, "flat");
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  text, -1);
  g_signal_connect (button, "clicked", G_CALLBACK (on_proportion), self);
  return button;
}

static GtkWidget *
make_spin (AppSize *self, const char *name)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (SMALLEST, LARGEST, 8);

  gtk_spin_button_set_snap_to_ticks (GTK_SPIN_BUTTON (spin), FALSE);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 5);
  gtk_accessible_update_property (GTK_ACCESSIBLE (spin), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  g_signal_connect_swapped (spin, "value-changed", G_CALLBACK (take_typed), self);
  return spin;
}

void
app_size_set (
    AppSize *self, guint width, guint height, guint base_width, guint base_height)
{
  self->filling = TRUE;
  self->shown_width = width;
  self->shown_height = height;
  self->base_width = base_width;
  self->base_height = base_height;
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->width), width);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->height), height);
  for (guint i = 0; i < G_N_ELEMENTS (proportions); i++)
    {
      guint w, h;
      g_autofree char *text = NULL;

      proportioned (self, i, &w, &h);
      text = app_size_text (w, h);
      gtk_widget_set_tooltip_text (self->buttons[i], text);
      if (w == width && h == height)
        gtk_widget_add_css_class (self->buttons[i], "app-chosen");
      else
        gtk_widget_remove_css_class (self->buttons[i], "app-chosen");
    }
  self->filling = FALSE;
}

static void
app_size_closed (GtkPopover *popover)
{
  gtk_label_set_text (GTK_LABEL (APP_SIZE (popover)->caption), "");
}

static void
app_size_class_init (AppSizeClass *class)
{
  GTK_POPOVER_CLASS (class)->closed = app_size_closed;
  chosen_signal = g_signal_new ("chosen", APP_TYPE_SIZE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_UINT);
}

static void
app_size_init (AppSize *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12),
            *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *swap = gtk_button_new_from_icon_name ("object-flip-horizontal-symbolic");

  self->grid = gtk_grid_new ();
  gtk_widget_set_halign (self->grid, GTK_ALIGN_CENTER);
  for (guint i = 0; i < G_N_ELEMENTS (proportions); i++)
    {
      self->buttons[i] = make_proportion (self, i);
      /* The square stands before the wide ones and, below them, the same upright. */
      gtk_grid_attach (GTK_GRID (self->grid), self->buttons[i],
                       i < 4 ? (int) i : (int) i - 3, i < 4 ? 0 : 1, 1, i == 0 ? 2 : 1);
    }
  self->width = make_spin (self, _ ("Width"));
  self->height = make_spin (self, _ ("Height"));
  self->caption = gtk_label_new ("");
  gtk_widget_add_css_class (self->caption, "caption");
  gtk_widget_set_tooltip_text (swap, _ ("Swap width and height"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (swap), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Swap width and height"), -1);
  g_signal_connect (swap, "clicked", G_CALLBACK (on_swap), self);
  gtk_box_append (GTK_BOX (row), self->width);
  gtk_box_append (GTK_BOX (row), swap);
  gtk_box_append (GTK_BOX (row), self->height);
  /* Width stands before height in every language, as in "512 × 768". */
  gtk_widget_set_direction (row, GTK_TEXT_DIR_LTR);
  gtk_box_append (GTK_BOX (box), self->grid);
  gtk_box_append (GTK_BOX (box), row);
  gtk_box_append (GTK_BOX (box), self->caption);
  gtk_popover_set_child (GTK_POPOVER (self), box);
}

GtkWidget *
app_size_new (void)
{
  return g_object_new (APP_TYPE_SIZE, NULL);
}
