/* A null S3 server: answers as S3 does and keeps nothing, so that a benchmark measures the client.
 *
 * No signature is checked, no body is kept, every object is made up:
 *   - an object exists when a folder of its key is size-N: it has N bytes. All other objects are missing (404).
 *   - a folder count-N holds N objects, named 00000000 and so on; what is listed below it is made up as well.
 *   - PUT, DELETE, copies and all steps of a multipart upload succeed.
 * Azure Blob and Microsoft Graph (null_graph.h) are spoken as well, as much of them as the benchmarks need.
 * One process for each worker; they share the listening sockets and epoll wakes one of them for each connection.
 * Bodies are thrown away inside the kernel (MSG_TRUNC) and sent from the page cache (sendfile), so that over plain
 * HTTP no byte of a body passes through this program.
 *
 *   cc -O2 -o null_s3 null_s3.c -DWITH_TLS -lssl -lcrypto     (or without -DWITH_TLS and the libraries)
 *   ./null_s3 WORKERS [CERTIFICATE KEY]     prints "PORT TLS_PORT PID...", ends when its standard input ends
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
static SSL_CTX *tls;
#endif

enum { HEAD_LIMIT = 64 << 10, SCRATCH = 256 << 10, POST_LIMIT = 4 << 20, SMALL = 64 << 10, PAGE = 1000 };
enum { AGAIN = -1, BROKEN = -2 };
#define DATA_SIZE (8L << 20)
/* Of what is read: no MD5, because a client that compares would refuse the bytes. */
#define ETAG_OF_PARTS "\"9bb58f26192e4ba00f01e2e7b136bbd8-16\""
#define ETAG "\"9bb58f26192e4ba00f01e2e7b136bbd8\""
#define MODIFIED_HTTP "Sun, 01 Nov 2026 10:11:12 GMT"
#define MODIFIED_XML "2026-11-01T10:11:12.000Z"
#define XML_TYPE "Content-Type: application/xml\r\n"
#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

typedef struct {
    char *bytes;
    size_t size, room;
} Text;

typedef struct {
    int fd, armed;
#ifdef WITH_TLS
    SSL *ssl;
#endif
    char head[HEAD_LIMIT + 1]; /* what came and was not used: heads of requests, and the bytes behind them */
    size_t have;
    int in_body, chunked, close_after;
    long body_left; /* of the request; with chunked: of the chunk */
    int chunk_step; /* 0 in its size, 1 in its data, 2 in the line end behind it, 3 in the trailers */
    char line[64];
    int line_size;
    Text post; /* the body of a POST */
    char method[8], path[4096], query[4096];
    int is_copy;
    int is_azure; /* the request is one of Azure Blob: its successes have other numbers */
    char host[256];
    long body_size;            /* the length that was declared */
    long sent_last, sent_total; /* of Content-Range; no total: there was none */
    long from, to; /* range asked for: -1 none; from -2: the last `to` bytes */
    Text out;
    size_t out_sent;
    long data_left, data_at;
} Connection;

static int poller, data_file, listeners[2];
static char *data, scratch[SCRATCH];

static void add(Text *text, const char *bytes, size_t size) {
    if (text->size + size + 1 > text->room) {
        text->room = (text->size + size + 1) * 2;
        text->bytes = realloc(text->bytes, text->room);
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

static void say(Text *text, const char *format, ...) {
    char line[8192];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    add(text, line, size < (int)sizeof line ? (size_t)size : sizeof line - 1);
}

static void decode(char *text) {
    char *to = text;
    for (; *text; text++, to++) {
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            char digits[3] = {text[1], text[2], 0};
            *to = (char)strtol(digits, NULL, 16);
            text += 2;
        } else
            *to = *text;
    }
    *to = 0;
}

/* Find a parameter of the query; its value is decoded into `value`, cut at `room`. */
static int parameter(const char *query, const char *name, char *value, size_t room) {
    size_t length = strlen(name);
    for (const char *at = query; at && *at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL) {
        if (strncmp(at, name, length) || (at[length] && at[length] != '=' && at[length] != '&')) continue;
        at += length + (at[length] == '=');
        size_t size = strcspn(at, "&");
        if (size >= room) size = room - 1;
        memcpy(value, at, size);
        value[size] = 0;
        decode(value);
        return 1;
    }
    return 0;
}

static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *at = strstr(head, "\r\n"); at; at = strstr(at, "\r\n")) {
        at += 2;
        if (strncasecmp(at, name, length) || at[length] != ':') continue;
        for (at += length + 1; *at == ' '; at++) {}
        return at;
    }
    return NULL;
}

