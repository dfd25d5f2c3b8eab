// product.glsl: what the tiled forms of the matrix product share: A[rows][taps·c] · B[taps·c][n]
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The same product as matrix.glsl describes, for workgroups of any size that stage tiles of
// BM rows × BN columns in shared memory. Images count as further rows, so that small ones fill
// a tile together. k is taken in chunks of BK channels of one source under one tap; a dispatch
// may take a part of the chunks only (PARTIAL): then sums go to scratch as they are, and
// matrix-reduce.comp adds them up and ends the work.
//
// bindings: 0 source, 1 weight, 2 bias, 3 channel_add, 4 residual, 5 second source, 6 output;
// all storage buffers: any GPU reads them at least as fast as texel buffers.
layout(constant_id = 3) const uint BM = 64;
layout(constant_id = 4) const uint BN = 64;
layout(constant_id = 5) const uint BK = 16;
layout(constant_id = 6) const uint TAPS = 1;
layout(constant_id = 7) const uint WTYPE = NN_SPEC_F32;
layout(constant_id = 8) const uint ACT = 0;
layout(constant_id = 9) const uint TYPES = 0; // NN_TYPES_…
layout(constant_id = 10) const bool PARTIAL = false;

layout(std430, binding = 0) readonly buffer XF_ { vec4 xf[]; };
layout(std430, binding = 0) readonly buffer XH_ { uvec2 xh[]; };
layout(std430, binding = 0) readonly buffer XW_ { uvec4 xw[]; };
layout(std430, binding = 1) readonly buffer W_ { uvec4 w[]; };
layout(std430, binding = 2) readonly buffer BIAS_ { vec4 bias[]; };
layout(std430, binding = 3) readonly buffer ADDF_ { vec4 addf[]; };
layout(std430, binding = 3) readonly buffer ADDH_ { uvec2 addh[]; };
layout(std430, binding = 4) readonly buffer RESF_ { vec4 resf[]; };
layout(std430, binding = 4) readonly buffer RESH_ { uvec2 resh[]; };
layout(std430, binding = 5) readonly buffer X2F_ { vec4 x2f[]; };
layout(std430, binding = 5) readonly buffer X2H_ { uvec2 x2h[]; };
layout(std430, binding = 5) readonly buffer X2W_ { uvec4 x2w[]; };
OUTPUT(6)
layout(push_constant) uniform P { NnMatrixParams p; };

const uint NB = ACT == NN_SPEC_GEGLU ? 2 : 1; // columns of the weight to one of the output

vec4 from_half(uvec2 h) { return vec4(unpackHalf2x16(h.x), unpackHalf2x16(h.y)); }

// ---- where chunks and rows are ----

struct Chunk { uint tap, source, k; }; // k: first vec4 of the source's channels

uint source_c4(uint source) { return source == 0 ? p.c4 : p.c4_2; }

Chunk first_chunk(uint i)
{
    uint n = (p.c4 * 4 + BK - 1) / BK, n_2 = (p.c4_2 * 4 + BK - 1) / BK;
    uint tap = i / (n + n_2), rest = i - tap * (n + n_2);
    return rest < n ? Chunk(tap, 0, rest * BK / 4) : Chunk(tap, 1, (rest - n) * BK / 4);
}

void next_chunk(inout Chunk c)
{
    c.k += BK / 4;
    if (c.k < source_c4(c.source)) return;
    c.k = 0;
    c.tap += c.source + 1 == p.sources ? 1 : 0;
    c.source = c.source + 1 == p.sources ? 0 : 1;
}

// first pair of rows of the weight that a chunk takes
uint chunk_pair(Chunk c)
{
    return (c.tap * (p.c4 + p.c4_2) + (c.source == 0 ? 0 : p.c4) + c.k) * 2;
}

// where a row of A begins in the input: the pixel under its first tap
struct Place { bool there; uint image; int y, x; };

