/* stats-queue.c: statistics of a whole model behind a window
 *
 * As many workers as cores take what is wanted, newest wish first, then the rest in file
 * order. A small tensor is one read on one worker; a large one is shared out by the
 * reader. Summaries of all tensors stay; those of small ones, of which a model may have
 * half a million, as the list of their values, from which they are made again.
 * Distributions stay while they fit in 128 MiB, which is the case for whole models of
 * some thousand tensors; beyond, those not looked at for longest are kept with 16 cells
 * an octave, and are computed again when they are wanted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats/stats-private.h"

#include <string.h>

#define DETAIL_BUDGET (G_GUINT64_CONSTANT (128) << 20)
#define DETAIL_SMALL 256 /* bytes: a distribution not worth coarsening */
#define SMALL_VALUES 64  /* a tensor whose summary is ten times as large as its values */

typedef enum
{
  STATE_NEW,
  STATE_RUNNING,
  STATE_DONE,
  STATE_COARSE, /* done, but its distribution was given up */
  STATE_FAILED,
} State;

/* A list of tensors, each at most once, by index; entry n is both ends. */
typedef struct
{
  guint *next, *previous;
  guint end;
} List;

struct _StatsQueue
{
  StModel *model;
  StatsDoneFunc done;
  gpointer user_data;
  GCancellable *cancellable;
  GThread **threads;
  guint n_threads;

  GMutex mutex; /* of all below */
  GCond more;
  gboolean stopping, all;
  guint n_tensors, cursor;
  guint8 *states;
  StatsTensor **results;
  guint8 **small;        /* instead of a result: its cells, packed by pack () */
  List wanted, detailed; /* detailed: looked at most recently first */
  guint64 detail_bytes, detail_budget, bytes_done, bytes_total, bytes_running;
};

/* What one worker is at. */
typedef struct
{
  StatsQueue *queue;
  guint64 bytes, part;
} Job;

static void
list_init (List *list, guint n)
{
  list->next = g_new (guint, n + 1);
  list->previous = g_new (guint, n + 1);
  list->end = n;
  for (guint i = 0; i <= n; i++)
    list->next[i] = list->previous[i] = i;
}

static void
list_clear (List *list)
{
  g_free (list->next);
  g_free (list->previous);
}

static gboolean
list_holds (const List *list, guint i)
{
  return list->next[i] != i;
}

static void
list_remove (List *list, guint i)
{
  list->next[list->previous[i]] = list->next[i];
  list->previous[list->next[i]] = list->previous[i];
  list->next[i] = list->previous[i] = i;
}

static void
list_to_front (List *list, guint i)
{
  list_remove (list, i);
  list->next[i] = list->next[list->end];
  list->previous[i] = list->end;
  list->previous[list->next[i]] = i;
  list->next[list->end] = i;
}

static gboolean
take (StatsQueue *queue, guint *index)
{
  guint first = queue->wanted.next[queue->wanted.end];
  if (first != queue->wanted.end)
    {
      list_remove (&queue->wanted, first);
      *index = first;
      return TRUE;
    }
  while (queue->all && queue->cursor < queue->n_tensors)
    if (queue->states[queue->cursor++] == STATE_NEW)
      {
        *index = queue->cursor - 1;
        return TRUE;
      }
  return FALSE;
}

static void
on_progress (const char *stage, guint64 done, guint64 total, gpointer user_data)
{
  Job *job = user_data;

  g_mutex_lock (&job->queue->mutex);
  guint64 part
      = (guint64) ((double) job->bytes * (double) done / (double) MAX (total, 1));
  job->queue->bytes_running += part - job->part;
  job->part = part;
  g_mutex_unlock (&job->queue->mutex);
}

static void
give_up_details (StatsQueue *queue, guint newest)
{
  while (queue->detail_bytes > queue->detail_budget)
    {
      guint i = queue->detailed.previous[queue->detailed.end];
      if (i == newest || i == queue->detailed.end)
        break;
      StatsTensor *coarse = stats_tensor_coarsen (queue->results[i]);
      list_remove (&queue->detailed, i);
      queue->detail_bytes -= queue->results[i]->cells.size;
      stats_tensor_unref (queue->results[i]);
      queue->results[i] = coarse;
      queue->states[i] = STATE_COARSE;
    }
}

