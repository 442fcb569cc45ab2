// A catalogue behind a server, over HTTP by libcurl.
//
// libcurl is opened when a URL first is: it brings thirty libraries along, which a job on a snapshot does not need.

#include "source.hpp"

#include <driftline/error.hpp>

#ifndef DRIFTLINE_HTTP

namespace driftline {

std::shared_ptr<const Source> open_server(const std::string& url, const OpenOptions&) {
  throw Error("usage", "Asking " + url + ": this driftline was built without libcurl.", "url",
              "Install libcurl's headers and build it again, or use a snapshot (`driftline snapshot`).");
}

}  // namespace driftline

#else

#include "json.hpp"
#include "manifest.hpp"
#include "once.hpp"
#include "sha256.hpp"
#include "text.hpp"

#include <curl/curl.h>
#include <dlfcn.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace driftline {
namespace {

struct Curl {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) init;
  decltype(&curl_easy_cleanup) cleanup;
  CURLcode (*setopt)(CURL*, CURLoption, ...);
  CURLcode (*getinfo)(CURL*, CURLINFO, ...);
  decltype(&curl_easy_perform) perform;
  decltype(&curl_easy_strerror) strerror;
  decltype(&curl_slist_append) append;
  decltype(&curl_slist_free_all) free_all;
};

template <typename Function>
void take(void* handle, const char* name, Function& function) {
  void* symbol = dlsym(handle, name);
  if (symbol == nullptr) throw Error("usage", std::string("libcurl has no ") + name + ".", "url", "Install libcurl 7.20 or newer.");
  function = reinterpret_cast<Function>(symbol);
}

Curl open_curl() {
  void* handle = nullptr;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"})
    if (handle == nullptr) handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr)
    throw Error("usage", std::string("Opening libcurl: ") + dlerror() + ".", "url", "Install libcurl, or use a snapshot.");
  Curl curl{};
  take(handle, "curl_global_init", curl.global_init);
  take(handle, "curl_easy_init", curl.init);
  take(handle, "curl_easy_cleanup", curl.cleanup);
  take(handle, "curl_easy_setopt", curl.setopt);
  take(handle, "curl_easy_getinfo", curl.getinfo);
  take(handle, "curl_easy_perform", curl.perform);
  take(handle, "curl_easy_strerror", curl.strerror);
  take(handle, "curl_slist_append", curl.append);
  take(handle, "curl_slist_free_all", curl.free_all);
  curl.global_init(CURL_GLOBAL_DEFAULT);
  return curl;
}

constexpr std::size_t max_body_bytes = std::size_t{4} << 30;

std::size_t keep_body(char* data, std::size_t size, std::size_t count, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + size * count > max_body_bytes) return 0;
  text.append(data, size * count);
  return size * count;
}

struct Reply {
  long status = 0;
  std::string body;
  /// Seconds after which a full server wants to be asked again; negative where it says nothing.
  long retry_after = -1;
};

/// Letters, digits and -._~ stay; so a name cannot leave its place in a path.
std::string encoded(const std::string& text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                          std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  // These mean something to URLs even when encoded.
  return out == "." || out == ".." ? out + "%20" : out;
}

class Server final : public Source, public BundleFiles, public std::enable_shared_from_this<Server> {
  template <typename Read>
  auto understood(const Read& read) const {
    try {
      return read();
    } catch (const Json::exception& error) {
      throw unreachable(std::string("its answer is not as this client knows it: ") + error.what());
    } catch (const std::invalid_argument& error) {
      throw unreachable(std::string("its answer is not as this client knows it: ") + error.what());
    }
  }

 public:
  Server(std::string url, const OpenOptions& options) : url_(std::move(url)), patience_(options.patience_seconds), curl_(open_curl()) {
    const char* token = std::getenv("DRIFTLINE_TOKEN");
    token_ = !options.token.empty() ? options.token : token != nullptr ? token : "";
    const std::size_t host = url_.find("://") + 3;
    const bool is_http = url_.compare(0, 7, "http://") == 0 || url_.compare(0, 8, "https://") == 0;
    if (!is_http || url_.find('@', host) < url_.find('/', host) || url_.find_first_of("?#") != std::string::npos)
      throw Error("usage", "\"" + url_ + "\" is not the URL of a Driftline server.", "url",
                  "Give a URL such as http://127.0.0.1:8080, without a user's name or password.");
    if (url_.back() != '/') url_ += '/';
  }

