/*
 * A kobench plugin in C with every head: it finds numbers.
 *
 * A small real model of three kinds of task. Its token head labels words (1: begins with a digit, 2: holds
 * "서울", 0: any other), its span head answers a question with the first number of the context, and its
 * sequence head gives for one label the share of tokens that two texts have in common, times 5, and for
 * several labels the number of tokens modulo the number of labels.
 *
 * Its tokens are runs of two characters of one class (digits, letters, other bytes), punctuation alone, with
 * "##" within a word, as WordPiece has it; a character beyond the basic plane is unknown.
 */
#include "kobench_plugin_util.h"

#ifndef RULES_NAME
#define RULES_NAME "rules"
#endif

enum { POSITIONS = 64, UNKNOWN = 0, CLS = 1, SEP = 2, FIRST_ID = 3 };

typedef struct token {
    uint32_t id, start, end;
    int32_t word;
    uint8_t source, type;
    char piece[16];
} token;

struct kobench_encoded {
    size_t n, n_tokens;
    uint64_t *cu_seqlens;
    uint32_t *example, *window, *n_truncated, *n_unknown;
    token *tokens;
    /* The columns, made of the tokens once all are there. */
    uint32_t *input_ids, *offset_start, *offset_end;
    uint8_t *token_type_ids, *token_source;
    int32_t *word_ids;
    kobench_str *pieces;
};

typedef struct list {
    token *at;
    size_t n;
} list;

struct kobench_model {
    uint32_t head, num_labels;
};

static int32_t describe(const kobench_sink *out, kobench_error *error) {
    static const char json[] =
        "{\"name\": \"" RULES_NAME "\", \"version\": \"1.0.0\", \"summary\": \"finds numbers, in C\", \"variants\":"
        " [{\"name\": \"" RULES_NAME "\", \"architecture\": \"rules\", \"licence\": \"MIT OR Apache-2.0\", \"tokenizer\":"
        " \"pairs of characters\", \"heads\": [\"sequence\", \"token\", \"span\"], \"max_seq_len\": 64,"
        " \"bundled\": true}]}";
    if (!KOBENCH_HAS(kobench_sink, out, write) || !out->write) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the sink is NULL");
    return out->write(out->context, json, sizeof json - 1);
}

/* ---- tokens ---- */

static int is_space(const char *c) { return *c == ' ' || *c == '\t' || *c == '\r' || *c == '\n'; }
static int is_digit(const char *c) { return *c >= '0' && *c <= '9'; }
static int is_punctuation(const char *c) { return strchr("!\"'(),.:;<>?[]-", *c) && *c; }
static int class_of(const char *c) {
    return is_digit(c) ? 0 : is_punctuation(c) ? 1 : (unsigned char)*c < 0xf0 ? 2 : 3;
}
static size_t bytes_of(const char *c) {
    unsigned char b = (unsigned char)*c;
    return b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
}

/* Appends the tokens of a text, of which the words are numbered from `word`; returns the number after the last.
 * With `one_word` the text is a single word, whatever it holds. */
static int32_t tokenize(list *out, kobench_str text, uint8_t source, int32_t word, int one_word) {
    int inside = 0;
    for (size_t at = 0; at < text.size;) {
        const char *c = text.data + at;
        if (is_space(c)) {
            word += inside && !one_word;
            inside = 0;
            at++;
            continue;
        }
        size_t end = at + bytes_of(c);
        if (class_of(c) != 1 && end < text.size && !is_space(text.data + end) && class_of(text.data + end) == class_of(c))
            end += bytes_of(text.data + end);
        if (end > text.size) end = text.size;
        token *t = &out->at[out->n++];
        *t = (token){.start = (uint32_t)at, .end = (uint32_t)end, .word = word, .source = source, .type = source};
        if (class_of(c) == 3) {
            t->id = UNKNOWN;
            strcpy(t->piece, "[UNK]");
        } else {
            snprintf(t->piece, sizeof t->piece, "%s%.*s", inside ? "##" : "", (int)(end - at), c);
            uint32_t hash = 2166136261u;
            for (size_t i = at; i < end; i++) hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
            t->id = FIRST_ID + hash % 30000u;
        }
        inside = 1;
        at = end;
    }
    return word + inside;
}

/* ---- sequences ---- */

static void push(kobench_encoded *e, token t) { e->tokens[e->n_tokens++] = t; }
static token special(uint32_t id, uint8_t type) {
    token t = {.id = id, .word = KOBENCH_NO_WORD, .source = KOBENCH_FROM_SPECIAL, .type = type};
    strcpy(t.piece, id == CLS ? "[CLS]" : "[SEP]");
    return t;
}

