/* nn-ref-private.h: what the files of the plain C operators share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-private.h"

/* The same source for wider vectors, chosen when the program starts. Results are the same
 * bits: no contraction, and no sum is reordered. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__)                       \
    && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define NN_REF_VECTOR                                                                    \
  __attribute__ ((target_clones ("arch=x86-64-v4", "avx2", "default")))
#else
#define NN_REF_VECTOR
#endif

/** NnRefWork: does item @index of a job; items are independent */
typedef void (*NnRefWork) (guint64 index, gpointer job);
/** nn_ref_parallel: all items 0 … count − 1, on the machine's cores when it pays */
void nn_ref_parallel (guint64 count, double flops, NnRefWork work, gpointer job);

float nn_ref_act (NnAct act, float x);

void nn_ref_linear (const NnOp *op, NnRefFind find, gpointer user_data);
void nn_ref_conv3 (const NnOp *op, NnRefFind find, gpointer user_data);
void nn_ref_group_norm (const NnOp *op, NnRefFind find, gpointer user_data);
void nn_ref_layer_norm (const NnOp *op, NnRefFind find, gpointer user_data);
void nn_ref_attention (const NnOp *op, NnRefFind find, gpointer user_data);
