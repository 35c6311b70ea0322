// The driver: memory, launches, graphs.
#include <signal.h>

#include <cmath>
#include <thread>
#include <vector>

#include "check.h"
#include "driver/cuda.h"
#include "kernels.cuh"

extern "C" {
    CUresult cuInit(unsigned);
    CUresult cuDeviceGetCount(int *);
    CUresult cuDeviceGetAttribute(int *, int, CUdevice);
    CUresult cuDevicePrimaryCtxRetain(CUcontext *, CUdevice);
    CUresult cuDevicePrimaryCtxRelease_v2(CUdevice);
    CUresult cuCtxSetCurrent(CUcontext);
    CUresult cuCtxSynchronize();
    CUresult cuGetErrorName(CUresult, const char **);
    CUresult cuMemAlloc_v2(CUdeviceptr *, size_t);
    CUresult cuMemFree_v2(CUdeviceptr);
    CUresult cuMemGetInfo_v2(size_t *, size_t *);
    CUresult cuMemcpyHtoD_v2(CUdeviceptr, const void *, size_t);
    CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr, const void *, size_t, CUstream);
    CUresult cuMemcpyDtoH_v2(void *, CUdeviceptr, size_t);
    CUresult cuMemsetD32Async(CUdeviceptr, unsigned, size_t, CUstream);
    CUresult cuModuleLoadData(CUmodule *, const void *);
    CUresult cuModuleGetFunction(CUfunction *, CUmodule, const char *);
    CUresult cuFuncSetAttribute(CUfunction, int, int);
    CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream,
                            void **, void **);
    CUresult cuStreamCreate(CUstream *, unsigned);
    CUresult cuStreamSynchronize(CUstream);
    CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned);
    CUresult cuStreamBeginCapture_v2(CUstream, unsigned);
    CUresult cuStreamEndCapture(CUstream, CUgraph *);
    CUresult cuStreamIsCapturing(CUstream, int *);
    CUresult cuEventCreate(CUevent *, unsigned);
    CUresult cuEventRecord(CUevent, CUstream);
    CUresult cuEventSynchronize(CUevent);
    CUresult cuEventElapsedTime_v2(float *, CUevent, CUevent);
    CUresult cuGraphInstantiateWithFlags(CUgraphExec *, CUgraph, unsigned long long);
    CUresult cuGraphLaunch(CUgraphExec, CUstream);
    CUresult cuGraphDestroy(CUgraph);
    CUresult cuGraphExecDestroy(CUgraphExec);
}

