/* app-plan.h: whether the picture that the form describes fits, how, and about how long
 * it takes
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-model.h"

#define APP_TYPE_PLAN (app_plan_get_type ())
G_DECLARE_FINAL_TYPE (AppPlan, app_plan, APP, PLAN, GObject)

/* Main thread; planned on another one, some time after the last question. Signal
 * "changed": the text is another. */

AppPlan *app_plan_new (void);
/** app_plan_ask: @model, @params: (nullable): nothing is asked any more */
void app_plan_ask (AppPlan *self, AppModel *model, const SdParams *params);
/** app_plan_get_text: (nullable): until it is known */
const char *app_plan_get_text (AppPlan *self);
