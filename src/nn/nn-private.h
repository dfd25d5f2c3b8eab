/* nn-private.h: what the files of this room share: operators, tensors, where things lie
 *
 * The way of a network: the constructors (nn-graph.c) append NnOps to an NnGraph; a
 * program (nn-program.c) takes lifetimes, places tensors in the arena (nn-plan.c) and
 * asks the emitters (nn-emit-*.c) to turn each op into dispatches; or the reference
 * (nn-ref-*.c) computes the same ops in plain C.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn.h"

typedef enum
{
  NN_OP_LINEAR,
  NN_OP_CONV3,
  NN_OP_GROUP_NORM,
  NN_OP_LAYER_NORM,
  NN_OP_ATTENTION,
  NN_OP_TIME_EMBED,
  NN_OP_ACT,
  NN_OP_COMBINE,
  NN_OP_PRELU,
} NnOpKind;

typedef struct
{
  NnTensor *x;
  NnWeight *gamma, *beta;
  float eps;
} NnLayerNorm;

typedef struct
{
  NnTensor *t;
  guint dim;
} NnTimeEmbed;

typedef struct
{
  NnTensor *x;
  NnAct act;
} NnActOp;

typedef struct
{
  NnTensor *x;
  NnWeight *slope;
} NnPrelu;

typedef struct
{
  NnTensor *xs[4];
  guint n_xs;
  NnTensor *coefs;
} NnCombine;

/* How an operator is computed: see nn-variant.c. */
typedef struct
{
  NnFamily family; /* not AUTO */
  guint tile;      /* row of the family's table */
  guint parts;     /* of k, computed side by side and added up at the end; 1: not split */
} NnVariant;

#define NN_MAX_INPUTS 6
#define NN_MAX_WEIGHTS 2

typedef struct
{
  NnOpKind kind;
  char label[96];
  NnTensor *y;
  NnTensor *inputs[NN_MAX_INPUTS]; /* every tensor that is read, no NULLs */
  guint n_inputs;
  NnWeight *weights[NN_MAX_WEIGHTS];
  guint n_weights;
  guint level;  /* 1 + the highest of its inputs' producers: barriers go between levels */
  double flops; /* 2 × multiply-adds */
  NnVariant variant; /* chosen with scratch_bytes */
  guint64
      scratch_bytes; /* asked by the emitter before planning (statistics, partial sums) */
  guint64 scratch_offset;
  guint band; /* rows made at once; 0: all */
  union
  {
    NnLinear linear;
    NnConv3 conv3;
    NnGroupNorm group_norm;
    NnLayerNorm layer_norm;
    NnAttention attention;
    NnTimeEmbed time_embed;
    NnActOp act;
    NnCombine combine;
    NnPrelu prelu;
  };
} NnOp;

struct _NnTensor
{
  NnGraph *graph;
  guint n, h, w, c;
  NnOp *producer; /* NULL: loaded from state */
  NnState *state; /* loaded from, or stored to: then it lies there and not in the arena */
  int last_use;   /* index of the last op that reads it; -1 */
  guint64 offset; /* in the arena */
  gboolean exact; /* in 32 bits, whatever the context's activations are */
  gboolean lazy;  /* never whole: see nn-bands.c */
  gboolean folded; /* a norm's, never stored: readers apply it, see nn-fold.c */
  guint window_first, window_rows; /* the rows that are there now, of a lazy one */
};

struct _NnGraph
{
  NnContext *context;
  char *name;
  GPtrArray *tensors, *ops; /* owned */
  gboolean exact;           /* of tensors made from now on */
  GError *fault;            /* the first shape that did not fit */
};

static inline guint
nn_pad4 (guint c)
{
  return (c + 3u) & ~3u;
}

/** nn_tensor_elements: stored elements, channels padded to 4 */
static inline guint64
nn_tensor_elements (const NnTensor *x)
{
  return (guint64) x->n * x->h * x->w * nn_pad4 (x->c);
}

/* A weight as given, and where it lies once loaded. */
struct _NnWeight
{
  NnContext *context;
  char *name;
  NnWeightKind kind;
  NnWeightPart parts[NN_MAX_PARTS];
  guint n_parts;
  guint in, out;
  NnType stored;     /* type on the device: VECTOR always NN_F32 */
  GpuBuffer *buffer; /* NULL until loaded */
  guint64 offset, bytes;
  gboolean streamed; /* by the program that runs: `store` is wanted, not `buffer` */
  GpuBuffer *store;  /* host memory, in the same layout: of a weight that is streamed */
  GpuBuffer *window; /* where it is while a program that streams it is recorded */
  guint64 window_offset;
  guint64 last_run;    /* of the context, that used it */
  GpuBuffer *winograd; /* CONV3, once an operator wants it: see nn-emit-winograd.c */
  float *host;         /* the reference's copy, as given ([out][in][taps]), F32 */
};

