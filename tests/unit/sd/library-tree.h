/* library-tree.h: folders with models in them, for tests of the library
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-library-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include <utime.h>

/* Below the test's own home folder; its folders are made. */
static inline char *
tree_path (const char *relative)
{
  char *path = g_build_filename (g_get_home_dir (), relative, NULL);
  g_autofree char *above = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (above, 0700), ==, 0);
  return path;
}

static inline void
tree_text (const char *relative, const char *text)
{
  g_autofree char *path = tree_path (relative);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static inline void
tree_folder (const char *relative)
{
  g_autofree char *path = tree_path (relative);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
}

static inline void
tree_link (const char *relative, const char *target)
{
  g_autofree char *path = tree_path (relative);

  g_assert_cmpint (symlink (target, path), ==, 0);
}

/* A file with one tensor and one line of metadata. */
static inline void
tree_tensor (const char *relative,
             const char *name,
             guint rows,
             guint cols,
             const char *key,
             const char *value)
{
  g_autofree char *path = tree_path (relative);
  g_autofree float *data = g_new0 (float, rows *cols);
  const guint64 shape[] = { rows, cols };
  const StWriteTensor tensor
      = { .name = name, .dtype = ST_DTYPE_F32, .rank = 2, .shape = shape, .data = data };
  const char *metadata[] = { key, value, NULL };

  g_assert_true (st_write (path, &tensor, 1, key != NULL ? metadata : NULL, NULL));
}

static inline void
tree_lora (const char *relative, const char *alias)
{
  tree_tensor (relative, "lora_unet_down_blocks_0_attn2_to_k.lora_down.weight", 4, 768,
               alias != NULL ? "ss_output_name" : NULL, alias);
}

/* The sample model, or its first @bytes. */
static inline void
tree_model (const char *relative, gssize bytes)
{
  static GBytes *sample;
  g_autofree char *path = tree_path (relative);
  const char *data;
  gsize size;

  if (sample == NULL)
    {
      g_autofree char *bundled = sd_bundled_model_path ();
      char *contents;
      g_assert_true (g_file_get_contents (bundled, &contents, &size, NULL));
      sample = g_bytes_new_take (contents, size);
    }
  data = g_bytes_get_data (sample, &size);
  g_assert_true (
      g_file_set_contents (path, data, bytes >= 0 ? bytes : (gssize) size, NULL));
}

static inline void
tree_age (const char *relative, gint64 seconds)
{
  g_autofree char *path = tree_path (relative);
  struct utimbuf times;

  times.actime = times.modtime = (time_t) (g_get_real_time () / G_USEC_PER_SEC - seconds);
  g_assert_cmpint (g_utime (path, &times), ==, 0);
}

static inline SdListing *
tree_scan (SdLibrary *library)
{
  g_autoptr (GError) error = NULL;
  SdListing *listing = sd_library_scan (library, NULL, &error);

  g_assert_no_error (error);
  return listing;
}

/* (nullable): by the end of its path */
static inline const SdItem *
tree_find (SdListing *listing, const char *end)
{
  for (guint i = 0; i < listing->items->len; i++)
    if (g_str_has_suffix (((SdItem *) listing->items->pdata[i])->path, end))
      return listing->items->pdata[i];
  return NULL;
}
