/* app-details.c: everything about the selected tensor, group or model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-details.h"

#include <glib/gi18n.h>

#include "app/app-copy.h"
#include "app/app-figures.h"
#include "app/app-format.h"
#include "app/app-histogram.h"
#include "app/app-metadata.h"
#include "app/app-overview.h"
#include "app/app-settings.h"
#include "app/app-window.h"
#include "app/app-wrap.h"
#include "app/app-tooltip.h"

#define MAX_FILES 20 /* whose metadata are shown */
#define MIN_TITLE 14 /* characters that a title takes from the rows above */

struct _AppDetails
{
  GtkWidget parent_instance;
  GtkWidget *back, *chart_box, *pinned_box, *metadata;
  GtkScrolledWindow *scrolled;
  GtkLabel *title, *path, *facts, *reading, *outside, *pinned_label, *waiting;
  GtkToggleButton *pin, *symlog, *log_counts, *full_range;
  AppOverview *overview;
  AppHistogram *histogram;
  AppFigures *figures;

  AppStats *stats;
  gulong updated;
  guint32 id;
  StatsTensor *shown, *pinned;
  char *pinned_name;
};

G_DEFINE_FINAL_TYPE (AppDetails, app_details, GTK_TYPE_WIDGET)

static const AppOutlineNode *
get_node (AppDetails *self)
{
  return app_outline_get (app_stats_get_outline (self->stats), self->id);
}

/* The name in the file: of a range, its label. */
static const char *
get_name (AppDetails *self)
{
  const AppOutlineNode *node = get_node (self);

  return node->node != NULL && node->node->path[0] != '\0' ? node->node->path
                                                           : node->label;
}

/* ---- the chart ---- */

static void
update_outside (AppDetails *self)
{
  const StatsHistogram *bins = app_histogram_get_bins (self->histogram);
  g_autofree char *count = NULL, *text = NULL;

  if (bins != NULL && bins->below + bins->above > 0)
    {
      count = app_format_count (bins->below + bins->above);
      /* Translators: how many values are in the hatched bars at the ends of the chart */
      text = g_strdup_printf (
          ngettext ("▨ %s value beyond 0.1 / 99.9 %%", "▨ %s values beyond 0.1 / 99.9 %%",
                    (gulong) MIN (bins->below + bins->above, G_MAXINT)),
          count);
    }
  gtk_label_set_label (self->outside, text != NULL ? text : "");
}

static void
on_reading (AppDetails *self)
{
  g_autofree char *reading = NULL;

  g_object_get (self->histogram, "reading", &reading, NULL);
  gtk_label_set_label (self->reading, reading != NULL ? reading : "");
  /* The two share a line, which has to be there always: nothing may move. */
  gtk_widget_set_visible (GTK_WIDGET (self->outside), reading == NULL);
}

static void
update_pinned (AppDetails *self)
{
  gtk_widget_set_visible (self->pinned_box, self->pinned != NULL);
  if (self->pinned_name != NULL)
    gtk_label_set_label (self->pinned_label, self->pinned_name);
  gtk_toggle_button_set_active (
      self->pin,
      self->pinned != NULL && g_strcmp0 (self->pinned_name, get_name (self)) == 0);
  gtk_widget_set_sensitive (GTK_WIDGET (self->pin), self->shown != NULL);
}

static void
update_waiting (AppDetails *self, guint n_missing)
{
  const GError *error = app_stats_get_error (self->stats);
  g_autofree char *text = NULL;

  if (self->shown == NULL && n_missing == 0 && error != NULL)
    text = g_strdup_printf (_ ("No statistics: %s"), error->message);
  else if (n_missing > 0 && self->shown != NULL)
    {
      g_autofree char *missing = app_format_count (n_missing);
      text = g_strdup_printf (ngettext ("%s tensor is still to come",
                                        "%s tensors are still to come", n_missing),
                              missing);
    }
  else if (self->shown == NULL && get_node (self)->node != NULL
           && get_node (self)->node->values == 0)
    text = g_strdup (_ ("No values"));
  else if (self->shown == NULL)
    text = g_strdup (_ ("Computing…"));
  gtk_label_set_label (self->waiting, text != NULL ? text : "");
}

static void
refresh (AppDetails *self)
{
  g_autoptr (StatsTensor) stats = NULL;
  guint n_missing;

  if (self->stats == NULL)
    return;
  stats = app_stats_get_partial (self->stats, self->id, &n_missing);
  if (self->id == 0)
    app_overview_refresh (self->overview);
  if (stats != self->shown)
    {
      stats_tensor_unref (self->shown);
      self->shown = stats != NULL ? stats_tensor_ref (stats) : NULL;
      app_histogram_set (self->histogram, self->shown,
                         gtk_toggle_button_get_active (self->pin) ? NULL : self->pinned);
      app_figures_set (self->figures, self->shown);
      on_reading (self);
    }
  update_pinned (self);
  update_outside (self);
  update_waiting (self, n_missing);
}

