#version 450
// group-norm-apply.comp: GroupNorm, third stage: (x − mean)·scale·gamma + beta, then SiLU
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An invocation takes one vec4 column and PIXELS pixels in a row of an image.
// bindings: 0 source, 1 statistics, 2 gamma, 3 beta, 4 second source: texel buffers; 5 output.
// Groups: x columns · pixels / (SG · PIXELS), y images. Range: fp32 in between; padding is 0.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#define X2_BINDING 4
#include "include/group-norm.glsl"
layout(constant_id = 4) const uint PIXELS = 8;
layout(binding = 1) uniform samplerBuffer STATS;
layout(binding = 2) uniform samplerBuffer GAMMA;
layout(binding = 3) uniform samplerBuffer BETA;
OUTPUT(5)

void main()
{
    const uint columns = p.c4 + p.c4_2, image = p.image0 + gl_WorkGroupID.y;
    const uint id = gl_WorkGroupID.x * SG + LANE, part = id / columns, c = id - part * columns;
    const uint begin = p.row0 + part * PIXELS;
    const Column column = column_of(c);
    const int at = int(2 * (image * columns + c));
    const vec4 mean = texelFetch(STATS, at), beta = texelFetch(BETA, int(c));
    const vec4 scale = texelFetch(STATS, at + 1) * texelFetch(GAMMA, int(c));
    const bvec4 padding = greaterThanEqual(4 * c + uvec4(0, 1, 2, 3), uvec4(p.c));
    [[unroll]] for (uint i = 0; i < PIXELS; i++) {
        uint row = image * p.pixels + min(begin + i, p.row_end - 1);
        vec4 v = (fetch(column, row) - mean) * scale + beta;
        if (p.silu != 0) v = silu(v);
        v = mix(v, vec4(0), padding);
        if (begin + i < p.row_end) store((row - p.first) * columns + c, v);
    }
}
