// Where models come from: a snapshot, a bundle directory or a server, with or without a lock.

#pragma once

#include <driftline/bundle.hpp>
#include <driftline/family.hpp>
#include <driftline/model.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace driftline {

/// exact: a model made for exactly these conditions. compatible: also one whose measured domain holds them.
enum class Accept { exact, compatible };

/// A condition or software in which a model differs from what was asked.
struct Difference {
  std::string name, asked, has;
  /// Of a quantity.
  std::optional<std::string> unit;
  /// |difference| over the family's tolerance; nothing for labels and software, and where there is no tolerance.
  std::optional<double> distance;
  std::optional<std::pair<double, double>> domain;
  bool fits = false;
  /// The same in words.
  std::string reason;
};

/// The bundle that answers a question.
struct Answer {
  std::string bundle;
  Match match;
  /// Key that the model must have been made for; it is another than match.key where the match is "compatible".
  std::string model_key;
  std::string family;
  std::vector<Difference> differences;
};

struct OpenOptions {
  /// A file that `driftline lock` wrote, or the digest (or its beginning) or tag of one that the snapshot carries.
  /// With it nothing but the bundles that it names is ever used.
  std::string lock;
  /// Of a snapshot: the digest that its root must have.
  std::string snapshot_digest;
  /// Of a server; where empty the environment's DRIFTLINE_TOKEN.
  std::string token;
  /// Of a server: for how many seconds it is asked again while it is busy.
  double patience_seconds = 120;
};

class Source;
struct Lock;

/// Models by the conditions that they are good for. Copies are cheap; threads can share one.
class Catalogue {
 public:
  /// Opens a snapshot directory, a bundle directory, or a server by its URL. Throws `usage` where there is no catalogue,
  /// `damaged` where one is not what its digests say. What is asked later can throw `damaged` too: parts are read, and
  /// checked, when they are first needed.
  static Catalogue open(const std::string& place, const OpenOptions& options = {});

  /// Those that can be asked. None of a bundle directory: a bundle has no definition of its family.
  std::vector<Family> families() const;
  /// Throws `unknown_family`.
  Family family(const std::string& name) const;

  /// The bundle that answers a question; nothing of it is read yet but its manifest. Throws `no_model`, whose what() says
  /// of the nearest models why they do not fit (and data() the same as JSON); `unknown_family`; the errors of
  /// Family::question. Under a lock `accept` is the lock's own.
  Answer resolve(const std::string& family, const Given& given = {}, Accept accept = Accept::exact) const;
  /// The bundle that the lock has for a run. Throws `no_model`, and `usage` where there is no lock.
  Answer resolve_run(const std::string& family, std::int64_t run) const;

  /// A bundle by its digest, or by the beginning of one (at least 8 digits) that only one has. Throws `unknown_model`.
  Bundle bundle(const std::string& digest) const;

  /// The model that answers, verified: its digests, and its reference replayed. Throws also `damaged`, `invalid_bundle`.
  Model load(const Answer& answer, const ModelOptions& options = {}) const;
  /// resolve and load.
  Model model(const std::string& family, const Given& given = {}, Accept accept = Accept::exact,
              const ModelOptions& options = {}) const;

  /// Digest of the snapshot's root or of the bundle, or the server's URL: what a job should write down.
  std::string identity() const;
  /// Digest of the lock; empty where there is none.
  std::string lock_digest() const;

 private:
  Catalogue(std::shared_ptr<const Source> source, std::shared_ptr<const Lock> lock);
  std::shared_ptr<const Source> source_;
  std::shared_ptr<const Lock> lock_;
};

}  // namespace driftline
