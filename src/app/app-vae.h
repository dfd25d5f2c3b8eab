/* app-vae.h: another VAE than the model's own, remembered for each model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

#include <gtk/gtk.h>

/** app_vae_load: reads what is remembered. Main thread, before others ask */
void app_vae_load (void);
/** app_vae_get: (transfer full) (nullable): the VAE's file that was chosen for the model
 * at @path, if it is still there. Thread: any */
char *app_vae_get (const char *path);
/** app_vae_set: @vae: (nullable): for now and for later runs. Main thread */
void app_vae_set (const char *path, const char *vae);

/** app_vae_bind: @drop is about the model at @path from now on; it lists the VAEs in the
 * folders of models once it is seen */
void app_vae_bind (GtkDropDown *drop, const char *path, const SdInfo *info);
