#version 450
// winograd-input.comp: Winograd F(4×4, 3×3): Bᵀ d B of every 6×6 patch (Lavin & Gray 2015)
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An invocation takes one tile and one vec4 column. The input may be resized on the way and
// may come from two tensors, as in matrix.glsl. NORM: GroupNorm and SiLU are applied to what is
// fetched, as group-norm-apply.comp does. bindings: 0, 1 sources, 2 output [36][tiles][columns];
// NORM: 0, 4 sources, 1 statistics, 2 gamma, 3 beta (texel buffers), 5 output. Groups: x columns · tiles / SG. Range: fp32, values grow up to 100-fold.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
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

void transform(vec4 d[6], out vec4 o[6])
{
    o[0] = 4.0 * d[0] - 5.0 * d[2] + d[4];
    o[1] = d[4] + d[3] - 4.0 * (d[2] + d[1]);
    o[2] = d[4] - d[3] + 4.0 * (d[1] - d[2]);
    o[3] = d[4] - d[2] + 2.0 * (d[3] - d[1]);
    o[4] = d[4] - d[2] + 2.0 * (d[1] - d[3]);
    o[5] = 4.0 * d[1] - 5.0 * d[3] + d[5];
}

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
    vec4 m[36];
    [[unroll]] for (int y = 0; y < 6; y++) {
        int iy = int(4 * ty) + y - 1;
        bool row_inside = iy >= 0 && iy < int(p.up_h);
        uint row = (image * p.h + (row_inside ? uint(iy) * p.mul_h >> p.shift : 0)) * p.w;
        vec4 d[6], o[6];
        [[unroll]] for (int x = 0; x < 6; x++) {
            int ix = int(4 * tx) + x - 1;
            bool inside = row_inside && ix >= 0 && ix < int(p.up_w);
            vec4 f = fetch(column, row + (inside ? uint(ix) * p.mul_w >> p.shift : 0));
#ifdef NORM
            f = silu((f - mean) * scale + beta);
#endif
            d[x] = inside ? f : vec4(0);
        }
        transform(d, o);
        [[unroll]] for (int x = 0; x < 6; x++) m[y * 6 + x] = o[x];
    }
    if (id < columns * p.tiles) {
        [[unroll]] for (int x = 0; x < 6; x++) {
            vec4 d[6], o[6];
            [[unroll]] for (int y = 0; y < 6; y++) d[y] = m[y * 6 + x];
            transform(d, o);
            [[unroll]] for (int y = 0; y < 6; y++) v[((y * 6 + x) * p.tiles + t) * columns + c] = o[y];
        }
    }
}
