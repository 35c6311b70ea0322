#include "state.h"

#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <string>

#include "../facts.h"

namespace emu {

namespace {

std::atomic<bool> started{false};
std::mutex captures_mutex;
std::vector<std::shared_ptr<Capture>> &captures() {
    static auto *all = new std::vector<std::shared_ptr<Capture>>;
    return *all;
}

// Thread-local variables start with something other than 0: see poison_static_shared.
Context *nobody() { return reinterpret_cast<Context *>(1); }
thread_local Context *bound = reinterpret_cast<Context *>(1);

// As the driver reads CUDA_VISIBLE_DEVICES: numbers or starts of UUIDs, up to the first that names nothing.
std::vector<int> visible() {
    std::vector<int> all;
    const int count = device_count();
    const char *text = getenv("CUDA_VISIBLE_DEVICES");
    if (text == nullptr) {
        for (int i = 0; i < count; ++i) all.push_back(i);
        return all;
    }
    for (std::string rest = text; !rest.empty();) {
        const std::string item = rest.substr(0, rest.find(','));
        rest = item.size() < rest.size() ? rest.substr(item.size() + 1) : "";
        int found = -1;
        for (int i = 0; i < count; ++i)
            if (item == std::to_string(i) || (item.size() > 4 && uuid_text(i).compare(0, item.size(), item) == 0))
                found = i;
        if (found < 0 || std::find(all.begin(), all.end(), found) != all.end()) break;
        all.push_back(found);
    }
    return all;
}

} // namespace

bool initialized() { return started.load(); }

std::vector<Context *> &devices() {
    static auto *all = new std::vector<Context *>;
    return *all;
}

void initialize() {
    static std::once_flag once;
    std::call_once(once, [] {
        for (int index : visible()) devices().push_back(new Context(index, memory_bytes()));
        started.store(true);
    });
}

Context *device(CUdevice ordinal) {
    if (ordinal < 0 || static_cast<size_t>(ordinal) >= devices().size()) return nullptr;
    return devices()[static_cast<size_t>(ordinal)];
}

CUresult current(Context **context) {
    if (!initialized()) return CUDA_ERROR_NOT_INITIALIZED;
    if (bound == nobody()) return CUDA_ERROR_INVALID_CONTEXT;
    if (bound->users.load() == 0) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    *context = bound;
    return CUDA_SUCCESS;
}

void set_current(Context *context) { bound = context == nullptr ? nobody() : context; }

Context *holder(CUdeviceptr address, size_t bytes) {
    for (Context *c : devices())
        if (c->memory.holds(address, bytes)) return c;
    return nullptr;
}

Stream *stream_of(CUstream handle, Context *context) {
    // NULL, and the names of the two default streams.
    const uintptr_t value = reinterpret_cast<uintptr_t>(handle);
    return value <= 2 ? &context->legacy : handle;
}

CUresult check_not_capturing() {
    const std::lock_guard<std::mutex> lock(captures_mutex);
    bool found = false;
    for (const auto &c : captures()) {
        const bool mine = c->thread == std::this_thread::get_id();
        if (c->mode == CAPTURE_RELAXED || (c->mode == CAPTURE_THREAD_LOCAL && !mine)) continue;
        found = c->invalid = true;
    }
    return found ? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED : CUDA_SUCCESS;
}

void invalidate(Stream &stream) {
    const std::lock_guard<std::mutex> lock(captures_mutex);
    if (stream.capture) stream.capture->invalid = true;
}

CUresult submit(Stream &stream, Operation operation) {
    {
        const std::lock_guard<std::mutex> lock(captures_mutex);
        if (stream.capture) {
            if (stream.capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
            stream.capture->nodes.push_back(std::move(operation));
            return CUDA_SUCCESS;
        }
        if (&stream == &stream.context->legacy) {
            bool found = false;
            for (const auto &c : captures())
                if (c->origin->context == stream.context && (c->origin->flags & STREAM_NON_BLOCKING) == 0)
                    found = c->invalid = true;
            if (found) return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
        }
    }
    const std::lock_guard<std::mutex> lock(stream.running);
    operation();
    return CUDA_SUCCESS;
}

CUresult submit_to(CUstream handle, std::function<void()> operation) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    return submit(*t.stream, std::move(operation));
}

Target target(CUstream handle) {
    Target t;
    t.result = current(&t.context);
    if (t.result == CUDA_SUCCESS) t.stream = stream_of(handle, t.context);
    return t;
}

} // namespace emu

using namespace emu;

EMU_API CUresult cuStreamBeginCapture_v2(CUstream handle, unsigned mode) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (t.stream == &t.context->legacy) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    if (mode > CAPTURE_RELAXED) return CUDA_ERROR_INVALID_VALUE;
    const std::lock_guard<std::mutex> lock(captures_mutex);
    if (t.stream->capture) return CUDA_ERROR_ILLEGAL_STATE;
    auto c = std::make_shared<Capture>();
    c->origin = t.stream;
    c->thread = std::this_thread::get_id();
    c->mode = mode;
    c->streams.push_back(t.stream);
    t.stream->capture = c;
    captures().push_back(std::move(c));
    return CUDA_SUCCESS;
}

EMU_API CUresult cuStreamEndCapture(CUstream handle, CUgraph *graph) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (graph == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *graph = nullptr;
    const std::lock_guard<std::mutex> lock(captures_mutex);
    const std::shared_ptr<Capture> c = t.stream->capture;
    if (!c) return CUDA_ERROR_ILLEGAL_STATE;
    if (c->origin != t.stream) return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    if (c->mode != CAPTURE_RELAXED && c->thread != std::this_thread::get_id())
        return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    for (Stream *s : c->streams) s->capture.reset();
    captures().erase(std::find(captures().begin(), captures().end(), c));
    if (c->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    *graph = new Graph{std::move(c->nodes)};
    return CUDA_SUCCESS;
}

EMU_API CUresult cuStreamIsCapturing(CUstream handle, int *status) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (status == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const std::lock_guard<std::mutex> lock(captures_mutex);
    const auto &c = t.stream->capture;
    *status = !c ? CAPTURE_NONE : c->invalid ? CAPTURE_INVALIDATED : CAPTURE_ACTIVE;
    return CUDA_SUCCESS;
}

// The stream waits for the event: as everything is done in order, only a capture has to know.
EMU_API CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    const std::lock_guard<std::mutex> lock(captures_mutex);
    const auto &of_event = event->capture;
    const auto &of_stream = t.stream->capture;
    if (of_event == of_stream || !event->recorded) return CUDA_SUCCESS;
    if (of_stream) {
        // What is outside of a capture cannot be waited for in it.
        of_stream->invalid = true;
        return of_event ? CUDA_ERROR_STREAM_CAPTURE_MERGE : CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    }
    if (t.stream == &t.context->legacy) return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    t.stream->capture = of_event;
    of_event->streams.push_back(t.stream);
    return CUDA_SUCCESS;
}
