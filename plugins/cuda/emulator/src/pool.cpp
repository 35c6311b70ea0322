#include "pool.h"

#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace emu {

namespace {

class Helpers {
  public:
    Helpers() {
        const char *text = getenv("KOBENCH_EMU_THREADS");
        const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
        const unsigned threads =
            text != nullptr && atoi(text) > 0 ? static_cast<unsigned>(atoi(text)) : std::min(4u, cores);
        count_ = threads - 1;
        for (unsigned i = 0; i < count_; ++i) std::thread([this] { serve(); }).detach();
    }
    // False if the helpers are busy with what another thread has offered, or there are none.
    bool offer(Work &work) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (count_ == 0 || work_ != nullptr || working_ > 0) return false;
        work_ = &work;
        wake_.notify_all();
        return true;
    }
    // Waits until no helper has anything to do with the work that was offered.
    void retract() {
        std::unique_lock<std::mutex> lock(mutex_);
        work_ = nullptr;
        done_.wait(lock, [this] { return working_ == 0; });
    }

  private:
    void serve() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return work_ != nullptr && work_->left(); });
            Work &work = *work_;
            ++working_;
            lock.unlock();
            work.run([] {});
            lock.lock();
            if (--working_ == 0) done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    Work *work_ = nullptr;
    unsigned working_ = 0;
    unsigned count_ = 0;
};

Helpers &helpers() {
    static Helpers *all = new Helpers; // never destroyed: its threads run until the process ends
    return *all;
}

class Range : public Work {
  public:
    Range(size_t count, const std::function<void(size_t)> &f) : count_(count), f_(f) {}
    bool left() const override { return next_.load() < count_; }
    void run(const std::function<void()> &between) override {
        for (size_t i; (i = next_++) < count_;) {
            f_(i);
            between();
        }
    }

  private:
    const size_t count_;
    const std::function<void(size_t)> &f_;
    std::atomic<size_t> next_{0};
};

} // namespace

void share(Work &work) {
    using Clock = std::chrono::steady_clock;
    // Waking other threads costs more than most of what a test does, so that is done once it has turned out
    // that this takes long.
    bool offered = false, refused = false;
    const Clock::time_point start = Clock::now();
    work.run([&] {
        if (offered || refused || Clock::now() - start < std::chrono::microseconds(50)) return;
        offered = work.left() && helpers().offer(work);
        refused = !offered;
    });
    if (offered) helpers().retract();
}

void parallel_for(size_t count, const std::function<void(size_t)> &f) {
    Range range(count, f);
    share(range);
}

} // namespace emu
