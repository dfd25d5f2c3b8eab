#version 450
// winograd-output.comp: Winograd F(m×m, 3×3): Aᵀ m A of every tile, and the convolution's epilogue
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An invocation takes one tile and one vec4 column. bindings: 0 products [N²][tiles][columns],
// 1 bias, 2 channel_add, 3 residual: texel buffers; 4 output. Tiles at the right and at the
// bottom may reach beyond the picture. Groups: x columns · tiles / SG.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/winograd.glsl"
layout(constant_id = 3) const uint ACT = 0;
layout(push_constant) uniform P { NnWinogradParams p; };
layout(binding = 0) uniform samplerBuffer PRODUCTS;
layout(binding = 1) uniform samplerBuffer BIAS;
layout(binding = 2) uniform samplerBuffer ADD;
layout(binding = 3) uniform samplerBuffer RES;
OUTPUT(4)

void main()
{
    const uint id = gl_WorkGroupID.x * SG + LANE, at = min(id, p.n4 * p.tiles - 1);
    const uint t = at / p.n4, c = at - t * p.n4, tile = p.tile0 + t;
    const uint image = tile / p.tiles_image, in_image = tile - image * p.tiles_image;
    const uint ty = in_image / p.tiles_w, tx = in_image - ty * p.tiles_w;
    const bool has_bias = (p.flags & NN_MATRIX_BIAS) != 0, has_add = (p.flags & NN_MATRIX_ADD) != 0;
    const bool has_residual = (p.flags & NN_MATRIX_RESIDUAL) != 0;
    const vec4 bias = texelFetch(BIAS, has_bias ? int(c) : 0);
    const vec4 channel = texelFetch(ADD, has_add ? int(image * p.add_pitch4 + p.add_base4 + c) : 0);
    const vec4 add = (has_bias ? bias : vec4(0)) + (has_add ? channel : vec4(0));
    vec4 m[N * M];
    [[unroll]] for (int y = 0; y < N; y++) {
        vec4 d[N], o[M];
        [[unroll]] for (int x = 0; x < N; x++) d[x] = texelFetch(PRODUCTS, int(((y * N + x) * p.tiles + t) * p.n4 + c));
        transform_output(d, o);
        [[unroll]] for (int x = 0; x < M; x++) m[y * M + x] = o[x];
    }
    [[unroll]] for (int x = 0; x < M; x++) {
        vec4 d[N], o[M];
        [[unroll]] for (int y = 0; y < N; y++) d[y] = m[y * M + x];
        transform_output(d, o);
        [[unroll]] for (int y = 0; y < M; y++) {
            uint oy = M * ty + y, ox = M * tx + x;
            bool inside = oy < p.out_h && ox < p.out_w && id < p.n4 * p.tiles;
            uint to = ((image * p.out_h + min(oy, p.out_h - 1)) * p.out_w + min(ox, p.out_w - 1)) * p.n4 + c;
            vec4 v = o[y] + add;
            if (ACT == NN_SPEC_SILU) v = silu(v);
            else if (ACT == NN_SPEC_RELU) v = max(v, vec4(0));
            vec4 residual = texelFetch(RES, has_residual ? int(to) : 0);
            if (has_residual) v += residual;
            if (inside) store(to - p.first * p.n4, v);
        }
    }
}
