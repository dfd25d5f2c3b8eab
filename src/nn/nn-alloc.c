/* nn-alloc.c: large pieces of host memory, which may not be there
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn.h"

static int calls; /* atomic */
static guint fail_at, fail_times;

void
nn_alloc_fail (guint at, guint times)
{
  g_atomic_int_set (&calls, 0);
  fail_at = at;
  fail_times = times;
}

guint
nn_alloc_calls (void)
{
  return (guint) g_atomic_int_get (&calls);
}

gpointer
nn_alloc (gsize n, gsize each, const char *what, GError **error)
{
  guint call = (guint) g_atomic_int_add (&calls, 1);
  gpointer memory = NULL;
  gsize bytes;

  if (!g_size_checked_mul (&bytes, n, each))
    bytes = G_MAXSIZE;
  else if (call - fail_at >= fail_times)
    memory = g_try_malloc (MAX (bytes, 1));
  if (memory == NULL)
    g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                 "%s: no memory for %" G_GSIZE_FORMAT " bytes", what, bytes);
  return memory;
}
