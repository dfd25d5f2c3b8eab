/* sd-test-model.h: the bundled model, whole or spoiled, for tests of the pipeline
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

/** sd_test_model: the bundled model */
StModel *sd_test_model (void);

typedef enum
{
  SD_TEST_DROP,  /* the tensors are left out */
  SD_TEST_NAN,   /* their first values become NaN */
  SD_TEST_SHAPE, /* their first sides are said to be one less */
  SD_TEST_ZERO,
  SD_TEST_HUGE, /* all their values become zero */
} SdTestSpoil;

/** sd_test_spoiled: a copy of the bundled model in @path, with the tensors that match
 * @name (* and ?) wrong */
StModel *sd_test_spoiled (const char *path, SdTestSpoil spoil, const char *name);
/** sd_test_engine: on the plain C reference */
SdEngine *sd_test_engine (void);
/** sd_test_params: 64×64 pixels, few steps */
SdParams *sd_test_params (SdEngine *engine, SamplerKind sampler, guint steps);
/** sd_test_finish: all steps that are left */
void sd_test_finish (SdRun *run);
