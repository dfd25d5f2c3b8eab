// columns.glsl: vec4 columns of one tensor or of two whose channels follow one another
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Needs p with c4, c4_2, base, base_2; SPLIT, whether the second has a binding of its own; and
// X2_BINDING, after all other texel buffers (see GpuInfo.prefer_images).
layout(binding = 0) uniform samplerBuffer X;
layout(binding = X2_BINDING) uniform samplerBuffer X2;

// where the pixels of a column are
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
