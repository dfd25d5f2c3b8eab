/* st-arena.c: see st-arena-private.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-arena-private.h"

#include <string.h>

/* Blocks double from 4 KiB, so that a small file stays small and a large one has few. */
#define FIRST_BLOCK (4u << 10)
#define LARGEST_BLOCK (4u << 20)

typedef struct _Block Block;
struct _Block
{
  Block *before;
  gsize size; /* keeps what follows aligned to 16 */
};

struct _StArena
{
  Block *block;
  char *at, *end;
};

StArena *
st_arena_new (void)
{
  return g_new0 (StArena, 1);
}

void
st_arena_free (StArena *arena)
{
  if (arena == NULL)
    return;
  while (arena->block != NULL)
    {
      Block *before = arena->block->before;

      g_free (arena->block);
      arena->block = before;
    }
  g_free (arena);
}

static void
add_block (StArena *arena, gsize at_least)
{
  const gsize last = arena->block != NULL ? arena->block->size : FIRST_BLOCK / 2;
  const gsize size = MAX (MIN (last * 2, LARGEST_BLOCK), at_least);
  Block *block = g_malloc (sizeof *block + size);

  block->before = arena->block;
  block->size = MIN (size, LARGEST_BLOCK);
  arena->block = block;
  arena->at = (char *) (block + 1);
  arena->end = arena->at + size;
}

void *
st_arena_alloc (StArena *arena, gsize size)
{
  const gsize padding = -(guintptr) arena->at & 15;
  char *memory;

  if ((gsize) (arena->end - arena->at) < padding
      || (gsize) (arena->end - arena->at) - padding < size)
    add_block (arena, size);
  else
    arena->at += padding;
  memory = arena->at;
  arena->at += size;
  return memory;
}

char *
st_arena_copy (StArena *arena, const char *text, gsize length)
{
  char *copy;

  if ((gsize) (arena->end - arena->at) <= length)
    add_block (arena, length + 1);
  copy = arena->at;
  memcpy (copy, text, length);
  copy[length] = 0;
  arena->at += length + 1;
  return copy;
}