namespace {

#define OK(call) CHECK((call) == CUDA_SUCCESS)

struct Session {
    CUcontext context;
    CUmodule module;
    CUstream stream;
    explicit Session(CUdevice device = 0) {
        OK(cuInit(0));
        OK(cuDevicePrimaryCtxRetain(&context, device));
        OK(cuCtxSetCurrent(context));
        OK(cuModuleLoadData(&module, "an image"));
        OK(cuStreamCreate(&stream, STREAM_NON_BLOCKING));
    }
    CUfunction function(const char *name) {
        CUfunction f;
        OK(cuModuleGetFunction(&f, module, name));
        return f;
    }
    CUdeviceptr upload(const std::vector<float> &values) {
        CUdeviceptr p;
        OK(cuMemAlloc_v2(&p, values.size() * 4));
        OK(cuMemcpyHtoD_v2(p, values.data(), values.size() * 4));
        return p;
    }
    std::vector<float> download(CUdeviceptr p, size_t n) {
        std::vector<float> values(n);
        OK(cuMemcpyDtoH_v2(values.data(), p, n * 4));
        return values;
    }
    CUresult scale(CUdeviceptr x, float by, int n) {
        void *arguments[] = {&x, &by, &n};
        return cuLaunchKernel(function("test_scale"), static_cast<unsigned>(n + 63) / 64, 1, 1, 64, 1, 1, 0, stream,
                              arguments, nullptr);
    }
};

TEST(memory_is_limited_and_counted) {
    Session s;
    size_t free_before, free_bytes, total;
    OK(cuMemGetInfo_v2(&free_before, &total));
    CHECK(total == size_t(1) << 30);
    CUdeviceptr a, b;
    OK(cuMemAlloc_v2(&a, 1000));
    CHECK(a % 256 == 0);
    OK(cuMemGetInfo_v2(&free_bytes, &total));
    CHECK(free_before - free_bytes == 1024);
    CHECK(cuMemAlloc_v2(&b, total) == CUDA_ERROR_OUT_OF_MEMORY);
    CHECK(cuMemAlloc_v2(&b, 0) == CUDA_ERROR_INVALID_VALUE);
    OK(cuMemAlloc_v2(&b, total / 2)); // takes no memory of the host before it is written
    for (size_t i : {size_t(0), size_t(123456789)}) {
        float v;
        OK(cuMemcpyDtoH_v2(&v, b + 4 * i, 4));
        CHECK(std::isnan(v));
    }
    OK(cuMemFree_v2(a));
    OK(cuMemFree_v2(b));
    CHECK(cuMemFree_v2(a) == CUDA_ERROR_INVALID_VALUE);
    OK(cuMemGetInfo_v2(&free_bytes, &total));
    CHECK(free_before == free_bytes);
}

TEST(copies_stay_within_allocations) {
    Session s;
    const CUdeviceptr p = s.upload(std::vector<float>(10, 1.0f));
    char bytes[64];
    CHECK(cuMemcpyDtoH_v2(bytes, p, 41) == CUDA_ERROR_INVALID_VALUE);
    CHECK(cuMemcpyDtoH_v2(bytes, p - 4, 8) == CUDA_ERROR_INVALID_VALUE);
    CHECK(cuMemcpyHtoD_v2(reinterpret_cast<CUdeviceptr>(bytes), bytes, 4) == CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree_v2(p));
}

void store_at(long long at, size_t bytes) {
    Session s;
    CUdeviceptr p;
    OK(cuMemAlloc_v2(&p, bytes));
    void *arguments[] = {&p, &at};
    OK(cuLaunchKernel(s.function("test_store"), 1, 1, 1, 1, 1, 1, 0, s.stream, arguments, nullptr));
    OK(cuMemFree_v2(p));
}
DEATH(store_behind_grain) { store_at(64, 256); }
DEATH(store_before_page) { store_at(-1024, 4096); }
DEATH(store_behind_end) { store_at(63, 250); }

TEST(a_kernel_cannot_leave_its_memory) {
    CHECK(test::dies("store_behind_grain", SIGSEGV));
    CHECK(test::dies("store_before_page", SIGSEGV));
    CHECK(test::dies("store_behind_end", SIGABRT, "just outside of an allocation of 250 bytes"));
    store_at(62, 252);
}

TEST(launches_have_limits) {
    Session s;
    const CUdeviceptr p = s.upload(std::vector<float>(4096));
    CUfunction f = s.function("test_scale"), none;
    CHECK(cuModuleGetFunction(&none, s.module, "no_such_kernel") == CUDA_ERROR_NOT_FOUND);
    float by = 2;
    int n = 0;
    void *arguments[] = {const_cast<CUdeviceptr *>(&p), &by, &n};
    const auto launch = [&](unsigned gx, unsigned gy, unsigned bx, unsigned bz, unsigned shared) {
        return cuLaunchKernel(f, gx, gy, 1, bx, 1, bz, shared, s.stream, arguments, nullptr);
    };
    OK(launch(1, 1, 1024, 1, 48 << 10));
    CHECK(launch(0, 1, 32, 1, 0) == CUDA_ERROR_INVALID_VALUE);
    CHECK(launch(1, 65536, 32, 1, 0) == CUDA_ERROR_INVALID_VALUE);
    CHECK(launch(1, 1, 1025, 1, 0) == CUDA_ERROR_INVALID_VALUE);
    CHECK(launch(1, 1, 1, 65, 0) == CUDA_ERROR_INVALID_VALUE);
    CHECK(launch(1, 1, 32, 1, (48 << 10) + 16) == CUDA_ERROR_INVALID_VALUE);
    CHECK(cuFuncSetAttribute(f, 8, (227 << 10) + 1) == CUDA_ERROR_INVALID_VALUE);
    OK(cuFuncSetAttribute(f, 8, 227 << 10));
    OK(launch(1, 1, 32, 1, 227 << 10));
    OK(cuFuncSetAttribute(f, 8, 48 << 10));
    OK(cuMemFree_v2(p));
}

TEST(arguments_have_their_alignment) {
    Session s;
    const CUdeviceptr p = s.upload(std::vector<float>(2));
    char a = 1;
    double b = 2;
    kb_dropout c = {3, 4, 0.5f, 0};
    void *d = nullptr;
    void *arguments[] = {&a, &b, &c, &d, const_cast<CUdeviceptr *>(&p)};
    OK(cuLaunchKernel(s.function("test_mixed"), 1, 1, 1, 1, 1, 1, 0, s.stream, arguments, nullptr));
    double result;
    OK(cuMemcpyDtoH_v2(&result, p, 8));
    CHECK(result == 11.5);
    OK(cuMemFree_v2(p));
}

TEST(graphs_keep_arguments_and_run_again) {
    Session s;
    const CUdeviceptr p = s.upload(std::vector<float>(100, 1.0f));
    s.function("test_scale");
    std::vector<float> host(50, 10.0f);
    OK(cuStreamBeginCapture_v2(s.stream, CAPTURE_THREAD_LOCAL));
    int status;
    OK(cuStreamIsCapturing(s.stream, &status));
    CHECK(status == CAPTURE_ACTIVE);
    OK(s.scale(p, 2.0f, 100));
    OK(s.scale(p, 3.0f, 50));
    OK(cuMemsetD32Async(p + 4 * 99, 0, 1, s.stream));
    OK(cuMemcpyHtoDAsync_v2(p + 4 * 50, host.data(), 4, s.stream));
    CUgraph graph;
    OK(cuStreamEndCapture(s.stream, &graph));
    CHECK(s.download(p, 100) == std::vector<float>(100, 1.0f)); // nothing has run
    CUgraphExec exec;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cuGraphDestroy(graph));
    OK(cuGraphLaunch(exec, s.stream));
    host[0] = 20.0f; // a copy reads when it runs
    OK(cuGraphLaunch(exec, s.stream));
    const std::vector<float> x = s.download(p, 100);
    CHECK(x[0] == 36.0f && x[49] == 36.0f && x[50] == 20.0f && x[51] == 4.0f && x[99] == 0.0f);
    OK(cuGraphExecDestroy(exec));
    OK(cuMemFree_v2(p));
}

