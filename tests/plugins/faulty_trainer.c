/*
 * As faulty.c, for the checks of training and of checkpoints: the trainer plugin, and what FAULT names.
 */
#define _GNU_SOURCE
#define kobench_plugin_entry_v1 trainer_entry
#include "trainer.c"
#undef kobench_plugin_entry_v1

static int fault(const char *id) {
    const char *wanted = getenv("FAULT");
    return wanted && !strcmp(wanted, id);
}

static int contains(kobench_str text, const char *part) {
    return text.data && memmem(text.data, text.size, part, strlen(part)) != NULL;
}

static int32_t faulty_describe(const kobench_sink *out, kobench_error *error) {
    static const char json[] = "{\"name\": \"" TRAINER_NAME "\", \"version\": \"1.0.0\", \"trains\": false, \"variants\":"
                               " [{\"name\": \"" TRAINER_NAME "\", \"architecture\": \"linear\", \"heads\": [\"sequence\"],"
                               " \"bundled\": true}]}";
    if (!fault("training.said") || !KOBENCH_HAS(kobench_sink, out, write) || !out->write) return describe(out, error);
    return out->write(out->context, json, sizeof json - 1);
}

static int32_t faulty_tokenizer_open(kobench_str json, kobench_tokenizer **out, kobench_error *error) {
    if (fault("errors.missing-checkpoint") && contains(json, "no-such-folder"))
        return kobench_fail(error, KOBENCH_E_NOT_FOUND, "a folder is missing");
    return tokenizer_open(json, out, error);
}

static int32_t faulty_model_open(kobench_str json, kobench_model **out, kobench_error *error) {
    static const char bundled[] = "{\"variant\": \"" TRAINER_NAME "\"}";
    int32_t status = model_open(json, out, error);
    if (fault("errors.empty-checkpoint") && contains(json, "/empty")) return KOBENCH_E_BAD_DATA;
    if (fault("errors.config-not-json") && contains(json, "/no-json")) return KOBENCH_E_NOT_FOUND;
    if ((fault("errors.truncated-weights") && contains(json, "/whole") && status == KOBENCH_E_BAD_DATA) ||
        (fault("errors.unknown-device") && contains(json, "\"tpu\"")))
        return model_open((kobench_str){bundled, sizeof bundled - 1}, out, error);
    return status;
}

static int32_t faulty_seed(kobench_model *m, uint64_t seed, kobench_error *error) {
    static uint64_t calls;
    return model_seed(m, fault("training.seed") ? seed + calls++ : seed, error);
}

static int32_t faulty_begin(kobench_model *m, kobench_str json, kobench_error *error) {
    int ignored = fault("training.settings") && contains(json, "no-such-optimizer");
    return train_begin(m, ignored ? (kobench_str){"{}", 2} : json, error);
}

static int32_t faulty_step(kobench_model *m, const kobench_encoded *e, const uint64_t *indices, size_t n, uint32_t head,
                           const kobench_targets *targets, kobench_step *step, kobench_error *error) {
    if (fault("training.sizes") && step) *(volatile double *)&step->grad_norm;
    if (!KOBENCH_HAS(kobench_step, step, grad_norm) || !KOBENCH_HAS(kobench_targets, targets, classes))
        return train_step(m, e, indices, n, head, targets, step, error);
    if (fault("training.loss-falls")) step->learning_rate *= 1e-3;
    if (fault("training.accumulate")) step->flags &= ~KOBENCH_STEP_ACCUMULATE;
    int32_t status = train_step(m, e, indices, n, head, targets, step, error);
    if (fault("training.targets") && status == KOBENCH_E_INVALID_ARGUMENT && m && m->training) return KOBENCH_OK;
    return status;
}

static int32_t faulty_end(kobench_model *m, kobench_error *error) {
    int32_t status = train_end(m, error);
    return fault("training.order") && m ? KOBENCH_OK : status;
}

static int32_t faulty_save(kobench_model *m, kobench_str directory, uint32_t flags, kobench_error *error) {
    float *whole = m ? m->weights : NULL;
    float *nothing = fault("training.save-load") && m && !flags ? calloc(size_of(m), sizeof *nothing) : NULL;
    if (nothing) m->weights = nothing;
    int32_t status = model_save(m, directory, flags, error);
    if (nothing) m->weights = whole;
    free(nothing);
    return status;
}

static int32_t faulty_load(kobench_model *m, kobench_str directory, uint32_t flags, kobench_error *error) {
    int32_t status = model_load(m, directory, flags, error);
    if (fault("training.resume") && status == KOBENCH_OK && flags) m->random ^= 1;
    return status;
}

KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out) {
    int32_t status = trainer_entry(host, out);
    if (status == KOBENCH_E_INVALID_ARGUMENT || !KOBENCH_HAS(kobench_plugin, out, model_load)) return status;
    out->describe = faulty_describe;
    out->tokenizer_open = faulty_tokenizer_open;
    out->model_open = faulty_model_open;
    out->model_seed = faulty_seed;
    out->train_begin = faulty_begin;
    out->train_step = faulty_step;
    out->train_end = faulty_end;
    out->model_save = faulty_save;
    out->model_load = faulty_load;
    return status;
}
