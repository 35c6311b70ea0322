/*
 * A kobench plugin in C that trains: multinomial logistic regression on a hashed bag of words, by AdamW
 * (Loshchilov and Hutter 2019) with dropout on the features.
 *
 * Its checkpoint is a folder with config.json ({"num_labels": n}) and weights.bin: the four bytes "KBT1", then
 * BUCKETS x n floats. state.bin is what a resumed run needs: the number of steps, both moments, the generator.
 */
#include "kobench_plugin_util.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#ifndef TRAINER_NAME
#define TRAINER_NAME "trainer"
#endif

#ifndef TRAINER_DROPOUT
#define TRAINER_DROPOUT 0.1
#endif

enum { BUCKETS = 1024, MAX_LABELS = 16 };

/* An encoding: one sequence for each text, one token for each word. */
struct kobench_encoded {
    size_t n, n_tokens;
    uint64_t *cu_seqlens;
    uint32_t *input_ids, *offset_start, *offset_end, *example, *zeros, *n_truncated;
    uint8_t *token_type_ids, *token_source;
    int32_t *word_ids;
    kobench_str *pieces;
    char *text; /* what the pieces point to */
};

struct kobench_model {
    uint32_t labels;
    uint64_t random;
    int training;
    uint64_t steps;
    double clip_norm, beta1, beta2, eps, weight_decay;
    float *weights, *gradients, *first, *second; /* [BUCKETS x labels] each; the last two are Adam's moments */
};

static int32_t describe(const kobench_sink *out, kobench_error *error) {
    static const char json[] =
        "{\"name\": \"" TRAINER_NAME "\", \"version\": \"1.0.0\", \"summary\": \"a linear model that trains, in C\","
        " \"trains\": true, \"variants\": [{\"name\": \"" TRAINER_NAME "\", \"architecture\": \"linear\", \"licence\":"
        " \"MIT OR Apache-2.0\", \"tokenizer\": \"hashed words\", \"heads\": [\"sequence\"], \"bundled\": true}]}";
    if (!KOBENCH_HAS(kobench_sink, out, write) || !out->write)
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the sink is NULL or has no `write`");
    return out->write(out->context, json, sizeof json - 1);
}

/* ---- tokenizer ---- */

static char the_tokenizer;

/* Whether a checkpoint folder is there: the tokenizer has no files of its own. */
static int32_t folder(const char *path, kobench_error *error) {
    struct stat found;
    if (stat(path, &found) || !S_ISDIR(found.st_mode))
        return kobench_fail(error, KOBENCH_E_NOT_FOUND, "%s: no such folder", path);
    return KOBENCH_OK;
}

static int32_t tokenizer_open(kobench_str json, kobench_tokenizer **out, kobench_error *error) {
    if (!out) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL");
    kobench_request r;
    int32_t status = kobench_read_request(json, 0, &r, error);
    if (status == KOBENCH_OK) status = kobench_refuse_unknown(&r, TRAINER_NAME, error);
    if (status == KOBENCH_OK && *r.checkpoint) status = folder(r.checkpoint, error);
    if (status == KOBENCH_OK) *out = (kobench_tokenizer *)&the_tokenizer;
    return status;
}
static void tokenizer_close(kobench_tokenizer *tokenizer) { (void)tokenizer; }

static void encoded_free(kobench_encoded *e) {
    if (!e) return;
    free(e->cu_seqlens); free(e->input_ids); free(e->offset_start); free(e->offset_end); free(e->example);
    free(e->zeros); free(e->n_truncated); free(e->token_type_ids); free(e->token_source); free(e->word_ids);
    free(e->pieces); free(e->text);
    free(e);
}

static int is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The next word at or after `*at`; its size, or 0 where there is none. */
static size_t next_word(kobench_str text, size_t *at) {
    while (*at < text.size && is_space(text.data[*at])) ++*at;
    size_t end = *at;
    while (end < text.size && !is_space(text.data[end])) end++;
    return end - *at;
}

