/* image-text.c: the bytes of a PNG file, and the text chunks in them
 *
 * Text is read by walking the chunks ourselves and not by libpng: only headers and text
 * are read, so that a folder of pictures can be listed without touching pixels, and the
 * texts of a picture that was cut short can still be read. Sizes are bounded before
 * anything is allocated; what does not keep to the rules is left out.
 *
 * Source: W3C PNG specification (third edition), sections 5.3 and 11.3.3.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TEXT (16u << 20)  /* bytes of one text, inflated */
#define MAX_TOTAL (64u << 20) /* bytes of all */
#define MAX_TEXTS 10000u
#define MAX_CHUNKS 1000000u /* headers looked at */
#define MAX_KEYWORD 79u

static const guint8 signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

gboolean
image_source_open (ImageSource *source, const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  /* not blocking: a named pipe must not hang the program */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  int code = fd < 0 ? errno : 0;
  struct stat status;

  if (fd >= 0 && fstat (fd, &status) != 0)
    code = errno;
  else if (fd >= 0 && !S_ISREG (status.st_mode))
    code = S_ISDIR (status.st_mode) ? EISDIR : EINVAL;
  if (code != 0)
    {
      g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_IO, _ ("Cannot read “%s”: %s"), name,
                   g_strerror (code));
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  *source = (ImageSource){ .fd = fd, .size = (guint64) status.st_size };
  source->name = g_steal_pointer (&name);
  return TRUE;
}

void
image_source_init_bytes (ImageSource *source, GBytes *bytes)
{
  gsize size;

  *source = (ImageSource){ .fd = -1, .name = g_strdup (_ ("the picture")) };
  source->data = g_bytes_get_data (bytes, &size);
  source->size = size;
}

void
image_source_clear (ImageSource *source)
{
  if (source->fd >= 0 && source->name != NULL)
    close (source->fd);
  g_clear_pointer (&source->name, g_free);
  source->fd = -1;
}

gboolean
image_source_read (ImageSource *source, guint64 offset, gpointer dst, gsize n)
{
  guint8 *at = dst;

  if (offset > source->size || n > source->size - offset)
    return FALSE;
  if (source->fd < 0)
    {
      memcpy (at, source->data + offset, n);
      return TRUE;
    }
  while (n > 0)
    {
      gssize got = pread (source->fd, at, n, (off_t) offset);

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return FALSE;
      at += got;
      offset += (guint64) got;
      n -= (gsize) got;
    }
  return TRUE;
}

gboolean
image_png_check_signature (ImageSource *source, GError **error)
{
  guint8 start[sizeof signature];

  if (image_source_read (source, 0, start, sizeof start)
      && memcmp (start, signature, sizeof start) == 0)
    return TRUE;
  g_set_error (error, IMAGE_ERROR, IMAGE_ERROR_FORMAT, _ ("“%s” is not a PNG picture"),
               source->name);
  return FALSE;
}

/* ---- one text ---- */

void
image_text_free (ImageText *text)
{
  if (text == NULL)
    return;
  g_free (text->keyword);
  g_free (text->text);
  g_free (text);
}

ImageText *
image_text_new (const char *keyword, const char *text)
{
  ImageText *item = g_new (ImageText, 1);

  item->keyword = g_strdup (keyword);
  item->text = g_strdup (text);
  return item;
}

GPtrArray *
image_texts_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) image_text_free);
}

const char *
image_texts_find (GPtrArray *texts, const char *keyword)
{
  for (guint i = 0; texts != NULL && i < texts->len; i++)
    {
      ImageText *item = g_ptr_array_index (texts, i);

      if (g_str_equal (item->keyword, keyword))
        return item->text;
    }
  return NULL;
}

static char *
utf8_from_latin1 (const guint8 *bytes, gsize n)
{
  GString *text = g_string_sized_new (n);

  for (gsize i = 0; i < n && bytes[i] != 0; i++)
    g_string_append_unichar (text, bytes[i]);
  return g_string_free (text, FALSE);
}

char *
image_latin1_from_utf8 (const char *text)
{
  g_autoptr (GString) bytes = g_string_new (NULL);
  gboolean ascii = TRUE;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c > 0xff)
        return NULL;
      ascii = ascii && c < 0x80;
      g_string_append_c (bytes, (char) c);
    }
  /* would be taken for UTF-8 by read_latin1() */
  if (!ascii && g_utf8_validate (bytes->str, (gssize) bytes->len, NULL))
    return NULL;
  return g_string_free (g_steal_pointer (&bytes), FALSE);
}

/* tEXt and zTXt are Latin-1 by the standard; sd.cpp, among others, puts UTF-8 there. Text
 * that is not ASCII and yet valid UTF-8 is that: Latin-1 which looks so is gibberish. */
static char *
read_latin1 (const guint8 *bytes, gsize n)
{
  const guint8 *end = memchr (bytes, 0, n);

  n = end != NULL ? (gsize) (end - bytes) : n;
  if (g_utf8_validate ((const char *) bytes, (gssize) n, NULL))
    return g_strndup ((const char *) bytes, n);
  return utf8_from_latin1 (bytes, n);
}

