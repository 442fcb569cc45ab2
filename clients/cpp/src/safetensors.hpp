// Named tensors in one file, in the safetensors format; of them, those of float32.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace driftline {

struct Tensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  /// Where dtype is F32, else empty.
  std::vector<float> values;
};

/// Throws `damaged` naming the tensor that is not as the format says.
std::map<std::string, Tensor> decode_safetensors(std::string_view bytes, const std::string& source);

}  // namespace driftline
