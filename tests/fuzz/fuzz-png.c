/* fuzz-png.c: a PNG file from anywhere
 *
 * Each input is read twice, as it is and with its checksums put right: with wrong ones
 * hardly anything would get past libpng's first look.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "fuzz.h"
#include "image/image.h"

#include <glib/gstdio.h>
#include <string.h>

static guint32
crc32_of (const guint8 *data, gsize n)
{
  guint32 crc = 0xffffffffu;

  for (gsize i = 0; i < n; i++)
    {
      crc ^= data[i];
      for (guint bit = 0; bit < 8; bit++)
        crc = (crc >> 1) ^ ((crc & 1) ? 0xedb88320u : 0);
    }
  return ~crc;
}

static void
mend_checksums (guint8 *data, gsize size)
{
  gsize at = 8;

  while (at + 12 <= size)
    {
      guint32 n, crc;

      memcpy (&n, data + at, 4);
      n = GUINT32_FROM_BE (n);
      if (n > size - at - 12)
        return;
      crc = GUINT32_TO_BE (crc32_of (data + at + 4, (gsize) n + 4));
      memcpy (data + at + 8 + n, &crc, 4);
      at += 12 + (gsize) n;
    }
}

static void
read_png (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  GPtrArray *texts = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ImageBuffer) image = image_png_load_bytes (bytes, &texts, &error);

  g_assert_true ((image == NULL) == (error != NULL));
  g_assert_true ((image == NULL) == (texts == NULL));
  if (image == NULL)
    return;
  for (guint i = 0; i < texts->len; i++)
    {
      ImageText *text = g_ptr_array_index (texts, i);

      g_assert_true (g_utf8_validate (text->keyword, -1, NULL));
      g_assert_true (g_utf8_validate (text->text, -1, NULL));
    }
  image_meta_free (image_meta_from_texts (texts));
  g_ptr_array_unref (texts);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  read_png (data, size);
  if (copy == NULL)
    return 0;
  mend_checksums (copy, size);
  read_png (copy, size);
  return 0;
}

/* A small picture of each kind of pixels that we write, with the texts that we read. */
GBytes *
fuzz_seed (guint i)
{
  g_autoptr (ImageBuffer) image = NULL;
  g_autoptr (GPtrArray) texts = image_texts_new ();
  g_autofree char *folder = NULL, *path = NULL, *data = NULL;
  gsize size;

  if (i > 3)
    return NULL;
  image = image_buffer_new (9 + i, 5, i % 2 ? 4 : 3);
  for (guint j = 0; j < image->width * image->height * image->channels; j++)
    image->pixels[j] = (guint8) (j * 7);
  if (i < 2)
    return image_png_encode (image, NULL);
  g_ptr_array_add (texts,
                   image_text_new ("parameters", "p\nSteps: 1, Seed: 2, Size: 8x8"));
  g_ptr_array_add (texts, image_text_new ("calotype", "{\"prompt\":\"猫\",\"seed\":1}"));
  g_ptr_array_add (texts, image_text_new ("Dream", "\"p\" -s 5"));
  folder = g_dir_make_tmp ("calotype-fuzz-XXXXXX", NULL);
  path = g_build_filename (folder, "x.png", NULL);
  g_assert_true (image_png_save (image, path, texts, NULL));
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  return g_bytes_new_take (g_steal_pointer (&data), size);
}
