// Runs helix tracks through the pad rows of the MPD TPC and digitises each crossing with a model.
//
//   tracks CATALOGUE [EVENTS [COMPILED_SO [FAMILY]]]
//
// Prints a checksum that is the same for batches of one and of a track, and how long both took.

#include "digitiser.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr int pad_rows = 53, tracks_per_event = 20;
constexpr double pi = 3.14159265358979323846;

/// Uniform numbers of a job's own: a stream of the client's noise that no model uses.
double uniform(std::uint64_t seed, std::int64_t event, std::uint32_t row, double low, double high) {
  double u = 0;
  driftline::noise::uniforms(seed, event, row, 1, &u, driftline::noise::Stream::simulation);
  return low + (high - low) * u;
}

/// Radius in cm of the middle of a pad row: rows of 12 mm from 40.3 cm, from the 27th of 18 mm.
double radius_of(int row) { return row < 27 ? 40.9 + 1.2 * row : 40.3 + 27 * 1.2 + 1.8 * (row - 27) + 0.9; }

/// What a model of mpd.tpc takes: crossing angle, dip angle, drift length, pad coordinate, pad row, pT; by name.
float input_of(const std::string& name, double crossing, double dip, double drift, double pad, int row, double pt) {
  if (name == "crossing_angle") return static_cast<float>(crossing * 180 / pi);
  if (name == "dip_angle") return static_cast<float>(dip * 180 / pi);
  if (name == "drift_length") return static_cast<float>(drift);
  if (name == "pad_coordinate") return static_cast<float>(pad);
  if (name == "pad_row") return static_cast<float>(row);
  if (name == "pt") return static_cast<float>(pt);
  std::fprintf(stderr, "this example does not know the input %s\n", name.c_str());
  std::exit(2);
}

/// Crossings of a track with the pad rows: [rows][columns], in the model's order.
std::vector<float> crossings(const driftline::Model& model, std::int64_t event, std::uint32_t track) {
  const auto draw = [&](std::uint32_t i, double low, double high) { return uniform(1, event, track * 8 + i, low, high); };
  const double pt = draw(0, 0.3, 2.0), dip = draw(1, -0.6, 0.6), phi = draw(2, -0.05, 0.05), drift = draw(3, 60, 200), pad = draw(4, 31, 38);
  const double curvature_cm = pt / (0.003 * 0.5);  // radius of the circle in a field of 0.5 T
  std::vector<float> rows;
  for (int row = 0; row < pad_rows; row++) {
    const double bend = std::asin(radius_of(row) / (2 * curvature_cm));
    for (const auto& column : model.columns())
      rows.push_back(input_of(column.name, phi + bend, dip, drift + 0.5 * row * std::tan(dip), pad, row, pt));
  }
  return rows;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: tracks CATALOGUE [EVENTS [COMPILED_SO [FAMILY]]]\n");
    return 2;
  }
  try {
    digitiser::Settings settings;
    settings.catalogue = argv[1];
    settings.family = argc > 4 ? argv[4] : "mpd.tpc";
    settings.seed = 20261121;
    if (argc > 3 && *argv[3] != 0) settings.model.compiled = {driftline::Compiled::open(argv[3])};
    digitiser::Digitiser digitiser(settings);
    const driftline::Model& model = digitiser.model();
    std::printf("%s of %s by %s\n", model.digest().substr(0, 12).c_str(), model.manifest().family.c_str(), model.backend().c_str());

    const int events = argc > 2 ? std::atoi(argv[2]) : 10;
    std::vector<float> output(pad_rows * model.output_size());
    const std::vector<float> losses(pad_rows, 2.7f);
    for (const int batch : {1, pad_rows}) {
      double sum = 0, took = 0;
      long outside = 0;
      for (int event = 0; event < events; event++) {
        digitiser.begin_event(event);
        for (std::uint32_t track = 0; track < tracks_per_event; track++) {
          const std::vector<float> inputs = crossings(model, event, track);
          const auto start = std::chrono::steady_clock::now();
          for (int row = 0; row < pad_rows; row += batch) {
            const auto first = static_cast<std::size_t>(row);
            outside += digitiser.run(inputs.data() + first * model.columns().size(), losses.data() + first, output.data() + first * model.output_size(), batch);
          }
          took += seconds_since(start);
          for (std::size_t i = 0; i < output.size(); i++) sum += double{output[i]} * static_cast<double>(i % 97);
        }
      }
      const long count = static_cast<long>(events) * tracks_per_event * pad_rows;
      std::printf("batch %2d: %ld responses, %.2f us each, %ld outside the domain, checksum %.3f\n", batch, count, 1e6 * took / static_cast<double>(count), outside, sum);
    }
    return 0;
  } catch (const driftline::Error& error) {
    std::fprintf(stderr, "%s: %s\n%s\n", error.code().c_str(), error.what(), error.remedy().c_str());
    return error.exit_code();
  }
}
