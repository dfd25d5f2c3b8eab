/* app-watch.c: tells tests what the main thread was busy with, and when things were seen
 *
 * With CALOTYPE_WATCH=FILE every stretch between two polls of the main loop that lasts
 * longer than a frame may wait is written there, with the processor time in it (on a busy
 * machine the rest was somebody else's) and what the thread was doing, as it was found
 * by signals sent while the stretch lasted. Without the variable nothing is installed and
 * a mark costs a comparison.
 *
 * A line: "stretch WALL CPU START" in milliseconds, then "  in FILE OFFSET SYMBOL" from
 * the innermost frame outwards, a line "  --" between samples; or "mark NAME TOLD DRAWN",
 * in milliseconds of the monotonic clock.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-watch.h"

#include <gdk/gdk.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif

#define LIMIT_US 8000
#define SAMPLE_EVERY_US 3000
#define MAX_SAMPLES 6
#define MAX_FRAMES 48
#define MAX_MARKS 16
#define INNER_FRAMES 2 /* the handler's own */

typedef struct
{
  gpointer frames[MAX_FRAMES];
  int n;
} Sample;

typedef struct
{
  const char *name;
  gint64 told;
} Mark;

static FILE *out;
static pthread_t main_thread;
static gint64 began; /* of the stretch; 0 while the loop waits; atomic */
static gint64 began_cpu;
static Sample samples[MAX_SAMPLES];
static int n_samples; /* atomic */
static Mark marks[MAX_MARKS];
static guint n_marks;

static gint64
cpu_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* ---- what runs ---- */

static void
on_signal (int number)
{
#ifdef __GLIBC__
  int i = g_atomic_int_get (&n_samples);

  if (i >= MAX_SAMPLES)
    return;
  samples[i].n = backtrace (samples[i].frames, MAX_FRAMES);
  g_atomic_int_set (&n_samples, i + 1);
#endif
}

static gpointer
sample_thread (gpointer unused)
{
  for (;;)
    {
      gint64 since = __atomic_load_n (&began, __ATOMIC_RELAXED);

      g_usleep (SAMPLE_EVERY_US);
      if (since != 0 && __atomic_load_n (&began, __ATOMIC_RELAXED) == since
          && g_get_monotonic_time () - since > LIMIT_US / 2)
        pthread_kill (main_thread, SIGPROF);
    }
  return NULL;
}

static void
write_samples (void)
{
  int n = g_atomic_int_get (&n_samples);

  for (int i = 0; i < n; i++)
    {
      for (int k = INNER_FRAMES; k < samples[i].n; k++)
        {
          gpointer at = samples[i].frames[k];
          Dl_info info = { NULL };

          if (dladdr (at, &info) != 0)
            fprintf (out, "  in %s %zx %s\n", info.dli_fname,
                     (gsize) ((char *) at - (char *) info.dli_fbase),
                     info.dli_sname != NULL ? info.dli_sname : "?");
        }
      fputs ("  --\n", out);
    }
}

/* ---- stretches ---- */

static int
poll_watched (GPollFD *fds, guint n, int timeout)
{
  gint64 now = g_get_monotonic_time (), start = began;
  int result;

  __atomic_store_n (&began, 0, __ATOMIC_RELAXED);
  if (start != 0 && now - start > LIMIT_US)
    {
      fprintf (out, "stretch %.1f %.1f %.1f\n", (double) (now - start) / 1000,
               (double) (cpu_us () - began_cpu) / 1000, (double) start / 1000);
      write_samples ();
      fflush (out);
    }
  result = g_poll (fds, n, timeout);
  g_atomic_int_set (&n_samples, 0);
  began_cpu = cpu_us ();
  __atomic_store_n (&began, g_get_monotonic_time (), __ATOMIC_RELAXED);
  return result;
}

/* ---- marks ---- */

static gboolean
on_after_paint (GSignalInvocationHint *hint,
                guint n_values,
                const GValue *values,
                gpointer unused)
{
  for (guint i = 0; i < n_marks; i++)
    fprintf (out, "mark %s %.1f %.1f\n", marks[i].name, (double) marks[i].told / 1000,
             (double) g_get_monotonic_time () / 1000);
  if (n_marks > 0)
    fflush (out);
  n_marks = 0;
  return TRUE;
}

void
app_watch_mark (const char *name)
{
  static gboolean hooked;

  if (out == NULL || n_marks == MAX_MARKS)
    return;
  if (!hooked)
    {
      g_type_class_unref (g_type_class_ref (GDK_TYPE_FRAME_CLOCK));
      g_signal_add_emission_hook (g_signal_lookup ("after-paint", GDK_TYPE_FRAME_CLOCK),
                                  0, on_after_paint, NULL, NULL);
      hooked = TRUE;
    }
  marks[n_marks++] = (Mark){ name, g_get_monotonic_time () };
}

void
app_watch_start (void)
{
  const char *path = g_getenv ("CALOTYPE_WATCH");
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

  if (path == NULL || (out = fopen (path, "w")) == NULL)
    return;
#ifdef __GLIBC__
  gpointer first[1];
  backtrace (first, 1); /* loads what it needs now, not within a signal */
#endif
  main_thread = pthread_self ();
  sigaction (SIGPROF, &action, NULL);
  g_main_context_set_poll_func (NULL, poll_watched);
  g_thread_unref (g_thread_new ("watch", sample_thread, NULL));
}
