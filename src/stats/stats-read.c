/* stats-read.c: a tensor's bytes through several threads in bounded memory
 *
 * The tensor is cut in chunks of 6 MiB. The calling thread and, for a tensor of several
 * chunks, helpers of a pool of the process take the next chunk until there is none, and
 * look at it where the system has it in memory (src/st/st-view.c); else they read it in
 * pieces small enough to stay in the second cache until they are counted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats/stats-private.h"

#define CHUNK (16 * STATS_PIECE)
#define VIEW_LEAST (1u << 20)
#define FLUSH_CHUNKS 256 /* 1.5 GiB: even codes of 6 bits stay below 2^32 */

static void
scratch_free (gpointer data)
{
  StatsScratch *scratch = data;
  g_aligned_free (scratch->piece);
  g_aligned_free (scratch->counters);
  g_aligned_free (scratch->small);
  g_free (scratch);
}

StatsScratch *
stats_scratch (void)
{
  static GPrivate private = G_PRIVATE_INIT (scratch_free);
  StatsScratch *scratch = g_private_get (&private);

  if (scratch == NULL)
    {
      scratch = g_new (StatsScratch, 1);
      scratch->piece = g_aligned_alloc (STATS_PIECE, 1, 64);
      scratch->counters = g_aligned_alloc0 (STATS_N_CODES, sizeof (guint32), 64);
      scratch->small = g_aligned_alloc0 (STATS_N_CODES, sizeof (guint16), 64);
      g_private_set (&private, scratch);
    }
  return scratch;
}

/* One run; helpers that come too late find it closed. */
typedef struct
{
  gatomicrefcount refs;
  StatsReader *reader;
  const StatsPass *pass;
  gpointer data;
  guint64 n_chunks;

  GMutex mutex;
  GCond idle;
  guint64 next_chunk, bytes_done;
  guint active;
  gboolean closed;
  GError *error;
} Run;

static void
run_unref (Run *run)
{
  if (!g_atomic_ref_count_dec (&run->refs))
    return;
  g_mutex_clear (&run->mutex);
  g_cond_clear (&run->idle);
  g_free (run);
}

static gboolean
take_chunk (Run *run, guint64 *chunk)
{
  g_mutex_lock (&run->mutex);
  gboolean more = run->error == NULL && run->next_chunk < run->n_chunks;
  if (more)
    *chunk = run->next_chunk++;
  g_mutex_unlock (&run->mutex);
  return more;
}

/* Returns FALSE with no error where there is no view. */
static gboolean
view_chunk (Run *run, guint64 chunk, gpointer worker, GError **error)
{
  const StatsReader *reader = run->reader;
  gsize size = (gsize) MIN (CHUNK, reader->size - chunk * CHUNK);
  gboolean ok = TRUE;
  StView view;

  /* Of little, copying is not more work than mapping. */
  if (size < VIEW_LEAST
      || !st_view_begin (&view, reader->file, reader->begin + chunk * CHUNK, size))
    return FALSE;
  gboolean aligned = (guintptr) view.bytes % reader->width == 0;
  for (gsize done = 0; done < size && ok && aligned; done += STATS_PIECE)
    {
      ok = base_task_check (reader->task, error);
      if (ok)
        run->pass->piece (worker, chunk, view.bytes + done,
                          MIN (STATS_PIECE, size - done));
    }
  return st_view_end (&view, ok ? error : NULL) && ok && aligned;
}

static gboolean
read_chunk (Run *run, guint64 chunk, gpointer worker, GError **error)
{
  const StatsReader *reader = run->reader;
  guint64 end = MIN (reader->size, (chunk + 1) * CHUNK);
  guint8 *piece = stats_scratch ()->piece;
  GError *local = NULL;

  if (view_chunk (run, chunk, worker, &local))
    return TRUE;
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  for (guint64 offset = chunk * CHUNK; offset < end; offset += STATS_PIECE)
    {
      gsize size = MIN (STATS_PIECE, end - offset);
      if (!base_task_check (reader->task, error)
          || !st_file_read (reader->file, reader->begin + offset, size, piece, error))
        return FALSE;
      run->pass->piece (worker, chunk, piece, size);
    }
  return TRUE;
}

static void
report (Run *run, guint64 bytes)
{
  const StatsReader *reader = run->reader;
  run->bytes_done += bytes;
  base_task_progress (reader->task, "statistics",
                      reader->passes * reader->size + run->bytes_done,
                      reader->n_passes * reader->size);
}

static void
work (Run *run)
{
  gpointer worker = run->pass->begin (run->data);
  guint64 chunk;
  guint done = 0;

  while (take_chunk (run, &chunk))
    {
      GError *error = NULL;
      gboolean ok = read_chunk (run, chunk, worker, &error);
      g_mutex_lock (&run->mutex);
      if (ok)
        report (run, MIN (CHUNK, run->reader->size - chunk * CHUNK));
      else if (run->error == NULL)
        run->error = error;
      else
        g_error_free (error);
      if (++done % FLUSH_CHUNKS == 0)
        run->pass->flush (worker);
      g_mutex_unlock (&run->mutex);
    }
  g_mutex_lock (&run->mutex);
  run->pass->flush (worker);
  g_mutex_unlock (&run->mutex);
  run->pass->end (worker);
}

static void
help (gpointer data, gpointer unused)
{
  Run *run = data;

  g_mutex_lock (&run->mutex);
  gboolean closed = run->closed;
  if (!closed)
    run->active++;
  g_mutex_unlock (&run->mutex);
  if (!closed)
    {
      work (run);
      g_mutex_lock (&run->mutex);
      run->active--;
      g_cond_signal (&run->idle);
      g_mutex_unlock (&run->mutex);
    }
  run_unref (run);
}

static GThreadPool *
helpers (void)
{
  static GThreadPool *pool;
  if (g_once_init_enter (&pool))
    {
      gint n = MAX (1, (gint) g_get_num_processors () - 1);
      g_once_init_leave (&pool, g_thread_pool_new (help, NULL, n, FALSE, NULL));
    }
  return pool;
}

guint64
stats_reader_n_chunks (const StatsReader *reader)
{
  return (reader->size + CHUNK - 1) / CHUNK;
}

gboolean
stats_reader_run (StatsReader *reader,
                  const StatsPass *pass,
                  gpointer data,
                  GError **error)
{
  Run *run = g_new0 (Run, 1);
  g_atomic_ref_count_init (&run->refs);
  g_mutex_init (&run->mutex);
  g_cond_init (&run->idle);
  run->reader = reader;
  run->pass = pass;
  run->data = data;
  run->n_chunks = stats_reader_n_chunks (reader);

  guint64 n_helpers = MIN (run->n_chunks, g_get_num_processors ());
  for (guint64 i = 1; i < n_helpers; i++)
    {
      g_atomic_ref_count_inc (&run->refs);
      g_thread_pool_push (helpers (), run, NULL);
    }
  work (run);

  g_mutex_lock (&run->mutex);
  run->closed = TRUE;
  while (run->active > 0)
    g_cond_wait (&run->idle, &run->mutex);
  GError *failure = g_steal_pointer (&run->error);
  g_mutex_unlock (&run->mutex);
  run_unref (run);

  reader->passes++;
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, failure);
  return FALSE;
}

void
stats_reader_finish (StatsReader *reader)
{
  base_task_progress (reader->task, "statistics", reader->size, reader->size);
}
