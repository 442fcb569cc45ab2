// SHA-256, as hexadecimal digits.

#pragma once

#include <string>
#include <string_view>

namespace driftline {

std::string sha256(std::string_view bytes);
bool is_digest(std::string_view text);

}  // namespace driftline
