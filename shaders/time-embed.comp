#version 450
// time-embed.comp: [cos (t·f) | sin (t·f)], f = 10000^(−i / half)
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Own sine, cosine and exponential: what GLSL promises is 2^−11 within ±π only, and angles
// reach a thousand. Angles are reduced by π/2 in three parts, then Taylor to x^10.
// bindings: 0 times (texel buffer, one each), 1 output. Groups: x vec4 of the output / SG.
// Range: |angle| < 8192; error 1e-7 of the angle's own fp32 rounding, 6e-5 at 999.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(binding = 0) uniform samplerBuffer T;
OUTPUT(1)
layout(push_constant) uniform P { NnElementsParams p; };

float power2(float x)
{
    float n = floor(x + 0.5), f = x - n;
    float y = 0.00015469732;
    y = y * f + 0.00134004322;
    y = y * f + 0.0096180256;
    y = y * f + 0.0555032721;
    y = y * f + 0.240226512;
    y = y * f + 0.693147207;
    y = y * f + 1.0;
    return y * uintBitsToFloat(uint(int(n) + 127) << 23);
}

// cos (angle − quarter·π/2): quarter 1 is the sine
float wave(float angle, int quarter)
{
    float n = floor(angle * 0.636619772 + 0.5);
    float r = ((angle - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.54978995489188e-8, u = r * r;
    float c = ((((-u / 3628800.0 + 1.0 / 40320.0) * u - 1.0 / 720.0) * u + 1.0 / 24.0) * u - 0.5) * u + 1.0;
    float s = ((((u / 362880.0 - 1.0 / 5040.0) * u + 1.0 / 120.0) * u - 1.0 / 6.0) * u) * r + r;
    int turn = (int(n) - quarter) & 3;
    float v = (turn & 1) == 0 ? c : -s;
    return (turn & 2) == 0 ? v : -v;
}

void main()
{
    const uint dim = p.n_xs, half_dim = dim / 2, pitch = (dim + 3) / 4;
    const uint id = gl_WorkGroupID.x * SG + LANE, at = min(id, p.count - 1), image = at / pitch;
    const float t = texelFetch(T, int(image)).x;
    vec4 v;
    [[unroll]] for (uint j = 0; j < 4; j++) {
        uint i = (at - image * pitch) * 4 + j, k = i < half_dim ? i : i - half_dim;
        float angle = t * power2(-13.2877124 * float(k) / float(half_dim));
        v[j] = i < dim ? wave(angle, i < half_dim ? 0 : 1) : 0.0;
    }
    if (id < p.count) store(at, v);
}
