/* base-random.c: torch.randn of the CPU (MT19937) and of CUDA (Philox 4x32-10)
 *
 * CPU: Matsumoto and Nishimura's MT19937 (1998) seeded with the low 32 bits. A call for
 * 16 or more numbers fills the whole array with 24-bit uniforms and turns blocks of 16
 * into normals by Box and Muller's transform, element j with element j + 8; a tail is
 * made by drawing the last 16 anew. A call for fewer draws pairs of 53-bit uniforms in
 * double precision and keeps the second normal of a pair for the next short call.
 *
 * NV: Salmon et al.'s Philox 4x32 with ten rounds (2011). The key is the seed, counter
 * word 0 is the number of earlier calls, word 2 the index of the element; of the four
 * words the first two give one normal, the sine of Box and Muller's pair. This is what
 * CUDA does as long as a tensor has no more elements than the GPU runs threads.
 *
 * torch computes logarithm and cosine in single precision with vector approximations.
 * Here they come from base-elementary.c in double precision and are rounded to single
 * precision wherever torch's long form holds a single-precision value: five values of
 * six are then torch's very bits and none is 4e-7 away (of an angle that is not rounded
 * so, 2π would make 1.2e-6).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-random.h"
#include "base/base-elementary.h"

#include <math.h>
#include <string.h>

#define MT_N 624
#define MT_M 397
#define BLOCK 16
#define TWO_PI_F 0x1.921fb6p+2f /* 2π as a float */
#define TWO_PI 0x1.921fb54442d18p+2
#define STATE_MAGIC 0x31524c43 /* "CLR1" read as little-endian */

struct _BaseRandom
{
  guint32 magic;
  guint32 kind;
  guint64 seed;
  guint64 calls; /* NV: earlier calls */
  guint32 mt[MT_N];
  guint32 index; /* CPU: next word of @mt, MT_N when all are used */
  guint32 has_next;
  double next; /* CPU: second normal of the last pair of a short call */
};

/* The structure is written as it lies in memory: no byte of it may be padding. */
G_STATIC_ASSERT (sizeof (BaseRandom) == 4 * 2 + 8 * 2 + 4 * MT_N + 4 * 2 + 8);

static void
mt_seed (BaseRandom *random, guint32 seed)
{
  random->mt[0] = seed;
  for (guint32 i = 1; i < MT_N; i++)
    {
      guint32 previous = random->mt[i - 1];
      random->mt[i] = 1812433253u * (previous ^ (previous >> 30)) + i;
    }
  random->index = MT_N;
}

static void
mt_twist (BaseRandom *random)
{
  guint32 *mt = random->mt;

  for (guint i = 0; i < MT_N; i++)
    {
      guint32 y = (mt[i] & 0x80000000u) | (mt[(i + 1) % MT_N] & 0x7fffffffu);
      mt[i] = mt[(i + MT_M) % MT_N] ^ (y >> 1) ^ ((y & 1) ? 0x9908b0dfu : 0);
    }
  random->index = 0;
}

