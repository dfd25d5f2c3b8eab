#version 450
// attention-gather.comp: one head's queries, keys or values as an operand of a product
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// For heads that are computed as two products with the scores between them in memory. Rows of
// one image and one head are copied from a stacked projection to a matrix of their own, fp32:
// [rows][columns], or TRANSPOSED [4 · columns][rows]. What lies beyond the valid rows is 0.
// An invocation writes one vec4, or a block of 4×4. bindings: 0 source (texel buffer), 1 output.
// Groups: x rows · columns / SG; TRANSPOSED: x rows / 4 · columns / SG.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(constant_id = 3) const bool TRANSPOSED = false;
layout(push_constant) uniform P { NnGatherParams p; };
layout(binding = 0) uniform samplerBuffer X;
layout(std430, binding = 1) writeonly buffer Y_ { vec4 y[]; };

vec4 fetch(uint row, uint column)
{
    vec4 v = texelFetch(X, int((p.row0 + min(row, p.valid - 1)) * p.pitch + p.base + column)) * p.scale;
    return row < p.valid ? v : vec4(0);
}

void main()
{
    const uint id = gl_WorkGroupID.x * SG + LANE, n = TRANSPOSED ? p.rows / 4 : p.columns;
    const uint end = (TRANSPOSED ? p.columns : p.rows) * n, at = min(id, end - 1), a = at / n, b = at - a * n;
    if (!TRANSPOSED) {
        vec4 v = fetch(a, b);
        if (id < end) y[id] = v;
        return;
    }
    vec4 r0 = fetch(4 * b, a), r1 = fetch(4 * b + 1, a), r2 = fetch(4 * b + 2, a), r3 = fetch(4 * b + 3, a);
    if (id < end) {
        y[(4 * a) * n + b] = vec4(r0.x, r1.x, r2.x, r3.x);
        y[(4 * a + 1) * n + b] = vec4(r0.y, r1.y, r2.y, r3.y);
        y[(4 * a + 2) * n + b] = vec4(r0.z, r1.z, r2.z, r3.z);
        y[(4 * a + 3) * n + b] = vec4(r0.w, r1.w, r2.w, r3.w);
    }
}
