/* test-st-tensor-verdicts.c: rows V, C, O, T and X of the conformance table, and warnings
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "conformance.h"

#define DE ST_ERROR_INVALID_HEADER_DESERIALIZATION
#define IO ST_ERROR_INVALID_OFFSET
#define MI ST_ERROR_METADATA_INCOMPLETE_BUFFER
#define TI ST_ERROR_TENSOR_INVALID_INFO
#define OV ST_ERROR_VALIDATION_OVERFLOW
#define MS ST_ERROR_MISALIGNED_SLICE

#define I32(shape, begin, end) "{" t ("test", "I32", shape, begin, end) "}"
#define ONE(dtype, shape, begin, end) "{" t ("test", dtype, shape, begin, end) "}"
#define PAIR(a, b) "{" a "," b "}"
#define ALL(n) t ("t" #n, "F32", "[2,2]", "0", "16")
#define TEN                                                                              \
  ALL (0)                                                                                \
  "," ALL (1) "," ALL (2) "," ALL (3) "," ALL (4) "," ALL (5) "," ALL (6) "," ALL (      \
      7) "," ALL (8) "," ALL (9)

static const Case cases[] = {
  { "V1", H (T), 16, OK, 1 },
  { "V1", H (I32 ("[]", "0", "4")), 4, OK, 1 },
  { "V1", H (I32 ("[2,0]", "0", "0")), 0, OK, 1 },
  { "V2", H (I32 ("[18446744073709551615,0]", "0", "0")), 0, OK, 1 },
  { "V2", H (I32 ("[0,18446744073709551615,2]", "0", "0")), 0, OK, 1 },
  { "V3", H (I32 ("[18446744073709551615,2,0]", "0", "0")), 0, OV, 0, "test" },
  { "V4",
    H ("{" t ("a", "I32", "[0]", "0", "0") "," t ("b", "I32", "[0]", "0", "0") "," t (
        "c", "I32", "[1]", "0", "4") "}"),
    4, OK, 3 },
  { "V4", H (PAIR (t ("c", "I32", "[1]", "0", "4"), t ("z", "I32", "[0]", "4", "4"))), 4,
    OK, 2 },
  { "V5", H (PAIR (t ("c", "I32", "[1]", "0", "4"), t ("z", "I32", "[0]", "2", "2"))), 4,
    IO, 0, "z" },
  { "V5", H (PAIR (t ("c", "I32", "[1]", "0", "4"), t ("z", "I32", "[0]", "8", "8"))), 4,
    IO, 0, "z" },
  { "V6",
    H (I32 ("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
            "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
            "0",
            "4")),
    4, OK, 1 },
  { "V6", H (PAIR (t ("b", "U8", "[4]", "4", "8"), t ("a", "U8", "[4]", "0", "4"))), 8,
    OK, 2 },
  { "V6", H (PAIR (t ("b", "U8", "[1]", "0", "1"), t ("a", "F32", "[1]", "1", "5"))), 5,
    OK, 2 },
  { "C1", H (T), 16 + 34, MI, 0, "34" },
  { "C1", H (T), 14, MI, 0, "2" },
  { "C2", H (ONE ("U8", "[1]", "1", "2")), 2, IO, 0, "test" },
  { "C2", H (PAIR (t ("a", "U8", "[1]", "0", "1"), t ("b", "U8", "[1]", "2", "3"))), 3,
    IO, 0, "b" },
  { "C2", H (PAIR (t ("a", "U8", "[2]", "0", "2"), t ("b", "U8", "[2]", "0", "2"))), 2,
    IO },
  { "C2", H (PAIR (t ("a", "U8", "[2]", "0", "2"), t ("b", "U8", "[2]", "1", "3"))), 3,
    IO, 0, "b" },
  { "C2", H (PAIR (t ("a", "U8", "[2]", "0", "2"), t ("b", "U8", "[1]", "2", "1"))), 2,
    IO, 0, "b" },
  { "C3", H ("{" TEN "}"), 16, IO },
  { "C4", H (I32 ("[2,2]", "0", "4")), 0, TI, 0, "16" },
  { "C4", H (I32 ("[2,2]", "0", "4")), 4, TI },
  { "C4", H (I32 ("[2,2]", "0", "20")), 20, TI, 0, "20" },
  { "C5", H (ONE ("U8", "[1000]", "0", "1000")), 10, MI, 0, "990" },
  { "O1", H (I32 ("[2,18446744073709551614]", "0", "16")), 16, OV },
  { "O1", H (I32 ("[2,9223372036854775807]", "0", "16")), 16, OV },
  { "O2", H (ONE ("U8", "[2305843009213693952]", "0", "2305843009213693952")), 0, OV },
  { "O2", H (ONE ("U8", "[2305843009213693951]", "0", "2305843009213693951")), 0, MI },
  { "O3", H (I32 ("[18446744073709551616]", "0", "16")), 16, DE },
  { "O3", H (ONE ("U8", "[16]", "0", "18446744073709551616")), 16, DE },
  { "O3", H (ONE ("U8", "[16]", "0", "18446744073709551615")), 16, TI },
  { "T3", H (ONE ("F4", "[1,3]", "0", "2")), 2, MS, 0, "12 bits" },
  { "T3", H (ONE ("F4", "[]", "0", "1")), 1, MS },
  { "T3", H (ONE ("F6_E2M3", "[1]", "0", "1")), 1, MS },
  { "T3", H (ONE ("F6_E3M2", "[2]", "0", "2")), 2, MS },
  { "T4", H (ONE ("F4", "[1,2]", "0", "1")), 1, OK, 1 },
  { "T4", H (ONE ("F6_E3M2", "[2,2]", "0", "3")), 3, OK, 1 },
  { "T4", H (ONE ("F4", "[1,2]", "0", "2")), 2, TI },
  { "T5", H (PAIR (t ("a", "F4", "[3]", "0", "2"), t ("b", "U8", "[1]", "7", "8"))), 8,
    MS, 0, "a" },
  { NULL },
};

/* Payload bytes are nobody's business. */
static void
test_v7 (void)
{
  static const char header[]
      = PAIR (t ("f", "F32", "[3]", "0", "12"), t ("b", "BOOL", "[1]", "12", "13"));
  static const guint8 payload[13]
      = { 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x7f, 0, 0, 0x80, 0xff, 2 };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint64 n = GUINT64_TO_LE (strlen (header));
  g_autoptr (StFile) file = NULL;
  guint8 read[13];

  g_byte_array_append (bytes, (const guint8 *) &n, 8);
  g_byte_array_append (bytes, (const guint8 *) header, strlen (header));
  g_byte_array_append (bytes, payload, sizeof payload);
  write_file (bytes->data, bytes->len);
  file = assert_verdict ("V7", header, OK, NULL);
  g_assert_true (st_file_read (file, 0, sizeof read, read, NULL));
  g_assert_cmpmem (read, sizeof read, payload, sizeof payload);
}

