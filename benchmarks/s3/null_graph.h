/* Microsoft Graph for the null server, as much of it as reading and writing the files of one library takes.
 *
 *   - an item exists when a folder of its path is size-N: it has N bytes. All other items are missing (404).
 *   - PUT to :/content and the last fragment of an upload session make an item that is made up of its path.
 *   - an upload URL and a download URL carry the path.
 */
#define GRAPH "/v1.0/drives/"
#define GRAPH_TYPE "Content-Type: application/json\r\n"
#define GRAPH_TIME "2026-11-01T10:11:12Z"

static int is_graph(Connection *c) {
    return !strncmp(c->path, GRAPH, strlen(GRAPH)) || !strncmp(c->path, "/upload/", 8);
}

static const char *scheme(Connection *c) {
#ifdef WITH_TLS
    if (c->ssl) return "https";
#endif
    (void)c;
    return "http";
}

/* Answer with the item at `path`, which is escaped as it came: folders, a slash, a name. */
static void answer_item(Connection *c, const char *status, const char *path, long size) {
    Text body = {0};
    char name[1024], folders[4096];
    const char *slash = strrchr(path, '/');
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : path);
    snprintf(folders, sizeof folders, "%.*s", slash ? (int)(slash - path) : 0, path);
    decode(name);
    say(&body, "{\"id\": \"01NULL\", \"name\": \"%s\", \"size\": %ld, \"eTag\": \"\\\"{NULL},1\\\"\", \"cTag\": \"\\\"c:{NULL},1\\\"\", "
        "\"createdDateTime\": \"" GRAPH_TIME "\", \"lastModifiedDateTime\": \"" GRAPH_TIME "\", "
        "\"parentReference\": {\"driveId\": \"null\", \"id\": \"01PARENT\", \"path\": \"/drives/null/root:%s%s\"}, "
        "\"file\": {\"mimeType\": \"application/octet-stream\", \"hashes\": {}}, ",
        name, size, *folders ? "/" : "", folders);
    say(&body, "\"@microsoft.graph.downloadUrl\": \"%s://%s/download/%s\"}", scheme(c), c->host, path);
    answer(c, status, GRAPH_TYPE, body.bytes);
    free(body.bytes);
}

static void answer_fragment(Connection *c) {
    char body[256];
    if (!strcmp(c->method, "DELETE"))
        answer_head(c, "204 No Content", "", -1);
    else if (c->sent_total && c->sent_last + 1 >= c->sent_total)
        answer_item(c, "201 Created", c->path + strlen("/upload/"), c->sent_total);
    else {
        snprintf(body, sizeof body, "{\"expirationDateTime\": \"2099-01-01T00:00:00Z\", \"nextExpectedRanges\": [\"%ld-\"]}",
                 c->sent_total ? c->sent_last + 1 : 0);
        answer(c, c->sent_total ? "202 Accepted" : "200 OK", GRAPH_TYPE, body);
    }
}

static void answer_graph(Connection *c) {
    char path[4096] = "", headers[8192], key[4096];
    if (!strncmp(c->path, "/upload/", 8)) {
        answer_fragment(c);
        return;
    }
    const char *root = strstr(c->path, "/root");
    if (!root || root[5] != ':' || root[6] != '/') {
        answer(c, "200 OK", GRAPH_TYPE, "{\"id\": \"01ROOT\", \"name\": \"root\", \"folder\": {\"childCount\": 0}}");
        return;
    }
    snprintf(path, sizeof path, "%s", root + 7);
    char *action = strstr(path, ":/");
    if (action) *action = 0, action += 2;
    snprintf(key, sizeof key, "%s", path);
    decode(key);
    if (action && !strcmp(action, "createUploadSession")) {
        snprintf(headers, sizeof headers, "{\"uploadUrl\": \"%s://%s/upload/%s\", \"expirationDateTime\": "
                 "\"2099-01-01T00:00:00Z\", \"nextExpectedRanges\": [\"0-\"]}", scheme(c), c->host, path);
        answer(c, "200 OK", GRAPH_TYPE, headers);
    } else if (!strcmp(c->method, "PUT"))
        answer_item(c, "201 Created", path, c->body_size);
    else if (!strcmp(c->method, "DELETE"))
        answer_head(c, "204 No Content", "", -1);
    else if (size_of(key) < 0)
        answer(c, "404 Not Found", GRAPH_TYPE, "{\"error\": {\"code\": \"itemNotFound\", \"message\": \"not there\"}}");
    else if (action) { /* content */
        snprintf(headers, sizeof headers, "Location: %s://%s/download/%s\r\n", scheme(c), c->host, path);
        answer(c, "302 Found", headers, "");
    } else
        answer_item(c, "200 OK", path, size_of(key));
}
