/* test-gpu.c: devices, buffers, kernels and recordings
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <string.h>
#include <glib/gstdio.h>
#include "gpu/gpu-private.h"

#define WORKGROUP 64

static GpuDevice *device; /* shared by the tests: opening one takes a moment */

static GpuBuffer *
buffer_of (guint64 size, GpuBufferKind kind)
{
  g_autoptr (GError) error = NULL;
  GpuBuffer *buffer = gpu_buffer_new (device, size, kind, "test buffer", &error);

  g_assert_no_error (error);
  return buffer;
}

static void
test_list (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) list = gpu_list (&error);

  g_assert_no_error (error);
  g_assert_cmpuint (list->len, >, 0);
  for (guint i = 0; i < list->len; i++)
    {
      const GpuInfo *info = &g_array_index (list, GpuInfo, i);

      g_assert_cmpuint (info->index, ==, i);
      g_assert_cmpstr (info->name, !=, "");
      g_assert_cmpuint (strlen (info->uuid), ==, 32);
      if (info->api_version < VK_API_VERSION_1_2)
        continue;
      g_assert_cmpstr (info->driver, !=, "");
      g_assert_cmpuint (info->memory_bytes, >, 0);
      g_assert_cmpuint (info->subgroup_min, <=, info->subgroup_size);
      g_assert_cmpuint (info->subgroup_size, <=, info->subgroup_max);
      g_assert_cmpuint (info->max_storage_range, >=, 1 << 27);
      g_assert_cmpuint (info->max_workgroup, >=, 128);
    }
}

