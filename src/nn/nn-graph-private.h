/* nn-graph-private.h: what constructors are made of
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-private.h"

void nn_graph_fault (NnGraph *graph, const char *label, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
NnTensor *nn_graph_tensor (NnGraph *graph, guint n, guint h, guint w, guint c);
NnOp *nn_graph_op (NnGraph *graph, NnOpKind kind, NnTensor *y, const char *label);
void nn_op_read (NnOp *op, NnTensor *x);
void nn_op_use (NnOp *op, NnWeight *weight);