static uint32_t bucket(const char *word, size_t size) { /* FNV-1a */
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)word[i]) * 16777619u;
    return hash % BUCKETS;
}

static int32_t tokenizer_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                                const kobench_encode_options *o, kobench_encoded **out, kobench_error *error) {
    if (!tokenizer || !out || (!examples && n))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL");
    size_t limit = KOBENCH_HAS(kobench_encode_options, o, max_seq_len) && o->max_seq_len ? o->max_seq_len : SIZE_MAX;
    uint32_t truncation = KOBENCH_HAS(kobench_encode_options, o, truncation) ? o->truncation : 0;
    int pieces = KOBENCH_HAS(kobench_encode_options, o, flags) && o->flags & KOBENCH_ENCODE_PIECES;
    if (truncation > KOBENCH_TRUNCATE_NEVER) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "truncation %u is not known", truncation);
    const char *first = (const char *)examples;
#define EXAMPLE(i) ((const kobench_example *)(first + (i) * examples->struct_size))
    size_t tokens = 0, bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (!KOBENCH_HAS(kobench_example, EXAMPLE(i), first))
            return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "example %zu is too small a struct", i);
        if (EXAMPLE(i)->kind != KOBENCH_EXAMPLE_TEXT)
            return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "example %zu: this plugin takes single texts", i);
        kobench_str text = EXAMPLE(i)->first;
        if (!kobench_is_utf8(text)) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the text of example %zu is NULL or not UTF-8", i);
        size_t words = 0;
        for (size_t at = 0, size; (size = next_word(text, &at)); at += size) words++;
        if (words > limit && truncation == KOBENCH_TRUNCATE_NEVER)
            return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "example %zu has %zu tokens, more than %zu", i, words, limit);
        tokens += words < limit ? words : limit;
        bytes += text.size;
    }
    kobench_encoded *e = calloc(1, sizeof *e);
    if (!e) return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
#define COLUMN(name, count) (e->name = calloc((count) + 1, sizeof *e->name))
    if (!COLUMN(cu_seqlens, n) || !COLUMN(example, n) || !COLUMN(zeros, n) || !COLUMN(n_truncated, n) ||
        !COLUMN(input_ids, tokens) || !COLUMN(offset_start, tokens) || !COLUMN(offset_end, tokens) ||
        !COLUMN(token_type_ids, tokens) || !COLUMN(token_source, tokens) || !COLUMN(word_ids, tokens) ||
        (pieces && (!COLUMN(pieces, tokens) || !COLUMN(text, bytes)))) {
        encoded_free(e);
        return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    }
    size_t t = 0, copied = 0;
    for (size_t i = 0; i < n; i++) {
        kobench_str text = EXAMPLE(i)->first;
        int32_t word = 0;
        for (size_t at = 0, size; (size = next_word(text, &at)); at += size, word++) {
            if ((size_t)word >= limit) {
                e->n_truncated[i]++;
                continue;
            }
            e->input_ids[t] = bucket(text.data + at, size);
            e->offset_start[t] = (uint32_t)at;
            e->offset_end[t] = (uint32_t)(at + size);
            e->word_ids[t] = word;
            if (pieces) {
                memcpy(e->text + copied, text.data + at, size);
                e->pieces[t] = (kobench_str){e->text + copied, size};
                copied += size;
            }
            t++;
        }
        e->cu_seqlens[i + 1] = t;
        e->example[i] = (uint32_t)i;
    }
    e->n = n;
    e->n_tokens = t;
    *out = e;
    return KOBENCH_OK;
}

