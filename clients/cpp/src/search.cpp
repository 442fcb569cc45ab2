// The search of packages/client/src/resolution, on the same numbers.

#include "search.hpp"

#include "bigint.hpp"
#include "quantity.hpp"
#include "text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

namespace driftline {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr std::size_t shown_models = 3;

/// A value in steps of the grid. Canonical values are whole multiples of it, and whole numbers compare exactly: 5.55 is
/// inside a box that ends at 5.50 + 0.05, which no comparison of binary fractions can promise.
double in_steps(double value, double grid) {
  const double steps = value / grid, whole = std::floor(steps + 0.5);
  return std::abs(steps - whole) < 1e-6 ? whole : steps;
}

/// A value that is no number is infinitely far: a bundle made elsewhere can state anything under a key of its own.
double number_or_infinite(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const std::string_view magnitude = text.substr(!text.empty() && text.front() == '-' ? 1 : 0);
  const bool is_plain = !magnitude.empty() && is_digit(magnitude.front()) && is_digit(magnitude.back()) &&
                        magnitude.find_first_not_of("0123456789.") == std::string_view::npos;
  double number = 0;
  if (is_plain && std::from_chars(text.data(), text.data() + text.size(), number).ptr == text.data() + text.size()) return number;
  const auto value = parse_decimal(text);
  return value ? decimal_number(format_decimal(*value)) : infinite;
}

std::size_t decimals_of(const std::string& text) {
  const std::size_t point = text.find('.');
  return point == std::string::npos ? 0 : text.size() - point - 1;
}

/// With the grid's decimals: 5.5 on a grid of 0.01 is "5.50"; a value between grid points keeps its own.
std::string on_grid(const std::string& text, const std::string& grid) {
  const std::size_t wanted = decimals_of(grid), has = decimals_of(text);
  if (wanted <= has || text.find('e') != std::string::npos) return text;
  return text + (has == 0 ? "." : "") + std::string(wanted - has, '0');
}

/// "2 tolerances", "0.4 tolerances", "1 tolerance".
std::string tolerances(double distance) {
  char rounded[32];
  std::snprintf(rounded, sizeof rounded, "%.3g", distance);
  const std::string text = shortest_text(std::strtod(rounded, nullptr));
  return text + (text == "1" ? " tolerance" : " tolerances");
}

Difference fixed_difference(const std::string& name, const std::string& asked, const std::string& has, const std::string& rule) {
  return {name, asked, has, std::nullopt, std::nullopt, std::nullopt, false,
          name + ": asked " + asked + ", model " + has + "; " + rule};
}

std::string at_or_none(const std::map<std::string, std::string>& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? "none" : found->second;
}

std::optional<double> finite(double value) {
  if (std::isfinite(value)) return value;
  return std::nullopt;
}

}  // namespace

ModelTable::ModelTable(const Family& family) : family_(family) {
  for (std::size_t i = 0; i < family_.conditions.size(); i++) {
    const Condition& condition = family_.conditions[i];
    if (condition.is_label()) {
      labels_.push_back(condition.name);
      continue;
    }
    Quantity quantity;
    quantity.condition = i;
    quantity.grid = decimal_number(condition.grid);
    quantity.tolerance = in_steps(decimal_number(condition.tolerance), quantity.grid);
    quantities_.push_back(std::move(quantity));
  }
}

ModelTable::Context ModelTable::context_of(const std::map<std::string, std::string>& conditions,
                                           const std::map<std::string, std::string>& software) const {
  Context context;
  for (const std::string& name : labels_)
    if (const auto found = conditions.find(name); found != conditions.end()) context.insert(*found);
  // No name has a space, so that the two never meet.
  for (const auto& [name, version] : software) context["software " + name] = version;
  return context;
}

std::string ModelTable::text_of(const Context& context) {
  std::string text;
  for (const auto& [name, value] : context) {
    // Neither names nor values can have a zero.
    text += name;
    text += '\0';
    text += value;
    text += '\0';
  }
  return text;
}

namespace {

/// What stands under a name, looked for first where it was the last time.
template <typename Pairs>
const typename Pairs::value_type* find(const Pairs& pairs, const std::string& name, std::size_t& at) {
  if (at < pairs.size() && pairs[at].first == name) return &pairs[at];
  for (at = 0; at < pairs.size(); at++)
    if (pairs[at].first == name) return &pairs[at];
  return nullptr;
}

}  // namespace

