#version 450
// attention-rows.comp: flash attention for narrow heads: a lane owns whole query rows
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// No reduction across lanes at all. A block of SG keys lies spread over the lanes and is
// handed round by shuffles with constant index; q and the output stay in registers (R rows ×
// D4 vec4 each). Online softmax in base 2 (Milakov & Gimelshein 2018; Dao et al. 2022).
// bindings: 0 q, 1 k, 2 v (texel buffers, may be the same tensor), 3 output.
// Groups: x rows of an image / (SG · R), y heads, z images.
// Range: logits and sums fp32; masked keys get −1e30, their weight is exactly 0 or below 2^−126.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
layout(constant_id = 3) const uint D4 = 10; // head size, vec4
layout(constant_id = 4) const uint R = 1;
layout(binding = 0) uniform samplerBuffer Q;
layout(binding = 1) uniform samplerBuffer K;
layout(binding = 2) uniform samplerBuffer V;
OUTPUT(3)
layout(push_constant) uniform P { NnAttentionParams p; };

#ifdef NO_SHUFFLE
const uint KEYS = 4; // every lane fetches them itself
#define EACH_KEY_LANE(i) i
#define KV_N KEYS
vec4 give(vec4 x[KV_N], uint i) { return x[i]; }
#else
const uint KEYS = SG;
#define EACH_KEY_LANE(i) LANE
#define KV_N 1
vec4 give(vec4 x[KV_N], uint i)
{
    return vec4(from_lane(x[0].x, i), from_lane(x[0].y, i), from_lane(x[0].z, i), from_lane(x[0].w, i));
}
#endif

void main()
{
    const uint head = gl_WorkGroupID.y, image = p.image0 + gl_WorkGroupID.z;
    const uint row0 = p.row0 + gl_WorkGroupID.x * SG * R + LANE;
    const uint q0 = image * p.t_q, k_image = image * p.t_k;
    const uint last_row = min(p.row0 + (gl_WorkGroupID.x + 1) * SG * R, p.t_q);
    const uint end = p.causal != 0 ? min(p.k_valid, last_row) : p.k_valid;
    vec4 q[R * D4], o[R * D4];
    float m[R], l[R];
    uint limit[R];
    [[unroll]] for (uint r = 0; r < R; r++) {
        uint row = min(row0 + r * SG, p.t_q - 1);
        m[r] = -1e30;
        l[r] = 0;
        limit[r] = p.causal != 0 ? min(p.k_valid, row + 1) : p.k_valid;
        [[unroll]] for (uint d = 0; d < D4; d++) {
            q[r * D4 + d] = texelFetch(Q, int((q0 + row) * p.q_pitch + p.q_base + head * D4 + d)) * p.scale;
            o[r * D4 + d] = vec4(0);
        }
    }
    for (uint k0 = 0; k0 < end; k0 += KEYS) {
        float s[KEYS * R];
        uint key[KV_N];
        [[unroll]] for (uint i = 0; i < KV_N; i++) key[i] = k_image + min(k0 + EACH_KEY_LANE(i), p.k_valid - 1);
        [[unroll]] for (uint i = 0; i < KEYS * R; i++) s[i] = 0;
        [[unroll]] for (uint d = 0; d < D4; d++) {
            vec4 kf[KV_N];
            [[unroll]] for (uint i = 0; i < KV_N; i++) kf[i] = texelFetch(K, int(key[i] * p.k_pitch + p.k_base + head * D4 + d));
            [[unroll]] for (uint i = 0; i < KEYS; i++) {
                vec4 k = give(kf, i);
                [[unroll]] for (uint r = 0; r < R; r++) {
                    vec4 t = q[r * D4 + d];
                    s[i * R + r] += t.x * k.x + t.y * k.y + t.z * k.z + t.w * k.w;
                }
            }
        }
        [[unroll]] for (uint r = 0; r < R; r++) {
            float top = m[r], sum = 0;
            [[unroll]] for (uint i = 0; i < KEYS; i++) {
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
            [[unroll]] for (uint d = 0; d < D4; d++) o[r * D4 + d] *= c;
        }
        [[unroll]] for (uint d = 0; d < D4; d++) {
            vec4 vf[KV_N];
            [[unroll]] for (uint i = 0; i < KV_N; i++) vf[i] = texelFetch(V, int(key[i] * p.v_pitch + p.v_base + head * D4 + d));
            [[unroll]] for (uint i = 0; i < KEYS; i++) {
                vec4 v = give(vf, i);
                [[unroll]] for (uint r = 0; r < R; r++) o[r * D4 + d] += s[i * R + r] * v;
            }
        }
    }
    [[unroll]] for (uint r = 0; r < R; r++) {
        uint row = row0 + r * SG;
        if (row < p.t_q) {
            [[unroll]] for (uint d = 0; d < D4; d++)
                store((q0 + row - p.first) * p.y_pitch + head * D4 + d, o[r * D4 + d] / l[r]);
        }
    }
}
