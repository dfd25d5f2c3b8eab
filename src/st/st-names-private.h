/* st-names-private.h: from a length-counted name to its index in an array
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/* Open addressing, eight bytes a slot. The hash is SipHash-1-3 under a random key, so
 * that a hostile header cannot choose names that collide. Thread: readers any, one
 * writer. */
typedef struct _StNames StNames;

/** StNamesGet: name number @index of @items */
typedef const char *(*StNamesGet) (gconstpointer items, guint index, gsize *length);

StNames *st_names_new (StNamesGet get);
void st_names_free (StNames *names);
/**
 * st_names_find:
 * @items: the array, which may have moved since the names were added
 * @hash: (out) (optional): for st_names_add()
 *
 * Returns: the index, or -1
 */
gssize st_names_find (const StNames *names,
                      gconstpointer items,
                      const char *name,
                      gsize length,
                      guint32 *hash);
/** st_names_add: a name that is not there yet, with the hash from st_names_find() */
void st_names_add (StNames *names, guint32 hash, guint index);
/** st_names_renumber: after the array was sorted: entry i is now at @places[i] */
void st_names_renumber (StNames *names, const guint32 *places);

typedef struct
{
  guint64 key[2];
} StHashKey;

void st_hash_key_init (StHashKey *key);
guint64 st_hash (const StHashKey *key, const char *text, gsize length);
