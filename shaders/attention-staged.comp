#version 450
// attention-staged.comp: flash attention with tiles in shared memory: for GPUs
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A workgroup takes BQ queries of a head and goes through the keys 32 at a time. Eight
// invocations share R queries: each makes the logits of four of the 32 keys, and one vec4 of
// every eight of the output. Queries lie in shared memory for all the time; keys, and then
// values, come by 8 vec4 of the head. Nothing is assumed of subgroups.
// bindings: 0 q, 1 k, 2 v, 3 output: storage buffers. Groups: x rows of an image / BQ, y heads,
// z images. Range: as attention-rows.comp.
#extension GL_GOOGLE_include_directive : require
#define NO_SHUFFLE
#include "include/common.glsl"
#include "include/attention.glsl"
layout(constant_id = 5) const uint R = 4;

const uint KEYS = 32, STEP = 8;        // keys of a block; vec4 of a head at once
const uint BQ = SG / STEP * R;         // queries of the workgroup
const uint STEPS = (D4 + STEP - 1) / STEP;
const uint Q_PITCH = D4 + 1, KV_PITCH = STEP + 1, P_PITCH = KEYS / 4 + 1;
shared vec4 q_s[BQ * Q_PITCH];
shared vec4 kv_s[KEYS * KV_PITCH];
shared vec4 p_s[BQ * P_PITCH]; // weights of the keys of a block
shared vec4 top_s[BQ * 2];     // the largest logit of each invocation

vec4 o[STEPS * R];

void stage_queries(uint q0, uint row0, uint head)
{
    for (uint x = LANE; x < BQ * D4; x += SG) {
        uint row = x / D4, d = x - row * D4;
        q_s[row * Q_PITCH + d] = load_q((q0 + min(row0 + row, p.t_q - 1)) * p.q_pitch + p.q_base + head * D4 + d) * p.scale;
    }
}

// vec4 [step · 8, …) of the keys, or of the values, of a block; zeros beyond the last key
void stage_block(bool values, uint image, uint k0, uint head, uint step)
{
    for (uint x = LANE; x < KEYS * STEP; x += SG) {
        uint key = k0 + x / STEP, d = step * STEP + x % STEP;
        vec4 v = vec4(0);
        if (key < p.k_valid && d < D4) v = values ? value_of(image, key, head, d) : key_of(image, key, head, d);
        kv_s[x / STEP * KV_PITCH + x % STEP] = v;
    }
}

void main()
{
    const uint head = gl_WorkGroupID.y, image = p.image0 + gl_WorkGroupID.z;
    const uint row0 = p.row0 + gl_WorkGroupID.x * BQ, q0 = image * p.t_q;
    const uint own = LANE / STEP * R, lane = LANE % STEP; // first own query; place among the eight
    const uint end = p.causal != 0 ? min(p.k_valid, min(row0 + BQ, p.t_q)) : p.k_valid;
    float m[R], l[R]; // l: of the own keys only
    [[unroll]] for (uint r = 0; r < R; r++) {
        m[r] = -1e30;
        l[r] = 0;
    }
    [[unroll]] for (uint i = 0; i < STEPS * R; i++) o[i] = vec4(0);
    stage_queries(q0, row0, head);
    for (uint k0 = 0; k0 < end; k0 += KEYS) {
        float s[R * 4]; // own key j is k0 + j · 8 + lane
        [[unroll]] for (uint i = 0; i < R * 4; i++) s[i] = 0;
        for (uint step = 0; step < STEPS; step++) {
            barrier();
            stage_block(false, image, k0, head, step);
            barrier();
            for (uint d = 0; d < min(STEP, D4 - step * STEP); d++)
                [[unroll]] for (uint j = 0; j < 4; j++) {
                    vec4 k = kv_s[(j * STEP + lane) * KV_PITCH + d];
                    [[unroll]] for (uint r = 0; r < R; r++) s[r * 4 + j] += dot(q_s[(own + r) * Q_PITCH + step * STEP + d], k);
                }
        }
        [[unroll]] for (uint r = 0; r < R; r++) {
            uint row = min(row0 + own + r, p.t_q - 1), limit = p.causal != 0 ? min(p.k_valid, row + 1) : p.k_valid;
            float top = -1e30;
            [[unroll]] for (uint j = 0; j < 4; j++) {
                s[r * 4 + j] = k0 + j * STEP + lane < limit ? s[r * 4 + j] : -1e30;
                top = max(top, s[r * 4 + j]);
            }
            top_s[(own + r) * 2 + lane / 4][lane % 4] = top;
        }
        barrier();
        [[unroll]] for (uint r = 0; r < R; r++) {
            vec4 t = max(top_s[(own + r) * 2], top_s[(own + r) * 2 + 1]);
            float top = max(max(m[r], max(t.x, t.y)), max(t.z, t.w)), c = exp2(m[r] - top);
            m[r] = top;
            l[r] *= c;
            [[unroll]] for (uint j = 0; j < 4; j++) {
                float e = exp2(s[r * 4 + j] - top);
                l[r] += e;
                p_s[(own + r) * P_PITCH + j * 2 + lane / 4][lane % 4] = e;
            }
            [[unroll]] for (uint i = 0; i < STEPS; i++) o[i * R + r] *= c;
        }
        [[unroll]] for (uint step = 0; step < STEPS; step++) {
            if (step > 0) barrier();
            stage_block(true, image, k0, head, step);
            barrier();
            for (uint key = 0; key < KEYS; key += 4) {
                vec4 v0 = kv_s[key * KV_PITCH + lane], v1 = kv_s[(key + 1) * KV_PITCH + lane];
                vec4 v2 = kv_s[(key + 2) * KV_PITCH + lane], v3 = kv_s[(key + 3) * KV_PITCH + lane];
                [[unroll]] for (uint r = 0; r < R; r++) {
                    vec4 e = p_s[(own + r) * P_PITCH + key / 4];
                    o[step * R + r] += e.x * v0 + e.y * v1 + e.z * v2 + e.w * v3;
                }
            }
        }
    }
    barrier();
    [[unroll]] for (uint r = 0; r < R; r++) top_s[(own + r) * 2 + lane / 4][lane % 4] = l[r];
    barrier();
    [[unroll]] for (uint r = 0; r < R; r++) {
        uint row = row0 + own + r;
        vec4 t = top_s[(own + r) * 2] + top_s[(own + r) * 2 + 1];
        float sum = t.x + t.y + t.z + t.w;
        [[unroll]] for (uint i = 0; i < STEPS; i++) {
            uint d = i * STEP + lane;
            if (row < p.t_q && d < D4) store((q0 + row - p.first) * p.y_pitch + head * D4 + d, o[i * R + r] / sum);
        }
    }
}
