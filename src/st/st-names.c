/* st-names.c: see st-names-private.h
 *
 * SipHash: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012;
 * one round for each word and three at the end, as hash tables use it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-names-private.h"

#include <string.h>

typedef struct
{
  guint32 hash;
  guint32 place; /* index + 1; 0 is a free slot */
} Slot;

struct _StNames
{
  StNamesGet get;
  StHashKey key;
  Slot *slots;
  guint32 n, mask;
};

void
st_hash_key_init (StHashKey *key)
{
  for (guint i = 0; i < 2; i++)
    key->key[i] = (guint64) g_random_int () << 32 | g_random_int ();
}

static inline guint64
rotate (guint64 x, guint by)
{
  return x << by | x >> (64 - by);
}

static inline void
sip_round (guint64 v[4])
{
  v[0] += v[1];
  v[2] += v[3];
  v[1] = rotate (v[1], 13) ^ v[0];
  v[3] = rotate (v[3], 16) ^ v[2];
  v[0] = rotate (v[0], 32) + v[3];
  v[2] += v[1];
  v[3] = rotate (v[3], 21) ^ v[0];
  v[1] = rotate (v[1], 17) ^ v[2];
  v[2] = rotate (v[2], 32);
}

guint64
st_hash (const StHashKey *key, const char *text, gsize length)
{
  guint64 v[4] = { key->key[0] ^ 0x736f6d6570736575u, key->key[1] ^ 0x646f72616e646f6du,
                   key->key[0] ^ 0x6c7967656e657261u, key->key[1] ^ 0x7465646279746573u };
  guint64 word = 0;
  gsize left = length;

  for (; left >= 8; left -= 8, text += 8)
    {
      memcpy (&word, text, 8);
      v[3] ^= word;
      sip_round (v);
      v[0] ^= word;
    }
  word = 0;
  memcpy (&word, text, left);
  word |= (guint64) length << 56;
  v[3] ^= word;
  sip_round (v);
  v[0] ^= word;
  v[2] ^= 0xff;
  for (guint i = 0; i < 3; i++)
    sip_round (v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

StNames *
st_names_new (StNamesGet get)
{
  StNames *names = g_new0 (StNames, 1);

  names->get = get;
  st_hash_key_init (&names->key);
  names->mask = 63;
  names->slots = g_new0 (Slot, names->mask + 1);
  return names;
}

void
st_names_free (StNames *names)
{
  if (names == NULL)
    return;
  g_free (names->slots);
  g_free (names);
}

gssize
st_names_find (const StNames *names,
               gconstpointer items,
               const char *name,
               gsize length,
               guint32 *hash_out)
{
  const guint32 hash = (guint32) st_hash (&names->key, name, length);

  if (hash_out != NULL)
    *hash_out = hash;
  for (guint32 i = hash & names->mask; names->slots[i].place != 0;
       i = (i + 1) & names->mask)
    if (names->slots[i].hash == hash)
      {
        const guint32 index = names->slots[i].place - 1;
        gsize other_length;
        const char *other = names->get (items, index, &other_length);

        if (other_length == length && memcmp (other, name, length) == 0)
          return index;
      }
  return -1;
}

static void
put (Slot *slots, guint32 mask, Slot slot)
{
  guint32 i = slot.hash & mask;

  while (slots[i].place != 0)
    i = (i + 1) & mask;
  slots[i] = slot;
}

void
st_names_add (StNames *names, guint32 hash, guint index)
{
  if (names->n >= names->mask / 2)
    {
      const guint32 mask = names->mask * 2 + 1;
      Slot *slots = g_new0 (Slot, (gsize) mask + 1);

      for (gsize i = 0; i <= names->mask; i++)
        if (names->slots[i].place != 0)
          put (slots, mask, names->slots[i]);
      g_free (names->slots);
      names->slots = slots;
      names->mask = mask;
    }
  put (names->slots, names->mask, (Slot){ hash, index + 1 });
  names->n++;
}

void
st_names_renumber (StNames *names, const guint32 *places)
{
  for (gsize i = 0; i <= names->mask; i++)
    if (names->slots[i].place != 0)
      names->slots[i].place = places[names->slots[i].place - 1] + 1;
}
