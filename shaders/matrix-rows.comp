#version 450
// matrix-rows.comp: linear and 3×3 convolution, lanes along rows: for few output columns
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A lane makes TM rows × NC vec4 columns. The weights of a turn (KU vec4 of k × NC columns)
// lie spread over the lanes and are handed round by shuffles with constant index.
// Groups: x rows of an image / (SG · TM), y columns / NC, z images.
// Range: as matrix-columns.comp.
#extension GL_GOOGLE_include_directive : require
#include "include/common.glsl"
#include "include/matrix.glsl"

const uint PAIRS = 2 * KU * NC; // texel pairs of B of a turn: x = (k pair) · NC + column
#ifdef NO_SHUFFLE
const uint BL = PAIRS;
#define ELEMENT(i) (i)
#define B(b, x, c) b[x][c]
#else
const uint BL = (PAIRS + SG - 1) / SG;
#define ELEMENT(i) ((i * SG + LANE) % PAIRS)
#define B(b, x, c) from_lane(b[(x) / SG][c], (x) % SG)
#endif

void main()
{
    const uint n0 = gl_WorkGroupID.y * NC;
    const uint m0 = p.row0 + gl_WorkGroupID.x * SG * TM + LANE, image = p.image0 + gl_WorkGroupID.z;
    const uint k4 = p.c4 + p.c4_2, pair0 = image * p.weight_pairs, last_pair = TAPS * k4 * 2 - 1;
    vec4 acc[TM * NC];
    [[unroll]] for (uint i = 0; i < TM * NC; i++) acc[i] = vec4(0);
    Place place[TM];
    [[unroll]] for (uint r = 0; r < TM; r++) place[r] = place_of(min(m0 + r * SG, p.rows - 1));
    for (uint turn = 0; turn < TAPS * p.sources; turn++) {
        uint source = turn & (p.sources - 1), tap = turn >> (p.sources - 1);
        uint c4 = source == 0 ? p.c4 : p.c4_2, kb = tap * k4 + (source == 0 ? 0 : p.c4);
        uint texel[TM];
        bool inside[TM];
        [[unroll]] for (uint r = 0; r < TM; r++) inside[r] = place_texel(place[r], tap, image, source, texel[r]);
        for (uint k = 0; k < c4; k += KU) {
            vec4 b0[BL], b1[BL];
            [[unroll]] for (uint i = 0; i < BL; i++) {
                uint x = ELEMENT(i);
                fetch_weight(pair0 + min((kb + k) * 2 + x / NC, last_pair), min(n0 + x % NC, p.n4 - 1), b0[i], b1[i]);
            }
            [[unroll]] for (uint g = 0; g < KU; g++) {
                vec4 a[TM];
                [[unroll]] for (uint r = 0; r < TM; r++) {
                    a[r] = fetch(texel[r] + min(k + g, c4 - 1), source);
                    a[r] = inside[r] && k + g < c4 ? a[r] : vec4(0);
                }
                [[unroll]] for (uint j = 0; j < NC; j++) {
                    const uint x = g * 2 * NC + j, z = x + NC;
                    vec4 w0 = vec4(B(b0, x, 0), B(b0, x, 1), B(b0, x, 2), B(b0, x, 3));
                    vec4 w1 = vec4(B(b1, x, 0), B(b1, x, 1), B(b1, x, 2), B(b1, x, 3));
                    vec4 w2 = vec4(B(b0, z, 0), B(b0, z, 1), B(b0, z, 2), B(b0, z, 3));
                    vec4 w3 = vec4(B(b1, z, 0), B(b1, z, 1), B(b1, z, 2), B(b1, z, 3));
                    [[unroll]] for (uint r = 0; r < TM; r++) {
                        vec4 v = acc[r * NC + j];
                        v += a[r].x * w0;
                        v += a[r].y * w1;
                        v += a[r].z * w2;
                        v += a[r].w * w3;
                        acc[r * NC + j] = v;
                    }
                }
            }
        }
    }
    [[unroll]] for (uint j = 0; j < NC; j++) {
        uint n4 = n0 + j, nc = min(n4, p.n4 - 1);
        vec4 add = column_add(nc, image);
        [[unroll]] for (uint r = 0; r < TM; r++) {
            uint row = m0 + r * SG, at = (image * p.rows + min(row, p.rows - 1)) * p.n4 + nc;
            vec4 v = activate(acc[r * NC + j] + add);
            if (RESIDUAL) v += residual(at);
            if (row < p.rows && n4 < p.n4) store(at - p.first * p.n4, v);
        }
    }
}
