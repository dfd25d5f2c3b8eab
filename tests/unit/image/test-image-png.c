/* test-image-png.c: pixels and texts through PNG files, good and bad
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <png.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder; /* of the files of this run */

static char *
file_path (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static guint
n_files (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static ImageBuffer *
noise_image (guint width, guint height, guint channels)
{
  ImageBuffer *image = image_buffer_new (width, height, channels);
  g_autoptr (GRand) rand = g_rand_new_with_seed (width * 31 + height);

  for (gsize i = 0; i < (gsize) width * height * channels; i++)
    image->pixels[i] = (guint8) g_rand_int_range (rand, 0, 256);
  return image;
}

static void
assert_same_image (const ImageBuffer *a, const ImageBuffer *b)
{
  g_assert_cmpuint (a->width, ==, b->width);
  g_assert_cmpuint (a->height, ==, b->height);
  g_assert_cmpuint (a->channels, ==, b->channels);
  g_assert_cmpmem (a->pixels, (gsize) a->width * a->height * a->channels, b->pixels,
                   (gsize) b->width * b->height * b->channels);
}

static void
test_round_trip (void)
{
  static const guint sizes[][3]
      = { { 1, 1, 3 }, { 7, 3, 4 }, { 64, 64, 3 }, { 300, 2, 4 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (ImageBuffer) image = noise_image (sizes[i][0], sizes[i][1], sizes[i][2]);
      g_autoptr (ImageBuffer) file = NULL, memory = NULL;
      g_autofree char *path = file_path ("round.png");
      g_autoptr (GBytes) bytes = image_png_encode (image, NULL);

      g_assert_true (image_png_save (image, path, NULL, NULL));
      file = image_png_load (path, NULL, NULL);
      memory = image_png_load_bytes (bytes, NULL, NULL);
      assert_same_image (image, file);
      assert_same_image (image, memory);
      g_assert_cmpuint (n_files (), ==, 1); /* nothing temporary is left */
      g_unlink (path);
    }
}

static void
test_texts (void)
{
  static const char *const rows[][2] = {
    { "parameters", "a cat\nNegative prompt: dog\nSteps: 20" },
    { "Latin", "crème brûlée à la façon d’été" }, /* one ’ beyond Latin-1 */
    { "Latin", "crème brûlée" },
    { "looks like UTF-8", "Ã©" },
    { "unicode", "חתול 猫 🐈 \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80" },
    { "empty", "" },
    { "Clé", "a keyword in Latin-1" },
    { "parameters", "the same keyword twice" },
  };
  g_autoptr (ImageBuffer) image = noise_image (5, 5, 3);
  g_autoptr (ImageBuffer) loaded = NULL;
  g_autoptr (GPtrArray) texts = image_texts_new (), read = NULL, with_pixels = NULL;
  g_autofree char *path = file_path ("texts.png"), *contents = NULL;
  gsize length;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_ptr_array_add (texts, image_text_new (rows[i][0], rows[i][1]));
  g_assert_true (image_png_save (image, path, texts, NULL));
  read = image_png_read_texts (path, NULL);
  loaded = image_png_load (path, &with_pixels, NULL);
  g_assert_cmpuint (read->len, ==, G_N_ELEMENTS (rows));
  g_assert_cmpuint (with_pixels->len, ==, G_N_ELEMENTS (rows));
  for (guint i = 0; i < read->len; i++)
    {
      ImageText *a = g_ptr_array_index (read, i), *b = g_ptr_array_index (with_pixels, i);

      g_assert_cmpstr (a->keyword, ==, rows[i][0]);
      g_assert_cmpstr (a->text, ==, rows[i][1]);
      g_assert_cmpstr (b->text, ==, rows[i][1]);
    }
  g_assert_cmpstr (image_texts_find (read, "parameters"), ==, rows[0][1]);
  g_assert_null (image_texts_find (read, "none"));
  /* Latin-1 as tEXt, so that the oldest readers see it */
  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_nonnull (memmem (contents, length, "tEXtparameters\0a cat\n", 21));
  g_assert_nonnull (memmem (contents, length, "tEXtLatin\0cr\xe8me", 14));
  g_assert_nonnull (memmem (contents, length, "iTXtunicode\0", 12));
  g_unlink (path);
}

static void
test_bad_keyword (void)
{
  g_autofree char *eighty = g_strnfill (80, 'k');
  const char *keywords[] = { "", "猫", eighty };
  g_autoptr (ImageBuffer) image = noise_image (2, 2, 3);
  g_autofree char *path = file_path ("keyword.png");

  for (guint i = 0; i < G_N_ELEMENTS (keywords); i++)
    {
      g_autoptr (GPtrArray) texts = image_texts_new ();
      g_autoptr (GError) error = NULL;

      g_ptr_array_add (texts, image_text_new (keywords[i], "x"));
      g_assert_false (image_png_save (image, path, texts, &error));
      g_assert_error (error, IMAGE_ERROR, IMAGE_ERROR_FORMAT);
      g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
    }
}

/* ---- saving where it cannot be saved ---- */

static void
assert_cannot_save (const char *path, int code)
{
  g_autoptr (ImageBuffer) image = noise_image (200, 200, 3);
  g_autoptr (GError) error = NULL;

  g_assert_false (image_png_save (image, path, NULL, &error));
  g_assert_error (error, IMAGE_ERROR, IMAGE_ERROR_IO);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, g_strerror (code)));
}

static void
test_cannot_save (void)
{
  g_autofree char *missing = file_path ("no/such/folder.png"),
                  *dir = file_path ("dir.png");
  g_autofree char *path = file_path ("full.png"), *before = NULL, *after = NULL;
  g_autofree char *inside = g_build_filename (dir, "x", NULL);
  g_autoptr (ImageBuffer) small = noise_image (3, 3, 3);
  gsize n_before, n_after;
  struct rlimit old, tight = { 0 };

  assert_cannot_save (missing, ENOENT);
  g_assert_cmpint (g_mkdir (dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (inside, "x", 1, NULL));
  assert_cannot_save (dir, EISDIR);
  g_unlink (inside);
  g_rmdir (dir);
  /* As a full disk: writing stops in the middle. The old picture stays. */
  g_assert_true (image_png_save (small, path, NULL, NULL));
  g_assert_true (g_file_get_contents (path, &before, &n_before, NULL));
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &old), ==, 0);
  tight = old;
  tight.rlim_cur = 1000;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tight), ==, 0);
  assert_cannot_save (path, EFBIG);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  g_assert_true (g_file_get_contents (path, &after, &n_after, NULL));
  g_assert_cmpmem (before, n_before, after, n_after);
  g_assert_cmpuint (n_files (), ==, 1);
  g_unlink (path);
}

