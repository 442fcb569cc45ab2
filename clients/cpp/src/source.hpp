// What a catalogue asks of a snapshot, a directory or a server.

#pragma once

#include <driftline/catalogue.hpp>
#include <driftline/error.hpp>

#include <memory>
#include <string>
#include <vector>

namespace driftline {

class Source {
 public:
  virtual ~Source() = default;
  virtual std::vector<Family> families() const = 0;
  /// `version` 0 is the newest. Throws `unknown_family`.
  virtual Family family(const std::string& name, std::int64_t version) const = 0;
  virtual Answer resolve(const std::string& family, const Given& given, Accept accept) const = 0;
  virtual Bundle bundle(const std::string& digest) const = 0;
  /// Text of the lock that a snapshot carries under this digest or tag; empty where it has none.
  virtual std::string lock(const std::string&) const { return ""; }
  virtual std::string identity() const = 0;
  /// For messages.
  virtual std::string where() const = 0;
};

std::shared_ptr<const Source> open_snapshot(const std::string& directory, const std::string& digest);
std::shared_ptr<const Source> open_directory(const std::string& directory);
std::shared_ptr<const Source> open_server(const std::string& url, const OpenOptions& options);

struct NearModel {
  std::string bundle;
  std::optional<double> distance;
  std::vector<Difference> differences;
};

/// The error of a miss; its message says of each nearest model why it does not fit.
Error no_model(const std::string& family, const std::string& reason, const std::vector<NearModel>& nearest, Accept accept,
               const std::string& fallback);
Error unknown_family(const std::string& name, const std::vector<std::string>& names, const std::string& where);
Error unknown_model(const std::string& digest, const std::string& where);
/// Throws `usage` unless it is 8 to 64 hexadecimal digits.
void check_digest_prefix(const std::string& digest);

}  // namespace driftline
