/* sd-source-save.c: what a run began from, kept with it
 *
 * The picture and its mask travel along, for the result is put into them and somebody may
 * want to begin once more; their latents too, so that a run which is taken up again need
 * not encode them, and goes on with the same bits whatever has become of the encoder.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static gboolean
incomplete (GError **error)
{
  g_set_error (error, SD_ERROR, SD_ERROR_STATE,
               _ ("The stopped picture's state is incomplete"));
  return FALSE;
}

static void
insert_bytes (GVariantDict *dict, const char *key, gconstpointer data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_variant_dict_insert_value (
      dict, key, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
}

/* (nullable) (transfer full): exactly @size bytes */
static gpointer
lookup_bytes (GVariantDict *dict, const char *key, gsize size)
{
  g_autoptr (GVariant) value
      = g_variant_dict_lookup_value (dict, key, G_VARIANT_TYPE_BYTESTRING);

  if (value == NULL || g_variant_get_size (value) != size)
    return NULL;
  gpointer copy = g_try_malloc (size);
  if (copy != NULL)
    memcpy (copy, g_variant_get_data (value), size);
  return copy;
}

/* ---- the source ---- */

static void
save_source (const SdSource *s, GVariantDict *dict)
{
  gsize pixels = (gsize) s->image->width * s->image->height;

  g_variant_dict_insert (dict, "source-size", "(uuu)", s->image->width, s->image->height,
                         s->image->channels);
  insert_bytes (dict, "source-image", s->image->pixels, pixels * s->image->channels);
  if (s->mask != NULL)
    insert_bytes (dict, "source-mask", s->mask->pixels, pixels);
  g_variant_dict_insert (dict, "source-strength", "(dbb)", s->strength, s->exact_steps,
                         s->denoise);
  g_variant_dict_insert (dict, "source-ways", "(uubuubu)", (guint) s->resize,
                         (guint) s->masked, s->only_masked, s->padding, s->mask_blur,
                         s->soft, s->overlap);
  g_variant_dict_insert (dict, "source-extend", "(uuuu)", s->extend[0], s->extend[1],
                         s->extend[2], s->extend[3]);
  g_variant_dict_insert (dict, "source-instruct", "(bd)", s->instruct, s->image_cfg);
  if (s->path != NULL)
    g_variant_dict_insert (dict, "source-path", "^ay", s->path);
}

static gboolean
load_numbers (SdSource *s, GVariantDict *dict)
{
  guint resize = 0, masked = 0;

  if (!g_variant_dict_lookup (dict, "source-strength", "(dbb)", &s->strength,
                              &s->exact_steps, &s->denoise)
      || !g_variant_dict_lookup (dict, "source-ways", "(uubuubu)", &resize, &masked,
                                 &s->only_masked, &s->padding, &s->mask_blur, &s->soft,
                                 &s->overlap)
      || !g_variant_dict_lookup (dict, "source-extend", "(uuuu)", &s->extend[0],
                                 &s->extend[1], &s->extend[2], &s->extend[3])
      || !g_variant_dict_lookup (dict, "source-instruct", "(bd)", &s->instruct,
                                 &s->image_cfg))
    return FALSE;
  g_variant_dict_lookup (dict, "source-path", "^ay", &s->path);
  s->resize = (SdResize) resize;
  s->masked = (SdMasked) masked;
  return resize <= SD_RESIZE_STRETCH && masked <= SD_MASKED_NOTHING;
}

SdSource *
sd_source_load (GVariantDict *dict, GError **error)
{
  guint w, h, channels;
  g_autoptr (ImageBuffer) image = NULL;

  if (!g_variant_dict_lookup (dict, "source-size", "(uuu)", &w, &h, &channels))
    return NULL;
  if (channels == 3 || channels == 4)
    image = image_buffer_new (w, h, channels);
  g_autofree guint8 *pixels
      = image != NULL ? lookup_bytes (dict, "source-image", (gsize) w * h * channels)
                      : NULL;
  if (pixels == NULL)
    {
      incomplete (error);
      return NULL;
    }
  memcpy (image->pixels, pixels, (gsize) w * h * channels);
  g_autoptr (SdSource) source = sd_source_new (g_steal_pointer (&image));
  g_autofree guint8 *mask = lookup_bytes (dict, "source-mask", (gsize) w * h);
  if (mask != NULL)
    {
      source->mask = image_mask_new (w, h);
      if (source->mask != NULL)
        memcpy (source->mask->pixels, mask, (gsize) w * h);
    }
  if (!load_numbers (source, dict) || (mask != NULL && source->mask == NULL))
    {
      incomplete (error);
      return NULL;
    }
  return g_steal_pointer (&source);
}

/* ---- its latents ---- */

static gsize
cond_bytes (const SdRun *run)
{
  return (run->engine->info->unet_in_channels - SD_LATENT_CHANNELS) * (gsize) run->h
         * run->w * sizeof (float);
}

void
sd_begin_save (const SdRun *run, GVariantDict *dict)
{
  const SdBegin *begin = &run->begin;
  gsize n = SD_LATENT_CHANNELS * (gsize) run->h * run->w;

  if (run->params->source != NULL)
    save_source (run->params->source, dict);
  if (begin->init != NULL)
    {
      g_variant_dict_insert (dict, "begin-pictures", "u", begin->n_init);
      insert_bytes (dict, "begin", begin->init, begin->n_init * n * sizeof (float));
    }
  if (begin->cond != NULL)
    insert_bytes (dict, "begin-told", begin->cond, cond_bytes (run));
}

gboolean
sd_begin_load (SdRun *run, GVariantDict *dict, GError **error)
{
  SdBegin *begin = &run->begin;
  gsize n = SD_LATENT_CHANNELS * (gsize) run->h * run->w;

  if (run->params->source != NULL)
    {
      if (!g_variant_dict_lookup (dict, "begin-pictures", "u", &begin->n_init)
          || (begin->n_init != 1 && begin->n_init != run->params->batch))
        return incomplete (error);
      begin->init = lookup_bytes (dict, "begin", begin->n_init * n * sizeof (float));
      if (begin->init == NULL)
        return incomplete (error);
    }
  if (cond_bytes (run) > 0)
    begin->cond = lookup_bytes (dict, "begin-told", cond_bytes (run));
  if (cond_bytes (run) > 0 && begin->cond == NULL)
    return incomplete (error);
  return sd_run_end (run, error);
}