/* [CLS] first [SEP] second [SEP]; without a second text only [CLS] first [SEP]. */
static void sequence(kobench_encoded *e, size_t example, size_t window, size_t truncated, list first,
                     const list *second) {
    size_t from = e->n_tokens;
    push(e, special(CLS, 0));
    for (size_t i = 0; i < first.n; i++) push(e, first.at[i]);
    push(e, special(SEP, 0));
    for (size_t i = 0; second && i < second->n; i++) push(e, second->at[i]);
    if (second) push(e, special(SEP, 1));
    size_t unknown = 0;
    for (size_t i = from; i < e->n_tokens; i++) unknown += e->tokens[i].id == UNKNOWN;
    e->example[e->n] = (uint32_t)example;
    e->window[e->n] = (uint32_t)window;
    e->n_truncated[e->n] = (uint32_t)truncated;
    e->n_unknown[e->n] = (uint32_t)unknown;
    e->cu_seqlens[++e->n] = e->n_tokens;
}

static void encode_one(kobench_encoded *e, size_t number, const kobench_example *x, const kobench_encode_options *o,
                       size_t max, list a, list b) {
    a.n = b.n = 0;
    if (x->kind == KOBENCH_EXAMPLE_WORDS) {
        for (size_t w = 0; w < x->n_words; w++) {
            size_t before = a.n;
            tokenize(&a, x->words[w], KOBENCH_FROM_FIRST, (int32_t)w, 1);
            if (a.n == before) { /* a word without tokens is unknown */
                a.at[a.n] = (token){.id = UNKNOWN, .word = (int32_t)w};
                strcpy(a.at[a.n++].piece, "[UNK]");
            }
        }
    } else {
        tokenize(&a, x->first, KOBENCH_FROM_FIRST, 0, 0);
    }
    if (x->kind == KOBENCH_EXAMPLE_TEXT || x->kind == KOBENCH_EXAMPLE_WORDS) {
        size_t all = a.n;
        a.n = all < max - 2 ? all : max - 2;
        sequence(e, number, 0, all - a.n, a, NULL);
        return;
    }
    tokenize(&b, x->second, KOBENCH_FROM_SECOND, 0, 0);
    size_t all = a.n + b.n;
    if (x->kind == KOBENCH_EXAMPLE_PAIR) {
        while (a.n + b.n > max - 3) *(a.n > b.n ? &a.n : &b.n) -= 1;
        sequence(e, number, 0, all - a.n - b.n, a, &b);
        return;
    }
    size_t cut = a.n > o->max_question_len ? a.n - o->max_question_len : 0;
    a.n -= cut;
    size_t room = max - 3 - a.n;
    for (size_t window = 0, start = 0;; window++, start += o->doc_stride) {
        list part = {b.at + start, b.n - start < room ? b.n - start : room};
        sequence(e, number, window, cut, a, &part);
        if (start + room >= b.n) break;
    }
}

/* ---- the tokenizer's calls ---- */

static char the_tokenizer;

/* What both open calls look at. */
static int32_t opens(kobench_str json, int is_model, kobench_request *r, kobench_error *error) {
    int32_t status = kobench_read_request(json, is_model, r, error);
    if (status == KOBENCH_OK) status = kobench_refuse_unknown(r, RULES_NAME, error);
    if (status == KOBENCH_OK && *r->checkpoint)
        status = kobench_fail(error, KOBENCH_E_UNSUPPORTED, "this model takes no checkpoint; its rules are built in");
    return status;
}

static int32_t tokenizer_open(kobench_str json, kobench_tokenizer **out, kobench_error *error) {
    if (!out) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL");
    kobench_request r;
    int32_t status = opens(json, 0, &r, error);
    if (status == KOBENCH_OK) *out = (kobench_tokenizer *)&the_tokenizer;
    return status;
}
static void tokenizer_close(kobench_tokenizer *tokenizer) { (void)tokenizer; }

static void encoded_free(kobench_encoded *e) {
    if (!e) return;
    free(e->cu_seqlens); free(e->example); free(e->window); free(e->n_truncated); free(e->n_unknown);
    free(e->tokens); free(e->input_ids); free(e->offset_start); free(e->offset_end); free(e->token_type_ids);
    free(e->token_source); free(e->word_ids); free(e->pieces);
    free(e);
}

#define COLUMN(name, count) (e->name = calloc((count) + 1, sizeof *e->name))

static int columns(kobench_encoded *e, size_t n) {
    if (!COLUMN(input_ids, n) || !COLUMN(offset_start, n) || !COLUMN(offset_end, n) || !COLUMN(token_type_ids, n) ||
        !COLUMN(token_source, n) || !COLUMN(word_ids, n) || !COLUMN(pieces, n))
        return 0;
    for (size_t i = 0; i < n; i++) {
        const token *t = &e->tokens[i];
        e->input_ids[i] = t->id;
        e->offset_start[i] = t->start;
        e->offset_end[i] = t->end;
        e->token_type_ids[i] = t->type;
        e->token_source[i] = t->source;
        e->word_ids[i] = t->word;
        e->pieces[i] = (kobench_str){t->piece, strlen(t->piece)};
    }
    return 1;
}

