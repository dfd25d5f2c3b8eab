/* test-st-json-verdicts.c: rows P, J, N, S, D and M of the conformance table
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "conformance.h"

#include <fcntl.h>
#include <unistd.h>

#define DE ST_ERROR_INVALID_HEADER_DESERIALIZATION
#define IO ST_ERROR_INVALID_OFFSET

/* An otherwise good tensor with one more field. */
#define EXTRA(value)                                                                     \
  "{\"test\":{\"dtype\":\"I32\",\"extra\":" value                                        \
  ",\"shape\":[2,2],\"data_offsets\":[0,16]}}"
#define SHAPE(shape) "{" t ("test", "I32", shape, "0", "16") "}"
#define OFFSET(begin) "{" t ("test", "I32", "[2,2]", begin, "16") "}"
#define FIELDS(fields) "{\"test\":{" fields "}}"
#define META(value) "{\"__metadata__\":" value "}"

static const Case cases[] = {
  { "J1", H ("\xff"), 0, ST_ERROR_INVALID_HEADER },
  { "J2", H ("{"), 0, DE },
  { "J3", H ("{}"), 0, OK, 0 },
  { "J3", H ("{}      "), 0, OK, 0 },
  { "J3", H ("{} \r\t\n"), 0, OK, 0 },
  { "J3", H ("\t\n{}\r "), 0, OK, 0 },
  { "J4", H ("\xef\xbb\xbf{}"), 0, DE },
  { "J4", H ("{}\0\0\0"), 0, DE },
  { "J4", H ("{}x"), 0, DE },
  { "J4", H ("{}{}"), 0, DE },
  { "J4", H ("[]"), 0, DE },
  { "J4", H ("null"), 0, DE },
  { "J4", H ("\"a\""), 0, DE },
  { "J4", H ("{/*a*/}"), 0, DE },
  { "J4", H ("{" TEST_ENTRY ",}"), 16, DE },
  { "J4", H ("{'test':{'dtype':'I32','shape':[2,2],'data_offsets':[0,16]}}"), 16, DE },
  { "J4", H ("\f{}"), 0, DE },
  { "J5", H ("{}"), 16, ST_ERROR_METADATA_INCOMPLETE_BUFFER, 0, "16" },
  { "J6", H ("{" t ("a\tb", "I32", "[2,2]", "0", "16") "}"), 16, DE },
  { "J6", H ("{" t ("\\ud800", "I32", "[2,2]", "0", "16") "}"), 16, DE },
  { "J6", H ("{" t ("\\udc00", "I32", "[2,2]", "0", "16") "}"), 16, DE },
  { "J6", H ("{" t ("\\ud800\\u0041", "I32", "[2,2]", "0", "16") "}"), 16, DE },
  { "J6", H ("{" t ("\\x", "I32", "[2,2]", "0", "16") "}"), 16, DE },
  { "J7", H ("{" t ("\xc0\xaf", "I32", "[2,2]", "0", "16") "}"), 16,
    ST_ERROR_INVALID_HEADER },
  { "J7", H ("{" t ("\xed\xa0\x80", "I32", "[2,2]", "0", "16") "}"), 16,
    ST_ERROR_INVALID_HEADER },
  { "J10", H (EXTRA ("1e400")), 16, DE, 0, "test" },
  { "J10", H (EXTRA ("-1e400")), 16, DE },
  { "J10", H (EXTRA ("\"\\ud800\"")), 16, DE },
  { "J10", H (EXTRA ("NaN")), 16, DE },
  { "J10", H (EXTRA ("01")), 16, DE },
  { "J10", H (EXTRA ("1.")), 16, DE },
  { "J10", H (EXTRA (".5")), 16, DE },
  { "J10", H (EXTRA ("\"\x01\"")), 16, DE },
  { "J10", H (EXTRA ("[1,]")), 16, DE },
  { "J11", H (EXTRA ("1e308")), 16, OK, 1 },
  { "J11", H (EXTRA ("1e-999")), 16, OK, 1 },
  { "J11", H (EXTRA ("-0")), 16, OK, 1 },
  { "J11", H (EXTRA ("123456789012345678901234")), 16, OK, 1 },
  { "J11", H (EXTRA ("\"\\ud83d\\ude00\"")), 16, OK, 1 },
  { "J11", H (EXTRA ("{\"a\":1,\"a\":2}")), 16, OK, 1 },
  { "N1", H (SHAPE ("[-1]")), 16, DE, 0, "test" },
  { "N1", H (SHAPE ("[4.0]")), 16, DE },
  { "N1", H (SHAPE ("[4e0]")), 16, DE },
  { "N1", H (SHAPE ("[04]")), 16, DE },
  { "N1", H (SHAPE ("[+4]")), 16, DE },
  { "N1", H (SHAPE ("[\"4\"]")), 16, DE },
  { "N1", H (SHAPE ("[null]")), 16, DE },
  { "N1", H (SHAPE ("[true]")), 16, DE },
  { "N1", H (OFFSET ("-1")), 16, DE },
  { "N1", H (OFFSET ("-0")), 16, DE },
  { "S1", H (SHAPE ("null")), 16, DE },
  { "S1", H (SHAPE ("1")), 16, DE },
  { "S1", H (FIELDS ("\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]")), 1, DE },
  { "S1", H (FIELDS ("\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]")), 1, DE },
  { "S1", H (FIELDS ("\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":{}")), 1, DE },
  { "S1", H (FIELDS ("\"shape\":[1],\"data_offsets\":[0,1]")), 1, DE, 0, "dtype" },
  { "S1", H (FIELDS ("\"dtype\":\"U8\",\"data_offsets\":[0,1]")), 1, DE, 0, "shape" },
  { "S1", H (FIELDS ("\"dtype\":\"U8\",\"shape\":[1]")), 1, DE, 0, "data_offsets" },
  { "S1", H ("{\"test\":null}"), 0, DE },
  { "S1", H ("{\"test\":\"a\"}"), 0, DE },
  { "S1", H ("{\"test\":1}"), 0, DE },
  { "S1", H (FIELDS ("\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,1]")), 1, DE },
  { "S2", H (EXTRA ("{\"deep\":[1,{}]}")), 16, OK, 1 },
  { "S2",
    H (FIELDS ("\"x\":1,\"dtype\":\"U8\",\"x\":2,\"shape\":[1],\"data_offsets\":[0,1]")),
    1, OK, 1 },
  { "S2", H ("{\"test\":[\"U8\",[1],[0,1]]}"), 1, OK, 1 },
  { "S2", H (FIELDS ("\"dtype\":{\"U8\":null},\"shape\":[1],\"data_offsets\":[0,1]")), 1,
    OK, 1 },
  { "S3",
    H (FIELDS ("\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]")),
    1, DE, 0, "dtype" },
  { "S3", H ("{\"test\":[\"U8\",[1]]}"), 1, DE },
  { "S3", H ("{\"test\":[\"U8\",[1],[0,1],0]}"), 1, DE },
  { "S3", H (FIELDS ("\"dtype\":{\"U8\":{}},\"shape\":[1],\"data_offsets\":[0,1]")), 1,
    DE },
  { "S3", H (FIELDS ("\"dtype\":{\"U8\":[]},\"shape\":[1],\"data_offsets\":[0,1]")), 1,
    DE },
  { "D1", H ("{" TEST_ENTRY "," TEST_ENTRY "}"), 16, OK, 1 },
  { "D1", H ("{" t ("test", "U8", "[7]", "3", "10") "," TEST_ENTRY "}"), 16, OK, 1 },
  { "D2", H ("{" t ("a", "U8", "[1]", "0", "1") "," t ("a", "U8", "[1]", "1", "2") "}"),
    2, IO, 0, "a" },
  { "D2",
    H ("{" t ("a", "U8", "[1]", "0", "1") "," t ("\\u0061", "U8", "[1]", "1", "2") "}"),
    2, IO, 0, "a" },
  { "D3", H ("{" t ("test", "X9", "[2,2]", "0", "16") "," TEST_ENTRY "}"), 16, DE, 0,
    "X9" },
  { "D4", H ("{\"__metadata__\":{},\"__metadata__\":{}}"), 0, DE },
  { "D4", H ("{\"__metadata__\":null,\"__metadata__\":null}"), 0, DE },
  { "D4", H (META ("{\"k\":\"1\",\"k\":\"2\"}")), 0, OK, 0 },
  { "M1", H (META ("{\"format\":\"pt\"}")), 0, OK, 0 },
  { "M1", H (META ("{}")), 0, OK, 0 },
  { "M1", H (META ("null")), 0, OK, 0 },
  { "M1", H (META ("{\"\":\"\"}")), 0, OK, 0 },
  { "M1", H (META ("{\"a\":\"x\\u0000y\"}")), 0, OK, 0 },
  { "M1", H ("{\"__met\\u0061data__\":{\"a\":\"b\"}}"), 0, OK, 0 },
  { "M1", H ("{" TEST_ENTRY ",\"__metadata__\":{\"a\":\"b\"}}"), 16, OK, 1 },
  { "M2", H (META ("{\"a\":0}")), 0, DE },
  { "M2", H (META ("{\"a\":null}")), 0, DE },
  { "M2", H (META ("{\"a\":{}}")), 0, DE },
  { "M2", H (META ("[]")), 0, DE },
  { "M2", H (META ("\"x\"")), 0, DE },
  { "M2", H ("{" t ("__metadata__", "I32", "[2,2]", "0", "16") "}"), 16, DE },
  { NULL },
};

static void
test_p1 (void)
{
  static const char seven[7];

  for (guint n = 0; n <= 7; n += 7)
    {
      write_file (seven, n);
      g_assert_null (assert_verdict ("P1", "short", ST_ERROR_HEADER_TOO_SMALL, NULL));
    }
}

static void
test_p2_to_p5 (void)
{
  const int too_large = ST_ERROR_HEADER_TOO_LARGE;
  const int bad_length = ST_ERROR_INVALID_HEADER_LENGTH;

  g_assert_null (assert_file ("P2", 0, "", 0, 0, DE, NULL));
  g_assert_null (assert_file ("P2", 0, "", 0, 16, DE, NULL));
  g_assert_null (assert_file ("P3", 60, "", 0, 0, bad_length, "60"));
  g_assert_null (assert_file ("P4", 100000000, "{}", 2, 0, bad_length, "100000000"));
  g_assert_null (assert_file ("P5", 100000001, "{}", 2, 0, too_large, "100000001"));
  g_assert_null (
      assert_file ("P5", G_GUINT64_CONSTANT (1) << 63, "{}", 2, 0, too_large, NULL));
  g_assert_null (assert_file ("P5", G_MAXUINT64, "{}", 2, 0, too_large, NULL));
}

static void
test_p6 (void)
{
  g_assert_null (assert_file ("P6", G_GUINT64_CONSTANT (0xffffffff0000003c), T,
                              strlen (T), 16, ST_ERROR_HEADER_TOO_LARGE, NULL));
}

/* The largest header there may be, and one byte more. */
static void
test_p7 (void)
{
  for (guint over = 0; over < 2; over++)
    {
      const gsize n = 100000000 + over;
      g_autofree char *header = g_malloc (n);
      g_autoptr (StFile) file = NULL;

      memset (header, ' ', n);
      header[0] = '{';
      header[1] = '}';
      file = assert_file ("P7", n, header, n, 0, over ? ST_ERROR_HEADER_TOO_LARGE : OK,
                          NULL);
      if (file != NULL)
        g_assert_cmpuint (st_file_n_tensors (file), ==, 0);
    }
}

static void
test_p8_to_p10 (void)
{
  const gsize n = strlen (T);

  g_assert_null (
      assert_file ("P8", n + 17, T, n, 16, ST_ERROR_INVALID_HEADER_LENGTH, NULL));
  g_assert_null (assert_file ("P9", n + 16, T, n, 16, DE, NULL));
  g_assert_null (assert_file ("P10", n - 1, T, n, 16, DE, NULL));
}

/* Names of any kind are kept exactly. */
static void
test_j8 (void)
{
  static const struct
  {
    const char *written, *name;
    gsize length;
  } names[] = {
    { "te\\u0000st", H ("te\0st") },
    { "\\ud83d\\ude00", H ("\360\237\230\200") },
    { "日本語", H ("日本語") },
    { "", H ("") },
    { "../../etc/passwd", H ("../../etc/passwd") },
    { "\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9", H ("\"\\/\b\f\n\r\té") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *header = g_strdup_printf (
          "{\"%s\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
          names[i].written);
      g_autoptr (StFile) file
          = assert_file ("J8", strlen (header), header, strlen (header), 16, OK, NULL);
      const StTensor *tensor = st_file_tensor (file, 0);

      g_assert_cmpmem (tensor->name, tensor->name_length, names[i].name, names[i].length);
      g_assert_cmpint (tensor->name[tensor->name_length], ==, 0);
      g_assert_true (st_file_find (file, names[i].name, (gssize) names[i].length)
                     == tensor);
    }
}

static void
test_j9 (void)
{
  for (guint depth = 125; depth <= 126; depth++)
    {
      g_autofree char *open = g_strnfill (depth, '[');
      g_autofree char *close = g_strnfill (depth, ']');
      g_autofree char *header = g_strdup_printf (EXTRA ("%s%s"), open, close);
      g_autoptr (StFile) file
          = assert_file ("J9", strlen (header), header, strlen (header), 16,
                         depth == 125 ? OK : DE, NULL);
    }
}

/* What was kept when something came twice. */
static void
test_last_wins (void)
{
  static const char header[] = "{" t ("test", "U8", "[9]", "3",
                                      "12") ",\"__metadata__\":{\"k\":\"1\",\"j\":\"0\","
                                            "\"k\":\"2\\u0000\"}," TEST_ENTRY "}";
  g_autoptr (StFile) file
      = assert_file ("D1", strlen (header), header, strlen (header), 16, OK, NULL);

  g_assert_cmpint (st_file_tensor (file, 0)->dtype, ==, ST_DTYPE_I32);
  g_assert_cmpuint (st_file_tensor (file, 0)->rank, ==, 2);
  g_assert_cmpuint (st_file_n_metadata (file), ==, 2);
  g_assert_cmpmem (st_file_metadata (file, 0)->value,
                   st_file_metadata (file, 0)->value_length, "2", 2);
  g_assert_cmpstr (st_file_metadata (file, 1)->key, ==, "j");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/st/conformance/P1", test_p1);
  g_test_add_func ("/st/conformance/P2-P5", test_p2_to_p5);
  g_test_add_func ("/st/conformance/P6", test_p6);
  g_test_add_func ("/st/conformance/P7", test_p7);
  g_test_add_func ("/st/conformance/P8-P10", test_p8_to_p10);
  g_test_add_func ("/st/conformance/J8", test_j8);
  g_test_add_func ("/st/conformance/J9", test_j9);
  g_test_add_func ("/st/conformance/D1-D4-kept", test_last_wins);
  add_cases (cases);
  return case_run ();
}
