/* test-base-json.c: what the writer writes, to the byte
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-json.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static void
test_compact (void)
{
  g_autoptr (BaseJson) json = base_json_new (FALSE);
  g_autofree char *text = NULL;
  g_autofree char *empty = NULL;
  gsize length;

  base_json_begin_object (json);
  base_json_key (json, "a");
  base_json_begin_array (json);
  base_json_int (json, G_MININT64);
  base_json_uint (json, G_MAXUINT64);
  base_json_double (json, 0.1);
  base_json_double (json, NAN);
  base_json_double (json, -INFINITY);
  base_json_end_array (json);
  base_json_key (json, "b");
  base_json_begin_object (json);
  base_json_end_object (json);
  base_json_key (json, "c");
  base_json_bool (json, TRUE);
  base_json_key (json, "d");
  base_json_string (json, NULL);
  base_json_end_object (json);
  text = base_json_steal (json, &length);
  g_assert_cmpstr (text, ==,
                   "{\"a\":[-9223372036854775808,18446744073709551615,0.1,null,null],"
                   "\"b\":{},\"c\":true,\"d\":null}");
  g_assert_cmpuint (length, ==, strlen (text));
  empty = base_json_steal (json, &length);
  g_assert_cmpuint (length, ==, 0);
}

static void
test_pretty (void)
{
  g_autoptr (BaseJson) json = base_json_new (TRUE);
  g_autofree char *text = NULL;

  base_json_begin_array (json);
  base_json_int (json, 1);
  base_json_begin_object (json);
  base_json_key (json, "k");
  base_json_bool (json, FALSE);
  base_json_key (json, "empty");
  base_json_begin_array (json);
  base_json_end_array (json);
  base_json_end_object (json);
  base_json_end_array (json);
  text = base_json_steal (json, NULL);
  g_assert_cmpstr (text, ==,
                   "[\n  1,\n  {\n    \"k\": false,\n    \"empty\": []\n  }\n]");
}

static void
test_strings (void)
{
  g_autoptr (BaseJson) json = base_json_new (FALSE);
  g_autofree char *text = NULL;
  gsize length;

  base_json_begin_object (json);
  base_json_key_n (json, "te\0st", 5);
  base_json_string (json, "\"\\/\b\f\n\r\t\001\177 日本語 \360\237\230\200");
  base_json_key (json, "bad");
  base_json_string (json, "a\xff\xc0\xaf z\xe6\x97");
  base_json_end_object (json);
  text = base_json_steal (json, &length);
  g_assert_cmpstr (text, ==,
                   "{\"te\\u0000st\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f 日本語 "
                   "\360\237\230\200\",\"bad\":\"a\357\277\275\357\277\275\357\277\275 "
                   "z\357\277\275\357\277\275\"}");
  g_assert_true (g_utf8_validate (text, (gssize) length, NULL));
}

static void
collect (const char *text, gsize length, gpointer user_data)
{
  g_assert_cmpuint (length, <, 100000);
  g_string_append_len (user_data, text, (gssize) length);
}

/* A sink gets the same text, in pieces of limited size, also of one long string. */
static void
test_sink (void)
{
  g_autofree char *longest = g_strnfill (500000, '\177');
  g_autofree char *whole = NULL;
  GString *pieces = g_string_new (NULL);

  for (guint to_sink = 0; to_sink < 2; to_sink++)
    {
      g_autoptr (BaseJson) json = base_json_new (FALSE);

      if (to_sink)
        base_json_set_sink (json, collect, pieces);
      base_json_begin_array (json);
      base_json_string (json, longest);
      for (guint i = 0; i < 50000; i++)
        base_json_uint (json, i);
      base_json_end_array (json);
      if (!to_sink)
        {
          whole = base_json_steal (json, NULL);
          continue;
        }
      g_assert_cmpuint (pieces->len, >, 0);
      g_assert_cmpuint (pieces->str[pieces->len - 1], !=, ']');
      base_json_flush (json);
    }
  g_assert_cmpstr (pieces->str, ==, whole);
  g_string_free (pieces, TRUE);
}

static void
assert_double (double value, const char *expected)
{
  g_autofree char *text = base_double_to_string (value);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_doubles (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  /* A comma for the point would make two array members of one number. */
  setlocale (LC_ALL, "de_DE.UTF-8");
  assert_double (0, "0");
  assert_double (-0.0, "-0");
  assert_double (1.5, "1.5");
  assert_double (0.1, "0.1");
  assert_double (0.1 + 0.2, "0.30000000000000004");
  assert_double (1.0 / 3, "0.3333333333333333");
  assert_double (G_MAXDOUBLE, "1.7976931348623157e+308");
  assert_double (4.9406564584124654e-324, "5e-324");
  assert_double (123456789012345678.0, "1.2345678901234568e+17");
  for (guint i = 0; i < 20000; i++)
    {
      union
      {
        guint64 bits;
        double value;
      } any = { (guint64) g_rand_int (rand) << 32 | g_rand_int (rand) };
      g_autofree char *text = NULL;

      if (!isfinite (any.value))
        continue;
      text = base_double_to_string (any.value);
      g_assert_cmpfloat (g_ascii_strtod (text, NULL), ==, any.value);
    }
  setlocale (LC_ALL, "C");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/json/compact", test_compact);
  g_test_add_func ("/base/json/pretty", test_pretty);
  g_test_add_func ("/base/json/strings", test_strings);
  g_test_add_func ("/base/json/sink", test_sink);
  g_test_add_func ("/base/json/doubles", test_doubles);
  return g_test_run ();
}
