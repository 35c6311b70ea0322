/*
 * A kobench plugin in C, with the headers alone: counts words of praise and of blame.
 *
 *     cc -std=c11 -O2 -shared -fPIC -I plugins/abi/include -o libkobench_plugin_lexicon.so tests/plugins/lexicon.c
 *
 * It is a real (if weak) model of NSMC, and the proof that the interface needs no Rust. Its tokens are
 * characters; its logits are (blame, praise), with praise ahead where both are silent.
 */
#include "kobench_plugin_util.h"

#ifndef LEXICON_NAME
#define LEXICON_NAME "lexicon"
#endif

static const char *const PRAISE[] = {"최고", "재밌", "재미있", "감동", "좋", "명작", "ㅠㅠ", "굿", "추천", "!", "♥"};
static const char *const BLAME[] = {"최악", "쓰레기", "별로", "지루", "아깝", "재미없", "노잼", "실망", "ㅡㅡ", "..", "?", "없다"};

/* An encoding: one sequence for each text, one token for each character, and its score. */
struct kobench_encoded {
    size_t n;
    uint64_t *cu_seqlens;
    uint32_t *input_ids, *offset_start, *offset_end, *example, *zeros, *n_truncated;
    kobench_str *pieces;
    char (*characters)[4]; /* what the pieces point to */
    uint8_t *token_type_ids, *token_source;
    int32_t *word_ids;
    float (*scores)[2];
};

static int32_t describe(const kobench_sink *out, kobench_error *error) {
    static const char json[] =
        "{\"name\": \"" LEXICON_NAME "\", \"version\": \"1.0.0\", \"summary\": \"words of praise and blame, in C\","
        " \"variants\": [{\"name\": \"" LEXICON_NAME "\", \"architecture\": \"lexicon\", \"licence\": \"MIT OR"
        " Apache-2.0\", \"tokenizer\": \"characters\", \"heads\": [\"sequence\"], \"bundled\": true,"
        " \"tasks\": [\"nsmc\"]}]}";
    if (!KOBENCH_HAS(kobench_sink, out, write) || !out->write)
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the sink is NULL or has no `write`");
    return out->write(out->context, json, sizeof json - 1);
}

/* What both open calls look at: there is one model, and nothing to choose. */
static int32_t opens(kobench_str json, int is_model, kobench_error *error) {
    kobench_request r;
    int32_t status = kobench_read_request(json, is_model, &r, error);
    if (status == KOBENCH_OK) status = kobench_refuse_unknown(&r, LEXICON_NAME, error);
    if (status != KOBENCH_OK) return status;
    if (*r.checkpoint) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "this model takes no checkpoint; its words are built in");
    if (strcmp(r.head, "sequence") || (r.num_labels && r.num_labels != 2))
        return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "this model has a sequence head with two labels only");
    return KOBENCH_OK;
}

/* Both handles are without state: any address but NULL will do. */
static char the_tokenizer, the_model;

static int32_t tokenizer_open(kobench_str json, kobench_tokenizer **out, kobench_error *error) {
    if (!out) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL");
    int32_t status = opens(json, 0, error);
    if (status == KOBENCH_OK) *out = (kobench_tokenizer *)&the_tokenizer;
    return status;
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
    free(e->zeros); free(e->n_truncated); free(e->token_type_ids); free(e->token_source); free(e->word_ids);
    free(e->scores); free(e->pieces); free(e->characters);
    free(e);
}

static int is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The text of an example that the other side filled, if it is one text of UTF-8; else an error. */
static int32_t text_of(const kobench_example *x, size_t i, kobench_str *text, kobench_error *error) {
    if (!KOBENCH_HAS(kobench_example, x, first))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "example %zu is too small a struct", i);
    if (x->kind != KOBENCH_EXAMPLE_TEXT)
        return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "example %zu: this plugin takes single texts", i);
    *text = x->first;
    if (kobench_is_utf8(*text)) return KOBENCH_OK;
    return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the text of example %zu is NULL or not UTF-8", i);
}

static size_t characters(kobench_str text) {
    size_t n = 0;
    for (size_t at = 0; at < text.size; n++) at += kobench_character(text.data + at, text.size - at);
    return n;
}

static int32_t tokenizer_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                                const kobench_encode_options *o, kobench_encoded **out, kobench_error *error) {
    if (!tokenizer || !out || (!examples && n))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL");
    size_t limit = KOBENCH_HAS(kobench_encode_options, o, max_seq_len) && o->max_seq_len ? o->max_seq_len : SIZE_MAX;
    uint32_t truncation = KOBENCH_HAS(kobench_encode_options, o, truncation) ? o->truncation : 0;
    int pieces = KOBENCH_HAS(kobench_encode_options, o, flags) && o->flags & KOBENCH_ENCODE_PIECES;
    if (truncation > KOBENCH_TRUNCATE_NEVER) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "truncation %u is not known", truncation);
    const char *at = (const char *)examples;
