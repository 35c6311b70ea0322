/*
 * The trainer plugin on GPUs that it only claims to have: for the tests of devices. No call of it needs one.
 *
 *     cc ... -DTRAINER_NAME='"device"' -DTRAINER_DROPOUT=0 -o libkobench_plugin_device.so tests/plugins/device.c -lm
 *
 * Environment variables say how it behaves:
 *     DEVICE_GPUS            how many GPUs there are (2); 0: no driver
 *     DEVICE_NAME            what they are called (NVIDIA H200)
 *     DEVICE_TOKENS          tokens of a batch that their memory holds
 *     DEVICE_BATCH_TOKENS    what model_stats proposes
 *     DEVICE_FULL_AT         the train_step, counted from 1, at which memory runs out once, whatever the batch
 *     DEVICE_ENCODE_US, DEVICE_FORWARD_US   how long each text takes in tokenizer_encode and in model_forward
 *     DEVICE_ENCODE_FAILS    the tokenizer_encode, counted from 1, that fails
 *     DEVICE_OPINIONS        logits that differ from text to text without any training
 */
#define _GNU_SOURCE
#define kobench_plugin_entry_v1 trainer_entry
#include "trainer.c"
#undef kobench_plugin_entry_v1
#include <unistd.h>

static long number_of(const char *variable, long otherwise) {
    const char *value = getenv(variable);
    return value ? atol(value) : otherwise;
}

static int holds(kobench_str text, const char *part) {
    return text.data && memmem(text.data, text.size, part, strlen(part)) != NULL;
}

static int32_t device_describe(const kobench_sink *out, kobench_error *error) {
    static const char json[] =
        "{\"name\": \"" TRAINER_NAME "\", \"version\": \"1.0.0\", \"trains\": true, \"devices\": [\"cpu\", \"cuda\"],"
        " \"variants\": [{\"name\": \"" TRAINER_NAME "\", \"architecture\": \"linear\", \"heads\": [\"sequence\"],"
        " \"bundled\": true}]}";
    if (!KOBENCH_HAS(kobench_sink, out, write) || !out->write)
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the sink is NULL or has no `write`");
    return out->write(out->context, json, sizeof json - 1);
}

/* Of the model that is open: there is one at a time. */
static long gpu = -1;
static size_t peak_tokens;

static int32_t device_open(kobench_str json, kobench_model **out, kobench_error *error) {
    static char bare[8192];
    const char *key = "\"device\":\"cuda:";
    const char *at = json.data ? memmem(json.data, json.size, key, strlen(key)) : NULL;
    long gpus = number_of("DEVICE_GPUS", 2);
    gpu = -1;
    peak_tokens = 0;
    if (!at || json.size >= sizeof bare) return model_open(json, out, error);
    gpu = strtol(at + strlen(key), NULL, 10);
    if (!gpus) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "no CUDA driver: libcuda.so.1: cannot open shared object file");
    if (gpu >= gpus) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "there is no cuda:%ld: this machine has %ld GPUs", gpu, gpus);
    /* The trainer knows the CPU alone. */
    const char *rest = memchr(at + strlen(key), '"', (size_t)(json.data + json.size - at) - strlen(key));
    size_t before = (size_t)(at - json.data), after = (size_t)(json.data + json.size - rest) - 1;
    int size = snprintf(bare, sizeof bare, "%.*s\"device\":\"cpu\"%.*s", (int)before, json.data, (int)after, rest + 1);
    return model_open((kobench_str){bare, (size_t)size}, out, error);
}

static int32_t device_stats(kobench_model *m, const kobench_sink *out, kobench_error *error) {
    char json[1024], own[512] = "";
    const char *name = getenv("DEVICE_NAME");
    if (!m || !KOBENCH_HAS(kobench_sink, out, write) || !out->write)
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL");
    if (gpu >= 0)
        snprintf(own, sizeof own,
                 "\"device\": \"cuda:%ld\", \"device_name\": \"%s\", \"device_uuid\": \"GPU-%ld\","
                 " \"compute_capability\": \"9.0\", \"driver_version\": \"13.0\", \"peak_device_bytes\": %zu,"
                 " \"device_memory_bytes\": 1073741824, \"batch_tokens\": %ld,",
                 gpu, name ? name : "NVIDIA H200", gpu, 1024 * peak_tokens, number_of("DEVICE_BATCH_TOKENS", 100000));
    peak_tokens = 0;
    int size = snprintf(json, sizeof json, "{%s \"flops\": {\"per_token\": 2e6, \"per_pair\": 1e3, \"per_sequence\": 5e4}}", own);
    return out->write(out->context, json, (size_t)size);
}

