/* base-elementary.h: log, exp, sine and cosine with the same bits on every machine
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/* The C library's versions differ from one libc, or one processor, to the next in the
 * last bit; noise and schedules must not. These use only + - * / in double precision.
 * Thread: any. */

/** base_log: natural logarithm of a finite @x > 0; relative error below 4e-16 */
double base_log (double x);
/** base_exp: of |@x| <= 700; relative error below 4e-16 */
double base_exp (double x);
/** base_sincos: of |@x| <= 1000; absolute error below 2.5e-16 */
void base_sincos (double x, double *sine, double *cosine);
