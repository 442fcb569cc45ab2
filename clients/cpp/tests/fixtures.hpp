// What make_fixtures.ts wrote, and scratch copies of it to be damaged.

#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>
#include <vector>

namespace fixtures {

namespace fs = std::filesystem;
using Json = nlohmann::json;

inline std::string directory() {
  const char* given = std::getenv("DRIFTLINE_FIXTURES");
  return given == nullptr ? "" : given;
}

/// Ends the program with ctest's code for "skipped" where there are none.
inline void need() {
  if (!directory().empty() && fs::exists(directory() + "/fixtures.json")) return;
  std::cout << "SKIPPED: no fixtures; clients/cpp/test.sh makes them where Node is (DRIFTLINE_FIXTURES=…)\n";
  std::exit(77);
}

inline std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write(const std::string& path, const std::string& bytes) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

inline const Json& json() {
  static const Json all = Json::parse(read(directory() + "/fixtures.json"));
  return all;
}

inline std::string digest(std::size_t i) { return json().at("bundles")[i].at("digest"); }
inline std::string bundle(std::size_t i) { return json().at("bundles")[i].at("path"); }
inline std::string snapshot() { return directory() + "/snapshot"; }

inline std::vector<float> floats(const std::string& name) {
  const std::string bytes = read(directory() + "/" + name);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  return values;
}

/// A copy that goes with the object.
class Copy {
 public:
  explicit Copy(const std::string& of) {
    std::string pattern = (fs::temp_directory_path() / "driftline-cpp-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    root_ = pattern;
    fs::copy(of, path(), fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(root_))
      fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  std::string path() const { return root_ + "/copy"; }
  std::string blob(const std::string& digest) const { return path() + "/blobs/" + digest.substr(0, 2) + "/" + digest; }

 private:
  std::string root_;
};

/// Changes one bit in the middle of a file.
inline void flip(const std::string& path) {
  std::string bytes = read(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write(path, bytes);
}

}  // namespace fixtures
