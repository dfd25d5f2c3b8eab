/* image-png.c: pixels from and to PNG files, by libpng
 *
 * libpng reports an error by jumping back to where it was called. Every function that
 * sets such a place keeps its state in a structure that outlives the jump and has no
 * locals that change after it. Texts are not given to libpng when reading: image-text.c
 * reads them, with its own limits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"
#include "base/base-path.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <png.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What deflate can make of one byte at most: 258 bytes of two bits. */
#define MAX_INFLATION 1032

typedef struct
{
  png_structp png;
  png_infop info;
  char message[128]; /* of libpng's error */
  /* reading */
  ImageSource *source;
  guint64 offset;
  ImageBuffer *image;
  png_bytep *rows;
  /* writing */
  GByteArray *out;
} Job;

static void
on_error (png_structp png, png_const_charp message)
{
  Job *job = png_get_error_ptr (png);

  g_strlcpy (job->message, message, sizeof job->message);
  png_longjmp (png, 1);
}

static void
on_warning (png_structp png, png_const_charp message)
{
}

/* ---- writing ---- */

static void
on_write (png_structp png, png_bytep data, png_size_t n)
{
  Job *job = png_get_io_ptr (png);

  if (n > G_MAXUINT - job->out->len)
    png_error (png, "more than 4 GiB");
  g_byte_array_append (job->out, data, (guint) n);
}

static void
on_flush (png_structp png)
{
}

/* libpng's form of @texts; @strings gets what it points to. */
static png_text *
prepare_texts (GPtrArray *texts, GPtrArray *strings, GError **error)
{
  png_text *items = g_new0 (png_text, MAX (texts->len, 1));

  for (guint i = 0; i < texts->len; i++)
    {
      ImageText *text = g_ptr_array_index (texts, i);
      g_autofree char *valid_keyword = g_utf8_make_valid (text->keyword, -1);
      char *valid = g_utf8_make_valid (text->text, -1);
      char *keyword = image_latin1_from_utf8 (valid_keyword);
      char *body = image_latin1_from_utf8 (valid);

      g_ptr_array_add (strings, valid);
      g_ptr_array_add (strings, keyword);
      g_ptr_array_add (strings, body);

      if (keyword == NULL || keyword[0] == '\0' || strlen (keyword) > 79)
        {
          g_set_error (
              error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
              _ ("A PNG text's keyword must be 1 to 79 Latin-1 characters: “%s”"),
              valid_keyword);
          g_free (items);
          return NULL;
        }
      items[i].key = keyword;
      items[i].text = body != NULL ? body : valid;
      if (body != NULL)
        {
          items[i].compression = PNG_TEXT_COMPRESSION_NONE;
          items[i].text_length = strlen (body);
        }
      else
        {
          items[i].compression = PNG_ITXT_COMPRESSION_NONE;
          items[i].itxt_length = strlen (valid);
        }
    }
  return items;
}

