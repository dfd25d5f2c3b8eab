/* bench-read.c: the payload of a file by pread and through a mapping
 *
 * bench-read FILE: reads all data in pieces of 8 MiB, twice in each way, and adds it up
 * as 64-bit words, so that both ways end with the bytes in a register. Run it once to
 * fill the cache, or drop the cache to measure the disk.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static guint64
add_up (const void *bytes, gsize n)
{
  const guint64 *words = bytes;
  guint64 sum = 0;

  for (gsize i = 0; i < n / 8; i++)
    sum += words[i];
  return sum;
}

static guint64
by_pread (StFile *file, gsize piece)
{
  g_autofree char *buffer = g_malloc (piece);
  const guint64 all = st_file_data_bytes (file);
  guint64 sum = 0;

  for (guint64 at = 0; at < all; at += piece)
    {
      const gsize n = MIN (piece, all - at);

      g_assert_true (st_file_read (file, at, n, buffer, NULL));
      sum += add_up (buffer, n);
    }
  return sum;
}

static guint64
by_mapping (StFile *file, gsize piece)
{
  const gsize start = st_file_data_start (file), all = st_file_data_bytes (file);
  char *map = mmap (NULL, start + all, PROT_READ, MAP_SHARED, st_file_fd (file), 0);
  guint64 sum = 0;

  g_assert_true (map != MAP_FAILED);
  madvise (map, start + all, MADV_SEQUENTIAL);
  for (gsize at = 0; at < all; at += piece)
    sum += add_up (map + start + at, MIN (piece, all - at));
  munmap (map, start + all);
  return sum;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StFile) file = argc == 2 ? st_file_open (argv[1], NULL, &error) : NULL;

  if (file == NULL)
    {
      fprintf (stderr, "%s\n", error != NULL ? error->message : "usage: bench-read FILE");
      return 2;
    }
  for (guint round = 0; round < 2; round++)
    for (gsize piece = 64 << 10; piece <= 32 << 20; piece *= 4)
      for (guint mapped = 0; mapped < 2; mapped++)
        {
          const gint64 start = g_get_monotonic_time ();
          const guint64 sum = mapped ? by_mapping (file, piece) : by_pread (file, piece);
          const double seconds = (double) (g_get_monotonic_time () - start) / 1e6;

          printf ("%-8s %6zu KiB %.2f GB/s (sum %016" G_GINT64_MODIFIER "x)\n",
                  mapped ? "mapping" : "pread", piece >> 10,
                  (double) st_file_data_bytes (file) / 1e9 / seconds, sum);
        }
  return 0;
}
