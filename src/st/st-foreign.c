/* st-foreign.c: what a file that is no safetensors file really is
 *
 * Asked only after the header was refused, so it need not be certain of everything; the
 * first bytes settle what people really have under the name of a model.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-file-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  guint offset;
  const char *bytes;
  guint8 length;
  StForeign foreign; /* .what NULL: a pickle, if it is no header */
} Signature;

#define AT(offset, bytes) offset, bytes, sizeof (bytes) - 1

static const Signature signatures[] = {
  { AT (0, "version https://git-lfs"),
    { ST_FOREIGN_LFS, N_ ("this is a Git LFS pointer, not the model itself: run “git lfs "
                          "pull” or download the file") } },
  { AT (0, "GGUF"),
    { 0, N_ ("this is a GGUF model; this program reads safetensors files: get the model "
             "in that form") } },
  { AT (0, "PK\3\4"),
    { 0,
      N_ ("this is a ZIP archive, most likely a PyTorch checkpoint (.ckpt, .pt, .pth); "
          "convert it to safetensors") } },
  { AT (0, "\x89PNG\r\n\x1a\n"), { 0, N_ ("this is a PNG picture") } },
  { AT (0, "\xff\xd8\xff"), { 0, N_ ("this is a JPEG picture") } },
  { AT (8, "WEBP"), { 0, N_ ("this is a WebP picture") } },
  { AT (0, "\x89HDF\r\n\x1a\n"),
    { 0, N_ ("this is an HDF5 file, perhaps a Keras model") } },
  { AT (0, "\x93NUMPY"), { 0, N_ ("this is a NumPy array (.npy)") } },
  { AT (4, "TFL3"), { 0, N_ ("this is a TensorFlow Lite model") } },
  { AT (0, "\x1f\x8b"), { 0, N_ ("this is a file packed by gzip: unpack it first") } },
  { AT (0, "\x28\xb5\x2f\xfd"),
    { 0, N_ ("this is a file packed by zstd: unpack it first") } },
  { AT (0, "7z\xbc\xaf\x27\x1c"),
    { 0, N_ ("this is a 7-Zip archive: unpack it first") } },
  { AT (0, "Rar!"), { 0, N_ ("this is a RAR archive: unpack it first") } },
  { AT (0, "\x80\x02"), { 0, NULL } },
  { AT (0, "\x80\x03"), { 0, NULL } },
  { AT (0, "\x80\x04"), { 0, NULL } },
  { AT (0, "\x80\x05"), { 0, NULL } },
};

static const StForeign pickle
    = { 0,
        N_ ("this is a Python pickle, most likely an old PyTorch checkpoint, which can "
            "run any program when it is read; convert it to safetensors") };
static const StForeign page
    = { ST_FOREIGN_PAGE, N_ ("this is a web page, not the model: the download got "
                             "an error or a login page") };
static const StForeign xml
    = { ST_FOREIGN_PAGE, N_ ("this is an XML document, perhaps a server's error message "
                             "instead of the model") };
static const StForeign json
    = { 0, N_ ("this is a JSON document; a model in several parts is opened by its "
               "“.safetensors.index.json”") };
static const StForeign zero_bytes
    = { 0, N_ ("the file begins with nothing but zero bytes: a download that was not "
               "finished") };
static const StForeign empty = { 0, N_ ("the file is empty") };

/* A pickle's two bytes alone could be a header's length: a real file's 9th byte is then
 * white space or a brace. */
static gboolean
looks_like_header (const guint8 *start, gsize n)
{
  return n > ST_LENGTH_BYTES && memchr ("{ \t\r\n", start[ST_LENGTH_BYTES], 5) != NULL;
}

static gboolean
begins_with (const guint8 *start, gsize n, const char *word)
{
  return n >= strlen (word)
         && g_ascii_strncasecmp ((const char *) start, word, strlen (word)) == 0;
}

static const StForeign *
find_text (const guint8 *start, gsize n)
{
  gsize i = n >= 3 && memcmp (start, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

  while (i < n && g_ascii_isspace (start[i]))
    i++;
  start += i;
  n -= i;
  if (begins_with (start, n, "<!doctype html") || begins_with (start, n, "<html"))
    return &page;
  if (begins_with (start, n, "<?xml"))
    return &xml;
  if (n > 1 && start[0] == '{' && g_ascii_isprint (start[1]))
    return &json;
  return NULL;
}

const StForeign *
st_foreign_find (const guint8 *start, gsize n)
{
  gsize zeros = 0;

  if (n == 0)
    return &empty;
  for (gsize i = 0; i < G_N_ELEMENTS (signatures); i++)
    {
      const Signature *s = &signatures[i];

      if (n < s->offset + s->length
          || memcmp (start + s->offset, s->bytes, s->length) != 0)
        continue;
      if (s->foreign.what != NULL)
        return &s->foreign;
      if (!looks_like_header (start, n))
        return &pickle;
    }
  while (zeros < n && start[zeros] == 0)
    zeros++;
  if (zeros == n && n >= ST_FOREIGN_BYTES)
    return &zero_bytes;
  return find_text (start, n);
}
