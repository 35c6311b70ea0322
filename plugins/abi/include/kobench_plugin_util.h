/*
 * kobench_plugin_util.h - optional help for plugins in C.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Not part of the interface: kobench_plugin.h alone is the contract. Here is what every plugin in C would write
 * again: errors with a message, structs that may be older than this header, and the JSON of the open calls, read
 * strictly (RFC 8259, UTF-8, unknown keys are errors). Include it in one file.
 */
#ifndef KOBENCH_PLUGIN_UTIL_H
#define KOBENCH_PLUGIN_UTIL_H

#include "kobench_plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a struct that the other side filled has a field: `s` is not NULL, and states a size that holds it. */
#define KOBENCH_HAS(type, s, field) \
    ((s) != NULL && (s)->struct_size >= offsetof(type, field) + sizeof((s)->field))

/* ---- text ---- */

/* The bytes of the UTF-8 character at `at`, or 0 where there is none (Unicode 16, table 3-7). */
static inline size_t kobench_character(const char *at, size_t left) {
    const unsigned char *b = (const unsigned char *)at;
    if (!left) return 0;
    if (b[0] < 0x80) return 1;
    size_t size = b[0] >= 0xc2 && b[0] < 0xe0 ? 2 : b[0] >= 0xe0 && b[0] < 0xf0 ? 3 : b[0] >= 0xf0 && b[0] < 0xf5 ? 4 : 0;
    if (!size || left < size) return 0;
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf0 && b[1] < 0x90) ||
        (b[0] == 0xf4 && b[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((b[i] & 0xc0) != 0x80) return 0;
    return size;
}

/* Whether a view is of UTF-8 text. */
static inline int kobench_is_utf8(kobench_str text) {
    if (text.size && !text.data) return 0;
    for (size_t at = 0, size; at < text.size; at += size)
        if (!(size = kobench_character(text.data + at, text.size - at))) return 0;
    return 1;
}

/* ---- errors ---- */

/* Writes a message (as printf does) into the host's buffer, cut at a character, and returns `status`. */
static inline int32_t kobench_fail(kobench_error *error, int32_t status, const char *format, ...) {
    if (!KOBENCH_HAS(kobench_error, error, size)) return status;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t length = written < 0 ? 0 : (size_t)written < sizeof text ? (size_t)written : sizeof text - 1;
    size_t room = error->message ? error->capacity : 0, size = 0;
    for (size_t next; (next = kobench_character(text + size, length - size)) && size + next <= room;) size += next;
    if (size) memcpy(error->message, text, size);
    error->size = size;
    return status;
}

/* ---- JSON ---- */

typedef struct kobench_json {
    const char *at, *end;
} kobench_json;

static inline void kobench_json_space(kobench_json *j) {
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r')) j->at++;
}
static inline int kobench_json_is(kobench_json *j, char c) {
    kobench_json_space(j);
    if (j->at == j->end || *j->at != c) return 0;
    j->at++;
    return 1;
}
static inline int kobench_json_digits(kobench_json *j) {
    const char *from = j->at;
    while (j->at < j->end && *j->at >= '0' && *j->at <= '9') j->at++;
    return j->at > from;
}
static inline int kobench_json_word(kobench_json *j, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(j->end - j->at) < size || memcmp(j->at, word, size)) return 0;
    j->at += size;
    return 1;
}
static inline int kobench_json_hex(const char *at, unsigned *out) {
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return 0;
        *out = *out * 16 + (unsigned)digit;
    }
    return 1;
}

/* Passes over a string, of which the first quote is passed already. */
static inline int kobench_json_string(kobench_json *j) {
    while (j->at < j->end) {
        unsigned char c = (unsigned char)*j->at++;
        unsigned code;
        if (c == '"') return 1;
        if (c < 0x20) return 0;
        if (c != '\\') continue;
        if (j->at == j->end) return 0;
        char escape = *j->at++;
        if (escape == 'u') {
            if (j->end - j->at < 4 || !kobench_json_hex(j->at, &code)) return 0;
            j->at += 4;
        } else if (!escape || !strchr("\"\\/bfnrt", escape)) {
            return 0;
        }
    }
    return 0;
}

