"""FastAPI: upload, ranged download, direct upload and errors for the documents of one organisation.

Set up its storage with `kazinex-storage setup`, put your own check of who may do what into `key`, and run it:
uvicorn 10_fastapi_documents:app.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response

from kazinex_storage import AsyncDocumentStore, DocumentKey, NamedDocumentStore
from kazinex_storage.integrations import starlette as kit

store = AsyncDocumentStore(NamedDocumentStore(organisation="org-1", upload_route="/direct"))
app = FastAPI(exception_handlers=kit.storage_exception_handlers())


def key(project: str, document: str, revision: str, filename: str) -> DocumentKey:
    return DocumentKey("org-1", project, document, revision, filename)


Key = Annotated[DocumentKey, Depends(key)]
FILE = "/{project}/{document}/{revision}/{filename}"


@app.put("/files" + FILE, status_code=201)
async def upload(request: Request, key: Key) -> dict[str, object]:
    return (await kit.store_body(store, key, request)).to_dict()


@app.api_route("/files" + FILE, methods=["GET", "HEAD"])
async def download(request: Request, key: Key) -> Response:
    return await kit.document_response(store, key, request)


@app.post("/tickets" + FILE)
async def begin(request: Request, key: Key) -> Response:
    return await kit.begin_direct_upload(store, key, request)


@app.post("/confirm")
async def confirm(request: Request) -> dict[str, object]:
    return (await kit.confirm_direct_upload(store, request)).to_dict()


@app.put("/direct/{token}")
async def receive(request: Request, token: str) -> Response:
    return await kit.receive_direct_upload(store, token, request)