static size_t bytes_in(const kobench_example *x) {
    size_t bytes = x->first.size + x->second.size;
    for (size_t w = 0; w < x->n_words; w++) bytes += x->words[w].size + 1;
    return bytes;
}

/* Whether an example is one that this plugin can read. */
static int32_t readable(const kobench_example *x, size_t i, const kobench_encode_options *o, size_t max,
                        kobench_error *error) {
    if (x->kind > KOBENCH_EXAMPLE_QUESTION_CONTEXT)
        return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "example %zu is of the kind %u, which is not known", i, x->kind);
    if (x->kind == KOBENCH_EXAMPLE_QUESTION_CONTEXT && (x->n_words || o->max_question_len + 4 > max))
        return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "a context is one text here, and needs room");
    if (!kobench_is_utf8(x->first) || !kobench_is_utf8(x->second) || (x->n_words && !x->words))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "a text of example %zu is NULL or not UTF-8", i);
    for (size_t w = 0; w < x->n_words; w++)
        if (!kobench_is_utf8(x->words[w]))
            return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "word %zu of example %zu is not UTF-8", w, i);
    return KOBENCH_OK;
}

/* A struct of the host's, with zeros for what it does not have. */
static void read_prefix(void *to, size_t size, const void *from) {
    uint32_t stated = *(const uint32_t *)from;
    memset(to, 0, size);
    memcpy(to, from, stated < size ? stated : size);
}

static int32_t tokenizer_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                                const kobench_encode_options *options, kobench_encoded **out, kobench_error *error) {
    if (!tokenizer || !out || (!examples && n)) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL");
    if (n && !KOBENCH_HAS(kobench_example, examples, kind))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the examples are too small a struct");
    kobench_encode_options known = {0}, *o = &known;
    if (KOBENCH_HAS(kobench_encode_options, options, flags)) read_prefix(o, sizeof *o, options);
    o->doc_stride = o->doc_stride ? o->doc_stride : 128;
    o->max_question_len = o->max_question_len ? o->max_question_len : POSITIONS - 4;
    if (o->truncation > KOBENCH_TRUNCATE_NEVER) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "truncation %u is not known", o->truncation);
    size_t max = o->max_seq_len ? o->max_seq_len : POSITIONS, longest = 0, sequences = 0, tokens = 0;
    if (max < 8 || max > POSITIONS) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "max_seq_len must be 8 to 64");
    const char *at = (const char *)examples;
    kobench_example x;
#define EXAMPLE(i) (read_prefix(&x, sizeof x, at + (i) * examples->struct_size), &x)
    for (size_t i = 0; i < n; i++) {
        int32_t status = readable(EXAMPLE(i), i, o, max, error);
        if (status != KOBENCH_OK) return status;
        size_t bytes = bytes_in(&x);
        longest = bytes > longest ? bytes : longest;
        sequences += x.kind == KOBENCH_EXAMPLE_QUESTION_CONTEXT ? bytes / o->doc_stride + 1 : 1;
    }
    tokens = sequences * max;
    list a = {calloc(longest + 1, sizeof(token)), 0}, b = {calloc(longest + 1, sizeof(token)), 0};
    kobench_encoded *e = calloc(1, sizeof *e);
    int there = a.at && b.at && e && COLUMN(cu_seqlens, sequences) && COLUMN(example, sequences) &&
                COLUMN(window, sequences) && COLUMN(n_truncated, sequences) && COLUMN(n_unknown, sequences) &&
                COLUMN(tokens, tokens);
    for (size_t i = 0; there && i < n; i++) encode_one(e, i, EXAMPLE(i), o, max, a, b);
    there = there && columns(e, e->n_tokens);
    free(a.at);
    free(b.at);
    if (!there) {
        encoded_free(e);
        return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    }
    for (size_t s = 0; o->truncation == KOBENCH_TRUNCATE_NEVER && s < e->n; s++)
        if (e->n_truncated[s] || e->window[s]) {
            uint32_t example = e->example[s];
            encoded_free(e);
            return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "example %u has more than %zu tokens", example, max);
        }
    if (!(o->flags & KOBENCH_ENCODE_PIECES)) free(e->pieces), e->pieces = NULL;
    *out = e;
    return KOBENCH_OK;
}

