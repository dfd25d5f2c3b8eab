#version 450
// attention-units.comp: flash attention on matrix units (VK_KHR_cooperative_matrix)
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A workgroup of ROWS × COLUMNS subgroups takes ROWS · M queries of a head and goes through the
// keys BK at a time: logits on the units, their softmax by all invocations through shared
// memory, weights times values on the units. Subgroups of a row share its queries: each makes
// logits of other keys and outputs of other channels. Keys and values come by DC channels.
// The output stays in accumulators; a row's factor reaches them as a matrix that repeats it.
// bindings: 0 q, 1 k, 2 v, 3 output: storage buffers. Groups: x rows of an image / (ROWS · M),
// y heads, z images.
// Range: q, k, v and the weights (≤ 1) in fp16; logits, sums and outputs fp32; masked keys get
// −1e30, their weight is exactly 0.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define NO_SHUFFLE
#include "include/common.glsl"
#include "include/attention.glsl"
layout(constant_id = 5) const uint M = 16;
layout(constant_id = 6) const uint N = 16;
layout(constant_id = 7) const uint K = 16;
layout(constant_id = 8) const uint ROWS = 4;
layout(constant_id = 9) const uint COLUMNS = 1;
layout(constant_id = 10) const uint SUBGROUP = 32;
layout(constant_id = 11) const uint BK = 32;
layout(constant_id = 12) const uint DC = 64; // a multiple of K and of COLUMNS · N

const uint BQ = ROWS * M;
const uint SHARE = SG / BQ;                       // invocations to a row of logits
const uint EACH = BK / 4 / SHARE;                 // vec4 of logits of an invocation
const uint STEPS = (D4 * 4 + DC - 1) / DC;
const uint ST = BK / COLUMNS / N, OT = DC / COLUMNS / N; // matrices of a subgroup: logits, outputs of a step
const uint Q_PITCH = STEPS * DC / 4 + 2, KV_PITCH = DC / 4 + 2, P_PITCH = BK / 4 + 2, S_PITCH = BK / 4 + 1;
shared f16vec4 q_s[BQ * Q_PITCH];
shared f16vec4 kv_s[BK * KV_PITCH];
shared f16vec4 p_s[BQ * P_PITCH];
shared vec4 s_s[BQ * S_PITCH];   // logits; then, in the first N columns, the factor of each row
shared float share_s[BQ * SHARE];

#define ACCUMULATOR coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>

void stage_queries(uint q0, uint row0, uint head)
{
    for (uint x = LANE; x < BQ * STEPS * DC / 4; x += SG) {
        uint row = x / (STEPS * DC / 4), d = x % (STEPS * DC / 4);
        vec4 v = vec4(0);
        if (d < D4) v = load_q((q0 + min(row0 + row, p.t_q - 1)) * p.q_pitch + p.q_base + head * D4 + d);
        q_s[row * Q_PITCH + d] = f16vec4(v);
    }
}

// a step's channels of the keys, or of the values, of a block; zeros beyond the last key
void stage_block(bool values, uint image, uint k0, uint head, uint step)
{
    for (uint x = LANE; x < BK * DC / 4; x += SG) {
        uint key = k0 + x / (DC / 4), d = step * (DC / 4) + x % (DC / 4);
        vec4 v = vec4(0);
        if (key < p.k_valid && d < D4) v = values ? value_of(image, key, head, d) : key_of(image, key, head, d);
        kv_s[x / (DC / 4) * KV_PITCH + x % (DC / 4)] = f16vec4(v);
    }
}

