#version 450
// matrix-reduce.comp: adds up the partial sums of a product whose k was split, and ends it
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// binding 0: the sums, [parts][total_rows][n4]; others as include/product.glsl says.
// Groups: x vec4 of the output / SG. Range: fp32, in the order of the parts.
#extension GL_GOOGLE_include_directive : require
#define NO_SHUFFLE
#include "include/common.glsl"
#include "include/product.glsl"

vec4 sum_of(uint row, uint n4)
{
    vec4 sum = vec4(0);
    for (uint i = 0; i < p.parts; i++) sum += xf[(i * p.total_rows + row) * p.n4 + n4];
    return sum;
}

void main()
{
    uint out4 = p.n4 / NB, at = gl_GlobalInvocationID.x, row = at / out4, n4 = at - row * out4;
    if (row >= p.row_end) return;
    end_column(row, n4, sum_of(row, n4), NB == 2 ? sum_of(row, n4 + out4) : vec4(0));
}