static char *
read_utf8 (const guint8 *bytes, gsize n)
{
  const guint8 *end = memchr (bytes, 0, n);

  return g_utf8_make_valid ((const char *) bytes, end != NULL ? end - bytes : (gssize) n);
}

/* The deflated @n bytes at @bytes, or NULL when damaged or longer than MAX_TEXT. */
static GByteArray *
inflate_bytes (const guint8 *bytes, gsize n)
{
  g_autoptr (GConverter) converter
      = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
  g_autoptr (GByteArray) out = g_byte_array_new ();
  GConverterResult result = G_CONVERTER_CONVERTED;
  guint8 buffer[8192];

  while (result != G_CONVERTER_FINISHED)
    {
      gsize read = 0, written = 0;

      result = g_converter_convert (converter, bytes, n, buffer, sizeof buffer,
                                    G_CONVERTER_INPUT_AT_END, &read, &written, NULL);
      if (result == G_CONVERTER_ERROR || out->len + written > MAX_TEXT)
        return NULL;
      g_byte_array_append (out, buffer, (guint) written);
      bytes += read;
      n -= read;
    }
  return g_steal_pointer (&out);
}

/* Up to and with the next NUL; NULL where there is none. */
static const guint8 *
skip_string (const guint8 *at, const guint8 *end)
{
  const guint8 *nul = at < end ? memchr (at, 0, (gsize) (end - at)) : NULL;

  return nul != NULL ? nul + 1 : NULL;
}

/* The text of a chunk's data, or NULL. @at is behind the keyword's NUL. */
static char *
read_body (const char *type, const guint8 *at, const guint8 *end)
{
  gboolean international = type[0] == 'i', deflated = type[0] == 'z';
  g_autoptr (GByteArray) inflated = NULL;

  if (international)
    {
      if (end - at < 2 || at[0] > 1)
        return NULL;
      deflated = at[0] == 1;
      at = at + 1; /* at the method now, as in zTXt */
    }
  if (international || deflated)
    {
      if (at >= end || (deflated && *at != 0))
        return NULL;
      at++;
    }
  if (international) /* language and translated keyword */
    {
      at = skip_string (at, end);
      at = at != NULL ? skip_string (at, end) : NULL;
      if (at == NULL)
        return NULL;
    }
  if (deflated)
    {
      inflated = inflate_bytes (at, (gsize) (end - at));
      if (inflated == NULL)
        return NULL;
      at = inflated->data;
      end = at + inflated->len;
    }
  return international ? read_utf8 (at, (gsize) (end - at))
                       : read_latin1 (at, (gsize) (end - at));
}

static ImageText *
read_chunk (const char *type, const guint8 *data, gsize n)
{
  const guint8 *body = skip_string (data, data + MIN (n, MAX_KEYWORD + 1));
  g_autofree char *text = NULL;
  ImageText *item;

  if (body == NULL || body == data + 1)
    return NULL;
  text = read_body (type, body, data + n);
  if (text == NULL)
    return NULL;
  item = g_new (ImageText, 1);
  item->keyword = read_latin1 (data, (gsize) (body - data));
  item->text = g_steal_pointer (&text);
  return item;
}

GPtrArray *
image_source_read_texts (ImageSource *source, GError **error)
{
  g_autoptr (GPtrArray) texts = image_texts_new ();
  guint64 offset = sizeof signature;
  gsize total = 0;
  guint8 head[8];

  if (!image_png_check_signature (source, error))
    return NULL;
  for (guint i = 0; i < MAX_CHUNKS && image_source_read (source, offset, head, 8); i++)
    {
      guint32 length = (guint32) head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
      const char *type = (const char *) head + 4;
      g_autofree guint8 *data = NULL;
      ImageText *item = NULL;

      if (length > G_MAXINT32 || memcmp (type, "IEND", 4) == 0)
        break;
      if ((memcmp (type, "tEXt", 4) == 0 || memcmp (type, "zTXt", 4) == 0
           || memcmp (type, "iTXt", 4) == 0)
          && length <= MAX_TEXT && offset + 8 + length <= source->size)
        {
          data = g_malloc (length + 1);
          if (image_source_read (source, offset + 8, data, length))
            item = read_chunk (type, data, length);
        }
      if (item != NULL)
        {
          total += strlen (item->text);
          g_ptr_array_add (texts, item);
        }
      if (total > MAX_TOTAL || texts->len >= MAX_TEXTS)
        break;
      offset += 12 + (guint64) length;
    }
  return g_steal_pointer (&texts);
}

GPtrArray *
image_png_read_texts (const char *path, GError **error)
{
  g_auto (ImageSource) source = { .fd = -1 };

  if (!image_source_open (&source, path, error))
    return NULL;
  return image_source_read_texts (&source, error);
}