static int32_t encoded_view(const kobench_encoded *e, kobench_encoding_view *out, kobench_error *error) {
    if (!e || !KOBENCH_HAS(kobench_encoding_view, out, pieces)) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no room");
    *out = (kobench_encoding_view){
        .struct_size = sizeof *out, .n_sequences = e->n, .n_tokens = e->n_tokens, .cu_seqlens = e->cu_seqlens,
        .input_ids = e->input_ids, .token_type_ids = e->token_type_ids, .token_source = e->token_source,
        .word_ids = e->word_ids, .offset_start = e->offset_start, .offset_end = e->offset_end,
        .example = e->example, .window = e->window, .n_truncated = e->n_truncated, .n_unknown = e->n_unknown,
        .pieces = e->pieces};
    return KOBENCH_OK;
}

/* ---- the model's calls ---- */

static int32_t model_open(kobench_str json, kobench_model **out, kobench_error *error) {
    static const char *const heads[] = {"sequence", "token", "span"};
    if (!out) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL");
    kobench_request r;
    int32_t status = opens(json, 1, &r, error);
    if (status != KOBENCH_OK) return status;
    uint32_t head = 0;
    while (head < 3 && strcmp(r.head, heads[head])) head++;
    if (head == 3) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "there is no head \"%s\"", r.head);
    kobench_model *model = calloc(1, sizeof *model);
    if (!model) return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    model->head = head;
    model->num_labels = r.num_labels ? (uint32_t)r.num_labels : 2;
    *out = model;
    return KOBENCH_OK;
}
static void model_close(kobench_model *model) { free(model); }

static int is_number(const kobench_encoded *e, uint64_t t) {
    const char *piece = e->tokens[t].piece;
    return e->tokens[t].source != KOBENCH_FROM_SPECIAL && is_digit(piece + (strncmp(piece, "##", 2) ? 0 : 2));
}

static void sequence_logits(const kobench_encoded *e, uint64_t from, uint64_t to, uint32_t width, float *out) {
    float tokens = 0, shared = 0;
    for (uint64_t t = from; t < to; t++) {
        if (e->tokens[t].source == KOBENCH_FROM_SPECIAL) continue;
        tokens += 1;
        for (uint64_t u = from; u < to; u++)
            if (e->tokens[u].source != KOBENCH_FROM_SPECIAL && e->tokens[u].source != e->tokens[t].source &&
                e->tokens[u].id == e->tokens[t].id) {
                shared += 1;
                break;
            }
    }
    if (width == 1) out[0] = tokens ? 5 * shared / tokens : 0;
    else for (uint32_t l = 0; l < width; l++) out[l] = (uint32_t)tokens % width == l;
}

static void token_logits(const kobench_encoded *e, uint64_t t, uint32_t width, float *out) {
    const token *x = &e->tokens[t];
    uint32_t label = is_number(e, t) ? 1 : strstr(x->piece, "서울") ? 2 : 0;
    for (uint32_t l = 0; l < width; l++) out[l] = l == (label < width ? label : 0);
}

static void span_logits(const kobench_encoded *e, uint64_t from, uint64_t to, uint64_t t, float *out) {
    int here = is_number(e, t) && e->tokens[t].source == KOBENCH_FROM_SECOND;
    int before = t > from && is_number(e, t - 1), after = t + 1 < to && is_number(e, t + 1);
    /* The first of several numbers in a window. */
    float early = (float)(to - t) / (float)(to - from);
    out[0] = here && !before ? 4 + early : 0;
    out[1] = here && !after ? 4 + early : 0;
}

static int32_t model_forward(kobench_model *model, const kobench_encoded *e, const uint64_t *indices, size_t n,
                             uint32_t head, kobench_logits *out, kobench_error *error) {
    if (!model || !e || !KOBENCH_HAS(kobench_logits, out, width) || (!indices && n))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL, or too small a struct");
    if (head != model->head) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "the model was opened with another head");
    size_t rows = head == KOBENCH_HEAD_SEQUENCE ? n : 0;
    for (size_t i = 0; i < n; i++) {
        if (indices[i] >= e->n) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no such sequence");
        if (head != KOBENCH_HEAD_SEQUENCE) rows += e->cu_seqlens[indices[i] + 1] - e->cu_seqlens[indices[i]];
    }
    out->rows = rows;
    out->width = head == KOBENCH_HEAD_SPAN ? 2 : model->num_labels;
    if (rows && (!out->values || out->capacity < rows * out->width)) return kobench_fail(error, KOBENCH_E_BUFFER_TOO_SMALL, "more logits");
    float *values = out->values;
    for (size_t i = 0; i < n; i++) {
        uint64_t from = e->cu_seqlens[indices[i]], to = e->cu_seqlens[indices[i] + 1];
        if (head == KOBENCH_HEAD_SEQUENCE) {
            sequence_logits(e, from, to, out->width, values);
            values += out->width;
            continue;
        }
        for (uint64_t t = from; t < to; t++, values += out->width) {
            if (head == KOBENCH_HEAD_TOKEN) token_logits(e, t, out->width, values);
            else span_logits(e, from, to, t, values);
        }
    }
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
