// Errors that all sources share.

#include "source.hpp"

#include "json.hpp"
#include "text.hpp"

#include <algorithm>

namespace driftline {
namespace {

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json json_of(const Difference& difference) {
  Json json = {{"name", difference.name}, {"asked", difference.asked},   {"has", difference.has},
               {"fits", difference.fits}, {"reason", difference.reason}, {"distance", json_of(difference.distance)},
               {"unit", nullptr},         {"domain", nullptr}};
  if (difference.unit) json["unit"] = *difference.unit;
  if (difference.domain) json["domain"] = {difference.domain->first, difference.domain->second};
  return json;
}

}  // namespace

Error no_model(const std::string& family, const std::string& reason, const std::vector<NearModel>& nearest, Accept accept,
               const std::string& fallback) {
  std::string message = "No model for this question of " + family + ". " + reason;
  Json models = Json::array();
  for (const NearModel& near : nearest) {
    std::vector<std::string> why;
    Json differences = Json::array();
    for (const Difference& difference : near.differences) {
      differences.push_back(json_of(difference));
      if (!difference.fits) why.push_back(difference.reason);
    }
    message += "\n  model " + near.bundle.substr(0, 12) + ": " +
               (why.empty() ? "fits where compatible models are accepted" : joined(why, "; "));
    models.push_back({{"bundle", near.bundle}, {"distance", json_of(near.distance)}, {"differences", differences}});
  }
  std::string remedy = "Have it made (`driftline ensure`)";
  if (accept == Accept::exact) remedy += ", or accept compatible models";
  if (!fallback.empty()) remedy += ", until then the base simulator " + fallback + " makes responses";
  const Json data = {{"reason", reason}, {"nearest", models}, {"fallback", fallback.empty() ? Json() : Json(fallback)}};
  return Error("no_model", message, "", remedy + ".", data.dump());
}

Error unknown_family(const std::string& name, const std::vector<std::string>& names, const std::string& where) {
  return Error("unknown_family", where + " has no family " + Value(name.substr(0, 80)).quoted() + ".", "family",
               did_you_mean(name, names) + "Families here: " + (names.empty() ? "none" : joined(names)) + ".");
}

Error unknown_model(const std::string& digest, const std::string& where) {
  return Error("unknown_model", where + " has no model " + digest.substr(0, 80) + ".", "model",
               "`driftline models` lists those that there are.");
}

void check_digest_prefix(const std::string& digest) {
  const bool is_hex = std::all_of(digest.begin(), digest.end(),
                                  [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (is_hex && digest.size() >= 8 && digest.size() <= 64) return;
  throw Error("usage", Value(digest.substr(0, 80)).quoted() + " is not a bundle's digest: 64 hexadecimal digits or at least the first 8.",
              "model", "`driftline models` lists digests and keys.");
}

}  // namespace driftline
