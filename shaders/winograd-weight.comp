#version 450
// winograd-weight.comp: Winograd F(m×m, 3×3): G g Gᵀ of every filter, once per weight
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An invocation takes one input channel and one vec4 of outputs. fp32, always: with 16-bit
// weights the errors would be a tenth of the result. bindings: 0 the weight as the matrix
// kernels have it (texel buffer), 1 output [N²][in][out]. Groups: x out vec4 / SG, y in.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/winograd.glsl"
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

void main()
{
    const uint n4 = gl_WorkGroupID.x * SG + LANE, nc = min(n4, p.n4 - 1), k = gl_WorkGroupID.y;
    vec4 m[N * 3]; // [N][3]
    [[unroll]] for (uint x = 0; x < 3; x++) {
        vec4 o[N];
        transform_weight(fetch(x, k, nc), fetch(3 + x, k, nc), fetch(6 + x, k, nc), o);
        [[unroll]] for (uint y = 0; y < N; y++) m[y * 3 + x] = o[y];
    }
    if (n4 < p.n4) {
        [[unroll]] for (uint y = 0; y < N; y++) {
            vec4 o[N];
            transform_weight(m[y * 3], m[y * 3 + 1], m[y * 3 + 2], o);
            [[unroll]] for (uint x = 0; x < N; x++) u[((y * N + x) * 4 * p.c4 + k) * p.n4 + n4] = o[x];
        }
    }
}
