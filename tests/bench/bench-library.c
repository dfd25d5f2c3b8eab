/* bench-library.c: how long looking through a folder of models takes
 *
 * bench-library [FILES [FOLDER]]: makes FILES files (5,000) in FOLDER (a temporary one),
 * one in twenty with the header of the sample model, the others with that of a LoRA of
 * 264 modules as kohya writes it (792 tensors, 86 kB); their data are holes. Then looks
 * through it: with nothing known; as a new program with what the last one kept; and again
 * in the same program.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-library.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static GString *
lora_header (gsize *data)
{
  GString *header = g_string_new ("        {\"__metadata__\":{\"ss_output_name\":\"x\"}");
  static const char *const ends[] = { "lora_down.weight", "lora_up.weight", "alpha" };
  gsize at = 0;

  for (guint i = 0; i < 264; i++)
    for (guint k = 0; k < 3; k++)
      {
        gsize n = k == 2 ? 2 : 16 * 768 * 2;
        g_string_append_printf (
            header,
            ",\"lora_unet_down_blocks_%u_attentions_0_transformer_blocks_0_attn2_to_k.%"
            "s\":"
            "{\"dtype\":\"F16\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
            i, ends[k], k == 2 ? "" : (k == 0 ? "16,768" : "768,16"), at, at + n);
        at += n;
      }
  g_string_append_c (header, '}');
  *data = at;
  guint64 length = GUINT64_TO_LE ((guint64) header->len - 8);
  memcpy (header->str, &length, 8);
  return header;
}

static void
make_files (const char *folder, guint n)
{
  g_autofree char *bundled = sd_bundled_model_path ();
  g_autofree char *sample = NULL;
  gsize lora_data, sample_size;
  guint64 sample_header;
  GString *lora = lora_header (&lora_data);

  g_assert_true (g_file_get_contents (bundled, &sample, &sample_size, NULL));
  memcpy (&sample_header, sample, 8);
  sample_header = GUINT64_FROM_LE (sample_header) + 8;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name
          = g_strdup_printf ("%s/set %u/%s %u.safetensors", folder, i / 500,
                             i % 20 == 0 ? "checkpoint" : "lora", i);
      g_autofree char *above = g_path_get_dirname (name);
      g_mkdir_with_parents (above, 0700);
      g_assert_true (g_file_set_contents_full (name, i % 20 == 0 ? sample : lora->str,
                                               i % 20 == 0 ? (gssize) sample_header
                                                           : (gssize) lora->len,
                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      g_assert_cmpint (truncate (name, i % 20 == 0 ? (off_t) sample_size
                                                   : (off_t) (lora->len + lora_data)),
                       ==, 0);
    }
  g_string_free (lora, TRUE);
}

static double
processor_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
measure (const char *what, SdLibrary *library)
{
  gint64 begin = g_get_monotonic_time ();
  double cpu = processor_seconds ();
  g_autoptr (SdListing) listing = sd_library_scan (library, NULL, NULL);

  printf ("%-38s %8.0f ms %8.0f ms of the processor   %u models\n", what,
          (double) (g_get_monotonic_time () - begin) / 1000,
          (processor_seconds () - cpu) * 1000, listing->items->len);
}

int
main (int argc, char **argv)
{
  guint n = argc > 1 ? (guint) strtoul (argv[1], NULL, 10) : 5000;
  g_autofree char *folder
      = argc > 2 ? g_strdup (argv[2]) : g_dir_make_tmp ("bench-library-XXXXXX", NULL);
  g_autofree char *home = g_build_filename (folder, "home", NULL);
  g_autofree char *models = g_build_filename (folder, "models", NULL);
  const char *const added[] = { models, NULL };
  struct rusage usage;

  /* Away from the user's own cache and folders. */
  g_setenv ("HOME", home, TRUE);
  g_setenv ("XDG_CACHE_HOME", home, TRUE);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  make_files (models, n);
  printf ("%u files, one in twenty a checkpoint\n", n);
  {
    g_autoptr (SdLibrary) library = sd_library_new (added, NULL);
    measure ("nothing known", library);
  }
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (SdLibrary) library = sd_library_new (added, NULL);
      measure ("a new program, with what was kept", library);
      measure ("again in the same program", library);
    }
  getrusage (RUSAGE_SELF, &usage);
  printf ("memory at most: %.0f MB\n", (double) usage.ru_maxrss / 1024);
  return 0;
}
