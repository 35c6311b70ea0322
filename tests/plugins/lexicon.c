/*
 * A kobench plugin in C, with the header alone: counts words of praise and of blame.
 *
 *     cc -std=c11 -O2 -shared -fPIC -I plugins/abi/include -o libkobench_plugin_lexicon.so tests/plugins/lexicon.c
 *
 * It is a real (if weak) model of NSMC, and the proof that the interface needs no Rust. Its tokens are
 * bytes; its logits are (blame, praise), with praise ahead where both are silent.
 */
#include "kobench_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef LEXICON_NAME
#define LEXICON_NAME "lexicon"
#endif

static const char *const PRAISE[] = {"최고", "재밌", "재미있", "감동", "좋", "명작", "ㅠㅠ", "굿", "추천", "!", "♥"};
static const char *const BLAME[] = {"최악", "쓰레기", "별로", "지루", "아깝", "재미없", "노잼", "실망", "ㅡㅡ", "..", "?", "없다"};

/* An encoding: one sequence for each text, one token for each byte, and its score. */
struct kobench_encoded {
    size_t n;
    uint64_t *cu_seqlens;
    uint32_t *input_ids, *offset_start, *offset_end, *example, *zeros;
    uint8_t *token_type_ids, *token_source;
    int32_t *word_ids;
    float (*scores)[2];
};

static int32_t fail(kobench_error *error, int32_t status, const char *message) {
    if (error && error->message) {
        size_t size = strlen(message);
        error->size = size < error->capacity ? size : error->capacity;
        memcpy(error->message, message, error->size);
    }
    return status;
}

static int32_t describe(const kobench_sink *out, kobench_error *error) {
    static const char json[] =
        "{\"name\": \"" LEXICON_NAME "\", \"version\": \"1.0.0\", \"summary\": \"words of praise and blame, in C\","
        " \"variants\": [{\"name\": \"" LEXICON_NAME "\", \"architecture\": \"lexicon\", \"licence\": \"MIT OR"
        " Apache-2.0\", \"tokenizer\": \"bytes\", \"heads\": [\"sequence\"], \"bundled\": true,"
        " \"tasks\": [\"nsmc\"]}]}";
    if (!out || !out->write) return fail(error, KOBENCH_E_INVALID_ARGUMENT, "the sink is NULL");
    return out->write(out->context, json, sizeof json - 1);
}

/* Both handles are without state: any address but NULL will do. */
static char the_tokenizer, the_model;

static int32_t tokenizer_open(kobench_str json, kobench_tokenizer **out, kobench_error *error) {
    (void)json;
    if (!out) return fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL");
    *out = (kobench_tokenizer *)&the_tokenizer;
    return KOBENCH_OK;
}
static void tokenizer_close(kobench_tokenizer *tokenizer) { (void)tokenizer; }

/* How often the words of a list occur in a text, which need not end with NUL. */
static float count(kobench_str text, const char *const *words, size_t n) {
    float found = 0;
    for (size_t w = 0; w < n; w++) {
        size_t size = strlen(words[w]);
        for (size_t at = 0; at + size <= text.size; at++) found += !memcmp(text.data + at, words[w], size);
    }
    return found;
}

static void encoded_free(kobench_encoded *e) {
    if (!e) return;
    free(e->cu_seqlens); free(e->input_ids); free(e->offset_start); free(e->offset_end); free(e->example);
    free(e->zeros); free(e->token_type_ids); free(e->token_source); free(e->word_ids); free(e->scores);
    free(e);
}

