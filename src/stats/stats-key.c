/* stats-key.c: codes in the order of their values
 *
 * One integer order for all 22 types makes everything after it (sorting, quantiles,
 * histogram edges) the same code. Types of ≤ 8 bits take their values from the decoder of
 * st, once; wider ones are decoded here because whole tensors go through it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include "stats/stats-private.h"

#define SIGN(bits) (G_GUINT64_CONSTANT (1) << ((bits) -1))
/* Floats from -max to max: the key of -max is the complement of its code. */
#define MAGNITUDE(bits, mantissa, max)                                                   \
  {                                                                                      \
    STATS_ORDER_MAGNITUDE, bits, mantissa, FALSE, SIGN (bits) - 1 - (max),               \
        SIGN (bits) + (max), FALSE, SIGN (bits), SIGN (bits) - 1                         \
  }
#define FNUZ(mantissa)                                                                   \
  {                                                                                      \
    STATS_ORDER_MAGNITUDE, 8, mantissa, FALSE, 0, 0xff, TRUE, SIGN (8), SIGN (8) - 1     \
  }
#define NATURAL(bits)                                                                    \
  {                                                                                      \
    STATS_ORDER_UNSIGNED, bits, 0, TRUE, 0, SIGN (bits) - 1 + SIGN (bits), FALSE, 0, 0   \
  }
#define TWOS(bits)                                                                       \
  {                                                                                      \
    STATS_ORDER_TWOS, bits, 0, TRUE, 0, SIGN (bits) - 1 + SIGN (bits), FALSE,            \
        SIGN (bits), 0                                                                   \
  }

static const StatsSpace spaces[ST_N_DTYPES] = {
  [ST_DTYPE_BOOL] = NATURAL (8),
  [ST_DTYPE_F4] = MAGNITUDE (4, 1, 0x7),
  [ST_DTYPE_F6_E2M3] = MAGNITUDE (6, 3, 0x1f),
  [ST_DTYPE_F6_E3M2] = MAGNITUDE (6, 2, 0x1f),
  [ST_DTYPE_U8] = NATURAL (8),
  [ST_DTYPE_I8] = TWOS (8),
  [ST_DTYPE_F8_E5M2] = MAGNITUDE (8, 2, 0x7b),
  [ST_DTYPE_F8_E4M3] = MAGNITUDE (8, 3, 0x7e),
  [ST_DTYPE_F8_E8M0] = { STATS_ORDER_UNSIGNED, 8, 0, FALSE, 0, 0xfe, FALSE, 0, 0 },
  [ST_DTYPE_F8_E4M3FNUZ] = FNUZ (3),
  [ST_DTYPE_F8_E5M2FNUZ] = FNUZ (2),
  [ST_DTYPE_I16] = TWOS (16),
  [ST_DTYPE_U16] = NATURAL (16),
  [ST_DTYPE_F16] = MAGNITUDE (16, 10, 0x7bff),
  [ST_DTYPE_BF16] = MAGNITUDE (16, 7, 0x7f7f),
  [ST_DTYPE_I32] = TWOS (32),
  [ST_DTYPE_U32] = NATURAL (32),
  [ST_DTYPE_F32] = MAGNITUDE (32, 23, 0x7f7fffff),
  [ST_DTYPE_C64] = MAGNITUDE (32, 23, 0x7f7fffff), /* its parts */
  [ST_DTYPE_F64] = MAGNITUDE (64, 52, G_GUINT64_CONSTANT (0x7fefffffffffffff)),
  [ST_DTYPE_I64] = TWOS (64),
  [ST_DTYPE_U64] = NATURAL (64),
};

const StatsSpace *
stats_space (StDtype dtype)
{
  return &spaces[dtype];
}

/* Values of the types of ≤ 8 bits, by code. */
static const double *
small_values (StDtype dtype)
{
  static double *tables[ST_N_DTYPES];

  if (g_once_init_enter (&tables[dtype]))
    {
      guint n = 1u << spaces[dtype].bits;
      double *table = g_new (double, n);
      for (guint code = 0; code < n; code++)
        {
          /* One whole group of packed values, ours being the first. */
          const guint8 packed[4] = { (guint8) code, 0, 0, 0 };
          st_dtype_to_double (dtype, packed, 0, 1, &table[code]);
        }
      if (dtype == ST_DTYPE_BOOL)
        for (guint code = 0; code < n; code++)
          table[code] = code != 0;
      if (spaces[dtype].nan_is_minus_zero)
        table[0x80] = 0;
      g_once_init_leave (&tables[dtype], table);
    }
  return tables[dtype];
}

static inline double
half_value (guint64 code)
{
  /* The bits moved to a float's places are the value times 2^-112, subnormal or not. */
  guint32 bits = (guint32) (code & 0x7fff) << 13;
  float scaled;
  memcpy (&scaled, &bits, sizeof scaled);
  double value = (code & 0x7fff) >= 0x7c00 ? ((code & 0x3ff) ? NAN : INFINITY)
                                           : (double) scaled * 0x1p112;
  return code & 0x8000 ? -value : value;
}

static inline double
float_value (guint32 code)
{
  float value;
  memcpy (&value, &code, sizeof value);
  return (double) value;
}

