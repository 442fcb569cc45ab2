// What runs a model's network: ONNX Runtime, or compiled code.

#pragma once

#include <driftline/model.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace driftline {

class Backend {
 public:
  virtual ~Backend() = default;
  /// features [rows][feature_width], latent [rows][latent_width], output [rows][…]; any number of threads at once.
  virtual void run(const float* features, const float* latent, float* output, std::size_t rows) const = 0;

  std::string name;
  std::string features, output;
  std::size_t feature_width = 0, latent_width = 0;
  std::vector<std::size_t> output_shape;
};

/// Opens verified bytes of a model. Throws `invalid_bundle`, and `usage` where there is no ONNX Runtime.
std::unique_ptr<const Backend> open_onnx_runtime(const std::string& library, std::string_view model);

std::unique_ptr<const Backend> use_compiled(const Compiled& compiled, const Manifest& manifest);

}  // namespace driftline
