/* nn-variant.c: which kernels could compute an operator, and in which order to try them
 *
 * The table of all forms: a family and, of the tiled families, a tile and the number of
 * parts into which k is split. A small product fills a large GPU only with small tiles or
 * with k split; a large one is faster in large tiles. The order is that of a model: whole
 * waves of whole tiles, at the tile's rate. It is a guess; measuring may pick another
 * member of the list.
 *
 * On CPU devices barriers are dear and shared memory is memory: there the direct form is
 * the only one offered unless another is asked for.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"

#define TILED_BINDINGS 7
#define MAX_PARTS 16
/* A part shorter than this is not worth its sums' way through memory. */
#define MIN_PART_K 256
/* Values of an output beyond which nothing is gained by splitting */
#define MAX_SPLIT (1u << 23)
/* In multiply-adds of one core: to write a partial sum and read it again */
#define COST_PARTIAL 24.0
/* The same: to start a dispatch's workgroups */
#define COST_WAVE 20000.0

/* Rates are a guess from the loads per multiplication. */
static const NnTile staged[] = {
  { 128, 160, 16, 8, 2, 1.0 }, { 128, 128, 16, 8, 2, 0.97 }, { 128, 64, 16, 8, 2, 0.85 },
  { 64, 64, 16, 4, 2, 0.7 },   { 32, 64, 16, 4, 2, 0.55 },
};

const NnTile *
nn_variant_tile (const NnVariant *variant)
{
  return &staged[variant->tile];
}

typedef struct
{
  guint64 rows, columns, k;
} Size;

static Size
size_of (const NnOp *op)
{
  const NnWeight *weight
      = op->kind == NN_OP_LINEAR ? op->linear.weight : op->conv3.weight;
  const NnTensor *y = op->y;

  return (Size){ (guint64) y->n * y->h * y->w, nn_pad4 (weight->out),
                 (guint64) weight->in * (weight->kind == NN_WEIGHT_CONV3 ? 9 : 1) };
}

static double
cost_of (const NnEmit *emit, const Size *s, const NnTile *tile, guint parts)
{
  double cores = emit->info->cores;
  double tiles
      = (double) nn_div_up (s->rows, tile->rows) * nn_div_up (s->columns, tile->columns);
  double waves = nn_div_up ((guint64) (tiles * parts), (guint64) cores);
  double work = (double) tile->rows * tile->columns * s->k / parts / tile->rate;
  double sums = parts > 1 ? COST_PARTIAL * s->rows * s->columns * parts / cores : 0;

  return waves * (work + COST_WAVE) + sums + (parts > 1 ? COST_WAVE : 0);
}

static guint
best_parts (const NnEmit *emit, const Size *s, const NnTile *tile, double *cost)
{
  guint best = 1;

  *cost = cost_of (emit, s, tile, 1);
  for (guint parts = 2; parts <= MAX_PARTS && s->k / parts >= MIN_PART_K; parts++)
    {
      double c = cost_of (emit, s, tile, parts);

      if (c >= *cost)
        continue;
      *cost = c;
      best = parts;
    }
  return best;
}

static gboolean
fits (const NnEmit *emit, const NnTensor *x)
{
  guint64 bytes = nn_tensor_elements (x) * (nn_emit_type (emit, x) == NN_F16 ? 2 : 4);

  return bytes <= emit->info->max_storage_range;
}

/* Whether the tiled forms can read what @op reads: everything is bound whole. */
static gboolean
can_bind (const NnEmit *emit, const NnOp *op)
{
  if (emit->info->max_storage_buffers < TILED_BINDINGS)
    return FALSE;
  for (guint i = 0; i < op->n_inputs; i++)
    if (!fits (emit, op->inputs[i]))
      return FALSE;
  for (guint i = 0; i < op->n_weights; i++)
    if (nn_weight_device_bytes (op->weights[i]) > emit->info->max_storage_range)
      return FALSE;
  return TRUE;
}

/* Both sources of a product are read alike. */
static gboolean
can_tile (const NnEmit *emit, const NnOp *op)
{
  const NnTensor *x = op->kind == NN_OP_LINEAR ? op->linear.x : op->conv3.x;
  const NnTensor *x2 = op->kind == NN_OP_LINEAR ? op->linear.x2 : op->conv3.x2;

  return can_bind (emit, op)
         && (x2 == NULL || nn_emit_type (emit, x2) == nn_emit_type (emit, x));
}

static guint
tile_lanes (const NnTile *tile)
{
  return tile->rows / tile->lane_rows * (tile->columns / 4 / tile->lane_columns);
}

static guint
tile_shared (const NnTile *tile)
{
  return tile->chunk * (tile->rows / 4 + 1 + tile->columns / 4) * 16;
}

typedef struct
{
  NnVariant variant;
  double cost;
} Candidate;

static int
by_cost (gconstpointer a, gconstpointer b)
{
  double x = ((const Candidate *) a)->cost, y = ((const Candidate *) b)->cost;

  return x < y ? -1 : x > y;
}

/* Partial sums need one binding for all of them, and one dispatch to add them up. */
static guint
allowed_parts (const NnEmit *emit, const Size *s, guint parts)
{
  guint64 bytes = s->rows * s->columns * 4;

  if (s->rows * s->columns > MAX_SPLIT)
    return 1;
  return (guint) CLAMP (emit->info->max_storage_range / bytes, 1, parts);
}

static guint
add_staged (const NnEmit *emit, const NnOp *op, NnVariant *list, guint room)
{
  Candidate candidates[G_N_ELEMENTS (staged)];
  Size s = size_of (op);
  guint n = 0;

  if (!can_tile (emit, op))
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (staged); i++)
    {
      Candidate *c = &candidates[n];

      if (tile_lanes (&staged[i]) > emit->info->max_workgroup
          || tile_shared (&staged[i]) > emit->info->max_shared_bytes)
        continue;
      c->variant = (NnVariant){ NN_FAMILY_STAGED, i, 1 };
      c->variant.parts
          = allowed_parts (emit, &s, best_parts (emit, &s, &staged[i], &c->cost));
      n++;
    }
  qsort (candidates, n, sizeof *candidates, by_cost);
  n = MIN (n, room);
  for (guint i = 0; i < n; i++)
    list[i] = candidates[i].variant;
  return n;
}

guint
nn_variants (const NnEmit *emit, const NnOp *op, NnVariant list[NN_MAX_VARIANTS])
{
  NnFamily most = emit->family;
  guint n = 0;

  if (most == NN_FAMILY_AUTO)
    most = emit->info->kind == GPU_KIND_CPU ? NN_FAMILY_DIRECT : NN_FAMILY_MATRIX;
  if ((op->kind == NN_OP_LINEAR || op->kind == NN_OP_CONV3) && most >= NN_FAMILY_STAGED)
    n += add_staged (emit, op, list, NN_MAX_VARIANTS - 1);
  if (op->kind == NN_OP_ATTENTION && most >= NN_FAMILY_STAGED && can_bind (emit, op)
      && nn_attention_can_stage (emit, &op->attention))
    list[n++] = (NnVariant){ NN_FAMILY_STAGED, 0, 1 };
  list[n++] = (NnVariant){ NN_FAMILY_DIRECT, 0, 1 };
  return n;
}
