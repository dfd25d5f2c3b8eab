#version 450
// matrix-staged.comp: linear and 3×3 convolution, tiles in shared memory: for GPUs
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A workgroup makes BM × BN; an invocation RT rows (in groups of 4) × CT vec4 columns. The next
// chunk is fetched into registers while one is multiplied. Nothing is assumed of subgroups.
// HALVES: both operands are fp16 and lie packed, two k to a word: half the shared memory's
// traffic; products and sums are fp32 all the same.
// Bindings: include/product.glsl. Groups: x rows / BM, y columns / BN, z parts of k.
// Range: sums in fp32 in the order of k; inputs and outputs fp32 or fp16.
#extension GL_GOOGLE_include_directive : require
#define NO_SHUFFLE
#include "include/common.glsl"
#include "include/product.glsl"
layout(constant_id = 11) const uint RT = 4;
layout(constant_id = 12) const uint CT = 2;

const uint COLUMNS = BN / 4 / CT;                // invocations side by side
const uint AN = (BM * BK / 4 + SG - 1) / SG;     // vec4 of A that an invocation fetches
const uint WN = (BN / 4 * BK / 2 + SG - 1) / SG; // vec4 columns of a pair of rows of B
const bool A_EVEN = AN * SG == BM * BK / 4, W_EVEN = WN * SG == BN / 4 * BK / 2; // nobody fetches too much
const uint A_PITCH = BM / 4 + 1;
#ifdef HALVES
shared uvec4 a_s[BK / 2 * A_PITCH]; // [pair of k][4 rows]
shared uvec4 b_s[BK / 2 * BN / 4];
#define A_KEPT uvec2
#else
shared vec4 a_s[BK * A_PITCH]; // [k][4 rows]
shared vec4 b_s[BK * BN / 4];
#define A_KEPT vec4
#endif

// Of an invocation. (Here and not in main, as some compilers refuse parameters of these types.)
vec4 acc[RT * CT];
Place place[AN];
A_KEPT a_next[AN];
uvec4 b_next[WN * 2]; // the second half: of fp32 weights, their second row

void fetch_a(uint at, uint source, out A_KEPT a)
{
#ifdef HALVES
    if (source == 0) a = xh[at];
    else a = x2h[at];
#else
    if ((TYPES & NN_TYPES_X_HALF) == 0) {
        if (source == 0) a = xf[at];
        else a = x2f[at];
    } else {
        if (source == 0) a = from_half(xh[at]);
        else a = from_half(x2h[at]);
    }
#endif
}

void fetch_chunk(Chunk c)
{
    const uint c4 = source_c4(c.source), pair0 = chunk_pair(c), last_pair = TAPS * (p.c4 + p.c4_2) * 2 - 1;
    [[unroll]] for (uint i = 0; i < AN; i++) {
        uint k = c.k + (i * SG + LANE) % (BK / 4), texel;
        bool inside = place_texel(place[i], c, texel);
        a_next[i] = A_KEPT(0);
        if (inside && k < c4) fetch_a(texel + k, c.source, a_next[i]);
    }
    [[unroll]] for (uint i = 0; i < WN; i++) {
        uint x = i * SG + LANE, pair = min(pair0 + x / (BN / 4), last_pair), n4 = weight_column(x % (BN / 4));
        if (WTYPE == NN_SPEC_F32) {
            b_next[i] = w[pair * 2 * p.n4 + n4];
            b_next[WN + i] = w[(pair * 2 + 1) * p.n4 + n4];
        } else b_next[i] = w[pair * p.n4 + n4];
    }
}

