/* app-figures.c: the table of a tensor's statistics
 *
 * Three blocks that stand side by side where there is room. All rows are always there, so
 * that nothing moves while one goes from tensor to tensor.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-figures.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-format.h"
#include "app/app-wrap.h"
#include "app/app-tooltip.h"

typedef enum
{
  FIGURE_MIN,
  FIGURE_MAX,
  FIGURE_QUANTILE, /* + index */
  FIGURE_MEAN = FIGURE_QUANTILE + STATS_N_QUANTILES,
  FIGURE_STD,
  FIGURE_COUNT,
  FIGURE_ZERO,
  FIGURE_SUBNORMAL,
  FIGURE_NAN,
  FIGURE_INF,
  FIGURE_DISTINCT,
  FIGURE_ENTROPY,
} Figure;

static const struct
{
  guint block;
  Figure figure;
  const char *title;
} rows[] = {
  { 0, FIGURE_MIN, N_ ("Minimum") },
  { 0, FIGURE_QUANTILE + 1, N_ ("1 %") },
  { 0, FIGURE_QUANTILE + 3, N_ ("25 %") },
  { 0, FIGURE_QUANTILE + 4, N_ ("Median") },
  { 0, FIGURE_QUANTILE + 5, N_ ("75 %") },
  { 0, FIGURE_QUANTILE + 7, N_ ("99 %") },
  { 0, FIGURE_MAX, N_ ("Maximum") },
  { 1, FIGURE_MEAN, N_ ("Mean") },
  { 1, FIGURE_STD, N_ ("σ") },
  { 1, FIGURE_QUANTILE + 0, N_ ("0.1 %") },
  { 1, FIGURE_QUANTILE + 2, N_ ("5 %") },
  { 1, FIGURE_QUANTILE + 6, N_ ("95 %") },
  { 1, FIGURE_QUANTILE + 8, N_ ("99.9 %") },
  { 2, FIGURE_COUNT, N_ ("Values") },
  { 2, FIGURE_ZERO, N_ ("Zeros") },
  { 2, FIGURE_NAN, N_ ("NaN") },
  { 2, FIGURE_INF, N_ ("Infinite") },
  { 2, FIGURE_SUBNORMAL, N_ ("Subnormal") },
  { 2, FIGURE_DISTINCT, N_ ("Distinct") },
  { 2, FIGURE_ENTROPY, N_ ("Entropy") },
};

#define N_BLOCKS 3

struct _AppFigures
{
  GtkWidget parent_instance;
  GtkWidget *flow;
  GtkLabel *values[G_N_ELEMENTS (rows)];
};

G_DEFINE_FINAL_TYPE (AppFigures, app_figures, GTK_TYPE_WIDGET)

static char *
count_text (guint64 count, guint64 whole)
{
  g_autofree char *number = app_format_count (count);
  g_autofree char *share = app_format_percent (count, whole);
  g_autofree char *text = NULL;

  if (count == 0)
    return g_strdup (number);
  text = g_strdup_printf ("%s (%s)", number, share);
  return app_format_isolate (text);
}

/* The value as a number, where the figure is one of the values' kind. */
static gboolean
figure_value (const StatsSummary *summary, Figure figure, double *value)
{
  if (figure >= FIGURE_QUANTILE && figure < FIGURE_MEAN)
    *value = summary->quantiles[figure - FIGURE_QUANTILE];
  else if (figure == FIGURE_MIN)
    *value = summary->min;
  else if (figure == FIGURE_MAX)
    *value = summary->max;
  else if (figure == FIGURE_MEAN)
    *value = summary->mean;
  else if (figure == FIGURE_STD)
    *value = summary->std;
  else
    return FALSE;
  return TRUE;
}

static char *
value_text (
    const StatsTensor *stats, Figure figure, double value, double reach, char **exact)
{
  const StatsSummary *summary = stats_tensor_summary (stats);

  if (figure < FIGURE_MEAN)
    *exact = stats_tensor_format_value (stats,
                                        figure == FIGURE_MIN   ? STATS_VALUE_MIN
                                        : figure == FIGURE_MAX ? STATS_VALUE_MAX
                                                               : STATS_VALUE_QUANTILE,
                                        figure - FIGURE_QUANTILE);
  else
    *exact = base_double_to_string (value);
  if (summary->integer && figure < FIGURE_MEAN && *exact != NULL)
    return app_format_minus (*exact);
  return app_format_aligned (value, reach);
}