/* Passes over any value. */
static inline int kobench_json_value(kobench_json *j, int depth) {
    kobench_json_space(j);
    if (j->at == j->end || depth > 32) return 0;
    char c = *j->at;
    if (c == '"') return j->at++, kobench_json_string(j);
    if (c == '{' || c == '[') {
        char close = c == '{' ? '}' : ']';
        j->at++;
        if (kobench_json_is(j, close)) return 1;
        do {
            if (c == '{' && !(kobench_json_is(j, '"') && kobench_json_string(j) && kobench_json_is(j, ':'))) return 0;
            if (!kobench_json_value(j, depth + 1)) return 0;
        } while (kobench_json_is(j, ','));
        return kobench_json_is(j, close);
    }
    if (c == 't') return kobench_json_word(j, "true");
    if (c == 'f') return kobench_json_word(j, "false");
    if (c == 'n') return kobench_json_word(j, "null");
    if (c == '-') j->at++;
    if (j->at < j->end && *j->at == '0') j->at++;
    else if (!kobench_json_digits(j)) return 0;
    if (j->at < j->end && *j->at == '.' && (j->at++, !kobench_json_digits(j))) return 0;
    if (j->at < j->end && (*j->at == 'e' || *j->at == 'E')) {
        j->at++;
        if (j->at < j->end && (*j->at == '+' || *j->at == '-')) j->at++;
        if (!kobench_json_digits(j)) return 0;
    }
    return 1;
}

/* The text of a JSON string, with its escapes undone, into `out` with a NUL. 0 where the value is no string, does
 * not fit, or holds a NUL or half of a surrogate pair. */
static inline int kobench_json_text(kobench_str value, char *out, size_t room) {
    if (value.size < 2 || value.data[0] != '"') return 0;
    const char *at = value.data + 1, *end = value.data + value.size - 1;
    size_t size = 0;
    while (at < end) {
        unsigned code = (unsigned char)*at++, low;
        char utf8[4];
        size_t n = 1;
        utf8[0] = (char)code;
        if (code == '\\') {
            char c = *at++;
            const char *from = "bfnrt", *to = "\b\f\n\r\t", *found = strchr(from, c);
            utf8[0] = found ? to[found - from] : c;
            if (c == 'u') {
                kobench_json_hex(at, &code);
                at += 4;
                if (code >= 0xd800 && code < 0xe000) {
                    if (code >= 0xdc00 || end - at < 6 || at[0] != '\\' || at[1] != 'u' || !kobench_json_hex(at + 2, &low) ||
                        low < 0xdc00 || low > 0xdfff)
                        return 0;
                    at += 6;
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                }
                n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
                for (size_t i = n; i-- > 1; code >>= 6) utf8[i] = (char)(0x80 | (code & 0x3f));
                utf8[0] = (char)(n == 1 ? code : n == 2 ? 0xc0 | code : n == 3 ? 0xe0 | code : 0xf0 | code);
            }
        }
        if (size + n >= room || !utf8[0]) return 0;
        memcpy(out + size, utf8, n);
        size += n;
    }
    out[size] = 0;
    return 1;
}

/* Begins to read an object: whether the text is one JSON object, and nothing else. */
static inline int kobench_json_begin(kobench_json *j, kobench_str json) {
    j->at = json.data;
    j->end = json.data + json.size;
    if (!json.size || !kobench_is_utf8(json)) return 0;
    kobench_json whole = *j;
    if (!kobench_json_is(&whole, '{')) return 0;
    whole = *j;
    if (!kobench_json_value(&whole, 0)) return 0;
    kobench_json_space(&whole);
    return whole.at == whole.end && kobench_json_is(j, '{');
}

/* The next member of an object of which the text is known to be JSON; 0 after the last. */
static inline int kobench_json_next(kobench_json *j, char key[64], kobench_str *value) {
    kobench_json_is(j, ',');
    if (kobench_json_is(j, '}')) return 0;
    kobench_json_space(j);
    kobench_str name = {j->at, 0};
    kobench_json_value(j, 0);
    name.size = (size_t)(j->at - name.data);
    if (!kobench_json_text(name, key, 64)) strcpy(key, "(a name that is too long)");
    kobench_json_is(j, ':');
    kobench_json_space(j);
    value->data = j->at;
    kobench_json_value(j, 0);
    value->size = (size_t)(j->at - value->data);
    return 1;
}

/* ---- what the open calls are given ---- */

