/* nn-emit-winograd.c: 3×3 convolution by Winograd's F(m×m, 3×3) (Lavin & Gray 2015)
 *
 * Tiles of 4×4 pixels are transformed into 36 products of [tiles][in]·[in][out], a
 * quarter of the direct form's multiplications. It pays where arithmetic is dear: on CPU
 * devices convolutions become twice as fast. The price is a second copy of the weight,
 * 36/9 as large in fp32 (16 bits would cost a tenth of the signal), and rounding errors
 * about five times those of the direct form. Large pictures are cut into tiles of 6×6 and
 * 64 products: a fifth less of all that is computed and moved, where the cost of the
 * weight's copy, 64/9 as large, no longer tells; twice the rounding errors. The copy is
 * made at every run in the operator's scratch, which costs a fiftieth of a picture of
 * 64×64; for smaller ones it is made when first wanted and kept, unless memory is short
 * (NnEmit.frugal).
 *
 *
 * Three dispatches for each band of tiles: input, products, output with the epilogue.
 * Bands keep the scratch small enough for a processor's cache. A norm that is folded into
 * the convolution (nn-fold.c) is applied by the first.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-context-private.h"
#include "nn/nn-emit-private.h"
#include <unistd.h>

#define TILE 4u
#define LARGE_TILE 6u
#define LARGE_PIXELS 32768u /* of a picture, from here on */
#define LEAST_BAND ((guint64) 4 << 20)
#define MOST_BAND ((guint64) 32 << 20)
#define BAND_STEP 32u /* tiles: rows of a product's workgroup */
#define SCRATCH_STEP 4096u

/* In multiply-adds of the direct form, measured on lavapipe: a transform to one value of
 * one channel of one tile; two more dispatches. Products of fp32 weights are slower by a
 * fifth. */
#define COST_TRANSFORM 16.7
#define COST_DISPATCHES 1e6
#define COST_FP32 1.2
#define WORTH_IT 0.8

/* A weight is used once per pixel: large ones at small sizes are not worth their memory.
 */
#define WEIGHT_BYTES_PER_PIXEL ((guint64) 64 << 10)
/* Of physical memory, for all weights of a context */
#define MEMORY_SHARE 4

/* From here on the output's transform reads sampled buffers on every device: a seventh
 * faster than images on lavapipe, which is worth what its driver's cache may lose of it.
 */
#define SAMPLED 4e9
#define INLINE_PIXELS 4096u /* from here on the copy is not kept */

typedef struct
{
  guint k4, n4;
  guint tile, products;
  guint tiles_h, tiles_w;
  guint rows;        /* of tiles, all images */
  guint band;        /* tiles at once */
  gboolean by_image; /* the output is too large for one binding: bands are whole rows */
} Shape;

static guint64
round_up (guint64 bytes)
{
  return (bytes + SCRATCH_STEP - 1) / SCRATCH_STEP * SCRATCH_STEP;
}

static gboolean
keeps_copy (const NnEmit *emit, const NnOp *op)
{
  return !emit->frugal && op->y->n * op->y->h * op->y->w < INLINE_PIXELS;
}

static guint64
weight_bytes (const Shape *s)
{
  return (guint64) s->products * s->k4 * s->n4 * 64;
}

static void
choose_tile (Shape *s, const NnEmit *emit, const NnTensor *y)
{
  s->tile = LARGE_TILE;
  s->products = (LARGE_TILE + 2) * (LARGE_TILE + 2);
  if (y->h * y->w < LARGE_PIXELS || weight_bytes (s) > emit->info->max_storage_range)
    {
      s->tile = TILE;
      s->products = (TILE + 2) * (TILE + 2);
    }
  s->tiles_h = nn_div_up (y->h, s->tile);
  s->tiles_w = nn_div_up (y->w, s->tile);
  s->rows = y->n * s->tiles_h;
}

