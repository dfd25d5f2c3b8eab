/* base-parallel.h: independent work on all of the machine's cores, in vectors as wide as
 * it has
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/* The same source for wider vectors, chosen when the program starts. Results are the same
 * bits: no contraction, and no sum is reordered. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__)                       \
    && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define BASE_VECTOR __attribute__ ((target_clones ("arch=x86-64-v4", "avx2", "default")))
#else
#define BASE_VECTOR
#endif

/** BaseWork: does item @index of a job; items are independent */
typedef void (*BaseWork) (guint64 index, gpointer job);

/**
 * base_parallel: all items 0 … @count − 1
 * @most: threads at most, this one among them; 1: on this thread alone
 *
 * Returns when all are done. Thread: any.
 */
void base_parallel (guint64 count, guint most, BaseWork work, gpointer job);
