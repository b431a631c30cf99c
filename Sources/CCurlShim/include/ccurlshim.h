#pragma once
// libcurl's variadic functions, one typed function per kind of argument: Swift cannot call variadic C functions.
// No logic lives here.
#include <curl/curl.h>

CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value);
CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value);
CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, const void *value);
/// For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION.
CURLcode ccurl_set_receiver(CURL *handle, CURLoption option, curl_write_callback function);
CURLcode ccurl_set_open_socket(CURL *handle, curl_opensocket_callback function);
CURLcode ccurl_set_close_socket(CURL *handle, curl_closesocket_callback function);
CURLcode ccurl_set_before_request(CURL *handle, curl_prereq_callback function);
CURLcode ccurl_get_pointer(CURL *handle, CURLINFO info, void **value);
CURLcode ccurl_get_long(CURL *handle, CURLINFO info, long *value);

CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);
CURLMcode ccurl_multi_set_socket_function(CURLM *multi, curl_socket_callback function, void *context);
CURLMcode ccurl_multi_set_timer_function(CURLM *multi, curl_multi_timer_callback function, void *context);
