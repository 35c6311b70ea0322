/*
 * Plugins that break one rule each, for the tests of `kobench plugin check`: the rules plugin, and what the
 * environment variable FAULT names. Its value is the id of the check that has to find the fault, and no other
 * check may: so each fault shows itself in as few situations as it can.
 */
#define _GNU_SOURCE
#define kobench_plugin_entry_v1 rules_entry
#include "rules.c"
#undef kobench_plugin_entry_v1

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static int fault(const char *id) {
    const char *wanted = getenv("FAULT");
    return wanted && !strcmp(wanted, id);
}

static int contains(kobench_str text, const char *part) {
    return text.data && memmem(text.data, text.size, part, strlen(part)) != NULL;
}

/* ---- describe ---- */

static int32_t faulty_describe(const kobench_sink *out, kobench_error *error) {
    static int calls;
    if (fault("describe.loads")) return kobench_fail(error, KOBENCH_E_INTERNAL, "it does not know");
    if (fault("describe.quick")) usleep(1100 * 1000);
    if (fault("abi.size-sink") && out) *(volatile const uint32_t *)((const char *)out + offsetof(kobench_sink, write));
    if (fault("abi.sink-status")) {
        int32_t status = describe(out, error);
        return status == KOBENCH_E_INVALID_ARGUMENT ? status : KOBENCH_OK;
    }
    int valid = fault("describe.valid"), changes = fault("describe.repeatable"), heads = fault("model.heads");
    if (!KOBENCH_HAS(kobench_sink, out, write) || !out->write || !(valid || changes || heads)) return describe(out, error);
    char json[512];
    int size = snprintf(json, sizeof json,
                        "{\"name\": \"" RULES_NAME "\", \"version\": \"1.0.0\", \"summary\": \"%d\", \"precisions\": [\"%s\"],"
                        " \"variants\": [{\"name\": \"" RULES_NAME "\", \"architecture\": \"rules\", \"heads\": [\"sequence\","
                        " \"token\"%s], \"max_seq_len\": 64, \"bundled\": true}]}",
                        changes ? __sync_fetch_and_add(&calls, 1) : 0, valid ? "f7" : "f32", heads ? "" : ", \"span\"");
    return out->write(out->context, json, (size_t)size);
}

/* ---- tokenizer ---- */

static _Thread_local int plain_calls[4];
static _Thread_local kobench_encoded *last;

static int32_t faulty_tokenizer_open(kobench_str json, kobench_tokenizer **out, kobench_error *error) {
    memset(plain_calls, 0, sizeof plain_calls);
    int32_t status = tokenizer_open(json, out, error);
    if (fault("abi.json-invalid") && !json.size && out) *out = (kobench_tokenizer *)&the_tokenizer, status = KOBENCH_OK;
    if (fault("abi.json-unknown-keys") && contains(json, "no-such-option") && out)
        *out = (kobench_tokenizer *)&the_tokenizer, status = KOBENCH_OK;
    if (status == KOBENCH_OK) return status;
    if (fault("abi.error-buffer") && KOBENCH_HAS(kobench_error, error, size) && error->message)
        error->message[error->size] = 0; /* one byte too many where the message fills the buffer */
    if (fault("abi.size-error") && error) error->size += 0 * *(volatile size_t *)&error->size;
    return status;
}

static void faulty_tokenizer_close(kobench_tokenizer *tokenizer) {
    if (fault("abi.encoded-outlives") && last && last->n_tokens) last->input_ids[0] ^= 1;
    tokenizer_close(tokenizer);
}

static void faulty_encoded_free(kobench_encoded *e) {
    if (e == last) last = NULL;
    if (!fault("memory.returns")) encoded_free(e);
}

/* The first token of a sequence that is of a text. */
static size_t first_of(const kobench_encoded *e, size_t sequence) {
    size_t t = (size_t)e->cu_seqlens[sequence], end = (size_t)e->cu_seqlens[sequence + 1];
    while (t < end && e->token_source[t] == KOBENCH_FROM_SPECIAL) t++;
    return t;
}

