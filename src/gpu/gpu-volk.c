/* gpu-volk.c: the meta-loader's own code, compiled once
 *
 * volk opens libvulkan at run time: the program starts on a machine that has neither
 * loader nor driver, and can set a driver's environment before the driver is loaded.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wshadow"
#define VOLK_IMPLEMENTATION
#include <volk.h>
