/* cli-extras.c: options that say something of a model: its parts in files of their own,
 * what it predicts
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-extras.h"

CliExtras cli_extras;

gboolean
cli_extras_attach (StModel *model, GError **error)
{
  const CliExtras *given = &cli_extras;
  g_autoptr (SdExtras) extras = g_new0 (SdExtras, 1);

  if (given->prediction != NULL
      && !sd_prediction_parse (given->prediction, &extras->prediction))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--prediction is “%s”, but must be auto, epsilon or v",
                   given->prediction);
      return FALSE;
    }
  if (given->clip_l != NULL && given->clip_h != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--clip-l and --clip-h: a model has one of them, not both");
      return FALSE;
    }
  extras->parts[SD_PART_TEXT]
      = g_strdup (given->clip_l != NULL ? given->clip_l : given->clip_h);
  extras->parts[SD_PART_TEXT_2] = g_strdup (given->clip_g);
  extras->parts[SD_PART_VAE] = g_strdup (given->vae);
  extras->parts[SD_PART_TAESD] = g_strdup (given->taesd);
  sd_extras_attach (model, g_steal_pointer (&extras));
  return TRUE;
}