/* Return the number behind a folder `name-` of the key, which must end there; -1 when there is none. */
static long folder_number(const char *key, const char *name) {
    size_t length = strlen(name);
    for (const char *at = key; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
        char *end;
        if (strncmp(at, name, length) || !isdigit((unsigned char)at[length])) continue;
        long found = strtol(at + length, &end, 10);
        if (*end == '/') return found;
    }
    return -1;
}

static long size_of(const char *key) {
    const char *last = strrchr(key, '/');
    if (!last || !last[1] || !strncmp(last + 1, "count-", 6)) return -1;
    return folder_number(key, "size-");
}

static void answer_head(Connection *c, const char *status, const char *headers, long size) {
    static char date[64];
    static time_t known;
    time_t now = time(NULL);
    if (now != known) {
        struct tm parts;
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
        known = now;
    }
    say(&c->out, "HTTP/1.1 %s\r\nServer: null\r\nDate: %s\r\nx-amz-request-id: 4442587FB7D0A2F9\r\n"
        "x-ms-request-id: 4442587F-B7D0-A2F9-0000-000000000000\r\n%s", status, date,
        headers);
    if (size >= 0) say(&c->out, "Content-Length: %ld\r\n", size);
    add(&c->out, "\r\n", 2);
}

static void answer(Connection *c, const char *status, const char *headers, const char *body) {
    answer_head(c, status, headers, (long)strlen(body));
    if (strcmp(c->method, "HEAD")) add(&c->out, body, strlen(body));
}

static void answer_object(Connection *c, const char *key) {
    long size = size_of(key), from = 0, to;
    char headers[512], range[128] = "";
    if (size < 0) {
        answer(c, "404 Not Found", XML_TYPE,
               DECLARATION "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>");
        return;
    }
    to = size - 1;
    if (c->from == -2) from = c->to < size ? size - c->to : 0;
    if (c->from >= 0) {
        from = c->from;
        if (c->to >= 0 && c->to < to) to = c->to;
        if (from >= size) {
            answer(c, "416 Requested Range Not Satisfiable", XML_TYPE,
                   DECLARATION "<Error><Code>InvalidRange</Code><Message>out of range</Message></Error>");
            return;
        }
    }
    if (c->from != -1) snprintf(range, sizeof range, "Content-Range: bytes %ld-%ld/%ld\r\n", from, to, size);
    snprintf(headers, sizeof headers,
             "ETag: " ETAG_OF_PARTS "\r\nLast-Modified: " MODIFIED_HTTP "\r\nAccept-Ranges: bytes\r\n"
             "Content-Type: application/octet-stream\r\n%s", range);
    answer_head(c, *range ? "206 Partial Content" : "200 OK", headers, to - from + 1);
    if (!strcmp(c->method, "HEAD")) return;
    c->data_left = to - from + 1;
    c->data_at = from % DATA_SIZE;
    if (c->data_left <= SMALL && c->data_at + c->data_left <= DATA_SIZE) { /* head and body in one call */
        add(&c->out, data + c->data_at, (size_t)c->data_left);
        c->data_left = 0;
    }
}

