// Reading bundle.json.

#pragma once

#include <driftline/bundle.hpp>

#include <string>
#include <string_view>

namespace driftline {

/// Checks the bytes of a bundle.json. `source` is for messages; an empty `digest` allows any. Throws `damaged` where it
/// is not of this digest, `invalid_bundle` where the format is not followed.
Manifest parse_manifest(std::string bytes, const std::string& source, std::string_view digest = "");

}  // namespace driftline
