/* base-random.h: the two generators whose numbers other programs' pictures depend on
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

typedef enum
{
  BASE_RANDOM_CPU, /* torch.randn on the CPU: MT19937 */
  BASE_RANDOM_NV,  /* torch.randn on CUDA: Philox 4x32-10 */
} BaseRandomKind;

/**
 * BaseRandom: a seeded stream of unit-variance normals
 *
 * Its complete state can be written and read back, so that a stopped picture continues
 * with the same bits. Thread: one at a time.
 */
typedef struct _BaseRandom BaseRandom;

/** base_random_new: CPU uses the low 32 bits of @seed, as torch does; NV all 64 */
BaseRandom *base_random_new (BaseRandomKind kind, guint64 seed);
BaseRandom *base_random_copy (const BaseRandom *random);
void base_random_free (BaseRandom *random);
/**
 * base_random_normal: one torch.randn ((n,)) call; @dst gets @n floats
 *
 * Within 1e-6 of torch's, and the same bits on every machine. Several short CPU calls are
 * not one long call, nor are several NV calls: the shape of the calls matters.
 */
void base_random_normal (BaseRandom *random, gsize n, float *dst);
/** base_random_words: the generator's next @n raw words; NV: those of one call, 4 an
 * element */
void base_random_words (BaseRandom *random, gsize n, guint32 *dst);
/** base_random_save: (transfer full): the state; load gives NULL for a foreign one */
GBytes *base_random_save (const BaseRandom *random);
BaseRandom *base_random_load (GBytes *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BaseRandom, base_random_free)
