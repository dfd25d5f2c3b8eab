// winograd.glsl: Winograd's minimal filtering F(m×m, 3×3) in one direction (Lavin & Gray 2015)
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// m 4: points 0, ±1, ±2, ∞. m 6 (TILE6): 0, ±1, ±2, ±1/2, ∞: a fifth less of everything, twice the
// rounding errors. N = m + 2 values of an input give m of the output.
#ifdef TILE6
#define M 6
#define N 8

void transform_input(vec4 d[N], out vec4 o[N])
{
    vec4 a = d[2] + d[6] - 4.25 * d[4], b = d[1] + d[5] - 4.25 * d[3];
    o[0] = d[0] - d[6] + 5.25 * (d[4] - d[2]);
    o[1] = a + b;
    o[2] = a - b;
    a = d[6] + 0.25 * d[2] - 1.25 * d[4];
    b = 0.5 * d[1] - 2.5 * d[3] + 2.0 * d[5];
    o[3] = a + b;
    o[4] = a - b;
    a = d[6] + 4.0 * d[2] - 5.0 * d[4];
    b = 2.0 * d[1] - 2.5 * d[3] + 0.5 * d[5];
    o[5] = a + b;
    o[6] = a - b;
    o[7] = d[7] - d[1] + 5.25 * (d[3] - d[5]);
}

void transform_weight(vec4 g0, vec4 g1, vec4 g2, out vec4 o[N])
{
    o[0] = g0;
    o[1] = -2.0 / 9.0 * (g0 + g1 + g2);
    o[2] = -2.0 / 9.0 * (g0 - g1 + g2);
    o[3] = (g0 + 2.0 * g1 + 4.0 * g2) / 90.0;
    o[4] = (g0 - 2.0 * g1 + 4.0 * g2) / 90.0;
    o[5] = 8.0 / 45.0 * (4.0 * g0 + 2.0 * g1 + g2);
    o[6] = 8.0 / 45.0 * (4.0 * g0 - 2.0 * g1 + g2);
    o[7] = g2;
}

void transform_output(vec4 d[N], out vec4 o[M])
{
    vec4 a1 = d[1] + d[2], a2 = d[3] + d[4], a3 = d[5] + d[6];
    vec4 b1 = d[1] - d[2], b2 = d[3] - d[4], b3 = d[5] - d[6];
    o[0] = d[0] + a1 + a2 + a3;
    o[1] = b1 + 2.0 * b2 + 0.5 * b3;
    o[2] = a1 + 4.0 * a2 + 0.25 * a3;
    o[3] = b1 + 8.0 * b2 + 0.125 * b3;
    o[4] = a1 + 16.0 * a2 + 0.0625 * a3;
    o[5] = b1 + 32.0 * b2 + 0.03125 * b3 + d[7];
}
#else
#define M 4
#define N 6

void transform_input(vec4 d[N], out vec4 o[N])
{
    o[0] = 4.0 * d[0] - 5.0 * d[2] + d[4];
    o[1] = d[4] + d[3] - 4.0 * (d[2] + d[1]);
    o[2] = d[4] - d[3] + 4.0 * (d[1] - d[2]);
    o[3] = d[4] - d[2] + 2.0 * (d[3] - d[1]);
    o[4] = d[4] - d[2] + 2.0 * (d[1] - d[3]);
    o[5] = 4.0 * d[1] - 5.0 * d[3] + d[5];
}

void transform_weight(vec4 g0, vec4 g1, vec4 g2, out vec4 o[N])
{
    o[0] = g0 / 4.0;
    o[1] = -(g0 + g1 + g2) / 6.0;
    o[2] = -(g0 - g1 + g2) / 6.0;
    o[3] = g0 / 24.0 + g1 / 12.0 + g2 / 6.0;
    o[4] = g0 / 24.0 - g1 / 12.0 + g2 / 6.0;
    o[5] = g2;
}

void transform_output(vec4 d[N], out vec4 o[M])
{
    vec4 a = d[1] + d[2], b = d[1] - d[2], e = d[3] + d[4], f = d[3] - d[4];
    o[0] = d[0] + a + e;
    o[1] = b + 2.0 * f;
    o[2] = a + 4.0 * e;
    o[3] = b + 8.0 * f + d[5];
}
#endif