/* Whole tiles of the product's rows where nothing else cuts the bands. */
static guint
band_of (const NnEmit *emit, const Shape *s)
{
  guint64 limit = LEAST_BAND, tile_bytes, band;

  if (!emit->frugal) /* every band reads the whole weight */
    limit = CLAMP (weight_bytes (s), LEAST_BAND, MOST_BAND);
  limit = MIN (limit, emit->info->max_storage_range);
  tile_bytes = (guint64) s->products * 16 * (s->k4 + s->n4);
  band = limit / tile_bytes;
  if (s->by_image)
    return (guint) CLAMP (band / s->tiles_w, 1, s->tiles_h) * s->tiles_w;
  return (guint) MIN (MAX (band / BAND_STEP, 1) * BAND_STEP,
                      (guint64) s->rows * s->tiles_w);
}

static Shape
shape_of (const NnEmit *emit, const NnOp *op)
{
  const NnConv3 *p = &op->conv3;
  const NnTensor *y = op->y;
  guint64 y_bytes = nn_tensor_elements (y) * (nn_emit_type (emit, y) == NN_F16 ? 2 : 4);
  Shape s = { .k4 = nn_pad4 (p->weight->in) / 4,
              .n4 = nn_pad4 (p->weight->out) / 4,
              .by_image = y_bytes > emit->info->max_storage_range || emit->row_end != 0 };

  choose_tile (&s, emit, y);
  s.band = band_of (emit, &s);
  return s;
}

static guint64
band_bytes (const Shape *s, guint channels4)
{
  return round_up ((guint64) s->band * s->products * 16 * channels4);
}

gboolean
nn_winograd_needs_nothing (const NnEmit *emit, const NnOp *op)
{
  return op->variant.family == NN_FAMILY_DIRECT && op->scratch_bytes > 0
         && !keeps_copy (emit, op);
}

guint64
nn_winograd_scratch (const NnEmit *emit, const NnOp *op)
{
  const NnConv3 *p = &op->conv3;
  const NnTensor *y = op->y;
  Shape s = shape_of (emit, op);
  double pixels = (double) y->n * y->h * y->w, tiles = (double) s.rows * s.tiles_w;
  double k = 4.0 * s.k4, n = 4.0 * s.n4, direct = pixels * 9 * k * n, winograd;
  /* bindings of bands must begin aligned */
  gboolean aligned = !s.by_image || (guint64) y->w * s.n4 % 8 == 0;

  if (emit->info->kind != GPU_KIND_CPU || p->weight->stored == NN_Q8 || p->stride != 1
      || s.k4 < 4 || s.n4 < 4 || !aligned
      || weight_bytes (&s) > emit->info->max_storage_range
      || weight_bytes (&s) > WEIGHT_BYTES_PER_PIXEL * pixels)
    return 0;
  winograd = nn_div_up (tiles, 16) * 16 * (double) s.products * k * n * COST_FP32
             + tiles * (k + n) * COST_TRANSFORM * s.products + COST_DISPATCHES;
  if (winograd >= WORTH_IT * direct)
    return 0;
  return band_bytes (&s, s.k4) + band_bytes (&s, s.n4)
         + (keeps_copy (emit, op) ? 0 : round_up (weight_bytes (&s)));
}

/* ---- the weight ---- */

guint64
nn_emit_copies (const NnEmit *emit, const NnOp *op)
{
  Shape s;

  if (op->kind != NN_OP_CONV3 || op->scratch_bytes == 0 || !keeps_copy (emit, op))
    return 0;
  s = shape_of (emit, op);
  return weight_bytes (&s);
}

static guint64
spent_bytes (const NnContext *context)
{
  guint64 bytes = 0;

  for (guint i = 0; i < context->weights->len; i++)
    {
      const NnWeight *weight = g_ptr_array_index (context->weights, i);

      if (weight->winograd != NULL)
        bytes += gpu_buffer_size (weight->winograd);
    }
  return bytes;
}