void
app_details_toggle_pin (AppDetails *self)
{
  gboolean same;

  g_return_if_fail (APP_IS_DETAILS (self));
  if (self->stats == NULL || self->shown == NULL)
    return;
  same = self->pinned != NULL && g_strcmp0 (self->pinned_name, get_name (self)) == 0;
  g_clear_pointer (&self->pinned, stats_tensor_unref);
  g_clear_pointer (&self->pinned_name, g_free);
  if (!same)
    {
      self->pinned = stats_tensor_ref (self->shown);
      self->pinned_name = g_strdup (get_name (self));
    }
  app_histogram_set (self->histogram, self->shown, NULL);
  update_pinned (self);
}

static void
on_pin_clicked (AppDetails *self)
{
  app_details_toggle_pin (self);
}

static void
on_unpin (AppDetails *self)
{
  g_clear_pointer (&self->pinned, stats_tensor_unref);
  g_clear_pointer (&self->pinned_name, g_free);
  app_histogram_set (self->histogram, self->shown, NULL);
  update_pinned (self);
}

/* ---- head ---- */

static char *
describe_facts (AppDetails *self)
{
  const AppOutlineNode *node = get_node (self);
  AppOutlineTotals totals;
  g_autofree char *types = NULL, *shape = NULL, *values = NULL, *size = NULL,
                  *number = NULL;

  app_outline_totals (app_stats_get_outline (self->stats), self->id, &totals);
  types = app_format_dtypes (totals.dtypes);
  number = app_format_count (totals.values);
  values = g_strdup_printf (
      ngettext ("%s value", "%s values", (gulong) MIN (totals.values, G_MAXINT)), number);
  size = g_format_size (totals.bytes);
  if (node->node != NULL && node->node->tensor != NULL)
    shape = app_format_shape (node->node->tensor->tensor->shape,
                              node->node->tensor->tensor->rank);
  else
    shape = app_format_tensors (totals.n_tensors);
  return g_strdup_printf ("%s%s%s · %s · %s", types, types[0] != '\0' ? " · " : "", shape,
                          values, size);
}

/* The label, with those above it while it would say too little: "attn1.to_q.weight". */
static char *
make_title (AppDetails *self)
{
  const AppOutline *outline = app_stats_get_outline (self->stats);
  const AppOutlineNode *node = get_node (self);
  GString *title = g_string_new (node->label);
  guint32 id = self->id;

  while (node->node != NULL && title->len < MIN_TITLE
         && !app_outline_is_human (outline, id) && node->parent != APP_OUTLINE_NONE
         && node->parent != 0)
    {
      id = node->parent;
      node = app_outline_get (outline, id);
      if (node->node == NULL || app_outline_is_human (outline, id))
        break;
      g_string_prepend_c (title, '.');
      g_string_prepend (title, node->label);
    }
  return g_string_free (title, FALSE);
}

static void
update_head (AppDetails *self)
{
  const AppOutlineNode *node = get_node (self);
  const char *path = node->node != NULL ? node->node->path : "";
  g_autofree char *facts = describe_facts (self);
  g_autofree char *title = make_title (self);
  g_autofree char *exact = NULL;
  AppOutlineTotals totals;

  gtk_label_set_label (self->title, title);
  if (node->parent == APP_OUTLINE_NONE)
    path = app_model_get_path (app_stats_get_model (self->stats));
  gtk_label_set_label (self->path, path);
  gtk_widget_set_visible (GTK_WIDGET (self->path),
                          path[0] != '\0' && g_strcmp0 (path, node->label) != 0);
  gtk_label_set_label (self->facts, facts);
  app_outline_totals (app_stats_get_outline (self->stats), self->id, &totals);
  exact = g_format_size_full (totals.bytes, G_FORMAT_SIZE_LONG_FORMAT);
  app_tooltip_set (GTK_WIDGET (self->facts), exact);
}

void
app_details_show (AppDetails *self, guint32 id)
{
  g_return_if_fail (APP_IS_DETAILS (self));
  g_return_if_fail (self->stats != NULL);
  if (id != self->id)
    {
      g_clear_pointer (&self->shown, stats_tensor_unref);
      app_histogram_set (self->histogram, NULL, NULL);
      app_figures_set (self->figures, NULL);
    }
  self->id = id;
  gtk_widget_set_visible (GTK_WIDGET (self->overview), id == 0);
  gtk_widget_set_visible (self->metadata, id == 0);
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scrolled), 0);
  app_stats_want (self->stats, &id, 1);
  update_head (self);
  update_pinned (self);
  refresh (self);
}

