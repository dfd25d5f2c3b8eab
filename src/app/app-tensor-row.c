/* app-tensor-row.c: what GTK's lists hold for one row of an outline
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensor-row.h"

#include "app/app-format.h"

struct _AppTensorRow
{
  GObject parent_instance;
  AppStats *stats;
  AppOutline *outline;
  guint32 id;
  gboolean expanded;
  StatsTensor *tensor;
  float heights[STATS_ROW_BINS];
  double scale; /* for which heights are; 0: the row's own range, negative: not made */
};

enum
{
  PROP_0,
  PROP_STATS,
  PROP_EXPANDED,
  N_PROPS
};
static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (AppTensorRow, app_tensor_row, G_TYPE_OBJECT)

AppTensorRow *
app_tensor_row_new (AppStats *stats, guint32 id)
{
  AppTensorRow *self = g_object_new (APP_TYPE_TENSOR_ROW, NULL);

  self->stats = g_object_ref (stats);
  self->outline = app_outline_ref (app_stats_get_outline (stats));
  self->id = id;
  self->scale = -1;
  return self;
}

guint32
app_tensor_row_get_id (AppTensorRow *self)
{
  return self->id;
}

const AppOutlineNode *
app_tensor_row_get_node (AppTensorRow *self)
{
  return app_outline_get (self->outline, self->id);
}

AppOutline *
app_tensor_row_get_outline (AppTensorRow *self)
{
  return self->outline;
}

guint
app_tensor_row_get_depth (AppTensorRow *self)
{
  guint depth = 0;

  for (guint32 id = app_tensor_row_get_node (self)->parent; id != APP_OUTLINE_NONE;
       id = app_outline_get (self->outline, id)->parent)
    depth++;
  return depth;
}

gboolean
app_tensor_row_get_expanded (AppTensorRow *self)
{
  return self->expanded;
}

void
app_tensor_row_set_expanded (AppTensorRow *self, gboolean expanded)
{
  if (self->expanded == expanded)
    return;
  self->expanded = expanded;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXPANDED]);
}

void
app_tensor_row_refresh (AppTensorRow *self)
{
  /* After names were switched the ids are others. */
  if (app_stats_get_outline (self->stats) != self->outline)
    return;
  if (self->tensor != NULL
      && (self->scale <= 0 || self->scale == app_stats_get_scale (self->stats)))
    return;
  if (self->tensor == NULL)
    self->tensor = app_stats_get (self->stats, self->id);
  if (self->tensor != NULL)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATS]);
}

const StatsSummary *
app_tensor_row_get_summary (AppTensorRow *self)
{
  return self->tensor != NULL ? stats_tensor_summary (self->tensor) : NULL;
}

const float *
app_tensor_row_get_heights (AppTensorRow *self, gboolean common)
{
  const StatsSummary *summary = app_tensor_row_get_summary (self);
  double scale = common ? app_stats_get_scale (self->stats) : 0;
  double lo = -scale, hi = scale;

  if (summary == NULL || !summary->has_moments)
    return NULL;
  if (scale == self->scale)
    return self->heights;
  if (!common)
    {
      lo = summary->quantiles[0];
      hi = summary->quantiles[STATS_N_QUANTILES - 1];
    }
  if (!(lo < hi))
    {
      lo = summary->min - 1;
      hi = summary->max + 1;
    }
  if (!(lo < hi))
    return NULL;
  stats_tensor_row (self->tensor, lo, hi, self->heights);
  self->scale = scale;
  return self->heights;
}

double
app_tensor_row_get_scale (AppTensorRow *self)
{
  return app_stats_get_scale (self->stats);
}

char *
app_tensor_row_describe_shape (AppTensorRow *self)
{
  const AppOutlineNode *node = app_tensor_row_get_node (self);
  AppOutlineTotals totals;

  if (node->node != NULL && node->node->tensor != NULL)
    return app_format_shape (node->node->tensor->tensor->shape,
                             node->node->tensor->tensor->rank);
  app_outline_totals (self->outline, self->id, &totals);
  return app_format_tensors (totals.n_tensors);
}

static void
app_tensor_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  AppTensorRow *self = APP_TENSOR_ROW (object);

  g_value_set_boolean (value, id == PROP_STATS ? self->tensor != NULL : self->expanded);
}

static void
app_tensor_row_finalize (GObject *object)
{
  AppTensorRow *self = APP_TENSOR_ROW (object);

  g_clear_pointer (&self->tensor, stats_tensor_unref);
  g_clear_pointer (&self->outline, app_outline_unref);
  g_clear_object (&self->stats);
  G_OBJECT_CLASS (app_tensor_row_parent_class)->finalize (object);
}

static void
app_tensor_row_class_init (AppTensorRowClass *klass)
{
  G_OBJECT_CLASS (klass)->get_property = app_tensor_row_get_property;
  G_OBJECT_CLASS (klass)->finalize = app_tensor_row_finalize;
  properties[PROP_STATS] = g_param_spec_boolean (
      "stats", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_EXPANDED] = g_param_spec_boolean (
      "expanded", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, properties);
}

static void
app_tensor_row_init (AppTensorRow *self)
{
}
