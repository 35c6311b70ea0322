/*
 * Another plugin, made slower by a known amount: for the tests of measuring speed. Whatever the other one does, this does too.
 *
 *     cc ... -DSLOWED_INNER='"/path/libkobench_plugin_kcbert.so"' -DSLOWED_PART=0.05 -o libkobench_plugin_slowed.so \
 *         tests/plugins/slowed.c -ldl
 *
 * SLOWED_PART: both calls that answer a query take so much longer than they did, as a part of their time.
 * SLOWED_WORK: so many steps of arithmetic for each sequence, besides.
 * SLOWED_CACHE: nothing of that for a batch that was answered before, as if answers were remembered.
 */
#define _GNU_SOURCE
#include "kobench_plugin_util.h"
#include <dlfcn.h>
#include <time.h>

#ifndef SLOWED_PART
#define SLOWED_PART 0.0
#endif
#ifndef SLOWED_WORK
#define SLOWED_WORK 0
#endif

static kobench_plugin inner;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void linger(double since) {
    double until = now() + SLOWED_PART * (now() - since);
    while (now() < until) {}
}

static volatile uint64_t result;

static void work(size_t sequences) {
    uint64_t x = result | 1;
    for (size_t i = 0; i < sequences * (size_t)SLOWED_WORK; i++) x = x * 6364136223846793005u + 1442695040888963407u;
    result = x;
}

static int32_t slowed_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                             const kobench_encode_options *o, kobench_encoded **out, kobench_error *error) {
    double since = now();
    int32_t status = inner.tokenizer_encode(tokenizer, examples, n, o, out, error);
    linger(since);
    return status;
}

#ifdef SLOWED_CACHE
/* Whether all sequences of a batch were seen before. Hashes of their tokens are kept in an open table. */
static int is_known(const kobench_encoded *e, const uint64_t *indices, size_t n) {
    static uint64_t seen[1 << 16];
    kobench_encoding_view view = {.struct_size = sizeof view};
    int known = n > 0;
    if (inner.encoded_view(e, &view, NULL) != KOBENCH_OK) return 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = 1469598103934665603u;
        for (uint64_t t = view.cu_seqlens[indices[i]]; t < view.cu_seqlens[indices[i] + 1]; t++)
            hash = (hash ^ view.input_ids[t]) * 1099511628211u;
        size_t at = hash >> 48;
        while (seen[at] && seen[at] != hash) at = (at + 1) & 0xffff;
        known &= seen[at] == hash;
        seen[at] = hash;
    }
    return known;
}
#endif

static int32_t slowed_forward(kobench_model *model, const kobench_encoded *e, const uint64_t *indices, size_t n,
                              uint32_t head, kobench_logits *out, kobench_error *error) {
    double since = now();
    int32_t status = inner.model_forward(model, e, indices, n, head, out, error);
    if (status != KOBENCH_OK) return status; /* a buffer that was too small comes again */
    linger(since);
#ifdef SLOWED_CACHE
    if (is_known(e, indices, n)) return status;
#endif
    work(n);
    return status;
}

KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    void *library = dlopen(SLOWED_INNER, RTLD_NOW | RTLD_LOCAL);
    if (!library) return KOBENCH_E_INTERNAL;
    int32_t (*entry)(const kobench_host *, kobench_plugin *);
    *(void **)&entry = dlsym(library, "kobench_plugin_entry_v1");
    if (!entry) return KOBENCH_E_INTERNAL;
    int32_t status = entry(host, out);
    if (status != KOBENCH_OK) return status;
    memcpy(&inner, out, out->struct_size < sizeof inner ? out->struct_size : sizeof inner);
    out->tokenizer_encode = slowed_encode;
    out->model_forward = slowed_forward;
    return status;
}
