/*
 * Self-tests that go as they should or badly, for the tests: the lexicon plugin with a self-test.
 *
 *     cc ... -DLEXICON_NAME='"selftest_crash"' -DSELFTEST_CRASH -o libkobench_plugin_selftest_crash.so tests/plugins/selftest.c
 *
 * Its checks are arithmetic/add, arithmetic/multiply and last, in f32.
 */
#define kobench_plugin_entry_v1 lexicon_entry
#include "lexicon.c"
#undef kobench_plugin_entry_v1

#include <unistd.h>

static const char *const CHECKS[] = {"arithmetic/add", "arithmetic/multiply", "last"};

static int32_t selftest_describe(const kobench_sink *out, kobench_error *error) {
    static const char json[] = "{\"name\": \"" LEXICON_NAME "\", \"version\": \"1.0.0\", \"variants\": [], \"selftest\": true}";
    if (!KOBENCH_HAS(kobench_sink, out, write) || !out->write) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the sink is NULL");
    return out->write(out->context, json, sizeof json - 1);
}

/* Whether the request's text holds a word; this is no reader of JSON, and the harness's requests are known. */
static int holds(kobench_str json, const char *word) {
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= json.size; i++)
        if (!memcmp(json.data + i, word, size)) return 1;
    return 0;
}

static int32_t tell(const kobench_sink *out, const char *check, const char *outcome, const char *error) {
    char line[512];
    int size = snprintf(line, sizeof line,
                        "{\"name\": \"%s\", \"precision\": \"f32\", \"outcome\": \"%s\", \"error\": %s, \"tolerance\": 0.001, "
                        "\"seconds\": 0.5, \"message\": \"expected 4, saw 5\"}\n",
                        check, outcome, error);
    return out->write(out->context, line, (size_t)size);
}

static int32_t selftest(kobench_str json, const kobench_sink *out, kobench_error *error) {
    if (!KOBENCH_HAS(kobench_sink, out, write) || !out->write) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the sink is NULL");
    int list = holds(json, "\"list\":true");
#if defined(SELFTEST_REFUSES)
    if (!list) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "there is no abacus in this machine");
#endif
    for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS; i++) {
        int32_t status = KOBENCH_OK;
        char skip[128];
        snprintf(skip, sizeof skip, "{\"name\":\"%s\"", CHECKS[i]);
        if (list) {
            if ((status = tell(out, CHECKS[i], "listed", "null")) != KOBENCH_OK) return status;
            continue;
        }
        if (holds(json, skip)) continue; /* it is in "skip" */
        if (holds(json, "\"only\":[\"last\"]") && i < 2) continue;
        const char *outcome = "passed", *off = "0.0001";
        if (i == 1) {
#if defined(SELFTEST_FAILS)
            outcome = "failed", off = "1.5";
#elif defined(SELFTEST_LIES)
            off = "1.5";
#elif defined(SELFTEST_CRASH)
            fprintf(stderr, "about to divide\n");
            abort();
#elif defined(SELFTEST_HANG)
            for (;;) pause();
#elif defined(SELFTEST_NONSENSE)
            if ((status = out->write(out->context, "all is well\n", 12)) != KOBENCH_OK) return status;
#elif defined(SELFTEST_UNKNOWN)
            if ((status = tell(out, "geometry", "passed", "0")) != KOBENCH_OK) return status;
#elif defined(SELFTEST_SILENT)
            continue;
#elif defined(SELFTEST_ERROR)
            return kobench_fail(error, KOBENCH_E_INTERNAL, "the abacus broke");
#endif
        }
#if defined(SELFTEST_HOPELESS)
        abort();
#endif
        if ((status = tell(out, CHECKS[i], outcome, off)) != KOBENCH_OK) return status;
    }
    return KOBENCH_OK;
}

KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    int32_t status = lexicon_entry(host, out);
    out->describe = selftest_describe;
#if defined(SELFTEST_OLD) /* a plugin of a time when there was no self-test, which says that it has one */
    out->struct_size = offsetof(kobench_plugin, selftest);
    out->abi_minor = 0;
    memset(&out->selftest, 0xa5, sizeof out->selftest);
#else
    if (KOBENCH_HAS(kobench_plugin, out, selftest)) out->selftest = selftest;
#endif
    return status;
}