static int32_t encoded_view(const kobench_encoded *e, kobench_encoding_view *out, kobench_error *error) {
    if (!e || !KOBENCH_HAS(kobench_encoding_view, out, pieces))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL, or there is no room for a view");
    *out = (kobench_encoding_view){
        .struct_size = sizeof *out, .n_sequences = e->n, .n_tokens = e->n_tokens, .cu_seqlens = e->cu_seqlens,
        .input_ids = e->input_ids, .token_type_ids = e->token_type_ids, .token_source = e->token_source,
        .word_ids = e->word_ids, .offset_start = e->offset_start, .offset_end = e->offset_end,
        .example = e->example, .window = e->zeros, .n_truncated = e->n_truncated, .n_unknown = e->zeros,
        .pieces = e->pieces};
    return KOBENCH_OK;
}

/* ---- files ---- */

static int path_in(char out[4200], const char *directory, const char *file) {
    return snprintf(out, 4200, "%s/%s", directory, file) < 4200;
}

/* Reads a whole file of at most `room` bytes; the number of bytes, or -1 with an error. */
static long read_file(const char *path, void *into, size_t room, int32_t *status, kobench_error *error) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        *status = kobench_fail(error, errno == ENOENT ? KOBENCH_E_NOT_FOUND : KOBENCH_E_BAD_DATA, "%s: %s", path, strerror(errno));
        return -1;
    }
    size_t size = fread(into, 1, room, file);
    fclose(file);
    return (long)size;
}

static int32_t read_labels(const char *directory, uint32_t *labels, kobench_error *error) {
    char path[4200], text[4096], key[64];
    int32_t status = KOBENCH_OK;
    path_in(path, directory, "config.json");
    long size = read_file(path, text, sizeof text, &status, error);
    if (size < 0) return status;
    kobench_json members;
    kobench_str value;
    unsigned long long n = 0;
    if (!kobench_json_begin(&members, (kobench_str){text, (size_t)size}))
        return kobench_fail(error, KOBENCH_E_BAD_DATA, "%s: not a JSON object", path);
    while (kobench_json_next(&members, key, &value))
        if (!strcmp(key, "num_labels")) kobench_json_count(value, &n);
    if (n < 2 || n > MAX_LABELS) return kobench_fail(error, KOBENCH_E_BAD_DATA, "%s: \"num_labels\" must be 2 to 16", path);
    *labels = (uint32_t)n;
    return KOBENCH_OK;
}

static size_t size_of(const kobench_model *m) { return (size_t)BUCKETS * m->labels; }

static int32_t read_weights(kobench_model *m, const char *directory, kobench_error *error) {
    char path[4200];
    int32_t status = KOBENCH_OK;
    path_in(path, directory, "weights.bin");
    size_t bytes = size_of(m) * sizeof(float);
    char *all = malloc(bytes + 5);
    if (!all) return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    long size = read_file(path, all, bytes + 5, &status, error);
    if (size >= 0 && (size != (long)bytes + 4 || memcmp(all, "KBT1", 4)))
        status = kobench_fail(error, KOBENCH_E_BAD_DATA, "%s: %ld bytes, where \"KBT1\" and %zu bytes of weights should be", path, size, bytes);
    if (status == KOBENCH_OK) memcpy(m->weights, all + 4, bytes);
    free(all);
    return status;
}

/* ---- model ---- */

static void model_close(kobench_model *m) {
    if (!m) return;
    free(m->weights); free(m->gradients); free(m->first); free(m->second);
    free(m);
}

