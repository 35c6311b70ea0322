// What the driver keeps: devices with their contexts, streams, captures and events. All streams are
// synchronous: what is put into one has been done when the call returns, in the thread that called.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cuda.h"
#include "memory.h"

namespace emu {

using Operation = std::function<void()>;

struct Graph {
    std::vector<Operation> nodes;
};
struct GraphExec {
    std::vector<Operation> nodes;
};

// A capture that has begun and not ended. Other streams can join it by waiting for an event of it.
struct Capture {
    Stream *origin;
    std::thread::id thread;
    unsigned mode;
    bool invalid = false;
    std::vector<Operation> nodes;
    std::vector<Stream *> streams;
};

struct Stream {
    Context *context;
    unsigned flags;
    int priority;
    std::mutex running; // held while an operation runs
    std::shared_ptr<Capture> capture;
};

struct Event {
    unsigned flags;
    bool recorded = false;
    std::chrono::steady_clock::time_point time;
    std::shared_ptr<Capture> capture; // it was last recorded in
};

struct Pool {
    Context *context;
    uint64_t release_threshold = 0;
};

struct Context {
    int index; // of the device among all
    std::atomic<int> users{0};
    Memory memory;
    Stream legacy;
    Pool pool;

    Context(int index, size_t capacity) : index(index), memory(capacity), legacy{this, 0, 0, {}, {}}, pool{this} {}
};

// After cuInit; the devices that this process may see (CUDA_VISIBLE_DEVICES), by ordinal.
bool initialized();
void initialize();
std::vector<Context *> &devices();
Context *device(CUdevice ordinal);

// The context of the calling thread, or why there is none.
CUresult current(Context **context);
void set_current(Context *context);

// The device whose memory holds these bytes.
Context *holder(CUdeviceptr address, size_t bytes);

Stream *stream_of(CUstream handle, Context *context);

// What may not be called while a stream is being captured; it ends the capture without a result.
CUresult check_not_capturing();
// Marks the capture that the stream is in.
void invalidate(Stream &stream);

// Does the operation, or keeps it for the graph that the stream is being captured into.
CUresult submit(Stream &stream, Operation operation);

// For cuBLASLt, which is another library.
__attribute__((visibility("default"))) CUresult submit_to(CUstream stream, std::function<void()> operation);

// Both at once: is the handle's context there, and which stream is meant?
struct Target {
    CUresult result;
    Context *context = nullptr;
    Stream *stream = nullptr;
};
Target target(CUstream handle);

} // namespace emu

#define EMU_CHECK(call)                                     \
    do {                                                    \
        const CUresult emu_result = (call);                 \
        if (emu_result != CUDA_SUCCESS) return emu_result; \
    } while (0)
