/* st-view.c: the data of a file where the system keeps it, without a copy
 *
 * Copying is a third of the cost of counting what is in the page cache (st-file.c has the
 * figures), so whoever goes through gigabytes looks at a mapping instead. What makes that
 * safe: a page that is gone (the file was truncated, the disk or the network failed) is a
 * SIGBUS in the thread that touches it, and the handler here puts zeros in its place, and
 * in that of all after it, and notes that the view is void. Nothing is jumped out of, and
 * a fault outside the thread's own view goes to whoever had the signal before. Where
 * somebody takes the signal after us there are no views, and bytes are read.
 *
 * Only what is in the page cache already is looked at in this way: of a disk, large reads
 * are better than faults. Views begin and end at 2 MiB of the file, since pages of that
 * size, of which a file's cache often consists, are mapped at no cost at all.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-file-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define HUGE (G_GUINT64_CONSTANT (2) << 20)
#define PROBE (256u << 10) /* what is kept or dropped together, more or less */

static __thread StView *volatile current;
static struct sigaction previous;
static gsize page_size;

static void
on_bus_error (int number, siginfo_t *info, void *context)
{
  const int saved = errno;
  StView *view = current;
  guint8 *at = info->si_addr;

  if (view != NULL && at >= view->map && at < view->map + view->map_size)
    {
      guint8 *page = view->map + (gsize) (at - view->map) / page_size * page_size;

      if (mmap (page, (gsize) (view->map + view->map_size - page), PROT_READ,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
          != MAP_FAILED)
        {
          view->lost = TRUE;
          errno = saved;
          return;
        }
    }
  if ((previous.sa_flags & SA_SIGINFO) != 0)
    previous.sa_sigaction (number, info, context);
  else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
    previous.sa_handler (number);
  else
    {
      signal (number, SIG_DFL);
      raise (number); /* comes when this handler has returned */
    }
  errno = saved;
}

/* Whether a fault would come to us. */
static gboolean
is_guarded (void)
{
  static gsize once;
  struct sigaction now;

  if (g_once_init_enter (&once))
    {
      struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

      page_size = (gsize) sysconf (_SC_PAGESIZE);
      sigemptyset (&action.sa_mask);
      sigaction (SIGBUS, NULL, &previous);
      sigaction (SIGBUS, &action, NULL);
      g_once_init_leave (&once, 1);
    }
  return sigaction (SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0
         && now.sa_sigaction == on_bus_error;
}

/* By tasting: of what is not there at once, preadv2 says so and does not wait. */
static gboolean
is_cached (int fd, guint64 begin, guint64 end)
{
  char byte;
  struct iovec taste = { &byte, 1 };

  for (guint64 at = begin; at < end; at += PROBE)
    if (preadv2 (fd, &taste, 1, (off_t) at, RWF_NOWAIT) != 1)
      return FALSE;
  return preadv2 (fd, &taste, 1, (off_t) end - 1, RWF_NOWAIT) == 1;
}

gboolean
st_view_begin (StView *view, StFile *file, guint64 offset, gsize n)
{
  const int fd = st_file_fd (file);
  const guint64 begin = st_file_data_start (file) + offset, end = begin + n;
  const guint64 first = begin / HUGE * HUGE;
  const guint64 last = MIN ((end + HUGE - 1) / HUGE * HUGE,
                            st_file_data_start (file) + st_file_data_bytes (file));

  if (n == 0 || !st_file_has (file, offset, n, NULL) || last - first > G_MAXSIZE / 2
      || current != NULL || !is_guarded () || !is_cached (fd, begin, end))
    return FALSE;
  gpointer map
      = mmap (NULL, (gsize) (last - first), PROT_READ, MAP_SHARED, fd, (off_t) first);
  if (map == MAP_FAILED)
    return FALSE;
  *view = (StView){ .bytes = (const guint8 *) map + (begin - first),
                    .file = file,
                    .offset = offset,
                    .n = n,
                    .map = map,
                    .map_size = (gsize) (last - first) };
  current = view;
  return TRUE;
}

gboolean
st_view_end (StView *view, GError **error)
{
  guint8 byte;
  guint64 last = view->offset + view->n - 1;

  current = NULL;
  munmap (view->map, view->map_size);
  /* A last byte that can be read says that the file has neither shrunk nor been replaced;
   * the reading finds the words where it has. */
  if (!st_file_read (view->file, last, 1, &byte, error))
    return FALSE;
  if (!view->lost)
    return TRUE;
  g_set_error (error, ST_ERROR, ST_ERROR_IO, _ ("“%s” could not be read: %s"),
               st_file_path (view->file), g_strerror (EIO));
  return FALSE;
}