static guint32
mt_next (BaseRandom *random)
{
  guint32 y;

  if (random->index >= MT_N)
    mt_twist (random);
  y = random->mt[random->index++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

/* 24 bits in [0, 1) */
static float
mt_uniform (BaseRandom *random)
{
  return (float) (mt_next (random) & 0xffffff) * 0x1p-24f;
}

/* 53 bits in [0, 1) */
static double
mt_uniform_double (BaseRandom *random)
{
  guint64 high = mt_next (random);
  guint64 low = mt_next (random);

  return (double) (((high << 32) | low) & G_GUINT64_CONSTANT (0x1fffffffffffff))
         * 0x1p-53;
}

/* Sixteen uniforms become sixteen normals, in place. */
static void
normal_block (float *x)
{
  for (guint j = 0; j < BLOCK / 2; j++)
    {
      /* 1 - x is exact and in (0, 1] */
      float radius = sqrtf (-2.0f * (float) base_log (1.0f - x[j]));
      float angle = TWO_PI_F * x[j + BLOCK / 2];
      double sine, cosine;

      base_sincos (angle, &sine, &cosine);
      x[j] = radius * (float) cosine;
      x[j + BLOCK / 2] = radius * (float) sine;
    }
}

static void
cpu_normal_long (BaseRandom *random, gsize n, float *dst)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = mt_uniform (random);
  for (gsize i = 0; i + BLOCK <= n; i += BLOCK)
    normal_block (dst + i);
  if (n % BLOCK == 0)
    return;
  dst += n - BLOCK;
  for (gsize i = 0; i < BLOCK; i++)
    dst[i] = mt_uniform (random);
  normal_block (dst);
}

static float
cpu_normal_short (BaseRandom *random)
{
  double u1, u2, radius, sine, cosine;

  if (random->has_next)
    {
      random->has_next = FALSE;
      return (float) random->next;
    }
  u1 = mt_uniform_double (random);
  u2 = mt_uniform_double (random);
  radius = sqrt (-2.0 * base_log (1.0 - u2)); /* the difference is exact */
  base_sincos (TWO_PI * u1, &sine, &cosine);
  random->next = radius * sine;
  random->has_next = TRUE;
  return (float) (radius * cosine);
}

/* The four words of element @element of call @call. */
static void
philox (guint64 seed, guint64 call, guint64 element, guint32 word[4])
{
  guint32 key0 = (guint32) seed, key1 = (guint32) (seed >> 32);

  word[0] = (guint32) call;
  word[1] = (guint32) (call >> 32);
  word[2] = (guint32) element;
  word[3] = (guint32) (element >> 32);
  for (guint i = 0; i < 10; i++)
    {
      guint64 p = (guint64) 0xd2511f53u * word[0];
      guint64 q = (guint64) 0xcd9e8d57u * word[2];

      word[0] = (guint32) (q >> 32) ^ word[1] ^ key0;
      word[1] = (guint32) q;
      word[2] = (guint32) (p >> 32) ^ word[3] ^ key1;
      word[3] = (guint32) p;
      key0 += 0x9e3779b9u;
      key1 += 0xbb67ae85u;
    }
}

static float
nv_normal (guint64 seed, guint64 call, guint64 element)
{
  guint32 word[4];
  double u, angle, sine, cosine;

  philox (seed, call, element, word);
  u = word[0] * 0x1p-32 + 0x1p-33;
  /* cuRAND's factor is a float, 2π / 2³² */
  angle = word[1] * ((double) TWO_PI_F * 0x1p-32) + (double) TWO_PI_F * 0x1p-33;
  base_sincos (angle, &sine, &cosine);
  return (float) (sqrt (-2.0 * base_log (u)) * sine);
}

BaseRandom *
base_random_new (BaseRandomKind kind, guint64 seed)
{
  BaseRandom *random = g_new0 (BaseRandom, 1);

  random->magic = STATE_MAGIC;
  random->kind = kind;
  random->seed = seed;
  if (kind == BASE_RANDOM_CPU)
    mt_seed (random, (guint32) seed);
  return random;
}

BaseRandom *
base_random_copy (const BaseRandom *random)
{
  return random != NULL ? g_memdup2 (random, sizeof *random) : NULL;
}

void
base_random_free (BaseRandom *random)
{
  g_free (random);
}

void
base_random_normal (BaseRandom *random, gsize n, float *dst)
{
  if (random->kind == BASE_RANDOM_NV)
    {
      for (gsize i = 0; i < n; i++)
        dst[i] = nv_normal (random->seed, random->calls, i);
      if (n > 0)
        random->calls++;
    }
  else if (n >= BLOCK)
    cpu_normal_long (random, n, dst);
  else
    for (gsize i = 0; i < n; i++)
      dst[i] = cpu_normal_short (random);
}

void
base_random_words (BaseRandom *random, gsize n, guint32 *dst)
{
  guint32 word[4];

  for (gsize i = 0; i < n; i++)
    {
      if (random->kind == BASE_RANDOM_CPU)
        {
          dst[i] = mt_next (random);
          continue;
        }
      if (i % 4 == 0)
        philox (random->seed, random->calls, i / 4, word);
      dst[i] = word[i % 4];
    }
  if (random->kind == BASE_RANDOM_NV && n > 0)
    random->calls++;
}

GBytes *
base_random_save (const BaseRandom *random)
{
  return g_bytes_new (random, sizeof *random);
}

BaseRandom *
base_random_load (GBytes *state)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (state, &size);
  BaseRandom random;

  if (size != sizeof random)
    return NULL;
  memcpy (&random, data, sizeof random);
  if (random.magic != STATE_MAGIC || random.kind > BASE_RANDOM_NV || random.index > MT_N
      || random.has_next > 1 || !isfinite (random.next))
    return NULL;
  return base_random_copy (&random);
}