/* (transfer full) (nullable): one byte for the number of cells, one for their size, and
 * the cells; NULL where they do not hold every value exactly. */
static guint8 *
pack (const StatsTensor *stats)
{
  const StatsCells *cells = &stats->cells;
  guint8 *packed;

  if (stats->summary.count > SMALL_VALUES || cells->size > G_MAXUINT8
      || !stats_grid_is_exact (&cells->grid))
    return NULL;
  packed = g_malloc (2 + cells->size);
  packed[0] = (guint8) cells->n;
  packed[1] = (guint8) cells->size;
  if (cells->size > 0)
    memcpy (packed + 2, cells->bytes, cells->size);
  return packed;
}

static StatsTensor *
unpack (const guint8 *packed, StDtype dtype)
{
  StatsTensor *stats = stats_tensor_new (dtype);

  stats->cells = (StatsCells){ .grid = { .dtype = dtype },
                               .n = packed[0],
                               .size = packed[1],
                               .bytes = g_memdup2 (packed + 2, packed[1]) };
  stats_tensor_summarise (stats);
  return stats;
}

static void
keep (StatsQueue *queue, guint index, StatsTensor *stats)
{
  if (queue->small[index] == NULL)
    queue->small[index] = pack (stats);
  if (queue->small[index] != NULL)
    {
      queue->states[index] = STATE_DONE;
      return;
    }
  stats_tensor_unref (queue->results[index]);
  queue->results[index] = stats_tensor_ref (stats);
  queue->states[index] = STATE_DONE;
  if (stats->cells.size > DETAIL_SMALL && stats_space (stats->dtype)->bits > 8)
    {
      queue->detail_bytes += stats->cells.size;
      list_to_front (&queue->detailed, index);
      give_up_details (queue, index);
    }
}

static void
compute_one (StatsQueue *queue, guint index, gboolean again)
{
  const StModelTensor *entry = st_model_tensor (queue->model, index);
  guint64 bytes = entry->tensor->end - entry->tensor->begin;
  Job job = { .queue = queue, .bytes = again ? 0 : bytes };
  BaseTask task = { queue->cancellable, on_progress, &job };
  g_autoptr (GError) error = NULL;
  g_autoptr (StatsTensor) stats
      = stats_tensor_compute (entry->file, entry->tensor, &task, &error);

  g_mutex_lock (&queue->mutex);
  gboolean stopping = queue->stopping;
  queue->bytes_running -= job.part;
  if (!stopping)
    queue->bytes_done += job.bytes;
  if (stats != NULL)
    keep (queue, index, stats);
  else
    queue->states[index] = again ? STATE_COARSE : STATE_FAILED;
  g_mutex_unlock (&queue->mutex);
  if (!stopping && queue->done != NULL)
    queue->done (index, stats, error, queue->user_data);
}

static gpointer
run_worker (gpointer data)
{
  StatsQueue *queue = data;
  guint index;

  g_mutex_lock (&queue->mutex);
  while (!queue->stopping)
    {
      if (!take (queue, &index))
        {
          g_cond_wait (&queue->more, &queue->mutex);
          continue;
        }
      gboolean again = queue->states[index] == STATE_COARSE;
      queue->states[index] = STATE_RUNNING;
      g_mutex_unlock (&queue->mutex);
      compute_one (queue, index, again);
      g_mutex_lock (&queue->mutex);
    }
  g_mutex_unlock (&queue->mutex);
  return NULL;
}

