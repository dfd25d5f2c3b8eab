/* app-device-choice.h: which device computes pictures, how exactly, in how much memory
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

#define APP_DEVICE_CHOICE_DEVICE "device"
#define APP_DEVICE_CHOICE_PRECISION "precision"
#define APP_DEVICE_CHOICE_MEMORY "memory-limit"

typedef struct
{
  char device[256]; /* its name; "": the best */
  SdPrecision precision;
  guint64 memory; /* bytes of device memory at most; 0: as much as there is */
} AppDeviceChoice;

/** app_device_choice_load: reads the settings, and again whenever they change. Main
 * thread, before the first app_device_choice_get */
void app_device_choice_load (void);
/** app_device_choice_get: Thread: any */
void app_device_choice_get (AppDeviceChoice *choice);
gboolean app_device_choice_equal (const AppDeviceChoice *a, const AppDeviceChoice *b);
/**
 * app_device_choice_index: for sd_engine_new: the number of the device that is named, -1
 * (the best) where none is, or no longer. May ask the driver. Thread: any but the main
 */
int app_device_choice_index (const AppDeviceChoice *choice);
