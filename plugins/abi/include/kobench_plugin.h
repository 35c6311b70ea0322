/*
 * kobench_plugin.h - the C interface between kobench and a model plugin, ABI version 1.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * This header is the contract; everything else (the Rust mirror, the SDK, the loader) follows it.
 * A plugin is a shared library that exports one symbol, KOBENCH_ENTRY_V1. It needs no library of
 * kobench's to link against: this file alone is enough.
 *
 * RULES
 *
 * Versions. The suffix of the entry symbol is the major version; two majors never meet. Host and
 *   plugin each state the minor version that they speak (`abi_minor`) and the oldest minor of the
 *   other side that they accept (`abi_minor_oldest`). They fit if
 *       host.abi_minor >= plugin.abi_minor_oldest  and  plugin.abi_minor >= host.abi_minor_oldest.
 *   The plugin fills in its range before it looks at the host's, and returns KOBENCH_E_VERSION when
 *   they do not fit, so that the host can name both.
 * Growth. Every struct begins with `struct_size` and `flags`, and only ever grows at its end. Who
 *   fills a struct sets `struct_size` to the bytes that it knows of; who reads it looks at no field
 *   that lies beyond `struct_size`, and takes such a field as zero. For a struct that the callee
 *   fills, the caller sets `struct_size` to the room there is; the callee writes no further, and
 *   sets `struct_size` to what it wrote. In an array of structs the stride is the `struct_size` of
 *   the first element. kobench_str is a plain value, and frozen. Undefined bits of `flags` are zero.
 * Optional calls. A NULL function pointer means "unsupported", as does the status
 *   KOBENCH_E_UNSUPPORTED. Required: describe, tokenizer_open, tokenizer_encode, encoded_view,
 *   encoded_free, tokenizer_close, model_open, model_forward, model_close.
 * Arguments. A pointer is not NULL, unless it is a kobench_error, encode options (NULL: all zero) or an
 *   array of length 0; otherwise the call returns KOBENCH_E_INVALID_ARGUMENT, as for an index that is out
 *   of range. A kind, head or truncation with a number that the plugin does not know is
 *   KOBENCH_E_UNSUPPORTED. No examples and no indices are valid, and give no sequences and no rows. A
 *   call that fails leaves a handle's out-parameter as it was.
 * Text is UTF-8, has a length, and may contain NUL; it is not terminated. Options and descriptions
 *   are JSON objects. Unknown keys in a description are ignored; unknown keys in options are an
 *   error (KOBENCH_E_INVALID_ARGUMENT), so that a misspelt option is never silently without effect. So
 *   are an unknown variant, text that is not UTF-8 in a document, and what is no JSON object.
 * Checkpoints. A directory that is not there, or without a file that is needed, is
 *   KOBENCH_E_NOT_FOUND; a file with a wrong content is KOBENCH_E_BAD_DATA; the message names the path.
 *   A model that takes no checkpoint refuses one with KOBENCH_E_UNSUPPORTED.
 * Memory. Nobody frees what the other allocated. What the plugin hands out belongs to a handle and
 *   lives until that handle's close or free call; what the host passes in is valid until the call
 *   returns, and is not kept.
 * Errors. A call returns a status, KOBENCH_OK or one of KOBENCH_E_*. It may write a message into the
 *   host's kobench_error, which can be NULL. A message says what was wrong, where, and what to do.
 *   After an error other than KOBENCH_E_PANIC the handle is as usable as it was before the call.
 * Results. The same input gives the same result, bit for bit, on a handle that was opened the same way,
 *   whatever was called before. What is encoded for an example, and the logits of a sequence, do not
 *   depend on the rest of the batch (logits up to rounding).
 * Threads. One call at a time for each handle, from any thread. A tokenizer and a model are separate
 *   handles and may be used at the same time by different threads; so may the functions that take
 *   no handle. An encoded handle is read-only once made: any number of threads may read it while
 *   the tokenizer that made it goes on. model_cancel alone may be called during another call on the
 *   same model. Threads that the plugin makes for a handle end with its close; a pool that all handles
 *   share may stay.
 * Unwinding. No exception and no panic may leave a call.
 * Lifetime. A library is never unloaded. A handle is closed once; closing NULL does nothing. An
 *   encoded handle may outlive the tokenizer that made it.
 * Process. The host runs a plugin in a worker process. Standard output of that process is not the
 *   user's: what a plugin prints there is shown as a log line. Use kobench_host.log instead.
 */
