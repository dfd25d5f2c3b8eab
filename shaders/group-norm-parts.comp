#version 450
// group-norm-parts.comp: GroupNorm, first stage: mean and squares of a chunk of pixels, by channel
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An invocation takes one vec4 column and one chunk of pixels of an image. Sums are of the
// difference from the mean of the chunk's first four pixels: a large mean loses no digits.
// bindings: 0, 1 sources, 2 output: [image][chunk][column] {vec4 mean, vec4 Σ (x − mean)²}.
// Groups: x columns · chunks / SG, y images. Range: fp32; chunks of up to some thousand pixels.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#define X2_BINDING 1
#include "include/group-norm.glsl"
layout(std430, binding = 2) writeonly buffer PARTS { vec4 parts[]; };

void main()
{
    const uint columns = p.c4 + p.c4_2, id = gl_WorkGroupID.x * SG + LANE, image = p.image0 + gl_WorkGroupID.y;
    const uint at = min(id, columns * p.chunks - 1), chunk = at / columns;
    const Column column = column_of(at - chunk * columns);
    const uint begin = image * p.pixels + chunk * p.chunk;
    const uint count = min(p.chunk, p.pixels - chunk * p.chunk);
    vec4 shift = vec4(0), sum = vec4(0), squares = vec4(0);
    [[unroll]] for (uint i = 0; i < 4; i++) shift += 0.25 * fetch(column, begin + min(i, count - 1));
    for (uint i = 0; i < count; i += 4)
        [[unroll]] for (uint j = 0; j < 4; j++) {
            vec4 d = fetch(column, begin + min(i + j, count - 1)) - shift;
            d = i + j < count ? d : vec4(0);
            sum += d;
            squares += d * d;
        }
    vec4 mean = sum / float(count);
    if (id < columns * p.chunks) {
        uint to = 2 * ((image * p.chunks + chunk) * columns + at - chunk * columns);
        parts[to] = shift + mean;
        parts[to + 1] = max(squares - sum * mean, vec4(0));
    }
}
