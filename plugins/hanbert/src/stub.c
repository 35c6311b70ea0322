/* A stand-in for the vendor's analyser, for tests: splits the last syllable off each word of more than one and
 * marks it with "~~", and writes "되어" for "돼", as an analyser that restores forms would. */
#include <stdio.h>
#include <string.h>

static int opened;

int MorAn16_open_dbs(void) { return opened = 1; }
int MorAn_close_dbs(void) { return opened = 0; }

static size_t last_character(const char *word, size_t length) {
    size_t at = length - 1;
    while (at > 0 && ((unsigned char)word[at] & 0xC0) == 0x80) at--;
    return at;
}

const char *Moran4dnlp(const char *input, char *output, int capacity) {
    size_t used = 0;
    output[0] = 0;
    if (!opened) return output;
    for (const char *word = input; *word && used < (size_t)capacity;) {
        size_t length = strcspn(word, " ");
        if (length > 0) {
            size_t cut = last_character(word, length);
            const char *tail = word + cut;
            int tail_length = (int)(length - cut);
            if (tail_length == 3 && memcmp(tail, "돼", 3) == 0) {
                tail = "되어";
                tail_length = 6;
            }
            const char *form = cut > 0 ? "%s%.*s ~~%.*s" : "%s%.*s%.*s";
            used += (size_t)snprintf(output + used, (size_t)capacity - used, form, used > 0 ? " " : "",
                                     (int)cut, word, tail_length, tail);
        }
        word += length + (word[length] == ' ');
    }
    return output;
}
