// The one exception of the client: what was being done, to what, what was wrong, what to do, and a stable code.

#pragma once

#include <memory>
#include <stdexcept>
#include <string>

namespace driftline {

/// Every failure of this library, except std::bad_alloc. Codes are those of the platform (docs/errors.md).
class Error : public std::runtime_error {
 public:
  explicit Error(std::string code, const std::string& message, std::string field = {}, std::string remedy = {},
                 std::string data = {});

  /// Such as "no_model", "damaged", "out_of_range".
  const std::string& code() const noexcept { return details_->code; }
  /// The condition, file or option that was wrong, such as "conditions.drift_velocity"; empty where there is none.
  const std::string& field() const noexcept { return details_->field; }
  /// What can be done about it; empty where nothing is known.
  const std::string& remedy() const noexcept { return details_->remedy; }
  /// Further members as JSON text, such as {"nearest": …} of a miss; empty where there are none.
  const std::string& data() const noexcept { return details_->data; }
  /// What a program should end with: 2 wrong usage, 3 refused, 4 no model, 5 damaged, 1 anything else.
  int exit_code() const noexcept;

 private:
  struct Details {
    std::string code, field, remedy, data;
  };
  std::shared_ptr<const Details> details_;  // shared, so that copying an exception cannot throw
};

}  // namespace driftline
