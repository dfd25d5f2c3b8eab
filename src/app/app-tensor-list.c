/* app-tensor-list.c: the rows of the tree that are unfolded, as one flat list model
 *
 * A GtkTreeListModel keeps some hundred bytes and an object for each row of an unfolded
 * group. Here a row is four bytes of a number, and an object only while a widget shows
 * it, so that half a million rows can all be unfolded.
 *
 * The numbers are put in order in slices of a few milliseconds between frames (flatten).
 * Then the model changes from the old numbers to the new, again in steps: GTK fills up to
 * two hundred rows of widgets at once, a quarter of a second on a slow machine. While
 * that goes on the first numbers are new and the last ones old.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensor-list.h"

#include <gtk/gtk.h>
#include <math.h>

#define SLICE_US 3000
#define LOOK_EVERY 256 /* rows between looks at the clock */
#define STEP_ROWS 16   /* rows that change at once, at first … */
#define STEP_US 6000   /* … and later as many as take this long … */
#define SEEN_ROWS 240  /* … up to more than GTK makes widgets for; then the rest */
#define SLICE_PRIORITY (GDK_PRIORITY_REDRAW + 5)

/* The children of a row, as far as they were put in. */
typedef struct
{
  guint32 first, n, next;
  guint32 *order; /* NULL: as they are numbered */
} Level;

struct _AppTensorList
{
  GObject parent_instance;
  AppStats *stats;
  AppOutline *outline;
  GBytes *shown; /* NULL: no search */
  AppSort sort;
  gboolean descending;
  guint8 *expanded; /* by id, while nothing is searched */
  guint8 *folded;   /* by id, in a search */

  /* What is told to listeners: rows[0 … n_new), then old[old_at …). */
  GArray *rows, *old; /* guint32 */
  guint n_new, old_at, keep;

  GArray *levels; /* Level: the way to where flattening is */
  GArray *flat;   /* guint32: put in so far; NULL: nothing is being flattened */
  guint told, step_rows, source;
  GHashTable *made; /* id → AppTensorRow, not owned */
};

