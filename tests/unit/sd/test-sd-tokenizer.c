/* test-sd-tokenizer.c: the corpus against transformers' answers, in two locales; offsets
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <locale.h>
#include <string.h>

static char *
ids_text (const GArray *ids)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < ids->len; i++)
    g_string_append_printf (text, "%u ", g_array_index (ids, guint32, i));
  return g_string_free (text, FALSE);
}

static char *
expected_text (JsonArray *ids)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < json_array_get_length (ids); i++)
    g_string_append_printf (text, "%u ", (guint) json_array_get_int_element (ids, i));
  return g_string_free (text, FALSE);
}

static void
check_corpus (void)
{
  /* CALOTYPE_TOKENS: another corpus, made by tools/reference/make-tokens.py --random */
  g_autofree char *golden
      = g_test_build_filename (G_TEST_DIST, "golden", "tokens.json", NULL);
  const char *other = g_getenv ("CALOTYPE_TOKENS");
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  json_parser_load_from_file (parser, other != NULL ? other : golden, &error);
  g_assert_no_error (error);
  JsonArray *rows = json_object_get_array_member (
      json_node_get_object (json_parser_get_root (parser)), "strings");
  g_autoptr (SdTokenizer) tokenizer = sd_tokenizer_new (&error);
  g_assert_no_error (error);
  guint n = json_array_get_length (rows), wrong = 0;
  g_assert_cmpuint (n, >=, 500);
  for (guint i = 0; i < n; i++)
    {
      JsonArray *row = json_array_get_array_element (rows, i);
      const char *text = json_array_get_string_element (row, 0);
      g_autofree char *expected = expected_text (json_array_get_array_element (row, 1));
      g_autoptr (GArray) ids = sd_tokenizer_encode (tokenizer, text, NULL);
      g_autofree char *got = ids_text (ids);
      if (strcmp (expected, got) != 0)
        {
          wrong++;
          g_test_message ("\"%s\"\n  expected %s\n  got      %s", text, expected, got);
        }
    }
  g_assert_cmpuint (wrong, ==, 0);
}

static void
test_corpus (void)
{
  check_corpus ();
}

/* Azerbaijani, as Turkish, has I for the capital of ı. The locale is compiled here,
 * because no machine can be relied on to have it. */
static void
test_corpus_azerbaijani (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("calotype-locale-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *target = g_build_filename (folder, "az_AZ.UTF-8", NULL);
  const char *argv[] = { "localedef", "-i", "az_AZ", "-f", "UTF-8", target, NULL };
  g_autofree char *complaint = NULL;
  int status = 0;
  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                     &complaint, &status, &error))
    g_error ("localedef cannot be run (Debian: package locales): %s", error->message);
  g_setenv ("LOCPATH", folder, TRUE);
  if (setlocale (LC_ALL, "az_AZ.UTF-8") == NULL)
    g_error ("localedef made no az_AZ.UTF-8: %s", complaint);
  g_autofree char *trap = g_utf8_strdown ("I", -1);
  g_assert_cmpstr (trap, ==, "ı"); /* otherwise this test proves nothing */
  check_corpus ();
  setlocale (LC_ALL, "C.UTF-8");
  g_unsetenv ("LOCPATH");
  const char *remove[] = { "rm", "-r", "--", folder, NULL };
  g_spawn_sync (NULL, (char **) remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                &status, &error);
  g_assert_no_error (error);
}

static void
check_offsets (SdTokenizer *tokenizer, const char *text, guint n, const gsize *expected)
{
  GArray *offsets = NULL;
  g_autoptr (GArray) ids = sd_tokenizer_encode (tokenizer, text, &offsets);
  g_assert_cmpuint (ids->len, ==, n);
  g_assert_cmpuint (offsets->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (g_array_index (offsets, gsize, i), ==, expected[i]);
  g_array_unref (offsets);
}

static void
test_offsets (void)
{
  g_autoptr (SdTokenizer) tokenizer = sd_tokenizer_new (NULL);
  check_offsets (tokenizer, "", 0, NULL);
  check_offsets (tokenizer, "  a cat's  4k", 5, (gsize[]){ 2, 4, 7, 11, 12 });
  check_offsets (tokenizer, "Shipwrecked", 2, (gsize[]){ 0, 4 }); /* ship wrecked */
  /* é of two characters is one; what follows keeps its place */
  check_offsets (tokenizer, "e\xcc\x81 x", 2, (gsize[]){ 0, 4 });
  check_offsets (tokenizer, "a <|endoftext|> b", 3, (gsize[]){ 0, 2, 16 });
}

static void
test_not_utf8 (void)
{
  g_autoptr (SdTokenizer) tokenizer = sd_tokenizer_new (NULL);
  g_autoptr (GArray) broken = sd_tokenizer_encode (tokenizer, "a \xff b \xe2\x82", NULL);
  g_autoptr (GArray) mended = sd_tokenizer_encode (
      tokenizer, "a \xef\xbf\xbd b \xef\xbf\xbd\xef\xbf\xbd", NULL);
  g_autofree char *a = ids_text (broken), *b = ids_text (mended);
  g_assert_cmpstr (a, ==, b);
}

/* n log n: a word of a megabyte takes a moment, not an hour. */
static void
test_long_word (void)
{
  g_autoptr (SdTokenizer) tokenizer = sd_tokenizer_new (NULL);
  g_autofree char *text = g_strnfill (1 << 20, 'a');
  gint64 begun = g_get_monotonic_time ();
  g_autoptr (GArray) ids = sd_tokenizer_encode (tokenizer, text, NULL);
  g_assert_cmpuint (ids->len, >, 1000);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 20 * G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sd/tokenizer/corpus", test_corpus);
  g_test_add_func ("/sd/tokenizer/corpus-azerbaijani", test_corpus_azerbaijani);
  g_test_add_func ("/sd/tokenizer/offsets", test_offsets);
  g_test_add_func ("/sd/tokenizer/not-utf8", test_not_utf8);
  g_test_add_func ("/sd/tokenizer/long-word", test_long_word);
  return g_test_run ();
}