static void
test_v6_order (void)
{
  static const char header[]
      = PAIR (t ("b", "U8", "[4]", "4", "8"), t ("a", "U8", "[4]", "0", "4"));
  g_autoptr (StFile) file
      = assert_file ("V6", strlen (header), header, strlen (header), 8, OK, NULL);

  g_assert_cmpstr (st_file_tensor (file, 0)->name, ==, "a");
  g_assert_true (st_file_find (file, "a", -1) == st_file_tensor (file, 0));
  g_assert_true (st_file_find (file, "b", -1) == st_file_tensor (file, 1));
}

static void
assert_dtype (const char *row, const char *dtype, guint bytes, int verdict)
{
  g_autofree char *header = g_strdup_printf (
      "{\"test\":{\"dtype\":\"%s\",\"shape\":[4],\"data_offsets\":[0,%u]}}", dtype,
      bytes);
  g_autoptr (StFile) file = assert_file (row, strlen (header), header, strlen (header),
                                         bytes, verdict, verdict == OK ? NULL : dtype);

  if (file != NULL)
    {
      g_assert_cmpstr (st_dtype_name (st_file_tensor (file, 0)->dtype), ==, dtype);
      g_assert_cmpuint (st_file_tensor (file, 0)->count, ==, 4);
    }
}

static void
test_t1 (void)
{
  static const struct
  {
    const char *name;
    guint bits;
  } all[] = { { "BOOL", 8 },    { "F4", 4 },   { "F6_E2M3", 6 },     { "F6_E3M2", 6 },
              { "U8", 8 },      { "I8", 8 },   { "F8_E5M2", 8 },     { "F8_E4M3", 8 },
              { "F8_E8M0", 8 }, { "I16", 16 }, { "F8_E4M3FNUZ", 8 }, { "F8_E5M2FNUZ", 8 },
              { "U16", 16 },    { "F16", 16 }, { "BF16", 16 },       { "I32", 32 },
              { "U32", 32 },    { "F32", 32 }, { "C64", 64 },        { "F64", 64 },
              { "I64", 64 },    { "U64", 64 } };

  G_STATIC_ASSERT (G_N_ELEMENTS (all) == ST_N_DTYPES);
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      assert_dtype ("T1", all[i].name, all[i].bits / 2, OK);
      assert_dtype ("T1", all[i].name, all[i].bits / 2 + 1, TI);
    }
}

