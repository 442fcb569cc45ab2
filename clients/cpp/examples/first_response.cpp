// A worker node's job: opens a catalogue, finds a model, generates one response, and says what that took.
//
//   first_response CATALOGUE FAMILY [JSON_QUESTION [COMPILED_SO]]

#include <driftline/driftline.hpp>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

namespace {

/// Of a clock that only goes forward.
double milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

long resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::stol(line.substr(6));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const double start = milliseconds();
  if (argc < 3) {
    std::fprintf(stderr, "usage: first_response CATALOGUE FAMILY [JSON_QUESTION [COMPILED_SO]]\n");
    return 2;
  }
  try {
    const auto given = argc > 3 ? driftline::Given::from_json(argv[3]) : driftline::Given{};
    driftline::ModelOptions options;
    if (argc > 4) options.compiled = {driftline::Compiled::open(argv[4])};
    const auto catalogue = driftline::Catalogue::open(argv[1]);
    const auto answer = catalogue.resolve(argv[2], given, driftline::Accept::compatible);
    const double resolved = milliseconds();
    const auto model = catalogue.load(answer, options);
    const double loaded = milliseconds();
    // A row in the middle of the domain.
    std::vector<float> row, output(model.output_size());
    for (const auto& column : model.columns()) row.push_back(static_cast<float>((column.domain.low + column.domain.high) / 2));
    driftline::Noise noise;
    noise.seed = 7;
    model.generate(row.data(), 1, noise, output.data());
    double sum = 0;
    for (const float value : output) sum += value;
    std::printf("{\"bundle\": \"%s\", \"match\": \"%s\", \"backend\": \"%s\", \"resolved_ms\": %.2f, \"loaded_ms\": %.2f, \"response_ms\": %.2f, \"resident_kb\": %ld, \"sum\": %.6g}\n",
                model.digest().c_str(), answer.match.kind.c_str(), model.backend().c_str(), resolved - start, loaded - start, milliseconds() - start, resident_kb(), sum);
    return 0;
  } catch (const driftline::Error& error) {
    std::fprintf(stderr, "%s: %s\n%s\n", error.code().c_str(), error.what(), error.remedy().c_str());
    return error.exit_code();
  }
}
