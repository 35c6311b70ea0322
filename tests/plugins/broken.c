/*
 * Encodings and logits that contradict themselves, for the tests: the rules plugin with one thing spoilt.
 *
 *     cc ... -DRULES_NAME='"broken_offsets"' -DBROKEN_OFFSETS -o libkobench_plugin_broken_offsets.so tests/plugins/broken.c
 */
#define kobench_plugin_entry_v1 rules_entry
#include "rules.c"
#undef kobench_plugin_entry_v1

/* The second token of the second sequence (of the first, where there is one only) that is of a text. */
static size_t some_token(const kobench_encoded *e) {
    size_t t = (size_t)e->cu_seqlens[e->n > 1];
    while (e->token_source[t] == KOBENCH_FROM_SPECIAL) t++;
    return t + 1;
}

static int32_t broken_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                             const kobench_encode_options *o, kobench_encoded **out, kobench_error *error) {
    kobench_encode_options options = *o;
#if defined(BROKEN_STRIDE) /* not the stride that was asked for */
    options.doc_stride += 1;
#endif
    int32_t status = tokenizer_encode(tokenizer, examples, n, &options, out, error);
    if (status != KOBENCH_OK || !n) return status;
    kobench_encoded *e = *out;
    size_t t = some_token(e);
    (void)t;
#if defined(BROKEN_OFFSETS)
    for (size_t i = 0; i < e->n_tokens; i++) e->offset_end[i] += 100000;
#elif defined(BROKEN_ORDER) /* a token of the context that begins before the one before it */
    e->offset_start[e->n_tokens - 2] = 0;
#elif defined(BROKEN_WORD)
    e->word_ids[t] = 1000;
#elif defined(BROKEN_WORD_ORDER)
    e->word_ids[t] = 0;
    e->word_ids[t - 1] = 1;
#elif defined(BROKEN_WORD_LOST) /* the last word of the last sequence */
    e->word_ids[e->n_tokens - 2] = KOBENCH_NO_WORD;
#elif defined(BROKEN_WINDOW) /* no window 1 */
    for (size_t s = 0; s < e->n; s++) e->window[s] *= 2;
#elif defined(BROKEN_ROW) /* nothing of the last row */
    while (e->n && e->example[e->n - 1] == n - 1) e->n--;
    e->n_tokens = (size_t)e->cu_seqlens[e->n];
#elif defined(BROKEN_PIECES)
    free(e->pieces);
    e->pieces = NULL;
#elif defined(BROKEN_PIECE)
    for (size_t i = 0; e->pieces && i < e->n_tokens; i++) e->pieces[i] = (kobench_str){"\xff\xfe", 2};
#elif defined(BROKEN_CONTEXT) /* a special token in the middle of the context */
    e->token_source[e->n_tokens - 3] = KOBENCH_FROM_SPECIAL;
#endif
    return status;
}

static int32_t broken_forward(kobench_model *model, const kobench_encoded *e, const uint64_t *indices, size_t n,
                              uint32_t head, kobench_logits *out, kobench_error *error) {
    int32_t status = model_forward(model, e, indices, n, head, out, error);
#if defined(BROKEN_ROWS) /* a row of logits for each sequence, whatever the head */
    if (status == KOBENCH_OK) out->rows = n;
#elif defined(BROKEN_NAN)
    if (status == KOBENCH_OK) out->values[0] = 0.0f / 0.0f;
#endif
    return status;
}

KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    int32_t status = rules_entry(host, out);
    out->tokenizer_encode = broken_encode;
    out->model_forward = broken_forward;
    return status;
}
