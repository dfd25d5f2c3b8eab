/* sd-fill.h: what is not known of a picture, from what lies around it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/**
 * sd_fill: pixels that are not known become a smooth continuation of those that are
 * @pixels: [height][width][4]: three values, then how much they are known, 0 … 1; of
 * pixels that are known by less than 1 the values change
 *
 * Where nothing at all is known, all values become 0. Thread: any
 */
void sd_fill (float *pixels, guint width, guint height);