/* ---- every kind of PNG, written by libpng itself ---- */

static void
write_rows (const char *path, int type, int depth, int interlace, gboolean transparent)
{
  FILE *file = g_fopen (path, "wb");
  png_structp png = png_create_write_struct (PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct (png);
  png_color palette[2] = { { 10, 20, 30 }, { 200, 100, 50 } };
  png_byte alpha[1] = { 7 }, row[9 * 4 * 2];
  png_color_16 key = { .gray = 0 };

  g_assert_false (setjmp (png_jmpbuf (png)));
  png_init_io (png, file);
  png_set_IHDR (png, info, 9, 5, depth, type, interlace, PNG_COMPRESSION_TYPE_DEFAULT,
                PNG_FILTER_TYPE_DEFAULT);
  if (type == PNG_COLOR_TYPE_PALETTE)
    png_set_PLTE (png, info, palette, 2);
  if (transparent)
    png_set_tRNS (png, info, alpha, 1, &key);
  png_write_info (png, info);
  for (int pass = png_set_interlace_handling (png); pass > 0; pass--)
    for (int y = 0; y < 5; y++)
      {
        memset (row, type == PNG_COLOR_TYPE_PALETTE ? 0 : y * 17, sizeof row);
        png_write_row (png, row);
      }
  png_write_end (png, info);
  png_destroy_write_struct (&png, &info);
  fclose (file);
}

static void
test_types (void)
{
  static const struct
  {
    int type, depth;
    gboolean transparent;
    guint channels;
    guint8 first[4];
  } rows[] = {
    { PNG_COLOR_TYPE_GRAY, 1, FALSE, 3, { 0, 0, 0 } },
    { PNG_COLOR_TYPE_GRAY, 2, FALSE, 3, { 0, 0, 0 } },
    { PNG_COLOR_TYPE_GRAY, 4, FALSE, 3, { 0, 0, 0 } },
    { PNG_COLOR_TYPE_GRAY, 8, FALSE, 3, { 0, 0, 0 } },
    { PNG_COLOR_TYPE_GRAY, 8, TRUE, 4, { 0, 0, 0, 0 } },
    { PNG_COLOR_TYPE_GRAY, 16, FALSE, 3, { 0, 0, 0 } },
    { PNG_COLOR_TYPE_GRAY_ALPHA, 8, FALSE, 4, { 0, 0, 0, 0 } },
    { PNG_COLOR_TYPE_GRAY_ALPHA, 16, FALSE, 4, { 0, 0, 0, 0 } },
    { PNG_COLOR_TYPE_PALETTE, 1, FALSE, 3, { 10, 20, 30 } },
    { PNG_COLOR_TYPE_PALETTE, 4, TRUE, 4, { 10, 20, 30, 7 } },
    { PNG_COLOR_TYPE_PALETTE, 8, FALSE, 3, { 10, 20, 30 } },
    { PNG_COLOR_TYPE_RGB, 8, FALSE, 3, { 0, 0, 0 } },
    { PNG_COLOR_TYPE_RGB, 16, FALSE, 3, { 0, 0, 0 } },
    { PNG_COLOR_TYPE_RGB_ALPHA, 8, FALSE, 4, { 0, 0, 0, 0 } },
    { PNG_COLOR_TYPE_RGB_ALPHA, 16, FALSE, 4, { 0, 0, 0, 0 } },
  };
  g_autofree char *path = file_path ("type.png");

  for (guint i = 0; i < G_N_ELEMENTS (rows) * 2; i++)
    {
      g_autoptr (ImageBuffer) image = NULL;
      g_autoptr (GError) error = NULL;
      int row = (int) i / 2, type = rows[row].type;

      write_rows (path, type, rows[row].depth,
                  i % 2 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                  rows[row].transparent);
      image = image_png_load (path, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (image->width, ==, 9);
      g_assert_cmpuint (image->height, ==, 5);
      g_assert_cmpuint (image->channels, ==, rows[row].channels);
      g_assert_cmpmem (image->pixels, image->channels, rows[row].first, image->channels);
      if (type != PNG_COLOR_TYPE_PALETTE && rows[row].depth >= 8) /* the last row: 68 */
        g_assert_cmpuint (image->pixels[(9 * 4 + 8) * image->channels], ==, 68);
      g_unlink (path);
    }
}

/* ---- hostile files ---- */

static void
append_chunk (GByteArray *png, const char *type, gconstpointer data, gsize n)
{
  /* reading texts does not depend on the checksum */
  guint8 head[4]
      = { (guint8) (n >> 24), (guint8) (n >> 16), (guint8) (n >> 8), (guint8) n };

  g_byte_array_append (png, head, 4);
  g_byte_array_append (png, (const guint8 *) type, 4);
  g_byte_array_append (png, data, (guint) n);
  g_byte_array_append (png, (const guint8 *) "\0\0\0", 4);
}

static GByteArray *
begin_png (guint32 width, guint32 height)
{
  GByteArray *png = g_byte_array_new ();
  guint32 header[] = { GUINT32_TO_BE (width), GUINT32_TO_BE (height) };
  guint8 data[13] = { [8] = 8, [9] = 2 };

  memcpy (data, header, 8);
  g_byte_array_append (png, (const guint8 *) "\x89PNG\r\n\x1a\n", 8);
  append_chunk (png, "IHDR", data, 13);
  return png;
}

/* Writes @png, frees it, and returns the texts found in it. */
static GPtrArray *
read_made (GByteArray *png)
{
  g_autofree char *path = file_path ("made.png");
  g_autoptr (GError) error = NULL;
  GPtrArray *texts;

  g_assert_true (g_file_set_contents (path, (char *) png->data, png->len, NULL));
  g_byte_array_unref (png);
  texts = image_png_read_texts (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return texts;
}

static void
assert_text (GPtrArray *texts, guint i, const char *keyword, const char *text)
{
  ImageText *item;

  g_assert_cmpuint (i, <, texts->len);
  item = g_ptr_array_index (texts, i);
  g_assert_cmpstr (item->keyword, ==, keyword);
  g_assert_cmpstr (item->text, ==, text);
}

#define CHUNK(png, type, literal) append_chunk (png, type, literal, sizeof (literal) - 1)

static void
append_deflated (
    GByteArray *png, const char *type, const char *prefix, gsize n, const char *text)
{
  g_autoptr (GConverter) converter
      = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 9));
  g_autoptr (GByteArray) data = g_byte_array_new ();
  gsize room = strlen (text) + 100, read, written;
  g_autofree char *out = g_malloc (room);

  g_assert_cmpint (g_converter_convert (converter, text, strlen (text), out, room,
                                        G_CONVERTER_INPUT_AT_END, &read, &written, NULL),
                   ==, G_CONVERTER_FINISHED);
  g_byte_array_append (data, (const guint8 *) prefix, (guint) n);
  g_byte_array_append (data, (const guint8 *) out, (guint) written);
  append_chunk (png, type, data->data, data->len);
}

static void
test_foreign_texts (void)
{
  GByteArray *png = begin_png (1, 1);
  g_autoptr (GPtrArray) texts = NULL;
  g_autofree char *bomb = g_strnfill (20 << 20, 'x');

  append_deflated (png, "zTXt", "z\0\0", 3, "h\xe9llo");
  append_deflated (png, "iTXt", "i\0\1\0en\0titre\0", 13, "héllo 猫");
  CHUNK (png, "iTXt", "plain\0\0\0\0\0猫");
  CHUNK (png, "tEXt", "utf8\0猫 as sd.cpp writes it");
  CHUNK (png, "tEXt", "nul\0before\0behind");
  CHUNK (png, "iTXt", "bad utf8\0\0\0\0\0\xff\xfe");
  /* and what must be left out: */
  CHUNK (png, "tEXt", "no end of the keyword");
  CHUNK (png, "tEXt", "\0empty keyword");
  CHUNK (png, "tEXt", "");
  CHUNK (png, "zTXt", "method\0\1xxxx");
  CHUNK (png, "zTXt", "noise\0\0not deflated");
  CHUNK (png, "zTXt", "cut\0");
  CHUNK (png, "iTXt", "flag\0\7\0\0\0x");
  CHUNK (png, "iTXt", "cut\0\0");
  CHUNK (png, "iTXt", "no language\0\0\0en");
  append_deflated (png, "zTXt", "bomb\0\0", 6, bomb);
  CHUNK (png, "tEXt", "last\0after all that");
  CHUNK (png, "IEND", "");
  CHUNK (png, "tEXt", "late\0behind the end");
  texts = read_made (png);
  assert_text (texts, 0, "z", "héllo");
  assert_text (texts, 1, "i", "héllo 猫");
  assert_text (texts, 2, "plain", "猫");
  assert_text (texts, 3, "utf8", "猫 as sd.cpp writes it");
  assert_text (texts, 4, "nul", "before");
  assert_text (texts, 5, "bad utf8", "\xef\xbf\xbd\xef\xbf\xbd");
  assert_text (texts, 6, "last", "after all that");
  g_assert_cmpuint (texts->len, ==, 7);
}

/* Lengths that reach behind the end of the file, or are not lengths at all. */
static void
test_lying_lengths (void)
{
  for (guint i = 0; i < 3; i++)
    {
      static const char *const lengths[]
          = { "\xff\xff\xff\xff", "\x7f\xff\xff\xff", "\0\0\0\x20" };
      GByteArray *png = begin_png (1, 1);
      g_autoptr (GPtrArray) texts = NULL;

      CHUNK (png, "tEXt", "a\0b");
      g_byte_array_append (png, (const guint8 *) lengths[i], 4);
      g_byte_array_append (png, (const guint8 *) "tEXtkey\0text", 12);
      texts = read_made (png);
      g_assert_cmpuint (texts->len, ==, 1);
      assert_text (texts, 0, "a", "b");
    }
}

static void
assert_refused (const guint8 *data, gsize n, int code, const char *mention)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, n);
  g_autoptr (GError) error = NULL;
  GPtrArray *texts = NULL;

  g_assert_null (image_png_load_bytes (bytes, &texts, &error));
  g_assert_error (error, IMAGE_ERROR, code);
  g_assert_null (texts);
  if (mention != NULL)
    g_assert_nonnull (strstr (error->message, mention));
}

