/* sd-library-watch.c: what is copied in or taken away is noticed
 *
 * One thread with a main context of its own: the monitors of all folders tell it that
 * something happened, and it scans again. A scan of what is known costs one `stat` for
 * each file, so nothing is gained by finding out what it was that happened. Scans keep
 * a distance of some times of what they take. Folders beyond a bound, or that the system
 * cannot watch, are looked at every few seconds.
 *
 * The watch is owned by its thread and by the library, and ends when it is stopped; a
 * folder on a dead network keeps the thread, and nobody waits for it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library-private.h"

#define MAX_WATCHED 2000
#define SOON_MS 200
#define UNSETTLED_MS 500
#define POLL_MS 4000
#define DISTANCE 5 /* times the scan before */

typedef struct _SdWatch SdWatch;
struct _SdWatch
{
  gatomicrefcount refs;
  SdLibrary *library; /* the thread's */
  GMainContext *context, *target;
  GMainLoop *loop;
  GCancellable *cancellable;
  GHashTable *monitors; /* path → GFileMonitor */
  GSource *timer;
  gint64 due, rested; /* monotonic: of the timer; before which no scan begins */
  gboolean unwatched; /* some folders are not */
  SdListing *told;    /* (nullable): the last whole one; others scan the library too */

  GMutex lock; /* of what follows */
  SdLibraryFunc changed;
  gpointer user_data;
  SdListing *news; /* (nullable): on its way to the target's thread */
};

static void
watch_unref (SdWatch *watch)
{
  if (!g_atomic_ref_count_dec (&watch->refs))
    return;
  sd_listing_unref (watch->news);
  sd_listing_unref (watch->told);
  g_main_context_unref (watch->context);
  g_main_context_unref (watch->target);
  g_main_loop_unref (watch->loop);
  g_object_unref (watch->cancellable);
  g_mutex_clear (&watch->lock);
  g_free (watch);
}

/* ---- telling ---- */

static gboolean
deliver (gpointer user_data)
{
  SdWatch *watch = user_data;
  SdListing *news;
  SdLibraryFunc changed;

  g_mutex_lock (&watch->lock);
  news = g_steal_pointer (&watch->news);
  changed = watch->changed;
  g_mutex_unlock (&watch->lock);
  if (changed != NULL && news != NULL)
    changed (news, watch->user_data);
  sd_listing_unref (news);
  return G_SOURCE_REMOVE;
}

static void
tell (SdListing *listing, gpointer user_data)
{
  SdWatch *watch = user_data;
  gboolean on_its_way;

  g_mutex_lock (&watch->lock);
  on_its_way = watch->news != NULL;
  sd_listing_unref (watch->news);
  watch->news = sd_listing_ref (listing);
  g_mutex_unlock (&watch->lock);
  if (on_its_way)
    return;
  g_autoptr (GSource) source = g_idle_source_new ();
  g_atomic_ref_count_inc (&watch->refs);
  g_source_set_callback (source, deliver, watch, (GDestroyNotify) watch_unref);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_attach (source, watch->target);
}

static gboolean
folders_differ (const SdFolder *a, const SdFolder *b)
{
  return g_strcmp0 (a->path, b->path) != 0 || a->n_items != b->n_items
         || g_strcmp0 (a->fault, b->fault) != 0;
}

static gboolean
differ (const SdListing *a, const SdListing *b)
{
  if (a->items->len != b->items->len || a->folders->len != b->folders->len)
    return TRUE;
  for (guint i = 0; i < a->items->len; i++)
    if (a->items->pdata[i] != b->items->pdata[i])
      return TRUE;
  for (guint i = 0; i < a->folders->len; i++)
    if (folders_differ (a->folders->pdata[i], b->folders->pdata[i]))
      return TRUE;
  return FALSE;
}

/* ---- on the watch's thread ---- */

static void schedule (SdWatch *watch, guint milliseconds);

static void
on_event (GFileMonitor *monitor,
          GFile *file,
          GFile *other,
          GFileMonitorEvent event,
          gpointer user_data)
{
  schedule (user_data, SOON_MS);
}

/* Monitors of exactly @dirs, or of the first of them. TRUE: there are new ones. */
static gboolean
watch_dirs (SdWatch *watch, const GPtrArray *dirs)
{
  GHashTable *monitors
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  gboolean any_new = FALSE;

  watch->unwatched = dirs->len > MAX_WATCHED;
  for (guint i = 0; i < dirs->len && i < MAX_WATCHED; i++)
    {
      const char *path = dirs->pdata[i];
      gpointer key, monitor = NULL;

      if (g_hash_table_contains (monitors, path))
        continue;
      if (g_hash_table_steal_extended (watch->monitors, path, &key, &monitor))
        g_free (key);
      else
        {
          g_autoptr (GFile) file = g_file_new_for_path (path);
          monitor = g_file_monitor_directory (file, G_FILE_MONITOR_NONE, NULL, NULL);
          any_new |= monitor != NULL;
          if (monitor != NULL)
            g_signal_connect (monitor, "changed", G_CALLBACK (on_event), watch);
        }
      if (monitor != NULL)
        g_hash_table_insert (monitors, g_strdup (path), monitor);
      else
        watch->unwatched = TRUE;
    }
  g_hash_table_unref (watch->monitors);
  watch->monitors = monitors;
  return any_new;
}

