// The plain case (no escapes, no members that are not known) in one pass; anything else by the JSON parser.

#include "models_line.hpp"

#include <charconv>
#include <stdexcept>
#include <string>

namespace driftline {
namespace {

/// Each function takes what it reads from the front, and says whether it was there.
class Plain {
 public:
  explicit Plain(std::string_view text) : text_(text) {}

  bool read(ModelsLine& out) {
    return object([&](std::string_view name) {
             std::string_view ignored;
             double number = 0;
             if (name == "key") return string(out.key);
             if (name == "bundle") return string(out.bundle);
             if (name == "binding") return value(out.binding);
             if (name == "conditions") return texts(out.conditions);
             if (name == "software") return texts(out.software);
             if (name == "domain") return boxes(out.domain);
             if (name == "size") return value(number);
             const bool is_known = name == "createdAt" || name == "recipeHash" || name == "dataSource";
             return is_known && string(ignored);
           }) &&
           text_.empty();
  }

 private:
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool string(std::string_view& out) {
    if (!take('"')) return false;
    const std::size_t end = text_.find('"');
    if (end == std::string_view::npos) return false;
    out = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return out.find('\\') == std::string_view::npos;
  }

  bool value(double& out) {
    const auto [end, problem] = std::from_chars(text_.data(), text_.data() + text_.size(), out);
    if (problem != std::errc()) return false;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return true;
  }

  template <typename Member>
  bool object(const Member& member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string_view name;
      if (!string(name) || !take(':') || !member(name)) return false;
    } while (take(','));
    return take('}');
  }

  bool texts(std::vector<std::pair<std::string_view, std::string_view>>& out) {
    return object([&](std::string_view name) {
      out.emplace_back(name, std::string_view());
      return string(out.back().second);
    });
  }

  bool boxes(std::vector<std::pair<std::string_view, std::pair<double, double>>>& out) {
    return object([&](std::string_view name) {
      out.emplace_back(name, std::pair(0.0, 0.0));
      auto& [low, high] = out.back().second;
      return take('[') && value(low) && take(',') && value(high) && take(']');
    });
  }

  std::string_view text_;
};

void clear(ModelsLine& line) {
  line.key = line.bundle = {};
  line.binding = 0;
  line.conditions.clear();
  line.software.clear();
  line.domain.clear();
}

}  // namespace

void read_models_line(std::string_view text, ModelsLine& out) {
  clear(out);
  if (Plain(text).read(out) && !out.key.empty() && !out.bundle.empty()) return;
  clear(out);
  out.tree = parse_json(text);
  const auto view = [](const Json& json) { return std::string_view(json.get_ref<const std::string&>()); };
  out.key = view(out.tree.at("key"));
  out.bundle = view(out.tree.at("bundle"));
  out.binding = out.tree.at("binding").get<double>();
  for (auto* part : {&out.conditions, &out.software})
    for (const auto& [name, value] : out.tree.at(part == &out.software ? "software" : "conditions").get_ref<const Json::object_t&>())
      part->emplace_back(name, view(value));
  for (const auto& [name, ends] : out.tree.at("domain").get_ref<const Json::object_t&>()) {
    if (!ends.is_array() || ends.size() != 2) throw std::invalid_argument("the domain of " + name + " is no pair");
    out.domain.emplace_back(name, std::pair(ends[0].get<double>(), ends[1].get<double>()));
  }
}

}  // namespace driftline
