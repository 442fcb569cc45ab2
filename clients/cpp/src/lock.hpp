// A lock: a file from (family, run range) to bundle digest. With it a campaign uses these bundles and nothing else.

#pragma once

#include <driftline/catalogue.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace driftline {

struct LockedRange {
  std::int64_t first_run = 0, last_run = 0;
  std::string family;
  std::int64_t family_version = 0;
  std::string key, bundle, match;
  double distance = 0;

  Answer answer() const;
};

struct Lock {
  std::string tag, digest;
  std::vector<LockedRange> ranges;

  /// Version of a family that the lock is about; 0 where it is about none.
  std::int64_t family_version(const std::string& family) const;
  /// Throws `no_model`.
  const LockedRange& by_run(const std::string& family, std::int64_t run) const;
  const LockedRange& by_key(const std::string& family, const std::string& key) const;
  bool has(const std::string& bundle) const;
  /// For messages.
  std::string name() const;
};

/// Throws `damaged` where the lock is not what its digest says.
Lock parse_lock(std::string_view text, const std::string& source);

}  // namespace driftline
