// Turns what someone asked of a family into a canonical question: checked values, canonical JSON and the condition key.

#include "bigint.hpp"
#include "json.hpp"
#include "quantity.hpp"
#include "sha256.hpp"
#include "text.hpp"

#include "canonical.hpp"

#include <driftline/error.hpp>
#include <driftline/family.hpp>

#include <algorithm>

namespace driftline {
namespace {

std::optional<std::string> optional_text(const Json& json, const char* name) {
  const Json& member = json.at(name);
  if (member.is_null()) return std::nullopt;
  return member.get<std::string>();
}

Condition condition_of(const Json& json) {
  Condition condition;
  condition.name = json.at("name").get<std::string>();
  condition.description = text_or_empty(json, "description");
  condition.unit = optional_text(json, "unit");
  condition.nominal = optional_text(json, "nominal");
  if (condition.unit) {
    condition.grid = json.at("grid").get<std::string>();
    condition.tolerance = json.at("tolerance").get<std::string>();
    condition.minimum = json.at("minimum").get<std::string>();
    condition.maximum = json.at("maximum").get<std::string>();
    for (const auto* text : {&condition.grid, &condition.tolerance, &condition.minimum, &condition.maximum})
      if (!parse_decimal(*text)) throw std::invalid_argument(condition.name + " has \"" + *text + "\" for a number");
    if (parse_decimal(condition.grid)->digits.is_zero()) throw std::invalid_argument(condition.name + " has a grid of 0");
  } else if (!json.at("values").is_null()) {
    condition.values = json.at("values").get<std::vector<std::string>>();
  }
  return condition;
}

template <typename Field>
std::vector<std::string> names_of(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

template <typename Field>
const std::string* unknown_name(const Values& given, const std::vector<Field>& fields) {
  for (const auto& [name, _] : given) {
    const auto is_it = [&name = name](const Field& field) { return field.name == name; };
    if (std::none_of(fields.begin(), fields.end(), is_it)) return &name;
  }
  return nullptr;
}

Value value_of(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number()) return json.get<double>();
  return Value::other(json.type_name());
}

}  // namespace

std::string Value::quoted() const {
  if (const double* value = number()) return shortest_text(*value);
  if (const std::string* given = text()) {
    std::string shown = Json(*given).dump(-1, ' ', false, Json::error_handler_t::replace);
    if (shown.size() > 80) shown = shown.substr(0, 77) + "...";
    return shown;
  }
  return "a value of type " + std::get<Other>(held_).type;
}

Given Given::from_json(std::string_view text) {
  try {
    const Json json = parse_json(text);
    Given given;
    for (const auto& [part, values] : json.items()) {
      if (part != "conditions" && part != "software") throw std::invalid_argument("it has a member \"" + part + "\"");
      if (!values.is_object()) throw std::invalid_argument(part + " is not an object");
      for (const auto& [name, value] : values.items())
        (part == "software" ? given.software : given.conditions).emplace(name, value_of(value));
    }
    return given;
  } catch (const std::invalid_argument& error) {
    throw Error("usage", std::string("Reading a question from JSON: ") + error.what() + ".", "question",
                R"(Write {"conditions": {"drift_velocity": "5.50 cm/us"}, "software": {}}.)");
  }
}

Family Family::from_json(std::string_view text) {
  try {
    const Json json = parse_json(text);
    Family family;
    family.name = json.at("name").get<std::string>();
    family.version = json.at("version").get<std::int64_t>();
    family.title = text_or_empty(json, "title");
    family.description = text_or_empty(json, "description");
    family.simulator = text_or_empty(json, "simulator");
    for (const Json& each : json.at("conditions")) family.conditions.push_back(condition_of(each));
    for (const Json& each : json.at("software"))
      family.software.push_back({each.at("name").get<std::string>(), text_or_empty(each, "description"),
                                 optional_text(each, "nominal")});
    for (const Json& each : json.value("inputs", Json::array()))
      family.inputs.push_back({each.at("name").get<std::string>(), text_or_empty(each, "description"),
                               each.at("unit").get<std::string>(), each.at("low").get<double>(),
                               each.at("high").get<double>()});
    return family;
  } catch (const std::exception& error) {
    throw Error("invalid_family", std::string("Reading a family from JSON: ") + error.what() + ".", "family",
                "Take it from `GET /v1/families` or from a snapshot.");
  }
}

Question Family::question(const Given& given) const {
  Question question;
  question.family = name;
  question.family_version = version;
  if (const std::string* unknown = unknown_name(given.conditions, conditions)) {
    const bool is_input = std::any_of(inputs.begin(), inputs.end(), [&](const Input& each) { return each.name == *unknown; });
    const auto names = names_of(conditions);
    throw Error("unknown_condition", "Family " + name + " has no condition " + Value(unknown->substr(0, 80)).quoted() + ".",
                "conditions." + unknown->substr(0, 80),
                (is_input ? "It is an input of the model, which may vary from row to row. " : "") +
                    did_you_mean(*unknown, names) + "Conditions: " + joined(names) + ".");
  }
  for (const Condition& condition : conditions) {
    const auto found = given.conditions.find(condition.name);
    if (found != given.conditions.end()) {
      question.conditions[condition.name] =
          condition.is_label() ? label(condition, found->second) : quantity(condition, found->second);
      continue;
    }
    if (!condition.nominal)
      throw Error("missing_condition",
                  "Condition " + condition.name + " of " + name + " was not given and has no nominal value.",
                  "conditions." + condition.name,
                  "Give " + condition.name + "; `driftline families " + name + "` says what it is.");
    question.defaulted.push_back(condition.name);
    question.conditions[condition.name] = *condition.nominal;
  }
  if (const std::string* unknown = unknown_name(given.software, software)) {
    const auto names = names_of(software);
    throw Error("invalid_software",
                "Family " + name + " has no software component " + Value(unknown->substr(0, 80)).quoted() + ".",
                "software." + unknown->substr(0, 80),
                did_you_mean(*unknown, names) + "Software: " + (names.empty() ? "none" : joined(names)) + ".");
  }
  for (const SoftwareComponent& component : software) {
    const auto found = given.software.find(component.name);
    if (found != given.software.end()) {
      question.software[component.name] = software_version(component, found->second);
      continue;
    }
    if (!component.nominal)
      throw Error("invalid_software",
                  "Software " + component.name + " of " + name + " was not given and has no nominal version.",
                  "software." + component.name, "Give " + component.name + " as name/version.");
    question.defaulted.push_back(component.name);
    question.software[component.name] = *component.nominal;
  }
  question.canonical = canonical_form(name, version, question.conditions, question.software);
  question.key = "k1-" + sha256(question.canonical);
  return question;
}

}  // namespace driftline