static void
test_refused (void)
{
  static const guint32 sizes[][2]
      = { { 32769, 1 }, { 1, 32769 }, { 32768, 32768 }, { 0xffffffff, 0xffffffff } };
  g_autoptr (GByteArray) small = begin_png (16384, 16384);
  g_autoptr (ImageBuffer) image = noise_image (40, 40, 3);
  g_autoptr (GBytes) bytes = image_png_encode (image, NULL);
  gsize n;
  const guint8 *good = g_bytes_get_data (bytes, &n);

  assert_refused ((const guint8 *) "", 0, IMAGE_ERROR_FORMAT, "not a PNG");
  assert_refused ((const guint8 *) "\xff\xd8\xff\xe0 a JPEG file", 16, IMAGE_ERROR_FORMAT,
                  "not a PNG");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GByteArray) png = begin_png (sizes[i][0], sizes[i][1]);
      g_autofree char *mention = g_strdup_printf ("%u × %u", sizes[i][0], sizes[i][1]);

      assert_refused (png->data, png->len, IMAGE_ERROR_SIZE, mention);
    }
  assert_refused (small->data, small->len, IMAGE_ERROR_FORMAT, "16384 × 16384");
  /* Cut anywhere before the end of the pixels. */
  for (gsize cut = 0; cut < n - 20; cut += 13)
    assert_refused (good, cut, IMAGE_ERROR_FORMAT, NULL);
  /* One byte changed: read or refused, never worse. */
  for (gsize i = 0; i < n; i += 3)
    {
      g_autofree guint8 *copy = g_memdup2 (good, n);
      g_autoptr (GBytes) changed = NULL;

      copy[i] ^= 0x55;
      changed = g_bytes_new (copy, n);
      image_buffer_free (image_png_load_bytes (changed, NULL, NULL));
    }
}

