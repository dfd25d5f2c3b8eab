// add-lanes.glsl: the sum or the largest of a value over all lanes of the workgroup, which is one
// subgroup
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
float max_lanes(float x)
{
    lane_values[LANE] = x;
    barrier();
    float most = x;
    for (uint i = 0; i < SG; i++) most = max(most, lane_values[i]);
    barrier();
    return most;
}
#else
// Where a lane's value is handed round by shuffles (Mesa 22's CPU driver) that is twice as fast
// as subgroupAdd, which goes lane by lane.
float add_lanes(float x)
{
    if (BCAST) return subgroupAdd(x);
    float sum = 0;
    [[unroll]] for (uint i = 0; i < SG; i++) sum += from_lane(x, i);
    return sum;
}
float max_lanes(float x)
{
    if (BCAST) return subgroupMax(x);
    float most = x;
    [[unroll]] for (uint i = 0; i < SG; i++) most = max(most, from_lane(x, i));
    return most;
}
#endif
