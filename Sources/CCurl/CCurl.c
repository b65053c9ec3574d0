#define _GNU_SOURCE
#include "CCurl.h"
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wiping_free(void *memory) {
    if (memory) explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

static void *wiping_realloc(void *memory, size_t size) {
    if (!memory) return malloc(size);
    size_t has = malloc_usable_size(memory);
    if (size && size <= has) return memory;
    // realloc(3) may move the bytes and leave the old ones where they were.
    void *larger = malloc(size);
    if (!larger) return NULL;
    memcpy(larger, memory, has < size ? has : size);
    wiping_free(memory);
    return larger;
}

static void *crypto_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return size ? malloc(size) : NULL;
}

static void *crypto_realloc(void *memory, size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (size) return wiping_realloc(memory, size);
    wiping_free(memory);
    return NULL;
}

static void crypto_free(void *memory, const char *file, int line) {
    (void)file, (void)line;
    wiping_free(memory);
}

/// Takes a variable's name away in its place: unsetenv(3) moves others, which another thread may read just now.
static void hide(const char *name) {
    size_t length = strlen(name);
    for (char **entry = environ; *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') (*entry)[0] = '_';
}

int ccurl_start(void) {
    // Otherwise libcurl writes the keys of its TLS sessions to the file that this variable names.
    hide("SSLKEYLOGFILE");
    // Refused, without harm, where somebody in this process has used libcrypto before.
    CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free, wiping_realloc, strdup, calloc);
}

void *ccurl_new(void) { return curl_easy_init(); }
CURLcode ccurl_perform(void *handle) { return curl_easy_perform(handle); }
void ccurl_reset(void *handle) { curl_easy_reset(handle); }

CURLcode ccurl_set_long(void *handle, CURLoption option, long value) { return curl_easy_setopt(handle, option, value); }

CURLcode ccurl_set_text(void *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

CURLcode ccurl_set_pointer(void *handle, CURLoption option, const void *value) {
    return curl_easy_setopt(handle, option, value);
}

CURLcode ccurl_set_authorities(void *handle, const void *bytes, size_t count) {
    struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_NOCOPY};
    return curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &blob);
}

CURLcode ccurl_set_body_receiver(void *handle, ccurl_receiver function, void *context) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, function);
    return code ? code : curl_easy_setopt(handle, CURLOPT_WRITEDATA, context);
}

CURLcode ccurl_set_header_receiver(void *handle, ccurl_receiver function, void *context) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, function);
    return code ? code : curl_easy_setopt(handle, CURLOPT_HEADERDATA, context);
}

CURLcode ccurl_set_protocol(void *handle, int is_plain) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, is_plain ? "http" : "https");
#else
    return curl_easy_setopt(handle, CURLOPT_PROTOCOLS, is_plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS);
#endif
}

long ccurl_get_long(void *handle, CURLINFO what) {
    long value = 0;
    return curl_easy_getinfo(handle, what, &value) == CURLE_OK ? value : 0;
}

const char *ccurl_get_text(void *handle, CURLINFO what) {
    char *value = NULL;
    return curl_easy_getinfo(handle, what, &value) == CURLE_OK ? value : NULL;
}
