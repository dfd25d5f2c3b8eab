/* test-sd-norms.c: every norm of the networks has its epsilon
 *
 * Where activations are near one an epsilon that is wrong by a factor of ten hides below
 * every bound on a whole pass, so the operators themselves are looked at.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-program-private.h"
#include "sd-test-model.h"
#include "sd/sd-engine-private.h"

#include <string.h>

#define SIDE 8

typedef struct
{
  guint groups, layers, entries; /* norms seen; those at a transformer's entry */
} Seen;

static Seen
check (SdEngine *engine, SdStage stage, float other, float at_entry)
{
  g_autoptr (GError) error = NULL;
  guint side = stage == SD_STAGE_TEXT ? 0 : SIDE;
  SdProgram *program = sd_engine_program (engine, stage, 1, side, side, &error);
  g_assert_no_error (error);
  GPtrArray *ops = program->program->ops;
  Seen seen = { 0 };
  for (guint i = 0; i < ops->len; i++)
    {
      const NnOp *op = ops->pdata[i];
      gboolean entry = g_str_has_suffix (op->label, ".norm");
      if (op->kind == NN_OP_LAYER_NORM)
        {
          seen.layers++;
          g_assert_cmpfloat (op->layer_norm.eps, ==, 1e-5f);
        }
      if (op->kind != NN_OP_GROUP_NORM)
        continue;
      g_test_message ("%s: %g", op->label, op->group_norm.eps);
      seen.groups++;
      seen.entries += entry;
      g_assert_cmpuint (op->group_norm.groups, ==, 32);
      g_assert_cmpfloat (op->group_norm.eps, ==, entry ? at_entry : other);
    }
  return seen;
}

static void
test_norms (void)
{
  g_autoptr (SdEngine) engine = sd_test_engine ();
  Seen text = check (engine, SD_STAGE_TEXT, 0, 0);
  Seen unet = check (engine, SD_STAGE_UNET, 1e-5f, 1e-6f);
  Seen decoder = check (engine, SD_STAGE_DECODE, 1e-6f, 1e-6f);
  Seen encoder = check (engine, SD_STAGE_ENCODE, 1e-6f, 1e-6f);
  g_assert_cmpuint (text.layers, >, 0);
  g_assert_cmpuint (unet.layers, ==, 3 * unet.entries); /* one block each */
  g_assert_cmpuint (unet.entries, >, 0);
  g_assert_cmpuint (unet.groups, >, unet.entries);
  g_assert_cmpuint (decoder.groups, >, 10);
  g_assert_cmpuint (encoder.groups, >, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sd/norms", test_norms);
  return g_test_run ();
}
