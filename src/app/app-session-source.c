/* app-session-source.c: the pictures that a session's settings begin from, kept on disk
 *
 * They lie as PNG files beside the journal, each under a name of its own: pictures and
 * masks never change once settings hold them, so a file is written once and stays until
 * no journal names it. They are deleted only after the journal that does without them is
 * on the disk.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-session-private.h"

#include <glib/gstdio.h>

typedef struct
{
  ImageBuffer *image; /* this */
  ImageMask *mask;    /* or this */
  char *name;
  gboolean used; /* by the journal that is being written */
} Kept;

struct _AppKeep
{
  char *path;      /* of the journal */
  GPtrArray *kept; /* Kept */
  GMutex lock;     /* what is read at the start is read on a thread of its own */
  gboolean swept;  /* what a crash left behind is gone */
};

static void
kept_free (gpointer data)
{
  Kept *kept = data;

  image_buffer_free (kept->image);
  image_mask_free (kept->mask);
  g_free (kept->name);
  g_free (kept);
}

AppKeep *
app_keep_new (const char *path)
{
  AppKeep *keep = g_new0 (AppKeep, 1);

  keep->path = g_strdup (path);
  keep->kept = g_ptr_array_new_with_free_func (kept_free);
  g_mutex_init (&keep->lock);
  return keep;
}

void
app_keep_free (AppKeep *keep)
{
  if (keep == NULL)
    return;
  g_ptr_array_unref (keep->kept);
  g_mutex_clear (&keep->lock);
  g_free (keep->path);
  g_free (keep);
}

static char *
full_path (AppKeep *keep, const char *name)
{
  g_autofree char *folder = g_path_get_dirname (keep->path);
  g_autofree char *base = g_path_get_basename (name);

  return g_build_filename (folder, base, NULL);
}

static Kept *
add (AppKeep *keep, const ImageBuffer *image, const ImageMask *mask, const char *name)
{
  Kept *kept = g_new0 (Kept, 1);

  kept->image = image_buffer_ref ((ImageBuffer *) image);
  kept->mask = image_mask_ref ((ImageMask *) mask);
  kept->name = g_strdup (name);
  g_ptr_array_add (keep->kept, kept);
  return kept;
}

static char *
new_name (AppKeep *keep)
{
  g_autofree char *journal = g_path_get_basename (keep->path);

  for (guint i = 1;; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-source-%u.png", journal, i);
      g_autofree char *path = full_path (keep, name);

      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&name);
    }
}

/* (nullable): the name of one of both, which is written if it is not there yet */
static const char *
name_of (AppKeep *keep, const ImageBuffer *image, const ImageMask *mask, GError **error)
{
  g_autofree char *name = NULL, *path = NULL;
  Kept *kept;

  for (guint i = 0; i < keep->kept->len; i++)
    {
      kept = keep->kept->pdata[i];
      if ((image != NULL && kept->image == image) || (mask != NULL && kept->mask == mask))
        {
          kept->used = TRUE;
          return kept->name;
        }
    }
  name = new_name (keep);
  path = full_path (keep, name);
  if (image != NULL ? !image_png_save (image, path, NULL, error)
                    : !image_mask_save (mask, path, error))
    return NULL;
  kept = add (keep, image, mask, name);
  kept->used = TRUE;
  return kept->name;
}

void
app_keep_begin (AppKeep *keep)
{
  g_mutex_lock (&keep->lock);
  for (guint i = 0; i < keep->kept->len; i++)
    ((Kept *) keep->kept->pdata[i])->used = FALSE;
  g_mutex_unlock (&keep->lock);
}

static gboolean
is_kept (AppKeep *keep, const char *name)
{
  for (guint i = 0; i < keep->kept->len; i++)
    if (g_str_equal (((Kept *) keep->kept->pdata[i])->name, name))
      return TRUE;
  return FALSE;
}

/* Files of this journal that it does not know: a crash came between them and it. */
static void
sweep (AppKeep *keep)
{
  g_autofree char *folder = g_path_get_dirname (keep->path);
  g_autofree char *journal = g_path_get_basename (keep->path);
  g_autofree char *prefix = g_strconcat (journal, "-source-", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  keep->swept = TRUE;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, prefix) && !is_kept (keep, name))
      {
        g_autofree char *path = full_path (keep, name);

        g_unlink (path);
      }
}

void
app_keep_end (AppKeep *keep)
{
  g_mutex_lock (&keep->lock);
  if (!keep->swept)
    sweep (keep);
  for (guint i = keep->kept->len; i-- > 0;)
    {
      Kept *kept = keep->kept->pdata[i];

      if (kept->used)
        continue;
      g_autofree char *path = full_path (keep, kept->name);
      g_unlink (path);
      g_ptr_array_remove_index (keep->kept, i);
    }
  g_mutex_unlock (&keep->lock);
}

/* ---- writing ---- */

