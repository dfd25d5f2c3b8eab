#version 450
// matrix-units.comp: linear and 3×3 convolution on matrix units (VK_KHR_cooperative_matrix)
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A workgroup of ROWS × COLUMNS subgroups makes BM × BN; a subgroup an equal share of it in
// matrices of M × N, adding up products of depth K. Tiles of both operands are staged in shared
// memory as fp16, rows apart by 8 values more than they are long, against bank conflicts; the
// next chunk is fetched into registers while one is multiplied. With two BUFFERS one barrier a
// chunk is enough. Sums leave the units through shared memory, a matrix at a time.
// Inputs are fp16; weights of other types become fp16 here, to nearest.
// Bindings: include/product.glsl. Groups: x rows / BM, y columns / BN, z parts of k.
// Range: sums fp32 in any order; outputs fp32 or fp16.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define NO_SHUFFLE
#include "include/common.glsl"
#include "include/product.glsl"
layout(constant_id = 11) const uint M = 16;
layout(constant_id = 12) const uint N = 16;
layout(constant_id = 13) const uint K = 16;
layout(constant_id = 14) const uint ROWS = 2;
layout(constant_id = 15) const uint COLUMNS = 2;
layout(constant_id = 16) const uint SUBGROUP = 32;
layout(constant_id = 17) const uint BUFFERS = 2;

const uint MT = BM / ROWS / M, NT = BN / COLUMNS / N;  // matrices of a subgroup
const uint AN = (BM * BK / 8 + SG - 1) / SG;           // 8 channels of A that an invocation fetches
const uint WN = (BN / 4 * BK / 2 + SG - 1) / SG;       // vec4 columns of a pair of rows of B
const bool A_EVEN = AN * SG == BM * BK / 8, W_EVEN = WN * SG == BN / 4 * BK / 2; // nobody fetches too much
const uint A_PITCH = BK / 4 + 2, B_PITCH = BN / 4 + 2; // in f16vec4
const uint A_SIZE = BM * A_PITCH, B_SIZE = BK * B_PITCH;
const uint EACH = (M * N / 4 + SUBGROUP - 1) / SUBGROUP; // vec4 of a matrix that a lane ends
shared f16vec4 a_s[BUFFERS * A_SIZE];                  // [row][k]
shared f16vec4 b_s[BUFFERS * B_SIZE];                  // [k][column]
shared vec4 sums[ROWS * COLUMNS * M * N / 4];

#define ACCUMULATOR coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>

// Of an invocation. (Here and not in main, as some compilers refuse parameters of these types.)
Place place[AN];
uvec4 a_next[AN];
uvec4 b_next[WN * 2]; // the second half: of fp32 weights, their second row

uvec4 fetch_8(uint at, uint source)
{
    uvec4 v;
    if ((TYPES & NN_TYPES_WIDE) != 0) {
        if (source == 0) v = xw[at / 2];
        else v = x2w[at / 2];
    } else if (source == 0) v = uvec4(xh[at], xh[at + 1]);
    else v = uvec4(x2h[at], x2h[at + 1]);
    return v;
}

void fetch_chunk(Chunk c)
{
    const uint c4 = source_c4(c.source), pair0 = chunk_pair(c), last_pair = TAPS * (p.c4 + p.c4_2) * 2 - 1;
    [[unroll]] for (uint i = 0; i < AN; i++) {
        uint k = c.k + (i * SG + LANE) % (BK / 8) * 2, texel;
        bool inside = place_texel(place[i], c, texel);
        a_next[i] = uvec4(0);
        if (inside && k + 1 < c4) a_next[i] = fetch_8(texel + k, c.source);
        else if (inside && k < c4) {
            if (c.source == 0) a_next[i].xy = xh[texel + k];
            else a_next[i].xy = x2h[texel + k];
        }
    }
    [[unroll]] for (uint i = 0; i < WN; i++) {
        uint x = i * SG + LANE, pair = min(pair0 + x / (BN / 4), last_pair), n4 = weight_column(x % (BN / 4));
        if (WTYPE == NN_SPEC_F32) {
            b_next[i] = w[pair * 2 * p.n4 + n4];
            b_next[WN + i] = w[(pair * 2 + 1) * p.n4 + n4];
        } else b_next[i] = w[pair * p.n4 + n4];
    }
}