Place place_of(uint row)
{
    if (TAPS == 1) return Place(row < p.row_end, 0, 0, int(row));
    uint image = row / p.rows, r = row - image * p.rows, oy = r / p.out_w, ox = r - oy * p.out_w;
    return Place(row < p.row_end, image, int(oy * p.stride) - int(p.pad), int(ox * p.stride) - int(p.pad));
}

// first vec4 of the pixel that a chunk's tap meets; false: zeros
bool place_texel(Place a, Chunk c, out uint texel)
{
    uint c4 = source_c4(c.source);
    if (TAPS == 1) {
        texel = uint(a.x) * c4;
        return a.there;
    }
    int dy = int(c.tap * 11 >> 5);
    int y = a.y + dy, x = a.x + int(c.tap) - 3 * dy;
    uint sy = uint(y) * p.mul_h >> p.shift, sx = uint(x) * p.mul_w >> p.shift;
    texel = ((a.image * p.h + sy) * p.w + sx) * c4;
    return a.there && y >= 0 && x >= 0 && y < int(p.up_h) && x < int(p.up_w);
}

// ---- columns: vec4 column i of a tile. GEGLU: the first half of a tile are values, the
// second their gates, half the weight's width further on ----

uint output_column(uint i)
{
    return NB == 2 ? gl_WorkGroupID.y * (BN / 8) + i % (BN / 8) : gl_WorkGroupID.y * (BN / 4) + i;
}

uint weight_column(uint i)
{
    uint out4 = p.n4 / NB;
    return min(output_column(i), out4 - 1) + (NB == 2 && i >= BN / 8 ? out4 : 0);
}

// ---- the end of the work ----

vec4 column_bias(uint n4)
{
    if ((p.flags & NN_MATRIX_BIAS) == 0) return vec4(0);
    return bias[n4];
}

vec4 channel_add(uint n4, uint row)
{
    if (TAPS == 1 || (p.flags & NN_MATRIX_ADD) == 0) return vec4(0);
    uint at = row / p.rows * p.add_pitch4 + p.add_base4 + n4;
    if ((TYPES & NN_TYPES_ADD_HALF) != 0) return from_half(addh[at]);
    return addf[at];
}

vec4 residual(uint at)
{
    if ((p.flags & NN_MATRIX_RESIDUAL) == 0) return vec4(0);
    if ((TYPES & NN_TYPES_RESIDUAL_HALF) != 0) return from_half(resh[at]);
    return resf[at];
}

vec4 activate(vec4 v)
{
    if (ACT == NN_SPEC_SILU) return silu(v);
    if (ACT == NN_SPEC_RELU) return max(v, vec4(0));
    if (ACT == NN_SPEC_GELU) return gelu(v);
    if (ACT == NN_SPEC_QUICK_GELU) return quick_gelu(v);
    return v;
}

// sum and gate (GEGLU only) of output column n4 → the output
void end_column(uint row, uint n4, vec4 sum, vec4 gate)
{
    uint out4 = p.n4 / NB;
    if (row >= p.row_end || n4 >= out4) return;
    vec4 v = sum + column_bias(n4);
    if (ACT == NN_SPEC_GEGLU) v *= gelu(gate + column_bias(n4 + out4));
    else v = activate(v + channel_add(n4, row));
    v += residual(row * out4 + n4);
    store((row - p.first) * out4 + n4, v);
}

// the same where sums are partial: column n4 of the weight
void keep_sum(uint part, uint row, uint n4, vec4 sum)
{
    yf[(part * p.total_rows + row) * p.n4 + n4] = sum;
}

void end_tile_column(uint part, uint row, uint i, vec4 sum, vec4 gate)
{
    if (!PARTIAL) {
        end_column(row, output_column(i), sum, gate);
        return;
    }
    if (row >= p.row_end || output_column(i) >= p.n4 / NB) return;
    keep_sum(part, row, weight_column(i), sum);
    if (NB == 2) keep_sum(part, row, weight_column(i + BN / 8), gate);
}
