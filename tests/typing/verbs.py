"""The optional verbs that our providers write as exchanges are those of the contract; the type checker proves it.

That they have the required ones is proved wherever a ``Storage`` is made of one.
"""

# ruff: noqa: F841  # assigning is the proof

from __future__ import annotations

from kazinex_storage.lifting import Exchanges
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.sharepoint.provider import SharePointProvider


def the_verbs_of_parts(verbs: Exchanges, s3: S3Provider, azure: AzureBlobProvider) -> None:
    begin, put, pages, complete = verbs.begin_upload, verbs.put_part, verbs.list_parts, verbs.complete_upload
    begin, put, pages, complete = s3.begin_upload, s3.put_part, s3.list_parts, s3.complete_upload
    begin, put, pages, complete = azure.begin_upload, azure.put_part, azure.list_parts, azure.complete_upload
    find, abort, pending = verbs.find_upload, verbs.abort_upload, verbs.pending_uploads
    find, abort, pending = s3.find_upload, s3.abort_upload, s3.pending_uploads
    find, abort, pending = azure.find_upload, azure.abort_upload, azure.pending_uploads


def the_verbs_of_resuming(verbs: Exchanges, sharepoint: SharePointProvider) -> None:
    begin, resume, abort, move = verbs.begin_upload, verbs.resume_upload, verbs.abort_upload, verbs.move
    begin, resume, abort = sharepoint.begin_upload, sharepoint.resume_upload, sharepoint.abort_upload
    move = sharepoint.move


def the_other_verbs(verbs: Exchanges, s3: S3Provider, azure: AzureBlobProvider, sharepoint: SharePointProvider) -> None:
    copy, delete_many, presign = verbs.copy, verbs.delete_many, verbs.presign
    copy, delete_many, presign = s3.copy, s3.delete_many, s3.presign
    copy, delete_many, presign = azure.copy, azure.delete_many, azure.presign
    copy, delete_many, presign = sharepoint.copy, sharepoint.delete_many, sharepoint.presign
    sweep, diagnose, checks, checksum = verbs.sweep, verbs.diagnose, verbs.checks, verbs.checksum
    sweep, diagnose, checks, checksum = s3.sweep, s3.diagnose, s3.checks, s3.checksum
    sweep, diagnose = sharepoint.sweep, sharepoint.diagnose
    diagnose, checks = azure.diagnose, azure.checks