static void
fill_metadata (AppDetails *self)
{
  StModel *model = app_model_get_model (app_stats_get_model (self->stats));
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (self->metadata)) != NULL)
    gtk_box_remove (GTK_BOX (self->metadata), child);
  for (guint i = 0; i < MIN (st_model_n_files (model), MAX_FILES); i++)
    {
      StFile *file = st_model_file (model, i);
      g_autofree char *name = g_filename_display_basename (st_file_path (file));
      GtkWidget *list
          = app_metadata_new (file, st_model_n_files (model) > 1 ? name : _ ("Metadata"));
      if (list != NULL)
        gtk_box_append (GTK_BOX (self->metadata), list);
    }
}

void
app_details_set_stats (AppDetails *self, AppStats *stats)
{
  g_return_if_fail (APP_IS_DETAILS (self));
  if (self->stats != NULL)
    g_clear_signal_handler (&self->updated, self->stats);
  g_set_object (&self->stats, stats);
  self->updated = g_signal_connect_swapped (stats, "updated", G_CALLBACK (refresh), self);
  self->id = APP_OUTLINE_NONE;
  app_overview_set (self->overview, stats);
  fill_metadata (self);
  app_details_show (self, 0);
}

/* ---- actions ---- */

void
app_details_copy (AppDetails *self, AppCopyKind kind)
{
  const AppOutlineNode *node;
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  g_autofree char *text = NULL;

  g_return_if_fail (APP_IS_DETAILS (self));
  if (self->stats == NULL)
    return;
  node = get_node (self);
  if (kind == APP_COPY_NAME)
    text = g_strdup (get_name (self));
  else if (kind == APP_COPY_PYTHON && node->node != NULL)
    text = app_copy_python (app_stats_get_model (self->stats), node->node);
  else if (kind == APP_COPY_TSV && self->shown != NULL)
    text = app_copy_tsv (get_name (self), self->shown);
  else if (kind == APP_COPY_JSON && self->shown != NULL)
    text = app_copy_json (get_name (self),
                          node->node != NULL && node->node->tensor != NULL
                              ? node->node->tensor->tensor
                              : NULL,
                          self->shown);
  if (text != NULL)
    gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  if (APP_IS_WINDOW (root))
    app_window_toast (APP_WINDOW (root),
                      text != NULL ? _ ("Copied")
                                   : _ ("The statistics are still being computed"),
                      NULL, NULL);
}

void
app_details_set_back_visible (AppDetails *self, gboolean visible)
{
  g_return_if_fail (APP_IS_DETAILS (self));
  gtk_widget_set_visible (self->back, visible);
}

void
app_details_focus (AppDetails *self)
{
  g_return_if_fail (APP_IS_DETAILS (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->histogram));
}

/* ---- life ---- */

static void
app_details_dispose (GObject *object)
{
  AppDetails *self = APP_DETAILS (object);

  if (self->stats != NULL)
    g_clear_signal_handler (&self->updated, self->stats);
  g_clear_object (&self->stats);
  g_clear_pointer (&self->shown, stats_tensor_unref);
  g_clear_pointer (&self->pinned, stats_tensor_unref);
  g_clear_pointer (&self->pinned_name, g_free);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_DETAILS);
  /* GTK 4.8 leaves the template's own root where it is. */
  while (gtk_widget_get_first_child (GTK_WIDGET (self)) != NULL)
    gtk_widget_unparent (gtk_widget_get_first_child (GTK_WIDGET (self)));
  G_OBJECT_CLASS (app_details_parent_class)->dispose (object);
}

static void
bind_children (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, AppDetails, back);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, chart_box);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, pinned_box);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, metadata);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, scrolled);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, title);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, path);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, facts);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, reading);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, outside);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, pinned_label);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, waiting);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, pin);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, symlog);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, log_counts);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, full_range);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, overview);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, histogram);
  gtk_widget_class_bind_template_child (widget_class, AppDetails, figures);
}

static void
app_details_class_init (AppDetailsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_details_dispose;
  g_type_ensure (APP_TYPE_OVERVIEW);
  g_type_ensure (APP_TYPE_HISTOGRAM);
  g_type_ensure (APP_TYPE_FIGURES);
  g_type_ensure (APP_TYPE_WRAP);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-details.ui");
  bind_children (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, on_pin_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_unpin);
  gtk_widget_class_bind_template_callback (widget_class, on_reading);
}

static void
app_details_init (AppDetails *self)
{
  GSettings *settings = app_settings_get ();

  self->id = APP_OUTLINE_NONE;
  gtk_widget_init_template (GTK_WIDGET (self));
  g_settings_bind (settings, "histogram-symlog", self->symlog, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "histogram-log-counts", self->log_counts, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_object_bind_property (self->symlog, "active", self->histogram, "symlog",
                          G_BINDING_SYNC_CREATE);
  g_object_bind_property (self->log_counts, "active", self->histogram, "log-counts",
                          G_BINDING_SYNC_CREATE);
  g_object_bind_property (self->full_range, "active", self->histogram, "full-range",
                          G_BINDING_SYNC_CREATE);
  g_signal_connect_object (self->histogram, "notify::full-range",
                           G_CALLBACK (update_outside), self, G_CONNECT_SWAPPED);
}