static void
look (SdWatch *watch)
{
  const BaseTask task = { .cancellable = watch->cancellable };
  g_autoptr (SdListing) listing = NULL;
  gboolean first;
  SdScanned scanned;

  g_mutex_lock (&watch->library->lock);
  first = !watch->library->scanned;
  g_mutex_unlock (&watch->library->lock);
  const SdScanManner manner
      = { .watching = TRUE, .part = first ? tell : NULL, .user_data = watch };
  listing = sd_library_scan_full (watch->library, &task, &manner, &scanned, NULL);
  if (listing != NULL)
    {
      if (watch->told == NULL || differ (watch->told, listing))
        tell (listing, watch);
      sd_listing_unref (watch->told);
      watch->told = sd_listing_ref (listing);
      gboolean any_new = watch_dirs (watch, scanned.dirs);
      watch->rested = g_get_monotonic_time () + DISTANCE * scanned.took;
      if (any_new) /* what changed while no monitor was there yet */
        schedule (watch, SOON_MS);
      if (scanned.unsettled)
        schedule (watch, UNSETTLED_MS);
      if (watch->unwatched)
        schedule (watch, POLL_MS);
    }
  g_ptr_array_unref (scanned.dirs);
}

static gboolean
on_timer (gpointer user_data)
{
  SdWatch *watch = user_data;

  g_clear_pointer (&watch->timer, g_source_unref);
  look (watch);
  return G_SOURCE_REMOVE;
}

/* A scan in so many milliseconds, or before that. */
static void
schedule (SdWatch *watch, guint milliseconds)
{
  gint64 now = g_get_monotonic_time ();
  gint64 due = MAX (now + (gint64) milliseconds * 1000, watch->rested);

  if (watch->timer != NULL && watch->due <= due)
    return;
  if (watch->timer != NULL)
    g_source_destroy (watch->timer);
  g_clear_pointer (&watch->timer, g_source_unref);
  watch->due = due;
  watch->timer = g_timeout_source_new ((guint) ((due - now) / 1000));
  g_source_set_callback (watch->timer, on_timer, watch, NULL);
  g_source_attach (watch->timer, watch->context);
}

static gpointer
watch_thread (gpointer user_data)
{
  SdWatch *watch = user_data;

  g_main_context_push_thread_default (watch->context);
  watch->monitors
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  if (!g_cancellable_is_cancelled (watch->cancellable))
    {
      look (watch);
      if (!g_cancellable_is_cancelled (watch->cancellable))
        g_main_loop_run (watch->loop);
    }
  if (watch->timer != NULL)
    g_source_destroy (watch->timer);
  g_clear_pointer (&watch->timer, g_source_unref);
  g_clear_pointer (&watch->monitors, g_hash_table_unref);
  g_main_context_pop_thread_default (watch->context);
  g_clear_pointer (&watch->library, sd_library_unref);
  watch_unref (watch);
  return NULL;
}

/* ---- from other threads ---- */

static gboolean
on_refresh (gpointer user_data)
{
  schedule (user_data, 0);
  return G_SOURCE_REMOVE;
}

static gboolean
on_stop (gpointer user_data)
{
  g_main_loop_quit (((SdWatch *) user_data)->loop);
  return G_SOURCE_REMOVE;
}

static void
send (SdWatch *watch, GSourceFunc function)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_atomic_ref_count_inc (&watch->refs);
  g_source_set_callback (source, function, watch, (GDestroyNotify) watch_unref);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_attach (source, watch->context);
}

void
sd_library_watch (SdLibrary *library,
                  GMainContext *context,
                  SdLibraryFunc changed,
                  gpointer user_data)
{
  SdWatch *watch;

  g_return_if_fail (library->watch == NULL);
  watch = g_new0 (SdWatch, 1);
  g_atomic_ref_count_init (&watch->refs);
  g_atomic_ref_count_inc (&watch->refs); /* the library's */
  watch->library = sd_library_ref (library);
  watch->context = g_main_context_new ();
  watch->target
      = g_main_context_ref (context != NULL ? context : g_main_context_default ());
  watch->loop = g_main_loop_new (watch->context, FALSE);
  watch->cancellable = g_cancellable_new ();
  watch->changed = changed;
  watch->user_data = user_data;
  g_mutex_init (&watch->lock);
  library->watch = watch;
  g_thread_unref (g_thread_new ("models", watch_thread, watch));
}

void
sd_library_stop (SdLibrary *library)
{
  SdWatch *watch = g_steal_pointer (&library->watch);

  if (watch == NULL)
    return;
  g_mutex_lock (&watch->lock);
  watch->changed = NULL;
  g_mutex_unlock (&watch->lock);
  g_cancellable_cancel (watch->cancellable);
  send (watch, on_stop);
  watch_unref (watch);
}

void
sd_library_refresh (SdLibrary *library)
{
  if (library->watch != NULL)
    send (library->watch, on_refresh);
}
