/* nn.h: operators, graphs and programs. A graph runs on a GPU or, by definition, in plain
 * C
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "gpu/gpu.h"

/* Layout: a tensor is [n][h][w][c], channels innermost; a token sequence is h = 1, w = T.
 * In memory channels are padded with zeros to a multiple of 4; whoever reads and writes
 * states sees them unpadded.
 *
 * Fusion is in the constructors' parameters, not in a pass over the graph: only the four
 * network builders call them, and they know what belongs together. */

#define NN_ERROR (nn_error_quark ())
GQuark nn_error_quark (void);
typedef enum
{
  NN_ERROR_SHAPE,
  NN_ERROR_WEIGHT,
  NN_ERROR_MEMORY,
  NN_ERROR_NOT_FINITE
} NnError;

typedef enum
{
  NN_F32,
  NN_F16,
  NN_BF16,
  NN_Q8 /* of weights on the device only: see nn_context_set_quantized */
} NnType;

/** nn_alloc: host memory of @n values of @each bytes, not cleared, freed with g_free;
 * NULL with NN_ERROR_MEMORY that names @what. Thread: any */
gpointer nn_alloc (gsize n, gsize each, const char *what, GError **error);
/** nn_alloc_fail: for tests: the call @at from now on fails, and @times − 1 after it */
void nn_alloc_fail (guint at, guint times);
/** nn_alloc_calls: since nn_alloc_fail */
guint nn_alloc_calls (void);

typedef struct _NnContext NnContext; /* a device and a precision; reference counted */
/** nn_context_new: @device NULL: the plain C reference. @activations: NN_F32 or NN_F16 */
NnContext *nn_context_new (GpuDevice *device, NnType activations);
/**
 * nn_context_new_plan: for programs that are planned but never run: nothing is allocated
 * on a device and no weight is read
 * @info: must outlive the context
 */
NnContext *nn_context_new_plan (const GpuInfo *info, NnType activations);
/** nn_context_set_frugal: for programs made from now on: transformed copies of weights
 * are made anew at each run instead of kept. The numbers stay the same. */
void nn_context_set_frugal (NnContext *context, gboolean frugal);
/** nn_context_set_resident: for programs made from now on: of a program's weights at most
 * @bytes stay on the device, others are streamed from host memory at every run; below
 * G_MAXUINT64 such programs are frugal. The numbers stay the same. */
void nn_context_set_resident (NnContext *context, guint64 bytes);
/** nn_context_set_quantized: weights named from now on are stored in 8 bits (q8_0: 32
 * values and a scale), but for vectors and small matrices */
void nn_context_set_quantized (NnContext *context, gboolean quantized);
/** nn_context_set_bands: for programs made from now on: 1: what a norm gives to a
 * convolution is not stored but made again in bands of rows; 2: nor is what enlarging
 * convolutions give, which are computed several times. The numbers stay the same. */
void nn_context_set_bands (NnContext *context, guint level);
/** nn_context_state_bytes: of all states, on the device */
guint64 nn_context_state_bytes (NnContext *context);
/* Kernels come in families, and each operator is computed by what is thought, or was
 * measured, to be the best of them. */
typedef enum
{
  NN_FAMILY_AUTO,
  NN_FAMILY_DIRECT, /* a subgroup alone, without shared memory: CPU devices */
  NN_FAMILY_STAGED, /* tiles in shared memory: any GPU */
  NN_FAMILY_MATRIX, /* the same on matrix units (VK_KHR_cooperative_matrix); fp16 only */
} NnFamily;
/** nn_context_set_family: for programs made from now on. What @family cannot do is done
 * by those before it. */
void nn_context_set_family (NnContext *context, NnFamily family);
/** nn_set_family: of contexts made from now on in this process, for diagnosis. Not for
 * several threads. */
void nn_set_family (NnFamily family);
/** nn_family_from_name: "auto", "direct", "staged" or "matrix" */
gboolean nn_family_from_name (const char *name, NnFamily *family);
const char *nn_family_name (NnFamily family);
NnContext *nn_context_ref (NnContext *context);
void nn_context_unref (NnContext *context);
GpuDevice *nn_context_device (NnContext *context); /* NULL for the reference */

/* ---- weights ---- */

typedef struct _NnWeight NnWeight;

typedef enum
{
  NN_WEIGHT_MATRIX, /* [out][in], as PyTorch's Linear and 1×1 Conv2d */
  NN_WEIGHT_CONV3,  /* [out][in][3][3] */
  NN_WEIGHT_VECTOR, /* [out] : bias, gamma, beta */
} NnWeightKind;

/** NnReadFunc: copies the whole tensor, packed, in its type. Thread: any, several at
 * once. */
typedef gboolean (*NnReadFunc) (gpointer source, void *dst, gsize n, GError **error);

typedef struct
{
  NnReadFunc read;
  gpointer source;
  GDestroyNotify destroy; /* of source, when the weight is freed */
  NnType type;
  guint out;
} NnWeightPart;

#define NN_MAX_PARTS 3

