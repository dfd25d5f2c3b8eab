#version 450
// repack.comp: a weight as it lies in the file → the layout of the matrix kernels
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// [out][in][taps] of fp32, fp16 or bf16 → words [taps][in][out] (fp32) or [taps][in / 2][out]
// (two rows to a word). An invocation makes one word. Types are moved bit by bit where they
// are the same, else through fp32, to nearest even.
// bindings: 0 the file's bytes (texel buffer of words), 1 output. What lies outside the part
// is padding: 0. Groups: x columns / SG, y rows.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(constant_id = 3) const uint FROM = NN_SPEC_F32;
layout(constant_id = 4) const uint TO = NN_SPEC_F32;
layout(binding = 0) uniform usamplerBuffer RAW;
layout(std430, binding = 1) writeonly buffer Y_ { uint y[]; };
layout(push_constant) uniform P { NnRepackParams p; };

uint bits(uint column, uint row, uint tap) // in the low half for 16-bit types
{
    bool inside = column < p.out_c && row < p.in_c;
    uint i = inside ? (column * p.in_c + row) * p.taps + tap : 0;
    uint at = p.source + i * (FROM == NN_SPEC_F32 ? 4 : 2);
    uvec4 t = texelFetch(RAW, int(at >> 4));
    uint lane = at >> 2 & 3;
    uint word = lane == 0 ? t.x : lane == 1 ? t.y : lane == 2 ? t.z : t.w;
    if (FROM != NN_SPEC_F32) word = (at & 2) != 0 ? word >> 16 : word & 0xffffu;
    return inside ? word : 0;
}

float as_float(uint b)
{
    if (FROM == NN_SPEC_F16) return unpackHalf2x16(b).x;
    return uintBitsToFloat(FROM == NN_SPEC_BF16 ? b << 16 : b);
}

uint convert(uint b)
{
    if (FROM == TO) return b;
    float v = as_float(b);
    if (TO == NN_SPEC_F32) return floatBitsToUint(v);
    if (TO == NN_SPEC_F16) return packHalf2x16(vec2(clamp(v, -65504.0, 65504.0), 0.0));
    uint u = floatBitsToUint(v);
    return (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}

void main()
{
    const uint column = gl_WorkGroupID.x * SG + LANE, row = p.row0 + gl_WorkGroupID.y;
    const uint tap = row / p.rows_per_tap, k = row - tap * p.rows_per_tap;
    uint word;
    if (TO == NN_SPEC_F32) word = convert(bits(column, k, tap));
    else word = convert(bits(column, 2 * k, tap)) | convert(bits(column, 2 * k + 1, tap)) << 16;
    if (column < p.columns) y[gl_WorkGroupID.y * p.pitch + p.column0 + column] = word;
}
