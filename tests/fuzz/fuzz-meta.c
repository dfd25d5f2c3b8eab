/* fuzz-meta.c: metadata texts from anywhere, read in every dialect
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "fuzz.h"
#include "image/image.h"

#include <string.h>

static void
check (ImageMeta *meta)
{
  const char *const strings[]
      = { meta->prompt, meta->negative,   meta->sampler, meta->schedule, meta->model,
          meta->rng,    meta->model_hash, meta->version, meta->source };

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    g_assert_true (strings[i] == NULL || g_utf8_validate (strings[i], -1, NULL));
  g_assert_cmpint (meta->steps, >=, -1);
  g_assert_cmpint (meta->width, >=, -1);
  g_assert_cmpint (meta->height, >=, -1);
}

/* What was read can be written, and where it makes three pairs, read again: the values
 * come back, whatever stood in the prompt. */
static void
round_trip (const ImageMeta *meta)
{
  g_autofree char *text = image_meta_to_a1111 (meta);
  g_autoptr (ImageMeta) back = image_meta_from_a1111 (text);

  if (back != NULL)
    check (back);
  if (meta->steps < 0 || !meta->has_seed || meta->width < 0)
    return;
  g_assert_cmpint (back->steps, ==, meta->steps);
  g_assert_cmpuint (back->seed, ==, meta->seed);
  g_assert_cmpint (back->width, ==, meta->width);
  g_assert_cmpstr (back->model, ==, meta->model);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const char *const keywords[]
      = { "calotype", "parameters", "invokeai_metadata", "sd-metadata", "Comment",
          "Dream",    "prompt" };
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (ImageMeta) raw = image_meta_from_a1111 (text);

  if (raw != NULL)
    {
      check (raw);
      round_trip (raw);
    }
  for (guint i = 0; i < G_N_ELEMENTS (keywords); i++)
    {
      g_autoptr (GPtrArray) texts = image_texts_new ();
      g_autoptr (ImageMeta) meta = NULL;

      g_ptr_array_add (texts, image_text_new (keywords[i], valid));
      meta = image_meta_from_texts (texts);
      if (meta != NULL)
        check (meta);
    }
  return 0;
}

GBytes *
fuzz_seed (guint i)
{
  static const char *const seeds[] = {
    "a cat\nNegative prompt: dog\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, "
    "Seed: 42, Size: 512x768, Model: \"a, \\\"b\\\" \\u0416\", Clip skip: 2, RNG: NV, "
    "Version: v1.6.0",
    "{\"prompt\":\"p\",\"seed\":18446744073709551615,\"steps\":5,\"cfg\":7.5,\"sampler\":"
    "\"euler\",\"resolution\":\"(896, 1152)\",\"uc\":\"n\",\"model\":{\"name\":\"m\"},"
    "\"image\":{\"prompt\":[{\"prompt\":\"q\"}],\"steps\":3}}",
    "\"a prompt\" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms",
    "{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":[\"9\",0],\"steps\":25,"
    "\"cfg\":NaN,"
    "\"sampler_name\":\"euler\",\"scheduler\":\"karras\",\"model\":[\"4\",0],"
    "\"positive\":["
    "\"6\",0],\"negative\":[\"6\",0],\"latent_image\":[\"5\",0]}},\"4\":{\"class_type\":"
    "\"C\","
    "\"inputs\":{\"ckpt_name\":\"m\"}},\"5\":{\"class_type\":\"E\",\"inputs\":{\"width\":"
    "512,"
    "\"height\":768}},\"6\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":"
    "\"a\","
    "\"clip\":[\"7\",0]}},\"7\":{\"class_type\":\"L\",\"inputs\":{\"stop_at_clip_layer\":"
    "-2}},"
    "\"9\":{\"class_type\":\"P\",\"inputs\":{\"value\":7}}}",
  };

  return i < G_N_ELEMENTS (seeds) ? g_bytes_new_static (seeds[i], strlen (seeds[i]))
                                  : NULL;
}
