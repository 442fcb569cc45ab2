// A bundle's files, each checked before a byte of it is believed.

#include "bundle_problem.hpp"
#include "json.hpp"
#include "sha256.hpp"
#include "text.hpp"

#include <driftline/bundle.hpp>

#include <algorithm>

namespace driftline {

Error damaged_bundle(const std::string& source, const std::vector<BundleProblem>& problems) {
  Json list = Json::array();
  for (const auto& [file, expected, found] : problems)
    list.push_back({{"file", file}, {"expected", expected}, {"found", found}});
  const auto& [file, expected, found] = problems.front();
  const std::string more = problems.size() > 1 ? "; and " + std::to_string(problems.size() - 1) + " more" : "";
  return Error("damaged", "verifying bundle " + source + ": " + file + ": expected " + expected + ", found " + found + more,
               file, "Delete it and pull the bundle again.", Json{{"problems", list}}.dump());
}

Error invalid_bundle(const std::string& source, const std::string& what) {
  return Error("invalid_bundle", "verifying bundle " + source + ": bundle.json: " + what, "bundle.json",
               "Ask whoever made the bundle for one that `driftline verify` accepts.");
}

Error unusable_model(const std::string& what) {
  return Error("invalid_bundle", "model.onnx is not a usable model: " + what, "model.onnx",
               "Export it as ONNX with float32 features [batch, n], latent [batch, m] and one output [batch, …].");
}

Bundle::Bundle(Manifest manifest, std::shared_ptr<const BundleFiles> files)
    : manifest_(std::make_shared<const Manifest>(std::move(manifest))), files_(std::move(files)) {}

std::string Bundle::read(std::string_view path) const {
  const auto& files = manifest_->files;
  const auto entry = std::find_if(files.begin(), files.end(), [&](const BundleFile& file) { return file.path == path; });
  if (entry == files.end()) {
    std::vector<std::string> names;
    for (const BundleFile& file : files) names.push_back(file.path);
    throw Error("unknown_file", "Bundle " + digest() + " has no file " + std::string(path) + ".", "path",
                "It has " + joined(names) + ".");
  }
  std::string bytes = files_->read(*manifest_, *entry);
  if (bytes.size() != entry->size)
    throw damaged_bundle(where(), {{entry->path, std::to_string(entry->size) + " bytes", std::to_string(bytes.size()) + " bytes"}});
  const std::string found = sha256(bytes);
  if (found != entry->sha256)
    throw damaged_bundle(where(), {{entry->path, "SHA-256 " + entry->sha256, "SHA-256 " + found}});
  return bytes;
}

void Bundle::verify() const {
  files_->check_listing(*manifest_);
  for (const BundleFile& file : manifest_->files) read(file.path);
}

}  // namespace driftline
