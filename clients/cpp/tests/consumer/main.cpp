// Prints the first number of a response and the back end that made it: consumer CATALOGUE.

#include <driftline/driftline.hpp>

#include <iostream>

#ifdef WITH_EXPORT
#include "test_tiny.h"
#endif

int main(int argc, char** argv) {
  try {
    driftline::ModelOptions options;
#ifdef WITH_EXPORT
    options.compiled = {DRIFTLINE_COMPILED(test_tiny)};
#endif
    const auto model = driftline::Catalogue::open(argc > 1 ? argv[1] : "").model("test.tiny", {}, driftline::Accept::exact, options);
    const auto response = model.generate({0, 0, 100, 30, 5, 1}, {7});
    std::cout << response.front() << " by " << model.backend() << "\n";
    return 0;
  } catch (const driftline::Error& error) {
    std::cerr << error.code() << ": " << error.what() << "\n";
    return error.exit_code();
  }
}