static gboolean
write_png (Job *job, const ImageBuffer *image, const png_text *texts, int n_texts)
{
  if (setjmp (png_jmpbuf (job->png)))
    return FALSE;
  png_set_write_fn (job->png, job, on_write, on_flush);
  png_set_IHDR (job->png, job->info, image->width, image->height, 8,
                image->channels == 4   ? PNG_COLOR_TYPE_RGB_ALPHA
                : image->channels == 1 ? PNG_COLOR_TYPE_GRAY
                                       : PNG_COLOR_TYPE_RGB,
                PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB (job->png, job->info, PNG_sRGB_INTENT_PERCEPTUAL);
  if (n_texts > 0)
    png_set_text (job->png, job->info, texts, n_texts);
  png_write_info (job->png, job->info);
  for (guint y = 0; y < image->height; y++)
    png_write_row (job->png, image->pixels + (gsize) y * image->width * image->channels);
  png_write_end (job->png, NULL);
  return TRUE;
}

static GBytes *
encode (const ImageBuffer *image, GPtrArray *texts, GError **error)
{
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func (g_free);
  g_autofree png_text *items = NULL;
  Job job = { 0 };
  gboolean ok;

  if (texts != NULL)
    {
      items = prepare_texts (texts, strings, error);
      if (items == NULL)
        return NULL;
    }
  job.out = g_byte_array_new ();
  job.png = png_create_write_struct (PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
  job.info = job.png != NULL ? png_create_info_struct (job.png) : NULL;
  ok = job.info != NULL
       && write_png (&job, image, items, texts != NULL ? (int) texts->len : 0);
  png_destroy_write_struct (&job.png, &job.info);
  if (!ok)
    {
      g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                   _ ("The picture of %u × %u cannot be written as PNG: %s"),
                   image->width, image->height, job.message);
      g_byte_array_unref (job.out);
      return NULL;
    }
  return g_byte_array_free_to_bytes (job.out);
}

GBytes *
image_png_encode (const ImageBuffer *image, GError **error)
{
  return encode (image, NULL, error);
}

/* All of @bytes into @fd and onto the disk; else the errno. */
static int
write_durably (int fd, GBytes *bytes)
{
  gsize left;
  const guint8 *at = g_bytes_get_data (bytes, &left);

  while (left > 0)
    {
      gssize n = write (fd, at, left);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno;
      at += n;
      left -= (gsize) n;
    }
  return fsync (fd) != 0 ? errno : 0;
}

/* The new name is on the disk too, where the file system can do that. */
static void
sync_folder (const char *folder)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}

/* A device or pipe is written to as it is: renaming would put a file in its place. */
static int
write_special (const char *path, GBytes *bytes)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  int code = fd < 0 ? errno : write_durably (fd, bytes);

  if (fd >= 0 && close (fd) != 0 && code == 0)
    code = errno;
  return code == EINVAL ? 0 : code; /* they cannot be brought onto a disk */
}

static int
write_whole (const char *path, GBytes *bytes)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *temporary = g_build_filename (folder, ".calotype-XXXXXX", NULL);
  int fd = g_mkstemp_full (temporary, O_RDWR | O_CLOEXEC, 0666);
  int code = fd < 0 ? errno : write_durably (fd, bytes);

  if (fd >= 0 && close (fd) != 0 && code == 0)
    code = errno;
  if (code == 0 && g_rename (temporary, path) != 0)
    code = errno;
  if (code == 0)
    sync_folder (folder);
  else if (fd >= 0)
    g_unlink (temporary);
  return code;
}

gboolean
image_png_save (const ImageBuffer *image,
                const char *path,
                GPtrArray *texts,
                GError **error)
{
  g_autoptr (GBytes) bytes = encode (image, texts, error);
  struct stat old;

  if (bytes == NULL)
    return FALSE;
  /* A link stays; what it leads to is replaced. */
  g_autofree char *target = base_path_follow (path);
  int code = target == NULL ? errno : 0;
  if (code == 0 && stat (target, &old) == 0 && !S_ISREG (old.st_mode)
      && !S_ISDIR (old.st_mode))
    code = write_special (target, bytes);
  else if (code == 0)
    code = write_whole (target, bytes);
  if (code != 0)
    {
      g_autofree char *name = g_filename_display_name (path);

      g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_IO, _ ("Cannot write “%s”: %s"), name,
                   g_strerror (code));
      return FALSE;
    }
  return TRUE;
}

/* ---- reading ---- */

static void
on_read (png_structp png, png_bytep dst, png_size_t n)
{
  Job *job = png_get_io_ptr (png);

  if (!image_source_read (job->source, job->offset, dst, n))
    png_error (png, "it ends too early");
  job->offset += n;
}

