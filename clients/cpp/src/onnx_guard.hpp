// Refuses ONNX bytes that would make the runtime read other files, before the runtime sees them.

#pragma once

#include <string>
#include <string_view>

namespace driftline {

/// Throws `invalid_bundle` if the model refers to data in other files or is not a plain ONNX protobuf.
void refuse_external_data(std::string_view bytes, const std::string& source);

}  // namespace driftline
