/* gpu-shader-private.h: what this room sees of the compiled shaders in shaders/
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct
{
  const char *name;
  const uint32_t *words; /* SPIR-V */
  gsize n_words;
} GpuShader;

/** gpu_shader_find: (nullable): defined in the registry that shaders/meson.build makes.
 * Thread: any. */
const GpuShader *gpu_shader_find (const char *name);
