// The bundle format, driftline-bundle/1, and the key that a manifest must state.

#include "manifest.hpp"

#include "bundle_problem.hpp"
#include "canonical.hpp"
#include "json.hpp"
#include "sha256.hpp"

#include <algorithm>
#include <set>

namespace driftline {
namespace {

/// Whether a path stays inside the bundle on every system: no roots, no dots, no backslashes, no control characters.
bool is_plain_path(const std::string& path) {
  if (path.empty() || path.size() >= 512) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = std::string_view(path).substr(at, end - at);
    const auto is_word = [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    if (part.empty() || part.size() > 128 || !is_word(part.front())) return false;
    if (!std::all_of(part.begin(), part.end(), [&](char c) { return is_word(c) || c == '.' || c == ' '; })) return false;
    at = end + 1;
  }
  return true;
}

Range range_of(const Json& json) {
  return {json.at("low").get<double>(), json.at("high").get<double>(), json.at("unit").get<std::string>()};
}

/// Without the batch dimension.
std::vector<std::size_t> row_shape(const Json& tensor) {
  std::vector<std::size_t> shape;
  const Json& dimensions = tensor.at("shape");
  for (std::size_t i = 1; i < dimensions.size(); i++) shape.push_back(dimensions[i].get<std::size_t>());
  return shape;
}

void read_signature(const Json& json, const Json& limits, Manifest& manifest) {
  const auto& inputs = json.at("inputs");
  const auto features = std::find_if(inputs.begin(), inputs.end(),
                                     [](const Json& input) { return input.at("name").get<std::string>() != "latent"; });
  if (features != inputs.end()) {
    manifest.features = features->at("name").get<std::string>();
    for (const Json& column : features->value("columns", Json::array())) {
      const auto name = column.at("name").get<std::string>();
      const auto limit = limits.find(name);
      Range range = range_of(column);
      // The measured domain may be narrower than the signature's.
      if (limit != limits.end()) range = {limit->at("low").get<double>(), limit->at("high").get<double>(), range.unit};
      manifest.columns.push_back({name, range});
    }
  }
  for (const Json& input : inputs)
    if (input.at("name") == "latent" && !row_shape(input).empty()) manifest.latent_width = row_shape(input).front();
  if (const Json& outputs = json.at("outputs"); !outputs.empty()) {
    manifest.output = outputs[0].at("name").get<std::string>();
    manifest.output_unit = outputs[0].at("unit").get<std::string>();
    manifest.output_shape = row_shape(outputs[0]);
  }
}

Manifest read(const Json& json) {
  if (json.at("scheme") != "driftline-bundle/1") throw std::invalid_argument("scheme: it is not driftline-bundle/1");
  Manifest manifest;
  manifest.key = json.at("key").get<std::string>();
  manifest.family = json.at("family").get<std::string>();
  manifest.family_version = json.at("familyVersion").get<std::int64_t>();
  manifest.conditions = texts_of(json.at("conditions"));
  manifest.software = texts_of(json.at("software"));
  manifest.recipe_hash = json.at("recipeHash").get<std::string>();
  const Json& domain = json.at("domain");
  for (const auto& [name, range] : domain.at("conditions").items()) manifest.domain[name] = range_of(range);
  read_signature(json.at("signature"), domain.at("inputs"), manifest);
  manifest.absolute = json.at("tolerance").at("absolute").get<double>();
  manifest.relative = json.at("tolerance").at("relative").get<double>();
  if (!json.at("verdict").at("passed").is_boolean() || !json.at("provenance").is_object() || !json.at("recipe").is_object())
    throw std::invalid_argument("verdict, provenance or recipe is not what it should be");
  std::set<std::string> seen = {"bundle.json"};
  for (const Json& file : json.at("files")) {
    BundleFile entry{file.at("path").get<std::string>(), file.at("size").get<std::uint64_t>(),
                     file.at("sha256").get<std::string>()};
    if (!is_plain_path(entry.path)) throw std::invalid_argument("files: \"" + entry.path + "\" is not a plain relative path");
    if (!seen.insert(entry.path).second) throw std::invalid_argument("files: \"" + entry.path + "\" is listed twice");
    if (!is_digest(entry.sha256)) throw std::invalid_argument("files: sha256 of " + entry.path + " is not 64 hexadecimal digits");
    manifest.files.push_back(std::move(entry));
  }
  for (const char* path : {"model.onnx", "reference.safetensors"})
    if (seen.count(path) == 0) throw std::invalid_argument(std::string("files: ") + path + " is not listed");
  const std::string key =
      "k1-" + sha256(canonical_form(manifest.family, manifest.family_version, manifest.conditions, manifest.software));
  if (manifest.key != key)
    throw std::invalid_argument("key: it is " + manifest.key + ", its conditions and software give " + key);
  return manifest;
}

}  // namespace

Manifest parse_manifest(std::string bytes, const std::string& source, std::string_view digest) {
  const std::string found = sha256(bytes);
  if (!digest.empty() && digest != found)
    throw damaged_bundle(source, {{"bundle.json", "SHA-256 " + std::string(digest), "SHA-256 " + found}});
  try {
    Manifest manifest = read(parse_json(bytes));
    manifest.digest = found;
    manifest.json = std::move(bytes);
    return manifest;
  } catch (const std::invalid_argument& error) {
    throw invalid_bundle(source, error.what());
  } catch (const Json::exception& error) {
    throw invalid_bundle(source, error.what());
  }
}

}  // namespace driftline