static int32_t device_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                             const kobench_encode_options *o, kobench_encoded **out, kobench_error *error) {
    static long calls;
    if (++calls == number_of("DEVICE_ENCODE_FAILS", 0)) return kobench_fail(error, KOBENCH_E_INTERNAL, "the tokenizer is tired");
    usleep((useconds_t)(number_of("DEVICE_ENCODE_US", 0) * (long)n));
    return tokenizer_encode(tokenizer, examples, n, o, out, error);
}

/* Whether the memory holds a batch. */
static int32_t room(const kobench_encoded *e, const uint64_t *indices, size_t n, kobench_error *error) {
    size_t tokens = 0, limit = (size_t)number_of("DEVICE_TOKENS", 1 << 30);
    for (size_t i = 0; i < n; i++) tokens += (size_t)(e->cu_seqlens[indices[i] + 1] - e->cu_seqlens[indices[i]]);
    if (tokens > peak_tokens) peak_tokens = tokens < limit ? tokens : limit;
    if (gpu < 0 || tokens <= limit) return KOBENCH_OK;
    return kobench_fail(error, KOBENCH_E_OUT_OF_DEVICE_MEMORY, "the card holds %zu tokens, and %zu were given", limit, tokens);
}

static int32_t device_forward(kobench_model *m, const kobench_encoded *e, const uint64_t *indices, size_t n,
                              uint32_t head, kobench_logits *out, kobench_error *error) {
    size_t longest;
    int32_t status = check_batch(m, e, indices, n, head, &longest, error);
    if (status == KOBENCH_OK) status = room(e, indices, n, error);
    if (status == KOBENCH_OK) status = model_forward(m, e, indices, n, head, out, error);
    if (status != KOBENCH_OK) return status;
    usleep((useconds_t)(number_of("DEVICE_FORWARD_US", 0) * (long)n));
    for (size_t i = 0; i < n && number_of("DEVICE_OPINIONS", 0); i++) {
        uint32_t sum = 0;
        for (uint64_t t = e->cu_seqlens[indices[i]]; t < e->cu_seqlens[indices[i] + 1]; t++) sum = sum * 31 + e->input_ids[t];
        out->values[i * m->labels] += (float)(sum % 1000) / 500 - 1;
    }
    return KOBENCH_OK;
}

static int32_t device_begin(kobench_model *m, kobench_str json, kobench_error *error) {
    static const char plain[] = "{}";
    return train_begin(m, holds(json, "adalomo") ? (kobench_str){plain, 2} : json, error);
}

static int32_t device_step(kobench_model *m, const kobench_encoded *e, const uint64_t *indices, size_t n, uint32_t head,
                           const kobench_targets *targets, kobench_step *step, kobench_error *error) {
    static long calls;
    size_t longest;
    int32_t status = check_batch(m, e, indices, n, head, &longest, error);
    if (status == KOBENCH_OK && ++calls == number_of("DEVICE_FULL_AT", 0))
        return kobench_fail(error, KOBENCH_E_OUT_OF_DEVICE_MEMORY, "somebody else took the memory");
    if (status == KOBENCH_OK) status = room(e, indices, n, error);
    if (status != KOBENCH_OK) return status;
    usleep((useconds_t)(number_of("DEVICE_FORWARD_US", 0) * (long)n));
    return train_step(m, e, indices, n, head, targets, step, error);
}

static int32_t device_load(kobench_model *m, kobench_str directory, uint32_t flags, kobench_error *error) {
    /* Gradients that wait for their update are of the weights that were there. */
    if (m && m->training) memset(m->gradients, 0, size_of(m) * sizeof(float));
    return model_load(m, directory, flags, error);
}

int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    int32_t status = trainer_entry(host, out);
    if (!KOBENCH_HAS(kobench_plugin, out, model_load)) return status;
    out->describe = device_describe;
    out->tokenizer_encode = device_encode;
    out->model_open = device_open;
    out->model_stats = device_stats;
    out->model_forward = device_forward;
    out->train_begin = device_begin;
    out->train_step = device_step;
    out->model_load = device_load;
    return status;
}
