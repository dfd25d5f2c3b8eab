#version 450
// attention-softmax.comp: rows of scores, in base 2, to weights that add up to 1; in place
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A subgroup takes one row; each lane reads again only what it wrote itself. Scores beyond the
// valid ones get the weight 0. bindings: 0 scores (texel buffer), 1 the same, to be written.
// Groups: x rows. Range: fp32; the largest score is taken off first, so exp2 stays within 0 … 1.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/add-lanes.glsl"
layout(push_constant) uniform P { NnSoftmaxParams p; };
layout(binding = 0) uniform samplerBuffer X;
layout(std430, binding = 1) writeonly buffer Y_ { vec4 y[]; };
const uint TURN = 4; // columns of a lane at once

vec4 fetch(uint base, uint column)
{
    vec4 v = texelFetch(X, int(base + min(column, p.columns - 1)));
    return mix(v, vec4(-1e30), greaterThanEqual(4 * column + uvec4(0, 1, 2, 3), uvec4(p.valid)));
}

void main()
{
    const uint base = gl_WorkGroupID.x * p.columns;
    vec4 most = vec4(-1e30), sum = vec4(0);
    for (uint c = LANE; c < p.columns; c += TURN * SG)
        [[unroll]] for (uint i = 0; i < TURN; i++) most = max(most, fetch(base, c + i * SG));
    const float top = max_lanes(max(max(most.x, most.y), max(most.z, most.w)));
    for (uint c = LANE; c < p.columns; c += TURN * SG)
        [[unroll]] for (uint i = 0; i < TURN; i++) sum += exp2(fetch(base, c + i * SG) - top);
    const float scale = 1.0 / add_lanes((sum.x + sum.y) + (sum.z + sum.w));
    for (uint c = LANE; c < p.columns; c += TURN * SG)
        [[unroll]] for (uint i = 0; i < TURN; i++) {
            vec4 v = exp2(fetch(base, c + i * SG) - top) * scale;
            if (c + i * SG < p.columns) y[base + c + i * SG] = v;
        }
}
