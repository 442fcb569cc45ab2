// The back end of ONNX Runtime, whose C library is opened when a model first needs it.
//
// Its C API is one append-only struct of function pointers: their order is public and never changes. The few that are
// called are named here with their place; all are of version 1 of the API, which every release has.

#include "backend.hpp"
#include "bundle_problem.hpp"
#include "onnx_guard.hpp"

#include <driftline/error.hpp>

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstdlib>

namespace driftline {
namespace {

struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtValue;
struct OrtMemoryInfo;
struct OrtTypeInfo;
struct OrtTensorInfo;
struct OrtAllocator;

struct ApiBase {
  const void* (*get_api)(std::uint32_t version);
  const char* (*get_version)();
};

constexpr int element_float = 1;

class Api {
 public:
  explicit Api(const std::string& library) {
    const char* named = std::getenv("DRIFTLINE_ONNXRUNTIME");
    const std::string given = !library.empty() ? library : named != nullptr ? named : "";
    // Builds of 1.30 collect telemetry unless they are told not to before they are loaded: they write to the home and
    // call a server. A job that has threads already should have this in its environment, where setenv is not safe.
    if (std::getenv("ORT_DISABLE_TELEMETRY") == nullptr) setenv("ORT_DISABLE_TELEMETRY", "1", 0);
    // It stays in memory: it keeps threads and tables of its own, which no one may pull the code from under.
    constexpr int mode = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
    void* handle = dlopen(given.empty() ? "libonnxruntime.so.1" : given.c_str(), mode);
    std::string problem = handle == nullptr ? dlerror() : "";
    if (handle == nullptr && given.empty()) handle = dlopen("libonnxruntime.so", mode);
    void* symbol = handle == nullptr ? nullptr : dlsym(handle, "OrtGetApiBase");
    if (handle != nullptr && symbol == nullptr) problem = "it has no OrtGetApiBase";
    if (symbol == nullptr)
      throw Error("usage", "Opening ONNX Runtime: " + problem + ".", "onnxruntime",
                  "Let ModelOptions::onnxruntime or DRIFTLINE_ONNXRUNTIME name libonnxruntime.so.1, or give a compiled "
                  "export of the model.");
    const ApiBase* base = reinterpret_cast<const ApiBase* (*)()>(symbol)();
    version_ = base->get_version();
    members_ = static_cast<void* const*>(base->get_api(1));
    if (members_ == nullptr)
      throw Error("usage", "ONNX Runtime " + version_ + " does not know version 1 of its interface.", "onnxruntime",
                  "Name another libonnxruntime.so.1.");
  }

  const std::string& version() const { return version_; }

  /// Calls the function at this place of the struct; throws `invalid_bundle` with the runtime's words where it fails.
  template <std::size_t place, typename... Arguments>
  void call(Arguments... arguments) const {
    OrtStatus* status = reinterpret_cast<OrtStatus* (*)(Arguments...)>(members_[place])(arguments...);
    if (status == nullptr) return;
    const std::string message = reinterpret_cast<const char* (*)(const OrtStatus*)>(members_[2])(status);
    release<93>(status);
    throw unusable_model("ONNX Runtime: " + message);
  }

  template <std::size_t place, typename Object>
  void release(Object* object) const noexcept {
    reinterpret_cast<void (*)(Object*)>(members_[place])(object);
  }

 private:
  void* const* members_ = nullptr;
  std::string version_;
};

// Places in OrtApi of onnxruntime_c_api.h.
constexpr std::size_t create_env = 3, create_session_from_array = 8, run_session = 9, create_session_options = 10,
                      set_log_severity = 22, set_intra_threads = 24, set_inter_threads = 25, input_count = 30,
                      output_count = 31, input_type = 33, output_type = 34, input_name = 36, output_name = 37,
                      create_tensor = 49, cast_to_tensor_info = 55, element_type = 60, dimension_count = 61,
                      dimensions = 62, create_cpu_memory_info = 69, allocator_free = 76, default_allocator = 78,
                      release_env = 92, release_memory_info = 94, release_session = 95, release_value = 96,
                      release_type_info = 98, release_session_options = 100;

template <std::size_t place, typename Object>
struct Releaser {
  const Api* api;
  void operator()(Object* object) const noexcept { api->release<place>(object); }
};
template <std::size_t place, typename Object>
using Owned = std::unique_ptr<Object, Releaser<place, Object>>;

struct GraphValue {
  std::string name;
  int dtype = 0;
  std::vector<std::int64_t> shape;
};

/// Shape without the batch dimension, which must be the only free one.
std::vector<std::size_t> row_shape(const GraphValue& value, std::size_t rank) {
  bool is_right = value.dtype == element_float && !value.shape.empty() && value.shape[0] < 0;
  std::vector<std::size_t> row;
  for (std::size_t i = 1; i < value.shape.size(); i++) {
    is_right = is_right && value.shape[i] > 0;
    row.push_back(static_cast<std::size_t>(value.shape[i]));
  }
  if (!is_right || (rank != 0 && row.size() != rank)) {
    std::string shape;
    for (const std::int64_t size : value.shape) shape += (shape.empty() ? "" : ", ") + (size < 0 ? "?" : std::to_string(size));
    throw unusable_model("`" + value.name + "` is of element type " + std::to_string(value.dtype) + " and shape [" + shape +
                         "]; it must be float32 [batch, " + (rank == 1 ? "n]" : "…]"));
  }
  return row;
}

class OnnxRuntime final : public Backend {
 public:
  OnnxRuntime(const std::string& library, std::string_view model)
      : api_(library), env_(nullptr, {&api_}), session_(nullptr, {&api_}), memory_(nullptr, {&api_}) {
    OrtEnv* env = nullptr;
    constexpr int errors_only = 3;
    api_.call<create_env>(errors_only, "driftline", &env);
    env_.reset(env);
    OrtMemoryInfo* memory = nullptr;
    api_.call<create_cpu_memory_info>(0, 0, &memory);
    memory_.reset(memory);
    OrtSessionOptions* made = nullptr;
    api_.call<create_session_options>(&made);
    const Owned<release_session_options, OrtSessionOptions> options(made, {&api_});
    // Rows are shared among threads by the caller: no network here is large enough to share one row.
    api_.call<set_intra_threads>(options.get(), 1);
    api_.call<set_inter_threads>(options.get(), 1);
    api_.call<set_log_severity>(options.get(), errors_only);
    OrtSession* session = nullptr;
    api_.call<create_session_from_array>(static_cast<const OrtEnv*>(env), static_cast<const void*>(model.data()),
                                         model.size(), static_cast<const OrtSessionOptions*>(options.get()), &session);
    session_.reset(session);
    name = "ONNX Runtime " + api_.version();
    read_signature();
  }

