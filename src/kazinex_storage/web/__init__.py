"""The storage settings and documents of organisations as an HTTP API: ``storage_router`` is mounted by any FastAPI app.

The host says who may do what (``access.Authorise``); the default refuses everything. Needs the extra ``web``. Read
``router.py`` for the routes and ``route.py`` for what every request passes through.
"""

from __future__ import annotations

try:
    import fastapi as _fastapi  # noqa: F401  # said once, here, instead of by the first module that needs it
except ModuleNotFoundError as _error:
    from ..errors import SettingsError

    raise SettingsError("the HTTP API needs FastAPI; pip install 'kazinex-storage[web]'") from _error

from .access import ALLOWED as ALLOWED
from .access import Action as Action
from .access import Authorise as Authorise
from .access import Caller as Caller
from .access import Member as Member
from .access import Role as Role
from .access import deny as deny
from .access import roles as roles
from .connecting import SharePointConnect as SharePointConnect
from .csrf import csrf_token as csrf_token
from .limits import Limits as Limits
from .router import storage_router as storage_router
from .settings_page import PageSession as PageSession
from .settings_page import settings_page as settings_page

__all__ = [
    "ALLOWED",
    "Action",
    "Authorise",
    "Caller",
    "Limits",
    "Member",
    "PageSession",
    "Role",
    "SharePointConnect",
    "csrf_token",
    "deny",
    "roles",
    "settings_page",
    "storage_router",
]
