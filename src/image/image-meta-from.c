/* image-meta-from.c: what was said of a picture that another was made from
 *
 * In the `parameters` text with A1111's keys and values; in our own chunk as the object
 * "init".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"
#include "base/base-json.h"

#include <math.h>
#include <string.h>

/* Ours, A1111's; the first of theirs is meant where nothing is said. */
static const char *const contents[][2] = { { "original", "original" },
                                           { "fill", "fill" },
                                           { "noise", "latent noise" },
                                           { "nothing", "latent nothing" } };

void
image_meta_from_init (ImageMetaFrom *from)
{
  *from = (ImageMetaFrom){
    .denoising = NAN, .image_cfg = NAN, .mask_blur = -1, .padding = -1
  };
}

/* ---- A1111 ---- */

static void
append (GString *line, const char *key, const char *value)
{
  g_string_append_printf (line, "%s%s: %s", line->len > 0 ? ", " : "", key, value);
}

static void
append_double (GString *line, const char *key, double value)
{
  g_autofree char *text = isfinite (value) ? base_double_to_string (value) : NULL;

  if (text != NULL)
    append (line, key, text);
}

void
image_meta_from_append_guidance (const ImageMetaFrom *from, GString *line)
{
  append_double (line, "Image CFG scale", from->image_cfg);
}

void
image_meta_from_append_strength (const ImageMetaFrom *from, GString *line)
{
  append_double (line, "Denoising strength", from->denoising);
}

void
image_meta_from_append_mask (const ImageMetaFrom *from, GString *line)
{
  if (from->mask_blur > 0)
    append_double (line, "Mask blur", from->mask_blur);
  if (from->only_masked)
    {
      append (line, "Inpaint area", "Only masked");
      if (from->padding >= 0)
        append_double (line, "Masked area padding", from->padding);
    }
  for (guint i = 1; from->masked_content != NULL && i < G_N_ELEMENTS (contents); i++)
    if (g_str_equal (from->masked_content, contents[i][0]))
      append (line, "Masked content", contents[i][1]);
}

static void
read_double (GHashTable *pairs, const char *key, double *to)
{
  const char *text = g_hash_table_lookup (pairs, key);
  char *end;
  double value = text != NULL ? g_ascii_strtod (text, &end) : NAN;

  if (text != NULL && end != text && *end == '\0' && isfinite (value))
    *to = value;
}

static void
read_int (GHashTable *pairs, const char *key, int *to)
{
  double value = NAN;

  read_double (pairs, key, &value);
  if (value >= 0 && value <= IMAGE_MAX_SIDE)
    *to = (int) value;
}

void
image_meta_from_read_pairs (ImageMetaFrom *from, GHashTable *pairs)
{
  const char *content = g_hash_table_lookup (pairs, "Masked content");
  const char *area = g_hash_table_lookup (pairs, "Inpaint area");

  read_double (pairs, "Denoising strength", &from->denoising);
  read_double (pairs, "Image CFG scale", &from->image_cfg);
  read_int (pairs, "Mask blur", &from->mask_blur);
  read_int (pairs, "Masked area padding", &from->padding);
  from->only_masked = area != NULL && g_ascii_strcasecmp (area, "Only masked") == 0;
  for (guint i = 0; content != NULL && i < G_N_ELEMENTS (contents); i++)
    if (g_ascii_strcasecmp (content, contents[i][1]) == 0)
      from->masked_content = contents[i][0];
}

/* ---- ours ---- */

static double
member_double (JsonObject *object, const char *name, double otherwise)
{
  JsonNode *node = json_object_get_member (object, name);
  double value;

  return node != NULL && image_json_number (node, &value) && isfinite (value) ? value
                                                                              : otherwise;
}

static int
member_int (JsonObject *object, const char *name)
{
  double value = member_double (object, name, -1);

  return value >= 0 && value <= IMAGE_MAX_SIDE ? (int) value : -1;
}

void
image_meta_from_read_object (ImageMetaFrom *from, JsonObject *object)
{
  JsonObject *init = image_json_object (object, "init");
  JsonNode *node;
  const char *content;

  if (init == NULL)
    return;
  content = image_json_string (init, "masked_content");
  from->denoising = member_double (init, "strength", NAN);
  from->image_cfg = member_double (init, "image_cfg", NAN);
  from->mask_blur = member_int (init, "mask_blur");
  from->padding = member_int (init, "padding");
  node = json_object_get_member (init, "only_masked");
  from->only_masked = node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN
                      && json_node_get_boolean (node);
  for (guint i = 0; content != NULL && i < G_N_ELEMENTS (contents); i++)
    if (g_str_equal (content, contents[i][0]))
      from->masked_content = contents[i][0];
}
