/// libcurl, and typed forms of its functions that Swift cannot call because they are variadic. No logic lives here
/// but the wiping of memory.
#pragma once
#include <curl/curl.h>

/// Readies libcurl (curl_global_init_mem(3)). What libcurl, and libcrypto beneath it, free is wiped first: both copy
/// request headers, keys and answers. Call it once, before anything else of the two. 0 on success.
int ccurl_start(void);

/// curl_easy_init(3).
void *ccurl_new(void);
/// curl_easy_perform(3).
CURLcode ccurl_perform(void *handle);
/// curl_easy_reset(3): its connections stay open.
void ccurl_reset(void *handle);

/// curl_easy_setopt(3).
CURLcode ccurl_set_long(void *handle, CURLoption option, long value);
CURLcode ccurl_set_text(void *handle, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(void *handle, CURLoption option, const void *value);
/// The certificate authorities to trust, in PEM format (CURLOPT_CAINFO_BLOB); not copied.
CURLcode ccurl_set_authorities(void *handle, const void *bytes, size_t count);
typedef size_t (*ccurl_receiver)(char *bytes, size_t size, size_t count, void *context);
/// The function that an answer's bytes go to, or each of its header lines.
CURLcode ccurl_set_body_receiver(void *handle, ccurl_receiver function, void *context);
CURLcode ccurl_set_header_receiver(void *handle, ccurl_receiver function, void *context);
/// Allows https, or http instead of it, and nothing else of what libcurl speaks.
CURLcode ccurl_set_protocol(void *handle, int is_plain);

/// curl_easy_getinfo(3).
long ccurl_get_long(void *handle, CURLINFO what);
/// NULL where there is none; it lives as long as the transfer.
const char *ccurl_get_text(void *handle, CURLINFO what);
