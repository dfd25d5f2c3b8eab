// attention.glsl: the inputs of the tiled forms of attention, as storage buffers
//
// SPDX-License-Identifier: GPL-3.0-or-later
layout(constant_id = 3) const uint D4 = 16;   // head size, vec4
layout(constant_id = 4) const uint TYPES = 0; // NN_TYPES_…
layout(std430, binding = 0) readonly buffer QF_ { vec4 qf[]; };
layout(std430, binding = 0) readonly buffer QH_ { uvec2 qh[]; };
layout(std430, binding = 1) readonly buffer KF_ { vec4 kf[]; };
layout(std430, binding = 1) readonly buffer KH_ { uvec2 kh[]; };
layout(std430, binding = 2) readonly buffer VF_ { vec4 vf[]; };
layout(std430, binding = 2) readonly buffer VH_ { uvec2 vh[]; };
OUTPUT(3)
layout(push_constant) uniform P { NnAttentionParams p; };

vec4 from_half(uvec2 h) { return vec4(unpackHalf2x16(h.x), unpackHalf2x16(h.y)); }

vec4 load_q(uint at)
{
    if ((TYPES & NN_TYPES_Q_HALF) != 0) return from_half(qh[at]);
    return qf[at];
}

uint key_at(uint image, uint key, uint head, uint d)
{
    return (image * p.t_k + key) * p.k_pitch + p.k_base + head * D4 + d;
}

uint value_at(uint image, uint key, uint head, uint d)
{
    return (image * p.t_k + key) * p.v_pitch + p.v_base + head * D4 + d;
}

vec4 key_of(uint image, uint key, uint head, uint d)
{
    uint at = key_at(image, key, head, d);
    if ((TYPES & NN_TYPES_K_HALF) != 0) return from_half(kh[at]);
    return kf[at];
}

vec4 value_of(uint image, uint key, uint head, uint d)
{
    uint at = value_at(image, key, head, d);
    if ((TYPES & NN_TYPES_V_HALF) != 0) return from_half(vh[at]);
    return vf[at];
}