static void answer_list(Connection *c, const char *bucket) {
    char prefix[2048] = "", token[64] = "", after[2048] = "", delimiter[8] = "", number[32] = "";
    char folder[2048], entry[4096];
    Text page = {0};
    parameter(c->query, "prefix", prefix, sizeof prefix);
    parameter(c->query, "delimiter", delimiter, sizeof delimiter);
    parameter(c->query, "continuation-token", token, sizeof token);
    parameter(c->query, "start-after", after, sizeof after);
    long most = parameter(c->query, "max-keys", number, sizeof number) ? atol(number) : PAGE;
    if (most > PAGE) most = PAGE;
    snprintf(folder, sizeof folder, "%s", prefix);
    char *last = strrchr(folder, '/'); /* names below count-N are no folders, so the last slash ends the folder */
    if (last) last[1] = 0; else folder[0] = 0;
    long count = folder_number(folder, "count-"), size = folder_number(folder, "size-");
    long first = *token ? atol(token) : *after && !strncmp(after, folder, strlen(folder)) ? atol(after + strlen(folder)) + 1 : 0;
    const char *rest = prefix + strlen(folder);
    if (count < 0) count = 0;
    if (*rest && count) { /* one object by its name, or nothing */
        first = strlen(rest) == 8 && isdigit((unsigned char)*rest) ? atol(rest) : count;
        if (first + 1 < count) count = first + 1;
    }
    long end = first + most < count ? first + most : count;
    int common = *delimiter && !strncmp(rest, "count-", 6);
    say(&page, DECLARATION "<ListBucketResult" NAMESPACE "><Name>%s</Name><Prefix>%s</Prefix><MaxKeys>%ld</MaxKeys>"
        "<KeyCount>%ld</KeyCount><IsTruncated>%s</IsTruncated>", bucket, prefix, most,
        end > first ? end - first : common, end < count ? "true" : "false");
    if (end < count) say(&page, "<NextContinuationToken>%ld</NextContinuationToken>", end);
    int room = snprintf(entry, sizeof entry,
        "<Contents><Key>%s00000000</Key><LastModified>" MODIFIED_XML "</LastModified>"
        "<ETag>&quot;9bb58f26192e4ba00f01e2e7b136bbd8&quot;</ETag><Size>%ld</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>", folder, size < 0 ? 0 : size);
    char *digits = entry + strlen("<Contents><Key>") + strlen(folder);
    for (long at = first; at < end; at++) {
        long left = at;
        for (int place = 7; place >= 0; place--, left /= 10) digits[place] = (char)('0' + left % 10);
        add(&page, entry, (size_t)room);
    }
    if (common) say(&page, "<CommonPrefixes><Prefix>%s/</Prefix></CommonPrefixes>", prefix);
    say(&page, "</ListBucketResult>");
    answer(c, "200 OK", XML_TYPE, page.bytes);
    free(page.bytes);
}

static void answer_delete(Connection *c) {
    Text result = {0};
    say(&result, DECLARATION "<DeleteResult" NAMESPACE ">");
    const char *at = c->post.bytes;
    if (at && !strstr(at, "<Quiet>true</Quiet>")) {
        for (const char *end; (at = strstr(at, "<Key>")) && (end = strstr(at, "</Key>")); at = end) {
            add(&result, "<Deleted>", 9);
            add(&result, at, (size_t)(end + 6 - at));
            add(&result, "</Deleted>", 10);
        }
    }
    say(&result, "</DeleteResult>");
    answer(c, "200 OK", XML_TYPE, result.bytes);
    free(result.bytes);
}

static void answer_post(Connection *c, const char *bucket, const char *key) {
    char value[64], body[4096];
    if (parameter(c->query, "delete", value, sizeof value)) {
        answer_delete(c);
        return;
    }
    if (parameter(c->query, "uploads", value, sizeof value))
        snprintf(body, sizeof body, DECLARATION "<InitiateMultipartUploadResult" NAMESPACE "><Bucket>%s</Bucket>"
                 "<Key>%.1024s</Key><UploadId>null</UploadId></InitiateMultipartUploadResult>", bucket, key);
    else
        snprintf(body, sizeof body, DECLARATION "<CompleteMultipartUploadResult" NAMESPACE "><Location>/</Location>"
                 "<Bucket>%s</Bucket><Key>%.1024s</Key><ETag>\"9bb58f26192e4ba00f01e2e7b136bbd8-16\"</ETag>"
                 "</CompleteMultipartUploadResult>", bucket, key);
    answer(c, "200 OK", XML_TYPE, body);
}

