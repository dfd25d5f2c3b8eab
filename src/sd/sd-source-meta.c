/* sd-source-meta.c: what is written in a picture of the one that it was made from
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

static const char *const resizes[] = { "crop", "fill", "stretch" };
static const char *const contents[] = { "original", "fill", "noise", "nothing" };

void
sd_source_tell (const SdRun *run, ImageMeta *meta)
{
  const SdSource *source = run->params->source;
  ImageMetaFrom *from = &meta->from;
  gboolean instructed = run->engine->info->unet_in_channels == SD_INSTRUCT_CHANNELS;

  if (source == NULL)
    return;
  from->denoising = instructed ? 1.0 : source->strength;
  if (instructed)
    from->image_cfg = source->image_cfg;
  if (run->begin.frame == NULL || run->begin.frame->mask == NULL)
    return;
  from->mask_blur = (int) source->mask_blur;
  from->masked_content = contents[source->masked];
  from->only_masked = source->only_masked;
  if (source->only_masked)
    from->padding = (int) source->padding;
}

static void
write_string (BaseJson *json, const char *key, const char *value)
{
  base_json_key (json, key);
  base_json_string (json, value);
}

static void
write_double (BaseJson *json, const char *key, double value)
{
  base_json_key (json, key);
  base_json_double (json, value);
}

static void
write_uint (BaseJson *json, const char *key, guint value)
{
  base_json_key (json, key);
  base_json_uint (json, value);
}

static void
write_bool (BaseJson *json, const char *key, gboolean value)
{
  base_json_key (json, key);
  base_json_bool (json, value);
}

static void
write_mask (const SdSource *source, BaseJson *json)
{
  write_bool (json, "mask", source->mask != NULL);
  write_string (json, "masked_content", contents[source->masked]);
  write_bool (json, "only_masked", source->only_masked);
  write_uint (json, "padding", source->padding);
  write_uint (json, "mask_blur", source->mask_blur);
  write_bool (json, "soft_mask", source->soft);
  write_uint (json, "overlap", source->overlap);
  base_json_key (json, "extend");
  base_json_begin_array (json);
  for (guint i = 0; i < 4; i++)
    base_json_uint (json, source->extend[i]);
  base_json_end_array (json);
}

void
sd_source_write (const SdRun *run, BaseJson *json)
{
  const SdSource *source = run->params->source;

  if (source == NULL)
    return;
  base_json_key (json, "init");
  base_json_begin_object (json);
  write_double (json, "strength", source->strength);
  write_string (json, "rule",
                source->denoise       ? "comfyui"
                : source->exact_steps ? "exact"
                                      : "a1111");
  write_string (json, "resize", resizes[source->resize]);
  write_uint (json, "width", source->image->width);
  write_uint (json, "height", source->image->height);
  if (run->engine->info->unet_in_channels == SD_INSTRUCT_CHANNELS)
    write_double (json, "image_cfg", source->image_cfg);
  if (run->begin.frame != NULL && run->begin.frame->mask != NULL)
    write_mask (source, json);
  base_json_end_object (json);
}