static guint32
read_be32 (const guint8 *at)
{
  return (guint32) at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* Refuses a size before any memory is spent on it. */
static gboolean
check_size (ImageSource *source, GError **error)
{
  static const guint samples[7] = { 1, 0, 3, 1, 2, 0, 4 };
  guint8 start[33]; /* signature and IHDR */
  guint32 width, height;
  guint64 row;

  if (!image_source_read (source, 0, start, sizeof start)
      || memcmp (start + 12, "IHDR", 4) != 0)
    {
      g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                   _ ("“%s” is damaged: it has no PNG header"), source->name);
      return FALSE;
    }
  width = read_be32 (start + 16);
  height = read_be32 (start + 20);
  if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE
      || (guint64) width * height > IMAGE_MAX_PIXELS)
    {
      g_set_error (
          error, IMAGE_ERROR, IMAGE_ERROR_SIZE,
          _ ("“%s” is too large: %u × %u; at most %u pixels a side and %u in all"),
          source->name, width, height, IMAGE_MAX_SIDE, IMAGE_MAX_PIXELS);
      return FALSE;
    }
  row = ((guint64) width * samples[MIN (start[25], 6)] * start[24] + 7) / 8;
  if (row * height / MAX_INFLATION > source->size)
    {
      g_autofree char *bytes
          = g_format_size_full (source->size, G_FORMAT_SIZE_LONG_FORMAT);

      g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                   _ ("“%s” is damaged: its %s cannot hold a picture of %u × %u"),
                   source->name, bytes, width, height);
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_png (Job *job)
{
  guint width, height, channels;

  if (setjmp (png_jmpbuf (job->png)))
    return FALSE;
  png_set_read_fn (job->png, job, on_read);
  png_set_user_limits (job->png, IMAGE_MAX_SIDE, IMAGE_MAX_SIDE);
  /* leave out every chunk that is not needed for the pixels */
  png_set_keep_unknown_chunks (job->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info (job->png, job->info);
  png_set_expand (job->png);
  png_set_scale_16 (job->png);
  png_set_gray_to_rgb (job->png);
  png_set_interlace_handling (job->png);
  png_read_update_info (job->png, job->info);
  width = png_get_image_width (job->png, job->info);
  height = png_get_image_height (job->png, job->info);
  channels = png_get_channels (job->png, job->info);
  if ((channels != 3 && channels != 4)
      || png_get_rowbytes (job->png, job->info) != (gsize) width * channels)
    png_error (job->png, "unknown kind of pixels");
  job->image = image_buffer_new (width, height, channels);
  if (job->image == NULL)
    png_error (job->png, "not enough memory");
  job->rows = g_new (png_bytep, height);
  for (guint y = 0; y < height; y++)
    job->rows[y] = job->image->pixels + (gsize) y * width * channels;
  png_read_image (job->png, job->rows);
  return TRUE;
}

static ImageBuffer *
load (ImageSource *source, GPtrArray **texts, GError **error)
{
  Job job = { .source = source };
  g_autoptr (GPtrArray) found = NULL;
  gboolean ok;

  found = image_source_read_texts (source, error);
  if (found == NULL || !check_size (source, error))
    return NULL;
  job.png = png_create_read_struct (PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
  job.info = job.png != NULL ? png_create_info_struct (job.png) : NULL;
  ok = job.info != NULL && read_png (&job);
  png_destroy_read_struct (&job.png, &job.info, NULL);
  g_free (job.rows);
  if (!ok)
    {
      g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_FORMAT, _ ("“%s” cannot be read: %s"),
                   source->name, job.message);
      image_buffer_free (job.image);
      return NULL;
    }
  if (texts != NULL)
    *texts = g_steal_pointer (&found);
  return job.image;
}

ImageBuffer *
image_png_load (const char *path, GPtrArray **texts, GError **error)
{
  g_auto (ImageSource) source = { .fd = -1 };

  if (!image_source_open (&source, path, error))
    return NULL;
  return load (&source, texts, error);
}

ImageBuffer *
image_png_load_bytes (GBytes *bytes, GPtrArray **texts, GError **error)
{
  g_auto (ImageSource) source = { .fd = -1 };

  image_source_init_bytes (&source, bytes);
  return load (&source, texts, error);
}
