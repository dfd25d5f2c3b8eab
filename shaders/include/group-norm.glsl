// group-norm.glsl: the input of the GroupNorm kernels
//
// SPDX-License-Identifier: GPL-3.0-or-later
layout(constant_id = 3) const bool SPLIT = false;
layout(push_constant) uniform P { NnGroupNormParams p; };
#include "include/columns.glsl"
