// Bundle directories: what is checked before a model is handed out, and what is said where it is not as it should be.

#include "check.hpp"
#include "fixtures.hpp"

#include <driftline/driftline.hpp>

using driftline::Catalogue;
using driftline::Model;

namespace {

TEST("a directory is a catalogue of its one model") {
  const auto catalogue = Catalogue::open(fixtures::bundle(0));
  CHECK_EQUAL(catalogue.identity(), fixtures::digest(0));
  const auto model = catalogue.model("test.tiny");
  CHECK_EQUAL(model.digest(), fixtures::digest(0));
  CHECK_EQUAL(model.columns().size(), std::size_t{6});
  CHECK_EQUAL(model.columns()[5].name + " " + model.columns()[5].domain.unit, "pt GeV/c");
  CHECK(model.output_shape() == (std::vector<std::size_t>{8, 16}));
  CHECK_EQUAL(model.output_size(), std::size_t{128});
  CHECK_EQUAL(model.latent_width(), std::size_t{4});
  CHECK_EQUAL(model.manifest().output_unit, "ADC");
  CHECK_EQUAL(fixtures::Json::parse(model.provenance(7)).at("bundle").get<std::string>(), fixtures::digest(0));
}

TEST("conditions are compared with the model's own, in any unit") {
  const auto catalogue = Catalogue::open(fixtures::bundle(0));
  CHECK_EQUAL(catalogue.resolve("test.tiny", {{{"drift_velocity", "55 mm/us"}, {"gas", "Ar/CH4 90/10"}}, {}}).match.kind, "exact");
  const driftline::Given near{{{"drift_velocity", "5.52 cm/us"}}, {}};
  const auto miss = THROWN("no_model", catalogue.resolve("test.tiny", near));
  CHECK_EQUAL(miss.exit_code(), 4);
  CHECK(std::string(miss.what()).find("fits where compatible models are accepted") != std::string::npos);
  const auto answer = catalogue.resolve("test.tiny", near, driftline::Accept::compatible);
  CHECK_EQUAL(answer.match.kind, "compatible");
  CHECK(!answer.match.distance);
  THROWN("no_model", catalogue.resolve("test.tiny", {{{"drift_velocity", "5.56"}}, {}}, driftline::Accept::compatible));
  THROWN("no_model", catalogue.resolve("test.tiny", {{}, {{"simulator", "tiny/2"}}}));
  THROWN("wrong_unit", catalogue.resolve("test.tiny", {{{"drift_velocity", "5 cm"}}, {}}));
  THROWN("unknown_condition", catalogue.resolve("test.tiny", {{{"drift_velocty", "5"}}, {}}));
  THROWN("unknown_family", catalogue.resolve("test.tyny"));
  THROWN("unknown_family", catalogue.family("test.tiny"));
}

TEST("a bundle is read by the beginning of its digest, its files checked") {
  const auto catalogue = Catalogue::open(fixtures::bundle(0));
  const auto bundle = catalogue.bundle(fixtures::digest(0).substr(0, 8));
  bundle.verify();
  CHECK_EQUAL(bundle.read("validation.json"), "{}\n");
  THROWN("unknown_file", bundle.read("weights.bin"));
  THROWN("unknown_model", catalogue.bundle("00000000"));
  THROWN("usage", catalogue.bundle("../secret"));
}

TEST("one bit of any file that matters, and no model is handed out") {
  for (const std::string file : {"bundle.json", "model.onnx", "reference.safetensors"}) {
    const fixtures::Copy copy(fixtures::bundle(0));
    fixtures::flip(copy.path() + "/" + file);
    try {
      // Only its digest can tell that a manifest is another: what names a bundle by it finds none.
      Model::load(Catalogue::open(copy.path()).bundle(fixtures::digest(0)));
      check::fail(__FILE__, __LINE__, file + " was changed and nobody saw it");
    } catch (const driftline::Error& error) {
      CHECK_EQUAL(error.code(), file == "bundle.json" ? "unknown_model" : "damaged");
      if (file != "bundle.json") CHECK_EQUAL(error.field(), file);
    }
  }
}

TEST("files that are cut off, missing, links or not in the list are named") {
  const auto refused = [](const char* code, const std::function<void(const std::string&)>& damage) {
    const fixtures::Copy copy(fixtures::bundle(0));
    damage(copy.path());
    return THROWN(code, Catalogue::open(copy.path()).bundle(fixtures::digest(0)).verify());
  };
  CHECK_EQUAL(refused("damaged", [](const std::string& path) { fixtures::fs::resize_file(path + "/card.md", 3); }).field(), "card.md");
  CHECK_EQUAL(refused("damaged", [](const std::string& path) { fixtures::fs::remove(path + "/card.md"); }).field(), "card.md");
  CHECK_EQUAL(refused("damaged", [](const std::string& path) { fixtures::write(path + "/more", "x"); }).field(), "more");
  refused("damaged", [](const std::string& path) {
    fixtures::fs::rename(path + "/card.md", path + ".card");
    fixtures::fs::create_symlink(path + ".card", path + "/card.md");
  });
}

TEST("a model that does not give its reference is not handed out") {
  const auto error = THROWN("damaged", Catalogue::open(fixtures::directory() + "/wrong-reference").model("test.tiny"));
  CHECK(std::string(error.what()).find("of reference.safetensors, found ") != std::string::npos);
}

TEST("a model that would read other files is refused before the runtime sees it") {
  const auto error = THROWN("invalid_bundle", Catalogue::open(fixtures::directory() + "/external").model("test.tiny"));
  CHECK(std::string(error.what()).find("in another file") != std::string::npos);
}

TEST("without ONNX Runtime, or with code of another bundle, one is told what to do") {
  driftline::ModelOptions options;
  options.onnxruntime = "/nowhere/libonnxruntime.so.1";
  const auto error = THROWN("usage", Catalogue::open(fixtures::bundle(0)).model("test.tiny", {}, driftline::Accept::exact, options));
  CHECK(error.remedy().find("DRIFTLINE_ONNXRUNTIME") != std::string::npos);
  THROWN("usage", driftline::Compiled::open("/nowhere/libtest_tiny.so"));
  THROWN("usage", Catalogue::open("/nowhere"));
}

}  // namespace

int main() {
  fixtures::need();
  return check::main_of_tests();
}
