/*
 * A plugin that does nothing, fast: one token a text, constant logits. What remains is the interface's and
 * the harness's own cost.
 */
#define LEXICON_NAME "noop"
#define kobench_plugin_entry_v1 lexicon_entry
#include "lexicon.c"
#undef kobench_plugin_entry_v1

static int32_t noop_encode(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                           const kobench_encode_options *options, kobench_encoded **out, kobench_error *error) {
    (void)tokenizer, (void)examples, (void)options;
    kobench_encoded *e = calloc(1, sizeof *e);
    if (!e) return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    if (!COLUMN(cu_seqlens, n) || !COLUMN(example, n) || !COLUMN(zeros, n) || !COLUMN(n_truncated, n) || !COLUMN(scores, n) ||
        !COLUMN(input_ids, n) || !COLUMN(offset_start, n) || !COLUMN(offset_end, n) || !COLUMN(token_type_ids, n) ||
        !COLUMN(token_source, n) || !COLUMN(word_ids, n)) {
        encoded_free(e);
        return kobench_fail(error, KOBENCH_E_OUT_OF_MEMORY, "no memory");
    }
    e->n = n;
    for (size_t i = 0; i < n; i++) {
        e->cu_seqlens[i + 1] = i + 1;
        e->example[i] = (uint32_t)i;
    }
    *out = e;
    return KOBENCH_OK;
}

KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    int32_t status = lexicon_entry(host, out);
    out->tokenizer_encode = noop_encode;
    return status;
}
