/* test-gpu-none.c: a machine without a driver is told what to install
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <string.h>
#include "gpu/gpu.h"

static void
test_no_driver (void)
{
  g_autoptr (GError) error = NULL;

  for (guint turn = 0; turn < 2; turn++) /* a fault is not remembered */
    {
      g_assert_null (gpu_list (&error));
      g_assert_error (error, GPU_ERROR, GPU_ERROR_NO_DEVICE);
      g_assert_nonnull (strstr (error->message, "mesa-vulkan-drivers"));
      g_clear_error (&error);
      g_assert_null (gpu_device_new (-1, &error));
      g_assert_error (error, GPU_ERROR, GPU_ERROR_NO_DEVICE);
      g_clear_error (&error);
    }
}

int
main (int argc, char **argv)
{
  g_setenv ("VK_DRIVER_FILES", "/nonexistent/driver.json", TRUE);
  g_setenv ("VK_ICD_FILENAMES", "/nonexistent/driver.json", TRUE); /* older loaders */
  g_unsetenv ("VK_ADD_DRIVER_FILES");
  g_test_init (&argc, &argv, NULL);
  gpu_prepare_process ();
  g_test_add_func ("/gpu/no-driver", test_no_driver);
  return g_test_run ();
}
