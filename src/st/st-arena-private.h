/* st-arena-private.h: memory that is taken in small pieces and given back at once
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/* A header of 100 MB has two million names and shapes: one malloc each would double the
 * memory and triple the time. Thread: one at a time. */
typedef struct _StArena StArena;

StArena *st_arena_new (void);
void st_arena_free (StArena *arena);
/** st_arena_alloc: @size bytes, aligned for any type, not cleared */
void *st_arena_alloc (StArena *arena, gsize size);
/** st_arena_copy: @length bytes and a closing NUL, unaligned */
char *st_arena_copy (StArena *arena, const char *text, gsize length);
