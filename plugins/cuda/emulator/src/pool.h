// Threads of the host that help with long work.
#pragma once

#include <stddef.h>

#include <functional>

namespace emu {

// Something whose parts any number of threads can take one after another.
class Work {
  public:
    virtual ~Work() = default;
    virtual bool left() const = 0;
    // Takes parts until none is left; calls `between` after each.
    virtual void run(const std::function<void()> &between) = 0;
};

// Returns when all parts are done.
void share(Work &work);

// f(0) to f(count - 1).
__attribute__((visibility("default"))) void parallel_for(size_t count, const std::function<void(size_t)> &f);

} // namespace emu
