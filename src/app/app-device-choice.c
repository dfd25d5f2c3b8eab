/* app-device-choice.c: see app-device-choice.h
 *
 * GSettings belongs to the main thread; workers read a copy.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-device-choice.h"

#include "app/app-settings.h"
#include "gpu/gpu.h"

#include <string.h>

static GMutex lock;
static AppDeviceChoice current;

static void
read_settings (GSettings *settings)
{
  g_autofree char *device = g_settings_get_string (settings, APP_DEVICE_CHOICE_DEVICE);

  g_mutex_lock (&lock);
  g_strlcpy (current.device, device, sizeof current.device);
  current.precision = g_settings_get_enum (settings, APP_DEVICE_CHOICE_PRECISION);
  current.memory = (guint64) g_settings_get_uint (settings, APP_DEVICE_CHOICE_MEMORY)
                   << 20;
  g_mutex_unlock (&lock);
}

void
app_device_choice_load (void)
{
  static const char *const keys[]
      = { APP_DEVICE_CHOICE_DEVICE, APP_DEVICE_CHOICE_PRECISION,
          APP_DEVICE_CHOICE_MEMORY };
  static gboolean loaded;
  GSettings *settings = app_settings_get ();

  if (loaded)
    return;
  loaded = TRUE;
  read_settings (settings);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree char *signal = g_strconcat ("changed::", keys[i], NULL);
      g_signal_connect (settings, signal, G_CALLBACK (read_settings), NULL);
    }
}

void
app_device_choice_get (AppDeviceChoice *choice)
{
  g_mutex_lock (&lock);
  *choice = current;
  g_mutex_unlock (&lock);
}

gboolean
app_device_choice_equal (const AppDeviceChoice *a, const AppDeviceChoice *b)
{
  return strcmp (a->device, b->device) == 0 && a->precision == b->precision
         && a->memory == b->memory;
}

int
app_device_choice_index (const AppDeviceChoice *choice)
{
  g_autoptr (GArray) devices = *choice->device != '\0' ? gpu_list (NULL) : NULL;

  for (guint i = 0; devices != NULL && i < devices->len; i++)
    {
      const GpuInfo *info = &g_array_index (devices, GpuInfo, i);

      if (strcmp (info->name, choice->device) == 0)
        return (int) info->index;
    }
  return -1;
}
