/* base-parallel.c: see base-parallel.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-parallel.h"

#define MAX_THREADS 16

typedef struct
{
  BaseWork work;
  gpointer job;
  guint64 next, count;
} Parallel;

static gpointer
parallel_run (gpointer data)
{
  Parallel *p = data;
  guint64 i;

  while ((i = __atomic_fetch_add (&p->next, 1, __ATOMIC_RELAXED)) < p->count)
    p->work (i, p->job);
  return NULL;
}

void
base_parallel (guint64 count, guint most, BaseWork work, gpointer job)
{
  Parallel p = { .work = work, .job = job, .count = count };
  GThread *threads[MAX_THREADS];
  guint n = MIN (MIN (g_get_num_processors (), MAX_THREADS), most);

  n = MIN (n, MAX (count, 1));
  for (guint i = 1; i < n; i++)
    /* where there is no thread to be had, this one does it all */
    threads[i] = g_thread_try_new ("parallel", parallel_run, &p, NULL);
  parallel_run (&p);
  for (guint i = 1; i < n; i++)
    if (threads[i] != NULL)
      g_thread_join (threads[i]);
}
