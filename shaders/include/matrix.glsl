// matrix.glsl: what the forms of the matrix product share: A[rows][taps·c] · B[taps·c][n]
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// TAPS 1: a linear layer, A is the input; images, if several, have a weight each. TAPS 9: a 3×3 convolution with zero padding; a row
// of A is a pixel's patch, tap by tap, never stored. The input may be resized on the way
// (nearest), may come from two tensors (channels one after the other), stride is 1 or 2.
// Two sources lie in one binding, or (SPLIT) in two.
//
// bindings: 0 source(s), 1 weight, 2 bias, 3 channel_add, 4 residual, 5 second source when
// SPLIT: texel buffers; 6 output. What is not used holds something all the same, and comes
// last (see GpuInfo.prefer_images).
// Weight: texel = 4 columns; fp32: one row, else two rows, the even one in the low halves;
// 8 bits: four rows, and behind them all the scales of 32 rows each.
layout(constant_id = 3) const uint TM = 16; // rows of a lane or of a workgroup
layout(constant_id = 4) const uint KU = 2;  // vec4 of k per turn of the loop
layout(constant_id = 5) const uint TAPS = 1;
layout(constant_id = 6) const uint WTYPE = NN_SPEC_F32;
layout(constant_id = 7) const uint ACT = 0;
layout(constant_id = 8) const bool RESIDUAL = false; // there may be one: NN_MATRIX_RESIDUAL tells
layout(constant_id = 9) const bool SPLIT = false;
layout(constant_id = 10) const uint NC = 1; // vec4 columns of a lane

layout(binding = 0) uniform samplerBuffer X;
layout(binding = 1) uniform usamplerBuffer W;
layout(binding = 2) uniform samplerBuffer BIAS;
layout(binding = 3) uniform samplerBuffer ADD;
layout(binding = 4) uniform samplerBuffer RES;
layout(binding = 5) uniform samplerBuffer X2;
OUTPUT(6)
layout(push_constant) uniform P { NnMatrixParams p; };

vec4 fetch(uint i, uint source)
{
    if (!SPLIT) return texelFetch(X, int(i));
    vec4 a = texelFetch(X, source == 0 ? int(i) : 0), b = texelFetch(X2, source == 0 ? 0 : int(i));
    return source == 0 ? a : b;
}

// rows 2·pair and 2·pair + 1 of the weight, columns 4·n4 …
void fetch_weight(uint pair, uint n4, out vec4 b0, out vec4 b1)
{
    if (WTYPE == NN_SPEC_F32) {
        b0 = uintBitsToFloat(texelFetch(W, int(pair * 2 * p.n4 + n4)));
        b1 = uintBitsToFloat(texelFetch(W, int((pair * 2 + 1) * p.n4 + n4)));
        return;
    }
    if (WTYPE == NN_SPEC_Q8) {
        uvec4 q = texelFetch(W, int((pair >> 1) * p.n4 + n4)) >> ((pair & 1) * 16);
        uint scales = TAPS * (p.c4 + p.c4_2) * p.n4;
        vec4 scale = uintBitsToFloat(texelFetch(W, int(scales + (pair >> 4) * p.n4 + n4)));
        b0 = scale * vec4(ivec4(q << 24) >> 24);
        b1 = scale * vec4(ivec4(q << 16) >> 24);
        return;
    }
    uvec4 w = texelFetch(W, int(pair * p.n4 + n4));
    if (WTYPE == NN_SPEC_F16) {
        vec2 x = unpackHalf2x16(w.x), y = unpackHalf2x16(w.y), z = unpackHalf2x16(w.z), q = unpackHalf2x16(w.w);
        b0 = vec4(x.x, y.x, z.x, q.x);
        b1 = vec4(x.y, y.y, z.y, q.y);
    } else {
        b0 = uintBitsToFloat(w << 16);
        b1 = uintBitsToFloat(w & 0xffff0000u);
    }
}

// where a row of A begins in the input: the pixel under its first tap
struct Place { int y, x; };

Place place_of(uint row)
{
    if (TAPS == 1) return Place(0, int(row));
    uint oy = row / p.out_w, ox = row - oy * p.out_w;
    return Place(int(oy * p.stride) - int(p.pad), int(ox * p.stride) - int(p.pad));
}

// first texel of what tap and source contribute to a row; false: zeros
bool place_texel(Place a, uint tap, uint image, uint source, out uint texel)
{
    uint c4 = source == 0 ? p.c4 : p.c4_2, base = source == 0 ? p.base : p.base_2;
    if (TAPS == 1) {
        texel = base + (image * p.rows + uint(a.x)) * c4;
        return true;
    }
    int dy = int(tap * 11 >> 5);
    int y = a.y + dy, x = a.x + int(tap) - 3 * dy;
    bool inside = y >= 0 && x >= 0 && y < int(p.up_h) && x < int(p.up_w);
    uint sy = uint(y) * p.mul_h >> p.shift, sx = uint(x) * p.mul_w >> p.shift;
    texel = inside ? base + ((image * p.h + sy) * p.w + sx) * c4 : base;
    return inside;
}

// bias and channel_add of a column
vec4 column_add(uint n4, uint image)
{
    vec4 b = texelFetch(BIAS, (p.flags & NN_MATRIX_BIAS) != 0 ? int(n4) : 0);
    vec4 a = texelFetch(ADD, (p.flags & NN_MATRIX_ADD) != 0 ? int(image * p.add_pitch4 + p.add_base4 + n4) : 0);
    return ((p.flags & NN_MATRIX_BIAS) != 0 ? b : vec4(0)) + ((p.flags & NN_MATRIX_ADD) != 0 ? a : vec4(0));
}

vec4 residual(uint at)
{
    bool has = (p.flags & NN_MATRIX_RESIDUAL) != 0;
    vec4 v = texelFetch(RES, has ? int(at) : 0);
    return has ? v : vec4(0);
}

vec4 activate(vec4 v)
{
    if (ACT == NN_SPEC_SILU) return silu(v);
    if (ACT == NN_SPEC_GELU) return gelu(v);
    if (ACT == NN_SPEC_QUICK_GELU) return quick_gelu(v);
    if (ACT == NN_SPEC_RELU) return max(v, vec4(0));
    return v;
}
