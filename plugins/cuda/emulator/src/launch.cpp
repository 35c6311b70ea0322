// The list of kernels, and how the blocks of a launch are spread over threads of the host.
#include "emu/launch.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "emu/runtime.h"
#include "pool.h"

namespace emu {

namespace {

// Not a plain global: registrars of other files may run before it would be constructed.
struct Registry {
    std::map<std::string, Kernel> by_name;
    std::map<void (*)(), const char *> names;
};
Registry &registry() {
    static Registry *all = new Registry;
    return *all;
}

std::atomic<uint64_t> order{~0ull}; // 0: forward, 1: reverse, ~0: not yet known, else a seed

uint64_t parse_order(const char *text) {
    if (text == nullptr || *text == 0 || std::string(text) == "forward") return 0;
    if (std::string(text) == "reverse") return 1;
    char *end = nullptr;
    const uint64_t seed = strtoull(text, &end, 10);
    if (*end != 0) {
        fprintf(stderr, "KOBENCH_EMU_ORDER is \"%s\", but must be forward, reverse or a number\n", text);
        abort();
    }
    return 2 + seed % (uint64_t(1) << 62);
}

uint64_t current_order() {
    uint64_t o = order.load();
    if (o == ~0ull) {
        o = parse_order(getenv("KOBENCH_EMU_ORDER"));
        order.store(o);
    }
    return o;
}

uint64_t mix(uint64_t v) {
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ull;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebull;
    return v ^ (v >> 31);
}

// Where the calling thread has the static shared memory of all kernels.
struct Storage {
    unsigned char *start;
    size_t bytes;
    unsigned launches;
    std::set<void (*)()> *ran; // the kernels that the thread has run
};
unsigned char UNKNOWN;
thread_local Storage storage = {&UNKNOWN, 1, 0, nullptr};

Storage find_storage() {
    Storage found = {nullptr, 0, 0, new std::set<void (*)()>};
    dl_iterate_phdr(
        [](dl_phdr_info *info, size_t, void *result) {
            const uintptr_t here = reinterpret_cast<uintptr_t>(&order);
            bool mine = false;
            for (int i = 0; i < info->dlpi_phnum; ++i) {
                const auto &h = info->dlpi_phdr[i];
                const uintptr_t at = info->dlpi_addr + h.p_vaddr;
                mine = mine || (h.p_type == PT_LOAD && here >= at && here < at + h.p_memsz);
            }
            for (int i = 0; mine && i < info->dlpi_phnum; ++i) {
                const auto &h = info->dlpi_phdr[i];
                // Variables are aligned to their elements: from an even address on, each gets the pattern whole.
                const size_t from = (h.p_filesz + 1) / 2 * 2;
                if (h.p_type != PT_TLS || info->dlpi_tls_data == nullptr || h.p_memsz <= from) continue;
                static_cast<Storage *>(result)->start = static_cast<unsigned char *>(info->dlpi_tls_data) + from;
                static_cast<Storage *>(result)->bytes = h.p_memsz - from;
            }
            return mine ? 1 : 0;
        },
        &found);
    return found;
}

// Static shared memory is thread-local storage of the module that the kernels (and this file) are in. Before a
// launch its uninitialised part is filled, so that what a kernel does not write itself is no valid number.
// Thread-local variables of the emulator have an initial value other than 0, which keeps them out of that part.
// It is that of all kernels, and filling it would take longer than most launches: it is done when a thread runs
// a kernel for the first time, and now and then.
void poison_static_shared(void (*kernel)()) {
    if (storage.start == &UNKNOWN) storage = find_storage();
    const bool first = storage.ran->insert(kernel).second;
    if (storage.bytes > 0 && (first || ++storage.launches % 16 == 0)) fill_poison(storage.start, storage.bytes);
}

// The blocks of one launch.
class Blocks : public Work {
  public:
    explicit Blocks(const Launch &launch)
        : launch_(launch), total_(uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z), order_(current_order()) {
        if (order_ > 1) {
            start_ = mix(order_) % total_;
            stride_ = mix(order_ + 1) % total_;
            while (std::gcd(stride_, total_) != 1) ++stride_;
        }
    }
    bool left() const override { return next_.load() < total_; }
    void run(const std::function<void()> &between) override {
        poison_static_shared(launch_.kernel->function);
        Arena *arena = take_arena();
        for (uint64_t i; (i = next_++) < total_;) {
            const uint64_t n = number(i);
            const uint64_t xy = uint64_t(launch_.grid.x) * launch_.grid.y;
            const uint3 index = {static_cast<unsigned>(n % launch_.grid.x),
                                 static_cast<unsigned>(n % xy / launch_.grid.x), static_cast<unsigned>(n / xy)};
            run_block(*arena, launch_, index, order_ <= 1 ? order_ : mix(order_ ^ mix(n)) | 2);
            between();
        }
        give_back(arena);
    }

  private:
    uint64_t number(uint64_t i) const {
        if (order_ == 0) return i;
        if (order_ == 1) return total_ - 1 - i;
        return static_cast<uint64_t>((static_cast<unsigned __int128>(i) * stride_ + start_) % total_);
    }

    const Launch &launch_;
    const uint64_t total_;
    const uint64_t order_;
    uint64_t start_ = 0, stride_ = 1;
    std::atomic<uint64_t> next_{0};
};

} // namespace

void set_order(const char *text) { order.store(parse_order(text)); }

void register_kernel(const Kernel &kernel) {
    if (!registry().by_name.emplace(kernel.name, kernel).second) {
        fprintf(stderr, "emulated device: two kernels are called %s\n", kernel.name);
        abort();
    }
    registry().names[kernel.function] = kernel.name;
}

const Kernel *find_kernel(const std::string &name) {
    const auto found = registry().by_name.find(name);
    return found == registry().by_name.end() ? nullptr : &found->second;
}

const char *name_of(void (*function)()) {
    const auto found = registry().names.find(function);
    return found == registry().names.end() ? "(without a name)" : found->second;
}

void run(const Launch &launch) {
    const uint64_t threads = uint64_t(launch.block.x) * launch.block.y * launch.block.z;
    if (threads == 0 || threads > MAX_THREADS || launch.shared_bytes > (size_t(227) << 10)) {
        fprintf(stderr, "emulated device: kernel %s cannot run with %llu threads a block and %zu bytes\n",
                launch.kernel->name, static_cast<unsigned long long>(threads), launch.shared_bytes);
        abort();
    }
    if (launch.grid.x == 0 || launch.grid.y == 0 || launch.grid.z == 0) {
        fprintf(stderr, "emulated device: kernel %s has an empty grid\n", launch.kernel->name);
        abort();
    }
    Blocks blocks(launch);
    share(blocks);
}

} // namespace emu
