// Something that is read when it is first asked for, by whichever thread; a failure is not kept.

#pragma once

#include <memory>
#include <mutex>

namespace driftline {

template <typename T>
class Once {
 public:
  template <typename Read>
  std::shared_ptr<const T> get(const Read& read) const {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (known_ == nullptr) known_ = std::make_shared<const T>(read());
    return known_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const T> known_;
};

}  // namespace driftline
