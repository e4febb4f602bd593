"""The admin, and the files."""

from django.contrib import admin
from django.urls import path

from kazinex_storage.integrations.django import serve

urlpatterns = [
    path("admin/", admin.site.urls),
    path("media/<path:name>", serve),
    path("tenants/<path:name>", serve, {"alias": "tenants"}),
]