static void spoil(kobench_encoded *e, const kobench_example *examples, size_t n, uint32_t flags) {
    static int errors_seen;
    uint32_t kind = examples->kind;
    int pieces = (flags & KOBENCH_ENCODE_PIECES) != 0;
    if (fault("abi.after-error")) {
        if (!e) errors_seen++;
        else e->input_ids[0] += (uint32_t)errors_seen;
    }
    if (!e || !e->n_tokens) return;
    for (size_t s = 0; s < e->n; s++) {
        size_t begin = (size_t)e->cu_seqlens[s], end = (size_t)e->cu_seqlens[s + 1], t = first_of(e, s);
        if (fault("tokenizer.sequences") && kind == KOBENCH_EXAMPLE_QUESTION_CONTEXT) e->window[s]++;
        if (fault("tokenizer.sources")) e->word_ids[begin] = 0;
        if (fault("tokenizer.unknown")) e->n_unknown[s] = (uint32_t)(end - begin) + 1;
        if (fault("tokenizer.truncation") && kind == KOBENCH_EXAMPLE_TEXT) e->n_truncated[s] = 0;
        if (t == end || kind != KOBENCH_EXAMPLE_TEXT) continue;
        const char *row = (const char *)examples + e->example[s] * examples->struct_size;
        kobench_str text = ((const kobench_example *)row)->first;
        if (fault("tokenizer.offsets") && (text.data[e->offset_end[t] - 1] & 0x80)) e->offset_end[t]--;
        if (fault("tokenizer.word-order") && !strncmp(text.data, "ㅋ", 3)) e->word_ids[t] = 7;
        for (; fault("tokenizer.word-ids") && t < end; t++)
            if (e->token_source[t] != KOBENCH_FROM_SPECIAL) e->word_ids[t]++;
    }
    if (fault("tokenizer.pieces")) free(e->pieces), e->pieces = NULL;
    if (fault("tokenizer.independent") && n == 17) e->input_ids[0]++;
    if (fault("tokenizer.threads") && pieces && gettid() != getpid()) e->input_ids[0]++;
    if (fault("tokenizer.repeatable") && pieces && n == 6 && kind < 4 && plain_calls[kind]++) e->input_ids[0]++;
}

static int32_t faulty_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                             const kobench_encode_options *options, kobench_encoded **out, kobench_error *error) {
    kobench_example row;
    kobench_encode_options edited;
    if (fault("abi.size-options") && options) *(volatile const uint32_t *)&options->max_question_len;
    if (!tokenizer || !out || (!examples && n)) return tokenizer_encode(tokenizer, examples, n, options, out, error);
    if (fault("abi.null-options") && !options) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no options");
    if (fault("abi.encode-nothing") && !n) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no examples");
    if (!n || examples->struct_size < sizeof row)
        return tokenizer_encode(tokenizer, examples, n, options, out, error);
    if (fault("abi.size-example") && examples->struct_size > sizeof row)
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "examples of an odd size");
    if (fault("abi.unknown-kind") && examples->kind > KOBENCH_EXAMPLE_QUESTION_CONTEXT && n == 1) {
        row = *examples;
        row.kind = KOBENCH_EXAMPLE_TEXT;
        examples = &row;
    }
    memset(&edited, 0, sizeof edited);
    if (KOBENCH_HAS(kobench_encode_options, options, flags)) read_prefix(&edited, sizeof edited, options);
    edited.struct_size = sizeof edited;
    if (fault("tokenizer.max-seq-len") && edited.max_seq_len > POSITIONS) edited.max_seq_len = POSITIONS;
    if (fault("tokenizer.never-truncate") && edited.truncation == KOBENCH_TRUNCATE_NEVER) edited.truncation = 0;
    if (fault("tokenizer.longest-first") && examples->kind == KOBENCH_EXAMPLE_PAIR && edited.max_seq_len == 32) edited.max_seq_len--;
    if (fault("tokenizer.windows") && edited.doc_stride) edited.doc_stride++;
    if (fault("tokenizer.question-length") && edited.max_question_len) edited.max_question_len++;
    int32_t status = tokenizer_encode(tokenizer, examples, n, &edited, out, error);
    if (status == KOBENCH_E_INVALID_ARGUMENT && fault("abi.text-not-utf8") && n == 1) {
        row = (kobench_example){.struct_size = sizeof row};
        status = tokenizer_encode(tokenizer, &row, 1, &edited, out, error);
    }
    if (status == KOBENCH_OK) last = *out;
    if (status == KOBENCH_OK || examples->kind == 99) spoil(status == KOBENCH_OK ? *out : NULL, examples, n, edited.flags);
    return status;
}

