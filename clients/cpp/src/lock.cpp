// Reading driftline-lock/1 and looking up in it.

#include "lock.hpp"

#include "bigint.hpp"
#include "json.hpp"
#include "sha256.hpp"
#include "text.hpp"

#include <driftline/error.hpp>

#include <algorithm>

namespace driftline {
namespace {

LockedRange range_of(const Json& json) {
  LockedRange range{json.at("firstRun").get<std::int64_t>(),
                    json.at("lastRun").get<std::int64_t>(),
                    json.at("family").get<std::string>(),
                    json.at("familyVersion").get<std::int64_t>(),
                    json.at("key").get<std::string>(),
                    json.at("bundle").get<std::string>(),
                    json.at("match").get<std::string>(),
                    decimal_number(json.at("distance").get<std::string>())};
  if (!is_digest(range.bundle)) throw std::invalid_argument("a bundle is not named by 64 hexadecimal digits");
  if (range.match != "exact" && range.match != "compatible") throw std::invalid_argument("a match is \"" + range.match + "\"");
  return range;
}

Error nothing(const Lock& lock, const std::string& what, const std::string& more) {
  return Error("no_model", "Lock " + lock.name() + " has nothing for " + what + ", and nothing else is used.", "lock",
               more + "Have a new lock made (`driftline lock`) where something is missing.");
}

}  // namespace

Answer LockedRange::answer() const { return {bundle, {key, match, distance}, key, family, {}}; }

std::int64_t Lock::family_version(const std::string& family) const {
  std::int64_t version = 0;
  for (const LockedRange& range : ranges)
    if (range.family == family) version = std::max(version, range.family_version);
  return version;
}

const LockedRange& Lock::by_run(const std::string& family, std::int64_t run) const {
  std::vector<std::string> covered;
  for (const LockedRange& range : ranges) {
    if (range.family != family) continue;
    if (range.first_run <= run && run <= range.last_run) return range;
    covered.push_back(std::to_string(range.first_run) + " to " + std::to_string(range.last_run));
  }
  throw nothing(*this, "run " + std::to_string(run) + " of " + family, covered.empty() ? "" : "It has runs " + joined(covered) + ". ");
}

const LockedRange& Lock::by_key(const std::string& family, const std::string& key) const {
  const LockedRange* found = nullptr;
  for (const LockedRange& range : ranges) {
    if (range.family != family || range.key != key) continue;
    if (found != nullptr && found->bundle != range.bundle)
      throw Error("usage", "Lock " + name() + " has different bundles of these conditions for different runs.", "run",
                  "Ask with resolve_run.");
    found = &range;
  }
  if (found == nullptr) throw nothing(*this, "key " + key.substr(0, 11) + " of " + family, "");
  return *found;
}

bool Lock::has(const std::string& bundle) const {
  return std::any_of(ranges.begin(), ranges.end(), [&](const LockedRange& range) { return range.bundle == bundle; });
}

std::string Lock::name() const { return digest.substr(0, 12) + " of tag " + tag; }

Lock parse_lock(std::string_view text, const std::string& source) {
  const auto damaged = [&](const std::string& what) {
    return Error("damaged", "Reading " + source + ": " + what + ".", "lock", "Copy it again from where it was made.");
  };
  try {
    Json json = parse_json(text);
    if (json.at("format") != "driftline-lock/1") throw std::invalid_argument("it is not of format driftline-lock/1");
    Lock lock{json.at("tag").get<std::string>(), json.at("digest").get<std::string>(), {}};
    for (const Json& range : json.at("ranges")) lock.ranges.push_back(range_of(range));
    // All numbers in a lock are integers and all names ASCII, so that sorted members without spaces are canonical.
    json.erase("digest");
    const std::string found = sha256(json.dump());
    if (found != lock.digest) throw damaged("its content has digest " + found + ", it states " + lock.digest.substr(0, 80));
    return lock;
  } catch (const std::invalid_argument& error) {
    throw damaged(error.what());
  } catch (const Json::exception& error) {
    throw damaged(error.what());
  }
}

}  // namespace driftline
