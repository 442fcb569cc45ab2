// A family of models: the conditions it is asked by, and the key of a question.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace driftline {

/// What is asked of a condition: a text ("5.50 cm/us", "54.5 mm/us", "pion") or a bare number in the declared unit.
class Value {
 public:
  Value(const char* text) : held_(std::string(text)) {}
  Value(std::string text) : held_(std::move(text)) {}
  Value(std::string_view text) : held_(std::string(text)) {}
  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>>>
  Value(Number number) : held_(static_cast<double>(number)) {}
  Value(bool) = delete;

  /// What stands for a JSON value that is neither text nor number, so that it is refused with the right words.
  static Value other(std::string type) { return Value(Other{std::move(type)}); }

  const std::string* text() const { return std::get_if<std::string>(&held_); }
  const double* number() const { return std::get_if<double>(&held_); }
  /// Short enough for a message.
  std::string quoted() const;

 private:
  struct Other {
    std::string type;
  };
  explicit Value(Other other) : held_(std::move(other)) {}
  std::variant<std::string, double, Other> held_;
};

using Values = std::map<std::string, Value>;

/// What is asked: what is left out takes the family's nominal value.
struct Given {
  Values conditions;
  /// Component to "name/version".
  Values software;

  /// Of JSON text such as {"conditions": {"drift_velocity": "5.50 cm/us"}, "software": {}}. Throws `usage`.
  static Given from_json(std::string_view json);
};

/// A question in canonical form.
struct Question {
  std::string family;
  std::int64_t family_version = 0;
  /// Decimal strings in the declared units, labels in normalisation form C.
  std::map<std::string, std::string> conditions;
  std::map<std::string, std::string> software;
  /// Names that were not given and took the nominal value, in the family's order.
  std::vector<std::string> defaulted;
  /// Canonical JSON (RFC 8785) that the key is the SHA-256 of.
  std::string canonical;
  /// "k1-" and 64 hexadecimal digits.
  std::string key;
};

/// A quantity where it has a unit, else a label. Decimal strings are in `unit`.
struct Condition {
  std::string name, description;
  std::optional<std::string> unit;
  std::optional<std::string> nominal;
  /// Values are rounded half-even to multiples of this step.
  std::string grid;
  /// Largest difference at which a compatible model may be used; "0" for none.
  std::string tolerance;
  std::string minimum, maximum;
  /// The labels that are allowed; nothing where any is.
  std::optional<std::vector<std::string>> values;

  bool is_label() const { return !unit.has_value(); }
};

struct SoftwareComponent {
  std::string name, description;
  std::optional<std::string> nominal;
};

/// A column of the features that models of the family take.
struct Input {
  std::string name, description, unit;
  double low = 0, high = 0;
};

struct Family {
  std::string name;
  std::int64_t version = 0;
  std::string title, description;
  std::vector<Condition> conditions;
  std::vector<SoftwareComponent> software;
  std::vector<Input> inputs;
  /// What makes responses where there is no model, "name/version"; empty where nothing does.
  std::string simulator;

  /// Of an entry of `GET /v1/families` or a family file of a snapshot. Throws `invalid_family`.
  static Family from_json(std::string_view json);

  /// Checks and completes what is asked, in exact decimal arithmetic. Throws `unknown_condition`, `missing_condition`,
  /// `invalid_quantity`, `wrong_unit`, `out_of_range`, `invalid_label` or `invalid_software`; field() names the
  /// condition, what() and remedy() say what was given and what is allowed.
  Question question(const Given& given = {}) const;
};

}  // namespace driftline
