// Loading a model, and sharing its rows among threads.

#include "backend.hpp"
#include "bigint.hpp"
#include "bundle_problem.hpp"
#include "json.hpp"
#include "safetensors.hpp"

#include <driftline/error.hpp>
#include <driftline/model.hpp>
#include <driftline/noise.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <thread>

namespace driftline {
namespace {

/// Rows that go through the network at once: what is between the operators stays in a core's cache.
constexpr std::size_t piece_rows = 256;

std::size_t size_of(const std::vector<std::size_t>& shape) {
  std::size_t size = 1;
  for (const std::size_t each : shape) size *= each;
  return size;
}

/// Features are float32: a value on the limit must not count as beyond it.
bool is_inside(float value, const Range& limits) {
  return value >= static_cast<float>(limits.low) && value <= static_cast<float>(limits.high);
}

const std::vector<float>& tensor(const std::map<std::string, Tensor>& tensors, const std::string& name,
                                 std::vector<std::int64_t> shape, const std::string& source) {
  const auto found = tensors.find(name);
  if (found != tensors.end() && found->second.dtype == "F32" && found->second.shape == shape) return found->second.values;
  throw invalid_bundle(source, "reference.safetensors does not hold `" + name + "` as float32 of the model's shape");
}

/// Feeds the reference inputs to the model and compares with the reference outputs. Throws `damaged`.
void replay_reference(const Bundle& bundle, const Backend& backend) {
  const auto tensors = decode_safetensors(bundle.read("reference.safetensors"), "reference.safetensors");
  const auto features = tensors.find(backend.features);
  const std::int64_t rows = features == tensors.end() || features->second.shape.empty() ? 0 : features->second.shape[0];
  if (rows == 0) throw invalid_bundle(bundle.where(), "reference.safetensors has no rows of `" + backend.features + "`");
  std::vector<std::int64_t> output_shape = {rows};
  for (const std::size_t size : backend.output_shape) output_shape.push_back(static_cast<std::int64_t>(size));
  const auto width = [&](std::size_t size) { return std::vector<std::int64_t>{rows, static_cast<std::int64_t>(size)}; };
  const auto& x = tensor(tensors, backend.features, width(backend.feature_width), bundle.where());
  static const std::vector<float> none;
  const auto& z = backend.latent_width == 0 ? none : tensor(tensors, "latent", width(backend.latent_width), bundle.where());
  const auto& expected = tensor(tensors, backend.output, output_shape, bundle.where());
  std::vector<float> found(expected.size());
  backend.run(x.data(), z.data(), found.data(), static_cast<std::size_t>(rows));
  const auto& [absolute, relative] = std::pair(bundle.manifest().absolute, bundle.manifest().relative);
  std::size_t worst = expected.size();
  double worst_excess = 0;
  for (std::size_t i = 0; i < expected.size(); i++) {
    const double allowed = absolute + relative * std::abs(double{expected[i]});
    const double excess = std::abs(double{found[i]} - double{expected[i]}) - allowed;
    // Written so that a NaN counts as a deviation.
    if (excess <= worst_excess) continue;
    worst = i;
    worst_excess = std::isnan(excess) ? std::numeric_limits<double>::infinity() : excess;
  }
  if (worst == expected.size()) return;
  const double allowed = absolute + relative * std::abs(double{expected[worst]});
  throw damaged_bundle(bundle.where(), {{"model.onnx",
                                         "`" + backend.output + "` " + shortest_text(double{expected[worst]}) + " ± " + shortest_text(allowed) +
                                             " in row " + std::to_string(worst / (expected.size() / static_cast<std::size_t>(rows))) +
                                             " of reference.safetensors",
                                         shortest_text(double{found[worst]}) + " by " + backend.name}});
}

/// Does the pieces 0 to count - 1, in this thread and others.
template <typename Work>
void share(std::size_t count, int threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  const std::size_t helpers = std::min<std::size_t>(static_cast<std::size_t>(threads), count) - 1;
  if (helpers == 0) {
    take();
    return;
  }
  std::vector<std::exception_ptr> problems(helpers + 1);
  const auto guarded = [&](std::size_t i) {
    try {
      take();
    } catch (...) {
      problems[i] = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < helpers; i++) {
    try {
      running.emplace_back(guarded, i + 1);
    } catch (const std::system_error&) {
      break;  // no more threads to be had: those that are there do all
    }
  }
  guarded(0);
  for (std::thread& each : running) each.join();
  for (const std::exception_ptr& problem : problems)
    if (problem) std::rethrow_exception(problem);
}

}  // namespace

struct Model::Loaded {
  Manifest manifest;
  std::unique_ptr<const Backend> backend;
  std::size_t output_size;
};

Model::Model(std::shared_ptr<const Loaded> loaded, Match match, int threads)
    : loaded_(std::move(loaded)), match_(std::move(match)), threads_(threads) {
  if (threads < 1 || threads > 1024)
    throw Error("usage", std::to_string(threads) + " is no number of threads.", "threads", "Give a whole number from 1 to 1024.");
}

Model Model::load(const Bundle& bundle, const ModelOptions& options) {
  return load(bundle, options, Match{bundle.manifest().key, "exact", 0.0});
}

Model Model::load(const Bundle& bundle, const ModelOptions& options, Match match) {
  auto loaded = std::make_shared<Loaded>();
  loaded->manifest = bundle.manifest();
  loaded->manifest.json.clear();
  loaded->manifest.json.shrink_to_fit();
  const auto compiled = std::find_if(options.compiled.begin(), options.compiled.end(),
                                     [&](const Compiled& each) { return each.bundle == bundle.digest(); });
  loaded->backend = compiled != options.compiled.end() ? use_compiled(*compiled, bundle.manifest())
                                                       : open_onnx_runtime(options.onnxruntime, bundle.read("model.onnx"));
  const Backend& backend = *loaded->backend;
  if (backend.feature_width != bundle.manifest().columns.size())
    throw invalid_bundle(bundle.where(), "it names " + std::to_string(bundle.manifest().columns.size()) +
                                             " columns of features, model.onnx takes " + std::to_string(backend.feature_width));
  loaded->output_size = size_of(backend.output_shape);
  replay_reference(bundle, backend);
  return Model(std::move(loaded), std::move(match), options.threads);
}

const Manifest& Model::manifest() const { return loaded_->manifest; }
const std::vector<std::size_t>& Model::output_shape() const { return loaded_->backend->output_shape; }
std::size_t Model::output_size() const { return loaded_->output_size; }
std::size_t Model::latent_width() const { return loaded_->backend->latent_width; }
const std::string& Model::backend() const { return loaded_->backend->name; }
Model Model::with_threads(int threads) const { return Model(loaded_, match_, threads); }

Outside Model::generate(const float* features, std::size_t rows, const Noise& noise, float* output) const {
  if (latent_width() == 0)
    throw Error("usage", "This model takes no noise, so it generates nothing.", "", "Call predict(features).");
  if (noise.seed > noise::max_seed)
    throw Error("usage", "A seed is a whole number from 0 to 2^53 - 1; got " + std::to_string(noise.seed) + ".", "seed",
                "Take a smaller seed.");
  return run(features, rows, &noise, output);
}

Outside Model::predict(const float* features, std::size_t rows, float* output) const {
  if (latent_width() != 0)
    throw Error("usage", "The outputs of this model are random.", "", "Call generate(features, noise).");
  return run(features, rows, nullptr, output);
}

std::size_t Model::rows_of(const std::vector<float>& features) const {
  const std::size_t width = columns().size();
  if (features.size() % width == 0) return features.size() / width;
  std::string names;
  for (const Column& column : columns()) names += (names.empty() ? "" : ", ") + column.name;
  throw Error("usage", "features has " + std::to_string(features.size()) + " values; rows have " + std::to_string(width) + " (" + names + ").",
              "features", "Give all values of every row.");
}

std::vector<float> Model::generate(const std::vector<float>& features, const Noise& noise, Outside* outside) const {
  const std::size_t rows = rows_of(features);
  std::vector<float> output(rows * output_size());
  Outside found = generate(features.data(), rows, noise, output.data());
  if (outside != nullptr) *outside = std::move(found);
  return output;
}

std::vector<float> Model::predict(const std::vector<float>& features, Outside* outside) const {
  const std::size_t rows = rows_of(features);
  std::vector<float> output(rows * output_size());
  Outside found = predict(features.data(), rows, output.data());
  if (outside != nullptr) *outside = std::move(found);
  return output;
}

Outside Model::run(const float* features, std::size_t rows, const Noise* noise, float* output) const {
  const Backend& backend = *loaded_->backend;
  if (rows == 0) return {};
  const auto piece = [&](std::size_t i) {
    const std::size_t first = i * piece_rows, count = std::min(piece_rows, rows - first);
    std::vector<float> latent(count * backend.latent_width);
    for (std::size_t row = 0; noise != nullptr && row < count; row++) {
      const std::size_t at = first + row;
      // Event numbers wrap around as 64-bit ones do.
      const auto event = noise->events != nullptr ? noise->events[at]
                                                  : static_cast<std::int64_t>(static_cast<std::uint64_t>(noise->first_event) + at);
      const std::uint32_t number = noise->event_rows != nullptr ? noise->event_rows[at] : 0;
      noise::normals(noise->seed, event, number, backend.latent_width, latent.data() + row * backend.latent_width);
    }
    backend.run(features + first * backend.feature_width, latent.data(), output + first * loaded_->output_size, count);
  };
  share((rows + piece_rows - 1) / piece_rows, threads_, piece);
  return outside(features, rows);
}

bool Model::is_outside(const float* row) const {
  const auto& all = columns();
  for (std::size_t i = 0; i < all.size(); i++)
    if (!is_inside(row[i], all[i].domain)) return true;
  return false;
}

Outside Model::outside(const float* features, std::size_t rows) const {
  const auto& all = columns();
  Outside found;
  for (std::size_t row = 0; row < rows; row++)
    if (is_outside(features + row * all.size())) found.rows++;
  if (found.rows == 0) return found;
  for (std::size_t column = 0; column < all.size(); column++) {
    const auto& [name, limits] = all[column];
    OutsideInput input{name, limits};
    double distance = 0;
    for (std::size_t row = 0; row < rows; row++) {
      const float value = features[row * all.size() + column];
      if (is_inside(value, limits)) continue;
      (std::isnan(value) ? input.not_a_number : value < static_cast<float>(limits.low) ? input.below : input.above)++;
      const double out = std::isnan(value) ? std::numeric_limits<double>::infinity() : std::max(limits.low - value, value - limits.high);
      if (out > distance) {
        distance = out;
        input.furthest = value;
      }
    }
    if (input.below + input.above + input.not_a_number > 0) found.inputs.push_back(std::move(input));
  }
  return found;
}

std::string Outside::text() const {
  std::string all;
  for (const auto& [input, limits, below, above, not_a_number, furthest] : inputs) {
    std::string parts;
    const auto add = [&](std::size_t count, const std::string& where) {
      if (count > 0) parts += (parts.empty() ? "" : ", ") + std::to_string(count) + " " + where;
    };
    add(below, "below " + shortest_text(limits.low) + " " + limits.unit);
    add(above, "above " + shortest_text(limits.high) + " " + limits.unit);
    add(not_a_number, "not a number");
    all += (all.empty() ? "" : "; ") + input + ": " + parts + " (furthest " + shortest_text(double{furthest}) + ")";
  }
  return all;
}

std::string Model::provenance(std::uint64_t seed) const {
  Json json = {{"family", manifest().family}, {"key", match_.key},       {"seed", seed},       {"source", "model"},
               {"bundle", digest()},          {"match", match_.kind}, {"distance", nullptr}};
  if (match_.distance) json["distance"] = *match_.distance;
  return json.dump();
}

}  // namespace driftline