static int32_t model_open(kobench_str json, kobench_model **out, kobench_error *error) {
    if (!out) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL");
    kobench_request r;
    uint32_t labels = 2;
    int32_t status = kobench_read_request(json, 1, &r, error);
    if (status == KOBENCH_OK) status = kobench_refuse_unknown(&r, TRAINER_NAME, error);
    if (status == KOBENCH_OK && *r.checkpoint) status = folder(r.checkpoint, error);
    if (status == KOBENCH_OK && *r.checkpoint) status = read_labels(r.checkpoint, &labels, error);
    if (status != KOBENCH_OK) return status;
    if (strcmp(r.head, "sequence")) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "there is a sequence head only");
    if (r.num_labels && (*r.checkpoint ? r.num_labels != labels : r.num_labels < 2 || r.num_labels > MAX_LABELS))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "num_labels %ld does not fit the weights", r.num_labels);
    kobench_model *m = calloc(1, sizeof *m);
    if (!m) return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    m->labels = r.num_labels ? (uint32_t)r.num_labels : labels;
    m->random = r.seed;
    m->weights = calloc(size_of(m), sizeof *m->weights);
    if (!m->weights) status = kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    if (status == KOBENCH_OK && *r.checkpoint) status = read_weights(m, r.checkpoint, error);
    if (status == KOBENCH_OK) *out = m;
    else model_close(m);
    return status;
}

/* The logits of one sequence; `keep` says which tokens count, and NULL that all do. */
static void logits_of(const kobench_model *m, const uint32_t *ids, size_t n, const uint8_t *keep, float *out) {
    for (uint32_t l = 0; l < m->labels; l++) out[l] = 0;
    for (size_t t = 0; t < n; t++)
        for (uint32_t l = 0; l < m->labels; l++)
            if (!keep || keep[t]) out[l] += m->weights[ids[t] * m->labels + l];
}

/* What forward and train_step look at; the longest of the sequences goes to `longest`. */
static int32_t check_batch(const kobench_model *m, const kobench_encoded *e, const uint64_t *indices, size_t n,
                           uint32_t head, size_t *longest, kobench_error *error) {
    if (!m || !e || (!indices && n)) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL");
    if (head != KOBENCH_HEAD_SEQUENCE) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "there is a sequence head only");
    *longest = 0;
    for (size_t i = 0; i < n; i++) {
        if (indices[i] >= e->n) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "there is no such sequence");
        size_t size = (size_t)(e->cu_seqlens[indices[i] + 1] - e->cu_seqlens[indices[i]]);
        *longest = size > *longest ? size : *longest;
    }
    return KOBENCH_OK;
}

static int32_t model_forward(kobench_model *m, const kobench_encoded *e, const uint64_t *indices, size_t n,
                             uint32_t head, kobench_logits *out, kobench_error *error) {
    size_t longest;
    int32_t status = check_batch(m, e, indices, n, head, &longest, error);
    if (status != KOBENCH_OK) return status;
    if (!KOBENCH_HAS(kobench_logits, out, width)) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "`out` is NULL or too small a struct");
    out->rows = n;
    out->width = m->labels;
    if (n && (!out->values || out->capacity < n * m->labels))
        return kobench_fail(error, KOBENCH_E_BUFFER_TOO_SMALL, "%u logits for each sequence", m->labels);
    for (size_t i = 0; i < n; i++) {
        uint64_t from = e->cu_seqlens[indices[i]], to = e->cu_seqlens[indices[i] + 1];
        logits_of(m, e->input_ids + from, (size_t)(to - from), NULL, out->values + i * m->labels);
    }
    return KOBENCH_OK;
}

/* ---- training ---- */

static int32_t model_seed(kobench_model *m, uint64_t seed, kobench_error *error) {
    if (!m) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the model is NULL");
    m->random = seed;
    return KOBENCH_OK;
}

/* SplitMix64 (Steele, Lea and Flood 2014): a number in [0, 1). */
static double uniform(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static int32_t unknown(const char *what, const char *key, kobench_str value, kobench_error *error) {
    return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "\"%s\" has \"%s\": %.*s, which this plugin does not know", what, key,
                        (int)(value.size < 60 ? value.size : 60), value.data);
}

/* A number from `low` up to, but not including, `high`. */
static int number(kobench_str value, double low, double high, double *out) {
    char *end;
    double read = strtod(value.data, &end);
    if (end == value.data || !(read >= low && read < high)) return 0;
    *out = read;
    return 1;
}

