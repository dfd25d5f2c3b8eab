#version 450
// prelu.comp: negative values times the slope of their channel
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// bindings: 0 input, 1 slopes: texel buffers; 2 output (from p.start on). An invocation makes
// 4 vec4. Groups: x count / (4 · SG). Padding stays 0.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(binding = 0) uniform samplerBuffer X;
layout(binding = 1) uniform samplerBuffer SLOPE;
OUTPUT(2)
layout(push_constant) uniform P { NnElementsParams p; };

void main()
{
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint at = (gl_WorkGroupID.x * 4 + i) * SG + LANE, from = p.start + min(at, p.count - 1);
        vec4 v = texelFetch(X, int(from));
        vec4 slope = texelFetch(SLOPE, int(from % p.n_xs));
        if (at < p.count) store(at, max(v, vec4(0)) + min(v, vec4(0)) * slope);
    }
}
