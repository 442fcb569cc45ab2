// A line of a snapshot's models (docs/decisions/snapshot.md), read without building a tree: there are ten thousand.

#pragma once

#include "json.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace driftline {

/// Views into the line, or into `tree` where the line had to be read the long way.
struct ModelsLine {
  std::string_view key, bundle;
  /// Of equally near models the one with the larger number is taken: it is newer.
  double binding = 0;
  std::vector<std::pair<std::string_view, std::string_view>> conditions, software;
  std::vector<std::pair<std::string_view, std::pair<double, double>>> domain;
  Json tree;
};

/// Reads a line into `out`, whose memory is used again. Throws std::invalid_argument and Json::exception.
void read_models_line(std::string_view line, ModelsLine& out);

}  // namespace driftline
