/* image-private.h: what the files of this room share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "image/image.h"

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