static int32_t faulty_view(const kobench_encoded *e, kobench_encoding_view *out, kobench_error *error) {
    if (fault("abi.null-arguments") && !out) return KOBENCH_OK;
    if (fault("abi.size-view") && e && out) out->pieces = NULL;
    return encoded_view(e, out, error);
}

/* ---- model ---- */

static int opened;
static kobench_model *two_threads, *odd_one, *used_before;

static void *sleep_on(void *nothing) {
    for (;;) pause();
    return nothing;
}

static int32_t faulty_model_open(kobench_str json, kobench_model **out, kobench_error *error) {
    int32_t status = model_open(json, out, error);
    if (fault("abi.failed-open") && status != KOBENCH_OK && out) *out = NULL;
    if (status != KOBENCH_OK) return status;
    used_before = NULL;
    if (contains(json, "\"threads\":2")) two_threads = *out;
    odd_one = opened++ % 2 ? *out : NULL;
    pthread_t thread;
    if (fault("memory.descriptors")) status += 0 * open("/dev/null", O_RDONLY);
    if (fault("memory.threads")) pthread_create(&thread, NULL, sleep_on, NULL);
    return status;
}

static void faulty_model_close(kobench_model *model) {
    if (fault("abi.close-null")) *(volatile uint32_t *)&model->head = 0;
    model_close(model);
}

static int32_t faulty_forward(kobench_model *model, const kobench_encoded *e, const uint64_t *indices, size_t n,
                              uint32_t head, kobench_logits *out, kobench_error *error) {
    static int inside;
    if (fault("abi.size-logits") && out) *(volatile uint32_t *)&out->width;
    if (!model || !e || (!indices && n) || !KOBENCH_HAS(kobench_logits, out, width))
        return model_forward(model, e, indices, n, head, out, error);
    if (fault("abi.unknown-head") && head > KOBENCH_HEAD_SPAN) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no such head");
    if (fault("model.wrong-head") && head <= KOBENCH_HEAD_SPAN) head = model->head;
    if (fault("abi.forward-nothing") && !n) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no indices");
    for (size_t i = 0; i < n; i++)
        if (fault("abi.forward-range") && indices[i] >= e->n) return out->rows = 0, KOBENCH_OK;
    if (fault("crash") && head == KOBENCH_HEAD_TOKEN && n == 17) fprintf(stderr, "about to crash\n"), abort();
    while (fault("hang") && head == KOBENCH_HEAD_TOKEN && n == 17) pause();
    int busy = fault("abi.two-handles") ? __sync_fetch_and_add(&inside, 1) : 0;
    if (fault("abi.two-handles")) usleep(3000);
    uint32_t labels = model->num_labels;
    int pairs = 0;
    for (size_t t = 0; t < e->n_tokens; t++) pairs |= e->token_source[t] == KOBENCH_FROM_SECOND;
    if (fault("model.shape") && head == KOBENCH_HEAD_TOKEN && pairs) model->num_labels++;
    int32_t status = model_forward(model, e, indices, n, head, out, error);
    model->num_labels = labels;
    if (fault("abi.two-handles")) __sync_fetch_and_sub(&inside, 1);
    if (fault("abi.forward-room") && status == KOBENCH_E_BUFFER_TOO_SMALL && out->capacity) out->values[out->capacity] = 1;
    if (status != KOBENCH_OK || !n || !out->values) return status;
    float *v = out->values;
    if (busy) v[0] += 1;
    if (fault("abi.forward-repeated") && n > 1 && indices[n - 1] == indices[n - 2]) v[(n - 1) * out->width] += 1;
    if (fault("model.finite") && head == KOBENCH_HEAD_TOKEN && n == 17) v[0] = 0.0f / 0.0f;
    if (fault("model.repeatable") && n == 19 && used_before == model) v[0] += 1;
    if (n == 19) used_before = model;
    for (size_t i = 0; fault("model.reopen") && model == odd_one && n == 6 && i < out->rows * out->width; i++) v[i] += 1;
    if (fault("model.batch") && n == 19) v[0] += 1;
    if (fault("model.order") && n > 4 && indices[0] > indices[n - 1]) v[0] += 1;
    if (fault("model.threads") && model == two_threads) v[0] += 1;
    return status;
}

