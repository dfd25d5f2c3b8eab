/* st-dtype.c: the 22 types of the format: names, sizes, and values as float and double
 *
 * Types of up to eight bits are decoded through tables made once from their definition
 * (sign, exponent, mantissa, bias, what the highest codes mean); wider ones by shifts.
 * Definitions: OCP 8-bit floating point (E4M3, E5M2), OCP microscaling formats (E8M0, F6,
 * F4), and the FNUZ variants (no negative zero, its code is the only NaN, bias one
 * higher).
 *
 * Multi-byte values are read as the file has them, little-endian; a big-endian machine
 * swaps. F4 and F6 have no order in the format's text: low nibble first, and a
 * little-endian stream of bits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st.h"
#include "base/base-half.h"

#include <math.h>
#include <string.h>

typedef enum
{
  KIND_BOOL,
  KIND_INTEGER,
  KIND_FLOAT,
} Kind;

static const struct
{
  const char *name;
  guint8 bits;
  guint8 kind;
} types[ST_N_DTYPES] = {
  [ST_DTYPE_BOOL] = { "BOOL", 8, KIND_BOOL },
  [ST_DTYPE_F4] = { "F4", 4, KIND_FLOAT },
  [ST_DTYPE_F6_E2M3] = { "F6_E2M3", 6, KIND_FLOAT },
  [ST_DTYPE_F6_E3M2] = { "F6_E3M2", 6, KIND_FLOAT },
  [ST_DTYPE_U8] = { "U8", 8, KIND_INTEGER },
  [ST_DTYPE_I8] = { "I8", 8, KIND_INTEGER },
  [ST_DTYPE_F8_E5M2] = { "F8_E5M2", 8, KIND_FLOAT },
  [ST_DTYPE_F8_E4M3] = { "F8_E4M3", 8, KIND_FLOAT },
  [ST_DTYPE_F8_E8M0] = { "F8_E8M0", 8, KIND_FLOAT },
  [ST_DTYPE_F8_E4M3FNUZ] = { "F8_E4M3FNUZ", 8, KIND_FLOAT },
  [ST_DTYPE_F8_E5M2FNUZ] = { "F8_E5M2FNUZ", 8, KIND_FLOAT },
  [ST_DTYPE_I16] = { "I16", 16, KIND_INTEGER },
  [ST_DTYPE_U16] = { "U16", 16, KIND_INTEGER },
  [ST_DTYPE_F16] = { "F16", 16, KIND_FLOAT },
  [ST_DTYPE_BF16] = { "BF16", 16, KIND_FLOAT },
  [ST_DTYPE_I32] = { "I32", 32, KIND_INTEGER },
  [ST_DTYPE_U32] = { "U32", 32, KIND_INTEGER },
  [ST_DTYPE_F32] = { "F32", 32, KIND_FLOAT },
  [ST_DTYPE_C64] = { "C64", 64, KIND_FLOAT },
  [ST_DTYPE_F64] = { "F64", 64, KIND_FLOAT },
  [ST_DTYPE_I64] = { "I64", 64, KIND_INTEGER },
  [ST_DTYPE_U64] = { "U64", 64, KIND_INTEGER },
};

/* The small float formats. NaN where the bits without the sign are >= @nan; with @fnuz
 * the only NaN is the code of negative zero; @infinity is the magnitude that means Inf.
 */
static const struct
{
  guint8 dtype, exponent_bits, mantissa_bits, bias, nan, infinity, fnuz;
} small_floats[] = {
  { ST_DTYPE_F4, 2, 1, 1, 0xff, 0xff, 0 },
  { ST_DTYPE_F6_E2M3, 2, 3, 1, 0xff, 0xff, 0 },
  { ST_DTYPE_F6_E3M2, 3, 2, 3, 0xff, 0xff, 0 },
  { ST_DTYPE_F8_E5M2, 5, 2, 15, 0x7d, 0x7c, 0 },
  { ST_DTYPE_F8_E4M3, 4, 3, 7, 0x7f, 0xff, 0 },
  { ST_DTYPE_F8_E4M3FNUZ, 4, 3, 8, 0xff, 0xff, 1 },
  { ST_DTYPE_F8_E5M2FNUZ, 5, 2, 16, 0xff, 0xff, 1 },
};

