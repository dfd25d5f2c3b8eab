/* app-stats.c: statistics of the rows of an outline, as they come in
 *
 * The queue of the stats room calls back on its workers' threads, half a million times in
 * a large model. Here the results are gathered and looked at on the main thread in small
 * portions; a group's statistics are put together on a thread when a row or the details
 * ask for them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-stats.h"

#include <math.h>

#define FLUSH_MS 33
#define FLUSH_MOST 1500 /* results a flush, about two milliseconds */
#define PARTIAL_US G_USEC_PER_SEC
#define PARTIAL_SHARE 8 /* of the time, groups that are not complete are put together */
#define MERGE_MOST 4096 /* results that are put together at once */
#define SCALE_SHARE 0.9 /* of the values are in tensors within the common scale */
#define EXPONENTS 128

/* What is kept for a group. */
typedef struct
{
  StatsTensor *stats;
  gboolean complete, running;
  gint64 next; /* time of the next partial one */
} Group;

struct _AppStats
{
  GObject parent_instance;
  AppModel *model;
  AppOutline *outline;
  StatsQueue *queue; /* NULL until it is made, and after stopping */
  gboolean all;      /* everything is wanted */
  GMutex lock;       /* of the next five */
  guint gathering;   /* threads that look into the queue */
  GCond gathered;
  GArray *arrived; /* guint: what the workers have done */
  GError *error;
  guint source;
  GArray *todo;                /* guint: what has arrived, not looked at yet */
  guint8 *done;                /* a byte for each tensor */
  guint32 *finished;           /* tensors done at and below each row */
  GHashTable *groups;          /* id → Group */
  GCancellable *stop;          /* of what is computed for this outline */
  GCancellable *ended;         /* of everything */
  double exponents[EXPONENTS]; /* values of tensors that reach to 2^(i − 64) */
  double n_exponents;
  int scale;
};

enum
{
  UPDATED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppStats, app_stats, G_TYPE_OBJECT)

static void
group_free (gpointer data)
{
  Group *group = data;

  stats_tensor_unref (group->stats);
  g_free (group);
}

/* ---- results ---- */

static void
note_reach (AppStats *self, guint tensor_index)
{
  g_autoptr (StatsTensor) stats = stats_queue_peek (self->queue, tensor_index);
  const StatsSummary *summary = stats != NULL ? stats_tensor_summary (stats) : NULL;
  double reach, below = 0;
  guint exponent;

  if (summary == NULL || !summary->has_moments || summary->integer)
    return;
  reach = MAX (fabs (summary->quantiles[0]),
               fabs (summary->quantiles[STATS_N_QUANTILES - 1]));
  if (!(reach > 0))
    return;
  exponent = (guint) CLAMP (ceil (log2 (reach)) + EXPONENTS / 2, 0, EXPONENTS - 1);
  self->exponents[exponent] += (double) summary->count;
  self->n_exponents += (double) summary->count;
  for (exponent = 0; exponent < EXPONENTS - 1; exponent++)
    {
      below += self->exponents[exponent];
      if (below >= SCALE_SHARE * self->n_exponents)
        break;
    }
  self->scale = (int) exponent - EXPONENTS / 2;
}

static void
note_done (AppStats *self, guint tensor_index)
{
  if (tensor_index >= app_outline_n_tensors (self->outline) || self->done[tensor_index])
    return;
  self->done[tensor_index] = 1;
  for (guint32 id = app_outline_find (self->outline, tensor_index);
       id != APP_OUTLINE_NONE; id = app_outline_get (self->outline, id)->parent)
    self->finished[id]++;
  note_reach (self, tensor_index);
}

static gboolean
flush (gpointer user_data)
{
  AppStats *self = user_data;
  guint n;

  g_mutex_lock (&self->lock);
  g_array_append_vals (self->todo, self->arrived->data, self->arrived->len);
  g_array_set_size (self->arrived, 0);
  n = MIN (self->todo->len, FLUSH_MOST);
  if (n == self->todo->len)
    self->source = 0;
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < n; i++)
    note_done (self, g_array_index (self->todo, guint, i));
  g_array_remove_range (self->todo, 0, n);
  g_signal_emit (self, signals[UPDATED], 0);
  return self->todo->len > 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
on_done (guint tensor_index, StatsTensor *stats, const GError *error, gpointer user_data)
{
  AppStats *self = user_data; /* alive: freeing it waits for the workers */

  g_mutex_lock (&self->lock);
  g_array_append_val (self->arrived, tensor_index);
  if (error != NULL && self->error == NULL)
    self->error = g_error_copy (error);
  if (self->source == 0)
    self->source = g_timeout_add (FLUSH_MS, flush, self);
  g_mutex_unlock (&self->lock);
}

/* ---- groups ---- */

typedef struct
{
  guint32 id;
  gboolean complete;
  AppOutline *outline;
  gint64 took;
} Merge;

static void
merge_free (gpointer data)
{
  Merge *merge = data;

  app_outline_unref (merge->outline);
  g_free (merge);
}