/**
 * nn_weight_new:
 * @parts: one, or several matrices that are stacked along `out` (q, k and v)
 * @in: columns; 1 for vectors
 *
 * Nothing is read before the weight is placed by nn_weights_load or by the first program
 * that uses it. Belongs to @context's weights; freed with nn_context_clear_weights or the
 * context.
 */
NnWeight *nn_weight_new (NnContext *context,
                         const char *name,
                         NnWeightKind kind,
                         const NnWeightPart *parts,
                         guint n_parts,
                         guint in);
/** nn_weight_change: its sources give other values from now on: what was made of it is
 * dropped, and whoever needs it reads it again */
void nn_weight_change (NnWeight *weight);
/** nn_weight_remove: frees it; programs that use it must be gone */
void nn_weight_remove (NnWeight *weight);
guint nn_weight_out (const NnWeight *weight);
guint nn_weight_in (const NnWeight *weight);
/** nn_context_load_weights: reads and repacks all that is not there yet; progress in
 * bytes, stage "weights" */
gboolean
nn_context_load_weights (NnContext *context, const BaseTask *task, GError **error);
/** nn_context_evict: frees what weights take on the device; programs read it again */
void nn_context_evict (NnContext *context);
/** nn_context_clear_weights: frees all weights; programs that use them must be gone */
void nn_context_clear_weights (NnContext *context);
/** nn_context_weight_bytes: what all weights take on the device once they are loaded */
guint64 nn_context_weight_bytes (NnContext *context);

/* ---- states: what lives between programs and is seen by the host ----
 *
 * Always fp32, zeros at first. A state outlives the programs that load or store it.
 * Reading one that holds a NaN or an infinity fails with NN_ERROR_NOT_FINITE, naming the
 * state. */

typedef struct _NnState NnState;
NnState *nn_state_new (NnContext *context,
                       guint n,
                       guint h,
                       guint w,
                       guint c,
                       const char *name,
                       GError **error);
void nn_state_free (NnState *state);
gsize nn_state_count (const NnState *state); /* n·h·w·c */
gboolean nn_state_write (NnState *state, const float *src, GError **error);
gboolean nn_state_read (NnState *state, float *dst, GError **error);

/* ---- graphs ---- */

typedef struct _NnGraph NnGraph;
typedef struct _NnTensor NnTensor; /* belongs to its graph */

NnGraph *nn_graph_new (NnContext *context, const char *name);
/** nn_graph_set_exact: activations made from now on are kept in 32 bits, whatever the
 * context's are: for networks whose numbers outgrow 16 */
void nn_graph_set_exact (NnGraph *graph, gboolean exact);
void nn_graph_free (NnGraph *graph);
guint nn_tensor_n (const NnTensor *x);
guint nn_tensor_h (const NnTensor *x);
guint nn_tensor_w (const NnTensor *x);
guint nn_tensor_c (const NnTensor *x);

/* A shape that does not fit makes the constructor return a tensor all the same and marks
 * the graph; nn_program_new reports the first such fault with @label. */

NnTensor *nn_load (NnGraph *graph, NnState *state);
void nn_store (NnGraph *graph, NnTensor *x, NnState *state);

typedef enum
{
  NN_ACT_NONE,
  NN_ACT_SILU,
  NN_ACT_GELU,       /* exact, by erf */
  NN_ACT_QUICK_GELU, /* x·sigmoid(1.702 x) */
  NN_ACT_GEGLU,      /* linear only: first half × gelu (second half); halves the width */
  NN_ACT_RELU,
} NnAct;

typedef struct
{
  NnTensor *x, *x2; /* x2: (nullable): channels that follow x's (a concat) */
  NnWeight *weight; /* NN_WEIGHT_MATRIX, in = c (x) + c (x2) */
  NnWeight *bias;   /* (nullable) */
  NnAct act;
  NnTensor *residual; /* (nullable): added last */
} NnLinear;
/** nn_linear: y = act (x·Wᵀ + b) + residual, at every pixel or token */
NnTensor *nn_linear (NnGraph *graph, const NnLinear *p, const char *label);

typedef struct
{
  NnTensor *x, *x2;
  NnWeight *weight, *bias; /* NN_WEIGHT_CONV3 */
  guint stride;            /* 0 or 1: 1; 2 */
  gboolean pad_end; /* stride 2 with zeros at the bottom and right only (VAE encoder) */
  guint up_h, up_w; /* not 0: x is first resized to this, nearest: src = ⌊dst·in/out⌋ */
  NnTensor
      *channel_add; /* (nullable): [1 or n][1][1][≥ offset + out], added at every pixel */
  guint channel_add_offset;
  NnAct act; /* NONE, SILU or RELU */
  NnTensor *residual;
} NnConv3;
/** nn_conv3: 3×3, zero padding 1 */
NnTensor *nn_conv3 (NnGraph *graph, const NnConv3 *p, const char *label);

typedef struct
{
  NnTensor *x, *x2;
  NnWeight *gamma, *beta;
  guint groups;
  float eps;
  gboolean silu;
} NnGroupNorm;
/** nn_group_norm: over all of x followed by x2; a group may straddle both. Wu & He 2018
 */