static void answer_bucket(Connection *c, const char *bucket) {
    char value[64];
    if (parameter(c->query, "location", value, sizeof value))
        answer(c, "200 OK", XML_TYPE, DECLARATION "<LocationConstraint" NAMESPACE "></LocationConstraint>");
    else if (parameter(c->query, "versioning", value, sizeof value))
        answer(c, "200 OK", XML_TYPE, DECLARATION "<VersioningConfiguration" NAMESPACE "/>");
    else if (parameter(c->query, "uploads", value, sizeof value))
        answer(c, "200 OK", XML_TYPE, DECLARATION "<ListMultipartUploadsResult" NAMESPACE
               "><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
    else if (!strcmp(c->method, "GET"))
        answer_list(c, bucket);
    else
        answer(c, "200 OK", "x-amz-bucket-region: us-east-1\r\n", "");
}

#include "null_graph.h"

static void respond(Connection *c) {
    char bucket[256] = "", key[4096] = "", value[64];
    if (is_graph(c)) {
        answer_graph(c);
        return;
    }
    const char *slash = strchr(c->path + 1, '/');
    snprintf(bucket, sizeof bucket, "%.*s", slash ? (int)(slash - c->path - 1) : 255, c->path + 1);
    if (slash) snprintf(key, sizeof key, "%s", slash + 1);
    decode(key);
    if (!strcmp(c->method, "POST"))
        answer_post(c, bucket, key);
    else if (!*key)
        answer_bucket(c, bucket);
    else if (!strcmp(c->method, "DELETE"))
        c->is_azure ? answer(c, "202 Accepted", "", "") : answer_head(c, "204 No Content", "", -1);
    else if (c->is_azure && !strcmp(c->method, "PUT"))
        answer(c, "201 Created", "ETag: " ETAG "\r\nLast-Modified: " MODIFIED_HTTP "\r\n", "");
    else if (strcmp(c->method, "PUT"))
        answer_object(c, key);
    else if (!c->is_copy)
        answer(c, "200 OK", "ETag: " ETAG "\r\n", "");
    else if (parameter(c->query, "partNumber", value, sizeof value))
        answer(c, "200 OK", XML_TYPE, DECLARATION "<CopyPartResult" NAMESPACE "><LastModified>" MODIFIED_XML
               "</LastModified><ETag>" ETAG "</ETag></CopyPartResult>");
    else
        answer(c, "200 OK", XML_TYPE, DECLARATION "<CopyObjectResult" NAMESPACE "><LastModified>" MODIFIED_XML
               "</LastModified><ETag>" ETAG "</ETag></CopyObjectResult>");
}

static long receive(Connection *c, char *buffer, size_t room, int discard) {
#ifdef WITH_TLS
    if (c->ssl) {
        int got = SSL_read(c->ssl, buffer, (int)room);
        if (got > 0) return got;
        int why = SSL_get_error(c->ssl, got);
        ERR_clear_error();
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? AGAIN : BROKEN;
    }
#endif
    /* tcp(7): MSG_TRUNC drops the bytes without copying them */
    ssize_t got = recv(c->fd, buffer, discard ? 1 << 20 : room, discard ? MSG_TRUNC : 0);
    return got > 0 ? got : got < 0 && (errno == EAGAIN || errno == EINTR) ? AGAIN : BROKEN;
}

static long transmit(Connection *c, const char *bytes, size_t size, int more) {
#ifdef WITH_TLS
    if (c->ssl) {
        int sent = SSL_write(c->ssl, bytes, (int)size);
        if (sent > 0) return sent;
        int why = SSL_get_error(c->ssl, sent);
        ERR_clear_error();
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? AGAIN : BROKEN;
    }
#endif
    ssize_t sent = send(c->fd, bytes, size, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    return sent >= 0 ? sent : errno == EAGAIN || errno == EINTR ? AGAIN : BROKEN;
}

static long transmit_data(Connection *c) {
    long size = DATA_SIZE - c->data_at < c->data_left ? DATA_SIZE - c->data_at : c->data_left;
#ifdef WITH_TLS
    if (c->ssl) return transmit(c, data + c->data_at, (size_t)(size < SCRATCH ? size : SCRATCH), 0);
#endif
    off_t at = c->data_at;
    ssize_t sent = sendfile(c->fd, data_file, &at, (size_t)size);
    return sent > 0 ? sent : sent < 0 && (errno == EAGAIN || errno == EINTR) ? AGAIN : BROKEN;
}

/* Send what waits: 1 all is sent, AGAIN the socket is full, BROKEN it is lost. */
static int flush(Connection *c) {
    long sent;
    for (; c->out_sent < c->out.size; c->out_sent += (size_t)sent)
        if ((sent = transmit(c, c->out.bytes + c->out_sent, c->out.size - c->out_sent, c->data_left > 0)) < 0)
            return (int)sent;
    for (; c->data_left > 0; c->data_left -= sent, c->data_at = (c->data_at + sent) % DATA_SIZE)
        if ((sent = transmit_data(c)) < 0) return (int)sent;
    c->out.size = c->out_sent = 0;
    return 1;
}

static void keep_post(Connection *c, const char *bytes, size_t size) {
    if (!strcmp(c->method, "POST") && c->post.size + size < POST_LIMIT) add(&c->post, bytes, size);
}

/* Use bytes of a chunked body, return how many; in_body becomes 0 behind its end. */
static size_t use_chunks(Connection *c, const char *bytes, size_t size) {
    size_t at = 0;
    while (at < size && c->in_body) {
        if (c->chunk_step == 1) {
            size_t part = size - at < (size_t)c->body_left ? size - at : (size_t)c->body_left;
            keep_post(c, bytes + at, part);
            at += part;
            c->body_left -= (long)part;
            if (!c->body_left) c->chunk_step = 2;
            continue;
        }
        char byte = bytes[at++];
        if (byte != '\n') {
            if (byte != '\r' && c->line_size < (int)sizeof c->line - 1) c->line[c->line_size++] = byte;
            continue;
        }
        c->line[c->line_size] = 0;
        if (c->chunk_step == 0) {
            c->body_left = strtol(c->line, NULL, 16);
            c->chunk_step = c->body_left ? 1 : 3;
        } else if (c->chunk_step == 2)
            c->chunk_step = 0;
        else if (!c->line_size)
            c->in_body = 0;
        c->line_size = 0;
    }
    return at;
}

static size_t use_body(Connection *c, const char *bytes, size_t size) {
    if (c->chunked) return use_chunks(c, bytes, size);
    size_t part = size < (size_t)c->body_left ? size : (size_t)c->body_left;
    keep_post(c, bytes, part);
    c->body_left -= (long)part;
    if (!c->body_left) c->in_body = 0;
    return part;
}

static int parse_head(Connection *c) {
    char target[8192];
    const char *found;
    if (sscanf(c->head, "%7s %8191s", c->method, target) != 2 || *target != '/') return 0;
    char *query = strchr(target, '?');
    if (query) *query++ = 0;
    snprintf(c->path, sizeof c->path, "%s", target);
    snprintf(c->query, sizeof c->query, "%s", query ? query : "");
    c->chunked = (found = header(c->head, "Transfer-Encoding")) && !strncasecmp(found, "chunked", 7);
    c->body_left = !c->chunked && (found = header(c->head, "Content-Length")) ? atol(found) : 0;
    c->body_size = c->body_left;
    c->sent_last = c->sent_total = 0;
    if ((found = header(c->head, "Content-Range"))) sscanf(found, "bytes %*ld-%ld/%ld", &c->sent_last, &c->sent_total);
    found = header(c->head, "Host");
    snprintf(c->host, sizeof c->host, "%.*s", found ? (int)strcspn(found, "\r") : 0, found ? found : "");
    c->chunk_step = c->line_size = 0;
    c->in_body = c->chunked || c->body_left > 0;
    c->post.size = 0;
    c->is_azure = header(c->head, "x-ms-version") != NULL;
    c->is_copy = header(c->head, "x-amz-copy-source") != NULL;
    c->close_after = (found = header(c->head, "Connection")) && !strncasecmp(found, "close", 5);
    c->from = c->to = -1;
    if (((found = header(c->head, "Range")) || (found = header(c->head, "x-ms-range"))) && !strncasecmp(found, "bytes=", 6)) {
        char *end;
        c->from = found[6] == '-' ? -2 : strtol(found + 6, &end, 10);
        found = found[6] == '-' ? found + 6 : end;
        if (isdigit((unsigned char)found[1])) c->to = atol(found + 1);
    }
    if (header(c->head, "Expect")) say(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    return 1;
}

static void drop_input(Connection *c, size_t size) {
    c->have -= size;
    if (c->have) memmove(c->head, c->head + size, c->have);
}

/* Go through what came. 1: more input is needed; AGAIN: output waits; BROKEN: close. */
static int advance(Connection *c) {
    for (;;) {
        int sent = flush(c);
        if (sent < 0) return sent;
        if (c->in_body) {
            drop_input(c, use_body(c, c->head, c->have));
            if (c->in_body) return 1;
        } else {
            if (c->close_after) return BROKEN;
            c->head[c->have] = 0;
            char *end = c->have ? memmem(c->head, c->have, "\r\n\r\n", 4) : NULL;
            if (!end) return c->have < HEAD_LIMIT ? 1 : BROKEN;
            end[2] = 0;
            if (!parse_head(c)) return BROKEN;
            drop_input(c, (size_t)(end + 4 - c->head));
            if (c->in_body) continue;
        }
        respond(c);
    }
}

static int serve(Connection *c) {
#ifdef WITH_TLS
    if (c->ssl && !SSL_is_init_finished(c->ssl)) {
        int done = SSL_accept(c->ssl);
        if (done != 1) {
            int why = SSL_get_error(c->ssl, done);
            ERR_clear_error();
            return why == SSL_ERROR_WANT_READ ? 1 : why == SSL_ERROR_WANT_WRITE ? AGAIN : BROKEN;
        }
    }
#endif
    for (;;) {
        int state = advance(c);
        if (state < 0) return state;
        int straight = c->in_body && !c->have && !c->chunked && strcmp(c->method, "POST");
        if (straight || (c->in_body && !c->have)) {
            size_t room = straight && c->body_left < SCRATCH ? (size_t)c->body_left : SCRATCH;
            int discard = straight && c->body_left >= 1 << 20;
            long got = receive(c, scratch, room, discard);
            if (got < 0) return got == AGAIN ? 1 : BROKEN;
            if (straight) {
                c->body_left -= got;
                if (c->body_left) continue;
                c->in_body = 0;
                respond(c);
            } else {
                size_t used = use_body(c, scratch, (size_t)got), rest = (size_t)got - used;
                if (rest > HEAD_LIMIT) return BROKEN;
                memcpy(c->head, scratch + used, rest);
                c->have = rest;
                if (!c->in_body) respond(c);
            }
            continue;
        }
        long got = receive(c, c->head + c->have, HEAD_LIMIT - c->have, 0);
        if (got < 0) return got == AGAIN ? 1 : BROKEN;
        c->have += (size_t)got;
    }
}

static void end_connection(Connection *c) {
#ifdef WITH_TLS
    if (c->ssl) SSL_free(c->ssl);
#endif
    close(c->fd);
    free(c->out.bytes);
    free(c->post.bytes);
    free(c);
}

static void take_connection(int which) {
    int one = 1, fd = accept4(listeners[which], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    Connection *c = calloc(1, sizeof *c);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->fd = fd;
    c->armed = EPOLLIN;
#ifdef WITH_TLS
    if (which) {
        c->ssl = SSL_new(tls);
        SSL_set_fd(c->ssl, fd);
        SSL_set_accept_state(c->ssl);
    }
#endif
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void work(void) {
    struct epoll_event events[64], event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (int which = 0; which < 2; which++) {
        event.data.ptr = &listeners[which];
        if (listeners[which] >= 0) epoll_ctl(poller, EPOLL_CTL_ADD, listeners[which], &event);
    }
    for (;;) {
        int count = epoll_wait(poller, events, 64, -1);
        for (int at = 0; at < count; at++) {
            if (events[at].data.ptr == &listeners[0] || events[at].data.ptr == &listeners[1]) {
                take_connection(events[at].data.ptr == &listeners[1]);
                continue;
            }
            Connection *c = events[at].data.ptr;
            int state = serve(c);
            if (state == BROKEN) {
                end_connection(c);
                continue;
            }
            int wanted = state == AGAIN ? EPOLLOUT : EPOLLIN;
            if (wanted == c->armed) continue;
            struct epoll_event change = {.events = (unsigned)wanted, .data.ptr = c};
            epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &change);
            c->armed = wanted;
        }
    }
}

static int listen_on_loopback(int *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (fd < 0 || bind(fd, (void *)&address, size) || listen(fd, 1024) || getsockname(fd, (void *)&address, &size)) {
        perror("null_s3");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void make_data(void) {
    unsigned long state = 88172645463325252UL; /* xorshift64: bytes that do not compress */
    data_file = memfd_create("data", MFD_CLOEXEC);
    if (data_file < 0 || ftruncate(data_file, DATA_SIZE)) exit(1);
    data = mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, data_file, 0);
    if (data == MAP_FAILED) exit(1);
    for (long at = 0; at < DATA_SIZE; at += 8) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        memcpy(data + at, &state, 8);
    }
}

int main(int count, char **words) {
    int workers = count > 1 ? atoi(words[1]) : 1, port, tls_port = 0;
    signal(SIGPIPE, SIG_IGN);
    make_data();
    listeners[0] = listen_on_loopback(&port);
    listeners[1] = -1;
#ifdef WITH_TLS
    if (count > 3) {
        tls = SSL_CTX_new(TLS_server_method());
        SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_read_ahead(tls, 1);
        if (SSL_CTX_use_certificate_chain_file(tls, words[2]) != 1 ||
            SSL_CTX_use_PrivateKey_file(tls, words[3], SSL_FILETYPE_PEM) != 1) {
            ERR_print_errors_fp(stderr);
            return 1;
        }
        listeners[1] = listen_on_loopback(&tls_port);
    }
#endif
    printf("%d %d", port, tls_port);
    for (int at = 0; at < workers; at++) {
        int pid = fork();
        if (!pid) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            work();
        }
        printf(" %d", pid);
    }
    printf("\n");
    fflush(stdout);
    while (read(0, scratch, 1) > 0) {}
    return 0; /* the workers die with their parent */
}