static char *
figure_text (const StatsTensor *stats, Figure figure, char **exact)
{
  const StatsSummary *summary = stats_tensor_summary (stats);
  double value, reach = MAX (fabs (summary->min), fabs (summary->max));

  if (figure_value (summary, figure, &value))
    return summary->has_moments ? value_text (stats, figure, value, reach, exact)
                                : g_strdup ("–");
  switch (figure)
    {
    case FIGURE_COUNT:
      return app_format_count (summary->count);
    case FIGURE_ZERO:
      return count_text (summary->zero, summary->count);
    case FIGURE_SUBNORMAL:
      return count_text (summary->subnormal, summary->count);
    case FIGURE_NAN:
      return count_text (summary->nan, summary->count);
    case FIGURE_INF:
      return count_text (summary->pos_inf + summary->neg_inf, summary->count);
    case FIGURE_DISTINCT:
      return summary->has_distinct ? app_format_count (summary->distinct)
                                   : g_strdup ("–");
    case FIGURE_ENTROPY:
    default:
      /* Translators: an amount of information */
      return summary->has_distinct
                 ? g_strdup_printf (_ ("%.2f bit"), summary->entropy_bits)
                 : g_strdup ("–");
    }
}

static gboolean
is_fault (const StatsSummary *summary, Figure figure)
{
  return (figure == FIGURE_NAN && summary->nan > 0)
         || (figure == FIGURE_INF && summary->pos_inf + summary->neg_inf > 0);
}

void
app_figures_set (AppFigures *self, StatsTensor *stats)
{
  g_return_if_fail (APP_IS_FIGURES (self));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *exact = NULL, *text = NULL;

      text = stats != NULL ? figure_text (stats, rows[i].figure, &exact) : g_strdup ("–");
      gtk_label_set_label (self->values[i], text);
      app_tooltip_set (GTK_WIDGET (self->values[i]), exact);
      if (stats != NULL && is_fault (stats_tensor_summary (stats), rows[i].figure))
        gtk_widget_add_css_class (GTK_WIDGET (self->values[i]), "app-fault-text");
      else
        gtk_widget_remove_css_class (GTK_WIDGET (self->values[i]), "app-fault-text");
    }
}

static void
app_figures_dispose (GObject *object)
{
  AppFigures *self = APP_FIGURES (object);

  g_clear_pointer (&self->flow, gtk_widget_unparent);
  G_OBJECT_CLASS (app_figures_parent_class)->dispose (object);
}

static void
app_figures_class_init (AppFiguresClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_figures_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass),
                                            GTK_TYPE_BIN_LAYOUT);
}

static void
append_row (AppFigures *self, GtkGrid *grid, guint index, int place)
{
  g_autofree char *text = app_format_isolate (_ (rows[index].title));
  gboolean is_level
      = rows[index].figure >= FIGURE_QUANTILE && rows[index].figure < FIGURE_MEAN;
  GtkWidget *title = gtk_label_new (is_level ? text : _ (rows[index].title));
  GtkWidget *value = gtk_label_new ("–");

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_add_css_class (title, "dim-label");
  gtk_label_set_xalign (GTK_LABEL (value), 1);
  gtk_label_set_selectable (GTK_LABEL (value), TRUE);
  gtk_widget_set_focusable (value, FALSE);
  gtk_widget_set_hexpand (value, TRUE);
  gtk_widget_add_css_class (value, "numeric");
  gtk_accessible_update_relation (GTK_ACCESSIBLE (value),
                                  GTK_ACCESSIBLE_RELATION_LABELLED_BY, title, NULL, -1);
  gtk_grid_attach (grid, title, 0, place, 1, 1);
  gtk_grid_attach (grid, value, 1, place, 1, 1);
  self->values[index] = GTK_LABEL (value);
}

static void
app_figures_init (AppFigures *self)
{
  self->flow = app_wrap_new (24, 12, TRUE);
  gtk_widget_set_parent (self->flow, GTK_WIDGET (self));
  for (guint block = 0; block < N_BLOCKS; block++)
    {
      GtkWidget *grid = gtk_grid_new ();
      int place = 0;

      gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
      gtk_grid_set_row_spacing (GTK_GRID (grid), 4);
      gtk_widget_set_valign (grid, GTK_ALIGN_START);
      for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
        {
          if (rows[i].block == block)
            append_row (self, GTK_GRID (grid), i, place++);
        }
      app_wrap_append (APP_WRAP (self->flow), grid);
    }
}

GtkWidget *
app_figures_new (void)
{
  return g_object_new (APP_TYPE_FIGURES, NULL);
}