/* The object "optimizer" (AdamW as torch has it) or "loss" (cross-entropy) of the training settings. */
static int32_t read_named(const char *what, const char *only, kobench_model *m, kobench_str object, kobench_error *error) {
    kobench_json members;
    char key[64], name[64];
    kobench_str value;
    int is_optimizer = !strcmp(what, "optimizer");
    if (*object.data != '{' || !kobench_json_begin(&members, object))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "\"%s\" is not an object", what);
    while (kobench_json_next(&members, key, &value)) {
        int good = 0;
        double none;
        if (!strcmp(key, "name")) good = kobench_json_text(value, name, sizeof name) && !strcmp(name, only);
        else if (!is_optimizer) good = !strcmp(key, "label_smoothing") && number(value, 0, 1e-300, &none);
        else if (!strcmp(key, "variant")) good = kobench_json_text(value, name, sizeof name) && !strcmp(name, "torch");
        else if (!strcmp(key, "eps")) good = number(value, 1e-300, 1, &m->eps);
        else if (!strcmp(key, "weight_decay")) good = number(value, 0, 1e6, &m->weight_decay);
        else if (!strcmp(key, "betas") && *value.data == '[') {
            const char *comma = strchr(value.data, ',');
            kobench_str first = {value.data + 1, 0}, second = {comma ? comma + 1 : value.data, 0};
            good = comma && number(first, 0, 1, &m->beta1) && number(second, 0, 1, &m->beta2);
        } else good = !strcmp(key, "no_decay") && *value.data == '['; /* there is no bias here */
        if (!good) return unknown(what, key, value, error);
    }
    return KOBENCH_OK;
}

static int32_t train_begin(kobench_model *m, kobench_str json, kobench_error *error) {
    kobench_json members;
    char key[64];
    kobench_str value;
    double clip = 0;
    if (m) m->beta1 = 0.9, m->beta2 = 0.999, m->eps = 1e-8, m->weight_decay = 0;
    if (!m || !kobench_json_begin(&members, json))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the model is NULL, or the settings are not a JSON object");
    while (kobench_json_next(&members, key, &value)) {
        int32_t status = KOBENCH_OK;
        if (!strcmp(key, "optimizer")) status = read_named(key, "adamw", m, value, error);
        else if (!strcmp(key, "loss")) status = read_named(key, "cross_entropy", m, value, error);
        else if (!strcmp(key, "clip_norm")) clip = *value.data == 'n' ? 0 : strtod(value.data, NULL);
        else if (strcmp(key, "freeze") || value.size != 2)
            status = kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no setting \"%s\": %.*s", key, (int)(value.size < 60 ? value.size : 60), value.data);
        if (status != KOBENCH_OK) return status;
    }
    float *arrays[3];
    for (int i = 0; i < 3; i++) arrays[i] = calloc(size_of(m), sizeof(float));
    if (!arrays[0] || !arrays[1] || !arrays[2]) {
        for (int i = 0; i < 3; i++) free(arrays[i]);
        return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    }
    free(m->gradients); free(m->first); free(m->second);
    m->gradients = arrays[0];
    m->first = arrays[1];
    m->second = arrays[2];
    m->steps = 0;
    m->clip_norm = clip;
    m->training = 1;
    return KOBENCH_OK;
}

static void update(kobench_model *m, double rate, double scale) {
    const double b1 = m->beta1, b2 = m->beta2;
    m->steps++;
    double c1 = 1 - pow(b1, (double)m->steps), c2 = 1 - pow(b2, (double)m->steps);
    for (size_t i = 0; i < size_of(m); i++) {
        double g = m->gradients[i] * scale;
        m->first[i] = (float)(b1 * m->first[i] + (1 - b1) * g);
        m->second[i] = (float)(b2 * m->second[i] + (1 - b2) * g * g);
        double step = m->first[i] / c1 / (sqrt(m->second[i] / c2) + m->eps) + m->weight_decay * m->weights[i];
        m->weights[i] -= (float)(rate * step);
        m->gradients[i] = 0;
    }
}

