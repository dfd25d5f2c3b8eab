/* image.h: pictures in memory and in PNG files, and what is written in them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>
#include "base/base-task.h"

#define IMAGE_ERROR (image_error_quark ())
GQuark image_error_quark (void);
typedef enum
{
  IMAGE_ERROR_FORMAT, /* not a PNG file, damaged, or a text that no PNG can hold */
  IMAGE_ERROR_SIZE,   /* larger than IMAGE_MAX_SIDE, IMAGE_MAX_PIXELS or the memory */
  IMAGE_ERROR_IO,     /* the message names the path and what the system said */
} ImageError;

#define IMAGE_MAX_SIDE 32768u
#define IMAGE_MAX_PIXELS (1u << 28)

/* 8 bits a channel, sRGB, top row first, no padding between rows. */
typedef struct
{
  guint width, height;
  guint channels; /* 3 or 4 (straight alpha) */
  guint8 *pixels;
  gatomicrefcount refs;
} ImageBuffer;

/* Thread: any; one picture is not changed by two threads at once. */

/** image_buffer_new: zeroed; NULL if a side is 0, if it is too large, or without memory
 */
ImageBuffer *image_buffer_new (guint width, guint height, guint channels);
ImageBuffer *image_buffer_copy (const ImageBuffer *image);
/** image_buffer_ref: shares it; from then on nobody changes it */
ImageBuffer *image_buffer_ref (ImageBuffer *image);
/** image_buffer_free: lets go of it; the last to do so frees it */
void image_buffer_free (ImageBuffer *image);
/** image_buffer_from_floats: @rgb is [h][w][3] in [-1, 1], as a VAE gives it; rounds to
 * nearest, clamps; NaN is black */
ImageBuffer *image_buffer_from_floats (const float *rgb, guint width, guint height);
/** image_buffer_resize: area-averaged down, bicubic (Catmull-Rom) up; on the stored
 * values, for thumbnails and previews; NULL as image_buffer_new */
ImageBuffer *image_buffer_resize (const ImageBuffer *image, guint width, guint height);

/* Which pixels are to be made anew: 0 stays, 255 goes, between: a blend of both. Top row
 * first, no padding between rows. */
typedef struct
{
  guint width, height;
  guint8 *pixels;
  gatomicrefcount refs;
} ImageMask;

/** image_mask_new: of zeros; NULL as image_buffer_new */
ImageMask *image_mask_new (guint width, guint height);
ImageMask *image_mask_copy (const ImageMask *mask);
/** image_mask_ref: shares it; from then on nobody changes it */
ImageMask *image_mask_ref (ImageMask *mask);
/** image_mask_free: lets go of it; the last to do so frees it */
void image_mask_free (ImageMask *mask);

/* Text chunks: keyword and UTF-8 text, in file order. */
typedef struct
{
  char *keyword;
  char *text;
} ImageText;
void image_text_free (ImageText *text);

/** image_text_new: copies both */
ImageText *image_text_new (const char *keyword, const char *text);
/** image_texts_new: (transfer full): an empty array that frees its ImageTexts */
GPtrArray *image_texts_new (void);
/** image_texts_find: (nullable): the text of the first chunk with @keyword */
const char *image_texts_find (GPtrArray *texts, const char *keyword);

/**
 * image_png_save:
 * @texts: (nullable) (element-type ImageText): keywords of 1 to 79 Latin-1 characters
 *
 * Written to a temporary sibling, made durable, then renamed: at @path there is the old
 * file or the whole new one, whatever happens.
 */
gboolean image_png_save (const ImageBuffer *image,
                         const char *path,
                         GPtrArray *texts,
                         GError **error);
/** image_png_load: any PNG, as 3 channels, or 4 where it has transparency;
 * @texts: (out) (optional): GPtrArray of ImageText */
ImageBuffer *image_png_load (const char *path, GPtrArray **texts, GError **error);
ImageBuffer *image_png_load_bytes (GBytes *bytes, GPtrArray **texts, GError **error);
/** image_png_read_texts: only the chunks, without reading the pixels; of a file that was
 * cut short or damaged, those that can be read */
GPtrArray *image_png_read_texts (const char *path, GError **error);
GBytes *image_png_encode (const ImageBuffer *image, GError **error);

/* Of a picture that was made from another one. */
typedef struct
{
  double denoising;       /* strength */
  double image_cfg;       /* of an instruction */
  int mask_blur, padding; /* pixels */
  gboolean only_masked;
  const char *masked_content; /* static: "original", "fill", "noise", "nothing" */
} ImageMetaFrom;

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
  char *vae;         /* file of one that was given */
  char *lora_hashes; /* "NAME: HASH, NAME: HASH" */
  int clip_skip;
  char *emphasis; /* "Original", "No norm", "Ignore", "None": what weights do, as A1111 */
  char *grammar;  /* "a1111", "comfyui" or "plain": how the prompts are to be read */
  char *words;    /* names of textual inversions, ", " between them */
  char *rng;      /* "cpu", "nv" or "gpu" */
  char *version;  /* program */
  ImageMetaFrom from;
  char *parent; /* name of the file that held the picture it was made from */
  char *source; /* which dialect it was read from: "calotype", "a1111", "comfyui" … */
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
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageMask, image_mask_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageText, image_text_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageMeta, image_meta_free)
