/* gpu-instance.c: loads Vulkan, makes the process's instance, listens to the validation
 * layer
 *
 * One instance for the whole process, made on first use and never destroyed: drivers keep
 * threads and global state that several of them unload badly.
 *
 * CALOTYPE_VALIDATE=1 switches the Khronos validation layer on, with synchronisation
 * validation where the layer has it; its messages are logged and counted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <string.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

G_DEFINE_QUARK (gpu_error_quark, gpu_error)

static VkInstance instance;
static gboolean validating;
static VkDebugUtilsMessengerEXT messenger;
static int n_messages; /* atomic */

static const char *
result_name (VkResult result)
{
  switch (result)
    {
    case VK_NOT_READY:
      return "VK_NOT_READY";
    case VK_TIMEOUT:
      return "VK_TIMEOUT";
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST:
      return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_MEMORY_MAP_FAILED:
      return "VK_ERROR_MEMORY_MAP_FAILED";
    case VK_ERROR_LAYER_NOT_PRESENT:
      return "VK_ERROR_LAYER_NOT_PRESENT";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return "VK_ERROR_EXTENSION_NOT_PRESENT";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "VK_ERROR_INCOMPATIBLE_DRIVER";
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "VK_ERROR_TOO_MANY_OBJECTS";
    case VK_ERROR_OUT_OF_POOL_MEMORY:
      return "VK_ERROR_OUT_OF_POOL_MEMORY";
    default:
      return "VkResult";
    }
}

gboolean
gpu_check (VkResult result, const char *what, GError **error)
{
  int code = GPU_ERROR_FAILED;

  if (result == VK_SUCCESS)
    return TRUE;
  if (result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
    code = GPU_ERROR_OUT_OF_MEMORY;
  else if (result == VK_ERROR_DEVICE_LOST)
    code = GPU_ERROR_LOST;
  g_set_error (error, GPU_ERROR, code, "%s failed: %s (%d)", what, result_name (result),
               result);
  return FALSE;
}

static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message (VkDebugUtilsMessageSeverityFlagBitsEXT severity,
            VkDebugUtilsMessageTypeFlagsEXT types,
            const VkDebugUtilsMessengerCallbackDataEXT *data,
            void *user_data)
{
  g_atomic_int_inc (&n_messages);
  g_message ("Vulkan validation: %s", data->pMessage);
  return VK_FALSE;
}

/* Is the layer there, and can it check synchronisation? */
static gboolean
find_validation (gboolean *features)
{
  guint32 n = 0;
  g_autofree VkLayerProperties *layers = NULL;
  g_autofree VkExtensionProperties *extensions = NULL;
  gboolean found = FALSE;

  vkEnumerateInstanceLayerProperties (&n, NULL);
  layers = g_new0 (VkLayerProperties, n);
  vkEnumerateInstanceLayerProperties (&n, layers);
  for (guint i = 0; i < n; i++)
    found |= strcmp (layers[i].layerName, VALIDATION_LAYER) == 0;
  *features = FALSE;
  if (!found)
    return FALSE;
  vkEnumerateInstanceExtensionProperties (VALIDATION_LAYER, &n, NULL);
  extensions = g_new0 (VkExtensionProperties, n);
  vkEnumerateInstanceExtensionProperties (VALIDATION_LAYER, &n, extensions);
  for (guint i = 0; i < n; i++)
    *features
        |= strcmp (extensions[i].extensionName, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME)
           == 0;
  return TRUE;
}

static VkResult
create_instance (gboolean validate, gboolean features)
{
  const char *layer = VALIDATION_LAYER;
  const char *extensions[]
      = { VK_EXT_DEBUG_UTILS_EXTENSION_NAME, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME };
  VkValidationFeatureEnableEXT enable
      = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  VkValidationFeaturesEXT wanted = {
    .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
    .enabledValidationFeatureCount = 1,
    .pEnabledValidationFeatures = &enable,
  };
  VkDebugUtilsMessengerCreateInfoEXT listen = {
    .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
    .pNext = features ? &wanted : NULL,
    .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT
                       | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
    .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
    .pfnUserCallback = on_message,
  };
  VkApplicationInfo application = {
    .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
    .pApplicationName = "calotype",
    .apiVersion = MIN (volkGetInstanceVersion (), VK_API_VERSION_1_3),
  };
  VkInstanceCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
    .pNext = validate ? &listen : NULL,
    .pApplicationInfo = &application,
    .enabledLayerCount = validate ? 1 : 0,
    .ppEnabledLayerNames = &layer,
    .enabledExtensionCount = validate ? (features ? 2 : 1) : 0,
    .ppEnabledExtensionNames = extensions,
  };
  VkResult result = vkCreateInstance (&info, NULL, &instance);

  if (result != VK_SUCCESS)
    return result;
  volkLoadInstance (instance);
  listen.pNext = NULL;
  if (validate)
    result = vkCreateDebugUtilsMessengerEXT (instance, &listen, NULL, &messenger);
  validating = validate;
  return result;
}

static gboolean
load (GError **error)
{
  gboolean validate = g_strcmp0 (g_getenv ("CALOTYPE_VALIDATE"), "1") == 0;
  gboolean features = FALSE;
  VkResult result;

  if (volkInitialize () != VK_SUCCESS)
    {
      g_set_error_literal (
          error, GPU_ERROR, GPU_ERROR_NO_DEVICE,
          "Vulkan is not installed: the library libvulkan.so.1 was not found. "
          "Install the Vulkan loader and a driver "
          "(Debian and Ubuntu: libvulkan1 and mesa-vulkan-drivers)");
      return FALSE;
    }
  if (validate && !find_validation (&features))
    {
      g_message ("CALOTYPE_VALIDATE=1, but " VALIDATION_LAYER
                 " is not installed (Debian: vulkan-validationlayers)");
      validate = FALSE;
    }
  result = create_instance (validate, features);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
    {
      g_set_error_literal (
          error, GPU_ERROR, GPU_ERROR_NO_DEVICE,
          "No Vulkan driver is installed. Install mesa-vulkan-drivers (it has "
          "drivers for AMD and Intel and one that computes on any CPU), or "
          "the driver of your graphics card's maker");
      return FALSE;
    }
  return gpu_check (result, "Starting Vulkan (vkCreateInstance)", error);
}

gboolean
gpu_instance_ready (GError **error)
{
  static GMutex lock;
  gboolean ready;

  g_mutex_lock (&lock);
  ready = instance != VK_NULL_HANDLE || load (error);
  g_mutex_unlock (&lock);
  return ready;
}

VkInstance
gpu_instance_handle (void)
{
  return instance;
}

guint
gpu_instance_messages (void)
{
  return (guint) g_atomic_int_get (&n_messages);
}

gboolean
gpu_validating (void)
{
  return validating;
}
