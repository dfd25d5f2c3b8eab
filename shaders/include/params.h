/* params.h: the push constants of every kernel of the nn room, read by both C and GLSL
 *
 * Only 32-bit scalars, so that both sides lay them out alike. Sizes in “vec4” count
 * groups of four channels: one texel of an activation.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#ifndef NN_PARAMS_H
#define NN_PARAMS_H

#ifdef VULKAN
#define NN_PARAMS(name) struct name
#define NN_PARAMS_END(name) ;
#define NN_UINT uint
#else
#include <stdint.h>
#define NN_PARAMS(name) typedef struct
#define NN_PARAMS_END(name) name;
#define NN_UINT uint32_t
#endif

/* specialization constants: types of weights and activation functions (as NnType, NnAct)
 */
#define NN_SPEC_F32 0
#define NN_SPEC_F16 1
#define NN_SPEC_BF16 2
#define NN_SPEC_Q8 3
#define NN_SPEC_SILU 1
#define NN_SPEC_GELU 2
#define NN_SPEC_QUICK_GELU 3
#define NN_SPEC_GEGLU 4
#define NN_SPEC_RELU 5

#define NN_MATRIX_BIAS 1
#define NN_MATRIX_ADD 2
#define NN_MATRIX_RESIDUAL 4
/* specialization constant of the tiled forms: what is fp16; channels are multiples of 8 */
#define NN_TYPES_X_HALF 1
#define NN_TYPES_ADD_HALF 2
#define NN_TYPES_RESIDUAL_HALF 4
#define NN_TYPES_WIDE 8
/* the same of attention */
#define NN_TYPES_Q_HALF 1
#define NN_TYPES_K_HALF 2
#define NN_TYPES_V_HALF 4

/* matrix-*.comp. An “image” is a batch entry of a convolution; a linear has only one. */
NN_PARAMS (NnMatrixParams)
{
  NN_UINT n4;                 /* columns of the weight, vec4 */
  NN_UINT c4, c4_2;           /* channels of both sources, vec4 */
  NN_UINT base, base_2;       /* first texel of both */
  NN_UINT sources;            /* 1 or 2 */
  NN_UINT rows, row0, image0; /* rows of an image; first row and image of this dispatch */
  NN_UINT first;              /* absolute row at which the output's binding begins */
  NN_UINT h, w;               /* input */
  NN_UINT up_h, up_w;         /* input after resizing */
  NN_UINT mul_h, mul_w, shift; /* source row = row · mul >> shift */
  NN_UINT out_w, stride, pad;
  NN_UINT flags; /* NN_MATRIX_… */
  NN_UINT add_pitch4,
      add_base4; /* channel_add: vec4 from image to image (0: shared), first */
  NN_UINT weight_pairs;          /* pairs of rows of the weight from image to image */
  /* tiled forms: rows are counted through all images */
  NN_UINT total_rows, row_end;         /* of all; of this dispatch */
  NN_UINT chunks, part_chunks, parts;  /* of k: in all, in a part; parts */
}
NN_PARAMS_END (NnMatrixParams)

/* winograd-*.comp. Tiles of 4×4 or 6×6 output pixels, image by image, row by row. */
NN_PARAMS (NnWinogradParams)
{
  NN_UINT tile0, tiles;          /* of this dispatch */
  NN_UINT tiles_w, tiles_image;  /* tiles in a row, in an image */
  NN_UINT c4, c4_2;              /* input: as NnMatrixParams */
  NN_UINT base, base_2;
  NN_UINT h, w, up_h, up_w, mul_h, mul_w, shift;
  NN_UINT n4, out_h, out_w;      /* output */
  NN_UINT first;                 /* absolute row at which the output's binding begins */
  NN_UINT flags, add_pitch4, add_base4;
}
NN_PARAMS_END (NnWinogradParams)

/* attention-*.comp; t: tokens, pitch: vec4 from token to token, base: first vec4 of head
 * 0 */
NN_PARAMS (NnAttentionParams)
{
  NN_UINT t_q, t_k, k_valid, causal;
  NN_UINT q_pitch, k_pitch, v_pitch, y_pitch;
  NN_UINT q_base, k_base, v_base;
  NN_UINT image0, row0,
      first;   /* of this dispatch; absolute row of the output's binding */
  float scale; /* log2 (e) / √d */
}
NN_PARAMS_END (NnAttentionParams)

/* attention-gather.comp */
NN_PARAMS (NnGatherParams)
{
  NN_UINT rows, columns; /* of the matrix; columns in vec4 */
  NN_UINT valid;         /* rows that are there */
  NN_UINT row0, pitch, base; /* first row of the source, vec4 from row to row, first vec4 */
  float scale;
}
NN_PARAMS_END (NnGatherParams)

/* attention-softmax.comp */
NN_PARAMS (NnSoftmaxParams)
{
  NN_UINT columns; /* of a row, vec4 */
  NN_UINT valid;   /* scores of a row */
}
NN_PARAMS_END (NnSoftmaxParams)

/* group-norm-*.comp */
NN_PARAMS (NnGroupNormParams)
{
  NN_UINT pixels; /* of an image */
  NN_UINT c;      /* channels of both sources */
  NN_UINT c4, c4_2, base, base_2;
  NN_UINT chunk, chunks; /* pixels that one partial sum takes; partial sums of an image */
  NN_UINT groups;
  NN_UINT image0, row0, row_end, first; /* apply: pixels [row0, row_end) of each image */
  NN_UINT silu;
  float eps;
}
NN_PARAMS_END (NnGroupNormParams)

/* layer-norm.comp */
NN_PARAMS (NnLayerNormParams)
{
  NN_UINT rows, row0, c;
  float eps;
}
NN_PARAMS_END (NnLayerNormParams)

/* elements.comp, time-embed.comp */
NN_PARAMS (NnElementsParams)
{
  NN_UINT count; /* vec4 in all */
  NN_UINT start; /* first of this dispatch */
  NN_UINT n_xs;  /* combine: tensors; time-embed: dim */
}
NN_PARAMS_END (NnElementsParams)

/* repack.comp */
NN_PARAMS (NnRepackParams)
{
  NN_UINT source;      /* byte of the part within the binding */
  NN_UINT in_c, out_c; /* of the part */
  NN_UINT taps;
  NN_UINT column0;      /* where the part begins among the columns */
  NN_UINT columns;      /* columns that this dispatch writes, padding too */
  NN_UINT pitch;        /* words from row to row */
  NN_UINT rows_per_tap; /* words in a column of one tap */
  NN_UINT row0;         /* first row of this dispatch and of the output's binding */
}
NN_PARAMS_END (NnRepackParams)

#endif
