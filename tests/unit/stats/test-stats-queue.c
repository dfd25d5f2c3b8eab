/* test-stats-queue.c: the statistics of a whole model, in the order that is wanted
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "stats-fixture.h"
#include "stats/stats-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define N_SMALL 700
#define BLOCKING 300 /* from here on: tensors whose callback waits while held */
#define N_LARGE 2
#define LARGE 12000000

typedef struct
{
  GMutex mutex;
  GCond changed;
  GArray *order;
  guint n_errors;
  gboolean held;
  guint tickets; /* how many may leave all the same */
} Watch;

static void
on_done (guint index, StatsTensor *stats, const GError *error, gpointer user_data)
{
  Watch *watch = user_data;

  g_mutex_lock (&watch->mutex);
  if (stats == NULL)
    {
      g_assert_nonnull (error);
      watch->n_errors++;
    }
  g_array_append_val (watch->order, index);
  g_cond_broadcast (&watch->changed);
  if (index >= BLOCKING)
    {
      while (watch->held && watch->tickets == 0)
        g_cond_wait (&watch->changed, &watch->mutex);
      watch->tickets -= watch->held;
    }
  g_mutex_unlock (&watch->mutex);
}

static void
wait_for (Watch *watch, guint n)
{
  gint64 end = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
  g_mutex_lock (&watch->mutex);
  while (watch->order->len < n)
    g_assert_true (g_cond_wait_until (&watch->changed, &watch->mutex, end));
  g_mutex_unlock (&watch->mutex);
}

static void
set_held (Watch *watch, gboolean held, guint tickets)
{
  g_mutex_lock (&watch->mutex);
  watch->held = held;
  watch->tickets = tickets;
  g_cond_broadcast (&watch->changed);
  g_mutex_unlock (&watch->mutex);
}