#ifdef HALVES
void keep_chunk()
{
    [[unroll]] for (uint i = 0; i < AN; i++) {
        uint x = i * SG + LANE, row = x / (BK / 4), pair = x % (BK / 4) * 2;
        if (A_EVEN || row < BM) {
            a_s[pair * A_PITCH + row / 4][row % 4] = a_next[i].x;
            a_s[(pair + 1) * A_PITCH + row / 4][row % 4] = a_next[i].y;
        }
    }
    [[unroll]] for (uint i = 0; i < WN; i++)
        if (W_EVEN || i * SG + LANE < BK / 2 * BN / 4) b_s[i * SG + LANE] = b_next[i];
}
#else
void keep_chunk()
{
    [[unroll]] for (uint i = 0; i < AN; i++) {
        uint x = i * SG + LANE, row = x / (BK / 4), k = x % (BK / 4) * 4;
        if (A_EVEN || row < BM)
            [[unroll]] for (uint j = 0; j < 4; j++) a_s[(k + j) * A_PITCH + row / 4][row % 4] = a_next[i][j];
    }
    [[unroll]] for (uint i = 0; i < WN; i++) {
        uint x = i * SG + LANE, pair = x / (BN / 4), column = x % (BN / 4);
        vec4 b0, b1;
        if (WTYPE == NN_SPEC_F32) {
            b0 = uintBitsToFloat(b_next[i]);
            b1 = uintBitsToFloat(b_next[WN + i]);
        } else if (WTYPE == NN_SPEC_F16) {
            vec2 x0 = unpackHalf2x16(b_next[i].x), x1 = unpackHalf2x16(b_next[i].y);
            vec2 x2 = unpackHalf2x16(b_next[i].z), x3 = unpackHalf2x16(b_next[i].w);
            b0 = vec4(x0.x, x1.x, x2.x, x3.x);
            b1 = vec4(x0.y, x1.y, x2.y, x3.y);
        } else {
            b0 = uintBitsToFloat(b_next[i] << 16);
            b1 = uintBitsToFloat(b_next[i] & 0xffff0000u);
        }
        if (W_EVEN || pair < BK / 2) {
            b_s[pair * 2 * BN / 4 + column] = b0;
            b_s[(pair * 2 + 1) * BN / 4 + column] = b1;
        }
    }
}
#endif

#define MULTIPLY(a, b) \
    [[unroll]] for (uint r = 0; r < RT; r++) \
        [[unroll]] for (uint j = 0; j < CT; j++) acc[r * CT + j] += a[r / 4][r % 4] * b[j];

void multiply_chunk(uint m, uint n)
{
#ifdef HALVES
    for (uint k = 0; k < BK / 2; k++) {
        vec4 a0[RT / 4], a1[RT / 4], b0[CT], b1[CT];
        [[unroll]] for (uint r = 0; r < RT / 4; r++) {
            uvec4 v = a_s[k * A_PITCH + r * (BM / RT) + m];
            vec2 x = unpackHalf2x16(v.x), y = unpackHalf2x16(v.y), z = unpackHalf2x16(v.z), q = unpackHalf2x16(v.w);
            a0[r] = vec4(x.x, y.x, z.x, q.x);
            a1[r] = vec4(x.y, y.y, z.y, q.y);
        }
        [[unroll]] for (uint j = 0; j < CT; j++) {
            uvec4 v = b_s[k * (BN / 4) + j * COLUMNS + n];
            vec2 x = unpackHalf2x16(v.x), y = unpackHalf2x16(v.y), z = unpackHalf2x16(v.z), q = unpackHalf2x16(v.w);
            b0[j] = vec4(x.x, y.x, z.x, q.x);
            b1[j] = vec4(x.y, y.y, z.y, q.y);
        }
        MULTIPLY(a0, b0)
        MULTIPLY(a1, b1)
    }
#else
    for (uint k = 0; k < BK; k++) {
        vec4 a[RT / 4], b[CT];
        [[unroll]] for (uint r = 0; r < RT / 4; r++) a[r] = a_s[k * A_PITCH + r * (BM / RT) + m];
        [[unroll]] for (uint j = 0; j < CT; j++) b[j] = b_s[k * (BN / 4) + j * COLUMNS + n];
        MULTIPLY(a, b)
    }
#endif
}

void main()
{
    const uint m0 = p.row0 + gl_WorkGroupID.x * BM, part = gl_WorkGroupID.z;
    const uint m = LANE / COLUMNS, n = LANE % COLUMNS;
    const uint begin = part * p.part_chunks, end = min(begin + p.part_chunks, p.chunks);
    Chunk c = first_chunk(begin);
    [[unroll]] for (uint i = 0; i < RT * CT; i++) acc[i] = vec4(0);
    [[unroll]] for (uint i = 0; i < AN; i++) place[i] = place_of(m0 + (i * SG + LANE) / (BK / 4));
    fetch_chunk(c);
    for (uint i = begin; i < end; i++) {
        barrier();
        keep_chunk();
        barrier();
        next_chunk(c);
        if (i + 1 < end) fetch_chunk(c);
        multiply_chunk(m, n);
    }
    [[unroll]] for (uint r = 0; r < RT; r++) {
        uint row = m0 + (r / 4 * (BM / RT) + m) * 4 + r % 4;
        [[unroll]] for (uint j = 0; j < CT / NB; j++)
            end_tile_column(part, row, j * COLUMNS + n, acc[r * CT + j], acc[r * CT + j + (NB - 1) * (CT / 2)]);
    }
}