struct _NnState
{
  NnContext *context;
  char *name;
  guint n, h, w, c;
  guint64 bytes; /* on the device */
  GpuBuffer *
      buffer; /* device: fp32 always, padded: times, sigmas and latents are not rounded */
  float *host; /* reference: padded */
};

/* Device layout of MATRIX (taps = 1) and CONV3 (taps = 9, tap = 3·ky + kx):
 *   F32:        float [taps][pad4 (in)][pad4 (out)]
 *   F16, BF16:  word  [taps][pad4 (in) / 2][pad4 (out)], low half = even row of the pair
 *   Q8:         word  [taps · pad4 (in) / 4][pad4 (out)], four rows, the first in the low
 *               byte; then float [… / 32][pad4 (out)]: the scale of 32 rows
 * VECTOR: float [pad4 (out)]. Padding is zero. */
#define NN_Q8_ROWS 32u
guint64 nn_weight_device_bytes (const NnWeight *weight);
/** nn_weight_home: where it is kept: on the device, or streamed from */
static inline GpuBuffer **
nn_weight_home (NnWeight *weight)
{
  return weight->streamed ? &weight->store : &weight->buffer;
}
/** nn_weight_part_count: values of one part */
guint64 nn_weight_part_count (const NnWeight *weight, guint part);

/* ---- emitters: op → dispatches ---- */

/** NnChoose: how @op shall be computed: one of @list, the likely best first */
typedef NnVariant (*NnChoose) (const NnOp *op,
                               const NnVariant *list,
                               guint n,
                               gpointer user_data);

typedef struct
{
  GpuDevice *device;
  const GpuInfo *info;
  NnType activations;
  GPtrArray *arena;   /* GpuBuffer: its pages, see nn-context-private.h */
  guint64 arena_page; /* bytes of each but the last */
  NnFamily family;    /* that is wanted */
  NnChoose choose;    /* (nullable): else the likely best */
  gpointer choose_data;
  guint row_begin, row_end; /* rows of a picture that are to be made; 0, 0: all */
  gboolean statistics;      /* of a norm only these are to be made */
  gboolean frugal;          /* nothing is kept on the device beside weights as they are */
  GpuRecording *recording;  /* NULL while only scratch is asked for */
} NnEmit;

/** nn_emit_type: how @x lies in memory */
static inline NnType
nn_emit_type (const NnEmit *emit, const NnTensor *x)
{
  return x->state != NULL || x->exact ? NN_F32 : emit->activations;
}

/** nn_emit_read: texel binding of the whole tensor: F32X4 or F16X4, by its type */
GpuBinding nn_emit_read (const NnEmit *emit, const NnTensor *x);
/** nn_emit_write: storage binding; rows [first, first + count) of n·h·w */
GpuBinding
nn_emit_write (const NnEmit *emit, const NnTensor *x, guint64 first, guint64 count);
/** nn_emit_weight: texel binding of the whole weight: F32X4, or U32X4 for packed pairs */
GpuBinding nn_emit_weight (const NnEmit *emit, const NnWeight *weight);
/** nn_emit_scratch: storage binding */
GpuBinding nn_emit_scratch (const NnEmit *emit, const NnOp *op);

/** nn_emit_plan: chooses op->variant and fills op->scratch_bytes */
void nn_emit_plan (const NnEmit *emit, NnOp *op);
/** nn_emit_copies: bytes of a copy of its weight that is kept for a planned @op */
guint64 nn_emit_copies (const NnEmit *emit, const NnOp *op);
/** nn_emit_group_norm_end: the row behind the last that statistics of rows [begin, end)
 * of a norm's input need */
guint nn_emit_group_norm_end (const NnTensor *y, guint begin, guint end);
/** nn_emit_group_norm_stats: {mean, scale} of each vec4 column, images one by one; of a
 * norm that is folded or lazy */
GpuBinding nn_emit_group_norm_stats (const NnEmit *emit, const NnOp *op);
/** nn_emit_op: records the dispatches of @op, with barriers between its own stages only
 */
gboolean nn_emit_op (const NnEmit *emit, const NnOp *op, GError **error);
/** nn_emit_repack: @raw holds the parts one behind the other as in the file → weight's
 * place */
gboolean nn_emit_repack (const NnEmit *emit,
                         const NnWeight *weight,
                         GpuBuffer *raw,
                         guint64 raw_offset,
                         GError **error);

/* ---- reference ---- */

/** nn_ref_op: computes @op; storage of a tensor is had from @find (padded floats) */
typedef float *(*NnRefFind) (const NnTensor *x, gpointer user_data);
void nn_ref_op (const NnOp *op, NnRefFind find, gpointer user_data);
