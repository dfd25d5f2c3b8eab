/* gpu-cache.c: compiled pipelines from one start of the program to the next
 *
 * One file per device and driver version. In front of the driver's own bytes stand a
 * magic word and their SHA-256: some drivers trust what they are given, so a damaged file
 * must not reach them. It is dropped without a word; the next save replaces it.
 *
 * lavapipe keeps no machine code there (Mesa's own cache folder does: gpu-process.c).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>
#include <glib/gstdio.h>

#define MAGIC "CALOPC01"
#define MAGIC_BYTES 8
#define DIGEST_BYTES 32
#define HEAD_BYTES (MAGIC_BYTES + DIGEST_BYTES)

char *
gpu_cache_dup_path (GpuDevice *device)
{
  const GpuInfo *info = &device->physical.info;
  g_autofree char *name
      = g_strdup_printf ("pipelines-%s-%08x", info->uuid, info->driver_version);

  return g_build_filename (g_get_user_cache_dir (), "calotype", name, NULL);
}

static void
digest (const guint8 *data, gsize n, guint8 out[DIGEST_BYTES])
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize length = DIGEST_BYTES;

  g_checksum_update (sum, data, (gssize) n);
  g_checksum_get_digest (sum, out, &length);
}

/* A cache from the file's bytes; an empty one where there is no file or it is damaged. */
static VkPipelineCache
cache_from_file (GpuDevice *device)
{
  g_autofree char *path = gpu_cache_dup_path (device);
  g_autofree char *data = NULL;
  gsize n = 0;
  guint8 sum[DIGEST_BYTES];
  VkPipelineCache cache = VK_NULL_HANDLE;
  VkPipelineCacheCreateInfo info
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO };

  if (g_file_get_contents (path, &data, &n, NULL) && n > HEAD_BYTES
      && memcmp (data, MAGIC, MAGIC_BYTES) == 0)
    {
      digest ((const guint8 *) data + HEAD_BYTES, n - HEAD_BYTES, sum);
      if (memcmp (data + MAGIC_BYTES, sum, DIGEST_BYTES) == 0)
        {
          info.initialDataSize = n - HEAD_BYTES;
          info.pInitialData = data + HEAD_BYTES;
        }
    }
  if (vkCreatePipelineCache (device->handle, &info, NULL, &cache) != VK_SUCCESS)
    return VK_NULL_HANDLE;
  return cache;
}

void
gpu_cache_load (GpuDevice *device)
{
  device->cache = cache_from_file (device);
}

static void
write_file (GpuDevice *device)
{
  g_autofree char *path = gpu_cache_dup_path (device);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree guint8 *data = NULL;
  g_autofree char *before = NULL;
  gsize n = 0, n_before = 0;

  if (vkGetPipelineCacheData (device->handle, device->cache, &n, NULL) != VK_SUCCESS
      || n == 0)
    return;
  data = g_malloc (HEAD_BYTES + n);
  if (vkGetPipelineCacheData (device->handle, device->cache, &n, data + HEAD_BYTES)
      != VK_SUCCESS)
    return;
  memcpy (data, MAGIC, MAGIC_BYTES);
  digest (data + HEAD_BYTES, n, data + MAGIC_BYTES);
  /* A start at which nothing was new need not wait for the disk. */
  if (g_file_get_contents (path, &before, &n_before, NULL) && n_before == HEAD_BYTES + n
      && memcmp (before, data, n_before) == 0)
    return;
  /* A cache that cannot be written costs time, not the picture. */
  if (g_mkdir_with_parents (folder, 0700) == 0)
    g_file_set_contents_full (path, (const char *) data, (gssize) (HEAD_BYTES + n),
                              G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

/* ---- what the device was seen to do ---- */

#define ENOUGH_SECONDS 0.5

static char *
speed_path (const GpuInfo *info)
{
  g_autofree char *name
      = g_strdup_printf ("speed-%s-%08x", info->uuid, info->driver_version);

  return g_build_filename (g_get_user_cache_dir (), "calotype", name, NULL);
}

double
gpu_info_speed (const GpuInfo *info)
{
  g_autofree char *path = speed_path (info);
  g_autofree char *text = NULL;
  double speed
      = g_file_get_contents (path, &text, NULL, NULL) ? g_ascii_strtod (text, NULL) : 0;

  return speed > 0 && speed < 1e18 ? speed : 0;
}

static void
save_speed (GpuDevice *device)
{
  g_autofree char *path = speed_path (&device->physical.info);
  g_autofree char *folder = g_path_get_dirname (path);
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (device->seconds_done < ENOUGH_SECONDS)
    return;
  g_ascii_dtostr (text, sizeof text, device->flops_done / device->seconds_done);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    g_file_set_contents (path, text, -1, NULL);
}

void
gpu_device_save_cache (GpuDevice *device)
{
  VkPipelineCache there;

  save_speed (device);
  gpu_device_compile (device, NULL, NULL); /* nobody may add to the cache meanwhile */
  if (device->cache == VK_NULL_HANDLE || device->kernels_made == 0 || device->lost)
    return;
  there = cache_from_file (device); /* another process may have added to it */
  if (there != VK_NULL_HANDLE)
    {
      vkMergePipelineCaches (device->handle, device->cache, 1, &there);
      vkDestroyPipelineCache (device->handle, there, NULL);
    }
  write_file (device);
  device->kernels_made = 0;
}
