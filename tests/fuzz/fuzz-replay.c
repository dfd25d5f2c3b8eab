/* fuzz-replay.c: runs a fuzz target without libFuzzer
 *
 * With files as arguments it runs those: the way to look at what libFuzzer found.
 * Without, it runs the target's seeds and some thousand changes of them, the same ones
 * every time, for at most five seconds. An input that crashes is left in the working
 * folder.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "fuzz.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 20000
#define SECONDS 5
#define MAX_SIZE (1u << 20)

static const guint8 *current;
static gsize current_size;

static void
on_crash (int number)
{
  int fd = open ("fuzz-crash", O_WRONLY | O_CREAT | O_TRUNC, 0666);
  static const char message[] = "the input is in the file fuzz-crash\n";

  if (write (fd, current, current_size) == (gssize) current_size)
    current_size = (gsize) write (STDERR_FILENO, message, sizeof message - 1);
  signal (number, SIG_DFL);
  raise (number);
}

static void
run (const guint8 *data, gsize size)
{
  /* a copy of the very size, so that a sanitizer sees each byte read beyond it */
  g_autofree guint8 *copy = g_memdup2 (data, size);

  current = copy;
  current_size = size;
  LLVMFuzzerTestOneInput (copy != NULL ? copy : (const guint8 *) "", size);
}

/* One of the changes that find most: bits, bytes of note, cut, repeat, remove, splice. */
static void
mutate (GRand *rand, GByteArray *bytes, GPtrArray *seeds)
{
  static const guint8 notable[]
      = { 0, 1, 0x7f, 0x80, 0xff, '"', '\\', '{', '[', ':', ',', '\n' };
  guint at = bytes->len > 0 ? (guint) g_rand_int_range (rand, 0, (gint32) bytes->len) : 0;
  guint longest = 1u << g_rand_int_range (rand, 0, 8);
  guint n = MIN (bytes->len - at, longest);
  GBytes *other
      = g_ptr_array_index (seeds, g_rand_int_range (rand, 0, (gint32) seeds->len));
  gsize other_size;
  const guint8 *other_data = g_bytes_get_data (other, &other_size);
  g_autofree guint8 *piece = NULL;

  switch (bytes->len > 0 ? g_rand_int_range (rand, 0, 7) : 6)
    {
    case 0:
    case 1:
      bytes->data[at] ^= (guint8) (1u << g_rand_int_range (rand, 0, 8));
      break;
    case 2:
      bytes->data[at] = notable[g_rand_int_range (rand, 0, G_N_ELEMENTS (notable))];
      break;
    case 3:
      g_byte_array_set_size (bytes, at);
      break;
    case 4:
      g_byte_array_remove_range (bytes, at, n);
      break;
    case 5:
      piece = g_memdup2 (bytes->data + at, n);
      g_byte_array_append (bytes, piece, n);
      break;
    default:
      g_byte_array_set_size (bytes, at);
      at = (guint) g_rand_int_range (rand, 0, (gint32) other_size + 1);
      g_byte_array_append (bytes, other_data + at, (guint) other_size - at);
      break;
    }
}

static void
run_seeds (void)
{
  g_autoptr (GPtrArray) seeds
      = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  gint64 end = g_get_monotonic_time () + SECONDS * G_TIME_SPAN_SECOND;
  GBytes *seed;
  guint rounds = 0;

  while ((seed = fuzz_seed (seeds->len)) != NULL)
    {
      g_ptr_array_add (seeds, seed);
      run (g_bytes_get_data (seed, NULL), g_bytes_get_size (seed));
    }
  g_assert_cmpuint (seeds->len, >, 0);
  run ((const guint8 *) "", 0);
  for (; rounds < ROUNDS && g_get_monotonic_time () < end; rounds++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();

      seed = g_ptr_array_index (seeds, rounds % seeds->len);
      g_byte_array_append (bytes, g_bytes_get_data (seed, NULL),
                           (guint) g_bytes_get_size (seed));
      for (int i = g_rand_int_range (rand, 1, 6); i > 0 && bytes->len < MAX_SIZE; i--)
        mutate (rand, bytes, seeds);
      run (bytes->data, bytes->len);
    }
  g_message ("%u seeds, %u changes of them", seeds->len, rounds);
}

int
main (int argc, char *argv[])
{
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  signal (SIGTRAP, on_crash);
  signal (SIGSEGV, on_crash);
  signal (SIGABRT, on_crash);
  signal (SIGBUS, on_crash);
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *data = NULL;
      gsize size;

      if (!g_file_get_contents (argv[i], &data, &size, NULL))
        g_error ("cannot read %s", argv[i]);
      run ((const guint8 *) data, size);
    }
  if (argc == 1)
    run_seeds ();
  return 0;
}