/* Puts the results in @parts together: in their place stands one. */
static void
merge_parts (GPtrArray *parts)
{
  StatsTensor *merged;

  if (parts->len < 2)
    return;
  merged = stats_tensor_merge ((StatsTensor *const *) parts->pdata, parts->len);
  g_ptr_array_set_size (parts, 0);
  g_ptr_array_add (parts, merged);
}

/* On a thread: what is there of the tensors below a row, some thousand at a time, for
 * half a million would be a quarter of a gigabyte. Stopping waits for who is at this. */
static GPtrArray *
gather (AppStats *self, const Merge *merge, GCancellable *cancellable)
{
  g_autoptr (GArray) tensors = app_outline_tensors (merge->outline, merge->id);
  GPtrArray *parts = g_ptr_array_new_with_free_func ((GDestroyNotify) stats_tensor_unref);

  g_mutex_lock (&self->lock);
  if (g_cancellable_is_cancelled (cancellable))
    g_array_set_size (tensors, 0);
  self->gathering++;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < tensors->len; i++)
    {
      StatsTensor *part
          = stats_queue_peek (self->queue, g_array_index (tensors, guint, i));

      if (part != NULL)
        g_ptr_array_add (parts, part);
      if (parts->len == MERGE_MOST)
        merge_parts (parts);
      if (g_cancellable_is_cancelled (cancellable))
        break;
    }
  g_mutex_lock (&self->lock);
  self->gathering--;
  g_cond_signal (&self->gathered);
  g_mutex_unlock (&self->lock);
  merge_parts (parts);
  return parts;
}

static void
merge_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Merge *merge = data;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GPtrArray) parts = gather (source, merge, cancellable);

  merge->took = g_get_monotonic_time () - start;
  g_task_return_pointer (task, parts->len > 0 ? stats_tensor_ref (parts->pdata[0]) : NULL,
                         (GDestroyNotify) stats_tensor_unref);
}

static void
on_merged (GObject *source, GAsyncResult *result, gpointer user_data)
{
  AppStats *self = APP_STATS (source);
  Merge *merge = g_task_get_task_data (G_TASK (result));
  g_autoptr (StatsTensor) stats = g_task_propagate_pointer (G_TASK (result), NULL);
  Group *group;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (G_TASK (result))))
    return;
  group = g_hash_table_lookup (self->groups, GUINT_TO_POINTER (merge->id));
  group->running = FALSE;
  group->next = g_get_monotonic_time () + MAX (PARTIAL_US, PARTIAL_SHARE * merge->took);
  if (stats == NULL)
    return;
  group->complete = merge->complete;
  g_clear_pointer (&group->stats, stats_tensor_unref);
  group->stats = g_steal_pointer (&stats);
  g_signal_emit (self, signals[UPDATED], 0);
}

static guint
n_missing (AppStats *self, guint32 id)
{
  AppOutlineTotals totals;

  app_outline_totals (self->outline, id, &totals);
  return totals.n_tensors - self->finished[id];
}

static void
start_merge (AppStats *self, guint32 id, Group *group)
{
  g_autoptr (GTask) task = NULL;
  Merge *merge = g_new0 (Merge, 1);

  merge->id = id;
  merge->complete = n_missing (self, id) == 0;
  merge->outline = app_outline_ref (self->outline);
  group->running = TRUE;
  task = g_task_new (self, self->stop, on_merged, NULL);
  g_task_set_task_data (task, merge, merge_free);
  g_task_run_in_thread (task, merge_thread);
}

static Group *
get_group (AppStats *self, guint32 id)
{
  Group *group = g_hash_table_lookup (self->groups, GUINT_TO_POINTER (id));

  if (group == NULL)
    {
      group = g_new0 (Group, 1);
      g_hash_table_insert (self->groups, GUINT_TO_POINTER (id), group);
    }
  return group;
}

StatsTensor *
app_stats_get_partial (AppStats *self, guint32 id, guint *missing)
{
  const AppOutlineNode *node = app_outline_get (self->outline, id);
  Group *group;

  *missing = n_missing (self, id);
  if (self->queue == NULL)
    return NULL;
  if (node->node != NULL && node->node->tensor != NULL)
    return self->done[node->node->index]
               ? stats_queue_peek (self->queue, node->node->index)
               : NULL;
  group = get_group (self, id);
  if (!group->running && !group->complete && self->finished[id] > 0
      && (*missing == 0 || g_get_monotonic_time () > group->next))
    start_merge (self, id, group);
  return group->stats != NULL ? stats_tensor_ref (group->stats) : NULL;
}

StatsTensor *
app_stats_get (AppStats *self, guint32 id)
{
  guint missing;
  Group *group;

  if (n_missing (self, id) > 0)
    return NULL;
  group = g_hash_table_lookup (self->groups, GUINT_TO_POINTER (id));
  if (group != NULL && !group->complete && group->running)
    return NULL;
  return app_stats_get_partial (self, id, &missing);
}

void
app_stats_want (AppStats *self, const guint32 *ids, guint n)
{
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < n; i++)
    {
      const AppOutlineNode *node = app_outline_get (self->outline, ids[i]);
      if (node->node != NULL && node->node->tensor != NULL
          && !self->done[node->node->index])
        g_array_append_val (tensors, node->node->index);
    }
  if (tensors->len > 0 && self->queue != NULL)
    stats_queue_want (self->queue, (const guint *) tensors->data, tensors->len);
}