typedef struct kobench_request {
    char variant[128];
    char checkpoint[4096]; /* empty: none */
    char head[16], device[32], precision[16];
    long num_labels; /* 0: as the checkpoint says */
    long threads;
    int new_head;
    int check; /* may be passed over */
    unsigned long long seed;
    kobench_str options; /* a JSON object, to be read with kobench_json_begin and _next */
} kobench_request;

/* A whole number that is not negative. */
static inline int kobench_json_count(kobench_str value, unsigned long long *out) {
    char digits[24];
    if (!value.size || value.size >= sizeof digits) return 0;
    memcpy(digits, value.data, value.size);
    digits[value.size] = 0;
    char *end;
    *out = strtoull(digits, &end, 10);
    return digits[0] != '-' && !*end;
}

/* Reads the options of tokenizer_open or, with `is_model`, of model_open. */
static inline int32_t kobench_read_request(kobench_str json, int is_model, kobench_request *r, kobench_error *error) {
    const int32_t bad = KOBENCH_E_INVALID_ARGUMENT;
    kobench_json members;
    char key[64];
    kobench_str value;
    memset(r, 0, sizeof *r);
    strcpy(r->head, "sequence");
    strcpy(r->device, "cpu");
    strcpy(r->precision, "f32");
    if (!kobench_json_begin(&members, json)) return kobench_fail(error, bad, "the options are not a JSON object");
    while (kobench_json_next(&members, key, &value)) {
        int is_null = value.size == 4 && !memcmp(value.data, "null", 4), good = 0;
        unsigned long long number = 0;
        if (!strcmp(key, "variant")) good = kobench_json_text(value, r->variant, sizeof r->variant);
        else if (!strcmp(key, "checkpoint")) good = is_null || kobench_json_text(value, r->checkpoint, sizeof r->checkpoint);
        else if (!strcmp(key, "options")) good = *value.data == '{', r->options = value;
        else if (!is_model) return kobench_fail(error, bad, "tokenizer_open has no option \"%s\"", key);
        else if (!strcmp(key, "head")) good = kobench_json_text(value, r->head, sizeof r->head);
        else if (!strcmp(key, "device")) good = kobench_json_text(value, r->device, sizeof r->device);
        else if (!strcmp(key, "precision")) good = kobench_json_text(value, r->precision, sizeof r->precision);
        else if (!strcmp(key, "num_labels")) {
            good = is_null || (kobench_json_count(value, &number) && number > 0 && number < 1u << 20);
            r->num_labels = (long)number;
        } else if (!strcmp(key, "threads")) {
            good = kobench_json_count(value, &number) && number < 1u << 16;
            r->threads = (long)number;
        } else if (!strcmp(key, "new_head") || !strcmp(key, "check")) {
            good = *value.data == 't' || *value.data == 'f';
            *(*key == 'n' ? &r->new_head : &r->check) = *value.data == 't';
        } else if (!strcmp(key, "seed")) good = kobench_json_count(value, &r->seed);
        else return kobench_fail(error, bad, "model_open has no option \"%s\"", key);
        if (!good) return kobench_fail(error, bad, "\"%s\" is %.*s, which it cannot be", key, (int)(value.size < 60 ? value.size : 60), value.data);
    }
    if (!*r->variant) return kobench_fail(error, bad, "the options name no \"variant\"");
    return KOBENCH_OK;
}

/* Refuses what a plugin without options, for the CPU and f32 alone, cannot do. */
static inline int32_t kobench_refuse_unknown(const kobench_request *r, const char *variant, kobench_error *error) {
    kobench_json members;
    char key[64];
    kobench_str value;
    if (strcmp(r->variant, variant))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no model \"%s\"; there is: %s", r->variant, variant);
    if (r->options.size && kobench_json_begin(&members, r->options) && kobench_json_next(&members, key, &value))
        return kobench_fail(error, KOBENCH_E_INVALID_ARGUMENT, "no option \"%s\"; there are none", key);
    if (strcmp(r->device, "cpu"))
        return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "device \"%s\": there is only the CPU; use \"cpu\"", r->device);
    if (strcmp(r->precision, "f32"))
        return kobench_fail(error, KOBENCH_E_UNSUPPORTED, "precision \"%s\": there is only \"f32\"", r->precision);
    return KOBENCH_OK;
}

#endif
