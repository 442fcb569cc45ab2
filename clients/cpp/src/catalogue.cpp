// One class for all sources, with or without a lock.

#include <driftline/catalogue.hpp>

#include "bundle_problem.hpp"
#include "files.hpp"
#include "lock.hpp"
#include "source.hpp"

namespace driftline {
namespace {

std::shared_ptr<const Source> source_of(const std::string& place, const OpenOptions& options) {
  if (place.find("://") != std::string::npos) return open_server(place, options);
  if (is_there(place + "/bundle.json") && !is_there(place + "/snapshot.json")) return open_directory(place);
  return open_snapshot(place, options.snapshot_digest);
}

std::shared_ptr<const Lock> lock_of(const Source& source, const std::string& name) {
  if (name.empty()) return nullptr;
  if (!is_there(name)) {
    const std::string text = source.lock(name);
    if (!text.empty()) return std::make_shared<const Lock>(parse_lock(text, "lock " + name + " of " + source.identity()));
  }
  const auto [text, problem] = read_file(name, Links::follow);
  if (!problem.empty())
    throw Error("usage", "Reading the lock " + name + ": found " + problem + "; and " + source.where() + " has none of that name.",
                "lock", "Name a file that `driftline lock` wrote.");
  return std::make_shared<const Lock>(parse_lock(text, "the lock " + name));
}

}  // namespace

Catalogue::Catalogue(std::shared_ptr<const Source> source, std::shared_ptr<const Lock> lock)
    : source_(std::move(source)), lock_(std::move(lock)) {}

Catalogue Catalogue::open(const std::string& place, const OpenOptions& options) {
  auto source = source_of(place, options);
  auto lock = lock_of(*source, options.lock);
  return Catalogue(std::move(source), std::move(lock));
}

std::vector<Family> Catalogue::families() const { return source_->families(); }
Family Catalogue::family(const std::string& name) const { return source_->family(name, 0); }
std::string Catalogue::identity() const { return source_->identity(); }
std::string Catalogue::lock_digest() const { return lock_ == nullptr ? "" : lock_->digest; }

Answer Catalogue::resolve(const std::string& family, const Given& given, Accept accept) const {
  if (lock_ == nullptr) return source_->resolve(family, given, accept);
  const Question question = source_->family(family, lock_->family_version(family)).question(given);
  return lock_->by_key(family, question.key).answer();
}

Answer Catalogue::resolve_run(const std::string& family, std::int64_t run) const {
  if (lock_ == nullptr)
    throw Error("usage", "A run can be asked for only under a lock.", "run", "Open the catalogue with OpenOptions::lock.");
  return lock_->by_run(family, run).answer();
}

Bundle Catalogue::bundle(const std::string& digest) const {
  Bundle bundle = source_->bundle(digest);
  if (lock_ != nullptr && !lock_->has(bundle.digest()))
    throw Error("unknown_model", "Lock " + lock_->name() + " has no bundle " + bundle.digest() + ", and nothing else is used.", "model",
                "Ask without the lock, or name a bundle of it.");
  return bundle;
}

Model Catalogue::load(const Answer& answer, const ModelOptions& options) const {
  const auto found = [&] {
    try {
      return bundle(answer.bundle);
    } catch (const Error& error) {
      if (error.code() != "unknown_model") throw;
      // Something led to it, so it should be there.
      throw damaged_bundle(answer.bundle, {{"bundle.json", "a bundle", "none"}});
    }
  }();
  const Manifest& manifest = found.manifest();
  // A lock states the key that was asked, which a compatible model is not of.
  const bool is_of_key = manifest.key == answer.model_key || (lock_ != nullptr && answer.match.kind == "compatible");
  if (manifest.family != answer.family || !is_of_key)
    throw damaged_bundle(answer.bundle, {{"bundle.json", answer.model_key + " of " + answer.family, manifest.key + " of " + manifest.family}});
  return Model::load(found, options, answer.match);
}

Model Catalogue::model(const std::string& family, const Given& given, Accept accept, const ModelOptions& options) const {
  return load(resolve(family, given, accept), options);
}

}  // namespace driftline
