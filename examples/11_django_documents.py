"""Django: files of models on any storage, and the documents of organisations with ranged and direct transfers.

These lines go into settings.py and urls.py of a project. KAZINEX_STORAGE_URL says where files of models are, and
`kazinex-storage setup` where an organisation keeps its documents. PUT and GET have the path
documents/files/PROJECT/DOCUMENT/REVISION/FILE; POST tickets/... and confirm beside it for direct uploads.
"""

from django.urls import include, path

from kazinex_storage.integrations.django import serve
from kazinex_storage.integrations.django_documents import document_urls

BACKEND = "kazinex_storage.integrations.django.KazinexStorage"
STORAGES = {"default": {"BACKEND": BACKEND, "OPTIONS": {"served_at": "/media/"}}}

documents = document_urls(lambda request: "org-1" if request.user.is_authenticated else None, at="/documents/")
urlpatterns = [path("documents/", include(documents)), path("media/<path:name>", serve)]
