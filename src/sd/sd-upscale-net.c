/* sd-upscale-net.c: networks that enlarge pictures, told from the names in their files
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-upscale-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_BLOCKS 256u
#define MAX_LAYERS 512u
#define MAX_UPS 3u

/* ---- names ---- */

char *
sd_upscale_dense_name (const SdUpscaleNet *net, guint block, guint k, guint j)
{
  switch (net->spelling)
    {
    case SD_UPSCALE_BODY:
      return g_strdup_printf ("body.%u.rdb%u.conv%u", block, k, j);
    case SD_UPSCALE_TRUNK:
      return g_strdup_printf ("RRDB_trunk.%u.RDB%u.conv%u", block, k, j);
    default:
      return g_strdup_printf ("model.1.sub.%u.RDB%u.conv%u.0", block, k, j);
    }
}

char *
sd_upscale_role_name (const SdUpscaleNet *net, SdUpscaleRole role)
{
  static const char *const names[][4]
      = { { "conv_first", "conv_body", "conv_hr", "conv_last" },
          { "conv_first", "trunk_conv", "HRconv", "conv_last" } };

  if (net->spelling != SD_UPSCALE_SEQUENTIAL)
    return g_strdup (names[net->spelling][role]);
  if (role == SD_UPSCALE_ROLE_TRUNK)
    return g_strdup_printf ("model.1.sub.%u", net->blocks);
  return g_strdup_printf ("model.%u", role == SD_UPSCALE_ROLE_FIRST ? 0
                                      : role == SD_UPSCALE_ROLE_HR  ? 3 * net->ups + 2
                                                                    : 3 * net->ups + 4);
}

char *
sd_upscale_up_name (const SdUpscaleNet *net, guint up)
{
  switch (net->spelling)
    {
    case SD_UPSCALE_BODY:
      return g_strdup_printf ("conv_up%u", up + 1);
    case SD_UPSCALE_TRUNK:
      return g_strdup_printf ("upconv%u", up + 1);
    default:
      return g_strdup_printf ("model.%u", 3 * up + 3);
    }
}

const StModelTensor *
sd_upscale_find (const SdUpscaleNet *net, const char *name, const char *suffix)
{
  g_autofree char *full = g_strconcat (name, suffix, NULL);
  return st_model_find (net->model, full);
}

static gboolean
has_take (const SdUpscaleNet *net, char *name)
{
  g_autofree char *own = name;
  return sd_upscale_find (net, own, ".weight") != NULL;
}

/* ---- what it is ---- */

static gboolean
spell (SdUpscaleNet *net, GError **error)
{
  if (st_model_find (net->model, "body.0.rdb1.conv1.weight") != NULL)
    net->spelling = SD_UPSCALE_BODY;
  else if (st_model_find (net->model, "RRDB_trunk.0.RDB1.conv1.weight") != NULL)
    net->spelling = SD_UPSCALE_TRUNK;
  else if (st_model_find (net->model, "model.1.sub.0.RDB1.conv1.0.weight") != NULL)
    net->spelling = SD_UPSCALE_SEQUENTIAL;
  else if (st_model_find (net->model, "body.0.weight") != NULL
           && st_model_find (net->model, "body.1.weight") != NULL)
    net->spelling = SD_UPSCALE_COMPACT;
  else
    {
      g_set_error (error, SD_ERROR, SD_ERROR_NOT_A_MODEL,
                   _ ("“%s” is no upscaler that can be used here: those of ESRGAN's kind "
                      "(RRDB) and Real-ESRGAN's compact ones can"),
                   st_model_path (net->model));
      return FALSE;
    }
  return TRUE;
}

/* Channels: output or input of a convolution; 0: it is not there, or is none. */
static guint
channels (const SdUpscaleNet *net, const char *name, guint axis)
{
  const StModelTensor *part = sd_upscale_find (net, name, ".weight");
  const StTensor *t = part != NULL ? part->tensor : NULL;

  if (t == NULL || t->rank != 4 || t->shape[2] != 3 || t->shape[3] != 3
      || t->shape[axis] > SD_UPSCALE_MAX_CHANNELS)
    return 0;
  return (guint) t->shape[axis];
}