void main()
{
    const uint head = gl_WorkGroupID.y, image = p.image0 + gl_WorkGroupID.z;
    const uint row0 = p.row0 + gl_WorkGroupID.x * BQ, q0 = image * p.t_q;
    const uint row = gl_SubgroupID / COLUMNS, column = gl_SubgroupID % COLUMNS; // of the subgroup
    const uint own = LANE / SHARE, share = LANE % SHARE;                        // own row of logits
    const uint end = p.causal != 0 ? min(p.k_valid, min(row0 + BQ, p.t_q)) : p.k_valid;
    const uint limit = p.causal != 0 ? min(p.k_valid, min(row0 + own, p.t_q - 1) + 1) : p.k_valid;
    float m = -1e30, l = 0; // l: of the own keys only
    ACCUMULATOR o[STEPS * OT], factor;
    [[unroll]] for (uint i = 0; i < STEPS * OT; i++) o[i] = ACCUMULATOR(0.0);
    stage_queries(q0, row0, head);
    for (uint k0 = 0; k0 < end; k0 += BK) {
        ACCUMULATOR s[ST];
        [[unroll]] for (uint t = 0; t < ST; t++) s[t] = ACCUMULATOR(0.0);
        for (uint step = 0; step < STEPS; step++) {
            barrier();
            stage_block(false, image, k0, head, step);
            barrier();
            for (uint d = 0; d < DC; d += K) {
                coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> a;
                coopMatLoad(a, q_s, row * M * Q_PITCH + (step * DC + d) / 4, Q_PITCH, gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (uint t = 0; t < ST; t++) {
                    coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> b;
                    coopMatLoad(b, kv_s, (column * ST + t) * N * KV_PITCH + d / 4, KV_PITCH, gl_CooperativeMatrixLayoutColumnMajor);
                    s[t] = coopMatMulAdd(a, b, s[t]);
                }
            }
        }
        [[unroll]] for (uint t = 0; t < ST; t++)
            coopMatStore(s[t], s_s, row * M * S_PITCH + (column * ST + t) * N / 4, S_PITCH, gl_CooperativeMatrixLayoutRowMajor);
        barrier();
        vec4 v[EACH];
        float top = -1e30;
        [[unroll]] for (uint j = 0; j < EACH; j++) {
            uint key = k0 + (j * SHARE + share) * 4;
            v[j] = s_s[own * S_PITCH + j * SHARE + share] * p.scale;
            v[j] = mix(v[j], vec4(-1e30), greaterThanEqual(uvec4(key, key + 1, key + 2, key + 3), uvec4(limit)));
            top = max(max(max(v[j].x, v[j].y), max(v[j].z, v[j].w)), top);
        }
        share_s[own * SHARE + share] = top;
        barrier();
        [[unroll]] for (uint i = 0; i < SHARE; i++) top = max(top, share_s[own * SHARE + i]);
        top = max(top, m);
        float c = exp2(m - top);
        m = top;
        l *= c;
        [[unroll]] for (uint j = 0; j < EACH; j++) {
            f16vec4 e = f16vec4(exp2(v[j] - top));
            vec4 r = vec4(e); // the sum is of what the units see
            l += r.x + r.y + r.z + r.w;
            p_s[own * P_PITCH + j * SHARE + share] = e;
            if (j * SHARE + share < N / 4) s_s[own * S_PITCH + j * SHARE + share] = vec4(c);
        }
        stage_block(true, image, k0, head, 0);
        barrier();
        coopMatLoad(factor, s_s, row * M * S_PITCH, S_PITCH, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint i = 0; i < STEPS * OT; i++) o[i] = o[i] * factor;
        [[unroll]] for (uint step = 0; step < STEPS; step++) {
            if (step > 0) {
                barrier();
                stage_block(true, image, k0, head, step);
                barrier();
            }
            for (uint key = 0; key < BK; key += K) {
                coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> a;
                coopMatLoad(a, p_s, row * M * P_PITCH + key / 4, P_PITCH, gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (uint t = 0; t < OT; t++) {
                    coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> b;
                    coopMatLoad(b, kv_s, key * KV_PITCH + (column * OT + t) * N / 4, KV_PITCH, gl_CooperativeMatrixLayoutRowMajor);
                    o[step * OT + t] = coopMatMulAdd(a, b, o[step * OT + t]);
                }
            }
        }
    }
    barrier();
    share_s[own * SHARE + share] = l;
    barrier();
    float sum = 0;
    [[unroll]] for (uint i = 0; i < SHARE; i++) sum += share_s[own * SHARE + i];
    [[unroll]] for (uint j = 0; j < EACH; j++)
        if (j * SHARE + share < N / 4) s_s[own * S_PITCH + j * SHARE + share] = vec4(1.0 / sum);
    barrier();
    coopMatLoad(factor, s_s, row * M * S_PITCH, S_PITCH, gl_CooperativeMatrixLayoutRowMajor);
    barrier();
    const uint at = row * M * S_PITCH + column * N / 4; // of the subgroup's own matrix
    [[unroll]] for (uint i = 0; i < STEPS * OT; i++) {
        ACCUMULATOR y = o[i] * factor;
        coopMatStore(y, s_s, at, S_PITCH, gl_CooperativeMatrixLayoutRowMajor);
        subgroupBarrier();
        for (uint x = gl_SubgroupInvocationID; x < M * N / 4; x += SUBGROUP) {
            uint q = row0 + row * M + x / (N / 4);
            uint d = (i / OT * DC + (column * OT + i % OT) * N) / 4 + x % (N / 4);
            if (q < p.t_q && d < D4) store((q0 + q - p.first) * p.y_pitch + head * D4 + d, s_s[at + x / (N / 4) * S_PITCH + x % (N / 4)]);
        }
        subgroupBarrier();
    }
}