#ifndef KOBENCH_PLUGIN_H
#define KOBENCH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOBENCH_ABI_MAJOR 1
#define KOBENCH_ABI_MINOR 1
#define KOBENCH_ABI_MINOR_OLDEST 0

/* Status codes. */
#define KOBENCH_OK 0
#define KOBENCH_E_INVALID_ARGUMENT 1   /* the caller's fault: an option, an index, a NULL */
#define KOBENCH_E_UNSUPPORTED 2        /* this plugin, variant or build cannot do this */
#define KOBENCH_E_NOT_FOUND 3          /* a file that should be there is not */
#define KOBENCH_E_BAD_DATA 4           /* a file is there, and its content is wrong */
#define KOBENCH_E_OUT_OF_MEMORY 5      /* host memory */
#define KOBENCH_E_OUT_OF_DEVICE_MEMORY 6 /* recoverable: the handle is intact, try a smaller batch */
#define KOBENCH_E_CANCELLED 7          /* model_cancel was called */
#define KOBENCH_E_VERSION 8            /* the version ranges do not meet */
#define KOBENCH_E_PANIC 9              /* the call panicked; the handle can only be closed now */
#define KOBENCH_E_BUSY 10              /* two calls at once on one handle */
#define KOBENCH_E_BUFFER_TOO_SMALL 11  /* the host's buffer is too small; the need is filled in */
#define KOBENCH_E_NOT_FINITE 12        /* a loss or gradient that is NaN or infinite */
#define KOBENCH_E_INTERNAL 13          /* anything else */

typedef struct kobench_tokenizer kobench_tokenizer; /* opaque, the plugin's */
typedef struct kobench_encoded kobench_encoded;     /* opaque, the plugin's */
typedef struct kobench_model kobench_model;         /* opaque, the plugin's */

/* A view of UTF-8 text. `data` may be NULL where `size` is 0. */
typedef struct kobench_str {
    const char *data;
    size_t size;
} kobench_str;

/* Where a call says what went wrong. The buffer is the host's. */
typedef struct kobench_error {
    uint32_t struct_size, flags;
    char *message;   /* room for `capacity` bytes; may be NULL */
    size_t capacity;
    size_t size;     /* filled in: bytes written, at most `capacity`, cut at a character boundary */
} kobench_error;

/* Where a call writes a JSON document of any length. `write` appends; it may be called repeatedly,
 * and returns KOBENCH_OK, or a status that the caller returns as it is. */
typedef struct kobench_sink {
    uint32_t struct_size, flags;
    void *context;
    int32_t (*write)(void *context, const char *data, size_t size);
} kobench_sink;

#define KOBENCH_LOG_ERROR 1
#define KOBENCH_LOG_WARN 2
#define KOBENCH_LOG_INFO 3
#define KOBENCH_LOG_DEBUG 4

/* What the host offers. Valid for the life of the process. */
typedef struct kobench_host {
    uint32_t struct_size, flags;
    uint32_t abi_minor, abi_minor_oldest;
    kobench_str name;    /* "kobench" */
    kobench_str version; /* its release, for messages only */
    void *context;
    /* May be called by any thread, at any time; may be NULL. */
    void (*log)(void *context, int32_t level, kobench_str message);
} kobench_host;

/* ---- tokenising ------------------------------------------------------------------------------ */

/* What the fields of an example mean. */
#define KOBENCH_EXAMPLE_TEXT 0  /* first */
#define KOBENCH_EXAMPLE_PAIR 1  /* first, second */
#define KOBENCH_EXAMPLE_WORDS 2 /* words: text that is split already; each word is tokenised alone */
/* first = question; context = words if n_words > 0, else second. A context that does not fit is cut
 * into overlapping windows: one example, several sequences. */
#define KOBENCH_EXAMPLE_QUESTION_CONTEXT 3