  std::vector<Family> families() const override { return *known(); }

  Family family(const std::string& name, std::int64_t version) const override {
    std::vector<std::string> names;
    for (const Family& each : *known()) {
      if (each.name == name && (version == 0 || each.version == version)) return each;
      names.push_back(each.name);
    }
    throw unknown_family(name, names, where());
  }

  Answer resolve(const std::string& name, const Given& given, Accept accept) const override {
    // The server's questions are JSON; what is no text or number is refused here, as its own words would be.
    const Question question = family(name, 0).question(given);
    const Json body = {{"conditions", question.conditions.empty() ? Json::object() : Json(question.conditions)},
                       {"software", question.software.empty() ? Json::object() : Json(question.software)},
                       {"accept", accept == Accept::exact ? "exact" : "compatible"}};
    const Reply reply = send("v1/families/" + encoded(name) + "/resolve", body.dump());
    const Json json = json_of(reply);
    return understood([&]() -> Answer {
      const auto found = json.find("found");
      if (found == json.end() || !found->is_boolean()) throw refusal(reply, json);
      if (!found->get<bool>()) throw miss(name, json, accept);
      const Json& model = json.at("model");
      Match match{json.at("question").at("key").get<std::string>(), json.at("match").get<std::string>(),
                  json.at("distance").get<double>()};
      if (match.key != question.key) throw std::invalid_argument("it answers another question than was asked");
      return {model.at("bundle").get<std::string>(), match, model.at("key").get<std::string>(), name,
              differences_of(json.at("differences"))};
    });
  }

  Bundle bundle(const std::string& prefix) const override {
    check_digest_prefix(prefix);
    std::string digest = prefix;
    if (digest.size() < 64) {
      const Reply reply = send("v1/models/" + encoded(prefix));
      const Json json = json_of(reply);
      if (reply.status != 200) throw refusal(reply, json);
      digest = understood([&] { return json.at("bundle").get<std::string>(); });
    }
    return {parse_manifest(file(digest, "bundle.json"), digest.substr(0, 12) + " from " + url_, digest), shared_from_this()};
  }

  std::string read(const Manifest& manifest, const BundleFile& entry) const override { return file(manifest.digest, entry.path); }
  std::string identity() const override { return url_; }
  std::string where() const override { return "The server " + url_; }

 private:
  std::shared_ptr<const std::vector<Family>> known() const {
    return families_.get([&] {
      const Reply reply = send("v1/families");
      const Json json = json_of(reply);
      if (reply.status != 200) throw refusal(reply, json);
      return understood([&] {
        std::vector<Family> all;
        for (const Json& each : json.at("families")) all.push_back(Family::from_json(each.dump()));
        return all;
      });
    });
  }

  std::string file(const std::string& digest, const std::string& path) const {
    std::string place = "v1/models/" + encoded(digest) + "/files";
    for (std::size_t at = 0; at <= path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      place += "/" + encoded(path.substr(at, end - at));
      at = end + 1;
    }
    Reply reply = send(place);
    if (reply.status != 200) throw refusal(reply, json_of(reply));
    return std::move(reply.body);
  }

  Error unreachable(const std::string& reason) const {
    return Error("unreachable", "No usable answer from the Driftline server at " + url_ + ": " + reason, "url",
                 "Check the URL, and that `driftline serve` runs there (curl " + url_ + "healthz).");
  }

  Json json_of(const Reply& reply) const {
    try {
      return parse_json(reply.body);
    } catch (const std::invalid_argument&) {
      throw unreachable("it answered " + std::to_string(reply.status) + " without JSON");
    }
  }

  /// The server's error (a problem document, RFC 9457), made one again.
  Error refusal(const Reply& reply, const Json& json) const {
    if (!json.is_object() || !json.contains("code") || !json.contains("detail"))
      return unreachable("it answered " + std::to_string(reply.status) + ", not as a Driftline server");
    return Error(text_or_empty(json, "code"), text_or_empty(json, "detail"), text_or_empty(json, "field"), text_or_empty(json, "remedy"), json.dump());
  }