StatsQueue *
stats_queue_new (StModel *model, StatsDoneFunc done, gpointer user_data)
{
  StatsQueue *queue = g_new0 (StatsQueue, 1);

  queue->model = st_model_ref (model);
  queue->done = done;
  queue->user_data = user_data;
  queue->cancellable = g_cancellable_new ();
  g_mutex_init (&queue->mutex);
  g_cond_init (&queue->more);
  queue->detail_budget = DETAIL_BUDGET;
  queue->n_tensors = st_model_n_tensors (model);
  queue->states = g_new0 (guint8, queue->n_tensors);
  queue->results = g_new0 (StatsTensor *, queue->n_tensors);
  queue->small = g_new0 (guint8 *, queue->n_tensors);
  list_init (&queue->wanted, queue->n_tensors);
  list_init (&queue->detailed, queue->n_tensors);
  for (guint i = 0; i < queue->n_tensors; i++)
    {
      const StTensor *tensor = st_model_tensor (model, i)->tensor;
      queue->bytes_total += tensor->end - tensor->begin;
    }
  queue->n_threads = g_get_num_processors ();
  queue->threads = g_new (GThread *, queue->n_threads);
  for (guint i = 0; i < queue->n_threads; i++)
    queue->threads[i] = g_thread_new ("statistics", run_worker, queue);
  return queue;
}

void
stats_queue_set_budget (StatsQueue *queue, guint64 bytes)
{
  g_mutex_lock (&queue->mutex);
  queue->detail_budget = bytes;
  g_mutex_unlock (&queue->mutex);
}

void
stats_queue_free (StatsQueue *queue)
{
  if (queue == NULL)
    return;
  g_mutex_lock (&queue->mutex);
  queue->stopping = TRUE;
  g_cond_broadcast (&queue->more);
  g_mutex_unlock (&queue->mutex);
  g_cancellable_cancel (queue->cancellable);
  for (guint i = 0; i < queue->n_threads; i++)
    g_thread_join (queue->threads[i]);
  for (guint i = 0; i < queue->n_tensors; i++)
    {
      stats_tensor_unref (queue->results[i]);
      g_free (queue->small[i]);
    }
  list_clear (&queue->wanted);
  list_clear (&queue->detailed);
  g_mutex_clear (&queue->mutex);
  g_cond_clear (&queue->more);
  g_object_unref (queue->cancellable);
  st_model_unref (queue->model);
  g_free (queue->threads);
  g_free (queue->states);
  g_free (queue->results);
  g_free (queue->small);
  g_free (queue);
}

void
stats_queue_want (StatsQueue *queue, const guint *tensor_indices, guint n)
{
  g_mutex_lock (&queue->mutex);
  for (guint i = n; i-- > 0;)
    {
      guint8 state = queue->states[tensor_indices[i]];
      if (state == STATE_NEW || state == STATE_COARSE)
        list_to_front (&queue->wanted, tensor_indices[i]);
    }
  g_cond_broadcast (&queue->more);
  g_mutex_unlock (&queue->mutex);
}

void
stats_queue_want_all (StatsQueue *queue)
{
  g_mutex_lock (&queue->mutex);
  queue->all = TRUE;
  g_cond_broadcast (&queue->more);
  g_mutex_unlock (&queue->mutex);
}

StatsTensor *
stats_queue_peek (StatsQueue *queue, guint tensor_index)
{
  g_mutex_lock (&queue->mutex);
  StatsTensor *stats = queue->results[tensor_index];
  const guint8 *small = queue->small[tensor_index]; /* once there, it stays */
  if (stats != NULL)
    stats_tensor_ref (stats);
  if (list_holds (&queue->detailed, tensor_index))
    list_to_front (&queue->detailed, tensor_index);
  g_mutex_unlock (&queue->mutex);
  if (small != NULL)
    return unpack (small, st_model_tensor (queue->model, tensor_index)->tensor->dtype);
  return stats;
}

void
stats_queue_progress (StatsQueue *queue, guint64 *bytes_done, guint64 *bytes_total)
{
  g_mutex_lock (&queue->mutex);
  *bytes_done = queue->bytes_done + queue->bytes_running;
  *bytes_total = queue->bytes_total;
  g_mutex_unlock (&queue->mutex);
}
