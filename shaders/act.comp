#version 450
// act.comp: an activation function, or a copy, element by element
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// bindings: 0 input (texel buffer), 1 output (from p.start on). An invocation makes 4 vec4.
// Groups: x count / (4 · SG). Padding stays 0, as every function takes 0 to 0.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(constant_id = 3) const uint ACT = 0;
layout(binding = 0) uniform samplerBuffer X;
OUTPUT(1)
layout(push_constant) uniform P { NnElementsParams p; };

void main()
{
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint at = (gl_WorkGroupID.x * 4 + i) * SG + LANE;
        vec4 v = texelFetch(X, int(p.start + min(at, p.count - 1)));
        if (ACT == NN_SPEC_SILU) v = silu(v);
        else if (ACT == NN_SPEC_GELU) v = gelu(v);
        else if (ACT == NN_SPEC_QUICK_GELU) v = quick_gelu(v);
        else if (ACT == NN_SPEC_RELU) v = max(v, vec4(0));
        if (at < p.count) store(at, v);
    }
}
