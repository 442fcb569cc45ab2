// The C program that runs an export for its replay: inputs from a file, outputs to another, as raw numbers.

/** Calls of an export named `name`: argv is FEATURES LATENT OUTPUT ROWS ONE_BY_ONE, or `noise` SEED OUTPUT ROWS. */
export function replayDriver(name: string): string {
  const upper = name.toUpperCase();
  return `#include "${name}.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *numbers(size_t count)
{
  void *found = malloc(count * sizeof(float) + 1);
  if (!found) exit(3);
  return found;
}

static float *read_numbers(const char *path, size_t count)
{
  float *found = numbers(count);
  FILE *file = fopen(path, "rb");
  if (!file || fread(found, sizeof(float), count, file) != count) exit(4);
  fclose(file);
  return found;
}

static void write_numbers(const char *path, const float *values, size_t count)
{
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(values, sizeof(float), count, file) != count || fclose(file) != 0) exit(5);
}

int main(int argc, char **argv)
{
  if (argc == 5 && strcmp(argv[1], "noise") == 0) {
    const size_t rows = (size_t)atol(argv[4]);
    float *latent = numbers(rows * ${upper}_LATENTS);
    for (size_t i = 0; i < rows; i++)
      ${name}_noise((uint64_t)strtoull(argv[2], 0, 10), (int64_t)i - 7, (uint32_t)(3 * i), latent + i * ${upper}_LATENTS);
    write_numbers(argv[3], latent, rows * ${upper}_LATENTS);
    free(latent);
  } else if (argc == 6) {
    const int rows = atoi(argv[4]), at_once = atoi(argv[5]) ? 1 : rows;
    float *features = read_numbers(argv[1], (size_t)rows * ${upper}_INPUTS);
    float *latent = read_numbers(argv[2], (size_t)rows * ${upper}_LATENTS);
    float *output = numbers((size_t)rows * ${upper}_OUTPUTS);
    for (int row = 0; row < rows; row += at_once)
      ${name}_run(features + row * ${upper}_INPUTS, latent + row * ${upper}_LATENTS, output + row * ${upper}_OUTPUTS, at_once);
    write_numbers(argv[3], output, (size_t)rows * ${upper}_OUTPUTS);
    free(features);
    free(latent);
    free(output);
  } else {
    return 2;
  }
  return 0;
}
`;
}
