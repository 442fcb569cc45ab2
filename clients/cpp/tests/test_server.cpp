// A real `driftline serve` (test.sh starts it) over HTTP: the answers of the snapshot, its models, its errors.

#include "check.hpp"
#include "fixtures.hpp"

#include <driftline/driftline.hpp>

using driftline::Accept;
using driftline::Catalogue;

namespace {

std::string url() {
  const char* given = std::getenv("DRIFTLINE_TEST_URL");
  return given == nullptr ? "" : given;
}

TEST("a server answers as its snapshot does") {
  const auto server = Catalogue::open(url()), snapshot = Catalogue::open(fixtures::snapshot());
  CHECK_EQUAL(server.family("test.tiny").question().key, snapshot.family("test.tiny").question().key);
  for (const Accept accept : {Accept::exact, Accept::compatible}) {
    for (const char* velocity : {"5.5 cm/us", "5.52 cm/us", "60.3 mm/us", "7"}) {
      const driftline::Given given{{{"drift_velocity", velocity}}, {}};
      std::string one, other;
      for (const auto& [catalogue, text] : {std::pair(&server, &one), std::pair(&snapshot, &other)}) {
        try {
          const auto answer = catalogue->resolve("test.tiny", given, accept);
          *text = answer.bundle + answer.match.kind + answer.match.key + answer.model_key;
          for (const auto& difference : answer.differences) *text += difference.reason;
        } catch (const driftline::Error& error) {
          *text = error.code() + error.what();
        }
      }
      CHECK_EQUAL(one, other);
    }
  }
}

TEST("its models are verified and generate the same sample") {
  const auto model = Catalogue::open(url()).model("test.tiny");
  CHECK_EQUAL(model.digest(), fixtures::digest(0));
  const auto local = Catalogue::open(fixtures::bundle(0)).model("test.tiny");
  auto features = fixtures::floats("features.f32");
  features.resize(10 * 6);
  CHECK(model.generate(features, {1}) == local.generate(features, {1}));
  CHECK_EQUAL(Catalogue::open(url()).bundle(fixtures::digest(3).substr(0, 8)).digest(), fixtures::digest(3));
}

TEST("a lock holds for a server too") {
  driftline::OpenOptions options;
  options.lock = fixtures::directory() + "/mc.lock";
  const auto catalogue = Catalogue::open(url(), options);
  CHECK_EQUAL(catalogue.load(catalogue.resolve_run("test.tiny", 250)).digest(), fixtures::digest(2));
}

TEST("its errors keep their code, and no server is `unreachable`") {
  const auto catalogue = Catalogue::open(url());
  CHECK(!THROWN("unknown_model", catalogue.bundle("00000000")).remedy().empty());
  THROWN("unknown_family", catalogue.family("test.tyny"));
  THROWN("out_of_range", catalogue.resolve("test.tiny", {{{"drift_velocity", "9"}}, {}}));
  THROWN("unreachable", Catalogue::open("http://127.0.0.1:1").families());
  THROWN("usage", Catalogue::open("ftp://127.0.0.1"));
  THROWN("usage", Catalogue::open("http://user:secret@127.0.0.1/"));
}

}  // namespace

int main() {
  fixtures::need();
  if (url().empty()) {
    std::cout << "SKIPPED: DRIFTLINE_TEST_URL names no server; clients/cpp/test.sh starts one\n";
    return 77;
  }
  return check::main_of_tests();
}
