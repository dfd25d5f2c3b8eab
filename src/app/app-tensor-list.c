/* app-tensor-list.c: the children of one row, filtered and sorted, as a list model
 *
 * Sorting and filtering happen here and not in a GtkSortListModel around the tree, so
 * that children stay below their parent and no row object is made for what nobody looks
 * at. An outline has at most some thousand children in a row.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensor-list.h"

#include <gtk/gtk.h>
#include <math.h>

struct _AppTensorList
{
  GObject parent_instance;
  AppStats *stats;
  GArray *ids;      /* guint32 */
  GHashTable *rows; /* position → AppTensorRow, not owned */
};

static void app_tensor_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppTensorList,
                               app_tensor_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      app_tensor_list_model_init))

/* ---- order ---- */

typedef struct
{
  guint32 id;
  double key; /* NAN: not known, last in any order */
} Keyed;

static double
stats_key (AppStats *stats, guint32 id, AppSort sort)
{
  g_autoptr (StatsTensor) tensor = app_stats_get (stats, id);
  const StatsSummary *summary = tensor != NULL ? stats_tensor_summary (tensor) : NULL;

  if (summary == NULL)
    return NAN;
  if (sort == APP_SORT_NAN)
    return (double) (summary->nan + summary->pos_inf + summary->neg_inf);
  if (!summary->has_moments)
    return NAN;
  if (sort == APP_SORT_MIN)
    return summary->min;
  if (sort == APP_SORT_MAX)
    return summary->max;
  return summary->std;
}

static double
sort_key (AppStats *stats, guint32 id, AppSort sort)
{
  AppOutlineTotals totals;

  switch (sort)
    {
    case APP_SORT_SIZE:
    case APP_SORT_TYPE:
    case APP_SORT_SHAPE:
      app_outline_totals (app_stats_get_outline (stats), id, &totals);
      return (double) (sort == APP_SORT_SIZE   ? totals.bytes
                       : sort == APP_SORT_TYPE ? totals.dtypes
                                               : totals.values);
    case APP_SORT_NONE:
    case APP_SORT_NAME:
      return id;
    case APP_SORT_DISTRIBUTION:
    case APP_SORT_SIGMA:
    case APP_SORT_MIN:
    case APP_SORT_MAX:
    case APP_SORT_NAN:
    default:
      return stats_key (stats, id, sort);
    }
}

static int
compare_keyed (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Keyed *x = a, *y = b;
  gboolean descending = GPOINTER_TO_INT (user_data);

  if (isnan (x->key) || isnan (y->key))
    return isnan (x->key) == isnan (y->key) ? (x->id > y->id) - (x->id < y->id)
           : isnan (x->key)                 ? 1
                                            : -1;
  if (x->key != y->key)
    return ((x->key > y->key) - (x->key < y->key)) * (descending ? -1 : 1);
  return (x->id > y->id) - (x->id < y->id);
}

static void
sort_ids (AppTensorList *self, AppSort sort, gboolean descending)
{
  g_autoptr (GArray) keyed
      = g_array_sized_new (FALSE, FALSE, sizeof (Keyed), self->ids->len);

  for (guint i = 0; i < self->ids->len; i++)
    {
      guint32 id = g_array_index (self->ids, guint32, i);
      Keyed item = { id, sort_key (self->stats, id, sort) };
      g_array_append_val (keyed, item);
    }
  g_array_sort_with_data (keyed, compare_keyed, GINT_TO_POINTER (descending));
  for (guint i = 0; i < self->ids->len; i++)
    g_array_index (self->ids, guint32, i) = g_array_index (keyed, Keyed, i).id;
}

/* ---- the list ---- */

GListModel *
app_tensor_list_new (
    AppStats *stats, guint32 id, const guint8 *shown, AppSort sort, gboolean descending)
{
  AppTensorList *self = g_object_new (APP_TYPE_TENSOR_LIST, NULL);
  const AppOutlineNode *node;

  self->stats = g_object_ref (stats);
  if (id == APP_OUTLINE_NONE)
    {
      id = 0;
      g_array_append_val (self->ids, id);
      return G_LIST_MODEL (self);
    }
  node = app_outline_get (app_stats_get_outline (stats), id);
  for (guint i = 0; i < node->n_children; i++)
    {
      guint32 child = node->first_child + i;
      if (shown == NULL || shown[child])
        g_array_append_val (self->ids, child);
    }
  if (sort != APP_SORT_NONE)
    sort_ids (self, sort, descending);
  return G_LIST_MODEL (self);
}

guint
app_tensor_list_position (AppTensorList *self, guint32 id)
{
  for (guint i = 0; i < self->ids->len; i++)
    {
      if (g_array_index (self->ids, guint32, i) == id)
        return i;
    }
  return GTK_INVALID_LIST_POSITION;
}

static GType
app_tensor_list_get_item_type (GListModel *model)
{
  return APP_TYPE_TENSOR_ROW;
}

static guint
app_tensor_list_get_n_items (GListModel *model)
{
  return APP_TENSOR_LIST (model)->ids->len;
}

static void
on_row_gone (gpointer data, GObject *row)
{
  AppTensorList *self = data;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      if (value == (gpointer) row)
        g_hash_table_iter_remove (&iter);
    }
}

static gpointer
app_tensor_list_get_item (GListModel *model, guint position)
{
  AppTensorList *self = APP_TENSOR_LIST (model);
  AppTensorRow *row;

  if (position >= self->ids->len)
    return NULL;
  row = g_hash_table_lookup (self->rows, GUINT_TO_POINTER (position));
  if (row != NULL)
    return g_object_ref (row);
  row = app_tensor_row_new (self->stats, g_array_index (self->ids, guint32, position));
  g_hash_table_insert (self->rows, GUINT_TO_POINTER (position), row);
  g_object_weak_ref (G_OBJECT (row), on_row_gone, self);
  return row;
}

static void
app_tensor_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = app_tensor_list_get_item_type;
  iface->get_n_items = app_tensor_list_get_n_items;
  iface->get_item = app_tensor_list_get_item;
}

static void
app_tensor_list_finalize (GObject *object)
{
  AppTensorList *self = APP_TENSOR_LIST (object);
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, NULL, &row))
    g_object_weak_unref (row, on_row_gone, self);
  g_hash_table_unref (self->rows);
  g_array_unref (self->ids);
  g_clear_object (&self->stats);
  G_OBJECT_CLASS (app_tensor_list_parent_class)->finalize (object);
}

static void
app_tensor_list_class_init (AppTensorListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_tensor_list_finalize;
}

static void
app_tensor_list_init (AppTensorList *self)
{
  self->ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->rows = g_hash_table_new (NULL, NULL);
}
