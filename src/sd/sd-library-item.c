/* sd-library-item.c: one model that was found, its picture, and all of them together
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"
#include "sd/sd-library-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_PICTURE (16 << 20)

SdItem *
sd_item_ref (SdItem *item)
{
  g_atomic_ref_count_inc (&item->refs);
  return item;
}

void
sd_item_unref (SdItem *item)
{
  if (item == NULL || !g_atomic_ref_count_dec (&item->refs))
    return;
  g_free (item->path);
  g_free (item->where);
  g_free (item->name);
  g_free (item->title);
  g_free (item->sentence);
  g_free (item->why_not);
  g_free (item->alias);
  g_free (item->picture);
  g_free (item->search_text);
  g_free (item->sort_key);
  g_free (item);
}

/* ---- its picture ---- */

static GBytes *
read_beside (const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);

  if (file == NULL)
    return NULL;
  if (g_mapped_file_get_length (file) <= MAX_PICTURE)
    /* Copied: a file that is cut while it is mapped would end the program. */
    return g_bytes_new (g_mapped_file_get_contents (file),
                        g_mapped_file_get_length (file));
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: larger than %d bytes", path,
               MAX_PICTURE);
  return NULL;
}

/* data:image/jpeg;base64,… */
static GBytes *
read_embedded (const char *path, GError **error)
{
  g_autoptr (StModel) model = st_model_open (path, NULL, error);
  const char *text, *data;
  guchar *bytes;
  gsize length;

  if (model == NULL)
    return NULL;
  text = st_model_metadata_value (model, "modelspec.thumbnail");
  data = text != NULL ? strstr (text, ";base64,") : NULL;
  if (data == NULL || strlen (data) > MAX_PICTURE)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: no picture", path);
      return NULL;
    }
  bytes = g_base64_decode (data + strlen (";base64,"), &length);
  return g_bytes_new_take (bytes, length);
}

GBytes *
sd_item_read_picture (const SdItem *item, GError **error)
{
  if (item->picture != NULL)
    return read_beside (item->picture, error);
  if (item->embedded)
    return read_embedded (item->path, error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: no picture", item->path);
  return NULL;
}

/* ---- all ---- */

SdListing *
sd_listing_ref (SdListing *listing)
{
  g_atomic_ref_count_inc (&listing->refs);
  return listing;
}

void
sd_listing_unref (SdListing *listing)
{
  if (listing == NULL || !g_atomic_ref_count_dec (&listing->refs))
    return;
  g_ptr_array_unref (listing->items);
  g_ptr_array_unref (listing->folders);
  g_strfreev (listing->messages);
  g_free (listing);
}

const SdItem *
sd_listing_find_path (SdListing *listing, const char *path)
{
  for (guint i = 0; i < listing->items->len; i++)
    if (strcmp (((SdItem *) listing->items->pdata[i])->path, path) == 0)
      return listing->items->pdata[i];
  return NULL;
}

/* How names are compared, the strictest first. */
typedef enum
{
  BY_NAME,
  BY_TITLE,
  BY_ALIAS,
  BY_NAME_FOLDED,
  BY_TITLE_FOLDED,
  BY_ALIAS_FOLDED,
  N_WAYS
} Way;

static gboolean
is_called (const SdItem *item, const char *name, Way way)
{
  const char *own = way == BY_NAME || way == BY_NAME_FOLDED     ? item->name
                    : way == BY_TITLE || way == BY_TITLE_FOLDED ? item->title
                                                                : item->alias;
  if (own == NULL)
    return FALSE;
  if (way < BY_NAME_FOLDED)
    return strcmp (own, name) == 0;
  g_autofree char *a = g_utf8_casefold (own, -1);
  g_autofree char *b = g_utf8_casefold (name, -1);
  return strcmp (a, b) == 0;
}

static const SdItem *
find_exact (SdListing *listing, SdFileKind kind, const char *name)
{
  for (Way way = BY_NAME; way < N_WAYS; way++)
    {
      const SdItem *unusable = NULL;
      for (guint i = 0; i < listing->items->len; i++)
        {
          const SdItem *item = listing->items->pdata[i];
          if (item->kind != kind || !is_called (item, name, way))
            continue;
          if (item->why_not == NULL)
            return item;
          unusable = unusable != NULL ? unusable : item;
        }
      if (unusable != NULL)
        return unusable;
    }
  return NULL;
}

const SdItem *
sd_listing_find (SdListing *listing, SdFileKind kind, const char *name)
{
  static const char *const suffixes[] = { ".safetensors", ".sft", ".pt", ".ckpt" };
  const SdItem *item;

  if (!g_utf8_validate (name, -1, NULL))
    return NULL;
  item = find_exact (listing, kind, name);
  for (guint i = 0; item == NULL && i < G_N_ELEMENTS (suffixes); i++)
    if (g_str_has_suffix (name, suffixes[i]))
      {
        g_autofree char *stem = g_strndup (name, strlen (name) - strlen (suffixes[i]));
        item = find_exact (listing, kind, stem);
      }
  return item;
}

/* How many letters have to be changed to make @b of @a; more than @most: @most + 1. */
static guint
distance (const char *a, const char *b, guint most)
{
  const gsize n = strlen (a), m = strlen (b);
  if (n > 128 || m > 128 || (n > m ? n - m : m - n) > most)
    return most + 1;
  guint row[130];
  for (guint j = 0; j <= m; j++)
    row[j] = j;
  for (guint i = 1; i <= n; i++)
    {
      guint diagonal = row[0];
      row[0] = i;
      for (guint j = 1; j <= m; j++)
        {
          guint above = row[j];
          guint best
              = MIN (MIN (above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
          diagonal = above;
          row[j] = best;
        }
    }
  return row[m];
}

typedef struct
{
  const char *title;
  guint distance;
} Near;

static int
compare_near (gconstpointer a, gconstpointer b)
{
  const Near *x = a, *y = b;

  return x->distance != y->distance ? (x->distance < y->distance ? -1 : 1)
                                    : strcmp (x->title, y->title);
}

char *
sd_listing_suggest (SdListing *listing, SdFileKind kind, const char *name)
{
  g_autoptr (GArray) near = g_array_new (FALSE, FALSE, sizeof (Near));
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  g_autofree char *wanted = g_utf8_casefold (valid, -1);
  const guint most = (guint) (2 + strlen (wanted) / 6);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < listing->items->len; i++)
    {
      const SdItem *item = listing->items->pdata[i];
      if (item->kind != kind || item->why_not != NULL)
        continue;
      g_autofree char *folded = g_utf8_casefold (item->title, -1);
      Near one = { item->title, distance (folded, wanted, most) };
      if (one.distance > most && strlen (wanted) >= 3 && strstr (folded, wanted) != NULL)
        one.distance = most;
      if (one.distance <= most)
        g_array_append_val (near, one);
    }
  g_array_sort (near, compare_near);
  for (guint i = 0, n = 0; i < near->len && n < 3; i++)
    {
      const Near *one = &g_array_index (near, Near, i);
      if (i > 0 && strcmp (one->title, g_array_index (near, Near, i - 1).title) == 0)
        continue;
      g_string_append_printf (text, "%s“%s”", n++ > 0 ? ", " : "", one->title);
    }
  return text->len > 0 ? g_string_free (text, FALSE) : (g_string_free (text, TRUE), NULL);
}