static void
test_no_such_device (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (gpu_device_new (1000, &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_NO_DEVICE);
}

/* Sizes around texels, staging slots and heap blocks; offsets odd on purpose. */
static void
test_round_trip (void)
{
  static const gsize sizes[]
      = { 1, 3, 16, 17, 4096, 65537, (8 << 20) + 5, (17 << 20) + 3 };

  for (guint kind = GPU_BUFFER_DEVICE; kind <= GPU_BUFFER_HOST; kind++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      {
        gsize n = sizes[s];
        g_autoptr (GpuBuffer) buffer = buffer_of (n + 7, kind);
        g_autofree guint8 *src = g_malloc (n);
        g_autofree guint8 *dst = g_malloc0 (n);
        guint8 guard[7] = { 1, 2, 3, 4, 5, 6, 7 };
        guint8 after[4];
        g_autoptr (GError) error = NULL;

        for (gsize i = 0; i < n; i++)
          src[i] = (guint8) (i * 31 + (i >> 8) + s);
        g_assert_cmpuint (gpu_buffer_size (buffer), ==, n + 7);
        gpu_buffer_write (buffer, 0, guard, 3, &error);
        g_assert_no_error (error);
        gpu_buffer_write (buffer, n + 3, guard + 3, 4, &error);
        g_assert_no_error (error);
        gpu_buffer_write (buffer, 3, src, n, &error);
        g_assert_no_error (error);
        gpu_buffer_read (buffer, 3, dst, n, &error);
        g_assert_no_error (error);
        g_assert_cmpmem (dst, n, src, n);
        gpu_buffer_read (buffer, n + 3, after, 4, &error);
        g_assert_no_error (error);
        g_assert_cmpmem (after, 4, guard + 3, 4);
        g_assert_false (gpu_buffer_write (buffer, 8, src, n, &error));
        g_assert_error (error, GPU_ERROR, GPU_ERROR_FAILED);
      }
}

/* Many buffers taken and given back in a shuffled order: the heap neither overlaps nor
 * leaks. */
static void
test_heap (void)
{
  GpuBuffer *buffers[200] = { NULL };
  guint64 before = gpu_device_memory_used (device);
  guint32 state = 1;

  for (guint turn = 0; turn < 2000; turn++)
    {
      guint i;
      guint32 mark;

      state = state * 1664525u + 1013904223u;
      i = (state >> 8) % G_N_ELEMENTS (buffers);
      if (buffers[i] == NULL)
        {
          buffers[i] = buffer_of (4 + (state >> 16) * 3, GPU_BUFFER_HOST);
          gpu_buffer_write (buffers[i], 0, &i, 4, NULL);
          gpu_buffer_write (buffers[i], gpu_buffer_size (buffers[i]) - 4, &i, 4, NULL);
          continue;
        }
      gpu_buffer_read (buffers[i], 0, &mark, 4, NULL);
      g_assert_cmpuint (mark, ==, i);
      gpu_buffer_read (buffers[i], gpu_buffer_size (buffers[i]) - 4, &mark, 4, NULL);
      g_assert_cmpuint (mark, ==, i);
      g_clear_pointer (&buffers[i], gpu_buffer_unref);
    }
  for (guint i = 0; i < G_N_ELEMENTS (buffers); i++)
    g_clear_pointer (&buffers[i], gpu_buffer_unref);
  g_assert_cmpuint (gpu_device_memory_used (device), ==, before);
}

static void
test_too_large (void)
{
  g_autoptr (GError) error = NULL;
  guint64 size = gpu_device_info (device)->max_allocation + 1024;

  g_assert_null (gpu_buffer_new (device, size, GPU_BUFFER_DEVICE, "the picture", &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY);
  g_assert_nonnull (strstr (error->message, "the picture"));
}

/* A machine with little memory, pretended: a CPU device's driver would hand out more. */
static void
test_memory_ends (void)
{
  GpuInfo *info = &device->physical.info;
  guint64 real = info->memory_bytes;
  guint64 size = (guint64) 40 << 20;
  g_autoptr (GpuBuffer) first = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (gpu_device_memory_available (device), >, 0);
  if (info->kind != GPU_KIND_CPU)
    return;
  g_assert_cmpuint (gpu_device_memory_available (device), <=, info->memory_bytes);
  info->memory_bytes = gpu_heap_reserved (device->heap, GPU_BUFFER_DEVICE)
                       + gpu_heap_reserved (device->heap, GPU_BUFFER_HOST) + size
                       + size / 2;
  first = buffer_of (size, GPU_BUFFER_DEVICE);
  g_assert_null (gpu_buffer_new (device, size, GPU_BUFFER_DEVICE, "a hoard", &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY);
  g_assert_nonnull (strstr (error->message, "a hoard needs"));
  g_clear_pointer (&first, gpu_buffer_unref);
  first = buffer_of (size, GPU_BUFFER_DEVICE);
  info->memory_bytes = real;
}

static GpuKernel *
scale_kernel (gboolean texel, guint32 factor)
{
  GpuBindKind kinds[]
      = { texel ? GPU_BIND_TEXEL_F32X4 : GPU_BIND_STORAGE, GPU_BIND_STORAGE };
  guint32 spec[] = { WORKGROUP, factor };
  g_autoptr (GError) error = NULL;
  GpuKernel *kernel = gpu_kernel_get (device, texel ? "test-scale-texel" : "test-scale",
                                      kinds, 2, spec, 2, 0, &error);

  g_assert_no_error (error);
  return kernel;
}

static gboolean
add_scale (GpuRecording *recording,
           GpuKernel *kernel,
           GpuBindKind kind,
           GpuBuffer *x,
           guint64 x_offset,
           GpuBuffer *y,
           guint n,
           float offset,
           GError **error)
{
  GpuBinding bindings[]
      = { { x, x_offset, n * 16, kind }, { y, 0, n * 16, GPU_BIND_STORAGE } };
  struct
  {
    guint32 n;
    float offset;
  } push = { n, offset };
  guint32 groups[] = { (n + WORKGROUP - 1) / WORKGROUP, 1, 1 };

  return gpu_recording_dispatch (recording, kernel, bindings, &push, sizeof push, groups,
                                 &(GpuWork){ .label = "scale", .flops = 4.0 * n }, error);
}

/* y = 3·(2·x + 1) − 5 in two dispatches with a barrier; x through both kinds of binding
 */
static void
test_kernel (void)
{
  const guint n = 1001;
  g_autoptr (GpuBuffer) x = buffer_of (n * 16 + 256, GPU_BUFFER_DEVICE);
  g_autoptr (GpuBuffer) y = buffer_of (n * 16, GPU_BUFFER_DEVICE);
  g_autoptr (GpuBuffer) z = buffer_of (n * 16, GPU_BUFFER_DEVICE);
  g_autofree float *in = g_new (float, 4 * n);
  g_autofree float *out = g_new0 (float, 4 * n);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 4 * n; i++)
    in[i] = (float) i - 1000;
  for (guint texel = 0; texel < 2; texel++)
    {
      g_autoptr (GpuRecording) recording = gpu_recording_new (device);
      GpuBindKind kind = texel ? GPU_BIND_TEXEL_F32X4 : GPU_BIND_STORAGE;

      gpu_buffer_write (x, 256, in, n * 16, &error);
      g_assert_no_error (error);
      add_scale (recording, scale_kernel (texel, 2), kind, x, 256, y, n, 1, &error);
      g_assert_no_error (error);
      gpu_recording_barrier (recording);
      add_scale (recording, scale_kernel (texel, 3), kind, y, 0, z, n, -5, &error);
      g_assert_no_error (error);
      gpu_recording_finish (recording, FALSE, &error);
      g_assert_no_error (error);
      for (guint run = 0; run < 3; run++) /* replayed, with other contents each time */
        {
          for (guint i = 0; i < 4 * n; i++)
            in[i] += 1;
          gpu_buffer_write (x, 256, in, n * 16, &error);
          g_assert_no_error (error);
          gpu_recording_run (recording, NULL, &error);
          g_assert_no_error (error);
          gpu_buffer_read (z, 0, out, n * 16, &error);
          g_assert_no_error (error);
          for (guint i = 0; i < 4 * n; i++)
            g_assert_cmpfloat (out[i], ==, 3 * (2 * in[i] + 1) - 5);
        }
    }
  g_assert_true (scale_kernel (FALSE, 2) == scale_kernel (FALSE, 2));
  g_assert_true (scale_kernel (FALSE, 2) != scale_kernel (FALSE, 3));
}

static void
test_kernel_subgroup (void)
{
  const GpuInfo *info = gpu_device_info (device);
  GpuBindKind kinds[] = { GPU_BIND_STORAGE, GPU_BIND_STORAGE };
  guint32 spec[] = { info->subgroup_max, 1 };
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (gpu_kernel_get (device, "test-scale", kinds, 2, spec, 2,
                                    info->subgroup_max, &error));
  g_assert_no_error (error);
}

/* Many at a time; each is there afterwards, and does what its constants say. */
static void
test_kernels_compile (void)
{
  const guint n = 40;
  g_autoptr (GpuBuffer) x = buffer_of (16, GPU_BUFFER_DEVICE);
  g_autoptr (GpuRecording) recording = gpu_recording_new (device);
  float v[4] = { 1, 1, 1, 1 };
  float want = 1;
  g_autoptr (GError) error = NULL;

  gpu_buffer_write (x, 0, v, 16, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    {
      gint32 factor = i % 2 == 0 ? (gint32) i + 1000 : -1;

      add_scale (recording, scale_kernel (FALSE, (guint32) factor), GPU_BIND_STORAGE, x,
                 0, x, 1, -want * factor + i, &error);
      g_assert_no_error (error);
      gpu_recording_barrier (recording);
      want = i;
    }
  g_assert_true (gpu_device_compile (device, NULL, &error));
  g_assert_no_error (error);
  gpu_recording_finish (recording, FALSE, &error);
  g_assert_no_error (error);
  gpu_recording_run (recording, NULL, &error);
  g_assert_no_error (error);
  gpu_buffer_read (x, 0, v, 16, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (v[0], ==, n - 1);
}

/* A kernel that the driver refused is told when it is to be used. */
static void
test_kernel_refused (void)
{
  g_autoptr (GpuBuffer) x = buffer_of (16, GPU_BUFFER_DEVICE);
  g_autoptr (GpuRecording) recording = gpu_recording_new (device);
  GpuKernel *kernel = scale_kernel (FALSE, 12345);
  g_autoptr (GError) error = NULL;

  add_scale (recording, kernel, GPU_BIND_STORAGE, x, 0, x, 1, 0, &error);
  g_assert_no_error (error);
  g_assert_true (gpu_device_compile (device, NULL, &error));
  kernel->result = VK_ERROR_INITIALIZATION_FAILED; /* as if */
  g_assert_false (gpu_recording_finish (recording, FALSE, &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_SHADER);
  g_assert_nonnull (strstr (error->message, "test-scale"));
  kernel->result = VK_SUCCESS;
}

static void
test_kernel_unknown (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (gpu_kernel_get (device, "no-such-shader", NULL, 0, NULL, 0, 0, &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_SHADER);
  g_assert_nonnull (strstr (error->message, "no-such-shader"));
}

/* What cannot be bound is refused before the driver sees it. */
static void
test_refused (void)
{
  g_autoptr (GpuBuffer) x = buffer_of (4096, GPU_BUFFER_DEVICE);
  g_autoptr (GpuBuffer) y = buffer_of (4096, GPU_BUFFER_DEVICE);
  g_autoptr (GpuRecording) recording = gpu_recording_new (device);
  g_autoptr (GError) error = NULL;

  g_assert_false (add_scale (recording, scale_kernel (FALSE, 1), GPU_BIND_STORAGE, x, 0,
                             y, 257, 0, &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_UNSUITABLE);
  g_clear_error (&error);
  g_assert_false (add_scale (recording, scale_kernel (TRUE, 1), GPU_BIND_TEXEL_F32X4, x,
                             8, y, 4, 0, &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_UNSUITABLE);
  g_clear_error (&error);
  g_assert_false (add_scale (recording, scale_kernel (FALSE, 1), GPU_BIND_STORAGE, x, 0,
                             y, 0, 0, &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_UNSUITABLE);
  g_assert_cmpuint (gpu_recording_n_dispatches (recording), ==, 0);
}

static void
test_many (void)
{
  g_autoptr (GpuBuffer) x = buffer_of (16, GPU_BUFFER_DEVICE);
  g_autoptr (GpuRecording) recording = gpu_recording_new (device);
  float v[4] = { 0, 1, 2, 3 };
  g_autoptr (GError) error = NULL;

  gpu_buffer_write (x, 0, v, 16, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 1000; i++)
    {
      add_scale (recording, scale_kernel (FALSE, 1), GPU_BIND_STORAGE, x, 0, x, 1, 1,
                 &error);
      g_assert_no_error (error);
      gpu_recording_barrier (recording);
    }
  gpu_recording_finish (recording, FALSE, &error);
  g_assert_no_error (error);
  gpu_recording_run (recording, NULL, &error);
  g_assert_no_error (error);
  gpu_buffer_read (x, 0, v, 16, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat (v[i], ==, 1000 + i);
}

/* @n dispatches that last a while, each stated as @flops */
static GpuRecording *
spin_recording (GpuBuffer *y, guint n, guint32 turns, double flops, gboolean profile)
{
  GpuRecording *recording = gpu_recording_new (device);
  GpuBindKind kind = GPU_BIND_STORAGE;
  guint32 spec = WORKGROUP;
  GpuBinding binding = { y, 0, 0, GPU_BIND_STORAGE };
  guint32 groups[] = { gpu_buffer_size (y) / 4 / WORKGROUP, 1, 1 };
  g_autoptr (GError) error = NULL;
  GpuKernel *kernel = gpu_kernel_get (device, "test-spin", &kind, 1, &spec, 1, 0, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *label = g_strdup_printf ("spin %u", i);

      gpu_recording_dispatch (recording, kernel, &binding, &turns, sizeof turns, groups,
                              &(GpuWork){ .label = label, .flops = flops }, &error);
      g_assert_no_error (error);
      gpu_recording_barrier (recording);
    }
  gpu_recording_finish (recording, profile, &error);
  g_assert_no_error (error);
  return recording;
}

typedef struct
{
  GCancellable *cancellable;
  guint64 stop_at, done, total;
} Watch;

static void
on_progress (const char *stage, guint64 done, guint64 total, gpointer user_data)
{
  Watch *watch = user_data;

  g_assert_cmpstr (stage, ==, "compute");
  g_assert_cmpuint (done, >, watch->done);
  watch->done = done;
  watch->total = total;
  if (done >= watch->stop_at)
    g_cancellable_cancel (watch->cancellable);
}

static void
test_cancel (void)
{
  g_autoptr (GpuBuffer) y = buffer_of (WORKGROUP * 64 * 4, GPU_BUFFER_DEVICE);
  g_autoptr (GpuRecording) recording = spin_recording (y, 200, 2000, 5e9, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Watch watch = { .cancellable = cancellable, .stop_at = 3 };
  BaseTask task = { cancellable, on_progress, &watch };
  g_autoptr (GError) error = NULL;

  g_assert_false (gpu_recording_run (recording, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (watch.done, <, 150);
  g_clear_error (&error);

  g_cancellable_reset (cancellable);
  watch = (Watch){ .cancellable = cancellable, .stop_at = G_MAXUINT64 };
  gpu_recording_run (recording, &task, &error); /* and it is as good as new */
  g_assert_no_error (error);
  g_assert_cmpuint (watch.done, ==, 200);
  g_assert_cmpuint (watch.total, ==, 200);
}

static void
check_profile (void)
{
  g_autoptr (GpuBuffer) y = buffer_of (WORKGROUP * 64 * 4, GPU_BUFFER_DEVICE);
  g_autoptr (GpuRecording) recording = spin_recording (y, 5, 20000, 1e6, TRUE);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) timings = NULL;
  double sum = 0;
  gint64 start;

  gpu_recording_run (recording, NULL, &error); /* compiles on some drivers */
  g_assert_no_error (error);
  start = g_get_monotonic_time ();
  gpu_recording_run (recording, NULL, &error);
  g_assert_no_error (error);
  timings = gpu_recording_timings (recording);
  g_assert_cmpuint (timings->len, ==, 5);
  for (guint i = 0; i < timings->len; i++)
    {
      const GpuTiming *timing = &g_array_index (timings, GpuTiming, i);

      g_assert_cmpstr (timing->kernel, ==, "test-spin");
      g_assert_true (g_str_has_prefix (timing->label, "spin "));
      g_assert_cmpfloat (timing->flops, ==, 1e6);
      g_assert_cmpfloat (timing->seconds, >, 0);
      sum += timing->seconds;
    }
  g_assert_cmpfloat (sum, <=, (g_get_monotonic_time () - start) * 1e-6);
}

static void
test_profile (void)
{
  double period = device->physical.info.timestamp_ns;

  check_profile ();
  device->physical.info.timestamp_ns = 0; /* as on a device without time stamps */
  check_profile ();
  device->physical.info.timestamp_ns = period;
}

static void
test_lost (void)
{
  g_autoptr (GpuBuffer) y = buffer_of (WORKGROUP * 4, GPU_BUFFER_DEVICE);
  g_autoptr (GpuRecording) recording = spin_recording (y, 1, 1, 1, FALSE);
  g_autoptr (GError) error = NULL;

  g_assert_false (gpu_device_check (device, VK_ERROR_DEVICE_LOST, "Computing", &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_LOST);
  g_clear_error (&error);
  g_assert_false (gpu_recording_run (recording, NULL, &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_LOST);
  device->lost = FALSE;
}

/* Saved, read back, and whatever lies in the file's place does no harm. */
static void
test_cache (void)
{
  g_autofree char *path = gpu_cache_dup_path (device);
  g_autofree char *good = NULL;
  g_autofree char *now = NULL;
  gsize n, n_now;
  g_autoptr (GError) error = NULL;

  scale_kernel (FALSE, 77);
  gpu_device_save_cache (device);
  g_file_get_contents (path, &good, &n, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, >, 40);
  for (guint fault = 0; fault < 5; fault++)
    {
      g_autofree char *bad = g_memdup2 (good, n);
      g_autoptr (GpuDevice) other = NULL;

      bad[n - 1] ^= fault == 0;
      bad[60 % n] ^= fault == 1;
      bad[0] ^= fault == 2;
      g_file_set_contents (path, bad,
                           fault == 3   ? 0
                           : fault == 4 ? (gssize) n / 2
                                        : (gssize) n,
                           &error);
      g_assert_no_error (error);
      other = gpu_device_new ((int) gpu_device_info (device)->index, &error);
      g_assert_no_error (error);
      other->kernels_made = 1;
      gpu_device_save_cache (other);
      g_clear_pointer (&now, g_free);
      g_file_get_contents (path, &now, &n_now, &error);
      g_assert_no_error (error);
      g_assert_cmpmem (now, 8, "CALOPC01", 8);
    }
}

/* The environment of gpu_prepare_process leaves alone what the user has set. */
static void
test_prepare (void)
{
  if (g_test_subprocess ())
    {
      g_setenv ("MESA_SHADER_CACHE_DIR", "/mine", TRUE);
      g_unsetenv ("LP_NATIVE_VECTOR_WIDTH");
      gpu_prepare_process ();
      g_assert_cmpstr (g_getenv ("MESA_SHADER_CACHE_DIR"), ==, "/mine");
      g_assert_null (g_getenv ("LP_NATIVE_VECTOR_WIDTH"));
      g_unsetenv ("MESA_SHADER_CACHE_DIR");
      g_setenv ("LP_NATIVE_VECTOR_WIDTH", "128", TRUE);
      gpu_prepare_process ();
      g_assert_cmpstr (g_getenv ("LP_NATIVE_VECTOR_WIDTH"), ==, "128");
      if (g_getenv ("MESA_SHADER_CACHE_DIR") != NULL)
        g_assert_nonnull (strstr (g_getenv ("MESA_SHADER_CACHE_DIR"), "mesa-128-"));
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

/* Last: everything above was done with the layer watching, when it was asked for. */
static void
test_validation (void)
{
  g_autoptr (GpuBuffer) y = NULL;

  if (g_getenv ("CALOTYPE_VALIDATE") == NULL)
    {
      g_assert_false (gpu_validating ());
      return;
    }
  g_assert_true (gpu_validating ());
  g_assert_cmpuint (gpu_device_validation_messages (device), ==, 0);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gpu/prepare", test_prepare);
  g_test_add_func ("/gpu/list", test_list);
  g_test_add_func ("/gpu/no-such-device", test_no_such_device);
  g_test_add_func ("/gpu/round-trip", test_round_trip);
  g_test_add_func ("/gpu/heap", test_heap);
  g_test_add_func ("/gpu/too-large", test_too_large);
  g_test_add_func ("/gpu/memory-ends", test_memory_ends);
  g_test_add_func ("/gpu/kernel", test_kernel);
  g_test_add_func ("/gpu/kernel-subgroup", test_kernel_subgroup);
  g_test_add_func ("/gpu/kernels-compile", test_kernels_compile);
  g_test_add_func ("/gpu/kernel-refused", test_kernel_refused);
  g_test_add_func ("/gpu/kernel-unknown", test_kernel_unknown);
  g_test_add_func ("/gpu/refused", test_refused);
  g_test_add_func ("/gpu/many", test_many);
  g_test_add_func ("/gpu/cancel", test_cancel);
  g_test_add_func ("/gpu/profile", test_profile);
  g_test_add_func ("/gpu/lost", test_lost);
  g_test_add_func ("/gpu/cache", test_cache);
  g_test_add_func ("/gpu/validation", test_validation);
  device = gpu_device_new (-1, &error);
  if (g_error_matches (error, GPU_ERROR, GPU_ERROR_NO_DEVICE))
    {
      g_printerr ("%s\n", error->message);
      return 77;
    }
  g_assert_no_error (error);
  status = g_test_run ();
  gpu_device_unref (device);
  if (gpu_device_validation_messages (NULL) > 0) /* something was not given back */
    return 1;
  return status;
}
