// group-norm.glsl: the input of the GroupNorm kernels: one tensor or two, pixel by pixel
//
// SPDX-License-Identifier: GPL-3.0-or-later
layout(constant_id = 3) const bool SPLIT = false; // the second source has a binding of its own
layout(binding = 0) uniform samplerBuffer X;
layout(binding = 1) uniform samplerBuffer X2;
layout(push_constant) uniform P { NnGroupNormParams p; };

// a vec4 column of the joined channels: where its pixels are
struct Column { bool second; uint base, pitch; };

Column column_of(uint column)
{
    bool second = column >= p.c4;
    return Column(second, second ? p.base_2 + column - p.c4 : p.base + column, second ? p.c4_2 : p.c4);
}

vec4 fetch(Column c, uint pixel)
{
    int i = int(c.base + pixel * c.pitch);
    if (!SPLIT) return texelFetch(X, i);
    vec4 a = texelFetch(X, c.second ? 0 : i), b = texelFetch(X2, c.second ? i : 0);
    return c.second ? b : a;
}