static void
test_t2 (void)
{
  static const char *const names[]
      = { "u8",    "",     "F128", "F8_E4M3FN", "F8_E3M4", "F4_E2M1", "FP4",
          "E8M0",  "UE8",  "C32",  "C128",      "U4",      "I4",      "U1",
          "BOOL8", "bool", "BF8",  "F8",        "Q4_0" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    assert_dtype ("T2", names[i], 4, DE);
}

static void
assert_slice (
    StDtype dtype, const StRange *ranges, guint n, int verdict, const char *part)
{
  static const guint64 shape[] = { 2, 3, 4 };
  const StTensor tensor
      = { .name = "test", .name_length = 4, .dtype = dtype, .rank = 3, .shape = shape };
  g_autoptr (GError) error = NULL;

  g_assert_true (st_tensor_check_slice (&tensor, ranges, n, &error) == (verdict == OK));
  if (verdict == OK)
    return;
  g_assert_error (error, ST_ERROR, verdict);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_x1 (void)
{
  const int many = ST_ERROR_TOO_MANY_SLICES, out = ST_ERROR_SLICE_OUT_OF_RANGE;

  assert_slice (ST_DTYPE_U8, (StRange[]){ { 0, 1 }, { 0, 1 }, { 0, 1 }, { 0, 1 } }, 4,
                many, "4 indices for 3");
  assert_slice (ST_DTYPE_U8, (StRange[]){ { 2, 3 } }, 1, out, "index 2");
  assert_slice (ST_DTYPE_U8, (StRange[]){ { 0, 2 }, { 0, 21 } }, 2, out, "index 20");
  assert_slice (ST_DTYPE_U8, (StRange[]){ { 0, 2 }, { 1, 4 } }, 2, out, "dimension 1");
  assert_slice (ST_DTYPE_U8, (StRange[]){ { 1, 2 }, { 1, 3 }, { 3, 4 } }, 3, OK, "");
  assert_slice (ST_DTYPE_U8, NULL, 0, OK, "");
  /* F4: two values a byte; twelve in one step of the first dimension. */
  assert_slice (ST_DTYPE_F4, (StRange[]){ { 0, 2 }, { 0, 3 }, { 2, 4 } }, 3, OK, "");
  assert_slice (ST_DTYPE_F4, (StRange[]){ { 0, 2 }, { 0, 3 }, { 1, 3 } }, 3, MS, "test");
  assert_slice (ST_DTYPE_F4, (StRange[]){ { 0, 2 }, { 0, 3 }, { 0, 3 } }, 3, MS, "test");
  assert_slice (ST_DTYPE_F4, (StRange[]){ { 1, 2 }, { 1, 2 } }, 2, OK, "");
  /* F6: four values in three bytes. */
  assert_slice (ST_DTYPE_F6_E2M3, (StRange[]){ { 0, 1 }, { 1, 3 } }, 2, OK, "");
  assert_slice (ST_DTYPE_F6_E2M3, (StRange[]){ { 0, 1 }, { 1, 3 }, { 0, 2 } }, 3, MS,
                "test");
}

static void
assert_warning (const char *header, guint data, const char *part, const char *name)
{
  g_autoptr (StFile) file = assert_file ("warnings", strlen (header), header,
                                         strlen (header), data, OK, NULL);
  const char *const *warnings = st_file_warnings (file);

  g_assert_nonnull (warnings[0]);
  g_assert_null (warnings[1]);
  if (strstr (warnings[0], part) == NULL || strstr (warnings[0], name) == NULL)
    g_error ("“%s” lacks “%s” or “%s”", warnings[0], part, name);
}

/* What is accepted but worth a word. Headers are of a multiple of four bytes where it
 * matters, so that only the fault in question is told. */
static void
test_warnings (void)
{
  assert_warning (
      "{" t ("u", "U8", "[1]", "0", "1") "," t ("u", "U8", "[1]", "0", "1") "}", 1,
      "come twice", "“u”");
  assert_warning ("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0,
                  "keys that come twice", "“k”");
  assert_warning (
      "{" t ("x", "U8", "[1]", "0", "1") "," t ("y12", "F32", "[1]", "1", "5") "}", 5,
      "multiple", "“y12”");
  assert_warning (" {}", 0, "white space", "");
  assert_warning ("{" t ("u", "U8", "[1],\"note\":1", "0", "1") "}", 1, "does not know",
                  "“note”");
  assert_warning ("{" t ("a\\nb", "U8", "[1]", "0", "1") "}", 1, "control",
                  "“a\\u000ab”");
  assert_warning ("{\"u\":[\"U8\",[1],[0,1]]}", 1, "few programs", "“u”");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases (cases);
  g_test_add_func ("/st/conformance/V6-order", test_v6_order);
  g_test_add_func ("/st/conformance/V7", test_v7);
  g_test_add_func ("/st/conformance/T1", test_t1);
  g_test_add_func ("/st/conformance/T2", test_t2);
  g_test_add_func ("/st/conformance/X1", test_x1);
  g_test_add_func ("/st/warnings", test_warnings);
  return case_run ();
}