void ModelTable::add(const ModelsLine& model) {
  const std::map<std::string, std::string> software(model.software.begin(), model.software.end());
  std::map<std::string, std::string> labels;
  for (const std::string& name : labels_) {
    std::size_t at = 0;
    if (const auto* found = driftline::find(model.conditions, name, at)) labels.emplace(name, found->second);
  }
  const Context context = context_of(labels, software);
  const auto [entry, is_new] = context_index_.emplace(text_of(context), contexts_.size());
  if (is_new) contexts_.push_back(context);
  models_.push_back({std::string(model.key), std::string(model.bundle), model.binding, entry->second});
  for (Quantity& quantity : quantities_) {
    const std::string& name = family_.conditions[quantity.condition].name;
    const auto* stated = driftline::find(model.conditions, name, quantity.at);
    const double own = stated == nullptr ? infinite : number_or_infinite(stated->second);
    const auto* box = driftline::find(model.domain, name, quantity.box_at);
    const auto [low, high] = box == nullptr ? std::pair(own, own) : box->second;
    quantity.value.push_back(in_steps(own, quantity.grid));
    quantity.low.push_back(in_steps(low, quantity.grid));
    quantity.high.push_back(in_steps(high, quantity.grid));
  }
}

bool ModelTable::is_inside(const std::vector<double>& asked, std::size_t i) const {
  for (std::size_t q = 0; q < quantities_.size(); q++)
    if (!(asked[q] >= quantities_[q].low[i] && asked[q] <= quantities_[q].high[i])) return false;
  return true;
}

double ModelTable::distance(const std::vector<double>& asked, std::size_t i) const {
  double largest = 0;
  for (std::size_t q = 0; q < quantities_.size(); q++) {
    const double difference = std::abs(asked[q] - quantities_[q].value[i]);
    // Without tolerance the quotient is infinite for any difference.
    if (difference != 0) largest = std::max(largest, difference / quantities_[q].tolerance);
  }
  return largest;
}

std::vector<std::size_t> ModelTable::nearest(const std::vector<double>& asked, const Context& context) const {
  std::vector<std::size_t> mismatches;
  for (const Context& has : contexts_) {
    std::set<std::string> names;
    for (const auto& [name, _] : has) names.insert(name);
    for (const auto& [name, _] : context) names.insert(name);
    mismatches.push_back(static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const std::string& name) {
      const auto one = has.find(name), other = context.find(name);
      return one == has.end() || other == context.end() || one->second != other->second;
    })));
  }
  // Fewest labels and versions that differ, then smallest distance, then newest.
  struct Ranked {
    std::size_t i, mismatch;
    double distance, binding;
  };
  std::vector<Ranked> best;
  for (std::size_t i = 0; i < models_.size(); i++) {
    const Ranked found{i, mismatches[models_[i].context], distance(asked, i), models_[i].binding};
    const auto place = std::find_if(best.begin(), best.end(), [&](const Ranked& other) {
      if (found.mismatch != other.mismatch) return found.mismatch < other.mismatch;
      if (found.distance != other.distance) return found.distance < other.distance;
      return found.binding > other.binding;
    });
    best.insert(place, found);
    if (best.size() > shown_models) best.pop_back();
  }
  std::vector<std::size_t> indices;
  for (const Ranked& each : best) indices.push_back(each.i);
  return indices;
}

Difference ModelTable::quantity_difference(const Quantity& quantity, const Question& question, std::size_t i) const {
  const Condition& condition = family_.conditions[quantity.condition];
  // Back from steps to decimal text; what lies between grid points keeps six digits of a step.
  const Decimal grid = trusted_decimal(condition.grid);
  const auto text = [&](double steps) {
    const BigInt millionths(std::to_string(std::llround(steps * 1e6)));
    return on_grid(format_decimal({millionths * grid.digits, grid.exponent - 6}), condition.grid);
  };
  const std::string& asked = question.conditions.at(condition.name);
  const std::string has = text(quantity.value[i]);
  const double steps = in_steps(decimal_number(asked), quantity.grid);
  const bool fits = steps >= quantity.low[i] && steps <= quantity.high[i];
  const double apart = std::abs(steps - quantity.value[i]) / quantity.tolerance;
  const std::string away = std::isfinite(apart) ? tolerances(apart) + " away" : "the family allows no tolerance";
  const std::string box = text(quantity.low[i]) + " to " + text(quantity.high[i]);
  const std::string where = fits                                     ? "inside its measured domain, " + box
                            : quantity.low[i] == quantity.high[i] ? "it was tested at its own value alone"
                                                                  : "its measured domain is " + box;
  return {condition.name,
          asked,
          format_decimal(*parse_decimal(has)),
          condition.unit,
          finite(apart),
          std::pair(decimal_number(text(quantity.low[i])), decimal_number(text(quantity.high[i]))),
          fits,
          condition.name + ": asked " + on_grid(asked, condition.grid) + " " + *condition.unit + ", model " + has + ", " + away +
              "; " + where};
}