static int32_t train_step(kobench_model *m, const kobench_encoded *e, const uint64_t *indices, size_t n,
                          uint32_t head, const kobench_targets *targets, kobench_step *step, kobench_error *error) {
    size_t longest;
    int32_t status = check_batch(m, e, indices, n, head, &longest, error);
    if (status != KOBENCH_OK) return status;
    if (!m->training) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "train_step without train_begin");
    if (!KOBENCH_HAS(kobench_step, step, grad_norm) || !KOBENCH_HAS(kobench_targets, targets, kind))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "an argument is NULL, or too small a struct");
    if (targets->kind != KOBENCH_TARGET_CLASS) return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "targets must be classes");
    if (!KOBENCH_HAS(kobench_targets, targets, classes) || (!targets->classes && n))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "`classes` is NULL");
    size_t counted = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t class = targets->classes[i];
        if (class != KOBENCH_IGNORE_INDEX && (class < 0 || (uint32_t)class >= m->labels))
            return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "class %d of %u", class, m->labels);
        counted += class != KOBENCH_IGNORE_INDEX;
    }
    uint8_t *keep = malloc(longest + 1);
    if (!keep) return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    double loss = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t from = e->cu_seqlens[indices[i]], to = e->cu_seqlens[indices[i] + 1];
        const uint32_t *ids = e->input_ids + from;
        float logits[MAX_LABELS];
        double sum = 0, most = -INFINITY;
        for (size_t t = 0; t < to - from; t++) keep[t] = uniform(&m->random) >= TRAINER_DROPOUT;
        if (targets->classes[i] == KOBENCH_IGNORE_INDEX) continue;
        logits_of(m, ids, (size_t)(to - from), keep, logits);
        for (uint32_t l = 0; l < m->labels; l++) most = logits[l] > most ? logits[l] : most;
        for (uint32_t l = 0; l < m->labels; l++) sum += exp(logits[l] - most);
        loss += (log(sum) + most - logits[targets->classes[i]]) / (double)counted;
        for (uint32_t l = 0; l < m->labels; l++) {
            double gradient = (exp(logits[l] - most) / sum - (l == (uint32_t)targets->classes[i])) / (double)counted;
            for (size_t t = 0; t < to - from; t++)
                if (keep[t]) m->gradients[ids[t] * m->labels + l] += (float)(gradient * step->loss_scale);
        }
    }
    free(keep);
    step->loss = loss;
    step->grad_norm = NAN;
    if (step->flags & KOBENCH_STEP_ACCUMULATE) return KOBENCH_OK;
    for (size_t i = 0; i < size_of(m); i++) squares += (double)m->gradients[i] * m->gradients[i];
    step->grad_norm = sqrt(squares);
    update(m, step->learning_rate, m->clip_norm > 0 && step->grad_norm > m->clip_norm ? m->clip_norm / step->grad_norm : 1);
    return KOBENCH_OK;
}

static int32_t train_end(kobench_model *m, kobench_error *error) {
    if (!m || !m->training) return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "train_end without train_begin");
    free(m->gradients); free(m->first); free(m->second);
    m->gradients = m->first = m->second = NULL;
    m->training = 0;
    return KOBENCH_OK;
}

/* ---- save and load ---- */

/* A file from one or more blocks, or, with `reading`, the blocks from the file. */
typedef struct block {
    void *at;
    size_t size;
} block;

