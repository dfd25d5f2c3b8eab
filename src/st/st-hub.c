/* st-hub.c: the folders in which Hugging Face's programs keep what they fetched
 *
 * models--OWNER--NAME/snapshots/REVISION/… holds links into blobs/, and refs/main the
 * revision that was fetched last.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-model-private.h"

#include <string.h>

#define PREFIX "models--"

/* "OWNER/NAME" of "models--OWNER--NAME"; NULL where @name is something else. */
static char *
repository_of (const char *name)
{
  g_auto (GStrv) words = NULL;

  if (!g_str_has_prefix (name, PREFIX) || name[strlen (PREFIX)] == '\0')
    return NULL;
  words = g_strsplit (name + strlen (PREFIX), "--", 2);
  return g_strjoinv ("/", words);
}

gboolean
st_hub_find_origin (const char *path, char **repository, char **revision)
{
  g_autofree char *whole = g_canonicalize_filename (path, NULL);
  g_auto (GStrv) parts = g_strsplit (whole, "/", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *found = repository_of (parts[i]);

      if (found == NULL || parts[i + 1] == NULL || strcmp (parts[i + 1], "snapshots") != 0
          || parts[i + 2] == NULL)
        continue;
      *repository = st_name_escape (found, strlen (found));
      *revision = st_name_escape (parts[i + 2], strlen (parts[i + 2]));
      return TRUE;
    }
  return FALSE;
}

/* The only folder in @snapshots, or NULL. */
static char *
only_snapshot (const char *snapshots)
{
  g_autoptr (GDir) dir = g_dir_open (snapshots, 0, NULL);
  g_autofree char *found = NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      if (found != NULL)
        return NULL;
      found = g_build_filename (snapshots, name, NULL);
    }
  return g_steal_pointer (&found);
}

char *
st_hub_find_snapshot (const char *folder)
{
  g_autofree char *base = g_path_get_basename (folder);
  g_autofree char *repository = repository_of (base);
  g_autofree char *snapshots = g_build_filename (folder, "snapshots", NULL);
  g_autofree char *ref = g_build_filename (folder, "refs", "main", NULL);
  g_autofree char *revision = NULL, *found = NULL;
  gsize length;

  if (repository == NULL || !g_file_test (snapshots, G_FILE_TEST_IS_DIR))
    return NULL;
  if (g_file_test (ref, G_FILE_TEST_IS_REGULAR)
      && g_file_get_contents (ref, &revision, &length, NULL))
    {
      g_strstrip (revision);
      if (st_is_base_name (revision, strlen (revision)))
        found = g_build_filename (snapshots, revision, NULL);
      if (found != NULL && g_file_test (found, G_FILE_TEST_IS_DIR))
        return g_steal_pointer (&found);
    }
  return only_snapshot (snapshots);
}