NnTensor *nn_group_norm (NnGraph *graph, const NnGroupNorm *p, const char *label);

NnTensor *nn_layer_norm (NnGraph *graph,
                         NnTensor *x,
                         NnWeight *gamma,
                         NnWeight *beta,
                         float eps,
                         const char *label);

typedef struct
{
  NnTensor *q, *k, *v;
  guint q_offset, k_offset,
      v_offset;          /* first channel, for stacked projections; multiples of 4 */
  guint heads, head_dim; /* head_dim a multiple of 4, 8 … 512 */
  gboolean causal;
  guint k_valid; /* keys used, ≤ T of k; 0: all */
} NnAttention;
/** nn_attention: softmax (q·kᵀ/√d)·v by heads; flash form, never T×T in memory. Dao et
 * al. 2022 */
NnTensor *nn_attention (NnGraph *graph, const NnAttention *p, const char *label);

/** nn_time_embed: @t [n][1][1][1]; [cos | sin] with max period 10000, as SD's
 * timestep_embedding */
NnTensor *nn_time_embed (NnGraph *graph, NnTensor *t, guint dim, const char *label);
NnTensor *nn_act (NnGraph *graph, NnTensor *x, NnAct act, const char *label);
/** nn_prelu: x where it is positive, else x times its channel's @slope (He et al. 2015)
 * @slope: NN_WEIGHT_VECTOR; of equal values: a leaky ReLU */
NnTensor *nn_prelu (NnGraph *graph, NnTensor *x, NnWeight *slope, const char *label);
/** nn_combine: Σ coefs[i]·xs[i], i < n_xs ≤ 4; @coefs is a tensor [1][1][1][n_xs]: the
 * sampler's step */
NnTensor *nn_combine (
    NnGraph *graph, NnTensor *const *xs, guint n_xs, NnTensor *coefs, const char *label);

/* ---- programs ---- */

typedef struct _NnProgram NnProgram;

/**
 * nn_program_new: takes the graph's plan: places activations in one arena by lifetime.
 * @graph may be freed afterwards. Programs of one context share one arena, so they run
 * one at a time; the arena is as large as the largest needs that ran, and goes with the
 * last of them.
 */
NnProgram *nn_program_new (NnGraph *graph, gboolean profile, GError **error);
void nn_program_free (NnProgram *program);
/** nn_program_rehearse: has the kernels that @program will need compiled in the
 * background, before its weights are there; faults show when it runs */
void nn_program_rehearse (NnProgram *program);
gboolean nn_program_run (NnProgram *program, const BaseTask *task, GError **error);
/** nn_program_first_fault: (transfer full) (nullable): the label of the first operator
 * that gives a NaN or an infinity, when the program has run */
char *nn_program_first_fault (NnProgram *program);
guint64 nn_program_arena_bytes (const NnProgram *program);
/** nn_program_resident_bytes: of its weights, those that are on the device while it runs
 */
guint64 nn_program_resident_bytes (const NnProgram *program);
/** nn_program_streamed_bytes: of its weights, those that come from host memory at each
 * run
 */
guint64 nn_program_streamed_bytes (const NnProgram *program);
/** nn_program_copies_bytes: of weights in other forms that are kept beside them; 0 where
 * the context is frugal */
guint64 nn_program_copies_bytes (const NnProgram *program);
double nn_program_flops (const NnProgram *program);
GArray *nn_program_timings (NnProgram *program); /* GpuTiming; for the reference too */

/* ---- measuring ---- */

/**
 * nn_program_tune: measures every kernel that could compute an operator of @program, for
 * shapes that were not measured yet, and keeps what was the fastest: for programs made
 * from then on, in this process and later ones
 * @n_tuned: shapes that were measured; always 0 where there is but one kernel for each
 *
 * Blocking, for some seconds on a GPU; stage "tune". FALSE: cancelled.
 */
gboolean nn_program_tune (NnProgram *program,
                          guint *n_tuned,
                          const BaseTask *task,
                          GError **error);

/* What a program asks of its device. */
typedef struct
{
  guint operators, dispatches;
  guint barriers;
  guint levels;       /* dispatches that wait for each other, one after the other */
  double flops;       /* of the operators, however they are computed */
  double bytes;       /* read and written by all dispatches */
  double ideal_bytes; /* weights once, each activation written once and read once */
} NnProgramFacts;
/** nn_program_facts: FALSE before the first run, and for the reference */
gboolean nn_program_facts (NnProgram *program, NnProgramFacts *facts);

/* What a device does per second with our kernels on work that suits them. */
typedef struct
{
  double flops;            /* a large product */
  double processor_flops;  /* the same, per second of processor time; CPU devices only */
  double bytes;            /* copied: read plus written */
  double dispatch_seconds; /* of one that does nothing and waits for the one before */
} NnDeviceRates;
/** nn_measure_device: takes about a second. Blocking. */
gboolean nn_measure_device (GpuDevice *device,
                            NnType activations,
                            NnDeviceRates *rates,
                            const BaseTask *task,
                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (NnContext, nn_context_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NnState, nn_state_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NnGraph, nn_graph_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NnProgram, nn_program_free)