std::vector<Difference> ModelTable::differences(const Question& question, std::size_t i) const {
  std::vector<Difference> found;
  const Context& has = contexts_[models_[i].context];
  auto quantity = quantities_.begin();
  for (std::size_t c = 0; c < family_.conditions.size(); c++) {
    const Condition& condition = family_.conditions[c];
    const std::string& asked = question.conditions.at(condition.name);
    if (condition.is_label()) {
      const std::string own = at_or_none(has, condition.name);
      if (asked != own) found.push_back(fixed_difference(condition.name, asked, own, "a label must be the same"));
      continue;
    }
    const double value = quantity->value[i];
    if (!std::isfinite(value))
      found.push_back(fixed_difference(condition.name, asked, "none", "the model does not state a number"));
    else if (value != in_steps(decimal_number(asked), quantity->grid))
      found.push_back(quantity_difference(*quantity, question, i));
    ++quantity;
  }
  std::set<std::string> names;
  for (const auto& [name, _] : question.software) names.insert(name);
  const std::string mark = "software ";
  for (const auto& [name, _] : has)
    if (name.compare(0, mark.size(), mark) == 0) names.insert(name.substr(mark.size()));
  for (const std::string& name : names) {
    const std::string asked = at_or_none(question.software, name), own = at_or_none(has, mark + name);
    if (asked != own) found.push_back(fixed_difference(name, asked, own, "software must be the same"));
  }
  return found;
}

Answer ModelTable::find(const Question& question, Accept accept) const {
  std::vector<double> asked;
  for (const Quantity& quantity : quantities_)
    asked.push_back(in_steps(decimal_number(question.conditions.at(family_.conditions[quantity.condition].name)), quantity.grid));
  const Context context = context_of(question.conditions, question.software);
  const auto wanted = context_index_.find(text_of(context));
  std::size_t best = models_.size();
  double least = infinite;
  for (std::size_t i = 0; wanted != context_index_.end() && i < models_.size(); i++) {
    if (models_[i].context != wanted->second || !is_inside(asked, i)) continue;
    const double apart = distance(asked, i);
    const bool is_newer = apart == least && best < models_.size() && models_[i].binding > models_[best].binding;
    if (apart < least || is_newer) {
      best = i;
      least = apart;
    }
  }
  if (accept == Accept::compatible && best < models_.size())
    return {models_[best].bundle, {question.key, "compatible", least}, models_[best].key, family_.name, differences(question, best)};

  std::vector<NearModel> near;
  for (const std::size_t i : nearest(asked, context)) {
    const bool has_distance = contexts_[models_[i].context] == context;
    near.push_back({models_[i].bundle, has_distance ? finite(distance(asked, i)) : std::nullopt, differences(question, i)});
  }
  std::string reason;
  if (models_.empty()) {
    reason = "No model serves " + question.family + " version " + std::to_string(question.family_version) + ".";
  } else if (accept == Accept::compatible) {
    reason = "No model of " + question.family + " has these labels and software and a measured domain that holds these conditions.";
  } else {
    reason = "No model of " + question.family + " was made for exactly these conditions and software.";
    if (best < models_.size())
      reason += " They are in the measured domain of model " + models_[best].bundle.substr(0, 12) + ", " + tolerances(least) +
                " away: compatible resolution accepts it.";
  }
  const auto simulator = question.software.find("simulator");
  const bool can_fall_back = simulator == question.software.end() || simulator->second == family_.simulator;
  throw no_model(question.family, reason, near, accept, can_fall_back ? family_.simulator : "");
}

}  // namespace driftline