static void
assert_unreadable (const char *path, int code)
{
  g_autoptr (GError) error = NULL, error_texts = NULL;

  g_assert_null (image_png_load (path, NULL, &error));
  g_assert_error (error, IMAGE_ERROR, IMAGE_ERROR_IO);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, g_strerror (code)));
  g_assert_null (image_png_read_texts (path, &error_texts));
  g_assert_error (error_texts, IMAGE_ERROR, IMAGE_ERROR_IO);
}

static void
test_unreadable (void)
{
  g_autofree char *missing = file_path ("missing.png"), *pipe = file_path ("pipe.png");

  assert_unreadable (missing, ENOENT);
  assert_unreadable (folder, EISDIR);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  assert_unreadable (pipe, EINVAL);
  g_unlink (pipe);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("calotype-image-XXXXXX", NULL);
  g_test_add_func ("/image/png/round-trip", test_round_trip);
  g_test_add_func ("/image/png/texts", test_texts);
  g_test_add_func ("/image/png/bad-keyword", test_bad_keyword);
  g_test_add_func ("/image/png/cannot-save", test_cannot_save);
  g_test_add_func ("/image/png/types", test_types);
  g_test_add_func ("/image/png/foreign-texts", test_foreign_texts);
  g_test_add_func ("/image/png/lying-lengths", test_lying_lengths);
  g_test_add_func ("/image/png/refused", test_refused);
  g_test_add_func ("/image/png/unreadable", test_unreadable);
  status = g_test_run ();
  g_rmdir (folder);
  g_free (folder);
  return status;
}
