#version 450
// group-norm-fold.comp: GroupNorm, second stage: chunks and channels to groups (Chan et al. 1979)
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A workgroup takes one group of one image; its lanes take chunks in turn. A group may hold
// any number of channels, not only multiples of 4.
// bindings: 0 the parts, 1 output: [image][column] {vec4 mean, vec4 1/√(variance + eps)}.
// Groups: x groups, y images.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/add-lanes.glsl"
layout(std430, binding = 0) readonly buffer PARTS { float parts[]; };
layout(std430, binding = 1) writeonly buffer STATS { float stats[]; };
layout(push_constant) uniform P { NnGroupNormParams p; };

void main()
{
    const uint columns = p.c4 + p.c4_2, image = p.image0 + gl_WorkGroupID.y;
    const uint width = p.c / p.groups, c0 = gl_WorkGroupID.x * width;
    const float count = float(p.pixels) * float(width);
    const uint first = (image * p.chunks * columns + c0 / 4) * 8 + c0 % 4;
    const float shift = parts[first];
    float sum = 0;
    for (uint chunk = LANE; chunk < p.chunks; chunk += SG) {
        float n = float(min(p.chunk, p.pixels - chunk * p.chunk));
        for (uint c = c0; c < c0 + width; c++)
            sum += n * (parts[((image * p.chunks + chunk) * columns + c / 4) * 8 + c % 4] - shift);
    }
    const float mean = shift + add_lanes(sum) / count;
    float squares = 0;
    for (uint chunk = LANE; chunk < p.chunks; chunk += SG) {
        float n = float(min(p.chunk, p.pixels - chunk * p.chunk));
        for (uint c = c0; c < c0 + width; c++) {
            uint at = ((image * p.chunks + chunk) * columns + c / 4) * 8 + c % 4;
            float d = parts[at] - mean;
            squares += parts[at + 4] + n * d * d;
        }
    }
    const float scale = inversesqrt(add_lanes(squares) / count + p.eps);
    for (uint c = c0 + LANE; c < c0 + width; c += SG) {
        uint at = (image * columns + c / 4) * 8 + c % 4;
        stats[at] = mean;
        stats[at + 4] = scale;
    }
}
