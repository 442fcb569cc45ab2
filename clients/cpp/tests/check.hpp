// The smallest harness that does: CHECK counts, a test that throws fails, main runs them all.

#pragma once

#include <driftline/error.hpp>

#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace check {

struct Test {
  std::string name;
  std::function<void()> run;
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Register {
  Register(std::string name, std::function<void()> run) { tests().push_back({std::move(name), std::move(run)}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  failures()++;
  std::cerr << file << ":" << line << ": " << what << "\n";
}

template <typename A, typename B>
void equal(const A& found, const B& expected, const char* file, int line, const std::string& about) {
  if (found == expected) return;
  std::cerr << about << "\n  found    " << found << "\n  expected " << expected << "\n";
  fail(file, line, "not equal");
}

/// What an error says, or fails where there was none of this code.
inline driftline::Error thrown(const std::string& code, const std::function<void()>& run, const char* file, int line) {
  try {
    run();
  } catch (const driftline::Error& error) {
    if (error.code() != code) fail(file, line, "expected " + code + ", was " + error.code() + ": " + error.what());
    if (error.code() == code && std::string(error.what()).empty()) fail(file, line, "an error says nothing");
    return error;
  }
  fail(file, line, "expected " + code + ", nothing was thrown");
  return driftline::Error("none", "nothing was thrown");
}

inline int main_of_tests() {
  for (const auto& [name, run] : tests()) {
    const int before = failures();
    try {
      run();
    } catch (const driftline::Error& error) {
      fail(name.c_str(), 0, error.code() + ": " + error.what());
    } catch (const std::exception& error) {
      fail(name.c_str(), 0, error.what());
    }
    std::cout << (failures() == before ? "ok      " : "FAILED  ") << name << "\n";
  }
  std::cout << tests().size() << " tests, " << failures() << " failures\n";
  return failures() == 0 ? 0 : 1;
}

}  // namespace check

#define TEST_AT(line, name)                                              \
  static void test_##line();                                             \
  static const check::Register registered_##line(name, &test_##line);    \
  static void test_##line()
#define TEST_IN(line, name) TEST_AT(line, name)
#define TEST(name) TEST_IN(__LINE__, name)
#define CHECK(condition) \
  do {                   \
    if (!(condition)) check::fail(__FILE__, __LINE__, #condition); \
  } while (false)
#define CHECK_EQUAL(found, expected) check::equal(found, expected, __FILE__, __LINE__, #found)
#define THROWN(code, expression) check::thrown(code, [&] { (void)(expression); }, __FILE__, __LINE__)