void keep_chunk(uint buffer_)
{
    [[unroll]] for (uint i = 0; i < AN; i++) {
        uint x = i * SG + LANE, row = x / (BK / 8), k = x % (BK / 8) * 2;
        uint at = buffer_ * A_SIZE + row * A_PITCH + k;
        if (A_EVEN || row < BM) {
            a_s[at] = f16vec4(unpackFloat2x16(a_next[i].x), unpackFloat2x16(a_next[i].y));
            a_s[at + 1] = f16vec4(unpackFloat2x16(a_next[i].z), unpackFloat2x16(a_next[i].w));
        }
    }
    [[unroll]] for (uint i = 0; i < WN; i++) {
        uint x = i * SG + LANE, pair = x / (BN / 4), column = x % (BN / 4);
        f16vec4 b0, b1;
        if (WTYPE == NN_SPEC_F32) {
            b0 = f16vec4(uintBitsToFloat(b_next[i]));
            b1 = f16vec4(uintBitsToFloat(b_next[WN + i]));
        } else if (WTYPE == NN_SPEC_F16) {
            f16vec2 x0 = unpackFloat2x16(b_next[i].x), x1 = unpackFloat2x16(b_next[i].y);
            f16vec2 x2 = unpackFloat2x16(b_next[i].z), x3 = unpackFloat2x16(b_next[i].w);
            b0 = f16vec4(x0.x, x1.x, x2.x, x3.x);
            b1 = f16vec4(x0.y, x1.y, x2.y, x3.y);
        } else {
            b0 = f16vec4(uintBitsToFloat(b_next[i] << 16));
            b1 = f16vec4(uintBitsToFloat(b_next[i] & 0xffff0000u));
        }
        if (W_EVEN || pair < BK / 2) {
            b_s[buffer_ * B_SIZE + pair * 2 * B_PITCH + column] = b0;
            b_s[buffer_ * B_SIZE + (pair * 2 + 1) * B_PITCH + column] = b1;
        }
    }
}

// Column (in values, within the tile) of a subgroup's matrix. GEGLU: the first half of its
// matrices are values, the second their gates, half the tile further on.
uint matrix_column(uint column, uint j)
{
    if (NB == 1) return (column * NT + j) * N;
    return (column * (NT / 2) + j % (NT / 2)) * N + (j < NT / 2 ? 0 : BN / 2);
}

void main()
{
    const uint m0 = p.row0 + gl_WorkGroupID.x * BM, part = gl_WorkGroupID.z;
    const uint row = gl_SubgroupID / COLUMNS, column = gl_SubgroupID % COLUMNS, lane = gl_SubgroupInvocationID;
    const uint begin = part * p.part_chunks, end = min(begin + p.part_chunks, p.chunks);
    ACCUMULATOR acc[MT * NT];
    Chunk c = first_chunk(begin);
    [[unroll]] for (uint i = 0; i < MT * NT; i++) acc[i] = ACCUMULATOR(0.0);
    [[unroll]] for (uint i = 0; i < AN; i++) place[i] = place_of(m0 + (i * SG + LANE) / (BK / 8));
    fetch_chunk(c);
    for (uint i = begin; i < end; i++) {
        const uint buffer_ = (i - begin) % BUFFERS;
        if (BUFFERS == 1) barrier();
        keep_chunk(buffer_);
        barrier();
        next_chunk(c);
        if (i + 1 < end) fetch_chunk(c);
        for (uint k = 0; k < BK; k += K) {
            coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> a[MT];
            [[unroll]] for (uint t = 0; t < MT; t++)
                coopMatLoad(a[t], a_s, buffer_ * A_SIZE + (row * MT + t) * M * A_PITCH + k / 4, A_PITCH, gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (uint j = 0; j < NT; j++) {
                coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> b;
                coopMatLoad(b, b_s, buffer_ * B_SIZE + k * B_PITCH + matrix_column(column, j) / 4, B_PITCH, gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (uint t = 0; t < MT; t++) acc[t * NT + j] = coopMatMulAdd(a[t], b, acc[t * NT + j]);
            }
        }
    }
    const uint own = gl_SubgroupID * (M * N / 4);
    [[unroll]] for (uint t = 0; t < MT; t++)
        [[unroll]] for (uint j = 0; j < NT / NB; j++) {
            vec4 gate[EACH];
            [[unroll]] for (uint e = 0; e < EACH; e++) gate[e] = vec4(0);
            if (NB == 2) {
                subgroupBarrier();
                coopMatStore(acc[t * NT + j + NT / 2], sums, own, N / 4, gl_CooperativeMatrixLayoutRowMajor);
                subgroupBarrier();
                [[unroll]] for (uint e = 0; e < EACH; e++) gate[e] = sums[own + min(e * SUBGROUP + lane, M * N / 4 - 1)];
            }
            subgroupBarrier();
            coopMatStore(acc[t * NT + j], sums, own, N / 4, gl_CooperativeMatrixLayoutRowMajor);
            subgroupBarrier();
            [[unroll]] for (uint e = 0; e < EACH; e++) {
                uint x = e * SUBGROUP + lane;
                uint at = m0 + (row * MT + t) * M + x / (N / 4), n4 = matrix_column(column, j) / 4 + x % (N / 4);
                if (x < M * N / 4) end_tile_column(part, at, n4, sums[own + x], gate[e]);
            }
        }
}
