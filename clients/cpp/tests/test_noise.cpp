// The noise against the known answers of every language, to the bit.

#include "check.hpp"

#include <driftline/noise.hpp>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

using Json = nlohmann::json;
namespace noise = driftline::noise;

namespace {

Json vectors() {
  std::ifstream file(DRIFTLINE_ROOT "/packages/client/src/noise.vectors.json");
  return Json::parse(file);
}

std::uint32_t word(const Json& json) { return static_cast<std::uint32_t>(std::stoul(json.get<std::string>(), nullptr, 16)); }

std::int64_t event_of(const std::string& text) {
  return text[0] == '-' ? std::stoll(text) : static_cast<std::int64_t>(std::stoull(text));
}

TEST("blocks are those of Random123 and of the other languages") {
  int found = 0;
  const Json all = vectors();
  for (const Json& each : all.at("philox")) {
    const Json &c = each.at("counter"), &k = each.at("key"), &b = each.at("block");
    const auto block = noise::philox4x32({word(c[0]), word(c[1]), word(c[2]), word(c[3])}, {word(k[0]), word(k[1])});
    for (std::size_t i = 0; i < 4; i++) CHECK_EQUAL(block[i], word(b[i]));
    found++;
  }
  CHECK(found >= 3);
}

TEST("uniforms and normals are equal to the bit") {
  std::size_t words = 0, normals = 0;
  const Json all = vectors();
  for (const Json& each : all.at("streams")) {
    const auto seed = each.at("seed").get<std::uint64_t>();
    const auto stream = static_cast<noise::Stream>(each.at("stream").get<std::uint32_t>());
    const std::int64_t event = event_of(each.at("event").get<std::string>());
    const auto row = each.at("row").get<std::uint32_t>();
    const Json& expected_words = each.at("words");
    std::vector<double> uniforms(expected_words.size());
    noise::uniforms(seed, event, row, uniforms.size(), uniforms.data(), stream);
    for (std::size_t i = 0; i < uniforms.size(); i++) CHECK_EQUAL(uniforms[i], (word(expected_words[i]) + 0.5) / 4294967296.0);
    const Json& expected = each.at("normals");
    std::vector<float> found(expected.size());
    noise::normals(seed, event, row, found.size(), found.data(), stream);
    for (std::size_t i = 0; i < found.size(); i++) {
      const auto wanted = static_cast<float>(expected[i].get<double>());
      CHECK(std::memcmp(&found[i], &wanted, sizeof wanted) == 0);
    }
    words += uniforms.size();
    normals += found.size();
  }
  CHECK(words >= 50);
  CHECK(normals >= 50);
}

TEST("a stream does not depend on how much of it is asked for") {
  std::vector<float> many(37), few(5);
  noise::normals(7, -3, 2, many.size(), many.data());
  noise::normals(7, -3, 2, few.size(), few.data());
  CHECK(std::equal(few.begin(), few.end(), many.begin()));
}

TEST("a seed that other languages cannot hold is refused") {
  float value = 0;
  const auto error = THROWN("usage", noise::normals(noise::max_seed + 1, 0, 0, 1, &value));
  CHECK_EQUAL(error.field(), "seed");
  noise::normals(noise::max_seed, 0, 0, 1, &value);
}

}  // namespace

int main() { return check::main_of_tests(); }
