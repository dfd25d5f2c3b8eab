#version 450
// winograd-input.comp: Winograd F(m×m, 3×3): Bᵀ d B of every patch
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An invocation takes one tile and one vec4 column. The input may be resized on the way and
// may come from two tensors, as in matrix.glsl. NORM: GroupNorm and SiLU are applied to what is
// fetched, as group-norm-apply.comp does. bindings: 0, 1 sources, 2 output [N²][tiles][columns];
// NORM: 0, 4 sources, 1 statistics, 2 gamma, 3 beta (texel buffers), 5 output. Groups: x columns · tiles / SG. Range: fp32, values grow up to 100-fold.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/winograd.glsl"
layout(constant_id = 3) const bool SPLIT = false;
layout(push_constant) uniform P { NnWinogradParams p; };
#ifdef NORM
#define X2_BINDING 4
layout(binding = 1) uniform samplerBuffer STATS;
layout(binding = 2) uniform samplerBuffer GAMMA;
layout(binding = 3) uniform samplerBuffer BETA;
layout(std430, binding = 5) writeonly buffer V_ { vec4 v[]; };
#else
#define X2_BINDING 1
layout(std430, binding = 2) writeonly buffer V_ { vec4 v[]; };
#endif
#include "include/columns.glsl"

void main()
{
    const uint columns = p.c4 + p.c4_2, id = gl_WorkGroupID.x * SG + LANE, at = min(id, columns * p.tiles - 1);
    const uint t = at / columns, c = at - t * columns, tile = p.tile0 + t;
    const uint image = tile / p.tiles_image, in_image = tile - image * p.tiles_image;
    const uint ty = in_image / p.tiles_w, tx = in_image - ty * p.tiles_w;
    const Column column = column_of(c);
#ifdef NORM
    const int stats = int(2 * (image * columns + c));
    const vec4 mean = texelFetch(STATS, stats), beta = texelFetch(BETA, int(c));
    const vec4 scale = texelFetch(STATS, stats + 1) * texelFetch(GAMMA, int(c));
#endif
    vec4 m[N * N];
    [[unroll]] for (int y = 0; y < N; y++) {
        int iy = int(M * ty) + y - 1;
        bool row_inside = iy >= 0 && iy < int(p.up_h);
        uint row = (image * p.h + (row_inside ? uint(iy) * p.mul_h >> p.shift : 0)) * p.w;
        vec4 d[N], o[N];
        [[unroll]] for (int x = 0; x < N; x++) {
            int ix = int(M * tx) + x - 1;
            bool inside = row_inside && ix >= 0 && ix < int(p.up_w);
            vec4 f = fetch(column, row + (inside ? uint(ix) * p.mul_w >> p.shift : 0));
#ifdef NORM
            f = silu((f - mean) * scale + beta);
#endif
            d[x] = inside ? f : vec4(0);
        }
        transform_input(d, o);
        [[unroll]] for (int x = 0; x < N; x++) m[y * N + x] = o[x];
    }
    if (id < columns * p.tiles) {
        [[unroll]] for (int x = 0; x < N; x++) {
            vec4 d[N], o[N];
            [[unroll]] for (int y = 0; y < N; y++) d[y] = m[y * N + x];
            transform_input(d, o);
            [[unroll]] for (int y = 0; y < N; y++) v[((y * N + x) * p.tiles + t) * columns + c] = o[y];
        }
    }
}
