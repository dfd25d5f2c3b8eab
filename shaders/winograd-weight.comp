#version 450
// winograd-weight.comp: Winograd F(4×4, 3×3): G g Gᵀ of every filter, once per weight
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An invocation takes one input channel and one vec4 of outputs. fp32, always: with 16-bit
// weights the errors would be a tenth of the result. bindings: 0 the weight as the matrix
// kernels have it (texel buffer), 1 output [36][in][out]. Groups: x out vec4 / SG, y in.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(constant_id = 3) const uint WTYPE = NN_SPEC_F32;
layout(binding = 0) uniform usamplerBuffer W;
layout(std430, binding = 1) writeonly buffer U_ { vec4 u[]; };
layout(push_constant) uniform P { NnWinogradParams p; }; // c4: in, n4: out

vec4 fetch(uint tap, uint k, uint n4)
{
    uint rows = 4 * p.c4;
    if (WTYPE == NN_SPEC_F32) return uintBitsToFloat(texelFetch(W, int((tap * rows + k) * p.n4 + n4)));
    uvec4 w = texelFetch(W, int((tap * rows / 2 + k / 2) * p.n4 + n4));
    w = (k & 1) != 0 ? w >> 16 : w & 0xffffu;
    if (WTYPE == NN_SPEC_BF16) return uintBitsToFloat(w << 16);
    return vec4(unpackHalf2x16(w.x).x, unpackHalf2x16(w.y).x, unpackHalf2x16(w.z).x, unpackHalf2x16(w.w).x);
}

void transform(vec4 g0, vec4 g1, vec4 g2, out vec4 o[6])
{
    o[0] = g0 / 4.0;
    o[1] = -(g0 + g1 + g2) / 6.0;
    o[2] = -(g0 - g1 + g2) / 6.0;
    o[3] = g0 / 24.0 + g1 / 12.0 + g2 / 6.0;
    o[4] = g0 / 24.0 - g1 / 12.0 + g2 / 6.0;
    o[5] = g2;
}

void main()
{
    const uint n4 = gl_WorkGroupID.x * SG + LANE, nc = min(n4, p.n4 - 1), k = gl_WorkGroupID.y;
    vec4 m[18]; // [6][3]
    [[unroll]] for (uint x = 0; x < 3; x++) {
        vec4 o[6];
        transform(fetch(x, k, nc), fetch(3 + x, k, nc), fetch(6 + x, k, nc), o);
        [[unroll]] for (uint y = 0; y < 6; y++) m[y * 3 + x] = o[y];
    }
    if (n4 < p.n4) {
        [[unroll]] for (uint y = 0; y < 6; y++) {
            vec4 o[6];
            transform(m[y * 3], m[y * 3 + 1], m[y * 3 + 2], o);
            [[unroll]] for (uint x = 0; x < 6; x++) u[((y * 6 + x) * 4 * p.c4 + k) * p.n4 + n4] = o[x];
        }
    }
}
