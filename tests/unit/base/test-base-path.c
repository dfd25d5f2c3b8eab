/* test-base-path.c: where links lead
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-path.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

static void
check (const char *folder, const char *path, const char *expected)
{
  g_autofree char *whole = g_build_filename (folder, path, NULL);
  g_autofree char *wanted = expected[0] == '/'
                                ? g_strdup (expected)
                                : g_build_filename (folder, expected, NULL);
  g_autofree char *got = base_path_follow (whole);

  g_assert_cmpstr (got, ==, wanted);
}

static void
test_follow (void)
{
  g_autofree char *folder = g_dir_make_tmp ("test-base-path-XXXXXX", NULL);
  const char *const links[][2] = { { "there", "plain" },
                                   { "twice", "there" },
                                   { "far", "/nonexistent/x" },
                                   { "round", "circle" },
                                   { "circle", "round" } };

  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autofree char *link = g_build_filename (folder, links[i][0], NULL);
      g_assert_cmpint (symlink (links[i][1], link), ==, 0);
    }
  check (folder, "plain", "plain"); /* none of them need exist */
  check (folder, "there", "plain");
  check (folder, "twice", "plain");
  check (folder, "far", "/nonexistent/x");
  g_autofree char *round = g_build_filename (folder, "round", NULL);
  g_assert_null (base_path_follow (round));
  g_assert_cmpint (errno, ==, ELOOP);
  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autofree char *link = g_build_filename (folder, links[i][0], NULL);
      g_unlink (link);
    }
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/path/follow", test_follow);
  return g_test_run ();
}
