// The same sample: that of the TypeScript client, in any batches, on any number of threads, by any back end.

#include "check.hpp"
#include "fixtures.hpp"

#include <driftline/driftline.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

using driftline::Catalogue;
using driftline::Model;
using driftline::Noise;

namespace {

/// With ONNX Runtime, and compiled where test.sh found a compiled export (DRIFTLINE_COMPILED_SO).
std::vector<Model> models() {
  const auto catalogue = Catalogue::open(fixtures::snapshot());
  std::vector<Model> all = {catalogue.model("test.tiny")};
  if (const char* path = std::getenv("DRIFTLINE_COMPILED_SO"); path != nullptr && *path != '\0') {
    driftline::ModelOptions options;
    options.compiled = {driftline::Compiled::open(path)};
    all.push_back(catalogue.model("test.tiny", {}, driftline::Accept::exact, options));
    CHECK_EQUAL(all.back().backend(), "compiled");
  } else {
    std::cout << "        (without a compiled export: DRIFTLINE_COMPILED_SO names none)\n";
  }
  return all;
}

Noise noise() {
  const auto& sample = fixtures::json().at("sample");
  Noise noise;
  noise.seed = sample.at("seed").get<std::uint64_t>();
  noise.first_event = sample.at("firstEvent").get<std::int64_t>();
  return noise;
}

void check_same(const std::vector<float>& found, const std::vector<float>& expected) {
  CHECK_EQUAL(found.size(), expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); i++)
    worst = std::max(worst, std::abs(double{found[i]} - double{expected[i]}) / (1e-6 + 1e-6 * std::abs(double{expected[i]})));
  CHECK(worst <= 1);
}

TEST("batches of 1, 7 and 1,000, one and two threads: the sample of the TypeScript client") {
  const auto features = fixtures::floats("features.f32"), expected = fixtures::floats("outputs.f32");
  for (const Model& one : models()) {
    for (const int threads : {1, 2}) {
      const Model model = one.with_threads(threads);
      const std::size_t rows = features.size() / model.columns().size();
      CHECK_EQUAL(rows, std::size_t{1000});
      for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
        std::vector<float> output(expected.size());
        for (std::size_t first = 0; first < rows; first += batch) {
          Noise own = noise();
          own.first_event += static_cast<std::int64_t>(first);
          const auto outside = model.generate(features.data() + first * model.columns().size(), std::min(batch, rows - first), own,
                                              output.data() + first * model.output_size());
          CHECK(!outside);
        }
        check_same(output, expected);
      }
    }
  }
}

TEST("events and rows may be named one by one, in any order") {
  const auto features = fixtures::floats("features.f32"), expected = fixtures::floats("outputs.f32");
  const Model model = models().front();
  const std::size_t rows = 300, width = model.columns().size(), size = model.output_size();
  std::vector<float> reversed, output(rows * size);
  std::vector<std::int64_t> events;
  for (std::size_t i = rows; i-- > 0;) {
    reversed.insert(reversed.end(), features.begin() + static_cast<std::ptrdiff_t>(i * width), features.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
    events.push_back(noise().first_event + static_cast<std::int64_t>(i));
  }
  Noise own = noise();
  own.events = events.data();
  model.generate(reversed.data(), rows, own, output.data());
  std::vector<float> found;
  for (std::size_t i = rows; i-- > 0;)
    found.insert(found.end(), output.begin() + static_cast<std::ptrdiff_t>(i * size), output.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
  check_same(found, {expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(rows * size)});

  // Another row of the same event gets other noise.
  const std::vector<std::uint32_t> numbers = {0, 1};
  const std::vector<std::int64_t> same = {5, 5};
  own.events = same.data();
  own.event_rows = numbers.data();
  std::vector<float> twice(features.begin(), features.begin() + static_cast<std::ptrdiff_t>(width));
  twice.insert(twice.end(), twice.begin(), twice.begin() + static_cast<std::ptrdiff_t>(width));
  const auto two = model.generate(twice, own);
  CHECK(!std::equal(two.begin(), two.begin() + static_cast<std::ptrdiff_t>(size), two.begin() + static_cast<std::ptrdiff_t>(size)));
}

TEST("eight threads can use one model at the same time") {
  const auto features = fixtures::floats("features.f32"), expected = fixtures::floats("outputs.f32");
  for (const Model& model : models()) {
    std::vector<std::vector<float>> outputs(8, std::vector<float>(expected.size()));
    std::vector<std::thread> threads;
    for (auto& output : outputs)
      threads.emplace_back([&, own = noise()] { model.generate(features.data(), 1000, own, output.data()); });
    for (auto& thread : threads) thread.join();
    for (const auto& output : outputs) check_same(output, expected);
  }
}

TEST("inputs outside the domain are flagged: which, how many rows, which limit, how far") {
  const Model model = models().front();
  auto features = fixtures::floats("features.f32");
  features.resize(5 * 6);
  features[5] = 2.5f;  // on the limit: inside
  features[6 + 5] = 3.5f;
  features[12 + 5] = 0.1f;
  features[12 + 0] = std::numeric_limits<float>::quiet_NaN();
  driftline::Outside outside;
  const auto output = model.generate(features, noise(), &outside);
  CHECK_EQUAL(output.size(), 5 * model.output_size());
  CHECK_EQUAL(outside.rows, std::size_t{2});
  CHECK_EQUAL(outside.inputs.size(), std::size_t{2});
  CHECK_EQUAL(outside.text(),
              "crossing_angle: 1 not a number (furthest NaN); pt: 1 below 0.2 GeV/c, 1 above 2.5 GeV/c (furthest 3.5)");
  CHECK(!model.is_outside(features.data()));
  CHECK(model.is_outside(features.data() + 6));
}

TEST("what cannot be generated is said") {
  const Model model = models().front();
  const auto features = fixtures::floats("features.f32");
  Noise large;
  large.seed = driftline::noise::max_seed + 1;
  THROWN("usage", model.generate(features, large));
  THROWN("usage", model.generate(std::vector<float>(7), {}));
  THROWN("usage", model.predict(features));
  THROWN("usage", model.with_threads(0));
  CHECK(model.generate(std::vector<float>(), {}).empty());
}

}  // namespace

int main() {
  fixtures::need();
  return check::main_of_tests();
}
