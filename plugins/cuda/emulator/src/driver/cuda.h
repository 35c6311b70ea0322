// The part of the driver's interface that is emulated: types, and the numbers of its enumerations.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EMU_API extern "C" __attribute__((visibility("default")))

// Number, name and what it means.
#define EMU_RESULTS(X)                                                                                    \
    X(0, CUDA_SUCCESS, "no error")                                                                        \
    X(1, CUDA_ERROR_INVALID_VALUE, "invalid argument")                                                    \
    X(2, CUDA_ERROR_OUT_OF_MEMORY, "out of memory")                                                       \
    X(3, CUDA_ERROR_NOT_INITIALIZED, "initialization error")                                              \
    X(34, CUDA_ERROR_STUB_LIBRARY, "CUDA driver is a stub library")                                       \
    X(100, CUDA_ERROR_NO_DEVICE, "no CUDA-capable device is detected")                                    \
    X(101, CUDA_ERROR_INVALID_DEVICE, "invalid device ordinal")                                           \
    X(200, CUDA_ERROR_INVALID_IMAGE, "device kernel image is invalid")                                    \
    X(201, CUDA_ERROR_INVALID_CONTEXT, "invalid device context")                                          \
    X(301, CUDA_ERROR_FILE_NOT_FOUND, "file not found")                                                   \
    X(400, CUDA_ERROR_INVALID_HANDLE, "invalid resource handle")                                          \
    X(401, CUDA_ERROR_ILLEGAL_STATE, "the operation cannot be performed in the present state")            \
    X(500, CUDA_ERROR_NOT_FOUND, "named symbol not found")                                                \
    X(600, CUDA_ERROR_NOT_READY, "device not ready")                                                      \
    X(709, CUDA_ERROR_CONTEXT_IS_DESTROYED, "context is destroyed")                                       \
    X(801, CUDA_ERROR_NOT_SUPPORTED, "operation not supported")                                           \
    X(900, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing")     \
    X(901, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,                                                         \
      "operation failed due to a previous error during capture")                                          \
    X(902, CUDA_ERROR_STREAM_CAPTURE_MERGE, "operation would result in a merge of separate capture sequences") \
    X(903, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "capture was not ended in the same stream as it began")   \
    X(905, CUDA_ERROR_STREAM_CAPTURE_ISOLATION,                                                           \
      "dependency created on uncaptured work in another stream")                                          \
    X(906, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,                                                            \
      "operation would make the legacy stream depend on a capturing blocking stream")                     \
    X(907, CUDA_ERROR_CAPTURED_EVENT, "operation not permitted on an event last recorded in a capturing stream") \
    X(908, CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD,                                                        \
      "attempt to terminate a thread-local capture sequence from another thread")                         \
    X(999, CUDA_ERROR_UNKNOWN, "unknown error")

enum CUresult : int {
#define EMU_RESULT(number, name, text) name = number,
    EMU_RESULTS(EMU_RESULT)
#undef EMU_RESULT
};

typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
struct CUuuid {
    unsigned char bytes[16];
};

namespace emu {
struct Context;
struct Stream;
struct Event;
struct Graph;
struct GraphExec;
struct Module;
struct Function;
struct Pool;
} // namespace emu
typedef emu::Context *CUcontext;
typedef emu::Stream *CUstream;
typedef emu::Event *CUevent;
typedef emu::Graph *CUgraph;
typedef emu::GraphExec *CUgraphExec;
typedef emu::Module *CUmodule;
typedef emu::Function *CUfunction;
typedef emu::Pool *CUmemoryPool;

struct CUlaunchAttribute {
    unsigned int id;
    char pad[4];
    unsigned char value[64];
};
struct CUlaunchConfig {
    unsigned int gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
    CUstream hStream;
    CUlaunchAttribute *attrs;
    unsigned int numAttrs;
};

enum : unsigned { CAPTURE_GLOBAL = 0, CAPTURE_THREAD_LOCAL = 1, CAPTURE_RELAXED = 2 };
enum : int { CAPTURE_NONE = 0, CAPTURE_ACTIVE = 1, CAPTURE_INVALIDATED = 2 };
enum : unsigned { STREAM_NON_BLOCKING = 1, EVENT_DISABLE_TIMING = 2 };