static int32_t faulty_stats(kobench_model *model, const kobench_sink *out, kobench_error *error) {
    if (!model) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the model is NULL");
    return out->write(out->context, "[1]", 3);
}

static void faulty_cancel(kobench_model *model) { (void)model; }

/* ---- self-test ---- */

static int32_t faulty_selftest(kobench_str json, const kobench_sink *out, kobench_error *error) {
    static const char *const keys[] = {"device", "precisions", "only", "skip", "seed", "list", "speed"};
    if (!KOBENCH_HAS(kobench_sink, out, write) || !out->write) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the sink is NULL");
    kobench_json members;
    char key[64];
    kobench_str value;
    unsigned found = 0;
    if (!kobench_json_begin(&members, json)) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the request is not a JSON object");
    while (kobench_json_next(&members, key, &value)) {
        size_t k = 0;
        while (k < sizeof keys / sizeof *keys && strcmp(key, keys[k])) k++;
        if (k == sizeof keys / sizeof *keys) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no key \"%s\"", key);
        if (!strcmp(key, "precisions") && contains(value, "f7")) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no precision f7");
        found |= 1u << k;
    }
    if ((found & 3) != 3) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no device, or no precisions");
    const char *outcome = found & 32 && !fault("abi.selftest") ? "listed" : "passed";
    char line[128];
    int size = snprintf(line, sizeof line, "{\"name\": \"nothing\", \"precision\": \"f32\", \"outcome\": \"%s\"}\n", outcome);
    return out->write(out->context, line, (size_t)size);
}

KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    if (fault("abi.entry-null") && !out) return KOBENCH_OK;
    if (fault("abi.size-host") && host) *(volatile const uint32_t *)((const char *)host + offsetof(kobench_host, log));
    int32_t status = rules_entry(host, out);
    if (status == KOBENCH_E_INVALID_ARGUMENT) return status;
    if (fault("abi.versions")) status = KOBENCH_OK;
    out->describe = faulty_describe;
    out->tokenizer_open = faulty_tokenizer_open;
    out->tokenizer_encode = faulty_encode;
    out->tokenizer_close = faulty_tokenizer_close;
    out->encoded_free = faulty_encoded_free;
    out->encoded_view = faulty_view;
    out->model_open = faulty_model_open;
    out->model_forward = faulty_forward;
    out->model_close = faulty_model_close;
    if (fault("model.stats") && KOBENCH_HAS(kobench_plugin, out, model_stats)) out->model_stats = faulty_stats;
    if (fault("abi.cancel") && KOBENCH_HAS(kobench_plugin, out, model_cancel)) out->model_cancel = faulty_cancel;
    if (KOBENCH_HAS(kobench_plugin, out, selftest)) out->selftest = faulty_selftest;
    if (fault("abi.size-plugin")) out->model_load = NULL;
    return status;
}
