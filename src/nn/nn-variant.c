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
#define MAX_TILES 16 /* of a family */
/* A part shorter than this is not worth its sums' way through memory. */
#define MIN_PART_K 256
/* Values of an output beyond which nothing is gained by splitting */
#define MAX_SPLIT (1u << 23)
/* In multiply-adds of one core: to write a partial sum and read it again */
#define COST_PARTIAL 24.0
/* The same: to start a dispatch's workgroups */
#define COST_WAVE 20000.0

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

  return can_bind (emit, op) && op->weights[0]->stored != NN_Q8
         && (x2 == NULL || nn_emit_type (emit, x2) == nn_emit_type (emit, x));
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

/* Matrix units take fp16. */
static gboolean
has_halves (const NnEmit *emit, const NnOp *op)
{
  const NnTensor *x = op->inputs[0];

  return emit->info->matrix_m > 0 && nn_emit_type (emit, x) == NN_F16;
}

static guint
add_tiles (
    const NnEmit *emit, const NnOp *op, NnFamily family, NnVariant *list, guint room)
{
  NnAct act = op->kind == NN_OP_LINEAR ? op->linear.act : op->conv3.act;
  Candidate candidates[MAX_TILES];
  Size s = size_of (op);
  guint n = 0, n_tiles;
  const NnTile *tiles = nn_tiles (family, &n_tiles);

  if (!can_tile (emit, op) || (family == NN_FAMILY_MATRIX && !has_halves (emit, op)))
    return 0;
  for (guint i = 0; i < n_tiles; i++)
    {
      Candidate *c = &candidates[n];

      if (!nn_tile_fits (emit, family, &tiles[i], act))
        continue;
      c->variant = (NnVariant){ family, i, 1 };
      c->variant.parts
          = allowed_parts (emit, &s, best_parts (emit, &s, &tiles[i], &c->cost));
      n++;
    }
  qsort (candidates, n, sizeof *candidates, by_cost);
  n = MIN (n, room);
  for (guint i = 0; i < n; i++)
    list[i] = candidates[i].variant;
  return n;
}

static guint
add_family (
    const NnEmit *emit, const NnOp *op, NnFamily family, NnVariant *list, guint room)
{
  if (op->kind == NN_OP_LINEAR || op->kind == NN_OP_CONV3)
    return add_tiles (emit, op, family, list, room);
  if (op->kind != NN_OP_ATTENTION || !can_bind (emit, op)
      || !nn_attention_fits (emit, &op->attention, family))
    return 0;
  list[0] = (NnVariant){ family, 0, 1 };
  return 1;
}

guint
nn_variants (const NnEmit *emit, const NnOp *op, NnVariant list[NN_MAX_VARIANTS])
{
  NnFamily most = emit->family;
  guint n = 0;

  if (most == NN_FAMILY_AUTO)
    most = emit->info->kind == GPU_KIND_CPU ? NN_FAMILY_DIRECT : NN_FAMILY_MATRIX;
  if (most == NN_FAMILY_MATRIX)
    n += add_family (emit, op, NN_FAMILY_MATRIX, list, NN_MAX_VARIANTS / 2);
  if (most >= NN_FAMILY_STAGED)
    n += add_family (emit, op, NN_FAMILY_STAGED, list + n, NN_MAX_VARIANTS - 1 - n);
  list[n++] = (NnVariant){ NN_FAMILY_DIRECT, 0, 1 };
  return n;
}