static int32_t tokenizer_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                                const kobench_encode_options *options, kobench_encoded **out, kobench_error *error) {
    if (!tokenizer || !out || (!examples && n)) return fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL");
    size_t limit = options && options->max_seq_len ? options->max_seq_len : SIZE_MAX, tokens = 0;
    const char *at = (const char *)examples;
    for (size_t i = 0; i < n; i++) { /* the stride is what the first example says */
        const kobench_example *x = (const kobench_example *)(at + i * examples->struct_size);
        if (x->kind != KOBENCH_EXAMPLE_TEXT) return fail(error, KOBENCH_E_UNSUPPORTED, "this plugin takes single texts");
        tokens += x->first.size < limit ? x->first.size : limit;
    }
    kobench_encoded *e = calloc(1, sizeof *e);
    if (!e) return fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
#define COLUMN(name, count) (e->name = calloc((count) + 1, sizeof *e->name))
    if (!COLUMN(cu_seqlens, n) || !COLUMN(example, n) || !COLUMN(zeros, n) || !COLUMN(scores, n) ||
        !COLUMN(input_ids, tokens) || !COLUMN(offset_start, tokens) || !COLUMN(offset_end, tokens) ||
        !COLUMN(token_type_ids, tokens) || !COLUMN(token_source, tokens) || !COLUMN(word_ids, tokens)) {
        encoded_free(e);
        return fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    }
    e->n = n;
    for (size_t i = 0, t = 0; i < n; i++) {
        const kobench_example *x = (const kobench_example *)(at + i * examples->struct_size);
        size_t size = x->first.size < limit ? x->first.size : limit;
        for (size_t b = 0; b < size; b++, t++) {
            e->input_ids[t] = (unsigned char)x->first.data[b];
            e->offset_start[t] = (uint32_t)b;
            e->offset_end[t] = (uint32_t)b + 1;
        }
        e->cu_seqlens[i + 1] = t;
        e->example[i] = (uint32_t)i;
        e->scores[i][0] = count(x->first, BLAME, sizeof BLAME / sizeof *BLAME);
        e->scores[i][1] = count(x->first, PRAISE, sizeof PRAISE / sizeof *PRAISE) + 0.5f;
    }
    *out = e;
    return KOBENCH_OK;
}

static int32_t encoded_view(const kobench_encoded *e, kobench_encoding_view *out, kobench_error *error) {
    if (!e || !out || out->struct_size < sizeof *out) return fail(error, KOBENCH_E_INVALID_ARGUMENT, "no room");
    *out = (kobench_encoding_view){
        .struct_size = sizeof *out, .n_sequences = e->n, .n_tokens = e->cu_seqlens[e->n],
        .cu_seqlens = e->cu_seqlens, .input_ids = e->input_ids, .token_type_ids = e->token_type_ids,
        .token_source = e->token_source, .word_ids = e->word_ids, .offset_start = e->offset_start,
        .offset_end = e->offset_end, .example = e->example, .window = e->zeros, .n_truncated = e->zeros,
        .n_unknown = e->zeros};
    return KOBENCH_OK;
}

static int32_t model_open(kobench_str json, kobench_model **out, kobench_error *error) {
    (void)json;
    if (!out) return fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL");
    *out = (kobench_model *)&the_model;
    return KOBENCH_OK;
}
static void model_close(kobench_model *model) { (void)model; }

static int32_t model_forward(kobench_model *model, const kobench_encoded *e, const uint64_t *indices, size_t n,
                             uint32_t head, kobench_logits *out, kobench_error *error) {
    if (!model || !e || !out || (!indices && n)) return fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL");
    if (head != KOBENCH_HEAD_SEQUENCE) return fail(error, KOBENCH_E_UNSUPPORTED, "this plugin has a sequence head only");
    out->rows = n;
    out->width = 2;
    if (out->capacity < 2 * n) return fail(error, KOBENCH_E_BUFFER_TOO_SMALL, "two logits for each sequence");
    for (size_t i = 0; i < n; i++) {
        if (indices[i] >= e->n) return fail(error, KOBENCH_E_INVALID_ARGUMENT, "no such sequence");
        memcpy(out->values + 2 * i, e->scores[indices[i]], sizeof e->scores[0]);
    }
    return KOBENCH_OK;
}

int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    if (!host || !out || out->struct_size < offsetof(kobench_plugin, model_stats)) return KOBENCH_E_INVALID_ARGUMENT;
    uint32_t room = out->struct_size < sizeof *out ? out->struct_size : (uint32_t)sizeof *out;
    kobench_plugin plugin = {
        .struct_size = room, .abi_minor = KOBENCH_ABI_MINOR, .abi_minor_oldest = KOBENCH_ABI_MINOR_OLDEST,
        .describe = describe, .tokenizer_open = tokenizer_open, .tokenizer_encode = tokenizer_encode,
        .encoded_view = encoded_view, .encoded_free = encoded_free, .tokenizer_close = tokenizer_close,
        .model_open = model_open, .model_forward = model_forward, .model_close = model_close};
    memcpy(out, &plugin, room);
    return host->abi_minor >= KOBENCH_ABI_MINOR_OLDEST && KOBENCH_ABI_MINOR >= host->abi_minor_oldest
               ? KOBENCH_OK : KOBENCH_E_VERSION;
}
