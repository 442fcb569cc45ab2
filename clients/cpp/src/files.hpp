// Plain files, read whole.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace driftline {

struct FileRead {
  std::string bytes;
  /// Why it could not be read, such as "nothing is there"; empty where it was.
  std::string problem;
};

enum class Links { follow, refuse };

/// Reads a plain file. One that is larger than `max_bytes` is a problem too.
FileRead read_file(const std::string& path, Links links, std::uint64_t max_bytes = UINT64_MAX);
bool is_there(const std::string& path);
bool is_directory(const std::string& path);
/// All files under a directory, "/" between names, sorted; links and other things count as files.
std::vector<std::string> files_under(const std::string& directory);

}  // namespace driftline
