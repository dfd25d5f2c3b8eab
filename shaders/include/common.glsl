// common.glsl: lanes, activation functions and stores that all kernels share
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Define IMAGES to read through image buffers, NO_SHUFFLE for devices whose subgroup size cannot be fixed or that lack shuffles.
#extension GL_EXT_control_flow_attributes : require
#ifdef IMAGES // fp32 activations only; see GpuInfo.prefer_images
#define samplerBuffer layout(rgba32f) readonly imageBuffer
#define usamplerBuffer layout(rgba32ui) readonly uimageBuffer
#define texelFetch imageLoad
#endif
#ifndef NO_SHUFFLE
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_ballot : require
#endif
#include "include/params.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint SG = 8; // a workgroup is one subgroup
layout(constant_id = 1) const bool BCAST = false;
layout(constant_id = 2) const bool HALF = false; // activations are stored as fp16

#ifdef NO_SHUFFLE
#define LANE gl_LocalInvocationID.x
#else
#define LANE gl_SubgroupInvocationID
// x of lane i; i is constant once loops are unrolled, which makes this all but free
float from_lane(float x, uint i) { return BCAST ? subgroupBroadcast(x, i) : subgroupShuffle(x, i); }
#endif

// erf, own minimax fit in two pieces, error <= 1e-7 in fp32: x·p(x²) below 0.7, 1 − 2^q(x) above
float erf1(float x)
{
    float a = min(abs(x), 4.0), u = a * a;
    float p = (((0.00428685577 * u - 0.0264794656) * u + 0.112771531) * u - 0.376122369) * u + 1.12837913;
    float q = 9.89370224e-08;
    q = q * a + 9.57839765e-08;
    q = q * a - 4.39137525e-05;
    q = q * a + 0.00073359471;
    q = q * a - 0.00641618956;
    q = q * a + 0.0370874246;
    q = q * a - 0.157291364;
    q = q * a - 0.912925989;
    q = q * a - 1.62986387;
    q = q * a + 0.000303466899;
    float y = a < 0.7 ? a * p : 1.0 - exp2(q);
    return x < 0.0 ? -y : y;
}

vec4 silu(vec4 x) { return x / (1.0 + exp(-x)); }
vec4 gelu(vec4 x)
{
    const float r = 0.70710678;
    return 0.5 * x * (1.0 + vec4(erf1(x.x * r), erf1(x.y * r), erf1(x.z * r), erf1(x.w * r)));
}
vec4 quick_gelu(vec4 x) { return x / (1.0 + exp(-1.702 * x)); }

// What fp16 has no place for (from 65520 on it would round up) becomes infinite, so that whoever reads
// the result sees it and computes the stage again with 32 bits; packHalf2x16 leaves it undefined.
uvec2 to_half(vec4 v)
{
    vec4 infinite = sign(v) * uintBitsToFloat(0x7f800000u);
    vec4 c = mix(v, infinite, greaterThanEqual(abs(v), vec4(65520.0)));
    return uvec2(packHalf2x16(c.xy), packHalf2x16(c.zw));
}

// the output's binding, seen as either type
#define OUTPUT(number) \
    layout(std430, binding = number) writeonly buffer YF_ { vec4 yf[]; }; \
    layout(std430, binding = number) writeonly buffer YH_ { uvec2 yh[]; }; \
    void store(uint i, vec4 v) { if (HALF) yh[i] = to_half(v); else yf[i] = v; }
