// The back end of compiled exports.

#include "backend.hpp"
#include "bundle_problem.hpp"

#include <driftline/error.hpp>

#include <dlfcn.h>

namespace driftline {
namespace {

class CompiledBackend final : public Backend {
 public:
  explicit CompiledBackend(Compiled compiled) : compiled_(std::move(compiled)) {}
  void run(const float* x, const float* latent, float* y, std::size_t rows) const override {
    compiled_.run(x, latent, y, static_cast<int>(rows));
  }

 private:
  Compiled compiled_;
};

/// "mpd_tpc" of ".../libmpd_tpc.so".
std::string name_in(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (name.compare(0, 3, "lib") == 0) name.erase(0, 3);
  return name.substr(0, name.find('.'));
}

}  // namespace

Compiled Compiled::open(const std::string& path, std::string_view given) {
  const std::string name = given.empty() ? name_in(path) : std::string(given);
  const auto bad = [&](const std::string& what) {
    return Error("usage", "Opening the compiled export " + path + ": " + what + ".", "compiled",
                 "Name the libNAME.so that `driftline export --target so` wrote.");
  };
  // Without a slash the loader would search its own path.
  const std::string place = path.find('/') == std::string::npos ? "./" + path : path;
  std::shared_ptr<void> library(dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL), [](void* handle) {
    if (handle != nullptr) dlclose(handle);
  });
  if (library == nullptr) throw bad(dlerror());
  const auto* bundle = static_cast<const char*>(dlsym(library.get(), (name + "_bundle").c_str()));
  void* run = dlsym(library.get(), (name + "_run").c_str());
  if (bundle == nullptr || run == nullptr) throw bad("it has no " + name + "_bundle and " + name + "_run");
  return {std::string(bundle, 64), reinterpret_cast<decltype(Compiled::run)>(run), std::move(library)};
}

std::unique_ptr<const Backend> use_compiled(const Compiled& compiled, const Manifest& manifest) {
  if (manifest.columns.empty() || manifest.output_shape.empty())
    throw invalid_bundle(manifest.digest, "signature: it names no columns of features, or no shape of the output");
  auto backend = std::make_unique<CompiledBackend>(compiled);
  backend->name = "compiled";
  backend->features = manifest.features;
  backend->output = manifest.output;
  backend->feature_width = manifest.columns.size();
  backend->latent_width = manifest.latent_width;
  backend->output_shape = manifest.output_shape;
  return backend;
}

}  // namespace driftline