/* The kernels of both tiles */
static const char *
kernel_of (const Shape *s, const char *small, const char *large)
{
  return s->tile == LARGE_TILE ? large : small;
}

static gboolean
emit_weight (const NnEmit *emit,
             const NnWeight *weight,
             const Shape *s,
             GpuBinding to,
             GError **error)
{
  NnWinogradParams push = { .c4 = s->k4, .n4 = s->n4 };
  NnDispatch d = { .shader = kernel_of (s, "winograd-weight", "winograd6-weight"),
                   .bindings = { nn_emit_weight (emit, weight), to },
                   .n_bindings = 2,
                   .spec = { weight->stored },
                   .n_spec = 1,
                   .push = &push,
                   .push_size = sizeof push,
                   .groups = { nn_div_up (s->n4, nn_emit_lanes (emit)), 4 * s->k4, 1 },
                   .flops = 1000.0 * s->k4 * s->n4,
                   .bytes = weight->bytes + weight_bytes (s) };

  d.bindings[0].kind = GPU_BIND_TEXEL_U32X4;
  return nn_emit_dispatch (emit, NULL, &d, error);
}

static gboolean
transform_weight (const NnEmit *emit,
                  const NnWeight *weight,
                  const Shape *s,
                  GpuBuffer *to,
                  GError **error)
{
  g_autoptr (GpuRecording) recording = gpu_recording_new (emit->device);
  NnEmit own = *emit;

  own.recording = recording;
  return emit_weight (&own, weight, s,
                      (GpuBinding){ to, 0, weight_bytes (s), GPU_BIND_STORAGE }, error)
         && gpu_recording_finish (recording, FALSE, error)
         && gpu_recording_run (recording, NULL, error);
}

gboolean
nn_winograd_ready (const NnEmit *emit, const NnOp *op)
{
  NnWeight *weight = op->conv3.weight;
  Shape s = shape_of (emit, op);
  guint64 memory = (guint64) sysconf (_SC_PHYS_PAGES) * sysconf (_SC_PAGESIZE);
  g_autoptr (GpuBuffer) buffer = NULL;

  if (weight->winograd != NULL || !keeps_copy (emit, op))
    return TRUE;
  if (gpu_recording_is_rehearsal (emit->recording))
    return emit_weight (emit, weight, &s, (GpuBinding){ .kind = GPU_BIND_STORAGE }, NULL);
  if (spent_bytes (weight->context) + weight_bytes (&s) > memory / MEMORY_SHARE)
    return FALSE;
  buffer = gpu_buffer_new (emit->device, weight_bytes (&s), GPU_BUFFER_DEVICE,
                           weight->name, NULL);
  if (buffer == NULL || !transform_weight (emit, weight, &s, buffer, NULL))
    return FALSE;
  weight->winograd = g_steal_pointer (&buffer);
  return TRUE;
}

/* ---- bands ---- */

typedef struct
{
  const NnOp *op;
  const NnOp *norm; /* (nullable): folded into it */
  NnMatrixJob *job;
  Shape s;
  NnSources sources;
  GpuBinding v, m, u; /* transformed input, products, transformed weight */
  NnWinogradParams push;
  double share; /* of the operator's flops */
} Band;

static GpuBinding
texels (GpuBinding binding)
{
  binding.kind = GPU_BIND_TEXEL_F32X4;
  return binding;
}

/* of a band with @channels4 columns, written or read */
static double
transformed_bytes (const Band *b, guint channels4)
{
  return (double) b->push.tiles * b->s.products * 16 * channels4;
}

