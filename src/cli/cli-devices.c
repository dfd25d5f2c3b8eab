/* cli-devices.c: the devices command
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-json.h"
#include "cli/cli-private.h"
#include "gpu/gpu.h"

static const char *
kind_word (GpuKind kind)
{
  static const char *const words[]
      = { "discrete", "integrated", "virtual", "cpu", "other" };

  return words[MIN ((guint) kind, G_N_ELEMENTS (words) - 1)];
}

static void
print_json (const GArray *devices)
{
  g_autoptr (BaseJson) json = cli_json_new ();

  base_json_begin_array (json);
  for (guint i = 0; i < devices->len; i++)
    {
      const GpuInfo *info = &g_array_index (devices, GpuInfo, i);

      base_json_begin_object (json);
      base_json_key (json, "index");
      base_json_uint (json, info->index);
      base_json_key (json, "name");
      base_json_string (json, info->name);
      base_json_key (json, "kind");
      base_json_string (json, kind_word (info->kind));
      base_json_key (json, "driver");
      base_json_string (json, info->driver);
      base_json_key (json, "memory_bytes");
      base_json_uint (json, info->memory_bytes);
      base_json_key (json, "subgroup_size");
      base_json_uint (json, info->subgroup_size);
      base_json_end_object (json);
    }
  base_json_end_array (json);
  cli_json_end (json);
}

int
cli_devices (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean as_json = FALSE;
  int status;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "As a JSON array", NULL },
    { NULL },
  };

  if (!cli_parse (&argc, &argv, entries, NULL,
                  "Lists what pictures can be computed on. The best comes first by "
                  "itself; --device N of generate chooses another.",
                  &status))
    return status;
  g_autoptr (GArray) devices = gpu_list (&error);
  if (devices == NULL)
    return cli_fail (error);
  if (as_json)
    {
      print_json (devices);
      return CLI_OK;
    }
  for (guint i = 0; i < devices->len; i++)
    {
      const GpuInfo *info = &g_array_index (devices, GpuInfo, i);

      cli_print ("%u  %s\n   %s, %.1f GiB, %s\n", info->index, info->name,
                 kind_word (info->kind), (double) info->memory_bytes / (1 << 30),
                 info->driver);
      if (info->matrix_m > 0)
        cli_print ("   matrix units of %u×%u×%u, %u lanes\n", info->matrix_m,
                   info->matrix_n, info->matrix_k, info->matrix_subgroup);
    }
  return CLI_OK;
}
