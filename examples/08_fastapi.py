"""FastAPI: the HTTP API and the page Settings > Storage in an application of your own.

Run it: python examples/08_fastapi.py, then open http://127.0.0.1:8000/settings/ as olga with the password "example".
"""

import base64
import hmac

import uvicorn
from fastapi import FastAPI, HTTPException, Request

from kazinex_storage import open_organisations, web

KEY = b"an example key, not a real one!!"
USERS = {"olga": web.Role.ORG_ADMIN, "paul": web.Role.UPLOADER}


def role_of(request: Request, organisation: str | None, _project: str | None) -> web.Member | None:
    given = request.headers.get("Authorization", "").encode()
    for name, role in USERS.items():
        if hmac.compare_digest(given, b"Basic " + base64.b64encode(f"{name}:example".encode())):
            caller = web.Caller(name=name, cookie=True, csrf=web.csrf_token(KEY, name))  # browsers repeat passwords
            return web.Member(caller=caller, role=role) if organisation in (None, "org-1") else None
    raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})


def session_of(request: Request) -> web.PageSession | None:
    if (member := role_of(request, None, None)) is None:
        return None
    return web.PageSession(caller=member.caller, organisations=("org-1",), actions=web.ALLOWED[member.role])


app = FastAPI()
app.include_router(web.storage_router(open_organisations(), authorise=web.roles(role_of)), prefix="/storage")
app.include_router(web.settings_page(session_of, api="/storage"), prefix="/settings")

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=8000)
