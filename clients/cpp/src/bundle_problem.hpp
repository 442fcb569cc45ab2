// What is said of a bundle that is not as its manifest says, or of a manifest that follows no format.

#pragma once

#include <driftline/error.hpp>

#include <string>
#include <vector>

namespace driftline {

struct BundleProblem {
  std::string file, expected, found;
};

/// `problems` must not be empty.
Error damaged_bundle(const std::string& source, const std::vector<BundleProblem>& problems);
Error invalid_bundle(const std::string& source, const std::string& what);
Error unusable_model(const std::string& what);

}  // namespace driftline
