/* Times a compiled export beside ONNX Runtime's C interface on the same inputs: one thread, batches of 1 and 256.
   ONNX Runtime's library comes without headers here; its interface is one struct of function pointers to which members
   are only ever added, so the few that are used are declared by their place in it (onnxruntime_c_api.h, OrtApi).
   Built by bench/export.ts with -DNAME= and -DUPPER_…= for the export's names. */

#define _POSIX_C_SOURCE 199309L
#include EXPORT_HEADER
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
  const void *(*get_api)(uint32_t version);
  const char *(*version)(void);
} ApiBase;
const ApiBase *OrtGetApiBase(void);

enum { ERROR_MESSAGE = 2, CREATE_ENV = 3, CREATE_SESSION = 7, RUN = 9, CREATE_OPTIONS = 10, OPTIMISATION = 23, INTRA_THREADS = 24,
       INTER_THREADS = 25, TENSOR_WITH_DATA = 49, CPU_MEMORY = 69 };
typedef void (*Function)(void);
static const Function *api;

typedef const char *(*Message)(void *status);
typedef void *(*CreateEnv)(int severity, const char *id, void **out);
typedef void *(*CreateSession)(void *env, const char *path, void *options, void **out);
typedef void *(*CreateOptions)(void **out);
typedef void *(*SetNumber)(void *options, int value);
typedef void *(*CpuMemory)(int allocator, int kind, void **out);
typedef void *(*TensorWithData)(void *memory, void *data, size_t bytes, const int64_t *shape, size_t rank, int type, void **out);
typedef void *(*Run)(void *session, void *options, const char *const *inputs, void *const *values, size_t count,
                     const char *const *outputs, size_t output_count, void **results);

static void check(void *status)
{
  if (!status) return;
  fprintf(stderr, "ONNX Runtime: %s\n", ((Message)api[ERROR_MESSAGE])(status));
  exit(1);
}

static double seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

static float features[256 * INPUTS], latent[256 * (LATENTS + 1)], compiled[256 * OUTPUTS], served[256 * OUTPUTS];
static void *session;

static void serve(int rows, void *memory)
{
  static const char *const inputs[2] = {FEATURES, "latent"};
  static const char *const outputs[1] = {OUTPUT};
  const int64_t x[2] = {rows, INPUTS}, z[2] = {rows, LATENTS};
  int64_t y[1 + RANK] = {rows};
  void *values[2] = {0, 0}, *result = 0;
  static void *kept[2][3];
  const int which = rows > 1;
  if (!kept[which][0]) {
    for (int i = 0; i < RANK; i++) y[1 + i] = SHAPE[i];
    check(((TensorWithData)api[TENSOR_WITH_DATA])(memory, features, sizeof(float) * rows * INPUTS, x, 2, 1, &kept[which][0]));
    check(((TensorWithData)api[TENSOR_WITH_DATA])(memory, latent, sizeof(float) * rows * LATENTS, z, 2, 1, &kept[which][1]));
    check(((TensorWithData)api[TENSOR_WITH_DATA])(memory, served, sizeof(float) * rows * OUTPUTS, y, 1 + RANK, 1, &kept[which][2]));
  }
  values[0] = kept[which][0];
  values[1] = kept[which][1];
  result = kept[which][2];
  check(((Run)api[RUN])(session, 0, inputs, values, LATENTS > 0 ? 2 : 1, outputs, 1, &result));
}

int main(int argc, char **argv)
{
  const ApiBase *base = OrtGetApiBase();
  const int repeats = argc > 2 ? atoi(argv[2]) : 30;
  void *env = 0, *options = 0, *memory = 0;
  api = base->get_api(18);
  if (!api || argc < 2) return 2;
  check(((CreateEnv)api[CREATE_ENV])(3, "bench", &env));
  check(((CreateOptions)api[CREATE_OPTIONS])(&options));
  check(((SetNumber)api[OPTIMISATION])(options, 99));
  check(((SetNumber)api[INTRA_THREADS])(options, 1));
  check(((SetNumber)api[INTER_THREADS])(options, 1));
  check(((CreateSession)api[CREATE_SESSION])(env, argv[1], options, &session));
  check(((CpuMemory)api[CPU_MEMORY])(0, 0, &memory));
  for (int row = 0; row < 256; row++) {
    for (int i = 0; i < INPUTS; i++)
      features[row * INPUTS + i] = LOW[i] + (HIGH[i] - LOW[i]) * (float)(0.5 + 0.5 * sin(1.7 * row + 2.3 * i));
    NOISE(1, row, 0, latent + row * LATENTS);
  }
  printf("{\"onnxruntime\":\"%s\",\"times\":[", base->version());
  for (int batch = 1; batch <= 256; batch += 255) {
    const int calls = batch == 1 ? 400 : 8;
    for (int repeat = -3; repeat < repeats; repeat++) {
      double began = seconds(), ours, theirs, generated;
      for (int i = 0; i < calls; i++) RUN_EXPORT(features, latent, compiled, batch);
      ours = seconds() - began;
      began = seconds();
      for (int i = 0; i < calls; i++) serve(batch, memory);
      theirs = seconds() - began;
      began = seconds();
      for (int i = 0; i < calls; i++) GENERATE(features, 1, i, 0, 0, compiled, batch);
      generated = seconds() - began;
      if (repeat >= 0)
        printf("%s{\"batch\":%d,\"compiled\":%.9g,\"served\":%.9g,\"generated\":%.9g}", batch == 1 && repeat == 0 ? "" : ",", batch,
               1e6 * ours / calls / batch, 1e6 * theirs / calls / batch, 1e6 * generated / calls / batch);
    }
  }
  {
    double worst = 0;
    RUN_EXPORT(features, latent, compiled, 256);
    for (int i = 0; i < 256 * OUTPUTS; i++) {
      const double off = fabs((double)compiled[i] - served[i]) / (1e-6 + 1e-6 * fabs(served[i]));
      if (off > worst) worst = off;
    }
    printf("],\"deviation\":%.3g}\n", worst);
  }
  return 0;
}
