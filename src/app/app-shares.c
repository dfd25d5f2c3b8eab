/* app-shares.c: how a whole is made up of parts: a stacked bar with its legend
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-shares.h"

#include <glib/gi18n.h>

#include "app/app-ink.h"
#include "app/app-wrap.h"
#include "app/app-tooltip.h"

#define MOST 6
#define BAR_HEIGHT 16
#define GAP 2

/* One ink in steps of its strength: parts of one whole, not several series. */
static const float strengths[MOST] = { 1.0f, 0.72f, 0.5f, 0.36f, 0.25f, 0.16f };

/* ---- a coloured rectangle: the whole bar, or a swatch of the legend ---- */

#define APP_TYPE_SHARE_BAR (app_share_bar_get_type ())
G_DECLARE_FINAL_TYPE (AppShareBar, app_share_bar, APP, SHARE_BAR, GtkWidget)

struct _AppShareBar
{
  GtkWidget parent_instance;
  guint64 bytes[MOST];
  guint n;
  int swatch; /* −1: the bar */
};

G_DEFINE_FINAL_TYPE (AppShareBar, app_share_bar, GTK_TYPE_WIDGET)

static void
app_share_bar_measure (GtkWidget *widget,
                       GtkOrientation orientation,
                       int for_size,
                       int *minimum,
                       int *natural,
                       int *minimum_baseline,
                       int *natural_baseline)
{
  AppShareBar *self = APP_SHARE_BAR (widget);
  int size = self->swatch >= 0 ? 10 : BAR_HEIGHT;

  if (orientation == GTK_ORIENTATION_HORIZONTAL && self->swatch < 0)
    {
      *minimum = 80;
      *natural = 320;
      return;
    }
  *minimum = *natural = size;
}

static void
fill (GtkWidget *widget, GtkSnapshot *snapshot, int strength, float x, float width)
{
  GdkRGBA ink;

  app_ink_get (widget, APP_INK_DATA, &ink);
  ink.alpha = strengths[strength];
  gtk_snapshot_append_color (
      snapshot, &ink,
      &GRAPHENE_RECT_INIT (x, 0, width, (float) gtk_widget_get_height (widget)));
}

static void
app_share_bar_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  AppShareBar *self = APP_SHARE_BAR (widget);
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  float width = (float) gtk_widget_get_width (widget), x = 0, room;
  guint64 total = 0;

  if (self->swatch >= 0)
    {
      fill (widget, snapshot, self->swatch, 0, width);
      return;
    }
  for (guint i = 0; i < self->n; i++)
    total += self->bytes[i];
  room = width - GAP * (float) (self->n > 0 ? self->n - 1 : 0);
  for (guint i = 0; i < self->n && total > 0; i++)
    {
      float part = room * (float) ((double) self->bytes[i] / (double) total);
      part = MAX (part, 1);
      fill (widget, snapshot, (int) i, rtl ? width - x - part : x, part);
      x += part + GAP;
    }
}

static void
app_share_bar_class_init (AppShareBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->measure = app_share_bar_measure;
  widget_class->snapshot = app_share_bar_snapshot;
  gtk_widget_class_set_css_name (widget_class, "share");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
app_share_bar_init (AppShareBar *self)
{
  self->swatch = -1;
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

/* ---- title, bar and legend ---- */

struct _AppShares
{
  GtkWidget parent_instance;
  GtkWidget *title, *legend;
  AppShareBar *bar;
};

G_DEFINE_FINAL_TYPE (AppShares, app_shares, GTK_TYPE_WIDGET)

static void
append_legend (AppShares *self, int swatch, const char *label, guint64 bytes)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *name = gtk_label_new (label), *size;
  AppShareBar *mark
      = g_object_new (APP_TYPE_SHARE_BAR, "valign", GTK_ALIGN_CENTER, "accessible-role",
                      GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);
  g_autofree char *text = g_format_size (bytes);
  g_autofree char *exact = g_format_size_full (bytes, G_FORMAT_SIZE_LONG_FORMAT);

  mark->swatch = swatch;
  gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (name), 24);
  size = gtk_label_new (text);
  gtk_widget_add_css_class (size, "dim-label");
  gtk_widget_add_css_class (size, "numeric");
  app_tooltip_set (size, exact);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (mark));
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), size);
  app_wrap_append (APP_WRAP (self->legend), box);
}

static int
compare_shares (gconstpointer a, gconstpointer b)
{
  const AppShare *x = a, *y = b;

  return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

void
app_shares_set (AppShares *self, const AppShare *shares, guint n)
{
  g_autoptr (GArray) sorted = g_array_new (FALSE, FALSE, sizeof (AppShare));
  g_autoptr (GString) words = g_string_new (NULL);

  g_return_if_fail (APP_IS_SHARES (self));
  app_wrap_remove_all (APP_WRAP (self->legend));
  g_array_append_vals (sorted, shares, n);
  g_array_sort (sorted, compare_shares);
  self->bar->n = MIN (n, MOST);
  for (guint i = 0; i < self->bar->n; i++)
    {
      AppShare share = g_array_index (sorted, AppShare, i);
      g_autofree char *size = NULL;
      if (i == MOST - 1 && n > MOST)
        {
          share.label = _ ("Other");
          for (guint j = MOST; j < n; j++)
            share.bytes += g_array_index (sorted, AppShare, j).bytes;
        }
      size = g_format_size (share.bytes);
      self->bar->bytes[i] = share.bytes;
      append_legend (self, (int) i, share.label, share.bytes);
      g_string_append_printf (words, "%s%s %s", i > 0 ? ", " : "", share.label, size);
    }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, words->str, -1);
  gtk_widget_queue_draw (GTK_WIDGET (self->bar));
}

static void
app_shares_dispose (GObject *object)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (app_shares_parent_class)->dispose (object);
}

static void
app_shares_class_init (AppSharesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_shares_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass),
                                            GTK_TYPE_BOX_LAYOUT);
}

static void
app_shares_init (AppShares *self)
{
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));

  gtk_orientable_set_orientation (GTK_ORIENTABLE (layout), GTK_ORIENTATION_VERTICAL);
  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 6);
  self->title = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->title), 0);
  gtk_widget_add_css_class (self->title, "heading");
  self->bar = g_object_new (APP_TYPE_SHARE_BAR, NULL);
  gtk_widget_add_css_class (GTK_WIDGET (self->bar), "app-share-bar");
  self->legend = app_wrap_new (18, 3, FALSE);
  gtk_widget_set_parent (self->title, GTK_WIDGET (self));
  gtk_widget_set_parent (GTK_WIDGET (self->bar), GTK_WIDGET (self));
  gtk_widget_set_parent (self->legend, GTK_WIDGET (self));
}

GtkWidget *
app_shares_new (const char *title)
{
  AppShares *self = g_object_new (APP_TYPE_SHARES, NULL);

  gtk_label_set_label (GTK_LABEL (self->title), title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  return GTK_WIDGET (self);
}
