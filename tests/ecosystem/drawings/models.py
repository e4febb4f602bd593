"""Drawings, and their page in the admin."""

from django.contrib import admin
from django.db import models


class Drawing(models.Model):  # type: ignore[misc]  # Django has no types
    title = models.CharField(max_length=100)
    file = models.FileField(upload_to="drawings/")

    class Meta:
        app_label = "drawings"


admin.site.register(Drawing)
