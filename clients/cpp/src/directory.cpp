// A bundle directory as a catalogue of one model, without a family: conditions are compared with the model's own.

#include "bundle_problem.hpp"
#include "canonical.hpp"
#include "bigint.hpp"
#include "files.hpp"
#include "manifest.hpp"
#include "quantity.hpp"
#include "sha256.hpp"
#include "source.hpp"
#include "text.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace driftline {
namespace {

constexpr std::uint64_t max_manifest_bytes = 16 * 1024 * 1024;

class Directory final : public BundleFiles {
 public:
  explicit Directory(std::string path) : path_(std::move(path)) {}

  std::string read(const Manifest&, const BundleFile& file) const override {
    auto [bytes, problem] = read_file(path_ + "/" + file.path, Links::refuse, file.size);
    if (problem.empty()) return std::move(bytes);
    const bool is_large = problem.find("too large") != std::string::npos;
    throw damaged_bundle(path_, {{file.path, is_large ? std::to_string(file.size) + " bytes" : "a file", problem}});
  }

  void check_listing(const Manifest& manifest) const override {
    std::set<std::string> listed = {"bundle.json"};
    for (const BundleFile& file : manifest.files) listed.insert(file.path);
    for (const std::string& path : files_under(path_))
      if (listed.count(path) == 0) throw damaged_bundle(path_, {{path, "no such file", "a file"}});
  }

  std::string where() const override { return path_; }

 private:
  std::string path_;
};

Difference fixed_difference(const std::string& name, const std::string& asked, const std::string& has, const std::string& rule) {
  return {name, asked, has, std::nullopt, std::nullopt, std::nullopt, false,
          name + ": asked " + asked + ", model " + has + "; " + rule};
}

class BundleDirectory final : public Source {
 public:
  explicit BundleDirectory(const std::string& path) : bundle_(open(path)) {}

  std::vector<Family> families() const override { return {}; }
  Family family(const std::string& name, std::int64_t) const override { throw unknown_family(name, {}, where()); }

  Answer resolve(const std::string& family, const Given& given, Accept accept) const override {
    const Manifest& manifest = bundle_.manifest();
    if (family != manifest.family) throw unknown_family(family, {manifest.family}, where());
    std::vector<Difference> differences;
    for (const auto& [name, value] : given.conditions) {
      const std::string& has = own(manifest.conditions, "unknown_condition", "conditions", name);
      const auto limits = manifest.domain.find(name);
      auto difference = limits == manifest.domain.end() ? word(name, value, has) : number(name, value, has, limits->second);
      if (difference) differences.push_back(std::move(*difference));
    }
    for (const auto& [name, value] : given.software) {
      const std::string& has = own(manifest.software, "invalid_software", "software", name);
      if (value.text() == nullptr || *value.text() != has)
        differences.push_back(fixed_difference(name, value.quoted(), has, "software must be the same"));
    }
    if (differences.empty()) return {bundle_.digest(), {manifest.key, "exact", 0.0}, manifest.key, family, {}};
    const bool fits = std::all_of(differences.begin(), differences.end(), [](const Difference& each) { return each.fits; });
    if (accept == Accept::exact || !fits)
      throw no_model(family, where() + " is for other conditions.", {{bundle_.digest(), std::nullopt, differences}}, accept, "");
    // The family's key where the values are on its grid.
    auto conditions = manifest.conditions;
    for (const Difference& each : differences) conditions[each.name] = each.asked;
    const std::string key = "k1-" + sha256(canonical_form(family, manifest.family_version, conditions, manifest.software));
    return {bundle_.digest(), {key, "compatible", std::nullopt}, manifest.key, family, std::move(differences)};
  }

  Bundle bundle(const std::string& digest) const override {
    check_digest_prefix(digest);
    if (bundle_.digest().compare(0, digest.size(), digest) != 0) throw unknown_model(digest, where());
    return bundle_;
  }

  std::string identity() const override { return bundle_.digest(); }
  std::string where() const override { return "The bundle in " + bundle_.where(); }

 private:
  static Bundle open(const std::string& path) {
    auto [bytes, problem] = read_file(path + "/bundle.json", Links::refuse, max_manifest_bytes);
    if (!problem.empty())
      throw Error("invalid_bundle", path + " holds no usable bundle.json: " + problem, "bundle.json",
                  "Name the directory that `driftline pull` wrote.");
    return {parse_manifest(std::move(bytes), path), std::make_shared<Directory>(path)};
  }

  static const std::string& own(const std::map<std::string, std::string>& has, const char* code, const std::string& part,
                                const std::string& name) {
    const auto found = has.find(name);
    if (found != has.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [each, _] : has) names.push_back(each);
    throw Error(code, "The model has no \"" + name + "\" among its " + part + ".", part + "." + name,
                did_you_mean(name, names) + "There are: " + joined(names) + ".");
  }

  static std::optional<Difference> word(const std::string& name, const Value& value, const std::string& has) {
    Condition condition;
    condition.name = name;
    const std::string asked = label(condition, value);
    if (asked == has) return std::nullopt;
    return fixed_difference(name, asked, has, "a label must be the same");
  }

  static std::optional<Difference> number(const std::string& name, const Value& value, const std::string& has, const Range& limits) {
    // A bundle does not know the family's grid: values that came through floating point are the same within this.
    constexpr double same = 1e-9;
    const double asked = quantity_in(name, limits.unit, value), model = decimal_number(has);
    if (std::abs(asked - model) <= same * std::max(std::abs(asked), std::abs(model))) return std::nullopt;
    const double slack = same * std::max(std::abs(limits.low), std::abs(limits.high));
    const bool fits = asked >= limits.low - slack && asked <= limits.high + slack;
    const std::string shown = shortest_text(asked);
    return Difference{name,
                      shown,
                      has,
                      limits.unit,
                      std::nullopt,
                      std::pair(limits.low, limits.high),
                      fits,
                      name + ": asked " + shown + " " + limits.unit + ", model " + has + "; " + (fits ? "inside" : "outside") +
                          " its measured domain, " + shortest_text(limits.low) + " to " + shortest_text(limits.high)};
  }

  Bundle bundle_;
};

}  // namespace

std::shared_ptr<const Source> open_directory(const std::string& directory) {
  return std::make_shared<BundleDirectory>(directory);
}

}  // namespace driftline