const GError *
app_stats_get_error (AppStats *self)
{
  const GError *error;

  g_mutex_lock (&self->lock);
  error = self->error;
  g_mutex_unlock (&self->lock);
  return error;
}

void
app_stats_get_progress (AppStats *self, guint64 *bytes_done, guint64 *bytes_total)
{
  *bytes_done = *bytes_total = 0;
  if (self->queue != NULL)
    stats_queue_progress (self->queue, bytes_done, bytes_total);
}

double
app_stats_get_scale (AppStats *self)
{
  return ldexp (1, self->scale);
}

AppOutline *
app_stats_get_outline (AppStats *self)
{
  return self->outline;
}

AppModel *
app_stats_get_model (AppStats *self)
{
  return self->model;
}

/* ---- life ---- */

void
app_stats_set_outline (AppStats *self, AppOutline *outline)
{
  g_cancellable_cancel (self->stop);
  g_object_unref (self->stop);
  self->stop = g_cancellable_new ();
  g_hash_table_remove_all (self->groups);
  app_outline_ref (outline);
  app_outline_unref (self->outline);
  self->outline = outline;
  g_free (self->finished);
  self->finished = g_new0 (guint32, app_outline_size (outline));
  for (guint i = 0; i < app_outline_n_tensors (outline); i++)
    for (guint32 id = self->done[i] ? app_outline_find (outline, i) : APP_OUTLINE_NONE;
         id != APP_OUTLINE_NONE; id = app_outline_get (outline, id)->parent)
      self->finished[id]++;
}

/* Half a million entries take their time. */
static void
queue_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  AppStats *self = source;

  g_task_return_pointer (
      task, stats_queue_new (app_model_get_model (self->model), on_done, self),
      (GDestroyNotify) stats_queue_free);
}

static void
on_queue (GObject *source, GAsyncResult *result, gpointer unused)
{
  AppStats *self = APP_STATS (source);
  StatsQueue *queue = g_task_propagate_pointer (G_TASK (result), NULL);

  if (g_cancellable_is_cancelled (self->ended))
    {
      stats_queue_free (queue);
      return;
    }
  self->queue = queue;
  if (self->all)
    stats_queue_want_all (queue);
  g_signal_emit (self, signals[UPDATED], 0);
}

AppStats *
app_stats_new (AppModel *model, AppOutline *outline)
{
  AppStats *self = g_object_new (APP_TYPE_STATS, NULL);
  g_autoptr (GTask) task = NULL;

  self->model = g_object_ref (model);
  self->done = g_new0 (guint8, app_outline_n_tensors (outline));
  app_stats_set_outline (self, outline);
  task = g_task_new (self, NULL, on_queue, NULL);
  g_task_run_in_thread (task, queue_thread);
  return self;
}

void
app_stats_want_all (AppStats *self)
{
  self->all = TRUE;
  if (self->queue != NULL)
    stats_queue_want_all (self->queue);
}

void
app_stats_stop (AppStats *self)
{
  g_cancellable_cancel (self->stop);
  g_cancellable_cancel (self->ended);
  g_mutex_lock (&self->lock);
  while (self->gathering > 0)
    g_cond_wait (&self->gathered, &self->lock);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&self->queue, stats_queue_free);
  /* No worker runs any more: nothing sets the source anew. */
  g_clear_handle_id (&self->source, g_source_remove);
}

static void
app_stats_dispose (GObject *object)
{
  app_stats_stop (APP_STATS (object));
  G_OBJECT_CLASS (app_stats_parent_class)->dispose (object);
}

static void
app_stats_finalize (GObject *object)
{
  AppStats *self = APP_STATS (object);

  g_array_unref (self->arrived);
  g_clear_error (&self->error);
  g_mutex_clear (&self->lock);
  g_clear_pointer (&self->groups, g_hash_table_unref);
  g_clear_pointer (&self->outline, app_outline_unref);
  g_clear_object (&self->model);
  g_clear_object (&self->stop);
  g_clear_object (&self->ended);
  g_cond_clear (&self->gathered);
  g_array_unref (self->todo);
  g_free (self->done);
  g_free (self->finished);
  G_OBJECT_CLASS (app_stats_parent_class)->finalize (object);
}

static void
app_stats_class_init (AppStatsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_stats_dispose;
  G_OBJECT_CLASS (klass)->finalize = app_stats_finalize;
  signals[UPDATED] = g_signal_new ("updated", APP_TYPE_STATS, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_stats_init (AppStats *self)
{
  g_mutex_init (&self->lock);
  self->arrived = g_array_new (FALSE, FALSE, sizeof (guint));
  self->todo = g_array_new (FALSE, FALSE, sizeof (guint));
  self->groups = g_hash_table_new_full (NULL, NULL, NULL, group_free);
  self->stop = g_cancellable_new ();
  self->ended = g_cancellable_new ();
  g_cond_init (&self->gathered);
}