typedef struct kobench_example {
    uint32_t struct_size, flags;
    uint32_t kind;
    uint32_t reserved; /* 0 */
    kobench_str first;
    kobench_str second;
    const kobench_str *words;
    size_t n_words;
} kobench_example;

/* Drop one token at a time from the longer text; where both are equally long, from the second. */
#define KOBENCH_TRUNCATE_LONGEST_FIRST 0
/* A sequence that is too long is an error (KOBENCH_E_INVALID_ARGUMENT, naming the example). */
#define KOBENCH_TRUNCATE_NEVER 1

#define KOBENCH_ENCODE_PIECES 1u /* flag: fill in `pieces` */

typedef struct kobench_encode_options {
    uint32_t struct_size, flags;
    uint32_t max_seq_len;      /* tokens, special tokens included; 0: the model's limit */
    uint32_t truncation;       /* KOBENCH_TRUNCATE_* */
    uint32_t doc_stride;       /* question + context: tokens from one window's start to the next; 0: 128 */
    uint32_t max_question_len; /* question + context: tokens of the question that are kept; 0: 64 */
} kobench_encode_options;

#define KOBENCH_NO_WORD (-1)
#define KOBENCH_FROM_FIRST 0
#define KOBENCH_FROM_SECOND 1
#define KOBENCH_FROM_SPECIAL 255

/* A packed view of what was encoded: sequence s has the tokens cu_seqlens[s] .. cu_seqlens[s + 1].
 * Without windows there is one sequence for each example, in order; the windows of an example
 * follow each other. All pointers live until encoded_free. */
typedef struct kobench_encoding_view {
    uint32_t struct_size, flags;
    uint64_t n_sequences;
    uint64_t n_tokens;
    const uint64_t *cu_seqlens;     /* [n_sequences + 1], cu_seqlens[0] = 0 */
    const uint32_t *input_ids;      /* [n_tokens] */
    const uint8_t *token_type_ids;  /* [n_tokens] */
    /* [n_tokens]: KOBENCH_FROM_*. Words and contexts: KOBENCH_FROM_FIRST for pre-split words,
     * KOBENCH_FROM_SECOND for a context. */
    const uint8_t *token_source;
    /* [n_tokens]: the index into `words`, where the token's text was given as words; for plain text
     * the ordinal of the whitespace-separated word, counted within its text; KOBENCH_NO_WORD for
     * special tokens. */
    const int32_t *word_ids;
    /* [n_tokens]: UTF-8 byte offsets [start, end) into the text that the token came from as the host
     * gave it (where the text was given as words: into that word); 0, 0 for special tokens. Both lie
     * between characters, and within a text (or word) neither falls from one token to the next. */
    const uint32_t *offset_start;
    const uint32_t *offset_end;
    const uint32_t *example;        /* [n_sequences]: index of the example */
    const uint32_t *window;         /* [n_sequences]: 0, 1, 2 ... within the example */
    const uint32_t *n_truncated;    /* [n_sequences]: tokens that were cut off and are in no window */
    const uint32_t *n_unknown;      /* [n_sequences]: tokens whose id is the unknown token's */
    const kobench_str *pieces;      /* [n_tokens], or NULL if not asked for */
} kobench_encoding_view;

/* ---- model ----------------------------------------------------------------------------------- */

#define KOBENCH_HEAD_SEQUENCE 0 /* a row of logits for each sequence (regression: one) */
#define KOBENCH_HEAD_TOKEN 1    /* a row for each token */
#define KOBENCH_HEAD_SPAN 2     /* a row for each token: start logit, end logit */

/* Logits are written in the order of `indices`, rows of `width` values, without padding. */
typedef struct kobench_logits {
    uint32_t struct_size, flags;
    float *values;   /* the host's */
    size_t capacity; /* in values */
    uint64_t rows;   /* filled in, also with KOBENCH_E_BUFFER_TOO_SMALL */
    uint32_t width;  /* filled in likewise */
    uint32_t reserved;
} kobench_logits;

#define KOBENCH_TARGET_CLASS 0 /* classes[n]: one for each sequence */
#define KOBENCH_TARGET_REAL 1  /* reals[n] */
/* classes[cu_words[n]]: one for each word of each sequence's example, by word id; the first token of
 * a word carries its label. */
