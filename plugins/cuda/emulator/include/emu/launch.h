// Kernels by name, and launching them. A kernel's arguments are packed into bytes, so that they can be kept
// in a captured graph and run again.
#pragma once

#include <stddef.h>
#include <string.h>

#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "vectors.h"

namespace emu {

struct Parameter {
    size_t offset, size;
};

struct Kernel {
    const char *name;
    void (*function)();
    void (*invoke)(void (*function)(), const unsigned char *arguments);
    const Parameter *parameters;
    size_t parameter_count;
    size_t argument_bytes;
};

struct Launch {
    const Kernel *kernel;
    const unsigned char *arguments; // aligned to 16
    dim3 grid, block;
    size_t shared_bytes;
};

// Runs all blocks and returns when they are done.
void run(const Launch &launch);

const Kernel *find_kernel(const std::string &name);
const char *name_of(void (*function)());
void register_kernel(const Kernel &kernel);

// "forward", "reverse" or a number that seeds a shuffle: the order in which threads and blocks run.
// Else the environment's KOBENCH_EMU_ORDER says it.
void set_order(const char *order);

template <class... P> struct Signature {
    static constexpr size_t COUNT = sizeof...(P);
    static constexpr std::array<Parameter, COUNT + 1> layout() {
        const size_t sizes[] = {sizeof(P)..., 0}, alignments[] = {alignof(P)..., 16};
        std::array<Parameter, COUNT + 1> all{};
        size_t offset = 0;
        for (size_t i = 0; i <= COUNT; ++i) {
            offset = (offset + alignments[i] - 1) / alignments[i] * alignments[i];
            all[i].offset = offset;
            all[i].size = sizes[i];
            offset += sizes[i];
        }
        return all;
    }
    static constexpr std::array<Parameter, COUNT + 1> LAYOUT = layout();

    template <size_t... I>
    static void call(void (*function)(P...), const unsigned char *arguments, std::index_sequence<I...>) {
        (void)arguments;
        function(*reinterpret_cast<const P *>(arguments + LAYOUT[I].offset)...);
    }
    static void invoke(void (*function)(), const unsigned char *arguments) {
        call(reinterpret_cast<void (*)(P...)>(function), arguments, std::index_sequence_for<P...>());
    }
    static Kernel kernel(const char *name, void (*function)(P...)) {
        return {name,          reinterpret_cast<void (*)()>(function), invoke, LAYOUT.data(), COUNT,
                LAYOUT[COUNT].offset};
    }
    template <size_t... I>
    static void pack(unsigned char *bytes, std::index_sequence<I...>, const P &...values) {
        (void)bytes;
        (memcpy(bytes + LAYOUT[I].offset, &values, sizeof(P)), ...);
    }
};

// The launch of a test: emu::launch(kernel, grid, block, shared_bytes, arguments...).
template <class... P, class... A>
void launch(void (*function)(P...), dim3 grid, dim3 block, size_t shared_bytes, A &&...arguments) {
    static_assert(sizeof...(P) == sizeof...(A), "a kernel gets as many arguments as it has parameters");
    using S = Signature<P...>;
    alignas(16) unsigned char bytes[S::LAYOUT[S::COUNT].offset + 16];
    S::pack(bytes, std::index_sequence_for<P...>(), static_cast<P>(std::forward<A>(arguments))...);
    const Kernel kernel = S::kernel(name_of(reinterpret_cast<void (*)()>(function)), function);
    run({&kernel, bytes, grid, block, shared_bytes});
}

struct Registrar {
    template <class... P> Registrar(const char *name, void (*function)(P...)) {
        register_kernel(Signature<P...>::kernel(name, function));
    }
};

} // namespace emu
