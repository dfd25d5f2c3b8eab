/* test-st-tags.c: tags of training pictures, summed and sorted
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-tags.h"

#include <string.h>

static GArray *
read_text (const char *text)
{
  return st_tags_read (text, strlen (text));
}

static void
assert_tag (GArray *tags, guint at, const char *tag, guint64 count)
{
  g_assert_cmpuint (at, <, tags->len);
  g_assert_cmpstr (g_array_index (tags, StTag, at).tag, ==, tag);
  g_assert_cmpuint (g_array_index (tags, StTag, at).count, ==, count);
}

static void
test_sum (void)
{
  g_autoptr (GArray) tags
      = read_text ("{\"1_a\": {\"cat\": 3, \"sky\": 5}, \"2_b\": "
                   "{\"cat\": 4, \"ant\": 5, \"x\": \"no\", \"y\": -1},"
                   " \"3\": 7}");

  g_assert_nonnull (tags);
  g_assert_cmpuint (tags->len, ==, 3);
  assert_tag (tags, 0, "cat", 7);
  assert_tag (tags, 1, "ant", 5);
  assert_tag (tags, 2, "sky", 5);
}

static void
test_odd (void)
{
  static const char *const bad[] = { "", "[]", "7", "{", "{\"a\": {\"b\": 1}", "null" };
  g_autoptr (GArray) empty = read_text ("{}");
  g_autoptr (GArray) huge = read_text ("{\"a\": {\"t\": 9223372036854775807}, "
                                       "\"b\": {\"t\": 9223372036854775807}}");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (read_text (bad[i]));
  g_assert_cmpuint (empty->len, ==, 0);
  assert_tag (huge, 0, "t", G_MAXINT64);
}

static void
test_direction (void)
{
  g_autoptr (GArray) tags = read_text ("{\"a\": {\"x\\u202ey\": 1}}");

  assert_tag (tags, 0, "x\\u202ey", 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/st/tags/sum", test_sum);
  g_test_add_func ("/st/tags/odd", test_odd);
  g_test_add_func ("/st/tags/direction", test_direction);
  return g_test_run ();
}