static gboolean
emit_input (const NnEmit *emit, Band *b, GError **error)
{
  double inputs = nn_emit_bytes (emit, b->job->x) + nn_emit_bytes (emit, b->job->x2);
  NnDispatch d = { .shader = kernel_of (&b->s, "winograd-input", "winograd6-input"),
                   .bindings = { b->sources.bindings[0], b->sources.bindings[1], b->v },
                   .n_bindings = 3,
                   .spec = { b->sources.split },
                   .n_spec = 1,
                   .push = &b->push,
                   .push_size = sizeof b->push,
                   .flops = b->op->flops * b->share * 0.1,
                   .bytes = inputs * b->share + transformed_bytes (b, b->s.k4) };

  if (b->norm != NULL)
    {
      const NnGroupNorm *p = &b->norm->group_norm;

      d.shader = kernel_of (&b->s, "winograd-input-norm", "winograd6-input-norm");
      d.bindings[5] = b->v;
      d.bindings[4] = b->sources.bindings[1];
      d.bindings[1] = texels (nn_emit_group_norm_stats (emit, b->norm));
      d.bindings[2] = nn_emit_weight (emit, p->gamma);
      d.bindings[3] = nn_emit_weight (emit, p->beta);
      d.n_bindings = 6;
    }
  d.groups[0] = nn_div_up ((guint64) b->push.tiles * b->s.k4, nn_emit_lanes (emit));
  d.groups[1] = d.groups[2] = 1;
  return nn_emit_dispatch (emit, b->op, &d, error);
}

static gboolean
emit_products (const NnEmit *emit, const Band *b, GError **error)
{
  NnMatrixForm form = nn_matrix_form (emit, b->s.n4, 1, NN_ACT_NONE, b->op->flops);
  NnMatrixParams push = { .n4 = b->s.n4,
                          .c4 = b->s.k4,
                          .sources = 1,
                          .rows = b->push.tiles,
                          .weight_pairs = 2 * b->s.k4 };
  g_autofree char *variant = nn_matrix_variant (&form);
  GpuBinding v = texels (b->v);
  NnDispatch d = { .bindings = { v, b->u, v, v, v, v, b->m },
                   .n_bindings = 7,
                   .push = &push,
                   .push_size = sizeof push,
                   .flops = b->op->flops * b->share * 0.8,
                   .bytes = weight_bytes (&b->s) + transformed_bytes (b, b->s.k4)
                            + transformed_bytes (b, b->s.n4),
                   .variant = variant };

  nn_matrix_spec (&d, &form, 1, NN_F32, NN_ACT_NONE, FALSE, FALSE);
  d.groups[0] = nn_div_up (push.rows, form.group_rows);
  d.groups[1] = nn_div_up (b->s.n4, form.group_columns);
  d.groups[2] = b->s.products;
  return nn_emit_dispatch (emit, b->op, &d, error);
}

/* @row: of tiles, at which a band that consists of rows begins */
static gboolean
emit_output (const NnEmit *emit, Band *b, guint row, GError **error)
{
  const NnMatrixJob *job = b->job;
  const NnTensor *y = b->op->y;
  GpuBinding m = texels (b->m);
  double outputs = nn_emit_bytes (emit, y) + nn_emit_bytes (emit, job->residual);
  NnDispatch d
      = { .shader = kernel_of (&b->s, "winograd-output", "winograd6-output"),
          .sampled = b->op->flops > SAMPLED,
          .bindings = { m, job->bias != NULL ? nn_emit_weight (emit, job->bias) : m,
                        job->add != NULL ? nn_emit_read (emit, job->add) : m,
                        job->residual != NULL ? nn_emit_read (emit, job->residual) : m },
          .n_bindings = 5,
          .half = nn_emit_type (emit, y) == NN_F16,
          .spec = { job->act },
          .n_spec = 1,
          .push = &b->push,
          .push_size = sizeof b->push,
          .flops = b->op->flops * b->share * 0.1,
          .bytes = outputs * b->share + transformed_bytes (b, b->s.n4) };
  guint64 count = (guint64) y->n * y->h * y->w;

  b->push.first = 0;
  if (b->s.by_image)
    {
      guint y0 = row % b->s.tiles_h * b->s.tile, rows = b->push.tiles / b->s.tiles_w;

      b->push.first = (row / b->s.tiles_h * y->h + y0) * y->w;
      count = (guint64) MIN (rows * b->s.tile, y->h - y0) * y->w;
    }
  d.bindings[4] = nn_emit_write (emit, y, b->push.first, count);
  d.groups[0] = nn_div_up ((guint64) b->push.tiles * b->s.n4, nn_emit_lanes (emit));
  d.groups[1] = d.groups[2] = 1;
  return nn_emit_dispatch (emit, b->op, &d, error);
}