  void run(const float* feature_values, const float* latent_values, float* output_values,
           std::size_t rows) const override {
    const auto count = static_cast<std::int64_t>(rows);
    const auto x = tensor(feature_values, {count, static_cast<std::int64_t>(feature_width)});
    const auto z = latent_width == 0 ? Owned<release_value, OrtValue>(nullptr, {&api_})
                                     : tensor(latent_values, {count, static_cast<std::int64_t>(latent_width)});
    std::vector<std::int64_t> shape = {count};
    for (const std::size_t size : output_shape) shape.push_back(static_cast<std::int64_t>(size));
    // The runtime writes into the caller's memory, and refuses where its output has another shape.
    const auto y = tensor(output_values, shape);
    const std::array<const char*, 2> names = {features.c_str(), "latent"};
    const std::array<const OrtValue*, 2> values = {x.get(), z.get()};
    const std::array<const char*, 1> outputs = {output.c_str()};
    std::array<OrtValue*, 1> results = {y.get()};
    api_.call<run_session>(session_.get(), static_cast<const void*>(nullptr), names.data(), values.data(),
                           std::size_t{latent_width == 0 ? 1U : 2U}, outputs.data(), std::size_t{1}, results.data());
  }

 private:
  Owned<release_value, OrtValue> tensor(const float* values, const std::vector<std::int64_t>& shape) const {
    std::size_t bytes = sizeof(float);
    for (const std::int64_t size : shape) bytes *= static_cast<std::size_t>(size);
    OrtValue* made = nullptr;
    api_.call<create_tensor>(static_cast<const OrtMemoryInfo*>(memory_.get()),
                             static_cast<void*>(const_cast<float*>(values)), bytes, shape.data(), shape.size(),
                             element_float, &made);
    return {made, {&api_}};
  }

  void read_signature() {
    std::size_t inputs = 0, outputs = 0;
    const OrtSession* session = session_.get();
    api_.call<input_count>(session, &inputs);
    api_.call<output_count>(session, &outputs);
    std::size_t found = 0;
    for (std::size_t i = 0; i < inputs; i++) {
      const GraphValue value = describe<input_name, input_type>(i);
      if (value.name == "latent") {
        latent_width = row_shape(value, 1).front();
      } else {
        found++;
        features = value.name;
        feature_width = row_shape(value, 1).front();
      }
    }
    if (found != 1 || outputs != 1)
      throw unusable_model("it must have one input besides `latent` and one output; it has " + std::to_string(inputs) +
                           " inputs and " + std::to_string(outputs) + " outputs");
    const GraphValue value = describe<output_name, output_type>(0);
    output = value.name;
    output_shape = row_shape(value, 0);
  }

  template <std::size_t get_name, std::size_t get_type>
  GraphValue describe(std::size_t i) const {
    const OrtSession* session = session_.get();
    GraphValue value;
    OrtAllocator* allocator = nullptr;
    api_.call<default_allocator>(&allocator);
    char* text = nullptr;
    api_.call<get_name>(session, i, allocator, &text);
    value.name = text;
    api_.call<allocator_free>(allocator, static_cast<void*>(text));
    OrtTypeInfo* made = nullptr;
    api_.call<get_type>(session, i, &made);
    const Owned<release_type_info, OrtTypeInfo> type(made, {&api_});
    const OrtTensorInfo* info = nullptr;
    api_.call<cast_to_tensor_info>(static_cast<const OrtTypeInfo*>(made), &info);
    if (info == nullptr) return value;  // no tensor: refused by row_shape
    api_.call<element_type>(info, &value.dtype);
    std::size_t rank = 0;
    api_.call<dimension_count>(info, &rank);
    value.shape.resize(rank);
    api_.call<dimensions>(info, value.shape.data(), rank);
    return value;
  }

  Api api_;
  Owned<release_env, OrtEnv> env_;
  Owned<release_session, OrtSession> session_;
  Owned<release_memory_info, OrtMemoryInfo> memory_;
};

}  // namespace

std::unique_ptr<const Backend> open_onnx_runtime(const std::string& library, std::string_view model) {
  refuse_external_data(model, "model.onnx");
  return std::make_unique<OnnxRuntime>(library, model);
}

}  // namespace driftline
