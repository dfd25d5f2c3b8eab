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

BaseRandom *base_random_new (BaseRandomKind kind, guint64 seed);
BaseRandom *base_random_copy (const BaseRandom *random);
void base_random_free (BaseRandom *random);
/** base_random_normal: one torch.randn ((n,)) call; @dst gets @n floats */
void base_random_normal (BaseRandom *random, gsize n, float *dst);
/** base_random_save: (transfer full): the state; load gives NULL for a foreign one */
GBytes *base_random_save (const BaseRandom *random);
BaseRandom *base_random_load (GBytes *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BaseRandom, base_random_free)
