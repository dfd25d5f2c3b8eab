/* image-meta.c: what made a picture, whichever program wrote it down
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"

#include <math.h>
#include <string.h>

ImageMeta *
image_meta_new (void)
{
  ImageMeta *meta = g_new0 (ImageMeta, 1);

  meta->steps = meta->width = meta->height = meta->clip_skip = -1;
  meta->cfg = NAN;
  image_meta_from_init (&meta->from);
  return meta;
}

ImageMeta *
image_meta_copy (const ImageMeta *meta)
{
  ImageMeta *copy;

  if (meta == NULL)
    return NULL;
  copy = g_memdup2 (meta, sizeof *meta);
  copy->prompt = g_strdup (meta->prompt);
  copy->negative = g_strdup (meta->negative);
  copy->sampler = g_strdup (meta->sampler);
  copy->schedule = g_strdup (meta->schedule);
  copy->model = g_strdup (meta->model);
  copy->model_hash = g_strdup (meta->model_hash);
  copy->rng = g_strdup (meta->rng);
  copy->version = g_strdup (meta->version);
  copy->emphasis = g_strdup (meta->emphasis);
  copy->grammar = g_strdup (meta->grammar);
  copy->words = g_strdup (meta->words);
  copy->vae = g_strdup (meta->vae);
  copy->lora_hashes = g_strdup (meta->lora_hashes);
  copy->parent = g_strdup (meta->parent);
  copy->source = g_strdup (meta->source);
  return copy;
}

void
image_meta_free (ImageMeta *meta)
{
  if (meta == NULL)
    return;
  g_free (meta->prompt);
  g_free (meta->negative);
  g_free (meta->sampler);
  g_free (meta->schedule);
  g_free (meta->model);
  g_free (meta->model_hash);
  g_free (meta->rng);
  g_free (meta->version);
  g_free (meta->emphasis);
  g_free (meta->grammar);
  g_free (meta->words);
  g_free (meta->vae);
  g_free (meta->lora_hashes);
  g_free (meta->parent);
  g_free (meta->source);
  g_free (meta);
}

/* Half of a surrogate pair in JSON makes invalid UTF-8 of json-glib's strings. */
static void
make_valid (ImageMeta *meta)
{
  char **const strings[] = { &meta->prompt,   &meta->negative, &meta->sampler,
                             &meta->schedule, &meta->model,    &meta->model_hash,
                             &meta->version,  &meta->emphasis, &meta->words };

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    {
      char *text = *strings[i];

      if (text == NULL || g_utf8_validate (text, -1, NULL))
        continue;
      *strings[i] = g_utf8_make_valid (text, -1);
      g_free (text);
    }
}

static gboolean
is_plain (const char *text)
{
  return text == NULL
         || (strpbrk (text, "()[]\\:|#<") == NULL && strstr (text, "BREAK") == NULL
             && strstr (text, "AND") == NULL);
}

/* Of pictures that do not say how their prompts were read: ours were read as they stand
 * before they said so, which matters where there are signs in them; ComfyUI has its own.
 */
static void
set_grammar (ImageMeta *meta, gboolean ours)
{
  if (meta->grammar != NULL)
    return;
  if (ours && !(is_plain (meta->prompt) && is_plain (meta->negative)))
    meta->grammar = g_strdup ("plain");
  else
    meta->grammar
        = g_strdup (g_strcmp0 (meta->source, "comfyui") == 0 ? "comfyui" : "a1111");
}

/* Ours first: it alone is exact. `parameters` may hold JSON (Fooocus, StableSwarmUI). A
 * picture of ComfyUI that also has `parameters` got them from a node that knows better
 * than a walk through the graph. */
ImageMeta *
image_meta_from_texts (GPtrArray *texts)
{
  static const char *const keywords[]
      = { "calotype", "parameters", "invokeai_metadata", "sd-metadata", "Comment" };
  ImageMeta *meta = NULL;
  gboolean ours = FALSE;

  for (guint i = 0; meta == NULL && i < G_N_ELEMENTS (keywords); i++)
    {
      const char *text = image_texts_find (texts, keywords[i]);

      if (text != NULL)
        meta = image_meta_from_json (keywords[i], text);
      ours = i == 0 && meta != NULL;
      if (text != NULL && meta == NULL && g_str_equal (keywords[i], "parameters"))
        meta = image_meta_from_a1111 (text);
    }
  if (meta == NULL && image_texts_find (texts, "Dream") != NULL)
    meta = image_meta_from_dream (image_texts_find (texts, "Dream"));
  if (meta == NULL && image_texts_find (texts, "prompt") != NULL)
    meta = image_meta_from_comfyui (image_texts_find (texts, "prompt"));
  if (meta != NULL)
    {
      set_grammar (meta, ours);
      make_valid (meta);
    }
  return meta;
}
