// add-lanes.glsl: the sum of a value over all lanes of the workgroup, which is one subgroup
//
// SPDX-License-Identifier: GPL-3.0-or-later
#ifdef NO_SHUFFLE
shared float lane_values[SG];
float add_lanes(float x)
{
    lane_values[LANE] = x;
    barrier();
    float sum = 0;
    for (uint i = 0; i < SG; i++) sum += lane_values[i];
    barrier();
    return sum;
}
#else
float add_lanes(float x) { return subgroupAdd(x); }
#endif
