// Errors and the exit codes that belong to them.

#include <driftline/error.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace driftline {

Error::Error(std::string code, const std::string& message, std::string field, std::string remedy, std::string data)
    : std::runtime_error(message),
      details_(std::make_shared<const Details>(
          Details{std::move(code), std::move(field), std::move(remedy), std::move(data)})) {}

int Error::exit_code() const noexcept {
  // As docs/errors.md has them; a test compares.
  static constexpr std::array<std::string_view, 10> other = {
      "simulator_failed", "trainer_failed", "machine_failed", "python_missing", "compiler_failed",
      "cancelled",        "lease_lost",     "too_slow",       "busy",           "unreachable"};
  if (code() == "refused") return 3;
  if (code() == "no_model") return 4;
  if (code() == "damaged" || code() == "invalid_bundle" || code() == "export_failed") return 5;
  if (code() == "internal") return 1;
  return std::find(other.begin(), other.end(), code()) == other.end() ? 2 : 1;
}

}  // namespace driftline
