/* image.h: pictures in memory and in PNG files, and what is written in them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>
#include "base/base-task.h"

#define IMAGE_ERROR (image_error_quark ())
GQuark image_error_quark (void);
typedef enum { IMAGE_ERROR_FORMAT, IMAGE_ERROR_SIZE, IMAGE_ERROR_IO } ImageError;

/* 8 bits a channel, sRGB, top row first, no padding between rows. */
typedef struct
{
  guint width, height;
  guint channels; /* 3 or 4 (straight alpha) */
  guint8 *pixels;
} ImageBuffer;

ImageBuffer *image_buffer_new (guint width, guint height, guint channels); /* NULL if too large */
ImageBuffer *image_buffer_copy (const ImageBuffer *image);
void image_buffer_free (ImageBuffer *image);
/** image_buffer_from_floats: @rgb is [h][w][3] in [-1, 1], as a VAE gives it; rounds to nearest, clamps */
ImageBuffer *image_buffer_from_floats (const float *rgb, guint width, guint height);
/** image_buffer_resize: area-averaged down, bicubic up; for thumbnails and previews */
ImageBuffer *image_buffer_resize (const ImageBuffer *image, guint width, guint height);

/* Text chunks: keyword and UTF-8 text, in file order. */
typedef struct
{
  char *keyword;
  char *text;
} ImageText;
void image_text_free (ImageText *text);

/** image_png_save: to a temporary sibling, then renamed; texts of (element-type ImageText) or NULL */
gboolean image_png_save (const ImageBuffer *image,
                         const char *path,
                         GPtrArray *texts,
                         GError **error);
/** image_png_load: @texts (out) (optional): GPtrArray of ImageText */
ImageBuffer *image_png_load (const char *path, GPtrArray **texts, GError **error);
/** image_png_read_texts: only the chunks, without decoding the pixels */
GPtrArray *image_png_read_texts (const char *path, GError **error);
GBytes *image_png_encode (const ImageBuffer *image, GError **error);

/* What made a picture. Strings NULL and numbers negative (or NAN) where not said. */
typedef struct
{
  char *prompt, *negative;
  int steps;
  char *sampler, *schedule; /* names as ComfyUI spells them where known */
  double cfg;
  gboolean has_seed;
  guint64 seed;
  int width, height;
  char *model, *model_hash;
  int clip_skip;
  char *rng;    /* "cpu", "nv" or "gpu" */
  char *version; /* program */
  char *source;  /* which dialect it was read from: "calotype", "a1111", "comfyui" … */
} ImageMeta;

ImageMeta *image_meta_new (void);
ImageMeta *image_meta_copy (const ImageMeta *meta);
void image_meta_free (ImageMeta *meta);
/** image_meta_to_a1111: (transfer full): the `parameters` text */
char *image_meta_to_a1111 (const ImageMeta *meta);
/** image_meta_from_a1111: (nullable): NULL if the text has no parameter line */
ImageMeta *image_meta_from_a1111 (const char *text);
/** image_meta_from_texts: (nullable): the best of what a file carries */
ImageMeta *image_meta_from_texts (GPtrArray *texts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageBuffer, image_buffer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageText, image_text_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageMeta, image_meta_free)
