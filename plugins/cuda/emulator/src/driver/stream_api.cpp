// Streams, events and graphs.
#include "state.h"

using namespace emu;

EMU_API CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    if (stream == nullptr || flags > STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
    *stream = new Stream{c, flags, priority, {}, {}};
    return CUDA_SUCCESS;
}
EMU_API CUresult cuStreamCreate(CUstream *stream, unsigned flags) { return cuStreamCreateWithPriority(stream, flags, 0); }

EMU_API CUresult cuStreamDestroy_v2(CUstream handle) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (t.stream == &t.context->legacy) return CUDA_ERROR_INVALID_HANDLE;
    if (t.stream->capture) {
        invalidate(*t.stream);
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    delete t.stream;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuStreamSynchronize(CUstream handle) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (t.stream->capture) {
        invalidate(*t.stream);
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    const std::lock_guard<std::mutex> lock(t.stream->running);
    return CUDA_SUCCESS;
}
EMU_API CUresult cuStreamQuery(CUstream handle) { return cuStreamSynchronize(handle); }

EMU_API CUresult cuStreamGetFlags(CUstream handle, unsigned *flags) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    *flags = t.stream->flags;
    return CUDA_SUCCESS;
}
EMU_API CUresult cuStreamGetPriority(CUstream handle, int *priority) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    *priority = t.stream->priority;
    return CUDA_SUCCESS;
}
EMU_API CUresult cuStreamGetCtx(CUstream handle, CUcontext *context) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    *context = t.stream->context;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuLaunchHostFunc(CUstream handle, void (*function)(void *), void *data) {
    if (function == nullptr) return CUDA_ERROR_INVALID_VALUE;
    return submit_to(handle, [=] { function(data); });
}

EMU_API CUresult cuEventCreate(CUevent *event, unsigned flags) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    if (event == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *event = new Event{flags, false, {}, {}};
    return CUDA_SUCCESS;
}

EMU_API CUresult cuEventDestroy_v2(CUevent event) {
    if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    delete event;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuEventRecord(CUevent event, CUstream handle) {
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    event->recorded = true;
    event->capture = t.stream->capture;
    if (event->capture) return CUDA_SUCCESS;
    return submit(*t.stream, [event] { event->time = std::chrono::steady_clock::now(); });
}

EMU_API CUresult cuEventRecordWithFlags(CUevent event, CUstream handle, unsigned) { return cuEventRecord(event, handle); }

EMU_API CUresult cuEventSynchronize(CUevent event) {
    if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    return event->capture ? CUDA_ERROR_CAPTURED_EVENT : CUDA_SUCCESS;
}
EMU_API CUresult cuEventQuery(CUevent event) { return cuEventSynchronize(event); }

EMU_API CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent start, CUevent end) {
    if (start == nullptr || end == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (start->capture || end->capture) return CUDA_ERROR_CAPTURED_EVENT;
    if (!start->recorded || !end->recorded) return CUDA_ERROR_INVALID_HANDLE;
    if (((start->flags | end->flags) & EVENT_DISABLE_TIMING) != 0) return CUDA_ERROR_INVALID_HANDLE;
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
    return CUDA_SUCCESS;
}
EMU_API CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
    return cuEventElapsedTime_v2(milliseconds, start, end);
}

EMU_API CUresult cuGraphCreate(CUgraph *graph, unsigned) {
    *graph = new Graph;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuGraphDestroy(CUgraph graph) {
    if (graph == nullptr) return CUDA_ERROR_INVALID_VALUE;
    delete graph;
    return CUDA_SUCCESS;
}

// Only the number of nodes is known.
EMU_API CUresult cuGraphGetNodes(CUgraph graph, void **nodes, size_t *count) {
    if (graph == nullptr || count == nullptr) return CUDA_ERROR_INVALID_VALUE;
    if (nodes != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
    *count = graph->nodes.size();
    return CUDA_SUCCESS;
}

EMU_API CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long) {
    Context *c = nullptr;
    EMU_CHECK(current(&c));
    if (exec == nullptr || graph == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *exec = new GraphExec{graph->nodes};
    return CUDA_SUCCESS;
}
EMU_API CUresult cuGraphInstantiate(CUgraphExec *exec, CUgraph graph, unsigned long long flags) {
    return cuGraphInstantiateWithFlags(exec, graph, flags);
}

EMU_API CUresult cuGraphExecDestroy(CUgraphExec exec) {
    if (exec == nullptr) return CUDA_ERROR_INVALID_VALUE;
    delete exec;
    return CUDA_SUCCESS;
}

EMU_API CUresult cuGraphUpload(CUgraphExec exec, CUstream handle) {
    return exec == nullptr ? CUDA_ERROR_INVALID_VALUE : target(handle).result;
}

EMU_API CUresult cuGraphLaunch(CUgraphExec exec, CUstream handle) {
    if (exec == nullptr) return CUDA_ERROR_INVALID_VALUE;
    // In a capture it becomes part of the new graph, which may outlive it.
    const Target t = target(handle);
    EMU_CHECK(t.result);
    if (t.stream->capture) {
        for (const Operation &node : exec->nodes) EMU_CHECK(submit(*t.stream, node));
        return CUDA_SUCCESS;
    }
    return submit(*t.stream, [exec] {
        for (const Operation &node : exec->nodes) node();
    });
}
