/* app-stats.h: statistics of the rows of an outline, as they come in
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-model.h"
#include "app/app-outline.h"
#include "stats/stats.h"

/* Main thread only; the work is done on others.
 * Signal "updated": something new is there; at most about fifteen times a second. */
#define APP_TYPE_STATS (app_stats_get_type ())
G_DECLARE_FINAL_TYPE (AppStats, app_stats, APP, STATS, GObject)

/** app_stats_new: computes what is wanted; everything, in file order, once
 * app_stats_want_all was called */
AppStats *app_stats_new (AppModel *model, AppOutline *outline);
/** app_stats_set_outline: after names were switched: groups are other groups then */
void app_stats_set_outline (AppStats *self, AppOutline *outline);
/** app_stats_stop: computes nothing more, emits nothing more */
void app_stats_stop (AppStats *self);
AppOutline *app_stats_get_outline (AppStats *self);
AppModel *app_stats_get_model (AppStats *self);
void app_stats_want_all (AppStats *self);
/** app_stats_want: the tensors among these rows come first */
void app_stats_want (AppStats *self, const guint32 *ids, guint n);
/** app_stats_get: (transfer full) (nullable): a group's are put together when first asked
 * for */
StatsTensor *app_stats_get (AppStats *self, guint32 id);
/**
 * app_stats_get_partial: as app_stats_get, but of a group that is not complete the part
 * that is there, brought up to date about once a second
 * @n_missing: (out): tensors still to come
 */
StatsTensor *app_stats_get_partial (AppStats *self, guint32 id, guint *n_missing);
/** app_stats_get_error: (nullable): why statistics failed, if any did */
const GError *app_stats_get_error (AppStats *self);
void app_stats_get_progress (AppStats *self, guint64 *bytes_done, guint64 *bytes_total);
/** app_stats_get_scale: half-width of one scale for all distributions; a power of two */
double app_stats_get_scale (AppStats *self);
