/* test-sd-cache.c: what one process compiled the next one finds in the driver's cache
 *
 * For Mesa's CPU driver, which writes a file for each kernel that it compiled: a second
 * process that does the same adds none. Without it every start costs seconds.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd.h"

#include <glib/gstdio.h>
#include <string.h>

/* What each process does: one picture of the bundled model, small. */
static void
make_picture (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sd_bundled_model_path ();
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdEngine) engine
      = sd_engine_new (model, -1, SD_PRECISION_FP32, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdParams) params = sd_params_new_for (sd_engine_info (engine));
  params->width = params->height = 64;
  params->steps = 2;
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  while (sd_run_step_index (run) < 2)
    {
      sd_run_step (run, NULL, &error);
      g_assert_no_error (error);
    }
  g_autoptr (ImageBuffer) image = sd_run_decode (run, 0, NULL, &error);
  g_assert_no_error (error);
}

/* Files below @folder that hold kernels; @clear also takes everything away. */
static guint
count_kernels (const char *folder, gboolean clear)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        n += count_kernels (path, clear);
      else
        n += strspn (name, "0123456789abcdef") == strlen (name);
      if (clear)
        g_remove (path);
    }
  return n;
}

static guint
run_child (const char *self, const char *cache)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child
      = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, self, "picture", NULL);
  g_assert_no_error (error);
  g_subprocess_wait_check (child, NULL, &error);
  g_assert_no_error (error);
  return count_kernels (cache, FALSE);
}

static const char *self;

static void
test_cache (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *cache = g_dir_make_tmp ("calotype-XXXXXX", &error);
  g_assert_no_error (error);

  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_unsetenv ("MESA_SHADER_CACHE_DIR");
  guint first = run_child (self, cache);
  guint second = run_child (self, cache);
  guint third = run_child (self, cache);
  count_kernels (cache, TRUE);
  g_rmdir (cache);
  g_test_message ("%u kernels, then %u, then %u", first, second, third);
  if (first == 0)
    {
      g_test_skip ("this driver keeps no files");
      return;
    }
  g_assert_cmpuint (second, ==, first);
  g_assert_cmpuint (third, ==, first);
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  if (argc > 1 && strcmp (argv[1], "picture") == 0)
    {
      make_picture ();
      return 0;
    }
  self = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sd/cache", test_cache);
  return g_test_run ();
}
