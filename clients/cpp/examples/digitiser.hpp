// A digitiser in the shape experiments use: model_run(float*, float*, int, int).
//
// Set up once, it takes rows of inputs and gives pad-time responses, scaled to the energy loss that Geant gave. The
// noise is drawn inside: of the event that was begun last, row by row.

#pragma once

#include <driftline/driftline.hpp>

#include <cstdint>
#include <string>

namespace digitiser {

struct Settings {
  /// Snapshot, bundle directory or server.
  std::string catalogue;
  std::string family = "mpd.tpc";
  driftline::Given conditions;
  driftline::Accept accept = driftline::Accept::exact;
  driftline::ModelOptions model;
  /// From 0 to 2^53 - 1: the job's.
  std::uint64_t seed = 0;
  /// Mean of the sum of a response at an energy loss of 1, in the model's unit.
  float sum_per_loss = 1;
};

class Digitiser {
 public:
  /// Throws driftline::Error: stop the job, for there is no model that may be used.
  explicit Digitiser(const Settings& settings);

  /// Responses of the next rows of this event get the noise of (seed, event, row). One object for each thread.
  void begin_event(std::int64_t event) noexcept;

  /// inputs [rows][columns] → outputs [rows][output_size]; row i scaled so that its sum is losses[i] × sum_per_loss
  /// (null for the model's own amplitudes). Returns how many rows were outside the model's domain.
  int run(const float* inputs, const float* losses, float* outputs, int rows);

  const driftline::Model& model() const { return model_; }

 private:
  driftline::Model model_;
  std::uint64_t seed_;
  float sum_per_loss_;
  std::int64_t event_ = 0;
  std::uint32_t row_ = 0;
};

}  // namespace digitiser

/// The one of the calling program, for code that calls a C function. Both sizes are checked against the model's.
void use_digitiser(digitiser::Digitiser* digitiser);
/// One response: `input` has input_size numbers, `output` gets output_size. Aborts the program where they are not the
/// model's, as there is no one to tell.
extern "C" void model_run(float* input, float* output, int input_size, int output_size);