static float tables[ST_DTYPE_F8_E5M2FNUZ + 1][256];

const char *
st_dtype_name (StDtype dtype)
{
  return types[dtype].name;
}

guint
st_dtype_bits (StDtype dtype)
{
  return types[dtype].bits;
}

gboolean
st_dtype_from_name (const char *name, gsize length, StDtype *dtype)
{
  for (guint i = 0; i < ST_N_DTYPES; i++)
    if (strlen (types[i].name) == length && memcmp (types[i].name, name, length) == 0)
      {
        *dtype = i;
        return TRUE;
      }
  return FALSE;
}

gboolean
st_dtype_is_float (StDtype dtype)
{
  return types[dtype].kind == KIND_FLOAT;
}

gboolean
st_dtype_is_integer (StDtype dtype)
{
  return types[dtype].kind == KIND_INTEGER;
}

static float
small_float_value (guint format, guint code)
{
  const guint mantissa_bits = small_floats[format].mantissa_bits;
  const guint sign_bit = 1u << (small_floats[format].exponent_bits + mantissa_bits);
  const guint magnitude = code & (sign_bit - 1);
  const int exponent = (int) (magnitude >> mantissa_bits);
  const guint mantissa = magnitude & ((1u << mantissa_bits) - 1);
  const int lowest = 1 - small_floats[format].bias - (int) mantissa_bits;
  float value;

  if (small_floats[format].fnuz && code == sign_bit)
    return NAN;
  if (magnitude >= small_floats[format].nan)
    value = NAN;
  else if (magnitude == small_floats[format].infinity)
    value = INFINITY;
  else if (exponent == 0)
    value = ldexpf ((float) mantissa, lowest);
  else
    value = ldexpf ((float) (mantissa + (1u << mantissa_bits)), lowest + exponent - 1);
  return code & sign_bit ? -value : value;
}

static void
tables_init (void)
{
  static gsize ready;

  if (!g_once_init_enter (&ready))
    return;
  for (guint code = 0; code < 256; code++)
    {
      tables[ST_DTYPE_BOOL][code] = code != 0;
      tables[ST_DTYPE_U8][code] = (float) code;
      tables[ST_DTYPE_I8][code] = (float) (gint8) code;
      tables[ST_DTYPE_F8_E8M0][code] = code == 255 ? NAN : ldexpf (1, (int) code - 127);
    }
  for (guint format = 0; format < G_N_ELEMENTS (small_floats); format++)
    {
      const StDtype dtype = small_floats[format].dtype;

      for (guint code = 0; code < 1u << types[dtype].bits; code++)
        tables[dtype][code] = small_float_value (format, code);
    }
  g_once_init_leave (&ready, 1);
}

/* Code @index of a packed F4 or F6 tensor. A value of six bits may lie over two bytes;
 * the second is only touched then, for it may not exist. */
static inline guint
packed_code (const guint8 *src, gsize index, guint bits)
{
  /* index * bits without overflow: eight values fill `bits` bytes. */
  const guint8 *const group = src + index / 8 * bits;
  const guint at = (guint) (index % 8) * bits;
  const guint shift = at % 8;
  guint code = (guint) group[at / 8] >> shift;

  if (shift + bits > 8)
    code |= (guint) group[at / 8 + 1] << (8 - shift);
  return code & ((1u << bits) - 1);
}

static inline guint16
get_16 (const guint8 *src)
{
  guint16 v;

  memcpy (&v, src, sizeof v);
  return GUINT16_FROM_LE (v);
}

static inline guint32
get_32 (const guint8 *src)
{
  guint32 v;

  memcpy (&v, src, sizeof v);
  return GUINT32_FROM_LE (v);
}

