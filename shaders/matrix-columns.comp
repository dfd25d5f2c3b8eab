#version 450
// matrix-columns.comp: linear and 3×3 convolution, lanes along output columns
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// "Direct" form: no shared memory, no barrier. A subgroup makes TM rows × SG vec4 columns;
// a lane holds one vec4 column of each row. The fragment of A (TM rows × KU vec4) lies spread
// over the lanes and is handed round by shuffles with constant index.
// GEGLU: a lane also makes the column half a width further on, and multiplies.
// Groups: x rows of an image / TM, y columns / SG, z images: neighbours share a weight.
// Range: sums in fp32 in the order of k; inputs and outputs fp32 or fp16 (clamped).
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/matrix.glsl"

const uint NB = ACT == NN_SPEC_GEGLU ? 2 : 1;
#ifdef NO_SHUFFLE
const uint AL = TM * KU;
#define ELEMENT(i) (i)
#define A(x, k) a[x][k]
#else
const uint AL = (TM * KU + SG - 1) / SG; // vec4 of A that a lane fetches
#define ELEMENT(i) ((i * SG + LANE) % (TM * KU))
#define A(x, k) from_lane(a[(x) / SG][k], (x) % SG)
#endif

void main()
{
    const uint out4 = p.n4 / NB, n4 = gl_WorkGroupID.y * SG + LANE, nc = min(n4, out4 - 1);
    const uint m0 = p.row0 + gl_WorkGroupID.x * TM, image = p.image0 + gl_WorkGroupID.z;
    const uint k4 = p.c4 + p.c4_2, pair0 = image * p.weight_pairs, last_pair = TAPS * k4 * 2 - 1;
    vec4 acc[TM * NB];
    [[unroll]] for (uint i = 0; i < TM * NB; i++) acc[i] = vec4(0);
    Place place[AL];
    uint column[AL];
    [[unroll]] for (uint i = 0; i < AL; i++) {
        uint x = ELEMENT(i);
        place[i] = place_of(min(m0 + x % TM, p.rows - 1));
        column[i] = x / TM;
    }
    for (uint turn = 0; turn < TAPS * p.sources; turn++) {
        uint source = turn & (p.sources - 1), tap = turn >> (p.sources - 1);
        uint c4 = source == 0 ? p.c4 : p.c4_2, kb = tap * k4 + (source == 0 ? 0 : p.c4);
        uint texel[AL];
        bool inside[AL];
        [[unroll]] for (uint i = 0; i < AL; i++) inside[i] = place_texel(place[i], tap, image, source, texel[i]);
        for (uint k = 0; k < c4; k += KU) {
            vec4 a[AL];
            [[unroll]] for (uint i = 0; i < AL; i++) {
                uint kc = k + column[i];
                a[i] = fetch(texel[i] + min(kc, c4 - 1), source);
                a[i] = inside[i] && kc < c4 ? a[i] : vec4(0);
            }
            [[unroll]] for (uint g = 0; g < KU; g++) {
                uint pair = pair0 + min((kb + k + g) * 2, last_pair - 1);
                [[unroll]] for (uint j = 0; j < NB; j++) {
                    vec4 b0, b1, b2, b3; // four rows of the weight
                    fetch_weight(pair, nc + j * out4, b0, b1);
                    fetch_weight(pair + 1, nc + j * out4, b2, b3);
                    // all four k of a row at once: its sums stay in registers meanwhile
                    [[unroll]] for (uint r = 0; r < TM; r++) {
                        const uint x = g * TM + r;
                        vec4 v = acc[r * NB + j];
                        v += A(x, 0) * b0;
                        v += A(x, 1) * b1;
                        v += A(x, 2) * b2;
                        v += A(x, 3) * b3;
                        acc[r * NB + j] = v;
                    }
                }
            }
        }
    }
    vec4 add[NB];
    [[unroll]] for (uint j = 0; j < NB; j++) add[j] = column_add(nc + j * out4, image);
    [[unroll]] for (uint r = 0; r < TM; r++) {
        uint row = m0 + r, at = (image * p.rows + min(row, p.rows - 1)) * out4 + nc;
        vec4 v = acc[r * NB] + add[0];
        if (ACT == NN_SPEC_GEGLU) v *= gelu(acc[r * NB + NB - 1] + add[NB - 1]);
        else v = activate(v);
        if (RESIDUAL) v += residual(at);
        if (row < p.rows && n4 < out4) store(at - p.first * out4, v);
    }
}