typedef struct
{
  char *folder, *path;
  StModel *model;
  Watch watch;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  static const guint64 small = 500, large = LARGE;
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *raw = fixture_raw (LARGE * 2);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  StWriteTensor tensors[N_SMALL + N_LARGE];

  for (guint i = 0; i < N_SMALL + N_LARGE; i++)
    {
      gboolean is_small = i < N_SMALL;
      g_ptr_array_add (names, g_strdup_printf ("t%03u", i));
      tensors[i]
          = (StWriteTensor){ names->pdata[i], is_small ? ST_DTYPE_F32 : ST_DTYPE_BF16, 1,
                             is_small ? &small : &large, raw + (is_small ? 4 * i : 0) };
    }
  fixture->folder = g_dir_make_tmp ("calotype-stats-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->folder, "m.safetensors", NULL);
  st_write (fixture->path, tensors, G_N_ELEMENTS (tensors), NULL, &error);
  g_assert_no_error (error);
  fixture->model = st_model_open (fixture->path, NULL, &error);
  g_assert_no_error (error);
  g_mutex_init (&fixture->watch.mutex);
  g_cond_init (&fixture->watch.changed);
  fixture->watch.order = g_array_new (FALSE, FALSE, sizeof (guint));
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  st_model_unref (fixture->model);
  g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_array_unref (fixture->watch.order);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static void
test_all (Fixture *fixture, gconstpointer unused)
{
  guint n = st_model_n_tensors (fixture->model);
  StatsQueue *queue = stats_queue_new (fixture->model, on_done, &fixture->watch);
  guint64 done, total;

  g_assert_cmpuint (n, ==, N_SMALL + N_LARGE);
  g_assert_null (stats_queue_peek (queue, 0));
  stats_queue_want_all (queue);
  wait_for (&fixture->watch, n);
  for (guint i = 0; i < n; i++)
    {
      const StModelTensor *entry = st_model_tensor (fixture->model, i);
      g_autoptr (StatsTensor) stats = stats_queue_peek (queue, i);
      g_assert_nonnull (stats);
      g_assert_cmpuint (stats_tensor_summary (stats)->count, ==, entry->tensor->count);
    }
  stats_queue_progress (queue, &done, &total);
  g_assert_cmpuint (total, ==, N_SMALL * 2000 + N_LARGE * 2 * LARGE);
  g_assert_cmpuint (done, ==, total);
  g_assert_cmpuint (fixture->watch.n_errors, ==, 0);
  stats_queue_free (queue);
}

static gboolean
is_among (const guint *indices, guint n, guint index)
{
  for (guint i = 0; i < n; i++)
    if (indices[i] == index)
      return TRUE;
  return FALSE;
}

/* Newest wish first and in its own order, then file order, nothing twice. All workers but
 * one are kept waiting, so that the order can be seen. */
static void
test_order (Fixture *fixture, gconstpointer unused)
{
  Watch *watch = &fixture->watch;
  guint n_workers = g_get_num_processors ();
  const guint older[] = { 200, 201, 202 }, newer[] = { 150, 201, 140, 130 };
  const guint expected[] = { 150, 201, 140, 130, 200, 202 };
  g_autofree guint *blocking = g_new (guint, n_workers);
  StatsQueue *queue = stats_queue_new (fixture->model, on_done, watch);

  for (guint i = 0; i < n_workers; i++)
    blocking[i] = BLOCKING + i;
  set_held (watch, TRUE, 0);
  stats_queue_want (queue, blocking, n_workers);
  wait_for (watch, n_workers);
  stats_queue_want_all (queue);
  stats_queue_want (queue, older, G_N_ELEMENTS (older));
  stats_queue_want (queue, newer, G_N_ELEMENTS (newer));
  set_held (watch, TRUE, 1);
  wait_for (watch, n_workers + BLOCKING);

  g_mutex_lock (&watch->mutex);
  const guint *order = (const guint *) (gpointer) watch->order->data + n_workers;
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpuint (order[i], ==, expected[i]);
  guint next = 0;
  for (guint i = G_N_ELEMENTS (expected); i < BLOCKING; i++)
    {
      while (is_among (expected, G_N_ELEMENTS (expected), next))
        next++;
      g_assert_cmpuint (order[i], ==, next++);
    }
  g_mutex_unlock (&watch->mutex);
  set_held (watch, FALSE, 0);
  stats_queue_free (queue);
}

/* Leaving in the middle takes no longer than one piece of a tensor. */
static void
test_leave (Fixture *fixture, gconstpointer unused)
{
  gint64 longest = 0;
  for (guint i = 0; i < 5; i++)
    {
      StatsQueue *queue = stats_queue_new (fixture->model, NULL, NULL);
      stats_queue_want_all (queue);
      g_usleep (1000 * i);
      gint64 start = g_get_monotonic_time ();
      stats_queue_free (queue);
      longest = MAX (longest, g_get_monotonic_time () - start);
    }
  g_test_message ("leaving took %" G_GINT64_FORMAT " µs at most", longest);
  /* The rule is 50 ms; a busy machine may not run us for longer than that. */
  g_assert_cmpint (longest, <, 500000);
}

static void
test_file_gone (Fixture *fixture, gconstpointer unused)
{
  StatsQueue *queue = stats_queue_new (fixture->model, on_done, &fixture->watch);
  const guint one = 3;
  guint64 done, total;

  g_assert_cmpint (truncate (fixture->path, 1000), ==, 0);
  stats_queue_want (queue, &one, 1);
  wait_for (&fixture->watch, 1);
  g_assert_cmpuint (fixture->watch.n_errors, ==, 1);
  g_assert_null (stats_queue_peek (queue, 3));
  stats_queue_progress (queue, &done, &total);
  g_assert_cmpuint (done, ==, 2000);
  stats_queue_free (queue);
  stats_queue_free (NULL);
}

/* Distributions beyond the budget lose resolution, and have it again when wanted. */
static void
test_budget (Fixture *fixture, gconstpointer unused)
{
  guint n = st_model_n_tensors (fixture->model), n_coarse = 0;
  StatsQueue *queue = stats_queue_new (fixture->model, on_done, &fixture->watch);
  guint64 done, total;

  stats_queue_set_budget (queue, 300000);
  stats_queue_want_all (queue);
  wait_for (&fixture->watch, n);
  guint first_coarse = n;
  for (guint i = n; i-- > 0;)
    {
      g_autoptr (StatsTensor) stats = stats_queue_peek (queue, i);
      g_assert_true (stats_tensor_summary (stats)->has_moments);
      if (stats_tensor_resolution (stats) > 0)
        {
          first_coarse = i;
          n_coarse++;
        }
    }
  /* 700 tensors of 500 different floats take two or three bytes a value and more. */
  g_assert_cmpuint (n_coarse, >, N_SMALL / 2);
  g_assert_cmpuint (n_coarse, <, N_SMALL);
  stats_queue_want (queue, &first_coarse, 1);
  wait_for (&fixture->watch, n + 1);
  g_autoptr (StatsTensor) again = stats_queue_peek (queue, first_coarse);
  g_assert_cmpfloat (stats_tensor_resolution (again), ==, 0);
  stats_queue_progress (queue, &done, &total);
  g_assert_cmpuint (done, ==, total);
  stats_queue_free (queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, test)                                                                  \
  g_test_add ("/stats/queue/" name, Fixture, NULL, set_up, test, tear_down)
  ADD ("all", test_all);
  ADD ("order", test_order);
  ADD ("leave", test_leave);
  ADD ("file-gone", test_file_gone);
  ADD ("budget", test_budget);
  return g_test_run ();
}
