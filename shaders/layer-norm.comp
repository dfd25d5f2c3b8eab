#version 450
// layer-norm.comp: LayerNorm over the channels of each row
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// ACROSS: a subgroup takes one row, its lanes take columns in turn (GPUs). Otherwise a lane
// takes a row of its own: sums over lanes cost more than they save where lanes are vector
// elements of a CPU. Mean first, then the squares about it: outlying channels lose no digits.
// bindings: 0 input, 1 gamma, 2 beta: texel buffers; 3 output (from row0 on).
// Groups: x rows (/ SG unless ACROSS), y the same where x would exceed 65535.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(constant_id = 3) const bool ACROSS = false;
layout(binding = 0) uniform samplerBuffer X;
layout(binding = 1) uniform samplerBuffer GAMMA;
layout(binding = 2) uniform samplerBuffer BETA;
OUTPUT(3)
layout(push_constant) uniform P { NnLayerNormParams p; };

#ifdef NO_SHUFFLE
float add_lanes(float x) { return x; }
#else
float add_lanes(float x) { return ACROSS ? subgroupAdd(x) : x; }
#endif

float add4(vec4 v) { return (v.x + v.y) + (v.z + v.w); }

void main()
{
    const uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    const uint id = ACROSS ? group : group * SG + LANE, row = min(id, p.rows - 1);
    const uint from = ACROSS ? LANE : 0, step = ACROSS ? SG : 1, c4 = (p.c + 3) / 4;
    const uint base = (p.row0 + row) * c4;
    vec4 sum = vec4(0), squares = vec4(0);
    for (uint c = from; c < c4; c += step) sum += texelFetch(X, int(base + c));
    const float mean = add_lanes(add4(sum)) / float(p.c);
    for (uint c = from; c < c4; c += step) {
        bvec4 padding = greaterThanEqual(4 * c + uvec4(0, 1, 2, 3), uvec4(p.c));
        vec4 d = mix(texelFetch(X, int(base + c)) - mean, vec4(0), padding);
        squares += d * d;
    }
    const float scale = inversesqrt(add_lanes(add4(squares)) / float(p.c) + p.eps);
    for (uint c = from; c < c4; c += step) {
        bvec4 padding = greaterThanEqual(4 * c + uvec4(0, 1, 2, 3), uvec4(p.c));
        vec4 v = (texelFetch(X, int(base + c)) - mean) * scale * texelFetch(GAMMA, int(c)) + texelFetch(BETA, int(c));
        if (id < p.rows) store(row * c4 + c, mix(v, vec4(0), padding));
    }
}
