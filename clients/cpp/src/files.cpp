// Reading with POSIX calls, so that what was checked is what is read.

#include "files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace driftline {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

std::string reason(int error) { return error == ENOENT || error == ENOTDIR ? "nothing" : std::strerror(error); }

}  // namespace

FileRead read_file(const std::string& path, Links links, std::uint64_t max_bytes) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (links == Links::refuse ? O_NOFOLLOW : 0);
  const Descriptor file(open(path.c_str(), flags));
  if (file.number() < 0) return {"", errno == ELOOP ? "a symbolic link" : reason(errno)};
  struct stat state{};
  if (fstat(file.number(), &state) != 0) return {"", reason(errno)};
  if (!S_ISREG(state.st_mode)) return {"", S_ISDIR(state.st_mode) ? "a directory" : "no plain file"};
  const auto size = static_cast<std::uint64_t>(state.st_size);
  if (size > max_bytes) return {"", std::to_string(size) + " bytes, too large"};
  std::string bytes(size, '\0');
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = read(file.number(), bytes.data() + at, bytes.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {"", reason(errno)};
    if (count == 0) break;
    at += static_cast<std::size_t>(count);
  }
  bytes.resize(at);
  return {std::move(bytes), ""};
}

bool is_there(const std::string& path) {
  struct stat state{};
  return stat(path.c_str(), &state) == 0;
}

bool is_directory(const std::string& path) {
  struct stat state{};
  return stat(path.c_str(), &state) == 0 && S_ISDIR(state.st_mode);
}

std::vector<std::string> files_under(const std::string& directory) {
  namespace fs = std::filesystem;
  std::vector<std::string> found;
  std::error_code problem;
  for (fs::recursive_directory_iterator at(directory, problem), end; !problem && at != end; at.increment(problem)) {
    if (at->symlink_status().type() == fs::file_type::directory) continue;
    found.push_back(at->path().lexically_relative(directory).generic_string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace driftline
