// The plain SHA-256 calls cost a fraction of the EVP ones, which look their algorithm up for each digest.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/rand.h>
