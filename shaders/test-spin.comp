// test-spin.comp: a dispatch whose length is told, for the tests of cancellation and timing
//
// SPDX-License-Identifier: GPL-3.0-or-later

#version 460

layout (local_size_x_id = 0) in;
layout (set = 0, binding = 0) buffer Y { uint y[]; };
layout (push_constant) uniform Push { uint turns; };

void
main ()
{
  uint v = y[gl_GlobalInvocationID.x];
  for (uint i = 0; i < turns; i++)
    v = v * 1664525u + 1013904223u;
  y[gl_GlobalInvocationID.x] = v;
}