#define EXAMPLE(i) ((const kobench_example *)(at + (i) * examples->struct_size)) /* the stride is what the first says */
    size_t tokens = 0;
    for (size_t i = 0; i < n; i++) {
        kobench_str text;
        int32_t status = text_of(EXAMPLE(i), i, &text, error);
        if (status != KOBENCH_OK) return status;
        size_t all = characters(text);
        if (all > limit && truncation == KOBENCH_TRUNCATE_NEVER)
            return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "example %zu has %zu tokens, more than %zu", i, all, limit);
        tokens += all < limit ? all : limit;
    }
    kobench_encoded *e = calloc(1, sizeof *e);
    if (!e) return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
#define COLUMN(name, count) (e->name = calloc((count) + 1, sizeof *e->name))
    if (!COLUMN(cu_seqlens, n) || !COLUMN(example, n) || !COLUMN(zeros, n) || !COLUMN(n_truncated, n) ||
        !COLUMN(scores, n) || !COLUMN(input_ids, tokens) || !COLUMN(offset_start, tokens) ||
        !COLUMN(offset_end, tokens) || !COLUMN(token_type_ids, tokens) || !COLUMN(token_source, tokens) ||
        !COLUMN(word_ids, tokens) || (pieces && (!COLUMN(pieces, tokens) || !COLUMN(characters, tokens)))) {
        encoded_free(e);
        return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    }
    e->n = n;
    for (size_t i = 0, t = 0; i < n; i++) {
        kobench_str text = EXAMPLE(i)->first;
        size_t from = t;
        int32_t word = 0;
        for (size_t b = 0, size; b < text.size && t - from < limit; b += size, t++) {
            size = kobench_character(text.data + b, text.size - b);
            word += b > 0 && is_space(text.data[b - 1]) && !is_space(text.data[b]) && t > from;
            for (size_t k = 0; k < size; k++) e->input_ids[t] = e->input_ids[t] << 8 | (unsigned char)text.data[b + k];
            e->offset_start[t] = (uint32_t)b;
            e->offset_end[t] = (uint32_t)(b + size);
            e->word_ids[t] = word;
            if (pieces) {
                memcpy(e->characters[t], text.data + b, size);
                e->pieces[t] = (kobench_str){e->characters[t], size};
            }
        }
        e->cu_seqlens[i + 1] = t;
        e->example[i] = (uint32_t)i;
        e->n_truncated[i] = (uint32_t)(characters(text) - (t - from));
        e->scores[i][0] = count(text, BLAME, sizeof BLAME / sizeof *BLAME);
        e->scores[i][1] = count(text, PRAISE, sizeof PRAISE / sizeof *PRAISE) + 0.5f;
    }
    *out = e;
    return KOBENCH_OK;
}

static int32_t encoded_view(const kobench_encoded *e, kobench_encoding_view *out, kobench_error *error) {
    if (!e || !KOBENCH_HAS(kobench_encoding_view, out, pieces))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL, or there is no room for a view");
    *out = (kobench_encoding_view){
        .struct_size = sizeof *out, .n_sequences = e->n, .n_tokens = e->cu_seqlens[e->n],
        .cu_seqlens = e->cu_seqlens, .input_ids = e->input_ids, .token_type_ids = e->token_type_ids,
        .token_source = e->token_source, .word_ids = e->word_ids, .offset_start = e->offset_start,
        .offset_end = e->offset_end, .example = e->example, .window = e->zeros, .n_truncated = e->n_truncated,
        .n_unknown = e->zeros, .pieces = e->pieces};
    return KOBENCH_OK;
}

static int32_t model_open(kobench_str json, kobench_model **out, kobench_error *error) {
    if (!out) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL");
    int32_t status = opens(json, 1, error);
    if (status == KOBENCH_OK) *out = (kobench_model *)&the_model;
    return status;
}
static void model_close(kobench_model *model) { (void)model; }

static int32_t model_forward(kobench_model *model, const kobench_encoded *e, const uint64_t *indices, size_t n,
                             uint32_t head, kobench_logits *out, kobench_error *error) {
    if (!model || !e || !KOBENCH_HAS(kobench_logits, out, width) || (!indices && n))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL, or too small a struct");
    if (head != KOBENCH_HEAD_SEQUENCE) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "this plugin has a sequence head only");
    for (size_t i = 0; i < n; i++)
        if (indices[i] >= e->n) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "there is no such sequence");
    out->rows = n;
    out->width = 2;
    if (n && (!out->values || out->capacity < 2 * n))
        return kobench_fail(error, KOBENCH_E_BUFFER_TOO_SMALL, "two logits for each sequence");
    for (size_t i = 0; i < n; i++) memcpy(out->values + 2 * i, e->scores[indices[i]], sizeof e->scores[0]);
    return KOBENCH_OK;
}

int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    if (!KOBENCH_HAS(kobench_host, host, abi_minor_oldest) || !KOBENCH_HAS(kobench_plugin, out, model_close))
        return KOBENCH_E_INVALID_ARGUMENT;
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
