/* nn-emit-private.h: what the emitters share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-private.h"
#include "shaders/include/params.h"

/* One dispatch in the making. The first three specialization constants of every kernel
 * (subgroup size, broadcast, fp16 output) are set by nn_emit_dispatch. */
typedef struct
{
  const char *shader; /* without the suffix of its variant */
  GpuBinding bindings[GPU_MAX_BINDINGS];
  guint n_bindings;
  gboolean half;    /* output is fp16 */
  gboolean sampled; /* through sampled buffers even where images are preferred */
  guint workgroup;  /* invocations; 0: one subgroup, and lanes may exchange values */
  guint subgroup;   /* size to require of a larger workgroup's subgroups; 0: any */
  guint32 spec[GPU_MAX_SPEC];
  guint n_spec;
  const void *push;
  guint push_size;
  guint32 groups[3];
  double flops;
  double bytes;        /* read and written, everything touched counted once */
  const char *variant; /* (nullable): for the profile */
} NnDispatch;

gboolean nn_emit_dispatch (const NnEmit *emit,
                           const NnOp *op,
                           const NnDispatch *d,
                           GError **error);

/** nn_op_shape: (transfer full): what @op computes, in words */
char *nn_op_shape (const NnOp *op);
/** nn_emit_bytes: of @x (nullable) in memory */
double nn_emit_bytes (const NnEmit *emit, const NnTensor *x);
/** nn_op_bytes: of inputs and output */
double nn_op_bytes (const NnEmit *emit, const NnOp *op);
double nn_op_weight_bytes (const NnOp *op);

/** nn_emit_lanes: invocations of a workgroup */
guint nn_emit_lanes (const NnEmit *emit);
/** nn_emit_has_lanes: whether kernels may exchange values between lanes */
gboolean nn_emit_has_lanes (const NnEmit *emit);

/* The input of an operator that takes one tensor or two: in one binding where both lie in
 * one buffer, else in two. */
typedef struct
{
  GpuBinding bindings[2];
  guint32 base[2]; /* first texel of each */
  gboolean split;
} NnSources;

NnSources nn_emit_sources (const NnEmit *emit, const NnTensor *x, const NnTensor *x2);

/* Part of an operator's output that one dispatch may write: whole images, or rows of one.
 * A binding holds no more than the device's storage range, and a dispatch has no more
 * than 65535 groups in each direction and not much more work than the device does while
 * somebody waits for Stop. Rows are cut at multiples of 1024. */
typedef struct
{
  guint32 image0, images;
  guint32 row0, rows; /* within the image */
  guint64 first;      /* absolute */
  GpuBinding output;
} NnPart;

/** nn_emit_parts: (element-type NnPart) (transfer full): @rows per image */
GArray *nn_emit_parts (const NnEmit *emit,
                       const NnTensor *y,
                       guint images,
                       guint64 rows,
                       guint64 rows_per_group);

/* A linear layer or a convolution as one product. */
typedef struct
{
  const NnTensor *x, *x2, *add, *residual;
  const NnWeight *weight, *bias;
  NnAct act;
  guint taps;
  guint images;
  guint64 rows; /* of an image */
  NnMatrixParams push;
} NnMatrixJob;

typedef struct
{
  const char *shader;
  guint tile_m;                    /* TM of the shader */
  guint k_unit;                    /* KU */
  guint columns;                   /* NC */
  guint group_rows, group_columns; /* of a workgroup, the latter vec4 */
} NnMatrixForm;

NnMatrixForm
nn_matrix_form (const NnEmit *emit, guint n4, guint taps, NnAct act, double flops);
char *nn_matrix_variant (const NnMatrixForm *form);
void nn_matrix_spec (NnDispatch *d,
                     const NnMatrixForm *form,
                     guint taps,
                     NnType type,
                     NnAct act,
                     gboolean residual,
                     gboolean split);
gboolean nn_matrix_describe (const NnOp *op, NnMatrixJob *job, GError **error);

/* ---- nn-variant.c ---- */

#define NN_MAX_VARIANTS 8

/**
 * nn_variants: what could compute @op, the likely best first; the direct form is last
 *
 * Returns: their number, at least 1
 */
guint nn_variants (const NnEmit *emit, const NnOp *op, NnVariant list[NN_MAX_VARIANTS]);

/* ---- nn-tile.c ---- */

/* A tile of a product as one workgroup makes it. */
typedef struct
{
  guint rows, columns, chunk; /* BM, BN, BK of shaders/include/product.glsl */
  /* staged: rows and vec4 columns of an invocation; matrix: subgroups */
  guint down, across;
  double rate; /* beside the best tile, when both fill the device */
} NnTile;

/** nn_tiles: the table of @family */
const NnTile *nn_tiles (NnFamily family, guint *n);
/** nn_tile_lanes: invocations of a workgroup */
guint nn_tile_lanes (const NnEmit *emit, NnFamily family, const NnTile *tile);
/** nn_tile_buffers: of a tile of NN_FAMILY_MATRIX in shared memory: 1 or 2 */
guint nn_tile_buffers (const NnEmit *emit, const NnTile *tile);
/** nn_tile_fits: whether the device has registers, shared memory and lanes for it */
gboolean
nn_tile_fits (const NnEmit *emit, NnFamily family, const NnTile *tile, NnAct act);

/* ---- the forms ---- */

/** nn_tiled_scratch: of partial sums */
guint64 nn_tiled_scratch (const NnOp *op);
gboolean
nn_emit_tiled (const NnEmit *emit, const NnOp *op, NnMatrixJob *job, GError **error);
gboolean nn_emit_matrix (const NnEmit *emit, const NnOp *op, GError **error);
/** nn_winograd_scratch: 0 where the direct form is the better one */
guint64 nn_winograd_scratch (const NnEmit *emit, const NnOp *op);
/** nn_winograd_needs_nothing: @op, planned, is done by Winograd's convolution whatever
 * memory there will be */
gboolean nn_winograd_needs_nothing (const NnEmit *emit, const NnOp *op);
/** nn_winograd_ready: transforms the weight if need be; FALSE when there is no memory for
 * it */
gboolean nn_winograd_ready (const NnEmit *emit, const NnOp *op);
gboolean
nn_emit_winograd (const NnEmit *emit, const NnOp *op, NnMatrixJob *job, GError **error);
/** nn_attention_fits: whether the device can do it in the form of @family */
gboolean nn_attention_fits (const NnEmit *emit, const NnAttention *p, NnFamily family);
gboolean nn_emit_attention (const NnEmit *emit, const NnOp *op, GError **error);
/* Widest head of which q and the output stay in one lane's registers, on CPU devices,
 * where registers are memory anyway and sums over lanes are dear. */
#define NN_NARROW_CPU 160
/** nn_attention_products_scratch: 0: not in this form */
guint64 nn_attention_products_scratch (const NnEmit *emit, const NnOp *op);
gboolean nn_emit_attention_products (const NnEmit *emit, const NnOp *op, GError **error);
guint64 nn_emit_group_norm_scratch (const NnEmit *emit, const NnOp *op);
gboolean nn_emit_group_norm (const NnEmit *emit, const NnOp *op, GError **error);
gboolean nn_emit_layer_norm (const NnEmit *emit, const NnOp *op, GError **error);

static inline guint32
nn_div_up (guint64 a, guint64 b)
{
  return (guint32) ((a + b - 1) / b);
}
