/*
 * Plugins that misbehave, for the tests: the lexicon plugin with one call replaced.
 *
 *     cc ... -DLEXICON_NAME='"bad_segfault"' -DBAD_SEGFAULT -o libkobench_plugin_bad_segfault.so tests/plugins/bad.c
 */
#define kobench_plugin_entry_v1 lexicon_entry
#include "lexicon.c"
#undef kobench_plugin_entry_v1

#include <signal.h>
#include <unistd.h>

static int32_t bad_forward(kobench_model *model, const kobench_encoded *e, const uint64_t *indices, size_t n,
                           uint32_t head, kobench_logits *out, kobench_error *error) {
#if defined(BAD_SEGFAULT)
    fprintf(stderr, "about to write to nowhere\n");
    *(volatile int *)8 = 1;
#elif defined(BAD_ABORT)
    abort();
#elif defined(BAD_EXIT)
    exit(7);
#elif defined(BAD_EXIT_ZERO)
    _exit(0);
#elif defined(BAD_HANG)
    for (;;) pause();
#elif defined(BAD_KILL)
    kill(getpid(), SIGKILL);
#elif defined(BAD_STDOUT)
    if (out->capacity < 2 * n) return model_forward(model, e, indices, n, head, out, error);
    printf("printed to standard output\n");
    fflush(stdout);
    char byte;
    if (read(0, &byte, 1) > 0) return kobench_fail(error, KOBENCH_E_INTERNAL, "standard input is not empty");
#elif defined(BAD_CLOSE)
    for (int fd = 0; fd < 1024; fd++) close(fd);
    for (;;) pause();
#elif defined(BAD_ERROR)
    return kobench_fail(error, KOBENCH_E_INTERNAL, "the moon is in the wrong quarter");
#elif defined(BAD_ROWS)
    out->rows = n + 1;
    out->width = 2;
    return KOBENCH_OK;
#elif defined(BAD_BATCH) /* an answer depends on how many others are in the batch */
    int32_t status = model_forward(model, e, indices, n, head, out, error);
    for (size_t i = 0; status == KOBENCH_OK && i < n; i++) out->values[2 * i] += 0.01f * (float)n;
    return status;
#elif defined(BAD_NAN)
    int32_t status = model_forward(model, e, indices, n, head, out, error);
    if (status == KOBENCH_OK && n) out->values[0] = 0.0f / 0.0f;
    return status;
#endif
    return model_forward(model, e, indices, n, head, out, error);
}

static int32_t bad_describe(const kobench_sink *out, kobench_error *error) {
#if defined(BAD_DESCRIBE_SEGFAULT)
    *(volatile int *)8 = 1;
#elif defined(BAD_DESCRIBE_GARBAGE)
    return out->write(out->context, "{\"name\": ", 9);
#endif
    return describe(out, error);
}

#if defined(BAD_LOAD)
__attribute__((constructor)) static void bad_load(void) { *(volatile int *)8 = 1; }
#endif

#if defined(BAD_NEWER_MAJOR)
KOBENCH_EXPORT int32_t kobench_plugin_entry_v2(const kobench_host *host, kobench_plugin *out) {
    return lexicon_entry(host, out);
}
#elif !defined(BAD_NO_SYMBOL)
KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    int32_t status = lexicon_entry(host, out);
    out->describe = bad_describe;
    out->model_forward = bad_forward;
#if defined(BAD_NEWER_MINOR) /* needs what this host lacks */
    out->abi_minor = 9;
    out->abi_minor_oldest = 9;
    status = KOBENCH_E_VERSION;
#elif defined(BAD_NEWER_MINOR_TOLERANT) /* newer, but content with an old host */
    out->abi_minor = 9;
#elif defined(BAD_NULL_CALL)
    out->model_forward = NULL;
#elif defined(BAD_ENTRY_ERROR)
    status = KOBENCH_E_INTERNAL;
#endif
    return status;
}
#endif