static inline guint64
get_64 (const guint8 *src)
{
  guint64 v;

  memcpy (&v, src, sizeof v);
  return GUINT64_FROM_LE (v);
}

static inline float
get_float (const guint8 *src)
{
  const guint32 bits = get_32 (src);
  float v;

  memcpy (&v, &bits, sizeof v);
  return v;
}

static inline double
get_double (const guint8 *src)
{
  const guint64 bits = get_64 (src);
  double v;

  memcpy (&v, &bits, sizeof v);
  return v;
}

/* One loop per type, the same for both destinations. */
#define CONVERT(Type)                                                                    \
  switch (dtype)                                                                         \
    {                                                                                    \
    case ST_DTYPE_F4:                                                                    \
    case ST_DTYPE_F6_E2M3:                                                               \
    case ST_DTYPE_F6_E3M2:                                                               \
      for (gsize i = 0; i < n; i++)                                                      \
        dst[i] = (Type) tables[dtype][packed_code (src, first + i, types[dtype].bits)];  \
      break;                                                                             \
    case ST_DTYPE_BOOL:                                                                  \
    case ST_DTYPE_U8:                                                                    \
    case ST_DTYPE_I8:                                                                    \
    case ST_DTYPE_F8_E5M2:                                                               \
    case ST_DTYPE_F8_E4M3:                                                               \
    case ST_DTYPE_F8_E8M0:                                                               \
    case ST_DTYPE_F8_E4M3FNUZ:                                                           \
    case ST_DTYPE_F8_E5M2FNUZ:                                                           \
      for (gsize i = 0; i < n; i++)                                                      \
        dst[i] = (Type) tables[dtype][src[first + i]];                                   \
      break;                                                                             \
    case ST_DTYPE_I16:                                                                   \
      LOOP (Type, 2, (gint16) get_16);                                                   \
    case ST_DTYPE_U16:                                                                   \
      LOOP (Type, 2, get_16);                                                            \
    case ST_DTYPE_F16:                                                                   \
      for (gsize i = 0; i < n; i++)                                                      \
        dst[i] = (Type) base_half_to_float (get_16 (src + 2 * (first + i)));             \
      break;                                                                             \
    case ST_DTYPE_BF16:                                                                  \
      for (gsize i = 0; i < n; i++)                                                      \
        dst[i] = (Type) base_bf16_to_float (get_16 (src + 2 * (first + i)));             \
      break;                                                                             \
    case ST_DTYPE_I32:                                                                   \
      LOOP (Type, 4, (gint32) get_32);                                                   \
    case ST_DTYPE_U32:                                                                   \
      LOOP (Type, 4, get_32);                                                            \
    case ST_DTYPE_F32:                                                                   \
    case ST_DTYPE_C64:                                                                   \
      LOOP (Type, 4, get_float);                                                         \
    case ST_DTYPE_F64:                                                                   \
      LOOP (Type, 8, get_double);                                                        \
    case ST_DTYPE_I64:                                                                   \
      LOOP (Type, 8, (gint64) get_64);                                                   \
    case ST_DTYPE_U64:                                                                   \
      LOOP (Type, 8, get_64);                                                            \
    case ST_N_DTYPES:                                                                    \
      g_assert_not_reached ();                                                           \
    }

#define LOOP(Type, size, get)                                                            \
  for (gsize i = 0; i < n; i++)                                                          \
    dst[i] = (Type) get (src + size * (first + i));                                      \
  break

void
st_dtype_to_float (StDtype dtype, const guint8 *src, gsize first, gsize n, float *dst)
{
  tables_init ();
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  if (dtype == ST_DTYPE_F32 || dtype == ST_DTYPE_C64)
    {
      memcpy (dst, src + 4 * first, 4 * n);
      return;
    }
#endif
  CONVERT (float)
}

void
st_dtype_to_double (StDtype dtype, const guint8 *src, gsize first, gsize n, double *dst)
{
  tables_init ();
  CONVERT (double)
}
