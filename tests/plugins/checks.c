/*
 * The rules plugin, which says of each head what it read of a checkpoint that it was only to check: for the tests.
 *
 *     cc ... -DRULES_NAME='"checks"' -o libkobench_plugin_checks.so tests/plugins/checks.c
 *
 * Its checkpoint has the sequence head, lacks the token head, and does not fit the span head.
 */
#define kobench_plugin_entry_v1 rules_entry
#include "rules.c"
#undef kobench_plugin_entry_v1

#if !defined(CHECKS_CRASH)
/* Messages longer than those of kobench_fail. */
static int32_t fail(kobench_error *error, int32_t status, const char *message) {
    if (!KOBENCH_HAS(kobench_error, error, size) || !error->message) return status;
    size_t size = strlen(message);
    error->size = size < error->capacity ? size : error->capacity;
    memcpy(error->message, message, error->size);
    return status;
}
#endif

static int holds(kobench_str json, const char *text) {
    size_t size = strlen(text);
    for (size_t at = 0; at + size <= json.size; at++)
        if (!memcmp(json.data + at, text, size)) return 1;
    return 0;
}

static int32_t checks_open(kobench_str json, kobench_model **out, kobench_error *error) {
#if defined(CHECKS_OLD) /* as a plugin of an older SDK */
    if (holds(json, "\"check\":"))
        return fail(error, KOBENCH_E_INVALID_ARGUMENT, "the request: unknown field `check`, expected one of `variant`");
    if (!holds(json, "\"new_head\":true") && !holds(json, "\"head\":\"sequence\""))
        return fail(error, KOBENCH_E_BAD_DATA, "no such head");
#elif defined(CHECKS_CRASH)
    abort();
#else
    if (!holds(json, "\"check\":true"))
        return fail(error, KOBENCH_E_INVALID_ARGUMENT, "all of the weights were to be kept");
    if (holds(json, "\"head\":\"token\"") && !holds(json, "\"new_head\":true"))
        return fail(error, KOBENCH_E_BAD_DATA, "the checkpoint has no head for words");
    if (holds(json, "\"head\":\"span\"")) {
        char text[64 * 1024] = "tensors that do not fit:";
        for (int i = 0; i < 400; i++)
            snprintf(text + strlen(text), 128, "\nencoder.layer.%d.output.dense.weight: shape [768, 3072], expected [768, 768]", i);
        return fail(error, KOBENCH_E_BAD_DATA, text);
    }
#endif
    /* The rules themselves take no checkpoint. */
    static const char bare[] = "{\"variant\": \"" RULES_NAME "\"}";
    int32_t status = model_open((kobench_str){bare, sizeof bare - 1}, out, error);
    if (status == KOBENCH_OK && holds(json, "\"head\":\"token\"")) (*out)->num_labels = 3;
    return status;
}

#if !defined(CHECKS_OLD)
static int32_t checks_stats(kobench_model *model, const kobench_sink *out, kobench_error *error) {
    (void)error;
    const char *json = model->num_labels == 3
        ? "{\"parameters\": 1200000, \"num_labels\": 3, \"checkpoint\": {\"files\": [{\"path\": \"/c/model.safetensors\","
          " \"bytes\": 4096}], \"format\": \"safetensors\", \"tensors\": 5, \"dtypes\": {\"F32\": 5}, \"ignored\":"
          " [\"cls.predictions.bias\"], \"initialised\": [\"classifier.bias\", \"classifier.weight\"]}}"
        : "{\"parameters\": 1200000, \"num_labels\": 2, \"checkpoint\": {\"files\": [{\"path\": \"/c/model.safetensors\","
          " \"bytes\": 4096}], \"format\": \"safetensors\", \"tensors\": 5, \"dtypes\": {\"F32\": 5}, \"ignored\": [],"
          " \"initialised\": []}}";
    return out->write(out->context, json, strlen(json));
}
#endif

KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    int32_t status = rules_entry(host, out);
    out->model_open = checks_open;
#if !defined(CHECKS_OLD)
    out->model_stats = checks_stats;
#endif
    return status;
}
