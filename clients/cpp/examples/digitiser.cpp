// The digitiser: noise from event and row numbers, amplitudes from the energy loss.

#include "digitiser.hpp"

#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace digitiser {

Digitiser::Digitiser(const Settings& settings)
    : model_(driftline::Catalogue::open(settings.catalogue).model(settings.family, settings.conditions, settings.accept, settings.model)),
      seed_(settings.seed),
      sum_per_loss_(settings.sum_per_loss) {}

void Digitiser::begin_event(std::int64_t event) noexcept {
  event_ = event;
  row_ = 0;
}

int Digitiser::run(const float* inputs, const float* losses, float* outputs, int rows) {
  const auto count = static_cast<std::size_t>(rows);
  driftline::Outside outside;
  if (count == 1) {
    driftline::Noise noise;
    noise.seed = seed_;
    noise.first_event = event_;
    noise.event_rows = &row_;
    outside = model_.generate(inputs, 1, noise, outputs);
    row_++;
  } else {
    const std::vector<std::int64_t> events(count, event_);
    std::vector<std::uint32_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), row_);
    row_ += static_cast<std::uint32_t>(count);
    outside = model_.generate(inputs, count, {seed_, 0, events.data(), numbers.data()}, outputs);
  }
  for (std::size_t i = 0; losses != nullptr && i < count; i++) {
    float* response = outputs + i * model_.output_size();
    const float sum = std::accumulate(response, response + model_.output_size(), 0.0f);
    const float scale = sum > 0 ? losses[i] * sum_per_loss_ / sum : 0;
    for (std::size_t j = 0; j < model_.output_size(); j++) response[j] *= scale;
  }
  return static_cast<int>(outside.rows);
}

}  // namespace digitiser

namespace {
// What a C function without a handle needs; a program with several threads gives each its own.
thread_local digitiser::Digitiser* current = nullptr;
}  // namespace

void use_digitiser(digitiser::Digitiser* digitiser) { current = digitiser; }

extern "C" void model_run(float* input, float* output, int input_size, int output_size) {
  if (current == nullptr || static_cast<std::size_t>(input_size) != current->model().columns().size() ||
      static_cast<std::size_t>(output_size) != current->model().output_size()) {
    std::fprintf(stderr, "model_run(%d, %d): no digitiser is in use, or its model has other sizes\n", input_size, output_size);
    std::abort();
  }
  current->run(input, nullptr, output, 1);
}
