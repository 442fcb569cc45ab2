// A model that was verified: responses for rows of features, the same for any batching and number of threads.

#pragma once

#include <driftline/bundle.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace driftline {

/// How a model answers a question.
struct Match {
  /// Key that was asked.
  std::string key;
  /// "exact": made for this very key; "compatible": its measured domain holds the conditions.
  std::string kind = "exact";
  /// Largest |difference|/tolerance, 0 for an exact match; nothing where the tolerances are not known.
  std::optional<double> distance = 0.0;
};

/// Compiled code of one bundle, as `driftline export` writes it.
struct Compiled {
  /// SHA-256 of the bundle's manifest.
  std::string bundle;
  /// features [rows][inputs], latent [rows][latents], output [rows][outputs].
  void (*run)(const float* features, const float* latent, float* output, int rows) = nullptr;
  /// Keeps a library in memory for as long as it is used.
  std::shared_ptr<void> library;

  /// From a shared library (`--target so`), opened with dlopen. The prefix of its names is that of libNAME.so unless it
  /// is given. A library is code: open only one that you would run. Throws `usage`.
  static Compiled open(const std::string& path, std::string_view name = "");
};

/// Compiled code that is linked in: DRIFTLINE_COMPILED(mpd_tpc) after #include "mpd_tpc.h".
#define DRIFTLINE_COMPILED(name) (::driftline::Compiled{name##_bundle, &name##_run, nullptr})

struct ModelOptions {
  /// Threads that share the rows of a call. One is best where the job has a thread for each event.
  int threads = 1;
  /// Compiled exports to use in place of ONNX Runtime where the digest of one is the model's.
  std::vector<Compiled> compiled;
  /// ONNX Runtime's library; where empty the environment's DRIFTLINE_ONNXRUNTIME, else libonnxruntime.so.1 as the
  /// loader finds it. It is opened only for a model that no compiled export is for.
  std::string onnxruntime;
};

/// What makes the noise of a row: (seed, event, row within the event), and nothing else.
struct Noise {
  /// From 0 to 2^53 - 1.
  std::uint64_t seed = 0;
  /// Event of the first row; the next ones count on from it.
  std::int64_t first_event = 0;
  /// Or the event of each row, [rows],
  const std::int64_t* events = nullptr;
  /// and its number within the event, [rows]: two rows of an event with the same number get the same noise. Without it
  /// all are 0.
  const std::uint32_t* event_rows = nullptr;
};

/// An input that left the domain in some rows of a call.
struct OutsideInput {
  std::string input;
  /// The limits in which the model passed its gates.
  Range limits;
  /// Rows below `low`, above `high`, and not a number.
  std::size_t below = 0, above = 0, not_a_number = 0;
  /// The value furthest out.
  float furthest = 0;
};

/// Which inputs left the domain; false where none did. The responses are computed all the same.
struct Outside {
  /// Rows with an input outside.
  std::size_t rows = 0;
  std::vector<OutsideInput> inputs;

  explicit operator bool() const { return rows > 0; }
  /// Such as "pt: 3 above 2.5 GeV/c (furthest 3.1)", for all inputs on one line.
  std::string text() const;
};

/// Copies are cheap and share the weights. All members are const: threads can use one model at the same time.
class Model {
 public:
  /// Loads a bundle: digests are checked and the reference is replayed, in the very code that will be used, before the
  /// model is handed out. Throws `damaged`, `invalid_bundle`; `usage` where there is no ONNX Runtime.
  static Model load(const Bundle& bundle, const ModelOptions& options = {});
  static Model load(const Bundle& bundle, const ModelOptions& options, Match match);

  const Manifest& manifest() const;
  const std::string& digest() const { return manifest().digest; }
  const Match& match() const { return match_; }
  /// Columns of the features, in order, with units and the limits of the domain.
  const std::vector<Column>& columns() const { return manifest().columns; }
  /// Shape of one response, such as [8, 16]; in `manifest().output_unit`.
  const std::vector<std::size_t>& output_shape() const;
  /// Numbers of one response.
  std::size_t output_size() const;
  /// Random numbers of one response; 0 for a model that predicts and does not generate.
  std::size_t latent_width() const;
  /// "compiled" or "ONNX Runtime 1.30.0".
  const std::string& backend() const;
  int threads() const { return threads_; }

  /// The same model with another number of threads. Throws `usage` outside 1 to 1,024.
  Model with_threads(int threads) const;

  /// Responses of `rows` rows.
  ///   features  [rows][columns], row-major, in the columns' units
  ///   output    [rows][output_size], the caller's; must not overlap the features
  /// Tells which inputs left the domain. Throws `usage` for a seed that is too large or a model without noise.
  Outside generate(const float* features, std::size_t rows, const Noise& noise, float* output) const;
  /// As above; throws `usage` where the features are no whole number of rows.
  std::vector<float> generate(const std::vector<float>& features, const Noise& noise, Outside* outside = nullptr) const;
  /// Outputs of a model without noise; otherwise as `generate`.
  Outside predict(const float* features, std::size_t rows, float* output) const;
  std::vector<float> predict(const std::vector<float>& features, Outside* outside = nullptr) const;

  /// Which inputs of these rows leave the domain, and how far.
  Outside outside(const float* features, std::size_t rows) const;
  /// Whether a row has an input outside.
  bool is_outside(const float* row) const;

  /// What a sample of this model should carry, as JSON: family, key, seed, bundle, match, distance.
  std::string provenance(std::uint64_t seed) const;

 private:
  struct Loaded;
  Model(std::shared_ptr<const Loaded> loaded, Match match, int threads);
  Outside run(const float* features, std::size_t rows, const Noise* noise, float* output) const;
  std::size_t rows_of(const std::vector<float>& features) const;

  std::shared_ptr<const Loaded> loaded_;
  Match match_;
  int threads_;
};

}  // namespace driftline