static gboolean
fail_channels (const SdUpscaleNet *net, const char *name, guint n, GError **error)
{
  g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
               _ ("The upscaler's “%s” has %u channels of pictures; pictures of three "
                  "colours are needed"),
               name, n);
  return FALSE;
}

static gboolean
look_at_rrdb (SdUpscaleNet *net, GError **error)
{
  guint shift = 0;

  while (net->blocks < MAX_BLOCKS
         && has_take (net, sd_upscale_dense_name (net, net->blocks, 1, 1)))
    net->blocks++;
  if (net->spelling == SD_UPSCALE_SEQUENTIAL) /* told by the last layer's number */
    {
      for (guint ups = 1; ups <= MAX_UPS; ups++)
        if (has_take (net, g_strdup_printf ("model.%u", 3 * ups + 4)))
          net->ups = ups;
    }
  else
    while (net->ups < MAX_UPS && has_take (net, sd_upscale_up_name (net, net->ups)))
      net->ups++;
  g_autofree char *first = sd_upscale_role_name (net, SD_UPSCALE_ROLE_FIRST);
  g_autofree char *last = sd_upscale_role_name (net, SD_UPSCALE_ROLE_LAST);
  guint in = channels (net, first, 1), out = channels (net, last, 0);
  while (3u << (2 * shift) < in)
    shift++;
  if (in != 3u << (2 * shift) || shift > net->ups)
    return fail_channels (net, first, in, error);
  if (out != 3)
    return fail_channels (net, last, out, error);
  net->unshuffle = 1u << shift;
  net->scale = 1u << (net->ups - shift);
  return TRUE;
}

static gboolean
look_at_compact (SdUpscaleNet *net, GError **error)
{
  while (net->blocks < MAX_LAYERS
         && has_take (net, g_strdup_printf ("body.%u", net->blocks + 2)))
    net->blocks += 2;
  g_autofree char *last = g_strdup_printf ("body.%u", net->blocks);
  guint in = channels (net, "body.0", 1), out = channels (net, last, 0);

  net->unshuffle = 1;
  for (net->scale = 1; 3 * net->scale * net->scale < out;)
    net->scale++;
  if (in != 3)
    return fail_channels (net, "body.0", in, error);
  if (out != 3 * net->scale * net->scale || net->scale > 8)
    return fail_channels (net, last, out, error);
  return TRUE;
}

SdUpscaleNet *
sd_upscale_net_new (StModel *model, GError **error)
{
  g_autoptr (SdUpscaleNet) net = g_new0 (SdUpscaleNet, 1);

  net->model = st_model_ref (model);
  net->weights = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!spell (net, error)
      || !(net->spelling == SD_UPSCALE_COMPACT ? look_at_compact (net, error)
                                               : look_at_rrdb (net, error)))
    return NULL;
  return g_steal_pointer (&net);
}

void
sd_upscale_net_free (SdUpscaleNet *net)
{
  if (net == NULL)
    return;
  nn_state_free (net->coefs);
  g_hash_table_unref (net->weights);
  st_model_unref (net->model);
  g_free (net);
}

guint
sd_upscale_net_scale (const SdUpscaleNet *net)
{
  return net->scale;
}

guint
sd_upscale_net_unshuffle (const SdUpscaleNet *net)
{
  return net->unshuffle;
}

/* Each convolution reaches one pixel of its own grid; those after enlarging together less
 * than two of the grid before. */
guint
sd_upscale_net_reach (const SdUpscaleNet *net)
{
  if (net->spelling == SD_UPSCALE_COMPACT)
    return net->blocks / 2 + 1;
  return (3 * SD_UPSCALE_DENSE * net->blocks + 4) * net->unshuffle;
}
