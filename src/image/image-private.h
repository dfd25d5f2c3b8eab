/* image-private.h: what the files of this room share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "image/image.h"

#include <json-glib/json-glib.h>

/* ---- bytes that a picture is read from: a file or memory ---- */

typedef struct
{
  int fd;             /* or -1 */
  const guint8 *data; /* where there is no file */
  guint64 size;
  char *name; /* for messages */
} ImageSource;

gboolean image_source_open (ImageSource *source, const char *path, GError **error);
void image_source_init_bytes (ImageSource *source, GBytes *bytes);
void image_source_clear (ImageSource *source);
/** image_source_read: FALSE when fewer than @n bytes are left at @offset */
gboolean image_source_read (ImageSource *source, guint64 offset, gpointer dst, gsize n);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ImageSource, image_source_clear)

/** image_source_read_texts: (transfer full) (element-type ImageText) */
GPtrArray *image_source_read_texts (ImageSource *source, GError **error);
/** image_png_check_signature: IMAGE_ERROR_FORMAT when the bytes are no PNG file */
gboolean image_png_check_signature (ImageSource *source, GError **error);
/** image_latin1_from_utf8: (nullable) (transfer full): the text as tEXt can hold it */
char *image_latin1_from_utf8 (const char *text);

/* ---- metadata ---- */

/** image_meta_set_sampler: sets the sampler, and the schedule where @name holds one */
void image_meta_set_sampler (ImageMeta *meta, const char *name);
/** image_meta_set_schedule: "Automatic" becomes what A1111 takes for the sampler */
void image_meta_set_schedule (ImageMeta *meta, const char *name);
/** image_meta_count_ddim_steps: on ddim_uniform ComfyUI and A1111 make every ⌊1000/n⌋-th
 * of 999 steps, 31 where 30 were asked for; in ImageMeta stand the steps made */
void image_meta_count_ddim_steps (ImageMeta *meta);
/** image_meta_set_rng: any program's name for a generator */
void image_meta_set_rng (ImageMeta *meta, const char *name);
/** image_sampler_a1111_label: A1111's name for ComfyUI's; @name itself where unknown */
const char *image_sampler_a1111_label (const char *name);
const char *image_schedule_a1111_label (const char *name);

/* Each gives NULL when the text is not what its name says. */
ImageMeta *image_meta_from_json (const char *keyword, const char *json);
ImageMeta *image_meta_from_comfyui (const char *json);
ImageMeta *image_meta_from_dream (const char *text);

/** image_json_parse: (nullable) (transfer full): of text that may be hostile: bounded in
 * length and depth; NaN and infinities, which Python writes, are read as null */
JsonNode *image_json_parse (const char *text);
/** image_json_string: (nullable): a member that is a string */
const char *image_json_string (JsonObject *object, const char *name);
/** image_json_object: (nullable): a member that is an object */
JsonObject *image_json_object (JsonObject *object, const char *name);
/** image_json_number: a number, or a string that is one */
gboolean image_json_number (JsonNode *node, double *value);
gboolean image_json_uint64 (JsonNode *node, guint64 *value);

/* ---- image-meta-from.c: the picture that it was made from ---- */

void image_meta_from_init (ImageMetaFrom *from);
/** image_meta_from_append_guidance: to A1111's line, each part where it has its place */
void image_meta_from_append_guidance (const ImageMetaFrom *from, GString *line);
void image_meta_from_append_strength (const ImageMetaFrom *from, GString *line);
void image_meta_from_append_mask (const ImageMetaFrom *from, GString *line);
void image_meta_from_read_pairs (ImageMetaFrom *from, GHashTable *pairs);
/** image_meta_from_read_object: of our own chunk */
void image_meta_from_read_object (ImageMetaFrom *from, JsonObject *object);
