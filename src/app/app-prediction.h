/* app-prediction.h: what the user says that a model predicts, remembered for each file
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

#include <gtk/gtk.h>

/**
 * app_prediction_load: reads what is remembered. Main thread, before others ask
 */
void app_prediction_load (void);
/** app_prediction_get: SD_PREDICTION_AUTO where nothing was said. Thread: any */
SdPrediction app_prediction_get (const char *path);
/** app_prediction_set: for now and for later runs. Main thread */
void app_prediction_set (const char *path, SdPrediction prediction);
/** app_prediction_attach: to a model that was just opened. Thread: any */
void app_prediction_attach (StModel *model, const char *path);

/** app_prediction_bind: @drop, whose items are those of SdPrediction, is about the model
 * at
 * @path from now on; its tooltip has what @info says, and why */
void app_prediction_bind (GtkDropDown *drop, const char *path, const SdInfo *info);
