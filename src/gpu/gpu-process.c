/* gpu-process.c: the environment that Mesa's CPU driver (lavapipe) reads when it is
 * loaded
 *
 * lavapipe takes its vector width from LP_NATIVE_VECTOR_WIDTH and by default uses 256
 * bits; with 512 our kernels are 1.3 to 1.8 times as fast where the CPU has AVX-512
 * (measured). Its on-disk shader cache, however, does not know the width: Mesa 25.0 then
 * loads code of the other width, with wrong results or a crash (measured). So the cache
 * gets a folder of its own for each width and each build of the driver.
 *
 * This must happen before anything loads the driver, so the build is recognised from
 * outside: by the path, size and time of the library that the driver's manifest names.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu.h"

#include <string.h>
#include <glib/gstdio.h>

static gboolean
cpu_has_avx512 (void)
{
#if defined(__x86_64__)
  __builtin_cpu_init ();
  return __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
         && __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl");
#else
  return FALSE;
#endif
}

/* Where the loader looks for manifests, in the parts that distributions use. */
static GPtrArray *
manifest_folders (void)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (g_free);
  const char *const *data = g_get_system_data_dirs ();
  const char *const *conf = g_get_system_config_dirs ();

  for (guint i = 0; conf[i] != NULL; i++)
    g_ptr_array_add (folders, g_build_filename (conf[i], "vulkan", "icd.d", NULL));
  g_ptr_array_add (folders, g_strdup ("/etc/vulkan/icd.d"));
  g_ptr_array_add (folders,
                   g_build_filename (g_get_user_data_dir (), "vulkan", "icd.d", NULL));
  for (guint i = 0; data[i] != NULL; i++)
    g_ptr_array_add (folders, g_build_filename (data[i], "vulkan", "icd.d", NULL));
  return folders;
}

/* Manifests of lavapipe ("lvp_icd.x86_64.json"); the user's list replaces the folders. */
static GPtrArray *
lavapipe_manifests (void)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) folders = NULL;
  const char *list = g_getenv ("VK_DRIVER_FILES");

  if (list == NULL)
    list = g_getenv ("VK_ICD_FILENAMES");
  if (list != NULL)
    {
      g_auto (GStrv) paths = g_strsplit (list, G_SEARCHPATH_SEPARATOR_S, -1);

      for (guint i = 0; paths[i] != NULL; i++)
        if (strstr (paths[i], "lvp") != NULL)
          g_ptr_array_add (found, g_strdup (paths[i]));
      return found;
    }
  folders = manifest_folders ();
  for (guint i = 0; i < folders->len; i++)
    {
      g_autoptr (GDir) folder = g_dir_open (folders->pdata[i], 0, NULL);
      const char *name;

      while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
        if (strstr (name, "lvp") != NULL && g_str_has_suffix (name, ".json"))
          g_ptr_array_add (found, g_build_filename (folders->pdata[i], name, NULL));
    }
  return found;
}

/* The library that a manifest names. A bare file name is for the dynamic linker to find;
 * the usual folders are tried. NULL where it is not found. */
static char *
library_of (const char *manifest, const char *text)
{
  static const char *const usual[]
      = { "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
          "/usr/lib", NULL };
  const char *value = strstr (text, "\"library_path\"");
  const char *end;
  g_autofree char *path = NULL;

  value = value != NULL ? strchr (value + strlen ("\"library_path\""), '"') : NULL;
  end = value != NULL ? strchr (value + 1, '"') : NULL;
  if (end == NULL)
    return NULL;
  path = g_strndup (value + 1, end - value - 1);
  if (g_path_is_absolute (path))
    return g_steal_pointer (&path);
  if (strchr (path, '/') != NULL)
    {
      g_autofree char *folder = g_path_get_dirname (manifest);
      return g_build_filename (folder, path, NULL);
    }
  for (guint i = 0; usual[i] != NULL; i++)
    {
      char *candidate = g_build_filename (usual[i], path, NULL);

      if (g_file_test (candidate, G_FILE_TEST_EXISTS))
        return candidate;
      g_free (candidate);
    }
  return NULL;
}

static void
hash_file (GChecksum *sum, const char *path)
{
  GStatBuf st;
  g_autofree char *line = NULL;

  if (g_stat (path, &st) != 0)
    return;
  line = g_strdup_printf ("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", path,
                          (gint64) st.st_size, (gint64) st.st_mtime);
  g_checksum_update (sum, (const guchar *) line, -1);
}

/* NULL: there is no lavapipe here. */
static char *
lavapipe_key (void)
{
  g_autoptr (GPtrArray) manifests = lavapipe_manifests ();
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  if (manifests->len == 0)
    return NULL;
  for (guint i = 0; i < manifests->len; i++)
    {
      g_autofree char *text = NULL;
      g_autofree char *library = NULL;

      hash_file (sum, manifests->pdata[i]);
      if (g_file_get_contents (manifests->pdata[i], &text, NULL, NULL))
        library = library_of (manifests->pdata[i], text);
      if (library != NULL)
        hash_file (sum, library);
    }
  return g_strndup (g_checksum_get_string (sum), 12);
}

void
gpu_prepare_process (void)
{
  const char *width = g_getenv ("LP_NATIVE_VECTOR_WIDTH");
  g_autofree char *key = NULL;
  g_autofree char *name = NULL;
  g_autofree char *folder = NULL;

  /* Whoever names a cache folder has filled it at a width that is not ours to know. */
  if (g_getenv ("MESA_SHADER_CACHE_DIR") != NULL)
    return;
  key = lavapipe_key ();
  if (key == NULL)
    return;
  if (width == NULL && cpu_has_avx512 ())
    g_setenv ("LP_NATIVE_VECTOR_WIDTH", width = "512", TRUE);
  name = g_strdup_printf ("mesa-%s-%s", width != NULL ? width : "default", key);
  g_strdelimit (name, "/", '_');
  folder = g_build_filename (g_get_user_cache_dir (), "calotype", name, NULL);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    g_setenv ("MESA_SHADER_CACHE_DIR", folder, TRUE);
  else
    g_setenv ("MESA_SHADER_CACHE_DISABLE", "true", FALSE);
}
