// Snapshots: the answers of the TypeScript client, locks, damage, and a snapshot that is switched under a running job.

#include "check.hpp"
#include "fixtures.hpp"

#include <driftline/driftline.hpp>

#include <algorithm>
#include <cmath>
#include <set>

using driftline::Accept;
using driftline::Catalogue;
using driftline::Given;
using fixtures::Json;

namespace {

const std::string& root_digest() { return fixtures::json().at("snapshot").get_ref<const std::string&>(); }

/// What the root says of test.tiny.
Json entry_of(const std::string& snapshot) {
  const Json root = Json::parse(fixtures::read(snapshot + "/blobs/" + root_digest().substr(0, 2) + "/" + root_digest()));
  for (const Json& entry : root.at("families"))
    if (entry.at("name") == "test.tiny") return entry;
  return {};
}

void check_differences(const Json& expected, const std::vector<driftline::Difference>& found) {
  CHECK_EQUAL(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size() && i < expected.size(); i++) {
    const Json& wanted = expected[i];
    CHECK_EQUAL(found[i].name, wanted.at("name").get<std::string>());
    CHECK_EQUAL(found[i].reason, wanted.at("reason").get<std::string>());
    CHECK_EQUAL(found[i].fits, wanted.at("fits").get<bool>());
    CHECK_EQUAL(found[i].has, wanted.at("has").get<std::string>());
    CHECK_EQUAL(found[i].distance.has_value(), !wanted.at("distance").is_null());
    if (found[i].distance) CHECK(std::abs(*found[i].distance - wanted.at("distance").get<double>()) < 1e-9);
    CHECK_EQUAL(found[i].domain.has_value(), !wanted.at("domain").is_null());
    if (found[i].domain) CHECK(std::abs(found[i].domain->second - wanted.at("domain").at("high").get<double>()) < 1e-9);
  }
}

TEST("every question gets the answer of the TypeScript client: exact, compatible and the explained miss") {
  const auto catalogue = Catalogue::open(fixtures::snapshot());
  std::map<std::string, int> seen;
  for (const Json& each : fixtures::json().at("resolutions")) {
    const Accept accept = each.at("accept") == "exact" ? Accept::exact : Accept::compatible;
    const Given given = Given::from_json(each.at("given").dump());
    const Json& expected = each.at("answer");
    if (expected.is_null()) {
      seen["miss"]++;
      const auto error = THROWN("no_model", catalogue.resolve("test.tiny", given, accept));
      if (error.data().empty()) continue;
      const Json data = Json::parse(error.data());
      CHECK_EQUAL(data.at("reason").get<std::string>(), each.at("reason").get<std::string>());
      CHECK_EQUAL(data.at("nearest").size(), each.at("nearest").size());
      for (std::size_t i = 0; i < data.at("nearest").size(); i++) {
        const Json &one = data.at("nearest")[i], &other = each.at("nearest")[i];
        CHECK_EQUAL(one.at("bundle").get<std::string>(), other.at("bundle").get<std::string>());
        for (std::size_t j = 0; j < other.at("differences").size(); j++)
          CHECK_EQUAL(one.at("differences").at(j).at("reason").get<std::string>(), other.at("differences")[j].at("reason").get<std::string>());
      }
      continue;
    }
    const auto answer = catalogue.resolve("test.tiny", given, accept);
    seen[answer.match.kind]++;
    CHECK_EQUAL(answer.bundle, expected.at("bundle").get<std::string>());
    CHECK_EQUAL(answer.match.kind, expected.at("match").get<std::string>());
    CHECK(std::abs(*answer.match.distance - expected.at("distance").get<double>()) < 1e-9);
    CHECK_EQUAL(answer.match.key, each.at("key").get<std::string>());
    check_differences(expected.at("differences"), answer.differences);
  }
  for (const char* kind : {"exact", "compatible", "miss"}) CHECK(seen[kind] >= 5);
}

TEST("families say what can be asked") {
  const auto catalogue = Catalogue::open(fixtures::snapshot());
  // The platform's own families are in it too.
  const auto all = catalogue.families();
  CHECK(std::any_of(all.begin(), all.end(), [](const driftline::Family& family) { return family.name == "test.tiny"; }));
  CHECK_EQUAL(catalogue.family("test.tiny").inputs.size(), std::size_t{6});
  const auto error = THROWN("unknown_family", catalogue.family("test.tyny"));
  CHECK(error.remedy().find("Did you mean test.tiny?") == 0);
}

TEST("models come by conditions and by digest, and bundles are all there") {
  const auto catalogue = Catalogue::open(fixtures::snapshot());
  const auto model = catalogue.model("test.tiny", {{{"drift_velocity", "5.52 cm/us"}}, {}}, Accept::compatible);
  CHECK_EQUAL(model.match().kind, "compatible");
  CHECK_EQUAL(fixtures::Json::parse(model.provenance(1)).at("match").get<std::string>(), "compatible");
  for (std::size_t i = 0; i < 8; i++) catalogue.bundle(fixtures::digest(i).substr(0, 12)).verify();
  THROWN("unknown_model", catalogue.bundle("0123456789abcdef"));
  THROWN("unknown_model", catalogue.bundle(std::string(64, 'a')));
}

TEST("under a lock nothing else is used") {
  for (const std::string& name : {fixtures::directory() + "/mc.lock", std::string("mc"), fixtures::json().at("lock").get<std::string>()}) {
    driftline::OpenOptions options;
    options.lock = name;
    const auto catalogue = Catalogue::open(fixtures::snapshot(), options);
    CHECK_EQUAL(catalogue.lock_digest(), fixtures::json().at("lock").get<std::string>());
    const auto first = catalogue.resolve_run("test.tiny", 150);
    CHECK_EQUAL(first.match.kind, "compatible");
    CHECK_EQUAL(catalogue.resolve_run("test.tiny", 200).bundle, fixtures::digest(2));
    CHECK_EQUAL(catalogue.load(first).digest(), first.bundle);
    CHECK_EQUAL(catalogue.resolve("test.tiny", {{{"drift_velocity", "5.52 cm/us"}}, {}}).bundle, first.bundle);
    THROWN("no_model", catalogue.resolve("test.tiny"));
    THROWN("no_model", catalogue.resolve_run("test.tiny", 300));
    THROWN("unknown_model", catalogue.bundle(fixtures::digest(5)));
  }
  THROWN("usage", Catalogue::open(fixtures::snapshot()).resolve_run("test.tiny", 150));
}

TEST("a lock that was changed by a letter is refused") {
  const fixtures::Copy copy(fixtures::directory() + "/mc.lock");
  std::string text = fixtures::read(copy.path());
  text.replace(text.find("\"lastRun\":199"), 13, "\"lastRun\":198");
  fixtures::write(copy.path(), text);
  driftline::OpenOptions options;
  options.lock = copy.path();
  THROWN("damaged", Catalogue::open(fixtures::snapshot(), options));
}

TEST("a bundle of the lock that is missing or damaged stops the job") {
  for (const bool is_missing : {true, false}) {
    const fixtures::Copy copy(fixtures::snapshot());
    driftline::OpenOptions options;
    options.lock = "mc";
    const auto catalogue = Catalogue::open(copy.path(), options);
    const auto answer = catalogue.resolve_run("test.tiny", 250);
    if (is_missing) {
      fixtures::fs::remove(copy.blob(answer.bundle));
    } else {
      fixtures::flip(copy.blob(answer.bundle));
    }
    CHECK_EQUAL(THROWN("damaged", catalogue.load(answer)).exit_code(), 5);
  }
}

/// Asks for everything that there is.
void use(const std::string& directory) {
  const auto catalogue = Catalogue::open(directory);
  catalogue.model("test.tiny");
  catalogue.model("test.tiny", {{{"drift_velocity", "5.52"}}, {}}, Accept::compatible);
}

TEST("one bit of any blob that is read, and the answer is damaged") {
  const Json entry = entry_of(fixtures::snapshot());
  const Json manifest = Json::parse(fixtures::read(fixtures::bundle(0) + "/bundle.json"));
  std::set<std::string> blobs = {root_digest(), fixtures::digest(0)};
  for (const char* part : {"family", "index", "models"}) blobs.insert(entry.at(part).at("sha256").get<std::string>());
  for (const Json& file : manifest.at("files"))
    if (file.at("path") == "model.onnx" || file.at("path") == "reference.safetensors") blobs.insert(file.at("sha256").get<std::string>());
  CHECK_EQUAL(blobs.size(), std::size_t{7});
  for (const std::string& blob : blobs) {
    for (const char* damage : {"flip", "truncate", "remove", "empty"}) {
      const fixtures::Copy copy(fixtures::snapshot());
      const std::string path = copy.blob(blob), kind = damage;
      if (kind == "flip") fixtures::flip(path);
      if (kind == "truncate") fixtures::fs::resize_file(path, fixtures::fs::file_size(path) - 1);
      if (kind == "remove") fixtures::fs::remove(path);
      if (kind == "empty") fixtures::write(path, "");
      CHECK_EQUAL(THROWN("damaged", use(copy.path())).exit_code(), 5);
    }
  }
}

TEST("a pointer that is none, of another format, or changed by any byte is refused") {
  const fixtures::Copy copy(fixtures::snapshot());
  const std::string path = copy.path() + "/snapshot.json", pointer = fixtures::read(path);
  for (std::size_t i = 0; i < pointer.size(); i++) {
    std::string changed = pointer;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    fixtures::write(path, changed);
    try {
      use(copy.path());
      // White space at the end may change; the two members cannot.
      CHECK(i + 1 == pointer.size());
    } catch (const driftline::Error& error) {
      CHECK(error.code() == "damaged" || error.code() == "usage");
    }
  }
  fixtures::write(path, R"({"format":"driftline-snapshot/2","sha256":"x"})");
  CHECK(THROWN("usage", Catalogue::open(copy.path())).remedy().find("Update") == 0);
  fixtures::fs::remove(path);
  THROWN("usage", Catalogue::open(copy.path()));
  driftline::OpenOptions options;
  options.snapshot_digest = std::string(64, 'a');
  THROWN("usage", Catalogue::open(fixtures::snapshot(), options));
}

TEST("a snapshot that is switched meanwhile is not mixed with the old one") {
  const fixtures::Copy copy(fixtures::snapshot());
  const auto catalogue = Catalogue::open(copy.path());
  fixtures::write(copy.path() + "/snapshot.json", "{\"format\":\"driftline-snapshot/1\",\"sha256\":\"" + std::string(64, 'b') + "\",\"size\":1}\n");
  CHECK_EQUAL(catalogue.identity(), root_digest());
  CHECK_EQUAL(catalogue.model("test.tiny").digest(), fixtures::digest(0));
  THROWN("damaged", Catalogue::open(copy.path()));
}

}  // namespace

int main() {
  fixtures::need();
  return check::main_of_tests();
}