static int32_t transfer(const char *directory, const char *name, const block *blocks, size_t n, int reading, kobench_error *error) {
    char path[4200];
    path_in(path, directory, name);
    FILE *file = fopen(path, reading ? "rb" : "wb");
    if (!file) return kobench_fail(error, KOBENCH_E_NOT_FOUND, "%s: %s", path, strerror(errno));
    int good = 1;
    for (size_t i = 0; good && i < n; i++)
        good = blocks[i].size == (reading ? fread(blocks[i].at, 1, blocks[i].size, file) : fwrite(blocks[i].at, 1, blocks[i].size, file));
    good = !fclose(file) && good;
    return good ? KOBENCH_OK : kobench_fail(error, KOBENCH_E_BAD_DATA, "%s: %s", path, reading ? "too short" : "cannot be written");
}

static int32_t save_or_load(kobench_model *m, kobench_str directory, uint32_t flags, int reading, kobench_error *error) {
    char path[4096], config[64], magic[4] = {'K', 'B', 'T', '1'};
    if (!m || !directory.size || directory.size >= sizeof path || !kobench_is_utf8(directory))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "the model is NULL, or the directory is no path");
    memcpy(path, directory.data, directory.size);
    path[directory.size] = 0;
    if ((flags & KOBENCH_STATE_TRAINING) && !m->training)
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "there is no training state without train_begin");
    int32_t status = folder(path, error);
    uint32_t labels = m->labels;
    if (status == KOBENCH_OK && reading) {
        status = read_labels(path, &labels, error);
        if (status == KOBENCH_OK && labels != m->labels)
            status = kobench_fail(error, KOBENCH_E_BAD_DATA, "%s: a model with %u labels, not %u", path, labels, m->labels);
        if (status == KOBENCH_OK) status = read_weights(m, path, error);
    } else if (status == KOBENCH_OK) {
        int size = snprintf(config, sizeof config, "{\"num_labels\": %u}\n", labels);
        status = transfer(path, "config.json", (block[]){{config, (size_t)size}}, 1, 0, error);
        block weights[] = {{magic, 4}, {m->weights, size_of(m) * sizeof(float)}};
        if (status == KOBENCH_OK) status = transfer(path, "weights.bin", weights, 2, 0, error);
    }
    if (status != KOBENCH_OK || !(flags & KOBENCH_STATE_TRAINING)) return status;
    size_t bytes = size_of(m) * sizeof(float);
    block state[] = {{&m->steps, sizeof m->steps}, {&m->random, sizeof m->random}, {m->first, bytes}, {m->second, bytes}};
    return transfer(path, "state.bin", state, 4, reading, error);
}

static int32_t model_save(kobench_model *m, kobench_str directory, uint32_t flags, kobench_error *error) {
    return save_or_load(m, directory, flags, 0, error);
}
static int32_t model_load(kobench_model *m, kobench_str directory, uint32_t flags, kobench_error *error) {
    return save_or_load(m, directory, flags, 1, error);
}

int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    if (!KOBENCH_HAS(kobench_host, host, abi_minor_oldest) || !KOBENCH_HAS(kobench_plugin, out, model_close))
        return KOBENCH_E_INVALID_ARGUMENT;
    uint32_t room = out->struct_size < sizeof *out ? out->struct_size : (uint32_t)sizeof *out;
    kobench_plugin plugin = {
        .struct_size = room, .abi_minor = KOBENCH_ABI_MINOR, .abi_minor_oldest = KOBENCH_ABI_MINOR_OLDEST,
        .describe = describe, .tokenizer_open = tokenizer_open, .tokenizer_encode = tokenizer_encode,
        .encoded_view = encoded_view, .encoded_free = encoded_free, .tokenizer_close = tokenizer_close,
        .model_open = model_open, .model_forward = model_forward, .model_close = model_close,
        .model_seed = model_seed, .train_begin = train_begin, .train_step = train_step, .train_end = train_end,
        .model_save = model_save, .model_load = model_load};
    memcpy(out, &plugin, room);
    return host->abi_minor >= KOBENCH_ABI_MINOR_OLDEST && KOBENCH_ABI_MINOR >= host->abi_minor_oldest
               ? KOBENCH_OK : KOBENCH_E_VERSION;
}