#define KOBENCH_TARGET_WORD 2
#define KOBENCH_TARGET_SPAN 3  /* starts[n], ends[n]: token positions within the sequence */
#define KOBENCH_IGNORE_INDEX (-100)

typedef struct kobench_targets {
    uint32_t struct_size, flags;
    uint32_t kind;
    uint32_t reserved;
    const int32_t *classes; /* KOBENCH_IGNORE_INDEX: no loss */
    const float *reals;
    const uint64_t *cu_words; /* [n + 1], offsets into `classes` */
    const uint32_t *starts;
    const uint32_t *ends;
} kobench_targets;

#define KOBENCH_STEP_ACCUMULATE 1u /* flag: add to the gradients, do not update the weights yet */

typedef struct kobench_step {
    uint32_t struct_size, flags;
    double learning_rate; /* the schedule is the host's */
    double loss_scale;    /* the loss is multiplied by this: 1 / accumulated steps */
    double loss;          /* filled in: before scaling */
    double grad_norm;     /* filled in: before clipping; NaN while accumulating */
} kobench_step;

#define KOBENCH_STATE_TRAINING 1u /* flag: optimiser, generator and step count too */

/* Filled in by the entry point. The host zeroes it and sets struct_size to the room there is. */
typedef struct kobench_plugin {
    uint32_t struct_size, flags;
    uint32_t abi_minor, abi_minor_oldest;

    /* A JSON document: name, version, variants, options (harness/schemas/plugin.schema.json). */
    int32_t (*describe)(const kobench_sink *out, kobench_error *error);

    /* {"variant": name, "checkpoint": directory or null, "options": {name: text, ...}} */
    int32_t (*tokenizer_open)(kobench_str json, kobench_tokenizer **out, kobench_error *error);
    int32_t (*tokenizer_encode)(kobench_tokenizer *tokenizer, const kobench_example *examples, size_t n,
                                const kobench_encode_options *options, kobench_encoded **out,
                                kobench_error *error);
    int32_t (*encoded_view)(const kobench_encoded *encoded, kobench_encoding_view *out,
                            kobench_error *error);
    void (*encoded_free)(kobench_encoded *encoded);
    void (*tokenizer_close)(kobench_tokenizer *tokenizer);

    /* As for the tokenizer, and: "head": "sequence" | "token" | "span"; "num_labels": number or null (as
     * the checkpoint says); "device": "cpu" | "cuda:N"; "precision": "f32" | "bf16"; "threads": number,
     * 0 for all; "new_head": whether a checkpoint without a head gets a new one (to be trained) instead
     * of an error; "seed": what that follows from; "check" (only there where it is true): read every tensor
     * of the checkpoint and compare it with what the model needs, but keep none. Such a model has no calls
     * but model_stats and model_close. A plugin that does not know the key may open the model as ever.
     * "from_scratch" (only there where it is true): every weight is new and follows from "seed"; of a checkpoint
     * only config.json is read, and the tokenizer's files. "weights" (only there where it is set): which of several
     * weights that the plugin carries for the variant, by the name of one of the variant's "tasks". */
    int32_t (*model_open)(kobench_str json, kobench_model **out, kobench_error *error);
    /* The sequences `indices` of `encoded`, in this order, as one batch; an index may be repeated. A
     * head that the model was not opened with is KOBENCH_E_UNSUPPORTED. */
    int32_t (*model_forward)(kobench_model *model, const kobench_encoded *encoded,
                             const uint64_t *indices, size_t n, uint32_t head, kobench_logits *out,
                             kobench_error *error);
    void (*model_close)(kobench_model *model);

    /* Optional from here on. */

    /* What was opened: parameters, bytes, device, precision, kernels, peak memory ... as JSON. With "check" also
     * "checkpoint": {"files": [{"path", "bytes"}], "format": "safetensors" | "pickle" | "legacy pickle",
     * "tensors": number, "dtypes": {name: number of tensors}, "ignored": [tensors that the model does not
     * need], "initialised": [tensors that it needs and that are new]} (harness/schemas/model-check.schema.json). */
    int32_t (*model_stats)(kobench_model *model, const kobench_sink *out, kobench_error *error);
    /* The running model_forward or train_step of this model, or the next, ends soon with
     * KOBENCH_E_CANCELLED; the one after that runs. */
    void (*model_cancel)(kobench_model *model);
    /* Everything random from here on (new heads, dropout) follows from this number. */
    int32_t (*model_seed)(kobench_model *model, uint64_t seed, kobench_error *error);
    /* {"optimizer": {"name", ...}, "loss": {"name", ...}, "clip_norm": number or null,
     * "freeze": [tensor name prefixes], "layer_decay": number, "activation_checkpointing": boolean,
     * "save_dtype": "f32" | "f16" | "bf16"}; every key may be left out (harness/schemas/train-begin.schema.json has
     * all of it). Without "loss" it is cross_entropy, for real targets mse. What the plugin does not know, it refuses
     * (rule "Text"). Training begins with an optimizer without history; dropout follows from model_seed's number
     * and the count of steps since then. train_step and train_end without it, and a second one before train_end, are
     * KOBENCH_E_INVALID_ARGUMENT. */
    int32_t (*train_begin)(kobench_model *model, kobench_str json, kobench_error *error);
    /* One batch: loss and gradients, and, without KOBENCH_STEP_ACCUMULATE, the update of the weights by all
     * gradients since the last one. Where no row has a target, the loss is 0 and nothing is added; an update without
     * any is KOBENCH_E_INVALID_ARGUMENT. A loss or a gradient that is not finite is KOBENCH_E_NOT_FINITE, and no weight
     * has changed; where an optimizer that updates in the backward pass had changed some, the message says so, and
     * further steps are refused until model_load. An error may drop the gradients that were accumulated: begin the
     * step again. */
    int32_t (*train_step)(kobench_model *model, const kobench_encoded *encoded,
                          const uint64_t *indices, size_t n, uint32_t head,
                          const kobench_targets *targets, kobench_step *step, kobench_error *error);
    /* Frees what training needed; the model computes on with its weights. */
    int32_t (*train_end)(kobench_model *model, kobench_error *error);
    /* A Hugging Face directory, which model_open takes as a checkpoint too, with the tokenizer's files; with
     * KOBENCH_STATE_TRAINING also what a resumed run needs. Each file is written whole or not at all; it is the host that
     * makes the directory appear at once. */
    int32_t (*model_save)(kobench_model *model, kobench_str directory, uint32_t flags,
                          kobench_error *error);
    /* Reads back what model_save wrote. With KOBENCH_STATE_TRAINING training has begun, with the settings of the run
     * that saved it, and goes on bit for bit. Another model's files are KOBENCH_E_BAD_DATA, naming a tensor. */
    int32_t (*model_load)(kobench_model *model, kobench_str directory, uint32_t flags,
                          kobench_error *error);

    /* Since 1.1. */

    /* Checks that this build computes rightly on a device of this machine, or measures how fast it does: {"device":
     * "auto" | "cpu" | "cuda:N", "precisions": ["f32", "bf16"], "only": [names of checks, or what they begin with up to
     * a "/"; none: all], "skip": [{"name", "precision"}], "seed": number, "list": boolean, "speed": object or null}
     * (harness/schemas/selftest-request.schema.json). A plugin that has it says "selftest": true in its description.
     * Into the sink goes a JSON object a line, each ended by \n and written as soon as its check has ended
     * (harness/schemas/selftest-line.schema.json). With "list" no check is run, and each that would be is written as
     * "listed"; checks run in that order, so that the host knows which one ended the process. The status is KOBENCH_OK
     * also where checks failed; it is another one where none can be run, for instance without the device. */
    int32_t (*selftest)(kobench_str json, const kobench_sink *out, kobench_error *error);
} kobench_plugin;

#if defined(_WIN32)
#define KOBENCH_EXPORT __declspec(dllexport)
#else
#define KOBENCH_EXPORT __attribute__((visibility("default")))
#endif

#define KOBENCH_ENTRY_V1 kobench_plugin_entry_v1

KOBENCH_EXPORT int32_t kobench_plugin_entry_v1(const kobench_host *host, kobench_plugin *out);

#ifdef __cplusplus
}
#endif

#endif