enum
{
  SETTLED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

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
sort_key (AppTensorList *self, guint32 id)
{
  AppOutlineTotals totals;

  switch (self->sort)
    {
    case APP_SORT_SIZE:
    case APP_SORT_TYPE:
    case APP_SORT_SHAPE:
      app_outline_totals (self->outline, id, &totals);
      return (double) (self->sort == APP_SORT_SIZE   ? totals.bytes
                       : self->sort == APP_SORT_TYPE ? totals.dtypes
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
      return stats_key (self->stats, id, self->sort);
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

/* (transfer full): at most two thousand: see app-outline.c. */
static guint32 *
sort_children (AppTensorList *self, guint32 first, guint32 n)
{
  g_autofree Keyed *keyed = g_new (Keyed, n);
  guint32 *order = g_new (guint32, n);

  for (guint32 i = 0; i < n; i++)
    keyed[i] = (Keyed){ first + i, sort_key (self, first + i) };
  g_qsort_with_data (keyed, (int) n, sizeof *keyed, compare_keyed,
                     GINT_TO_POINTER (self->descending));
  for (guint32 i = 0; i < n; i++)
    order[i] = keyed[i].id;
  return order;
}

/* ---- the rows that live ---- */

static guint32
id_at (AppTensorList *self, guint position)
{
  return position < self->n_new
             ? g_array_index (self->rows, guint32, position)
             : g_array_index (self->old, guint32, self->old_at + position - self->n_new);
}

static guint
n_items (AppTensorList *self)
{
  return self->n_new + self->old->len - self->old_at;
}

static void
on_row_gone (gpointer data, GObject *row)
{
  AppTensorList *self = data;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->made); /* some two hundred */
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      if (value == (gpointer) row)
        g_hash_table_iter_remove (&iter);
    }
}

static void
forget_rows (AppTensorList *self)
{
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init (&iter, self->made);
  while (g_hash_table_iter_next (&iter, NULL, &row))
    g_object_weak_unref (row, on_row_gone, self);
  g_hash_table_remove_all (self->made);
}

static void
update_expanded (AppTensorList *self)
{
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init (&iter, self->made);
  while (g_hash_table_iter_next (&iter, NULL, &row))
    app_tensor_row_set_expanded (
        row, app_tensor_list_get_expanded (self, app_tensor_row_get_id (row)));
}

/* ---- from the old rows to the new ---- */

/* The next rows; FALSE when the last are told. */
static gboolean
tell_step (AppTensorList *self)
{
  guint position = self->n_new;
  guint removed = self->old->len - self->keep - self->old_at;
  guint added = self->rows->len - self->keep - self->n_new;

  gint64 start = g_get_monotonic_time (), took;

  if (self->told < SEEN_ROWS)
    {
      removed = MIN (removed, self->step_rows);
      added = MIN (added, self->step_rows);
    }
  self->told += MAX (removed, added);
  self->n_new += added;
  self->old_at += removed;
  if (removed > 0 || added > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), position, removed, added);
  took = g_get_monotonic_time () - start;
  if (took > STEP_US)
    self->step_rows = MAX (self->step_rows / 2, 1);
  else if (took < STEP_US / 2)
    self->step_rows = MIN (self->step_rows * 2, SEEN_ROWS);
  if (self->old_at < self->old->len - self->keep
      || self->n_new < self->rows->len - self->keep)
    return TRUE;
  /* What is left of the old rows are the same as the last new ones. */
  self->n_new = self->rows->len;
  g_array_set_size (self->old, 0);
  self->old_at = 0;
  return FALSE;
}

/* @rows (transfer full) take the place of those that are told. */
static void
begin_telling (AppTensorList *self, GArray *rows)
{
  guint n_old = n_items (self), most = MIN (n_old, rows->len), same = 0, keep = 0;
  g_autoptr (GArray) old = g_array_sized_new (FALSE, FALSE, sizeof (guint32), n_old);

  for (guint i = 0; i < n_old; i++)
    {
      guint32 id = id_at (self, i);
      g_array_append_val (old, id);
    }
  while (same < most
         && g_array_index (old, guint32, same) == g_array_index (rows, guint32, same))
    same++;
  while (keep < most - same
         && g_array_index (old, guint32, n_old - 1 - keep)
                == g_array_index (rows, guint32, rows->len - 1 - keep))
    keep++;
  g_array_unref (self->rows);
  g_array_unref (self->old);
  self->rows = rows;
  self->old = g_steal_pointer (&old);
  self->n_new = self->old_at = same;
  self->keep = keep;
  self->told = 0;
  self->step_rows = STEP_ROWS;
}

/* ---- flattening ---- */

static void
level_clear (gpointer data)
{
  g_free (((Level *) data)->order);
}

static void
push_level (AppTensorList *self, guint32 id)
{
  const AppOutlineNode *node = app_outline_get (self->outline, id);
  Level level = { .first = node->first_child, .n = node->n_children };

  if (self->sort != APP_SORT_NONE)
    level.order = sort_children (self, level.first, level.n);
  g_array_append_val (self->levels, level);
}

static void
put_in (AppTensorList *self, guint32 id)
{
  if (!app_tensor_list_shows (self, id))
    return;
  g_array_append_val (self->flat, id);
  if (app_outline_get (self->outline, id)->n_children > 0
      && app_tensor_list_get_expanded (self, id))
    push_level (self, id);
}

/* FALSE when all are in. */
static gboolean
flatten (AppTensorList *self)
{
  gint64 end = g_get_monotonic_time () + SLICE_US;

  for (guint i = 1; self->levels->len > 0; i++)
    {
      Level *level = &g_array_index (self->levels, Level, self->levels->len - 1);

      if (level->next == level->n)
        g_array_set_size (self->levels, self->levels->len - 1);
      else
        {
          guint32 at = level->next++;
          put_in (self, level->order != NULL ? level->order[at] : level->first + at);
        }
      if (i % LOOK_EVERY == 0 && g_get_monotonic_time () > end)
        return self->levels->len > 0;
    }
  return FALSE;
}

static gboolean
work (AppTensorList *self)
{
  if (self->flat != NULL)
    {
      if (flatten (self))
        return TRUE;
      begin_telling (self, g_steal_pointer (&self->flat));
    }
  return tell_step (self);
}

static gboolean
on_slice (gpointer user_data)
{
  AppTensorList *self = user_data;

  if (work (self))
    return G_SOURCE_CONTINUE;
  self->source = 0;
  g_signal_emit (self, signals[SETTLED], 0);
  return G_SOURCE_REMOVE;
}

/* The rows anew; a first slice at once, which is all where rows are few. */
static void
rebuild (AppTensorList *self)
{
  g_array_set_size (self->levels, 0);
  g_clear_pointer (&self->flat, g_array_unref);
  self->flat = g_array_new (FALSE, FALSE, sizeof (guint32));
  if (self->outline != NULL)
    put_in (self, 0);
  update_expanded (self);
  if (!work (self))
    {
      g_clear_handle_id (&self->source, g_source_remove);
      g_signal_emit (self, signals[SETTLED], 0);
    }
  else if (self->source == 0)
    self->source = g_idle_add_full (SLICE_PRIORITY, on_slice, self, NULL);
}

/* ---- settings ---- */

AppTensorList *
app_tensor_list_new (void)
{
  return g_object_new (APP_TYPE_TENSOR_LIST, NULL);
}

void
app_tensor_list_set_stats (AppTensorList *self, AppStats *stats)
{
  guint before = n_items (self), size;

  g_return_if_fail (APP_IS_TENSOR_LIST (self));
  /* Old numbers mean nothing in a new outline: all of them go at once. */
  g_array_set_size (self->rows, 0);
  g_array_set_size (self->old, 0);
  self->n_new = self->old_at = self->keep = 0;
  if (before > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, before, 0);
  forget_rows (self);
  g_set_object (&self->stats, stats);
  g_clear_pointer (&self->shown, g_bytes_unref);
  g_clear_pointer (&self->outline, app_outline_unref);
  g_clear_pointer (&self->expanded, g_free);
  g_clear_pointer (&self->folded, g_free);
  if (stats != NULL)
    {
      self->outline = app_outline_ref (app_stats_get_outline (stats));
      size = app_outline_size (self->outline);
      self->expanded = g_new0 (guint8, size);
      self->folded = g_new0 (guint8, size);
      self->expanded[0] = TRUE;
    }
  rebuild (self);
}

void
app_tensor_list_set_shown (AppTensorList *self, GBytes *shown)
{
  g_return_if_fail (APP_IS_TENSOR_LIST (self));
  if (self->shown == shown)
    return;
  g_clear_pointer (&self->shown, g_bytes_unref);
  if (shown != NULL)
    {
      self->shown = g_bytes_ref (shown);
      memset (self->folded, 0, app_outline_size (self->outline));
    }
  rebuild (self);
}

gboolean
app_tensor_list_shows (AppTensorList *self, guint32 id)
{
  return self->shown == NULL
         || ((const guint8 *) g_bytes_get_data (self->shown, NULL))[id];
}

void
app_tensor_list_set_sort (AppTensorList *self, AppSort sort, gboolean descending)
{
  g_return_if_fail (APP_IS_TENSOR_LIST (self));
  self->sort = sort;
  self->descending = descending;
  rebuild (self);
}

gboolean
app_tensor_list_get_expanded (AppTensorList *self, guint32 id)
{
  return self->shown != NULL ? !self->folded[id] : self->expanded[id];
}

static void
mark_expanded (AppTensorList *self, guint32 id, gboolean expanded)
{
  if (self->shown != NULL)
    self->folded[id] = !expanded;
  else
    self->expanded[id] = expanded;
}

void
app_tensor_list_set_expanded (AppTensorList *self, guint32 id, gboolean expanded)
{
  g_return_if_fail (APP_IS_TENSOR_LIST (self));
  if (app_tensor_list_get_expanded (self, id) == expanded)
    return;
  mark_expanded (self, id, expanded);
  rebuild (self);
}

void
app_tensor_list_set_expanded_below (AppTensorList *self, guint32 id, gboolean expanded)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));

  g_return_if_fail (APP_IS_TENSOR_LIST (self));
  g_array_append_val (ids, id);
  for (guint i = 0; i < ids->len; i++)
    {
      const AppOutlineNode *node;

      id = g_array_index (ids, guint32, i);
      node = app_outline_get (self->outline, id);
      mark_expanded (self, id, expanded || id == 0);
      for (guint32 child = node->first_child;
           child < node->first_child + node->n_children; child++)
        if (app_outline_get (self->outline, child)->n_children > 0)
          g_array_append_val (ids, child);
    }
  rebuild (self);
}

