#version 450
// attention-lanes.comp: flash attention for wide heads: a head's channels lie over the lanes
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A subgroup takes R query rows; a lane holds DL vec4 of each, and of the output. Every logit
// is a sum over the lanes, so this form is for heads too wide for attention-rows. KEYS keys
// are taken per turn. Without subgroup operations the sum goes through shared memory.
// Bindings, groups (x: rows / R) and range as attention-rows.comp.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/add-lanes.glsl"
layout(constant_id = 3) const uint D4 = 128; // head size, vec4
layout(constant_id = 4) const uint R = 4;
layout(constant_id = 5) const uint KEYS = 4;
const uint DL = (D4 + SG - 1) / SG;
layout(binding = 0) uniform samplerBuffer Q;
layout(binding = 1) uniform samplerBuffer K;
layout(binding = 2) uniform samplerBuffer V;
OUTPUT(3)
layout(push_constant) uniform P { NnAttentionParams p; };

void main()
{
    const uint head = gl_WorkGroupID.y, image = p.image0 + gl_WorkGroupID.z;
    const uint row0 = p.row0 + gl_WorkGroupID.x * R;
    const uint q0 = image * p.t_q, k_image = image * p.t_k;
    const uint end = p.causal != 0 ? min(p.k_valid, min(row0 + R, p.t_q)) : p.k_valid;
    vec4 q[R * DL], o[R * DL];
    float m[R], l[R];
    uint limit[R];
    [[unroll]] for (uint r = 0; r < R; r++) {
        uint row = min(row0 + r, p.t_q - 1);
        m[r] = -1e30;
        l[r] = 0;
        limit[r] = p.causal != 0 ? min(p.k_valid, row + 1) : p.k_valid;
        [[unroll]] for (uint j = 0; j < DL; j++) {
            uint d = j * SG + LANE;
            vec4 v = texelFetch(Q, int((q0 + row) * p.q_pitch + p.q_base + head * D4 + min(d, D4 - 1)));
            q[r * DL + j] = d < D4 ? v * p.scale : vec4(0);
            o[r * DL + j] = vec4(0);
        }
    }
    for (uint k0 = 0; k0 < end; k0 += KEYS) {
        float s[KEYS * R];
        [[unroll]] for (uint i = 0; i < KEYS * R; i++) s[i] = 0;
        [[unroll]] for (uint i = 0; i < KEYS; i++) {
            uint at = (k_image + min(k0 + i, p.k_valid - 1)) * p.k_pitch + p.k_base + head * D4;
            [[unroll]] for (uint j = 0; j < DL; j++) {
                vec4 k = texelFetch(K, int(at + min(j * SG + LANE, D4 - 1)));
                [[unroll]] for (uint r = 0; r < R; r++) {
                    vec4 t = q[r * DL + j];
                    s[i * R + r] += t.x * k.x + t.y * k.y + t.z * k.z + t.w * k.w;
                }
            }
        }
        [[unroll]] for (uint r = 0; r < R; r++) {
            float top = m[r], sum = 0;
            [[unroll]] for (uint i = 0; i < KEYS; i++) {
                s[i * R + r] = add_lanes(s[i * R + r]);
                s[i * R + r] = k0 + i < limit[r] ? s[i * R + r] : -1e30;
                top = max(top, s[i * R + r]);
            }
            float c = exp2(m[r] - top);
            m[r] = top;
            [[unroll]] for (uint i = 0; i < KEYS; i++) {
                s[i * R + r] = exp2(s[i * R + r] - top);
                sum += s[i * R + r];
            }
            l[r] = l[r] * c + sum;
            [[unroll]] for (uint j = 0; j < DL; j++) o[r * DL + j] *= c;
        }
        [[unroll]] for (uint i = 0; i < KEYS; i++) {
            uint at = (k_image + min(k0 + i, p.k_valid - 1)) * p.v_pitch + p.v_base + head * D4;
            [[unroll]] for (uint j = 0; j < DL; j++) {
                vec4 v = texelFetch(V, int(at + min(j * SG + LANE, D4 - 1)));
                [[unroll]] for (uint r = 0; r < R; r++) o[r * DL + j] += s[i * R + r] * v;
            }
        }
    }
    [[unroll]] for (uint r = 0; r < R; r++)
        [[unroll]] for (uint j = 0; j < DL; j++) {
            uint d = j * SG + LANE;
            if (row0 + r < p.t_q && d < D4)
                store((q0 + row0 + r - p.first) * p.y_pitch + head * D4 + d, o[r * DL + j] / l[r]);
        }
}