static void
write_string (BaseJson *json, const char *key, const char *value)
{
  base_json_key (json, key);
  base_json_string (json, value);
}

static void
write_number (BaseJson *json, const char *key, double value)
{
  base_json_key (json, key);
  base_json_double (json, value);
}

static void
write_bool (BaseJson *json, const char *key, gboolean value)
{
  base_json_key (json, key);
  base_json_bool (json, value);
}

static void
write_numbers (BaseJson *json, const SdSource *source)
{
  write_number (json, "strength", source->strength);
  write_bool (json, "exact_steps", source->exact_steps);
  write_bool (json, "denoise", source->denoise);
  write_number (json, "resize", source->resize);
  write_number (json, "masked", source->masked);
  write_bool (json, "only_masked", source->only_masked);
  write_number (json, "padding", source->padding);
  write_number (json, "mask_blur", source->mask_blur);
  write_bool (json, "soft", source->soft);
  write_number (json, "overlap", source->overlap);
  write_bool (json, "instruct", source->instruct);
  write_number (json, "image_cfg", source->image_cfg);
  base_json_key (json, "extend");
  base_json_begin_array (json);
  for (guint i = 0; i < 4; i++)
    base_json_double (json, source->extend[i]);
  base_json_end_array (json);
}

gboolean
app_keep_write (AppKeep *keep, BaseJson *json, const SdSource *source, GError **error)
{
  const char *name, *mask = NULL;

  g_mutex_lock (&keep->lock);
  name = name_of (keep, source->image, NULL, error);
  if (name != NULL && source->mask != NULL)
    mask = name_of (keep, NULL, source->mask, error);
  g_mutex_unlock (&keep->lock);
  if (name == NULL || (source->mask != NULL && mask == NULL))
    return FALSE;
  base_json_key (json, "source");
  base_json_begin_object (json);
  write_string (json, "image", name);
  write_string (json, "mask", mask);
  write_string (json, "path", source->path);
  write_numbers (json, source);
  base_json_end_object (json);
  return TRUE;
}

/* ---- reading ---- */

static double
number (JsonObject *object, const char *key, double low, double high, double fallback)
{
  JsonNode *node = json_object_get_member (object, key);
  GType type = node != NULL && JSON_NODE_HOLDS_VALUE (node)
                   ? json_node_get_value_type (node)
                   : G_TYPE_INVALID;

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return fallback;
  return CLAMP (json_node_get_double (node), low, high);
}

static gboolean
flag (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_BOOLEAN
         && json_node_get_boolean (node);
}

static const char *
string (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static void
read_extend (SdSource *source, JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "extend");

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return;
  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < MIN (4, json_array_get_length (array)); i++)
    {
      JsonNode *side = json_array_get_element (array, i);

      if (JSON_NODE_HOLDS_VALUE (side))
        source->extend[i] = (guint) CLAMP (json_node_get_double (side), 0, 4096) / 8 * 8;
    }
}

static void
read_numbers (SdSource *source, JsonObject *object)
{
  source->strength = number (object, "strength", 0, 1, 0.75);
  source->exact_steps = flag (object, "exact_steps");
  source->denoise = flag (object, "denoise");
  source->resize = (SdResize) number (object, "resize", 0, SD_RESIZE_STRETCH, 0);
  source->masked = (SdMasked) number (object, "masked", 0, SD_MASKED_NOTHING, 0);
  source->only_masked = flag (object, "only_masked");
  source->padding = (guint) number (object, "padding", 0, 4096, 32);
  source->mask_blur = (guint) number (object, "mask_blur", 0, 4096, 0);
  source->soft = flag (object, "soft");
  source->overlap = (guint) number (object, "overlap", 0, 4096, 32);
  source->instruct = flag (object, "instruct");
  source->image_cfg = number (object, "image_cfg", 0, 100, 1.5);
  read_extend (source, object);
}

SdSource *
app_keep_read (AppKeep *keep, JsonObject *object)
{
  const char *name = string (object, "image"), *mask_name = string (object, "mask");
  g_autoptr (ImageBuffer) image = NULL;
  g_autoptr (ImageMask) mask = NULL;
  g_autofree char *path = name != NULL ? full_path (keep, name) : NULL;

  image = path != NULL ? image_png_load (path, NULL, NULL) : NULL;
  if (image == NULL)
    return NULL;
  if (mask_name != NULL)
    {
      g_autofree char *mask_path = full_path (keep, mask_name);

      mask = image_mask_load (mask_path, image->width, image->height, NULL);
    }
  g_mutex_lock (&keep->lock);
  add (keep, image, NULL, name);
  if (mask != NULL)
    add (keep, NULL, mask, mask_name);
  g_mutex_unlock (&keep->lock);
  SdSource *source = sd_source_new (g_steal_pointer (&image));
  source->mask = g_steal_pointer (&mask);
  source->path = g_strdup (string (object, "path"));
  read_numbers (source, object);
  return source;
}
