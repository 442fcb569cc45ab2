// Canonical JSON (RFC 8785) of what a key stands for.

#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace driftline {

/// Names must be ASCII, as the platform's are: they are sorted by bytes.
std::string canonical_form(const std::string& family, std::int64_t version, const std::map<std::string, std::string>& conditions,
                           const std::map<std::string, std::string>& software);

}  // namespace driftline