static inline double
code_value (StDtype dtype, guint64 code)
{
  double value;

  switch (dtype)
    {
    case ST_DTYPE_I16:
      return (gint16) code;
    case ST_DTYPE_U16:
    case ST_DTYPE_U32:
    case ST_DTYPE_U64:
      return (double) code;
    case ST_DTYPE_F16:
      return half_value (code);
    case ST_DTYPE_BF16:
      return float_value ((guint32) code << 16);
    case ST_DTYPE_I32:
      return (gint32) code;
    case ST_DTYPE_F32:
    case ST_DTYPE_C64:
      return float_value ((guint32) code);
    case ST_DTYPE_F64:
      memcpy (&value, &code, sizeof value);
      return value;
    case ST_DTYPE_I64:
      return (double) (gint64) code;
    default:
      return small_values (dtype)[code];
    }
}

double
stats_key_value (StDtype dtype, guint64 key)
{
  return code_value (dtype, stats_code_from_key (&spaces[dtype], key));
}

#define VALUES(dtype)                                                                    \
  case dtype:                                                                            \
    for (gsize i = 0; i < n; i++)                                                        \
      values[i] = code_value (dtype, stats_code_from_key (&spaces[dtype], keys[i]));     \
    break;

/* The types that are met most have loops of their own. */
void
stats_key_values (StDtype dtype, const guint64 *keys, gsize n, double *values)
{
  switch (dtype)
    {
      VALUES (ST_DTYPE_F16)
      VALUES (ST_DTYPE_BF16)
      VALUES (ST_DTYPE_F32)
    default:
      for (gsize i = 0; i < n; i++)
        values[i] = stats_key_value (dtype, keys[i]);
    }
}

guint64
stats_key_of_double (double value)
{
  guint64 code;
  memcpy (&code, &value, sizeof code);
  return stats_key_from_code (&spaces[ST_DTYPE_F64], code);
}

guint64
stats_key_at_least (StDtype dtype, double value)
{
  guint64 low = spaces[dtype].first, high = spaces[dtype].last;
  while (low < high)
    {
      guint64 middle = low + (high - low) / 2;
      if (stats_key_value (dtype, middle) >= value)
        high = middle;
      else
        low = middle + 1;
    }
  return low;
}

double
stats_key_edge_before (StDtype dtype, guint64 key)
{
  const StatsSpace *space = &spaces[dtype];
  double value = stats_key_value (dtype, key);

  if (space->integer)
    return value - 0.5;
  /* Beyond its ends a type is taken to go on with the spacing it has there. */
  if (key == space->first)
    return value - (stats_key_value (dtype, key + 1) - value) / 2;
  double below = stats_key_value (dtype, key - 1);
  return below + (value - below) / 2;
}

double
stats_key_edge_after (StDtype dtype, guint64 key)
{
  const StatsSpace *space = &spaces[dtype];
  double value = stats_key_value (dtype, key);

  if (space->integer)
    return value + 0.5;
  if (key == space->last)
    return value + (value - stats_key_value (dtype, key - 1)) / 2;
  return stats_key_edge_before (dtype, key + 1);
}

#define READ_KEYS(name, type)                                                            \
  STATS_CLONES static void name (const type *codes, gsize n, type flip, type low,        \
                                 guint64 *keys)                                          \
  {                                                                                      \
    for (gsize i = 0; i < n; i++)                                                        \
      {                                                                                  \
        type negative = (type) - (type) (codes[i] >> (8 * sizeof (type) - 1));           \
        keys[i] = (type) (codes[i] ^ flip ^ (negative & low));                           \
      }                                                                                  \
  }

READ_KEYS (read_keys_16, guint16)
READ_KEYS (read_keys_32, guint32)
READ_KEYS (read_keys_64, guint64)

void
stats_keys_read (StDtype dtype, const guint8 *src, gsize n, guint64 *keys)
{
  const StatsSpace *space = &spaces[dtype];
  gconstpointer codes = src;

  if (space->bits == 16)
    read_keys_16 (codes, n, (guint16) space->flip, (guint16) space->low, keys);
  else if (space->bits == 32)
    read_keys_32 (codes, n, (guint32) space->flip, (guint32) space->low, keys);
  else
    read_keys_64 (codes, n, space->flip, space->low, keys);
}

void
stats_keys_sort (guint64 *keys, gsize n, guint bits, guint64 *work)
{
  if (n < 48)
    {
      for (gsize i = 1; i < n; i++)
        {
          guint64 key = keys[i];
          gsize j = i;
          for (; j > 0 && keys[j - 1] > key; j--)
            keys[j] = keys[j - 1];
          keys[j] = key;
        }
      return;
    }
  guint64 *from = keys, *to = work;
  for (guint shift = 0; shift < bits; shift += 8)
    {
      gsize places[256] = { 0 };
      for (gsize i = 0; i < n; i++)
        places[(from[i] >> shift) & 255]++;
      if (places[(from[0] >> shift) & 255] == n)
        continue; /* all alike here */
      for (gsize i = 0, sum = 0; i < 256; i++)
        {
          gsize count = places[i];
          places[i] = sum;
          sum += count;
        }
      for (gsize i = 0; i < n; i++)
        to[places[(from[i] >> shift) & 255]++] = from[i];
      guint64 *swap = from;
      from = to;
      to = swap;
    }
  if (from != keys)
    memcpy (keys, from, n * sizeof *keys);
}
