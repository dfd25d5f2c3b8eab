/* nn-tile.c: the tiles that the tiled families offer, and what they ask of a device
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-emit-private.h"

/* Accumulators that a lane can keep in registers. A CPU device's compiler needs minutes
 * for as many. */
#define MAX_SUMS 128u
#define MAX_SUMS_CPU 32u
/* Rows of staged matrices lie so many values apart more than they are long. */
#define PADDING 8u

/* Rates are guesses, from the loads per multiplication. */
static const NnTile staged[] = {
  { 128, 160, 16, 8, 2, 1.0 }, { 128, 128, 16, 8, 2, 0.97 }, { 128, 64, 16, 8, 2, 0.85 },
  { 64, 64, 16, 4, 2, 0.7 },   { 32, 64, 16, 4, 2, 0.55 },
};

static const NnTile matrix[] = {
  { 256, 128, 32, 4, 2, 1.0 },  { 128, 256, 32, 2, 4, 1.0 },
  { 128, 160, 32, 4, 2, 0.92 }, { 128, 128, 32, 2, 4, 0.92 },
  { 128, 128, 32, 4, 4, 0.85 }, { 128, 64, 32, 2, 2, 0.8 },
  { 64, 128, 32, 2, 2, 0.8 },   { 64, 64, 32, 2, 2, 0.65 },
  { 32, 64, 32, 1, 2, 0.45 },   { 64, 64, 32, 4, 4, 0.5 },
};

const NnTile *
nn_tiles (NnFamily family, guint *n)
{
  *n = family == NN_FAMILY_MATRIX ? G_N_ELEMENTS (matrix) : G_N_ELEMENTS (staged);
  return family == NN_FAMILY_MATRIX ? matrix : staged;
}

guint
nn_tile_lanes (const NnEmit *emit, NnFamily family, const NnTile *tile)
{
  if (family == NN_FAMILY_MATRIX)
    return tile->down * tile->across * emit->info->matrix_subgroup;
  return tile->rows / tile->down * (tile->columns / 4 / tile->across);
}

static guint
matrix_shared (const NnEmit *emit, const NnTile *tile, guint buffers)
{
  const GpuInfo *info = emit->info;
  guint a = tile->rows * (tile->chunk + PADDING);
  guint b = tile->chunk * (tile->columns + PADDING);
  guint sums = tile->down * tile->across * info->matrix_m * info->matrix_n;

  return buffers * (a + b) * 2 + sums * 4;
}

guint
nn_tile_buffers (const NnEmit *emit, const NnTile *tile)
{
  return matrix_shared (emit, tile, 2) <= emit->info->max_shared_bytes ? 2 : 1;
}

static gboolean
matrix_fits (const NnEmit *emit, const NnTile *tile, NnAct act)
{
  guint most = emit->info->kind == GPU_KIND_CPU ? MAX_SUMS_CPU : MAX_SUMS;
  const GpuInfo *info = emit->info;
  guint down = tile->down * info->matrix_m, across = tile->across * info->matrix_n;
  guint sums
      = tile->rows * tile->columns / (tile->down * tile->across * info->matrix_subgroup);

  return tile->rows % down == 0 && tile->columns % across == 0
         && (act != NN_ACT_GEGLU || tile->columns / across % 2 == 0)
         && tile->chunk % info->matrix_k == 0 && sums <= most
         && matrix_shared (emit, tile, 1) <= info->max_shared_bytes;
}

static gboolean
staged_fits (const NnEmit *emit, const NnTile *tile)
{
  return tile->chunk * (tile->rows / 4 + 1 + tile->columns / 4) * 16
         <= emit->info->max_shared_bytes;
}

gboolean
nn_tile_fits (const NnEmit *emit, NnFamily family, const NnTile *tile, NnAct act)
{
  return nn_tile_lanes (emit, family, tile) <= emit->info->max_workgroup
         && (family == NN_FAMILY_MATRIX ? matrix_fits (emit, tile, act)
                                        : staged_fits (emit, tile));
}