static Band
prepare (const NnEmit *emit, const NnOp *op, NnMatrixJob *job)
{
  NnMatrixParams *p = &job->push;
  Band b = { .op = op, .job = job, .s = shape_of (emit, op) };

  if (job->x->folded)
    {
      b.norm = job->x->producer;
      job->x = b.norm->group_norm.x;
      job->x2 = b.norm->group_norm.x2;
      p->c4 = nn_pad4 (job->x->c) / 4;
      p->c4_2 = job->x2 != NULL ? nn_pad4 (job->x2->c) / 4 : 0;
    }
  b.sources = nn_emit_sources (emit, job->x, job->x2);
  b.v = b.m = nn_emit_scratch (emit, op);
  b.v.kind = b.m.kind = GPU_BIND_STORAGE;
  b.v.size = band_bytes (&b.s, b.s.k4);
  b.m.offset += b.v.size;
  b.m.size = band_bytes (&b.s, b.s.n4);
  b.u = (GpuBinding){ op->conv3.weight->winograd, 0, weight_bytes (&b.s),
                      GPU_BIND_STORAGE };
  if (!keeps_copy (emit, op))
    {
      b.u.buffer = b.m.buffer;
      b.u.offset = b.m.offset + b.m.size;
    }
  b.push = (NnWinogradParams){ .tiles_w = b.s.tiles_w,
                               .tiles_image = b.s.tiles_w * b.s.tiles_h,
                               .c4 = p->c4,
                               .c4_2 = p->c4_2,
                               .base = b.sources.base[0],
                               .base_2 = b.sources.base[1],
                               .h = p->h,
                               .w = p->w,
                               .up_h = p->up_h,
                               .up_w = p->up_w,
                               .mul_h = p->mul_h,
                               .mul_w = p->mul_w,
                               .shift = p->shift,
                               .n4 = p->n4,
                               .out_h = op->y->h,
                               .out_w = op->y->w,
                               .flags = p->flags,
                               .add_pitch4 = p->add_pitch4,
                               .add_base4 = p->add_base4 };
  return b;
}

gboolean
nn_emit_winograd (const NnEmit *emit, const NnOp *op, NnMatrixJob *job, GError **error)
{
  Band b = prepare (emit, op, job);
  guint first = emit->row_begin / b.s.tile;
  guint last = emit->row_end != 0 ? nn_div_up (emit->row_end, b.s.tile) : b.s.rows;
  guint begin = first * b.s.tiles_w, end = last * b.s.tiles_w;
  guint image = b.push.tiles_image;

  if (!keeps_copy (emit, op) && !emit_weight (emit, op->conv3.weight, &b.s, b.u, error))
    return FALSE;
  b.u.kind = GPU_BIND_TEXEL_U32X4;
  for (guint tile = begin; tile < end; tile += b.push.tiles)
    {
      b.push.tile0 = tile;
      b.push.tiles = MIN (b.s.band, end - tile);
      if (b.s.by_image)
        b.push.tiles = MIN (b.push.tiles, image - tile % image);
      b.share = (double) b.push.tiles / ((double) b.s.rows * b.s.tiles_w);
      if (tile > begin) /* the scratch is used again */
        gpu_recording_barrier (emit->recording);
      if (!emit_input (emit, &b, error))
        return FALSE;
      gpu_recording_barrier (emit->recording);
      if (!emit_products (emit, &b, error))
        return FALSE;
      gpu_recording_barrier (emit->recording);
      if (!emit_output (emit, &b, tile / b.s.tiles_w, error))
        return FALSE;
    }
  return TRUE;
}
