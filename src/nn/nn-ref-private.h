/* nn-ref-private.h: what the files of the plain C operators share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-private.h"
#include "base/base-parallel.h"

#define NN_REF_VECTOR BASE_VECTOR

typedef BaseWork NnRefWork;
/** nn_ref_parallel: all items 0 … count − 1, on the machine's cores when it pays */
void nn_ref_parallel (guint64 count, double flops, NnRefWork work, gpointer job);

float nn_ref_act (NnAct act, float x);

void nn_ref_linear (const NnOp *op, NnRefFind find, gpointer user_data);
void nn_ref_conv3 (const NnOp *op, NnRefFind find, gpointer user_data);
void nn_ref_group_norm (const NnOp *op, NnRefFind find, gpointer user_data);
void nn_ref_layer_norm (const NnOp *op, NnRefFind find, gpointer user_data);
void nn_ref_attention (const NnOp *op, NnRefFind find, gpointer user_data);