TEST(captures_refuse_what_a_device_refuses) {
    Session s;
    const CUdeviceptr p = s.upload(std::vector<float>(64, 1.0f));
    CUdeviceptr q;
    float v;
    CUgraph graph;
    const auto refused = [&](unsigned mode, auto call) {
        OK(cuStreamBeginCapture_v2(s.stream, mode));
        CHECK(call() == CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
        CHECK(s.scale(p, 2.0f, 64) == CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
        CHECK(cuStreamEndCapture(s.stream, &graph) == CUDA_ERROR_STREAM_CAPTURE_INVALIDATED && graph == nullptr);
    };
    refused(CAPTURE_RELAXED, [&] { return cuStreamSynchronize(s.stream); });
    refused(CAPTURE_THREAD_LOCAL, [&] { return cuMemAlloc_v2(&q, 4); });
    refused(CAPTURE_THREAD_LOCAL, [&] { return cuMemFree_v2(p); });
    refused(CAPTURE_THREAD_LOCAL, [&] { return cuMemcpyDtoH_v2(&v, p, 4); });
    refused(CAPTURE_THREAD_LOCAL, [&] { return cuCtxSynchronize(); });
    const auto elsewhere = [&](auto call) {
        CUresult result = CUDA_SUCCESS;
        std::thread([&] {
            OK(cuCtxSetCurrent(s.context));
            result = call();
        }).join();
        return result;
    };
    refused(CAPTURE_GLOBAL, [&] { return elsewhere([&] { return cuMemcpyDtoH_v2(&v, p, 4); }); });
    OK(cuStreamBeginCapture_v2(s.stream, CAPTURE_THREAD_LOCAL));
    OK(elsewhere([&] { return cuMemcpyDtoH_v2(&v, p, 4); }));
    CHECK(elsewhere([&] { return cuStreamEndCapture(s.stream, &graph); }) == CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
    OK(cuStreamEndCapture(s.stream, &graph));
    OK(cuGraphDestroy(graph));
    CHECK(cuStreamEndCapture(s.stream, &graph) == CUDA_ERROR_ILLEGAL_STATE);
    CHECK(s.download(p, 1)[0] == 1.0f);
    OK(cuMemFree_v2(p));
}

TEST(events_join_streams_and_tell_time) {
    Session s;
    CUstream other;
    OK(cuStreamCreate(&other, STREAM_NON_BLOCKING));
    CUevent start, end;
    OK(cuEventCreate(&start, 0));
    OK(cuEventCreate(&end, 0));
    const CUdeviceptr p = s.upload(std::vector<float>(64, 1.0f));
    float ms = -1;
    CHECK(cuEventElapsedTime_v2(&ms, start, end) == CUDA_ERROR_INVALID_HANDLE);
    OK(cuEventRecord(start, s.stream));
    OK(s.scale(p, 1.0f, 64));
    OK(cuEventRecord(end, s.stream));
    OK(cuEventElapsedTime_v2(&ms, start, end));
    CHECK(ms > 0 && ms < 10000);

    OK(cuStreamBeginCapture_v2(s.stream, CAPTURE_THREAD_LOCAL));
    OK(cuEventRecord(start, s.stream));
    CHECK(cuEventSynchronize(start) == CUDA_ERROR_CAPTURED_EVENT);
    OK(cuStreamWaitEvent(other, start, 0));
    OK(cuMemsetD32Async(p, 0, 1, other));
    OK(cuEventRecord(end, other));
    OK(cuStreamWaitEvent(s.stream, end, 0));
    CUgraph graph;
    CHECK(cuStreamEndCapture(other, &graph) == CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    OK(cuStreamEndCapture(s.stream, &graph));
    CUgraphExec exec;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    CHECK(s.download(p, 1)[0] == 1.0f);
    OK(cuGraphLaunch(exec, s.stream));
    CHECK(s.download(p, 1)[0] == 0.0f);
    OK(cuMemFree_v2(p));
}

TEST(devices_are_separate) {
    Session first(0), second(1);
    int count, bus[2];
    OK(cuDeviceGetCount(&count));
    CHECK(count == 2);
    for (int i = 0; i < 2; ++i) OK(cuDeviceGetAttribute(&bus[i], 33, i));
    CHECK(bus[0] != bus[1]);
    size_t before, after, total;
    OK(cuMemGetInfo_v2(&before, &total));
    OK(cuCtxSetCurrent(first.context));
    const CUdeviceptr p = first.upload(std::vector<float>(1000));
    OK(cuCtxSetCurrent(second.context));
    OK(cuMemGetInfo_v2(&after, &total));
    CHECK(before == after);
    OK(cuMemFree_v2(p)); // addresses are unified
    OK(cuDevicePrimaryCtxRelease_v2(1));
    CHECK(cuMemGetInfo_v2(&after, &total) == CUDA_ERROR_CONTEXT_IS_DESTROYED);
}

TEST(threads_of_the_host_share_a_device) {
    Session s;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([t] {
            Session mine;
            for (int i = 0; i < 20; ++i) {
                const CUdeviceptr p = mine.upload(std::vector<float>(5000, 1.0f));
                OK(mine.scale(p, static_cast<float>(t), 5000));
                CHECK(mine.download(p, 5000) == std::vector<float>(5000, static_cast<float>(t)));
                OK(cuMemFree_v2(p));
            }
        });
    for (std::thread &t : threads) t.join();
}

} // namespace