  static std::vector<Difference> differences_of(const Json& members) {
    std::vector<Difference> all;
    for (const Json& each : members) {
      Difference difference{each.at("name").get<std::string>(), each.at("asked").get<std::string>(), each.at("has").get<std::string>(), {}, {}, {},
                            each.at("fits").get<bool>(), each.at("reason").get<std::string>()};
      if (const Json& unit = each.at("unit"); !unit.is_null()) difference.unit = unit.get<std::string>();
      if (const Json& distance = each.at("distance"); !distance.is_null()) difference.distance = distance.get<double>();
      if (const Json& domain = each.at("domain"); !domain.is_null())
        difference.domain = {domain.at("low").get<double>(), domain.at("high").get<double>()};
      all.push_back(std::move(difference));
    }
    return all;
  }

  static Error miss(const std::string& family, const Json& json, Accept accept) {
    std::vector<NearModel> nearest;
    for (const Json& each : json.at("nearest")) {
      const Json& distance = each.at("distance");
      nearest.push_back({each.at("model").at("bundle").get<std::string>(),
                         distance.is_null() ? std::nullopt : std::optional<double>(distance.get<double>()),
                         differences_of(each.at("differences"))});
    }
    return no_model(family, json.at("reason").get<std::string>(), nearest, accept, text_or_empty(json, "fallback"));
  }

  Reply send(const std::string& path, const std::string& body = "") const {
    const auto started = std::chrono::steady_clock::now();
    for (;;) {
      Reply reply = send_once(path, body);
      const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - started;
      // A full server has done nothing, and what is asked of it can be asked twice.
      if (reply.status != 503 || reply.retry_after < 0 || waited.count() >= patience_) return reply;
      std::this_thread::sleep_for(std::chrono::milliseconds(reply.retry_after > 0 ? 1000 * reply.retry_after : 100));
    }
  }

  Reply send_once(const std::string& path, const std::string& body) const {
    const std::unique_ptr<CURL, decltype(curl_.cleanup)> handle(curl_.init(), curl_.cleanup);
    if (handle == nullptr) throw std::bad_alloc();
    const std::string url = url_ + path;
    Reply reply;
    std::unique_ptr<curl_slist, decltype(curl_.free_all)> headers(nullptr, curl_.free_all);
    const auto add_header = [&](const std::string& header) {
      curl_slist* all = curl_.append(headers.get(), header.c_str());
      if (all == nullptr) throw std::bad_alloc();
      (void)headers.release();
      headers.reset(all);
    };
    if (!token_.empty()) add_header("authorization: Bearer " + token_);
    if (!body.empty()) {
      add_header("content-type: application/json");
      curl_.setopt(handle.get(), CURLOPT_POSTFIELDS, body.c_str());
      curl_.setopt(handle.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    }
    curl_.setopt(handle.get(), CURLOPT_URL, url.c_str());
    curl_.setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_.setopt(handle.get(), CURLOPT_WRITEFUNCTION, &keep_body);
    curl_.setopt(handle.get(), CURLOPT_WRITEDATA, &reply.body);
    // Signals belong to the program, not to a library in one of its threads.
    curl_.setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
    curl_.setopt(handle.get(), CURLOPT_CONNECTTIMEOUT, 30L);
    curl_.setopt(handle.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_.setopt(handle.get(), CURLOPT_LOW_SPEED_TIME, 60L);
    const CURLcode done = curl_.perform(handle.get());
    if (done != CURLE_OK) throw unreachable(curl_.strerror(done));
    curl_.getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &reply.status);
    curl_off_t retry_after = -1;
    curl_.getinfo(handle.get(), CURLINFO_RETRY_AFTER, &retry_after);
    // 0 also stands for no such header; a server that is full always says 1 or more.
    reply.retry_after = retry_after > 0 ? static_cast<long>(retry_after) : -1;
    return reply;
  }

  std::string url_, token_;
  double patience_;
  Curl curl_;
  Once<std::vector<Family>> families_;
};

}  // namespace

std::shared_ptr<const Source> open_server(const std::string& url, const OpenOptions& options) {
  return std::make_shared<Server>(url, options);
}

}  // namespace driftline

#endif
