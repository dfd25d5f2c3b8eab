/* sd-embedding.c: textual inversion: vectors that stand for a word, from a file
 *
 * Gal et al. 2022. Files of A1111 (`emb_params`, or `string_to_param` with one tensor
 * below it), of diffusers (one tensor, named as the word), and pairs for the two encoders
 * of XL (`clip_l` and `clip_g`; `text_encoders_0` and `_1`). Each tensor is [n][width] or
 * [width].
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-script-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

void
sd_vectors_free (gpointer data)
{
  SdVectors *vectors = data;
  if (vectors == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (vectors->values); i++)
    g_free (vectors->values[i]);
  g_free (vectors->name);
  g_free (vectors);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdVectors, sd_vectors_free)

/* What of the file is vectors. */
static gboolean
is_vectors (const StTensor *t)
{
  return (t->rank == 1 || t->rank == 2) && st_dtype_is_float (t->dtype)
         && t->dtype != ST_DTYPE_C64 && t->count > 0 && st_dtype_bits (t->dtype) >= 8;
}

static guint64
width_of (const StTensor *t)
{
  return t->shape[t->rank - 1];
}

/* (nullable): of all names that are spelled so for an encoder */
static const StTensor *
find_named (StFile *file, guint encoder)
{
  static const char *const names[][3]
      = { { "clip_l", "text_encoders_0", "text_encoder" },
          { "clip_g", "text_encoders_1", "text_encoder_2" } };
  for (guint i = 0; i < G_N_ELEMENTS (names[0]); i++)
    {
      const StTensor *t = st_file_find (file, names[encoder][i], -1);
      if (t != NULL && is_vectors (t))
        return t;
    }
  return NULL;
}

static gboolean
refuse_file (const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_set_error (error, SD_ERROR, SD_ERROR_NOT_A_MODEL,
               _ ("“%s” is no textual inversion: one tensor of vectors is looked for, or "
                  "“clip_l” and “clip_g” for Stable Diffusion XL"),
               name);
  return FALSE;
}

/* The tensor for each encoder; @found: [n_texts] */
static gboolean
find_tensors (StFile *file, guint n_texts, const StTensor **found, GError **error)
{
  guint n = 0;
  const StTensor *only = NULL;

  for (guint i = 0; i < st_file_n_tensors (file); i++)
    if (is_vectors (st_file_tensor (file, i)))
      {
        only = st_file_tensor (file, i);
        n++;
      }
  found[0] = find_named (file, 0);
  if (n_texts == 2)
    found[1] = find_named (file, 1);
  if (n_texts == 1 && n == 1)
    found[0] = only;
  else if (n_texts == 1 && found[0] != NULL && find_named (file, 1) != NULL)
    found[0] = NULL; /* of XL: told below by its width */
  if (found[0] != NULL && (n_texts == 1 || found[1] != NULL))
    return TRUE;
  g_autofree char *name = g_filename_display_basename (st_file_path (file));
  if (n_texts == 2 && n == 1)
    g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                 _ ("The embedding “%s” has vectors of %u values for one text encoder; "
                    "this model has two"),
                 name, (guint) width_of (only));
  else if (n_texts == 1 && find_named (file, 0) != NULL && find_named (file, 1) != NULL)
    g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                 _ ("The embedding “%s” is for Stable Diffusion XL; this model has one "
                    "text encoder"),
                 name);
  else
    refuse_file (st_file_path (file), error);
  return FALSE;
}

static gboolean
check_shape (StFile *file, const StTensor *t, guint width, GError **error)
{
  g_autofree char *name = g_filename_display_basename (st_file_path (file));
  guint64 rows = t->rank == 2 ? t->shape[0] : 1;

  if (width_of (t) != width)
    g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                 _ ("The embedding “%s” has vectors of %u values; this model's text "
                    "encoder takes %u"),
                 name, (guint) width_of (t), width);
  else if (rows > SD_CHUNK_TOKENS)
    g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                 _ ("The embedding “%s” has %u vectors; at most %d have room"), name,
                 (guint) MIN (rows, G_MAXUINT), SD_CHUNK_TOKENS);
  else
    return TRUE;
  return FALSE;
}

static float *
read_values (StFile *file, const StTensor *t, GError **error)
{
  gsize bytes = t->end - t->begin;
  g_autofree guint8 *packed = g_malloc (bytes);
  g_autofree float *values = g_new (float, t->count);

  if (!st_file_read (file, t->begin, bytes, packed, error))
    return NULL;
  st_dtype_to_float (t->dtype, packed, 0, t->count, values);
  for (gsize i = 0; i < t->count; i++)
    if (!isfinite (values[i]))
      {
        g_autofree char *name = g_filename_display_basename (st_file_path (file));
        g_set_error (error, SD_ERROR, SD_ERROR_NOT_FINITE,
                     _ ("The embedding “%s” has values that are not numbers"), name);
        return NULL;
      }
  return g_steal_pointer (&values);
}

SdVectors *
sd_vectors_new (const SdEmbedding *embedding,
                const guint *widths,
                guint n_texts,
                GError **error)
{
  g_autoptr (SdVectors) vectors = g_new0 (SdVectors, 1);
  const StTensor *found[2] = { NULL, NULL };
  g_autoptr (GError) fault = NULL;
  StFile *file = st_file_open (embedding->path, NULL, &fault);

  if (file == NULL)
    {
      g_autofree char *name = g_filename_display_basename (embedding->path);
      g_set_error (error, fault->domain, fault->code, "%s: %s", name, fault->message);
      return NULL;
    }
  gboolean good = find_tensors (file, n_texts, found, error);
  vectors->name = g_strdup (embedding->name);
  for (guint i = 0; good && i < n_texts; i++)
    {
      guint rows = found[i]->rank == 2 ? (guint) found[i]->shape[0] : 1;
      good = check_shape (file, found[i], widths[i], error);
      if (good && i > 0 && rows != vectors->n)
        good = refuse_file (embedding->path, error);
      vectors->n = rows;
      vectors->widths[i] = widths[i];
      if (good)
        good = (vectors->values[i] = read_values (file, found[i], error)) != NULL;
    }
  st_file_unref (file);
  return good ? g_steal_pointer (&vectors) : NULL;
}
