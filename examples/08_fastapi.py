"""FastAPI: the HTTP API and the page Settings > Storage in an application of your own.

Run it: python examples/08_fastapi.py, then open http://127.0.0.1:8000/settings/ as olga with the password "example".
"""

import base64
import hmac

import uvicorn
from fastapi import FastAPI, HTTPException, Request

from kazinex_storage import open_organisations
from kazinex_storage.web import Caller, Member, PageSession, Role, csrf_token, roles, settings_page, storage_router

KEY, USERS = b"an example key, not a real one!!", {"olga": Role.ORG_ADMIN, "paul": Role.UPLOADER}


def role_of(request: Request, organisation: str | None, _project: str | None) -> Member | None:
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    name = base64.b64decode(sent).decode().partition(":")[0] if scheme == "Basic" else ""
    if name not in USERS or not hmac.compare_digest(base64.b64decode(sent), f"{name}:example".encode()):
        raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
    caller = Caller(name=name, cookie=True, csrf=csrf_token(KEY, name))  # browsers send passwords by themselves, too
    return Member(caller=caller, role=USERS[name]) if organisation in (None, "org-1") else None


def session_of(request: Request) -> PageSession | None:
    member = role_of(request, None, None)
    return PageSession(caller=member.caller, organisations=("org-1",)) if member else None


app = FastAPI()
app.include_router(storage_router(open_organisations(), authorise=roles(role_of)), prefix="/storage")
app.include_router(settings_page(session_of, api="/storage"), prefix="/settings")

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=8000)
