// test-scale.comp: y = factor · x + offset on vec4s, for the tests of room gpu
//
// SPDX-License-Identifier: GPL-3.0-or-later

#version 460

layout (local_size_x_id = 0) in;
layout (constant_id = 1) const int FACTOR = 1;

#ifdef TEXEL
layout (set = 0, binding = 0) uniform samplerBuffer x;
#define X(i) texelFetch (x, int (i))
#else
layout (set = 0, binding = 0) readonly buffer X { vec4 x[]; };
#define X(i) x[i]
#endif
layout (set = 0, binding = 1) writeonly buffer Y { vec4 y[]; };
layout (push_constant) uniform Push { uint n; float offset; };

void
main ()
{
  uint i = gl_GlobalInvocationID.x;
  if (i < n)
    y[i] = float (FACTOR) * X (i) + offset;
}
