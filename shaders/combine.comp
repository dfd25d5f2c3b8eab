#version 450
// combine.comp: Σ coefs[i]·xs[i], up to four tensors: the sampler's step
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// bindings: 0 … 3 the tensors, 4 the coefficients (one texel): texel buffers; 5 output (from
// p.start on). An invocation makes one vec4. Groups: x count / SG. Range: sums in fp32.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(binding = 0) uniform samplerBuffer X0;
layout(binding = 1) uniform samplerBuffer X1;
layout(binding = 2) uniform samplerBuffer X2;
layout(binding = 3) uniform samplerBuffer X3;
layout(binding = 4) uniform samplerBuffer COEFS;
OUTPUT(5)
layout(push_constant) uniform P { NnElementsParams p; };

void main()
{
    uint at = gl_WorkGroupID.x * SG + LANE;
    int i = int(p.start + min(at, p.count - 1));
    vec4 coefs = texelFetch(COEFS, 0), v = coefs.x * texelFetch(X0, i);
    if (p.n_xs > 1) v += coefs.y * texelFetch(X1, i);
    if (p.n_xs > 2) v += coefs.z * texelFetch(X2, i);
    if (p.n_xs > 3) v += coefs.w * texelFetch(X3, i);
    if (at < p.count) store(at, v);
}