void
app_tensor_list_reveal (AppTensorList *self, guint32 id)
{
  gboolean changed = FALSE;

  g_return_if_fail (APP_IS_TENSOR_LIST (self));
  for (id = app_outline_get (self->outline, id)->parent; id != APP_OUTLINE_NONE;
       id = app_outline_get (self->outline, id)->parent)
    if (!app_tensor_list_get_expanded (self, id))
      {
        mark_expanded (self, id, TRUE);
        changed = TRUE;
      }
  if (changed)
    rebuild (self);
}

gboolean
app_tensor_list_is_settled (AppTensorList *self)
{
  return self->source == 0;
}

guint
app_tensor_list_position (AppTensorList *self, guint32 id)
{
  guint n = n_items (self);

  for (guint i = 0; i < n; i++)
    {
      if (id_at (self, i) == id)
        return i;
    }
  return GTK_INVALID_LIST_POSITION;
}

/* ---- the model ---- */

static GType
app_tensor_list_get_item_type (GListModel *model)
{
  return APP_TYPE_TENSOR_ROW;
}

static guint
app_tensor_list_get_n_items (GListModel *model)
{
  return n_items (APP_TENSOR_LIST (model));
}

static gpointer
app_tensor_list_get_item (GListModel *model, guint position)
{
  AppTensorList *self = APP_TENSOR_LIST (model);
  AppTensorRow *row;
  guint32 id;

  if (position >= n_items (self))
    return NULL;
  id = id_at (self, position);
  row = g_hash_table_lookup (self->made, GUINT_TO_POINTER (id));
  if (row != NULL)
    return g_object_ref (row);
  row = app_tensor_row_new (self->stats, id);
  app_tensor_row_set_expanded (row, app_tensor_list_get_expanded (self, id));
  g_hash_table_insert (self->made, GUINT_TO_POINTER (id), row);
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

  g_clear_handle_id (&self->source, g_source_remove);
  forget_rows (self);
  g_hash_table_unref (self->made);
  g_array_unref (self->rows);
  g_array_unref (self->old);
  g_array_unref (self->levels);
  g_clear_pointer (&self->flat, g_array_unref);
  g_clear_pointer (&self->shown, g_bytes_unref);
  g_clear_pointer (&self->outline, app_outline_unref);
  g_free (self->expanded);
  g_free (self->folded);
  g_clear_object (&self->stats);
  G_OBJECT_CLASS (app_tensor_list_parent_class)->finalize (object);
}

static void
app_tensor_list_class_init (AppTensorListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_tensor_list_finalize;
  signals[SETTLED] = g_signal_new ("settled", APP_TYPE_TENSOR_LIST, G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_tensor_list_init (AppTensorList *self)
{
  self->rows = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->old = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->levels = g_array_new (FALSE, FALSE, sizeof (Level));
  g_array_set_clear_func (self->levels, level_clear);
  self->made = g_hash_table_new (NULL, NULL);
}
