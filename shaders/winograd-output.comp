#version 450
// winograd-output.comp: Winograd F(4×4, 3×3): Aᵀ m A of every tile, and the convolution's epilogue
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An invocation takes one tile and one vec4 column. bindings: 0 products [36][tiles][columns],
// 1 bias, 2 channel_add, 3 residual: texel buffers; 4 output. Tiles at the right and at the
// bottom may reach beyond the picture. Groups: x columns · tiles / SG.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(constant_id = 3) const uint ACT = 0;
layout(push_constant) uniform P { NnWinogradParams p; };
layout(binding = 0) uniform samplerBuffer M;
layout(binding = 1) uniform samplerBuffer BIAS;
layout(binding = 2) uniform samplerBuffer ADD;
layout(binding = 3) uniform samplerBuffer RES;
OUTPUT(4)

void transform(vec4 d[6], out vec4 o[4])
{
    vec4 a = d[1] + d[2], b = d[1] - d[2], e = d[3] + d[4], f = d[3] - d[4];
    o[0] = d[0] + a + e;
    o[1] = b + 2.0 * f;
    o[2] = a + 4.0 * e;
    o[3] = b + 8.0 * f + d[5];
}

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
    vec4 m[24];
    [[unroll]] for (int y = 0; y < 6; y++) {
        vec4 d[6], o[4];
        [[unroll]] for (int x = 0; x < 6; x++) d[x] = texelFetch(M, int(((y * 6 + x) * p.tiles + t) * p.n4 + c));
        transform(d, o);
        [[unroll]] for (int x = 0; x < 4; x++) m[y * 4 + x] = o[x];
    }
    [[unroll]] for (int x = 0; x < 4; x++) {
        vec4 d[6], o[4];
        [[unroll]] for (int y = 0; y < 6; y++) d[y] = m[y * 4 + x];
        transform(d, o);
        [[unroll]] for (int y = 0; y < 4; y++) {
            uint oy = 4 * ty + y, ox = 4 * tx + x;
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
