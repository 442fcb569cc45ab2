// Condition keys against the published vectors, all of them, and what is said of what is refused.

#include "check.hpp"

#include <driftline/driftline.hpp>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

using Json = nlohmann::json;
using driftline::Family;
using driftline::Given;
using driftline::Value;

namespace {

/// Half of a surrogate pair has no UTF-8 and no place in a parser's strings: it goes through the JSON as a private
/// character and becomes the three bytes that a careless program would write.
const std::string half_pair = "\xee\x80\x80", its_bytes = "\xed\xa0\xb5";

bool is_low(const std::string& text, std::size_t at) {
  return text.compare(at, 3, "\\ud") == 0 && at + 3 < text.size() && std::string("cdef").find(text[at + 3]) != std::string::npos;
}
bool is_high(const std::string& text, std::size_t at) {
  return text.compare(at, 3, "\\ud") == 0 && at + 3 < text.size() && std::string("89ab").find(text[at + 3]) != std::string::npos;
}

Json vectors() {
  std::ifstream file(DRIFTLINE_ROOT "/packages/driftline/src/family/vectors.json");
  std::stringstream read;
  read << file.rdbuf();
  const std::string text = read.str();
  std::string mended;
  for (std::size_t at = 0; at < text.size(); at++) {
    if (is_high(text, at) && is_low(text, at + 6)) {
      mended += text.substr(at, 12);
      at += 11;
    } else if (is_high(text, at) || is_low(text, at)) {
      mended += "\\ue000";
      at += 5;
    } else {
      mended += text[at];
    }
  }
  return Json::parse(mended);
}

std::map<std::string, Family> families_of(const Json& all) {
  std::map<std::string, Family> families;
  for (const auto& [name, definition] : all.at("families").items()) families.emplace(name, Family::from_json(definition.dump()));
  return families;
}

Given given_of(const Json& json) {
  Given given = Given::from_json(json.dump());
  for (auto* values : {&given.conditions, &given.software}) {
    for (auto& [_, value] : *values) {
      if (value.text() == nullptr) continue;
      std::string text = *value.text();
      for (std::size_t at; (at = text.find(half_pair)) != std::string::npos;) text.replace(at, half_pair.size(), its_bytes);
      value = Value(text);
    }
  }
  return given;
}

TEST("accepted vectors give their canonical form, key and defaults") {
  const Json all = vectors();
  const auto families = families_of(all);
  CHECK(all.at("accepted").size() >= 200);
  for (const Json& vector : all.at("accepted")) {
    try {
      const auto question = families.at(vector.at("family")).question(given_of(vector.at("given")));
      CHECK_EQUAL(question.canonical, vector.at("canonical").get<std::string>());
      CHECK_EQUAL(question.key, vector.at("key").get<std::string>());
      CHECK(question.defaulted == vector.at("defaulted").get<std::vector<std::string>>());
    } catch (const driftline::Error& error) {
      check::fail(__FILE__, __LINE__, vector.at("given").dump() + ": " + error.what());
    }
  }
}

TEST("refused vectors give their error code and field, and a remedy") {
  const Json all = vectors();
  const auto families = families_of(all);
  CHECK(all.at("refused").size() >= 60);
  for (const Json& vector : all.at("refused")) {
    const auto error = THROWN(vector.at("error"), families.at(vector.at("family")).question(given_of(vector.at("given"))));
    CHECK_EQUAL(error.field(), vector.at("field").get<std::string>());
    CHECK(!error.remedy().empty());
    CHECK_EQUAL(error.exit_code(), 2);
  }
}

TEST("questions are written in C++ as one would think") {
  const Family family = families_of(vectors()).at("mpd.tpc");
  const auto by_text = family.question({{{"drift_velocity", "54.5 mm/us"}, {"particle", "kaon"}}, {}});
  const auto by_number = family.question({{{"drift_velocity", 5.45}, {"particle", std::string("kaon")}}, {}});
  CHECK_EQUAL(by_text.conditions.at("drift_velocity"), "5.45");
  CHECK_EQUAL(by_text.key, by_number.key);
  CHECK_EQUAL(family.question({{{"mip_amplitude", 80}}, {}}).conditions.at("mip_amplitude"), "80");
}

TEST("errors say what was given, what is allowed and what may have been meant") {
  const Family family = families_of(vectors()).at("mpd.tpc");
  const auto range = THROWN("out_of_range", family.question({{{"drift_velocity", "8.01 cm/us"}}, {}}));
  CHECK_EQUAL(std::string(range.what()), "Condition drift_velocity: \"8.01 cm/us\" is above 8 cm/us (on the grid it is 8.01 cm/us).");
  CHECK_EQUAL(range.remedy(), "Give a decimal number from 3 to 8 cm/us, such as \"3 cm/us\" (um/us, mm/us, m/us are converted).");
  const auto name = THROWN("unknown_condition", family.question({{{"drift_velocty", 5.5}}, {}}));
  CHECK(name.remedy().find("Did you mean drift_velocity?") == 0);
}

/// Each code of docs/errors.md with its exit code.
TEST("exit codes are those of the platform") {
  std::ifstream file(DRIFTLINE_ROOT "/docs/errors.md");
  int found = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    const std::string code = line.substr(3, line.find('`', 3) - 3);
    const std::size_t last = line.rfind('|', line.size() - 2);
    CHECK_EQUAL(code + " " + std::to_string(driftline::Error(code, "x").exit_code()), code + " " + std::to_string(std::stoi(line.substr(last + 1))));
    found++;
  }
  CHECK(found > 30);
}

}  // namespace

int main() { return check::main_of_tests(); }
