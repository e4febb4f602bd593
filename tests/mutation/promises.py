"""Mutants written by hand: each breaks one promise that matters most. The text must be found exactly once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One promise, and a defect that breaks it."""

    name: str
    module: str
    """A pattern of paths below ``src/kazinex_storage``, as of ``fnmatch``."""
    before: str
    after: str


PROMISES = (
    Promise(
        name="memory: create-only",
        module="providers/memory/*.py",
        before="if stored is not None and mode is PutMode.CREATE:",
        after="if False:",
    ),
    Promise(
        name="memory: if-match",
        module="providers/memory/*.py",
        before="if if_match is not None and found != if_match:",
        after="if if_match is not None and found is None:",
    ),
    Promise(
        name="objectstore: create-only",
        module="providers/objectstore/header_text.py",
        before='("If-None-Match", "*")',
        after='("X-None-Match", "*")',
    ),
    Promise(
        name="objectstore: if-match",
        module="providers/objectstore/header_text.py",
        before='return (("If-Match", quoted_etag(options.if_match)),) if options.if_match is not None else ()',
        after="return ()",
    ),
    Promise(
        name="s3: create-only of a signed PUT",
        module="providers/s3/presign.py",
        before='headers["If-None-Match"] = "*"',
        after="pass",
    ),
    Promise(
        name="objectstore: a lost answer is recognised, another's object is not",
        module="providers/objectstore/*.py",
        before="if response.headers.get(header) == token else None",
        after="if True else None",
    ),
    Promise(
        name="s3: a write carries its token",
        module="providers/s3/requests.py",
        before="    if token is not None:\n        kept.append",
        after='    if token == "":\n        kept.append',
    ),
    Promise(
        name="objectstore: a page of another server is no answer",
        module="providers/objectstore/sending.py",
        before="return response.status != 204 and (",
        after="return response.status == 299 and (",
    ),
    Promise(
        name="s3: another version is not handed out",
        module="providers/s3/objects.py",
        before="if if_match is not None and info.etag != etag_of(if_match):",
        after="if False:",
    ),
    Promise(
        name="azure: a body goes with its checksum",
        module="providers/azure_blob/requests.py",
        before="            proof.header,\n",
        after="",
    ),
    Promise(
        name="sharepoint: if-match",
        module="providers/sharepoint/requests.py",
        before='return (("If-Match", if_match),) if if_match is not None else ()',
        after="return ()",
    ),
    Promise(
        name="sharepoint: what was stored is compared",
        module="providers/sharepoint/hashing.py",
        before="item.quickxor is not None and item.quickxor != self.quickxor",
        after="False",
    ),
    Promise(
        name="sharepoint: an upload goes on with the same body",
        module="providers/sharepoint/uploads.py",
        before="if found != state.sha256:",
        after="if False:",
    ),
    Promise(
        name="local: create-only",
        module="providers/local/write.py",
        before="                if options.mode is PutMode.CREATE:\n",
        after="                if False:\n",
    ),
    Promise(
        name="local: what is fetched is compared",
        module="bodies/checksums.py",
        before="if wanted is not None and wanted != found:",
        after="if False:",
    ),
    Promise(
        name="a body that changed is not stored",
        module="bodies/source.py",
        before="        if changed:\n",
        after="        if False:\n",
    ),
    Promise(
        name="a read is compared with the checksum that is known",
        module="bodies/checksums.py",
        before="if expected.value != found:",
        after="if False:",
    ),
    Promise(
        name="keys: no way up",
        module="keys.py",
        before=r"(?:^|/)\.{0,2}(?:/|$)",
        after=r"(?:^|/)\.{0,1}(?:/|$)",
    ),
    Promise(
        name="keys: no control character",
        module="keys.py",
        before='    if found:\n        raise InvalidKeyError(\n            f"a {what} holds no control',
        after='    if False:\n        raise InvalidKeyError(\n            f"a {what} holds no control',
    ),
    Promise(
        name="scope: no key outside",
        module="storage/*.py",
        before="full = self.prefix.key(key)",
        after="full = ObjectKey(key)",
    ),
    Promise(
        name="scope: no listing outside",
        module="storage/*.py",
        before="full = Prefix(self.prefix + Prefix(prefix))",
        after="full = Prefix(prefix)",
    ),
    Promise(
        name="rules: the limit of size",
        module="storage/*.py",
        before="if size > self.limit:",
        after="if size > self.limit + 1:",
    ),
    Promise(
        name="rules: the allowed types",
        module="policy.py",
        before="        if last not in self.extensions:\n            return last\n",
        after="",
    ),
    Promise(
        name="rules: written once",
        module="storage/*.py",
        before="            if options.mode is not PutMode.CREATE:\n"
        "                options = replace(options, mode=PutMode.CREATE)\n",
        after="",
    ),
    Promise(
        name="rules: only what is declared",
        module="storage/*.py",
        before="if capability not in self.info.capabilities:",
        after="if False:",
    ),
    Promise(
        name="states: the MAC",
        module="storage/states.py",
        before="hmac.compare_digest(_mac(key, state), mac)",
        after="True",
    ),
    Promise(
        name="signed: the size that arrived",
        module="storage/signed.py",
        before="if options.size is not None and info.size != options.size:",
        after="if False:",
    ),
    Promise(
        name="signed: the sha256 that arrived",
        module="storage/signed.py",
        before="if digest.hexdigest() != options.sha256.lower():",
        after="if False:",
    ),
    Promise(
        name="signed: another's object stays",
        module="storage/signed.py",
        before="if now.etag is None or now.etag != checked.etag:",
        after="if now.etag is None:",
    ),
    Promise(
        name="guards: bytes other than those recorded are taken away",
        module="storage/guards.py",
        before="if demanded is not None and info.sha256 != demanded:",
        after="if False:",
    ),
    Promise(
        name="tenancy: a secret opens for its organisation alone",
        module="organisations/sealing.py",
        before="parts = [scheme, organisation, record, field]",
        after="parts = [scheme, record, field]",
    ),
    Promise(
        name="retry: a body that is cut is no answer",
        module="transport/retry.py",
        before="if (code == SEND_ERROR and status >= 400) or (code and resumption",
        after="if (code and status) or (code and resumption",
    ),
    Promise(
        name="retry: what is sent once is sent once",
        module="transport/retry.py",
        before="repeated = request.idempotent and not request.once",
        after="repeated = request.idempotent",
    ),
)
